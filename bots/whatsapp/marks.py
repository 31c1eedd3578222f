"""What is remembered of people between calls, and the blue ticks, which nobody waits for."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import structlog

from core.domain.turns import Channel

log = structlog.get_logger()

_PEOPLE_MAX = 10_000
_Known = TypeVar("_Known")


class Recent(Generic[_Known]):
    """The newest thing known of each person, of as many people as there is room for."""

    def __init__(self, most: int = _PEOPLE_MAX) -> None:
        self._most = most
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()

    def put(self, who: Hashable, known: _Known) -> None:
        self._known[who] = known
        self._known.move_to_end(who)
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def get(self, who: Hashable) -> _Known | None:
        return self._known.get(who)

    def drop(self, who: Hashable) -> None:
        self._known.pop(who, None)

    def take_all(self) -> list[_Known]:
        taken = list(self._known.values())
        self._known.clear()
        return taken


class Marks:
    """Marks what people wrote as read: the newest of each alone, which stands for those before.

    A moment is waited, so that a quick writer costs one call; then one call is made at a time, so
    that answers come first. Losing a mark costs nothing: they are not kept over a restart.
    """

    def __init__(
        self, mark: Callable[[Channel, str], Awaitable[None]], *, after_s: float = 1.0
    ) -> None:
        self._mark = mark
        self._after_s = after_s
        self._waiting: Recent[tuple[Channel, str]] = Recent()
        self._read: Recent[str] = Recent()
        self._task: asyncio.Task[None] | None = None

    def note(self, channel: Channel, identity: str, message_id: str) -> None:
        """Mark it soon, unless it was marked already."""
        who = (channel.id, identity)
        if self._read.get(who) == message_id:
            return
        self._read.put(who, message_id)
        self._waiting.put(who, (channel, message_id))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    def marked(self, channel: Channel, identity: str, message_id: str) -> None:
        """It is marked by other means."""
        self._read.put((channel.id, identity), message_id)

    async def aclose(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(self._after_s)
            batch = self._waiting.take_all()
            if not batch:
                return
            for channel, message_id in batch:
                try:
                    await self._mark(channel, message_id)
                except Exception as error:  # noqa: BLE001 - a tick is worth no trouble
                    log.warning("whatsapp.mark_failed", error=type(error).__name__)
