"""Counting for the guard of gift rooms, in memory, by a clock that tests set."""

import datetime as dt
from dataclasses import dataclass, field

from core.kit.clock import Clock
from core.ports import Unavailable


@dataclass
class Counts:
    """`away`: nobody can count."""

    clock: Clock
    away: bool = False
    sets: dict[tuple[str, str], tuple[dt.datetime, set[str]]] = field(default_factory=dict)

    async def distinct(self, what: str, whose: str, item: str, within_s: int) -> int:
        kept = self._kept(what, whose)
        if not kept:
            until = self.clock.now() + dt.timedelta(seconds=within_s)
            self.sets[what, whose] = (until, kept)
        kept.add(item)
        return len(kept)

    async def counted(self, what: str, whose: str) -> int:
        return len(self._kept(what, whose))

    def _kept(self, what: str, whose: str) -> set[str]:
        if self.away:
            raise Unavailable("Redis is away")
        until, kept = self.sets.get((what, whose), (self.clock.now(), set()))
        return kept if until > self.clock.now() else set()
