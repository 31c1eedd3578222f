"""The connections to one router: few, kept while they are good, lent to one at a time."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from core.domain.routers import RouterAccess
from core.ports.hotspot import Lane
from core.providers.hotspot.budget import Budget, Spent
from core.providers.hotspot.line import BROKEN, Line
from core.providers.hotspot.rules import Rules

_HARMLESS_QUESTION = ("/system/identity/print",)


class Pool:
    """Lends lines that are logged in. Deadlines are by the monotonic clock.

    `dial` makes a connection to the router, on which nobody is logged in yet.
    """

    def __init__(
        self,
        access: RouterAccess,
        dial: Callable[[], Awaitable[Line]],
        budget: Budget,
        rules: Rules,
    ) -> None:
        self._access = access
        self._dial = dial
        self._budget = budget
        self._rules = rules
        self._kept: list[Line] = []
        everybody = asyncio.Semaphore(rules.connections_max)
        unpaid = asyncio.Semaphore(rules.connections_max - 1)
        bulk = asyncio.Semaphore(rules.connections_bulk)
        self._rooms = {
            Lane.PAID: (everybody,),
            Lane.MANAGE: (unpaid, everybody),
            Lane.MONITOR: (unpaid, everybody),
            Lane.BULK: (bulk, unpaid, everybody),
        }
        self._sweeping: asyncio.TimerHandle | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    @contextlib.asynccontextmanager
    async def lent(
        self, lane: Lane, deadline_s: float, harmless: tuple[type[Exception], ...]
    ) -> AsyncIterator[Line]:
        """A line for one order. Whatever is raised but `harmless` ends its connection.

        Raises:
            Spent: no connection or no request is free until then.
            NotReached, NotTrusted, BadLogin, BROKEN: there is no connection to be had.
        """
        async with contextlib.AsyncExitStack() as stack:
            for room in self._rooms[lane]:
                await self._enter(room, stack, deadline_s)
            line = await self._kept_line(lane, deadline_s) or await self.fresh(lane, deadline_s)
            try:
                yield line
            except harmless:
                raise
            except BaseException:
                line.broken = True
                raise
            finally:
                if line.usable and not self._closed:
                    self._keep(line)
                else:
                    await line.aclose()

    async def fresh(self, lane: Lane, deadline_s: float) -> Line:
        """A new line, logged in; it is not the pool's. Raises as `lent` does."""
        line = await self._dial()
        try:
            await line.log_in(
                self._access, lambda: self._budget.take(lane, deadline_s), self._rules.small
            )
        except BaseException:
            await line.aclose()
            raise
        return line

    async def aclose(self) -> None:
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        while self._kept:
            await self._kept.pop().aclose()
        await asyncio.gather(*self._closing)

    async def _enter(
        self, room: asyncio.Semaphore, stack: contextlib.AsyncExitStack, deadline_s: float
    ) -> None:
        try:
            async with asyncio.timeout(max(0.0, deadline_s - time.monotonic())):
                await room.acquire()
        except TimeoutError:
            raise Spent(1.0) from None
        stack.callback(room.release)

    async def _kept_line(self, lane: Lane, deadline_s: float) -> Line | None:
        """The line that was used last, if there is one that is still good."""
        for _ in range(2):  # what has arrived on any of them is looked at first
            await asyncio.sleep(0)
        while self._kept:
            line = self._kept.pop()
            try:
                if await self._is_good(line, lane, deadline_s):
                    return line
            except BaseException:
                await line.aclose()
                raise
            await line.aclose()
        return None

    async def _is_good(self, line: Line, lane: Lane, deadline_s: float) -> bool:
        if not line.usable or self._is_old(line):
            return False
        if time.monotonic() - line.idle_since < self._rules.probe_after_s:
            return True
        await self._budget.take(lane, deadline_s)
        try:
            reply = await line.ask(_HARMLESS_QUESTION, self._rules.probe)
        except BROKEN:
            return False
        return len(reply.rows) == 1

    def _is_old(self, line: Line) -> bool:
        now = time.monotonic()
        return (
            now - line.idle_since >= self._rules.idle_s or now - line.made_at >= self._rules.age_s
        )

    def _keep(self, line: Line) -> None:
        self._kept.append(line)
        if self._sweeping is None:
            loop = asyncio.get_running_loop()
            self._sweeping = loop.call_later(self._rules.idle_s, self._sweep)

    def _sweep(self) -> None:
        """Close those that nobody has used for long; look again while there are others."""
        self._sweeping = None
        lines, self._kept = self._kept, []
        for line in lines:
            if line.usable and not self._is_old(line):
                self._keep(line)
            else:
                task = asyncio.get_running_loop().create_task(line.aclose())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)
