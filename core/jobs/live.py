"""Ending talks with a person that went quiet, and forgetting old ones, again and again."""

import time
from collections.abc import Sequence

from core.services.live_chat import LiveChats, LiveRules


class LiveRounds:
    """What a pump leases: the round itself, once in a while. Every worker process goes round."""

    def __init__(self, live: LiveChats, rules: LiveRules, *, every_s: float = 30.0) -> None:
        self._live = live
        self._rules = rules
        self._every_s = every_s
        self._next = time.monotonic()

    async def due(self, _count: int) -> Sequence[LiveChats]:
        if time.monotonic() < self._next:
            return ()
        self._next = time.monotonic() + self._every_s
        return (self._live,)

    async def run(self, live: LiveChats) -> None:
        await live.tidy(self._rules)
