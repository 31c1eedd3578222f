"""The loops that finish what turns began. Any number of processes may run them side by side."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from core.kit.bell import Bell

log = structlog.get_logger()
Item = TypeVar("Item")

_PAUSE_AFTER_FAULT_S = 1.0


@dataclass(frozen=True)  # a generic of Python 3.11 with slots cannot be made as `Pump[Item](...)`
class Pump(Generic[Item]):
    """Leases what is due and handles it, many at a time.

    Attributes:
        name: For log lines: `orders`, `notices`, `intents`.
        lease: Takes up to so many items that are due; they come due again if this process dies.
        handle: Sees one item through. What it raises is logged; the lease brings the item back.
        at_once: How many are handled side by side.
        idle_s: How long to wait when nothing was due. `bell` cuts the wait short.
        drain_s: How long items under way may take to end when the pump is told to stop. Those that
            take longer are cancelled, and come due again by their lease.
    """

    name: str
    lease: Callable[[int], Awaitable[Sequence[Item]]]
    handle: Callable[[Item], Awaitable[object]]
    bell: Bell
    at_once: int = 64
    idle_s: float = 0.25
    drain_s: float = 5.0

    async def run(self) -> None:
        """Pump until cancelled; what is under way then has `drain_s` to end."""
        free = asyncio.Semaphore(self.at_once)
        busy: set[asyncio.Task[None]] = set()
        try:
            while True:
                await self._once(free, busy)
        finally:
            await self._drain(busy)

    async def _once(self, free: asyncio.Semaphore, busy: set[asyncio.Task[None]]) -> None:
        async with free:
            room = max(1, self.at_once - len(busy))
        try:
            items = await self.lease(room)
        except Exception:
            log.exception("pump.lease_failed", pump=self.name)
            await asyncio.sleep(_PAUSE_AFTER_FAULT_S)
            return
        for item in items:
            await free.acquire()
            task = asyncio.create_task(self._guarded(item, free), name=f"{self.name}:item")
            busy.add(task)
            task.add_done_callback(busy.discard)
        if not items:
            await self.bell.wait(self.idle_s)

    async def _guarded(self, item: Item, free: asyncio.Semaphore) -> None:
        try:
            await self.handle(item)
        except Exception:
            log.exception("pump.item_failed", pump=self.name)
        finally:
            free.release()

    async def _drain(self, busy: set[asyncio.Task[None]]) -> None:
        """Leave nothing running behind, not even when told twice to stop."""
        try:
            if busy:
                await asyncio.wait(busy, timeout=self.drain_s)
        finally:
            left = tuple(busy)
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


async def run_all(pumps: Sequence[Pump[object]]) -> None:
    """Run several pumps until cancelled."""
    async with asyncio.TaskGroup() as group:
        for pump in pumps:
            group.create_task(pump.run(), name=f"pump:{pump.name}")
