"""The shared connection to Redis: passwords, databases, TCP, and servers that misbehave."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio as redis
import uvloop

from core.kit.errors import Fault
from core.store.redis_line import Broken, Line, Refused, Stalled, open_line
from tests.fakes.valkey import OwnValkey, own_valkey

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
async def valkey() -> AsyncIterator[OwnValkey]:
    async with own_valkey() as server:
        yield server


def odd_server(answering: Answering) -> AbstractAsyncContextManager[str]:
    """Listens on TCP, and answers as it is told."""

    @asynccontextmanager
    async def serving() -> AsyncIterator[str]:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.read(100)
                await answering(reader, writer)
            except OSError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        try:
            yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
        finally:
            server.close()
            await server.wait_closed()

    return serving()


async def test_answers_come_as_bytes_numbers_lists_and_none(valkey: OwnValkey) -> None:
    async with open_line(valkey.url) as line:
        assert await line("SET", "a", b"\x00\r\n\xff") == b"OK"
        assert await line("GET", "a") == b"\x00\r\n\xff"
        assert await line("GET", "nosuch") is None
        assert await line("INCRBY", "n", 41) == 41
        assert await line("MGET", "a", "nosuch") == [b"\x00\r\n\xff", None]


async def test_a_thousand_at_once_get_each_their_own(valkey: OwnValkey) -> None:
    async with open_line(valkey.url) as line:
        echoes = await asyncio.gather(*(line("ECHO", b"%d" % n) for n in range(1000)))

    assert echoes == [b"%d" % n for n in range(1000)]


async def test_a_refusal_is_one_callers_and_breaks_nothing(valkey: OwnValkey) -> None:
    async with open_line(valkey.url) as line:
        fine, refused = line("PING"), line("NOSUCH")
        answers = await asyncio.gather(fine, refused, return_exceptions=True)
        assert answers[0] == b"PONG"
        assert isinstance(answers[1], Refused)
        assert await line("PING") == b"PONG"


async def test_the_database_of_the_url_is_used(valkey: OwnValkey) -> None:
    async with open_line(valkey.url.replace("db=0", "db=3")) as third:
        await third("SET", "only-in-three", "x")
        async with open_line(valkey.url) as first:
            assert await first("GET", "only-in-three") is None


async def test_the_password_of_the_url_is_used() -> None:
    async with own_valkey() as server:
        async with redis.Redis.from_url(server.url) as client:
            await client.config_set("requirepass", "open sesame")
        with_password = server.url + "&password=open%20sesame"

        async with open_line(with_password) as line:
            assert await line("PING") == b"PONG"
        async with open_line(server.url + "&password=wrong") as line:
            with pytest.raises(Refused):
                await line("PING")
        async with open_line(server.url) as line:
            with pytest.raises(Refused, match="NOAUTH"):
                await line("PING")


async def test_nobody_there_is_broken_at_once_and_fine_when_somebody_comes() -> None:
    async with own_valkey() as server, open_line(server.url) as line:
        server.stop()
        with pytest.raises(Broken):
            await line("PING")
        await server.start()

        assert await line("PING") == b"PONG"


async def test_a_connection_closed_before_the_answer_is_broken() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"$5\r\nhal")

    async with odd_server(hang_up) as url, open_line(url) as line:
        with pytest.raises(Broken):
            await line("GET", "a")


async def test_no_answer_in_time_is_stalled_for_everybody_who_waits() -> None:
    async def say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with odd_server(say_nothing) as url, open_line(url, timeout_s=0.1) as line:
        answers = await asyncio.gather(line("A"), line("B"), return_exceptions=True)

    assert [type(answer) for answer in answers] == [Stalled, Stalled]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", id="another protocol"),
        pytest.param(b"+ONE\r\n+TWO\r\n+THREE\r\n", id="more answers than questions"),
    ],
)
async def test_a_connection_that_makes_no_sense_is_used_no_more(answer: bytes) -> None:
    """Which answer is whose could not be told from there on."""
    connections = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        writer.write(answer)
        await reader.read()

    async with odd_server(talk) as url, open_line(url, timeout_s=2) as line:
        for _ in range(2):
            await asyncio.gather(line("A"), return_exceptions=True)
            await asyncio.sleep(0.05)

    assert len(connections) == 2


async def test_many_first_callers_make_one_connection(valkey: OwnValkey) -> None:
    async with redis.Redis.from_url(valkey.url) as client, open_line(valkey.url) as line:
        await client.ping()
        before = (await client.info("stats"))["total_connections_received"]
        await asyncio.gather(*(line("PING") for _ in range(50)))
        after = (await client.info("stats"))["total_connections_received"]

    assert after - before == 1


def test_a_url_that_is_none_says_which_setting_to_look_at() -> None:
    with pytest.raises(Fault, match="REDIS_URL"):
        Line("postgresql://somewhere")


def test_it_works_on_the_loop_that_serves(tmp_path: Path) -> None:
    """Uvloop's transports are not asyncio's own classes, and its errors come in another order."""

    async def life() -> None:
        server = OwnValkey(tmp_path)
        await server.start()
        try:
            async with open_line(server.url, timeout_s=1) as line:
                echoes = await asyncio.gather(*(line("ECHO", b"%d" % n) for n in range(100)))
                assert echoes == [b"%d" % n for n in range(100)]
                server.pause()
                with pytest.raises(Stalled):
                    await line("PING")
                server.stop()
                with pytest.raises(Broken):
                    await line("PING")
                await server.start()
                assert await line("PING") == b"PONG"
        finally:
            server.stop()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(uvloop.run, life()).result(timeout=30)


async def test_those_who_wait_for_a_connection_wait_together() -> None:
    """Where nothing takes it, the last of many waits no longer than the first."""
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        host, port = deaf.getsockname()
        with contextlib.ExitStack() as full:
            for _ in range(4):  # as many as the system lets wait at its door
                knocking = full.enter_context(socket.socket())
                knocking.setblocking(False)
                knocking.connect_ex((host, port))
            async with open_line(f"redis://{host}:{port}/0", timeout_s=0.5) as line:
                async with asyncio.timeout(3):
                    answers = await asyncio.gather(
                        *(line("PING") for _ in range(20)), return_exceptions=True
                    )
    assert {type(each) for each in answers} == {Stalled, Broken}


async def test_who_waits_for_one_who_gave_up_dials_itself(valkey: OwnValkey) -> None:
    async with open_line(valkey.url) as line:
        first, second = asyncio.create_task(line("PING")), asyncio.create_task(line("PING"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == b"PONG"
