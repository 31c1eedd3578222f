"""The web process and clients who keep it waiting: bounded, and never in the way of others."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from cli.connections import Connections, places
from cli.serving import listen, serve
from tests.fakes.waiting import until

HEAD = b"POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class House:
    """An application that reads, streams, and answers at length, and how it went."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.streaming = 0

    def routes(self) -> list[Route]:
        return [
            Route("/quick", self._quick),
            Route("/body", self._body, methods=["POST"]),
            Route("/stream", self._stream),
        ]

    async def _quick(self, _: Request) -> Response:
        return PlainTextResponse("here")

    async def _body(self, request: Request) -> Response:
        return PlainTextResponse(await request.body())

    async def _stream(self, request: Request) -> Response:
        block = b"x" * int(request.query_params["size"])

        async def blocks() -> AsyncIterator[bytes]:
            self.streaming += 1
            try:
                while True:
                    yield block
                    await asyncio.sleep(0.01)
            finally:
                self.streaming -= 1

        return StreamingResponse(blocks())

    async def client(self, said: bytes = b"") -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(said)
        return reader, writer

    async def get(self, path: str) -> str:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            return (await http.get(self.url + path)).text


Opened = Callable[[Connections], AbstractAsyncContextManager[House]]


@pytest.fixture
def opened() -> Opened:
    @contextlib.asynccontextmanager
    async def open_(connections: Connections) -> AsyncIterator[House]:
        listener, stop = listen("127.0.0.1", 0), asyncio.Event()
        listener.listen()
        house = House(listener.getsockname()[1])
        application = Starlette(routes=house.routes())
        running = asyncio.create_task(serve(application, listener, stop, connections))
        try:
            yield house
        finally:
            stop.set()
            await running

    return open_


async def ended(client: Client) -> None:
    """The other side hung up."""
    with contextlib.suppress(ConnectionError):
        while await client[0].read(2**16):
            pass
    client[1].close()


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"\r\nhalf"], ids=["nothing", "head", "body"])
async def test_who_says_nothing_or_half_is_not_waited_for_ever(opened: Opened, said: bytes) -> None:
    async with opened(Connections(64, waits_s=0.05)) as house, asyncio.timeout(15):
        await ended(await house.client(said))


async def test_who_dribbles_is_not_waited_for_ever(opened: Opened) -> None:
    async with opened(Connections(64, waits_s=0.05)) as house, asyncio.timeout(15):
        client = await house.client(HEAD)
        hung_up = asyncio.create_task(ended(client))
        while not hung_up.done():
            client[1].write(b"a: b\r\n")
            await asyncio.sleep(0.01)


async def test_who_does_not_take_an_answer_is_not_waited_for_ever(opened: Opened) -> None:
    async with opened(Connections(64, waits_s=0.05)) as house:
        client = await house.client(b"GET /stream?size=1000000 HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: house.streaming == 1)
        await until(lambda: house.streaming == 0)
        client[1].close()


async def test_what_is_worked_on_is_never_cut_off(opened: Opened) -> None:
    connections = Connections(8, waits_s=0.05)
    async with opened(connections) as house, asyncio.timeout(15):
        listening = await house.client(b"GET /stream?size=1 HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(lambda: house.streaming == 1)
        for _ in range(3):  # others come and are dropped meanwhile
            await ended(await house.client())
        assert b"200 OK" in await listening[0].readline()
        assert house.streaming == 1
        listening[1].close()


async def test_silent_clients_make_room_for_others(opened: Opened) -> None:
    connections = Connections(8)
    async with opened(connections) as house, asyncio.timeout(15):
        silent = [await house.client(HEAD) for _ in range(40)]

        assert [await house.get("/quick") for _ in range(3)] == ["here"] * 3

        for client in silent[:30]:
            await ended(client)
        assert connections._open <= 8
        for client in silent[30:]:
            client[1].close()
        await until(lambda: connections._open == 0)
        assert connections._waiting == {}


async def test_one_that_is_kept_open_is_used_again(opened: Opened) -> None:
    connections = Connections(8)
    async with opened(connections) as house:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
            for _ in range(3):
                assert (await http.post(house.url + "/body", content=b"abc")).text == "abc"
            assert len(connections._waiting) == connections._open == 1
        await until(lambda: connections._open == 0)


def test_places_leave_descriptors_for_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = (1024, 4096)
    kept: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: kept.append(new))
    assert places() == 3072
    assert kept == [(4096, 4096)]

    limits = (1024, 1024)
    assert places() == 768
    limits = (1024, resource.RLIM_INFINITY)
    assert places() == 10_000
    limits = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    assert places() == 10_000
    assert kept[1:] == [(65_536, resource.RLIM_INFINITY)]
