"""One connection to Redis that all callers of a process share, each sending without waiting.

Requests go out in order and answers come back in order, so many turns at once become few reads
and writes. A call costs about a quarter of one through redis-py's pool (which checks, locks and
measures around every call), and a turn makes two. What is rare goes through redis-py.
"""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url

from core.kit.errors import Fault

TIMEOUT_S = 1.0
"""A customer is waiting: past this an edge says so politely."""


class Refused(Exception):
    """Redis answered with an error: its text, which begins with a code such as `NOSCRIPT`."""


class Broken(Exception):
    """No connection, or it broke before the answer: the command may have been carried out."""


class Stalled(Exception):
    """Nothing came back in time."""


class Line:
    """A connection that is made when it is needed, and again after it broke.

    `await line("GET", key)` gives bytes, an int, a list or None. A caller may be cancelled while
    it waits: its answer is dropped when it comes, and the next caller gets its own.
    """

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Take `redis://`, `rediss://` and `unix://` URLs as redis-py does.

        Raises:
            Fault: it is no such URL.
        """
        try:
            self._where = parse_url(url)
        except ValueError as error:
            raise Fault(f"REDIS_URL: {error}") from None
        self._timeout_s = timeout_s
        self._wire: _Wire | None = None
        self._connecting = asyncio.Lock()
        self._failed = 0

    async def __call__(self, *words: str | bytes | int) -> Any:
        """Send one command and wait for its answer.

        Raises:
            Refused: Redis said no.
            Broken: the connection failed; the command may have been carried out or not.
            Stalled: no answer within `timeout_s`.
        """
        wire = self._wire
        if wire is None or wire.broken:
            wire = await self._connect()
        return await wire.ask(*words)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.give_up(Broken("closed"))

    async def _connect(self) -> "_Wire":
        """Whoever waits while another dials in vain has failed as well, and dials not again."""
        failed = self._failed
        async with self._connecting:
            if self._wire is not None and not self._wire.broken:
                return self._wire
            if self._failed != failed:
                raise Broken("there was no connection")
            try:
                async with asyncio.timeout(self._timeout_s):
                    self._wire = await self._dial()
            except TimeoutError:
                self._failed += 1
                raise Stalled("Redis does not take connections") from None
            except OSError as error:
                self._failed += 1
                raise Broken(f"cannot connect: {type(error).__name__}") from error
            return self._wire

    async def _dial(self) -> "_Wire":
        loop, where = asyncio.get_running_loop(), self._where

        def make() -> _Wire:
            return _Wire(self._timeout_s)

        if "path" in where:
            _, wire = await loop.create_unix_connection(make, where["path"])
        else:
            secure = where.get("connection_class") is SSLConnection
            _, wire = await loop.create_connection(
                make,
                where.get("host", "localhost"),
                where.get("port", 6379),
                ssl=ssl.create_default_context() if secure else None,
            )
        try:
            await self._introduce(wire)
        except BaseException:
            wire.give_up(Broken("refused at the door"))
            raise
        return wire

    async def _introduce(self, wire: "_Wire") -> None:
        """Say who we are and which database we mean, where the URL does."""
        where = self._where
        if where.get("password"):
            name = (where["username"],) if where.get("username") else ()
            await wire.ask("AUTH", *name, where["password"])
        if where.get("db"):
            await wire.ask("SELECT", where["db"])


@asynccontextmanager
async def open_line(url: str, *, timeout_s: float = TIMEOUT_S) -> AsyncIterator[Line]:
    """A line, closed at the end. Redis need not be up yet."""
    line = Line(url, timeout_s=timeout_s)
    try:
        yield line
    finally:
        line.close()


class _Wire(asyncio.Protocol):
    """One TCP or unix connection: whoever has waited longest gets the next answer."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._reader = hiredis.Reader(replyError=Refused)
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._unsent: list[bytes] = []
        self._watch: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.broken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def ask(self, *words: str | bytes | int) -> asyncio.Future[Any]:
        """Send a command, at the end of this pass of the loop; the future is its answer."""
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self.broken:
            answer.set_exception(Broken("gone"))
            return answer
        self._waiting.append((answer, self._loop.time()))
        if self._watch is None:
            self._watch = self._loop.call_later(self._timeout_s, self._look)
        if not self._unsent:
            self._loop.call_soon(self._send)
        self._unsent.append(
            hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub knows tuples of one
        )
        return answer

    def _send(self) -> None:
        """One write for all that was asked in this pass of the loop: system calls cost the most."""
        if not self.broken:
            self._transport.write(b"".join(self._unsent))
        self._unsent.clear()

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        try:
            while (answer := self._reader.gets()) is not False:
                waiter, _ = self._waiting.popleft()
                if waiter.done():
                    continue
                if isinstance(answer, Refused):
                    waiter.set_exception(answer)
                else:
                    waiter.set_result(answer)
        except (hiredis.ProtocolError, IndexError):
            # Whatever comes next cannot be told to whom it belongs.
            self.give_up(Broken("not the answers we asked for"))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own
        self.give_up(Broken("connection lost"))

    def give_up(self, error: Exception) -> None:
        """Close, and tell everybody who waits. Safe twice."""
        self.broken = True
        self._transport.abort()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self._waiting:
            waiter, _ = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(error)

    def _look(self) -> None:
        """Is the longest wait too long? One timer for all, set anew only when it has fired."""
        self._watch = None
        if not self._waiting:
            return
        left_s = self._waiting[0][1] + self._timeout_s - self._loop.time()
        if left_s <= 0:
            self.give_up(Stalled("no answer in time"))
        else:
            self._watch = self._loop.call_later(left_s, self._look)
