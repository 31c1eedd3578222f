"""A load of HTTP requests from a fixed number of users, each waiting for its answer to go on.

Bare asyncio sockets with keep-alive: a client library would cost more than the server that is
measured. Every answer is compared with the one expected, byte for byte.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias, cast

from tests.bench.figures import percentile

_PATIENCE_S = 60.0
_OK = b"HTTP/1.1 200 "
_LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it goes over the wire, and the body that must come back with status 200."""

    request: bytes
    expected: bytes


Talk: TypeAlias = Sequence[Ask]
"""What one user asks, one after the other."""


@dataclass(frozen=True, slots=True)
class Load:
    """How it went. `times_s` is one answer's time each, in order of length."""

    seconds: float
    times_s: Sequence[float]

    @property
    def per_second(self) -> float:
        return len(self.times_s) / self.seconds

    def quantile_ms(self, share: float) -> float:
        return percentile(self.times_s, share) * 1000


def post(path: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        "content-type: application/x-www-form-urlencoded\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def drive(port: int, talks: Sequence[Talk]) -> Load:
    """Let every user go through their talk at once; ends with the last answer.

    Raises:
        AssertionError: an answer was not the one expected.
    """
    loop = asyncio.get_running_loop()
    users: list[_User] = []
    for talk in talks:
        _, user = await loop.create_connection(partial(_User, talk), "127.0.0.1", port)
        users.append(user)
    begun = time.perf_counter()
    for user in users:
        user.begin()
    async with asyncio.timeout(_PATIENCE_S):
        await asyncio.gather(*(user.done for user in users))
    seconds = time.perf_counter() - begun
    return Load(seconds, sorted(took for user in users for took in user.times_s))


class _User(asyncio.Protocol):
    """One connection: the next request leaves when the answer before it is here."""

    def __init__(self, talk: Talk) -> None:
        self._talk = iter(talk)
        self._ask: Ask
        self._asked_at = 0.0
        self._came = b""
        self._transport: asyncio.Transport
        self.times_s: list[float] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def begin(self) -> None:
        ask = next(self._talk, None)
        if ask is None:
            self.done.set_result(None)
            self._transport.close()
            return
        self._ask = ask
        self._asked_at = time.perf_counter()
        self._transport.write(ask.request)

    def data_received(self, data: bytes) -> None:
        self._came += data
        body = _body(self._came)
        if body is None:
            return
        self.times_s.append(time.perf_counter() - self._asked_at)
        if not self._came.startswith(_OK) or body != self._ask.expected:
            self._fail(f"expected {self._ask.expected!r}, got {self._came!r}")
            return
        self._came = b""
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"the server hung up: {exc}")

    def _fail(self, why: str) -> None:
        if not self.done.done():
            self.done.set_exception(AssertionError(why))
            self._transport.abort()


def _body(came: bytes) -> bytes | None:
    """The body, once all of it is here. uvicorn writes its header names in lower case."""
    end = came.find(b"\r\n\r\n")
    at = came.find(_LENGTH, 0, end)
    if end < 0 or at < 0:
        return None
    length = int(came[at + len(_LENGTH) : came.index(b"\r\n", at)])
    body = came[end + 4 :]
    return body if len(body) >= length else None
