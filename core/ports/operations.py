"""What people who run the shop are told, and what only they can settle."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.domain.vending import Product


class AlertKind(StrEnum):
    """What an operator is woken for."""

    FLOAT_LOW = "float_low"
    BREAKER_OPEN = "breaker_open"
    PROVIDER_DOWN = "provider_down"  # it answers no check, and delivers nothing either
    OUTAGE = "outage"  # a product could not be sold by anybody for too long: its sale pauses
    MISMATCH = "mismatch"  # our books and somebody's records differ
    STUCK = "stuck"  # orders or payouts wait for a person
    CHANNEL = "channel"  # a chat channel refuses what it is sent
    SUSPICIOUS = "suspicious"  # somebody tries PINs or codes; ends by itself after a day
    ROUTER = "router"  # a hotspot router refuses, was reset, or must not be brought in line alone
    PARKED = "parked"  # what customers wrote failed whenever it was taken up
    DEAD_LETTER = "dead_letter"  # customers could not be told something, by no route
    ROUTER_OFFLINE = "router_offline"
    ROUTER_ATTENTION = "router_attention"  # only a person can put it right
    ROUTER_FULL = "router_full"  # near one of its limits: it sells nothing new
    ROUTER_CLOCK = "router_clock"
    GIFT_SEED = "gift_seed"  # no key opens a gift room's seed or answer


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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider of one product has been doing for one tenant.

    Attributes:
        score: 0 to 1, higher is better: success 0.4, speed 0.3, uptime 0.2, errors 0.1.
        float_minor: Our money there when it was last read, None where nobody could say.
        float_at: When that was.
    """

    tenant_id: UUID
    product: Product
    provider: str
    score: float
    float_minor: int | None = None
    float_currency: str | None = None
    float_at: dt.datetime | None = None


class Standings(Protocol):
    """What the router ranks by. Read every second or so by every process: cheap."""

    async def all(self) -> Sequence[Standing]:
        """Of all tenants."""
        ...

    async def paused(self) -> Collection[tuple[UUID, Product]]:
        """Products whose sale is paused, by tenant."""
        ...
