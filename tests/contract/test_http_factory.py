"""What a failed request proves, on real sockets: nothing is called unsent that may have left."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
import httpx
import pytest
from aiohttp.client_reqrep import ConnectionKey
from structlog.testing import capture_logs

from core.providers.http import (
    CONNECTIONS_MAX,
    REPLY_BYTES_MAX,
    NoReply,
    Reply,
    client,
    never_sent,
    read_json,
    send,
)
from tests.fakes.wire import (
    Behaviour,
    hangs_up,
    resets,
    says,
    stays_silent,
    trickles,
    wire,
    writes,
)

NOT_SENT = NoReply("not_sent", never_sent=True)
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b'{"code":"000"'


@asynccontextmanager
async def connected(
    base_url: str,
    timeout_s: float = 5.0,
    *,
    reuse_connections: bool = True,
    connections_max: int = CONNECTIONS_MAX,
) -> AsyncIterator[httpx.AsyncClient]:
    http = client(
        base_url=base_url,
        timeout_s=timeout_s,
        reuse_connections=reuse_connections,
        connections_max=connections_max,
    )
    try:
        yield http
    finally:
        await http.aclose()


async def ask(
    http: httpx.AsyncClient, method: str = "POST", within_s: float = 5.0
) -> Reply | NoReply:
    body = {"n": 1} if method in {"POST", "PUT", "PATCH"} else None
    request = http.build_request(method, "/x", json=body)
    return await send(http, request, act="test.ask", within_s=within_s)


@contextmanager
def closed_port() -> Iterator[str]:
    """An address that is taken, so that nobody else listens there, but where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def full_backlog() -> Iterator[str]:
    """A listener whose queue is full: a further connect gets no answer at all."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for caller in waiting:
                caller.setblocking(False)
                caller.connect_ex(listener.getsockname())
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for caller in waiting:
                caller.close()


async def test_a_refused_connection_was_never_sent() -> None:
    with closed_port() as url:
        async with connected(url) as http:
            assert await ask(http) == NOT_SENT


async def test_a_connect_timeout_was_never_sent() -> None:
    with full_backlog() as url:
        async with connected(url, timeout_s=0.6) as http:
            assert await ask(http) == NOT_SENT


async def test_a_failed_handshake_was_never_sent() -> None:
    """Who talks no TLS gets no request; what they read is the handshake."""
    seen: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(1024))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    try:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connected(url) as http:
            assert await ask(http) == NOT_SENT
    finally:
        server.close()
    assert seen
    assert b"POST" not in seen[0]


async def test_no_free_connection_in_time_was_never_sent() -> None:
    """Two may be open, and two calls keep them until they are let go; others wait in vain."""
    let_go = asyncio.Event()

    async def keeps(writer: asyncio.StreamWriter) -> None:
        await let_go.wait()
        await says("{}")(writer)

    async with (
        wire(keeps) as server,
        connected(server.base_url, 0.8, connections_max=2) as http,
    ):
        kept = []
        for _ in range(2):
            server.asked.clear()
            kept.append(asyncio.create_task(_patiently(http)))
            await server.asked.wait()
        waited = await asyncio.gather(*(ask(http) for _ in range(5)))
        assert waited == [NOT_SENT] * 5
        assert len(server.requests) == server.connections == 2

        let_go.set()
        assert await asyncio.gather(*kept) == [Reply(200, b"{}")] * 2
        assert isinstance(await ask(http), Reply)


async def _patiently(http: httpx.AsyncClient) -> Reply | NoReply:
    """Asks with half a minute for everything, whatever the client's own timeouts are."""
    request = http.build_request("GET", "/x", timeout=30.0)
    return await send(http, request, act="test.ask", within_s=30.0)


