"""No more requests of a router in any minute than it is to be asked, and the last for paid work."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from core.ports.hotspot import Lane

# What a router counts as one minute may be a little shorter for us: requests are not always
# equally long on their way.
_MARGIN_S = 1.0


@dataclass(frozen=True, slots=True)
class BudgetRules:
    """How many requests of `window_s` there are, and how many of them each lane may see taken."""

    window_s: float = 60.0
    ceilings: Mapping[Lane, int] = field(
        default_factory=lambda: MappingProxyType(
            {Lane.PAID: 100, Lane.MANAGE: 80, Lane.MONITOR: 80, Lane.BULK: 70}
        )
    )


class Spent(Exception):
    """No request is left in time. `wait_s`: until there is one."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__()


class Budget:
    """The requests of one router, each counted at the moment that it leaves, for `window_s`."""

    def __init__(self, rules: BudgetRules, now_s: Callable[[], float] = time.monotonic) -> None:
        self._rules = rules
        self._now_s = now_s
        self._taken: deque[float] = deque()

    async def take(self, lane: Lane, deadline_s: float) -> None:
        """Wait for leave to send one request.

        `deadline_s`: by the clock of this budget.

        Raises:
            Spent: there is none until then. At once, where that is known already.
        """
        while (wait_s := self._wait_s(lane)) > 0:
            if self._now_s() + wait_s > deadline_s:
                raise Spent(wait_s)
            await asyncio.sleep(wait_s)
        self._taken.append(self._now_s())

    def _wait_s(self, lane: Lane) -> float:
        now = self._now_s()
        kept_s = self._rules.window_s + _MARGIN_S
        while self._taken and self._taken[0] <= now - kept_s:
            self._taken.popleft()
        over = len(self._taken) - self._rules.ceilings[lane]
        return self._taken[over] + kept_s - now if over >= 0 else 0.0
