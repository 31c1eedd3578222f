"""People who run the shop from a chat: who they are, and what each may do."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """What an operator may do, the least first: each may do what those before it may."""

    VIEWER = "viewer"  # looks
    SUPPORT = "support"  # talks to customers, asks for refunds and settlements
    APPROVER = "approver"  # confirms them
    ADMIN = "admin"  # makes and removes operators

    def may(self, least: "Role") -> bool:
        """Whether this is that role, or one that may do more."""
        ranks = tuple(Role)
        return ranks.index(self) >= ranks.index(least)


@dataclass(frozen=True, slots=True)
class Operator:
    """One of them. `tenant`: what the business is called. Without `telegram_id` not joined yet."""

    id: UUID
    tenant_id: UUID
    name: str
    role: Role
    telegram_id: int | None
    tenant: str
    created_at: dt.datetime
    joined_at: dt.datetime | None

    @property
    def actor(self) -> str:
        """As events name them."""
        return f"operator:{self.name}"


@dataclass(frozen=True, slots=True)
class Told:
    """How far a chat was told of alerts. See `operator_chats`.

    Attributes:
        since: Changes up to this one were before its time.
        to: The highest change that it was told of.
        late: Those near `to` that it was told of: lower ones may still come to light.
    """

    since: int
    to: int
    late: frozenset[int]

    def and_now(self, changes: "tuple[int, ...]", overlap: int) -> "Told":
        to = max((self.to, *changes))
        kept = frozenset(change for change in self.late | set(changes) if change > to - 2 * overlap)
        return Told(self.since, to, kept)


@dataclass(frozen=True, slots=True)
class ToldChat:
    """A chat of the operators' bot with something to be told, held by one process for a while."""

    chat_id: int
    tenant_id: UUID
    time_zone: str
    subscribed: bool
    told: Told


class Asking(StrEnum):
    """What may be asked for and must be confirmed."""

    REFUND = "refund"  # of an order
    PAID = "paid"  # a payout's bank account got the money
    UNPAID = "unpaid"  # it did not


class RequestState(StrEnum):
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class NewRequest:
    """What an operator asks for. The same `id` again is the same request."""

    id: UUID
    operator: Operator
    asking: Asking
    reference: str
    words: str
    chat_id: int
    asked_at: dt.datetime
    expires_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for, and what became of it.

    Attributes:
        asked_by, decided_by: Names of operators.
        asker_id, decider_id: The same, by id.
        chat_id: Where it was asked.
        outcome: What came of doing it, in words; None while it is not done.
    """

    id: UUID
    tenant_id: UUID
    asking: Asking
    reference: str
    words: str
    asker_id: UUID
    asked_by: str
    chat_id: int
    asked_at: dt.datetime
    expires_at: dt.datetime
    state: RequestState
    decider_id: UUID | None
    decided_by: str | None
    outcome: str | None