MAY_BE_SENT = [
    pytest.param(stays_silent, "timeout", id="no answer"),
    pytest.param(trickles, "timeout", id="an answer that never ends"),
    pytest.param(hangs_up, "connection_lost", id="closed after the request"),
    pytest.param(resets, "connection_lost", id="reset after the request"),
    pytest.param(writes(HALF), "connection_lost", id="half an answer, then closed"),
    pytest.param(writes(b"HTTP/1.1 2"), "connection_lost", id="half a status line, then closed"),
    pytest.param(writes(b"what?\r\n\r\n"), "connection_lost", id="no HTTP at all"),
    pytest.param(writes(b"HTTP/1.1 99999 x\r\n\r\n"), "connection_lost", id="an odd status"),
    pytest.param(
        writes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
        "connection_lost",
        id="half a chunk, then closed",
    ),
    pytest.param(
        writes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
        "connection_lost",
        id="a chunk of unreadable length",
    ),
    pytest.param(
        writes(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"),
        "connection_lost",
        id="a header without end",
    ),
    pytest.param(
        says(b"no gzip", 200, "Content-Encoding: gzip"), "connection_lost", id="lies about gzip"
    ),
]


@pytest.mark.parametrize("reuse_connections", [True, False], ids=["reused", "fresh"])
@pytest.mark.parametrize(("behaviour", "reason"), MAY_BE_SENT)
async def test_whatever_breaks_after_connecting_may_have_been_sent(
    behaviour: Behaviour, reason: str, *, reuse_connections: bool
) -> None:
    async with (
        wire(behaviour) as server,
        connected(server.base_url, 1.0, reuse_connections=reuse_connections) as http,
    ):
        assert await ask(http, within_s=1.5) == NoReply(reason)
        assert len(server.requests) == 1


async def test_an_answer_is_awaited_no_longer_than_allowed() -> None:
    """Each byte of a trickle comes in time; the whole does not."""
    async with wire(trickles) as server, connected(server.base_url) as http:
        started = time.monotonic()
        assert await ask(http, within_s=0.3) == NoReply("timeout")
        assert time.monotonic() - started < 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("breaks", [hangs_up, resets], ids=["closed", "reset"])
async def test_a_request_on_an_idle_connection_that_dies_is_not_sent_again(
    method: str, breaks: Behaviour
) -> None:
    """The client would send GET and its like once more by itself, were it let."""
    async with wire(says("{}"), breaks, says("{}")) as server, connected(server.base_url) as http:
        assert isinstance(await ask(http), Reply)
        assert await ask(http, method) == NoReply("connection_lost")
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("reuse_connections", "connections"), [(True, 1), (False, 3)], ids=["reused", "fresh"]
)
async def test_connections_are_reused_only_where_asked(
    connections: int, *, reuse_connections: bool
) -> None:
    async with (
        wire(says("{}")) as server,
        connected(server.base_url, reuse_connections=reuse_connections) as http,
    ):
        for _ in range(3):
            await ask(http)
        assert server.connections == connections
        assert (b"connection: close" in server.requests[0].lower()) is not reuse_connections


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async with (
        wire(says("", 302, "Location: /elsewhere")) as server,
        connected(server.base_url) as http,
    ):
        assert await ask(http) == Reply(302, b"")
        assert len(server.requests) == 1


async def test_no_cookie_is_kept() -> None:
    async with (
        wire(says("{}", 200, "Set-Cookie: login=yes; Path=/")) as server,
        connected(server.base_url) as http,
    ):
        await ask(http)
        await ask(http)
        assert b"cookie" not in server.requests[1].lower()


async def test_an_answer_that_is_too_large_has_no_body() -> None:
    """Its size is counted as it comes, whatever its head says, and the client stays usable."""
    too_much = b"x" * (REPLY_BYTES_MAX + 1)
    just_enough = b"x" * REPLY_BYTES_MAX
    async with (
        wire(says(too_much), says(just_enough)) as server,
        connected(server.base_url) as http,
    ):
        assert await ask(http) == Reply(200, None)
        assert await ask(http) == Reply(200, just_enough)


async def test_the_cancelled_caller_is_obeyed() -> None:
    async with wire(stays_silent) as server, connected(server.base_url) as http:
        task = asyncio.create_task(ask(http))
        await server.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def test_a_name_that_is_not_found_was_never_sent() -> None:
    key = ConnectionKey("no.such.host", 443, True, True, None, None, None)
    cause = aiohttp.ClientConnectorDNSError(key, OSError("not found"))
    assert never_sent(_caused(httpx.ConnectError("x"), cause))


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        pytest.param(httpx.ConnectTimeout(""), aiohttp.ServerDisconnectedError(), id="closed"),
        pytest.param(httpx.ConnectTimeout(""), aiohttp.ClientOSError(104, "reset"), id="reset"),
        pytest.param(httpx.ReadTimeout(""), aiohttp.SocketTimeoutError(), id="read timeout"),
        pytest.param(httpx.ConnectTimeout(""), None, id="no cause known"),
        pytest.param(httpx.ReadError(""), aiohttp.ClientPayloadError(), id="half an answer"),
        pytest.param(TimeoutError(), None, id="the whole took too long"),
    ],
)
def test_a_name_alone_proves_nothing(error: Exception, cause: Exception | None) -> None:
    """The transport calls a lost reply a connect timeout."""
    assert not never_sent(_caused(error, cause))


def _caused(error: Exception, cause: Exception | None) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(None, id="too large"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>503</html>", id="HTML"),
        pytest.param(b'{"code":"0', id="half"),
        pytest.param(b'{"code":"000"} trailing', id="more than one"),
        pytest.param(b'{"a":NaN}', id="no number"),
        pytest.param(b'{"a":1e999}', id="a number out of range"),
        pytest.param(b"9" * 6000, id="a number of 6000 digits"),
        pytest.param(b'{"code":"\xff\xfe"}', id="not UTF-8"),
        pytest.param(b"[" * 200_000, id="200,000 deep"),
    ],
)
def test_what_is_not_json_reads_as_nothing(body: bytes | None) -> None:
    assert read_json(body) is None


async def test_logs_tell_the_act_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with (
            wire(says("secret-answer"), hangs_up) as server,
            connected(server.base_url) as http,
        ):
            for _ in range(2):
                request = http.build_request(
                    "POST", "/x", json={"phone": "08031234567"}, headers={"secret-key": "SK_1"}
                )
                await send(http, request, act="test.ask", within_s=2)
    lines = [line for line in lines if line.get("act") == "test.ask"]
    assert [line["event"] for line in lines] == ["outside.answered", "outside.silent"]
    assert set(lines[0]) == {"event", "act", "status", "elapsed_ms", "log_level"}
    assert set(lines[1]) == {"event", "act", "reason", "never_sent", "elapsed_ms", "log_level"}
    assert not any(word in caplog.text for word in ("SK_1", "08031234567", "secret-answer"))
