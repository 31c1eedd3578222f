"""A customer who talks to a person instead of the menus."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from core.kit.msisdn import Msisdn

CUSTOMER = "customer"
PROGRAM = "callbox"
"""Who says something, beside operators and tokens."""


class LiveState(StrEnum):
    WAITING = "waiting"  # nobody has taken it yet
    TAKEN = "taken"
    CLOSED = "closed"


class Heard(StrEnum):
    """Where a message stands on its way."""

    HEARD = "heard"  # the customer said it
    WAITING = "waiting"  # it is on its way to the customer
    SENT = "sent"
    FAILED = "failed"  # it will never arrive; `why` tells


class Reached(StrEnum):
    """Whom something reached that a customer wrote."""

    OPERATORS = "operators"
    NOBODY = "nobody"  # they wrote more than they may, and are told so
    MENUS = "menus"  # it is not for a person


class Parted(StrEnum):
    """Why an account is the customer's no more, in place of who closed a chat that this ended."""

    UNLINKED = "unlinked"
    REPLACED = "replaced"
    RELEASED = "released"

    @property
    def told(self) -> str:
        """As operators are told."""
        return _PARTED[self]


_PARTED = {
    Parted.UNLINKED: "this account was taken off the customer",
    Parted.REPLACED: "another account of the customer took this one's place",
    Parted.RELEASED: "the number was given free",
}


@dataclass(frozen=True, slots=True)
class LiveChat:
    """One talk with a person.

    Attributes:
        code: What operators call it.
        channel: The kind of channel the customer is on: `telegram`.
        taken_by: Who answers: `operator:Ada`.
        operator_chat: The chat of the operators' bot where it is answered, if that is where.
        closed_by: `customer`, `callbox` (it was idle), a `Parted`, or an operator.
    """

    id: UUID
    tenant_id: UUID
    code: str
    customer_id: UUID
    msisdn: Msisdn = field(repr=False)
    channel: str
    language: str
    state: LiveState
    taken_by: str | None
    operator_chat: int | None
    opened_at: dt.datetime
    last_at: dt.datetime
    taken_at: dt.datetime | None
    closed_at: dt.datetime | None
    closed_by: str | None


@dataclass(frozen=True, slots=True)
class LiveMessage:
    """One thing that was said there. `author`: `customer`, `callbox`, an operator or a token."""

    id: UUID
    author: str
    text: str = field(repr=False)
    state: Heard
    why: str | None
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Answering:
    """Something to be sent to a customer, leased to one worker. `text`: None if no key opens it."""

    id: UUID
    tenant_id: UUID
    chat_id: UUID
    channel_id: UUID
    identity: str
    text: str | None = field(repr=False)
    tries: int


@dataclass(frozen=True, slots=True)
class Post:
    """What a chat of the operators' bot is to be told: of which chat, and which message in it.

    `kind` is `opened`, `message`, `taken`, `closed` or `failed`.
    """

    id: int
    tenant_id: UUID
    chat_id: int
    kind: str
    at: dt.datetime
    chat: LiveChat
    message: LiveMessage | None
