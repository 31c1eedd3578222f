"""Many callers, one commit: whatever waits while a commit is under way goes into the next one.

No timer: a lone caller's item leaves at once, and a crowd pays one commit and one row lock per
batch where each would have paid its own.
"""

import asyncio
import math
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import structlog

from core.ports import Busy
from core.store.database import Unavailable

log = structlog.get_logger()
Item = TypeVar("Item")
Answer = TypeVar("Answer")

_FORGETS = 8  # with each batch this part of how many there were is forgotten


@dataclass(frozen=True, slots=True)
class Limits:
    """How much at once.

    Attributes:
        batch_max: Items in one batch.
        waiting_max: Items that may wait; beyond it callers are turned away.
        flushers: Batches under way at once.
        crowd: A further batch starts beside one under way only when so many wait: less would only
            make both of them small.
        split_min: Where all who are here would fit into one batch, they make several of at least so
            many: while one is committed, this process takes in what came of another. With 0 they
            make one: where batches of another kind keep the database busy meanwhile, it is cheaper.
    """

    batch_max: int = 128
    waiting_max: int = 10_000
    flushers: int = 2
    crowd: int = 32
    split_min: int = 0

    def share(self, here: int) -> int:
        """How many the next batch may take where so many wait or are under way."""
        if self.split_min and here <= self.batch_max:
            parts = min(self.flushers, here // self.split_min)
            if parts > 1:
                return math.ceil(here / parts)
        return self.batch_max


class _Waiting(msgspec.Struct, Generic[Item, Answer]):
    item: Item
    key: Hashable
    answer: asyncio.Future[Answer]


class Batcher(Generic[Item, Answer]):
    """Sends items in batches, first come first served.

    `send` answers one answer per item, in order, in one commit, and may be called again with the
    same items. `key` names what may stand in the batches under way only once; the second of a key
    waits for the next batch, others pass it by. Without a key, any items go together.
    """

    def __init__(
        self,
        name: str,
        send: Callable[[Sequence[Item]], Awaitable[Sequence[Answer]]],
        *,
        key: Callable[[Item], Hashable] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._name = name
        self._send = send
        self._key = key or (lambda _: object())
        self._limits = limits or Limits()
        self._waiting: deque[_Waiting[Item, Answer]] = deque()
        self._under_way: set[Hashable] = set()
        self._flushing = 0
        self._here = 0  # who waits or is under way: the most there were in the last few batches
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None  # asking for it is a call of the system

    async def submit(self, item: Item) -> Answer:
        """Have `item` sent and wait for its answer.

        A caller that is cancelled while waiting is taken out; one cancelled later has its item
        done all the same, and finds that out by asking again with the same id.

        Raises:
            Busy: too many wait already; nothing was done.
            Unavailable: the database is away; it may or may not be done.
        """
        if len(self._waiting) >= self._limits.waiting_max:
            raise Busy(f"{self._name}: {len(self._waiting)} are waiting")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = self._loop.create_future()
        self._waiting.append(_Waiting(item, self._key(item), answer))
        self._start_flusher()
        return await answer

    @property
    def waiting(self) -> int:
        """How many items wait for the next batch."""
        return len(self._waiting)

    async def close(self) -> None:
        """See through what waits."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _start_flusher(self) -> None:
        if self._flushing and (
            self._flushing >= self._limits.flushers or len(self._waiting) < self._limits.crowd
        ):
            return
        self._flushing += 1
        task = asyncio.create_task(self._flush(), name=f"batch:{self._name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _flush(self) -> None:
        try:
            while batch := self._take():
                try:
                    await self._serve(batch)
                finally:
                    self._under_way.difference_update([waiting.key for waiting in batch])
        finally:
            # Counted down before anybody else runs, or the next caller would rely on this flusher.
            self._flushing -= 1

    def _take(self) -> list[_Waiting[Item, Answer]]:
        """The next batch, oldest first; what may not go with it keeps its place in the queue."""
        batch: list[_Waiting[Item, Answer]] = []
        passed: list[_Waiting[Item, Answer]] = []
        here = len(self._waiting) + len(self._under_way)
        self._here = max(here, self._here - self._here // _FORGETS)
        share = self._limits.share(self._here)
        while self._waiting and len(batch) < share:
            waiting = self._waiting.popleft()
            if waiting.answer.done():
                continue
            if waiting.key in self._under_way:
                passed.append(waiting)
                continue
            self._under_way.add(waiting.key)
            batch.append(waiting)
        self._waiting.extendleft(reversed(passed))
        return batch

    async def _serve(self, batch: list[_Waiting[Item, Answer]]) -> None:
        try:
            answers = await self._send([waiting.item for waiting in batch])
        except Unavailable as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001 - handed to whose item it is
            if len(batch) == 1:
                _fail(batch, error)
                return
            # One item that the database cannot take must not fail its neighbours.
            log.warning("batch.isolated", batch=self._name, items=len(batch), error=repr(error))
            for waiting in batch:
                await self._serve([waiting])
        else:
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)


def _fail(batch: Iterable[_Waiting[Item, Answer]], error: Exception) -> None:
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
