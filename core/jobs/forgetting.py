"""Forgetting messages that were answered so long ago that no channel delivers them again."""

import time
from collections.abc import Sequence
from typing import Protocol

_AT_ONCE = 1000


class Kept(Protocol):
    async def prune(self, count: int) -> int:
        """Forget at most so many that are old enough; how many those were."""
        ...


class ForgettingRounds:
    """What a pump leases: the round itself, once in a while. Every worker process goes round."""

    def __init__(self, kept: Kept, *, every_s: float = 60.0) -> None:
        self._kept = kept
        self._every_s = every_s
        self._next = time.monotonic()

    async def due(self, _count: int) -> Sequence[Kept]:
        if time.monotonic() < self._next:
            return ()
        self._next = time.monotonic() + self._every_s
        return (self._kept,)

    async def run(self, kept: Kept) -> None:
        while await kept.prune(_AT_ONCE) == _AT_ONCE:
            pass
