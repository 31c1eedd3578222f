"""No more requests of a router in any minute than it is to be asked, and the last for paid work."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core.ports.hotspot import Lane, RouterRequests


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """How many requests of `window_s` there are, and how many of them each lane may see taken.

    Attributes:
        margin_s: For so much longer each is counted: requests are not equally long on their way,
            so that a minute of the router may be a little more than one of ours.
    """

    window_s: float = 60.0
    margin_s: float = 1.0
    ceilings: Mapping[Lane, int] = field(
        default_factory=lambda: MappingProxyType(
            {Lane.PAID: 100, Lane.MONITOR: 80, Lane.MANAGE: 70, Lane.BULK: 60}
        )
    )


class Spent(Exception):
    """No request is left in time. `wait_s`: until there is one."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__()


class Budget:
    """The requests of one router, each counted from the moment that it leaves.

    They are counted here, and by `everybodys` for all processes together; while nobody can tell
    what others asked, what was asked here still counts.
    """

    def __init__(
        self,
        router: str,
        rules: BudgetRules,
        everybodys: RouterRequests,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._router = router
        self._rules = rules
        self._everybodys = everybodys
        self._now_s = now_s
        self._taken: deque[float] = deque()

    async def take(self, lane: Lane, deadline_s: float) -> None:
        """Wait for leave to send one request.

        `deadline_s`: by the clock of this budget.

        Raises:
            Spent: there is none until then. At once, where that is known already.
        """
        while (wait_s := await self._wait_s(lane)) > 0:
            if self._now_s() + wait_s > deadline_s:
                raise Spent(wait_s)
            await asyncio.sleep(wait_s)

    async def _wait_s(self, lane: Lane) -> float:
        """0 where a request was taken, else how long there is none."""
        now = self._now_s()
        kept_s = self._rules.window_s + self._rules.margin_s
        ceiling = self._rules.ceilings[lane]
        while self._taken and self._taken[0] <= now - kept_s:
            self._taken.popleft()
        over = len(self._taken) - ceiling
        if over >= 0:
            return self._taken[over] + kept_s - now
        self._taken.append(now)  # before anybody is waited for: others here look at it meanwhile
        wait_s = await self._everybodys.take(self._router, ceiling, kept_s)
        if wait_s > 0:
            self._taken.remove(now)
        return wait_s


class OnlyHere:
    """Keeps `core.ports.hotspot.RouterRequests` where there is one process: it counts its own."""

    async def take(self, router: str, most: int, window_s: float) -> float:
        del router, most, window_s
        return 0.0
