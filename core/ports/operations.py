"""What people who run the shop are told, and what only they can settle."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class AlertKind(StrEnum):
    """What an operator is woken for."""

    FLOAT_LOW = "float_low"
    BREAKER_OPEN = "breaker_open"
    OUTAGE = "outage"  # a product could not be sold by anybody for too long: its sale pauses
    MISMATCH = "mismatch"  # our books and somebody's records differ
    STUCK = "stuck"  # orders or payouts wait for a person


@dataclass(frozen=True, slots=True)
class Alert:
    """Something is wrong until it is closed.

    Attributes:
        key: Names the trouble: the same key is the same trouble, told once while it lasts.
        subject: What it is about, in words: `airtime of vtpass`.
        facts: More about it, no secrets, no customer's number.
    """

    tenant_id: UUID
    kind: AlertKind
    key: str
    subject: str
    facts: Mapping[str, str | int | float] = field(default_factory=dict)


class Alerts(Protocol):
    """The stream of alerts that operators follow. Told on transitions only."""

    async def open(self, alert: Alert) -> bool:
        """True when it is new: an open one of the same key stays as it is."""
        ...

    async def close(self, tenant_id: UUID, key: str) -> bool:
        """True when it was open."""
        ...


@dataclass(frozen=True, slots=True)
class NewCase:
    """A matter for a person.

    Attributes:
        key: The same key is the same matter: opened once.
        kind: `order_in_doubt`, `payout_in_doubt`, `payment_held_up`, `statement_difference`, ...
        subject: Our reference of what it is about.
        facts: What is known, no secrets.
    """

    tenant_id: UUID
    kind: str
    key: str
    subject: str
    facts: Mapping[str, object] = field(default_factory=dict)


class Cases(Protocol):
    """The queue of what only a person can settle."""

    async def open(self, case: NewCase) -> bool:
        """True when it is new; one that was closed before stays closed."""
        ...
