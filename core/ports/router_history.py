"""What monitoring keeps of routers: the last look, the looks before it, and what was told."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from core.domain.capacity import Peak
from core.domain.hotspot import Router
from core.domain.router_watch import Telling
from core.domain.routers import Interface, LogLine, Resource

LOG_KEPT = 50
"""So many warnings of a router are kept, the latest."""


@dataclass(frozen=True, slots=True)
class LastLook:
    """What the last look that was answered found. Times are ours.

    Attributes:
        at: When it was answered; None: it never was.
        took_ms: How long the answer took.
        drift_s: How far the router's clock is ahead of ours.
        rx_bps, tx_bps: Of the interface that carried most since the look before.
        warnings: The latest lines of its log that warn or tell of an error, codes masked.
        log_mark: Names the last line that was read of its log.
        looks: How many were answered; every so many of them ask for more.
    """

    at: dt.datetime | None = None
    took_ms: int = 0
    resource: Resource | None = None
    drift_s: int | None = None
    active_users: int = 0
    rx_bps: int = 0
    tx_bps: int = 0
    addresses_used: int = 0
    addresses_total: int = 0
    interfaces: Sequence[Interface] = ()
    warnings: Sequence[LogLine] = ()
    log_mark: str = ""
    looks: int = 0

    @property
    def memory_used_percent(self) -> int:
        if self.resource is None or not self.resource.memory_total:
            return 0
        free = min(1.0, self.resource.memory_free / self.resource.memory_total)
        return round(100 * (1 - free))


@dataclass(frozen=True, slots=True)
class Watched:
    """A router as monitoring knows it.

    Attributes:
        misses: Looks in a row that were not answered.
        missed: Why the last one was not, a short stable word; "" when it was.
        told: What operators were told of it, by the kind of alert.
    """

    router: Router
    misses: int = 0
    missed: str = ""
    last: LastLook = field(default_factory=LastLook)
    told: Mapping[str, Telling] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look came to, to be kept.

    Attributes:
        answered: Whether `watched.last` is of this look; else only its misses are new.
        warnings: How many lines of its log warned since they were read before.
        next_at: When to look again.
    """

    watched: Watched
    at: dt.datetime
    answered: bool
    warnings: int
    next_at: dt.datetime


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """A stretch of time: one look, or an hour of them. Highest figures, and means where told.

    Attributes:
        looks, answered: How many there were.
        cpu_mean: In percent; `memory_used_max` too.
    """

    at: dt.datetime
    looks: int
    answered: int
    active_users_max: int
    rx_bps_max: int
    tx_bps_max: int
    cpu_mean: float
    cpu_max: int
    memory_used_max: int
    addresses_used_max: int
    warnings: int


@dataclass(frozen=True, slots=True)
class DailyPeaks:
    """The busiest moment of each day, by what may run out; days in UTC."""

    active_users: Sequence[Peak] = ()
    bandwidth: Sequence[Peak] = ()
    addresses: Sequence[Peak] = ()


class RouterHistory(Protocol):
    """Looks at routers. `claim` and `keep` are a worker's, the rest is read by the tenant."""

    async def claim(
        self, holder: str, count: int, lease_s: float, *, stray_s: float
    ) -> Sequence[Watched]:
        """Routers of all tenants whose look is due, for the caller alone until the lease ends.

        One that another holder looked at last is left to it until the look is `stray_s` late: its
        connection is open there.
        """
        ...

    async def keep(self, look: Look) -> None:
        """Keep what was found, and add it to the history."""
        ...

    async def last(self, tenant_id: UUID, router_id: UUID) -> Watched | None: ...

    async def looks(
        self, tenant_id: UUID, router_id: UUID, since: dt.datetime, until: dt.datetime
    ) -> Sequence[HistoryPoint]:
        """One by one, the earliest first, at most some thousands."""
        ...

    async def hours(
        self, tenant_id: UUID, router_id: UUID, since: dt.datetime, until: dt.datetime
    ) -> Sequence[HistoryPoint]:
        """By the hour, the earliest first."""
        ...

    async def peaks(self, tenant_id: UUID, router_id: UUID, since: dt.datetime) -> DailyPeaks:
        """Of days that are over and of today."""
        ...

    async def look_at(self, tenant_id: UUID, router_id: UUID, at: dt.datetime) -> None:
        """Have it looked at then."""
        ...

    async def prune(self, looks_before: dt.datetime, hours_before: dt.datetime, count: int) -> int:
        """Forget up to so many of each from before then; how many went."""
        ...
