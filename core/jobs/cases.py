"""Looking over the queue of cases, again and again."""

import time
from collections.abc import Sequence

from core.services.cases import CaseSweep


class CaseRounds:
    """What a pump leases: the sweep itself, once in a while. Every worker process goes round."""

    def __init__(self, sweep: CaseSweep, *, every_s: float = 60.0) -> None:
        self._sweep = sweep
        self._every_s = every_s
        self._next = time.monotonic()

    async def due(self, _count: int) -> Sequence[CaseSweep]:
        if time.monotonic() < self._next:
            return ()
        self._next = time.monotonic() + self._every_s
        return (self._sweep,)

    async def run(self, sweep: CaseSweep) -> None:
        await sweep.run()
