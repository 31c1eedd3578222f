"""How a router fares: what monitoring measured last, the history, and when it fills up.

Nothing here asks a router: all is read from what monitoring keeps, with its age.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from core.domain.capacity import DAYS_USED, Forecast, Peak, forecast, in_words
from core.domain.hotspot import NEAR, Router
from core.kit.clock import Clock
from core.ports.router_history import HistoryPoint, RouterHistory, Watched
from core.services.router_desk import UnknownRouter

_MBIT = 1_000_000
_LOOKS_WITHIN = dt.timedelta(days=2)
"""Longer stretches of the history are told by the hour."""


@dataclass(frozen=True, slots=True)
class Room:
    """One thing that may run out.

    Attributes:
        name: `active_users`, `bandwidth` or `addresses`.
        taken, most: Now; `most` is None where there is no limit.
        part: How much of it is taken; 1.0 is all.
        near: So near that the router sells nothing new.
        words: The forecast in one plain sentence.
    """

    name: str
    taken: int
    most: int | None
    part: float
    near: bool
    forecast: Forecast
    words: str


class RouterFigures:
    def __init__(self, history: RouterHistory, clock: Clock) -> None:
        self._history = history
        self._clock = clock

    async def last(self, tenant_id: UUID, router_id: UUID) -> Watched:
        """Raises `UnknownRouter`."""
        found = await self._history.last(tenant_id, router_id)
        if found is None:
            raise UnknownRouter
        return found

    def age_s(self, watched: Watched) -> int | None:
        """How old the figures are, in seconds; None where it never answered."""
        at = watched.last.at
        return None if at is None else round((self._clock.now() - at).total_seconds())

    async def history(
        self, tenant_id: UUID, router_id: UUID, hours: float
    ) -> tuple[str, Sequence[HistoryPoint]]:
        """The last hours: `look` by look, or where it is long by the `hour`; and which of them."""
        until = self._clock.now() + dt.timedelta(seconds=1)
        since = until - dt.timedelta(hours=hours)
        if until - since <= _LOOKS_WITHIN:
            return "look", await self._history.looks(tenant_id, router_id, since, until)
        return "hour", await self._history.hours(tenant_id, router_id, since, until)

    async def capacity(self, tenant_id: UUID, router_id: UUID) -> Sequence[Room]:
        """What may run out, and when. Raises `UnknownRouter`."""
        watched = await self.last(tenant_id, router_id)
        since = self._clock.now() - dt.timedelta(days=DAYS_USED)
        peaks = await self._history.peaks(tenant_id, router_id, since)
        router, load = watched.router, watched.router.load
        limits = router.limits
        return (
            _room("active_users", load.active_users, limits.active_users_max, peaks.active_users),
            _room("bandwidth", load.bandwidth_bps, limits.bandwidth_max_bps, peaks.bandwidth),
            _room("addresses", load.addresses_used, _addresses_max(router), peaks.addresses),
        )


def _addresses_max(router: Router) -> int | None:
    most = router.load.addresses_total * router.limits.addresses_used_max_percent // 100
    return most or None


def _room(name: str, taken: int, most: int | None, peaks: Sequence[Peak]) -> Room:
    told = forecast(peaks, most)
    part = taken / most if most else 0.0
    words = in_words(_WHAT[name], told, _limit(name, most))
    return Room(name, taken, most, round(part, 4), part >= NEAR, told, words)


_WHAT = {
    "active_users": "active users",
    "bandwidth": "megabits a second",
    "addresses": "addresses in use",
}


def _limit(name: str, most: int | None) -> str:
    if name == "bandwidth" and most:
        return f"{most / _MBIT:g}"
    return str(most or "")
