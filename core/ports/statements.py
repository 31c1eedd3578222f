"""What others write down of our dealings with them: statements, settlements, our book of both."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable
from uuid import UUID

from core.domain.reconciliation import (
    Difference,
    DifferenceKind,
    FloatEquation,
    LineState,
    OurRecord,
    Side,
    StatementLine,
)
from core.domain.vending import Product, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.ports.administration import Paging

__all__ = [
    "AskedAttempt",
    "DayRun",
    "FloatReading",
    "LineState",
    "NoStatement",
    "Party",
    "ReconciliationBook",
    "Settlement",
    "Settlements",
    "StatementLine",
    "Statements",
    "Unread",
]


class Unread(Fault):
    """A statement that could not be read whole: it proves nothing, least of all what is missing."""


class NoStatement(Fault):
    """This party lists nothing: it can only be asked about one transaction at a time."""


@runtime_checkable
class Statements(Protocol):
    """What a provider or a payment gateway may be able to do besides: list its side of a day."""

    async def statement(self, since: dt.datetime, until: dt.datetime) -> Sequence[StatementLine]:
        """Every transaction of ours there from `since` until before `until`.

        It may hold some of before and after: a party that counts in days of its own time zone is
        asked for whole days. Pages are followed to the end, no more of them than are plausible.

        Raises:
            Unread: a page did not come, could not be read, or there was no end to them.
            NoStatement: it lists nothing, which shows only now.
        """
        ...


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a gateway paid out to us in one go.

    Attributes:
        reference: The gateway's own.
        gross: What customers had paid.
        fee: What the gateway kept of it.
        net: What our bank got.
    """

    reference: str
    at: dt.datetime | None
    gross: Money
    fee: Money
    net: Money


@runtime_checkable
class Settlements(Protocol):
    """What a payment gateway may be able to do besides: list what it paid out to us."""

    async def settlements(self, since: dt.datetime, until: dt.datetime) -> Sequence[Settlement]:
        """Every payout of that time.

        Raises:
            Unread: as of a statement.
        """
        ...


@dataclass(frozen=True, slots=True)
class Party:
    """Whose records ours are held against: a provider (vends) or a gateway (payments)."""

    side: Side
    name: str


@dataclass(frozen=True, slots=True)
class AskedAttempt:
    """An attempt as a party that lists nothing is asked about it, one by one."""

    record: OurRecord
    product: Product
    via: str
    vend: Vend


@dataclass(frozen=True, slots=True)
class FloatReading:
    """What a provider said of our float at that time."""

    provider: str
    at: dt.datetime
    balance: Money


@dataclass(frozen=True, slots=True)
class DayRun:
    """The reconciliation of one day with one party.

    Attributes:
        day: In the tenant's time zone.
        state: `running`, `done`, or `unread`: their records could not be read whole.
        lines: Of their statement, as far as they are of that day.
        matched: Records of ours that agree with theirs.
        differences: Those that are open.
        totals: Sums and the float equation, money in minor units.
        why: What could not be read.
        leased_until: Until then whoever started it works at it.
    """

    id: UUID
    tenant_id: UUID
    party: Party
    day: dt.date
    state: str
    lines: int
    matched: int
    differences: int
    totals: dict[str, object]
    why: str | None
    leased_until: dt.datetime | None
    started_at: dt.datetime
    ended_at: dt.datetime | None
    runs: int = 1
    found: Sequence["FoundDifference"] = ()


@dataclass(frozen=True, slots=True)
class FoundDifference:
    """A difference as it is kept, open or closed. `seen` counts the runs that found it."""

    kind: DifferenceKind
    subject: str
    our_reference: str | None
    their_reference: str | None
    ours_minor: int | None
    theirs_minor: int | None
    currency: str
    facts: dict[str, object]
    state: str
    seen: int
    opened_at: dt.datetime
    closed_at: dt.datetime | None


class ReconciliationBook(Protocol):
    """Our side of every day, and what came of comparing it."""

    async def lease(
        self, tenant_id: UUID, party: Party, day: dt.date, lease_s: float
    ) -> DayRun | None:
        """Begin the day with this party, or begin it again; None while somebody else is at it."""
        ...

    async def keep_lease(self, run: DayRun, lease_s: float) -> DayRun | None:
        """Hold it for longer. None when it ran out, and somebody else has begun anew."""
        ...

    async def attempts(
        self, tenant_id: UUID, provider: str, since: dt.datetime, until: dt.datetime
    ) -> Sequence[AskedAttempt]:
        """Every attempt that may have reached the provider, of that time."""
        ...

    async def attempts_named(
        self, tenant_id: UUID, provider: str, references: Sequence[str]
    ) -> Sequence[AskedAttempt]:
        """The same, of any time, by the references that the provider knows them by."""
        ...

    async def payments(
        self, tenant_id: UUID, gateway: str, since: dt.datetime, until: dt.datetime
    ) -> Sequence[OurRecord]:
        """Every payment that was booked or held up, of that time."""
        ...

    async def payments_named(
        self, tenant_id: UUID, gateway: str, transactions: Sequence[str]
    ) -> Sequence[OurRecord]:
        """The same, of any time, by the gateway's own ids."""
        ...

    async def owners(self, party: Party, references: Sequence[str]) -> dict[str, UUID]:
        """Whose these references are, of all tenants: who shares an account sees each other's."""
        ...

    async def begun(self, tenant_id: UUID, days: Sequence[dt.date]) -> Sequence[DayRun]:
        """Runs of those days, without their differences."""
        ...

    async def parties_of(
        self, tenant_id: UUID, since: dt.datetime, until: dt.datetime
    ) -> Sequence[Party]:
        """Whom we dealt with in that time."""
        ...

    async def finish(
        self,
        run: DayRun,
        *,
        state: str,
        why: str | None,
        lines: int,
        matched: int,
        totals: dict[str, object],
        differences: Sequence[Difference],
    ) -> DayRun | None:
        """Write down what came of it, and end the lease, in one commit.

        `differences` takes the place of what earlier runs of this day found: what is there no more
        is closed, unless `state` is `unread`. None as the answer when the lease was lost.
        """
        ...

    async def runs(
        self,
        tenant_id: UUID,
        paging: Paging,
        *,
        day: dt.date | None = None,
        party: str | None = None,
    ) -> Sequence[DayRun]:
        """Without their differences, the latest first; one more than a page."""
        ...

    async def run_count(
        self, tenant_id: UUID, *, day: dt.date | None = None, party: str | None = None
    ) -> int: ...

    async def run(self, tenant_id: UUID, run_id: UUID) -> DayRun | None:
        """With its differences."""
        ...

    async def add_reading(self, tenant_id: UUID, reading: FloatReading) -> None: ...

    async def reading_from(
        self, tenant_id: UUID, provider: str, at: dt.datetime
    ) -> FloatReading | None:
        """The first that was taken then or later."""
        ...

    async def float_moved(
        self, tenant_id: UUID, opening: FloatReading, closing: FloatReading
    ) -> FloatEquation:
        """What our books say happened to the float between two readings."""
        ...
