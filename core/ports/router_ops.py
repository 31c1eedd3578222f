"""The work that routers are owed, and who may do it."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.domain.hotspot import HotspotPlan, Terms
from core.domain.routers import RouterAccess
from core.domain.vouchers import Desired, Priority, SaleState, SyncState, Usage
from core.ports.vouchers import NewCode


@dataclass(frozen=True, slots=True)
class RouterLease:
    """One router, for one worker. `fence` grows with each lease: an older one is refused."""

    router_id: UUID
    tenant_id: UUID
    name: str
    access: RouterAccess
    server: str
    serial: str
    fence: int
    failures: int


@dataclass(frozen=True, slots=True)
class Task:
    """One thing that a router is owed.

    Attributes:
        base: What was used before the router's counters began.
        used: What was used in all, as far as we saw.
        tries: This one included.
    """

    voucher_id: UUID
    rev: int
    desired: Desired
    priority: Priority
    sale_state: SaleState
    terms: Terms
    base: Usage
    used: Usage
    sealed: bytes = field(repr=False)
    tries: int


@dataclass(frozen=True, slots=True)
class Refill:
    """A plan that a router should have more of in stock."""

    plan: HotspotPlan
    missing: int


class Fared(StrEnum):
    """What became of a task."""

    APPLIED = "applied"  # the router is as desired
    UNKNOWN = "unknown"
    AGAIN = "again"  # provably nothing happened, and it passes by itself
    BLOCKED = "blocked"  # provably nothing happened, and it takes a person
    COLLISION = "collision"  # somebody else's user has the name


@dataclass(frozen=True, slots=True)
class TaskReport:
    task: Task
    fared: Fared
    error: str = ""
    again_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Expected:
    """What the books say of one voucher of a router, to compare with."""

    voucher_id: UUID
    rev: int
    desired: Desired
    sync_state: SyncState
    sale_state: SaleState
    owed: bool  # work for it is waiting
    terms: Terms
    base: Usage
    used: Usage
    logged_in: bool
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was seen of one voucher's use, in all. `online_s` of a running session included."""

    voucher_id: UUID
    used: Usage
    logged_in: bool
    over: bool = False  # nothing is left of it


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing a router with the books came to.

    Attributes:
        missing: Should be there and are not: made again with what is left.
        differing: There, and not as they should be.
        extra: There, and should not be.
        used: Counters that changed.
        reset: The router has lost them all, or is another box.
    """

    started_at: dt.datetime
    missing: Sequence[UUID] = ()
    differing: Sequence[UUID] = ()
    extra: Sequence[UUID] = ()
    used: Sequence[Snapshot] = ()
    serial: str = ""
    reset: bool = False


class Fenced(Exception):
    """The lease is somebody else's by now: stop, and change nothing."""


class RouterOps(Protocol):
    """The work that routers are owed. All but `claim` and `wake` raise `Fenced`."""

    async def claim(self, holder: str, count: int, lease_s: float) -> Sequence[RouterLease]:
        """Routers, of all tenants, that something is owed to now and that nobody works on."""
        ...

    async def keep(self, lease: RouterLease, lease_s: float) -> bool:
        """Prolong it. True when the router is due to be compared."""
        ...

    async def take(
        self,
        lease: RouterLease,
        count: int,
        priorities: Collection[Priority],
        busy: Collection[UUID],
    ) -> Sequence[Task]:
        """The next tasks, most urgent first, written down as under way. None of those `busy`."""
        ...

    async def report(self, lease: RouterLease, reports: Sequence[TaskReport]) -> None:
        """Book what became of tasks, with the money and the notices that follow."""
        ...

    async def refills(self, lease: RouterLease) -> Sequence[Refill]: ...

    async def refill(self, lease: RouterLease, refill: Refill, codes: Sequence[NewCode]) -> None:
        """Make stock of these codes. Without any, there is enough."""
        ...

    def seal(self, tenant_id: UUID, codes: Sequence[str]) -> list[NewCode]:
        """Codes as they are kept."""
        ...

    def code(self, task: Task | Expected) -> str:
        """The code itself. Raises `Unreadable` where no present key opens it."""
        ...

    async def expected(self, lease: RouterLease) -> Sequence[Expected]:
        """Every voucher that the router has or should have, by the books."""
        ...

    async def gone(self, lease: RouterLease, codes: Sequence[str]) -> Sequence[Expected]:
        """The vouchers of these codes that, by the books, the router has no more."""
        ...

    async def may_let_go(self, lease: RouterLease) -> int:
        """How many of our users may be removed at once, by an operator's word."""
        ...

    async def compared(self, lease: RouterLease, found: Compared, next_at: dt.datetime) -> None:
        """Book it, and write the work that follows."""
        ...

    async def rest(self, lease: RouterLease, until: dt.datetime, *, failed: bool) -> None:
        """Give it back, to be left alone until then."""
        ...

    async def give_back(self, lease: RouterLease) -> None: ...

    async def wake(self, tenant_id: UUID, router_id: UUID) -> None:
        """Work on it now, what was blocked included, and compare it."""
        ...

    async def online(self, tenant_id: UUID, router_id: UUID, users: Sequence[str]) -> None:
        """Somebody is online under these names, as whoever looked between two comparisons saw.

        The first login begins a voucher's validity, and proves that it works. Names that are no
        codes of ours change nothing.
        """
        ...
