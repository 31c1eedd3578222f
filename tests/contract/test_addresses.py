"""No address that somebody else sets leads into our own network."""

import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from core.providers import http
from core.providers.addresses import Reach, objection, reaching
from core.providers.http import NoReply, Reply
from tests.fakes.serving import serve


@pytest.fixture
async def base() -> AsyncIterator[str]:
    async with serve(Starlette()) as url:
        yield url


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "10.1.2.3", "172.16.0.1",
        "192.168.1.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "100.64.0.1", "224.0.0.1",
        "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "2130706433", "0x7f.1",
    ],
)  # fmt: skip
async def test_in_production_only_public_addresses_may_be_called(host: str) -> None:
    assert await objection(f"https://{host}/api", Reach.PUBLIC)


async def test_in_production_only_https_may_be_called() -> None:
    assert await objection("https://8.8.8.8/api", Reach.PUBLIC) is None
    assert await objection("http://8.8.8.8/api", Reach.PUBLIC) == "should begin with https://"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
async def test_in_demo_this_machine_may_be_called_too(host: str) -> None:
    assert await objection(f"http://{host}:9/api", Reach.PUBLIC_OR_HERE) is None


@pytest.mark.parametrize("host", ["10.1.2.3", "169.254.169.254", "0.0.0.0"])
async def test_in_demo_its_neighbours_may_not(host: str) -> None:
    assert await objection(f"https://{host}", Reach.PUBLIC_OR_HERE)


async def test_a_name_that_nobody_has_is_refused() -> None:
    assert await objection("https://no-such-host.invalid", Reach.PUBLIC)


async def test_a_name_that_leads_elsewhere_by_now_is_not_connected_to(base: str) -> None:
    """It was public when it was set: what counts is where it leads when we connect."""
    url = base.replace("127.0.0.1", "localhost")
    assert socket.gethostbyname("localhost") == "127.0.0.1"
    with reaching(Reach.PUBLIC):
        guarded = http.client(timeout_s=5)
    free = http.client(timeout_s=5)

    assert await ask(guarded, url) == NoReply("not_sent", never_sent=True)
    assert isinstance(await ask(free, url), Reply)


async def ask(client: httpx.AsyncClient, url: str) -> Reply | NoReply:
    async with client:
        request = client.build_request("GET", url)
        return await http.send(client, request, act="test", within_s=5)
