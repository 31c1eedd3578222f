"""How a gift is doing, told as it happens: server-sent events.

One reader a room and process asks how it stands, for all who look. How many may look is bounded,
in all and from one network address, and so is how long one stays: whoever is sent away comes back
by themselves, or looks again.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import structlog
from prometheus_client import Gauge
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from core.domain.gifts import Room

log = structlog.get_logger()

_HEADERS: Final = {
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    "x-content-type-options": "nosniff",
}
_COME_BACK_MS: Final = 5_000

_LOOKING = Gauge("callbox_gift_viewers", "People who look at a gift as it goes")

Read = Callable[[str], Awaitable[Room | None]]
"""How the room of a token stands now."""


@dataclass(frozen=True, slots=True)
class LiveRules:
    """How often a room is read, when a sign of life is due, and how much is too much.

    Attributes:
        stays_s: How long one viewer stays.
        of_address_max: Viewers from one network address: many customers of a mobile network share
            one. Whoever finds no place asks now and then.
    """

    every_s: float = 1.0
    beat_s: float = 15.0
    stays_s: float = 600.0
    viewers_max: int = 2_000
    of_address_max: int = 64
    rooms_max: int = 200


@dataclass(eq=False)
class _Watch:
    """A room that somebody looks at. `moved` is set, and made anew, with every change."""

    token: str
    shown: Callable[[Room], str]
    now: str
    over: bool
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    viewers: int = 0
    reader: asyncio.Task[None] | None = None

    def tell(self, room: Room) -> None:
        shown = self.shown(room)
        if shown != self.now:
            self.now, self.over = shown, room.state.final
            self.wake()

    def wake(self) -> None:
        self.moved.set()
        self.moved = asyncio.Event()


class Live:
    def __init__(self, read: Read, rules: LiveRules | None = None) -> None:
        self._read = read
        self._rules = rules or LiveRules()
        self._watches: dict[str, _Watch] = {}
        self._viewers: Counter[str] = Counter()
        self._closing = False

    @property
    def viewers(self) -> int:
        return self._viewers.total()

    def stream(self, room: Room, shown: Callable[[Room], str], address: str) -> "LiveStream | None":
        """A place among the viewers of that room; None when there is none left."""
        watch = self._watches.get(room.token)
        if self._closing or self._crowded(watch, address):
            return None
        if watch is None:
            watch = _Watch(room.token, shown, shown(room), room.state.final)
            watch.reader = asyncio.create_task(self._follow(watch), name="gift progress")
            self._watches[room.token] = watch
        watch.viewers += 1
        self._viewers[address] += 1
        _LOOKING.set(self.viewers)
        return LiveStream(self, watch, address)

    def _crowded(self, watch: _Watch | None, address: str) -> bool:
        rules = self._rules
        return (
            self.viewers >= rules.viewers_max
            or self._viewers[address] >= rules.of_address_max
            or (watch is None and len(self._watches) >= rules.rooms_max)
        )

    async def events(self, watch: _Watch) -> AsyncIterator[str]:
        """Every change until the room ends, or this viewer's time here."""
        loop = asyncio.get_running_loop()
        until, seen = loop.time() + self._rules.stays_s, ""
        yield f"retry: {_COME_BACK_MS}\n\n"
        while not self._closing and loop.time() < until:
            moved = watch.moved  # before looking: what changes from now on is not missed
            if watch.now != seen:
                seen = watch.now
                yield f"data: {seen}\n\n"
            if watch.over:
                return
            try:
                async with asyncio.timeout(self._rules.beat_s):
                    await moved.wait()
            except TimeoutError:
                yield ": still here\n\n"

    def leave(self, watch: _Watch, address: str) -> None:
        self._viewers[address] -= 1
        if not self._viewers[address]:
            del self._viewers[address]
        _LOOKING.set(self.viewers)
        watch.viewers -= 1
        if watch.viewers == 0:
            self._forget(watch)

    async def until(self, stop: asyncio.Event) -> None:
        """Serve until `stop`, then send everybody away: a server waits for open connections."""
        await stop.wait()
        self.close()

    def close(self) -> None:
        self._closing = True
        for watch in tuple(self._watches.values()):
            watch.wake()
            self._forget(watch)

    def _forget(self, watch: _Watch) -> None:
        if watch.reader is not None:
            watch.reader.cancel()
        if self._watches.get(watch.token) is watch:
            del self._watches[watch.token]

    async def _follow(self, watch: _Watch) -> None:
        while not watch.over:
            await asyncio.sleep(self._rules.every_s)
            try:
                room = await self._read(watch.token)
            except Exception as error:  # noqa: BLE001 - it is asked again in a moment
                log.warning("gift.progress_unread", error=type(error).__name__)
                continue
            if room is not None:
                watch.tell(room)


class LiveStream(StreamingResponse):
    """The answer to one viewer; the place is free again when it ends, however it does."""

    def __init__(self, live: Live, watch: _Watch, address: str) -> None:
        super().__init__(live.events(watch), media_type="text/event-stream", headers=_HEADERS)
        self._live = live
        self._watch = watch
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._live.leave(self._watch, self._address)
