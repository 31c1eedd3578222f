"""The server that a menu turn is compared with: one Redis GET, one SET, and a constant.

Run as `python -m tests.bench.reference redis_py|line PORT REDIS_URL`, served as Callbox serves.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import redis.asyncio
import uvloop
from starlette.types import Message, Receive, Scope, Send

from cli.connections import Connections, places
from cli.serving import listen, serve, until_stopped
from core.store.redis_line import open_line

ANSWER = b"CON a screen of some hundred and fifty letters, as a menu with its options is. " * 2
RECORD_BYTES = 620
"""About what a conversation takes."""

_KEY = "bench:reference"
_RECORD = b"r" * RECORD_BYTES
_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(ANSWER)),
]

GetAndSet = Callable[[], Awaitable[object]]


class Constant:
    """An ASGI application with nothing between the server and Redis."""

    def __init__(self, get_and_set: GetAndSet) -> None:
        self._get_and_set = get_and_set

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        await receive()
        await self._get_and_set()
        start: Message = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
        await send(start)
        await send({"type": "http.response.body", "body": ANSWER})


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


@asynccontextmanager
async def _by_redis_py(url: str) -> AsyncIterator[GetAndSet]:
    client = redis.asyncio.Redis.from_url(url)

    async def get_and_set() -> None:
        await client.get(_KEY)
        await client.set(_KEY, _RECORD)

    try:
        yield get_and_set
    finally:
        await client.aclose()


@asynccontextmanager
async def _by_line(url: str) -> AsyncIterator[GetAndSet]:
    async with open_line(url) as line:

        async def get_and_set() -> None:
            await line("GET", _KEY)
            await line("SET", _KEY, _RECORD)

        yield get_and_set


WAYS: Mapping[str, Callable[[str], AbstractAsyncContextManager[GetAndSet]]] = {
    "redis_py": _by_redis_py,
    "line": _by_line,
}


async def _run(way: str, port: int, redis_url: str) -> None:
    listener = listen("127.0.0.1", port)
    async with WAYS[way](redis_url) as get_and_set:
        application = Constant(get_and_set)
        connections = Connections(places())
        await until_stopped([lambda stop: serve(application, listener, stop, connections)])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
