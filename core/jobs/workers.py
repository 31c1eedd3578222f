"""The loops that finish what turns began. Any number of processes may run them side by side."""

import asyncio
import contextvars
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from core.kit.bell import Bell
from core.kit.hand import Hand

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
        hand: Gives work past the queue, as far as there is room.
    """

    name: str
    lease: Callable[[int], Awaitable[Sequence[Item]]]
    handle: Callable[[Item], Awaitable[object]]
    bell: Bell
    at_once: int = 64
    idle_s: float = 0.25
    drain_s: float = 5.0
    hand: Hand[Item] = field(default_factory=Hand)

    async def run(self) -> None:
        """Pump until cancelled; what is under way then has `drain_s` to end."""
        at_work = _AtWork(self)
        self.hand.served_by(at_work)
        try:
            while True:
                await self._once(at_work)
        finally:
            await at_work.drain()

    async def _once(self, at_work: "_AtWork[Item]") -> None:
        room = await at_work.room()
        try:
            items = await self.lease(room)
        except Exception:
            log.exception("pump.lease_failed", pump=self.name)
            await asyncio.sleep(_PAUSE_AFTER_FAULT_S)
            return
        at_work.behind = len(items) >= room
        for item in items:
            at_work.take(item)
        if not items:
            await self.bell.wait(self.idle_s)


class _AtWork(Generic[Item]):
    """What one run of a pump has in its hands."""

    def __init__(self, pump: Pump[Item]) -> None:
        self._pump = pump
        self._loop = asyncio.get_running_loop()
        # The pump's own, also for what comes by hand: it is not about whoever gave it.
        self._context = contextvars.copy_context()
        self._name = f"{pump.name}:item"
        self._busy: dict[int, asyncio.Task[None]] = {}
        self._taken = itertools.count()
        self._freed = asyncio.Event()
        self._stopping = False
        # Until a lease was not filled, older work may be waiting in the queue.
        self.behind = True

    async def room(self) -> int:
        """How many more may be leased, once there is room for any."""
        while (room := self._room()) <= 0:
            self.behind = True
            self._freed.clear()
            await self._freed.wait()
        return room

    def has_room(self, count: int) -> bool:
        """For new work, which never goes before older work that waits for room.

        While a lease is under way it and new work may fill the same room: for that moment twice as
        many are handled.
        """
        return not (self._stopping or self.behind) and self._room() >= count

    def take(self, item: Item) -> None:
        number = next(self._taken)
        self._busy[number] = self._loop.create_task(
            self._guarded(number, item), name=self._name, context=self._context.copy()
        )

    def left(self) -> None:
        self._freed.set()

    async def drain(self) -> None:
        """Leave nothing running behind, not even when told twice to stop."""
        self._stopping = True
        try:
            async with asyncio.timeout(self._pump.drain_s):
                while self._busy or self._pump.hand.promised:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            pass
        finally:
            self._pump.hand.served_by(None)
            left = tuple(self._busy.values())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _room(self) -> int:
        return self._pump.at_once - len(self._busy) - self._pump.hand.promised

    async def _guarded(self, number: int, item: Item) -> None:
        try:
            await self._pump.handle(item)
        except Exception:
            log.exception("pump.item_failed", pump=self._pump.name)
        finally:
            # No callback of the task: only `drain` cancels one that has not begun.
            del self._busy[number]
            self._freed.set()


async def run_all(pumps: Sequence[Pump[object]]) -> None:
    """Run several pumps until cancelled."""
    async with asyncio.TaskGroup() as group:
        for pump in pumps:
            group.create_task(pump.run(), name=f"pump:{pump.name}")
