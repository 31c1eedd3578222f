"""What is kept of how providers do, of alerts, and of paused sales."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from core.domain.circuits import CircuitKey
from core.domain.vending import Product
from core.kit.money import Money
from core.ports.administration import Paging
from core.ports.operations import Alert, AlertKind


@dataclass(frozen=True, slots=True)
class CheckMade:
    """One answer of a provider to the harmless question for our float.

    Attributes:
        keys: All that is bought through the account that was asked.
        via: Names that account, as attempts do.
        next_at: When to ask again.
    """

    keys: Sequence[CircuitKey]
    via: str
    ok: bool
    took_ms: int
    why: str | None
    float_balance: Money | None
    at: dt.datetime
    next_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What the vends of the window came to. See `core.domain.scoring.Samples`.

    Attributes:
        recent_well, recent_failed, recent_float_low: Of the last minutes: sent and well, sent and
            not, refused for want of our money.
        errors: How often each `result:reason` was the first answer.
    """

    vends: int = 0
    delivered: int = 0
    failed: int = 0
    unreadable: int = 0
    recent_well: int = 0
    recent_failed: int = 0
    recent_float_low: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    p99_ms: float | None = None
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A provider of one product, looked over."""

    key: CircuitKey
    figures: Figures
    uptime: float | None
    score: float
    place: int


@dataclass(frozen=True, slots=True)
class Known:
    """All that is known of a provider of one product, as it was last checked and looked over.

    Attributes:
        via: The account that was checked.
        place: By score among those who sell the product, from 1.
    """

    key: CircuitKey
    via: str | None
    checked_at: dt.datetime | None
    check_ok: bool | None
    check_ms: int | None
    check_why: str | None
    float_balance: Money | None
    float_at: dt.datetime | None
    uptime: float | None
    vends: int
    delivered: int
    failed: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    errors: Mapping[str, int]
    score: float | None
    place: int | None
    reviewed_at: dt.datetime | None


class CheckBook(Protocol):
    async def claim(
        self, accounts: Mapping[CircuitKey, str], lease_s: float
    ) -> Collection[CircuitKey]:
        """Those of these that are due to be checked, for the caller alone; they come due again.

        With each goes the `via` of the account: one that has changed is due at once, and what was
        known of the one before is forgotten.
        """
        ...

    async def note(self, check: CheckMade) -> None: ...


class ReviewBook(Protocol):
    async def turn(self, count: int, every_s: float) -> Sequence[UUID]:
        """Tenants that are due to be looked over, for the caller alone, until `every_s` later."""
        ...

    async def figures(
        self, tenants: Sequence[UUID], since: dt.datetime, recent: dt.datetime
    ) -> Mapping[CircuitKey, Figures]:
        """Of vends sent since then. "Recent" ones are those sent since `recent`."""
        ...

    async def uptimes(
        self, tenants: Sequence[UUID], since: dt.datetime
    ) -> Mapping[CircuitKey, tuple[int, int]]:
        """How many checks there were, and how many of them went well."""
        ...

    async def known(self, tenant_id: UUID) -> Mapping[CircuitKey, Known]: ...

    async def reviewed(self, rows: Sequence[Reviewed]) -> None: ...

    async def prune(self, before: dt.datetime, count: int) -> int:
        """Forget up to so many checks made before then; answers how many."""
        ...

    async def backlog(self, before: dt.datetime) -> Sequence[UUID]:
        """Tenants with orders that were due by then and wait for a worker."""
        ...


class SaleBook(Protocol):
    """Pauses of the sale of a product."""

    async def trouble(self, tenant_id: UUID, product: Product, after_s: float) -> bool:
        """Nobody can deliver it. Paused once that has lasted so long; answers whether it is."""
        ...

    async def well(self, tenant_id: UUID, product: Product) -> int:
        """Somebody can. Ends the pause, and leaves a notice for those it turned away: how many."""
        ...

    async def turn_away(self, tenant_id: UUID, product: Product, customer_id: UUID) -> bool:
        """Remember who wanted it, once. False where the sale is not paused."""
        ...


@dataclass(frozen=True, slots=True)
class AlertRecord:
    """An alert as it stands. `change` grows with every opening and closing of any."""

    id: UUID
    tenant_id: UUID
    kind: AlertKind
    key: str
    subject: str
    facts: Mapping[str, str | int | float]
    opened_at: dt.datetime
    closed_at: dt.datetime | None
    change: int


AlertStatus = Literal["open", "closed"]


class AlertBook(Protocol):
    async def open(self, alert: Alert) -> bool:
        """True when it is new: while one of its key is open, there is no other."""
        ...

    async def close(self, tenant_id: UUID, key: str) -> AlertRecord | None:
        """The alert that this closed; None where none was open."""
        ...

    async def standing(
        self, tenant_id: UUID, kinds: Collection[AlertKind]
    ) -> Sequence[AlertRecord]:
        """Those of these kinds that are open."""
        ...

    async def listed(
        self, tenant_id: UUID, status: AlertStatus | None, paging: Paging
    ) -> Sequence[AlertRecord]:
        """One page and the row after it, the latest first unless asked otherwise."""
        ...

    async def count(self, tenant_id: UUID, status: AlertStatus | None) -> int: ...

    async def newer(self, tenant_id: UUID, change: int, count: int) -> Sequence[AlertRecord]:
        """What changed after that change, in the order of changes."""
        ...

    async def newest(self, tenant_id: UUID) -> int:
        """The last change there was, 0 where there was none."""
        ...
