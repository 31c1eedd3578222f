"""Callbox as an operator meets it: starting, stopping, dying, and being set up wrongly."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e.books import books_of, judge, settled
from tests.e2e.customer import Customer
from tests.e2e.program import (
    CALLBOX,
    Process,
    World,
    eventually,
    free_port,
    home_folder,
    running,
)
from tests.e2e.secrecy import leaks

RSS_MAX_KB = 300 * 1024


def _rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def _is_gone(pid: int) -> bool:
    """A zombie is gone as well: it holds nothing and waits only to be counted."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


async def _servers_are_gone(pids: list[int]) -> None:
    async def gone() -> bool:
        return all(_is_gone(pid) for pid in pids)

    await eventually(gone, 15)


async def _says(process: Process, words: str) -> bool:
    return words in process.log.read_text()


def _servers(world: World) -> list[int]:
    return [world.server_pid("postgres"), world.server_pid("valkey")]


@pytest.fixture
def home() -> Iterator[Path]:
    with home_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
async def standing() -> AsyncIterator[World]:
    """One Callbox for the tests that leave it as they found it."""
    with home_folder() as folder:
        async with running(folder) as world:
            yield world
        assert leaks(folder) == []


async def test_everything_in_one_process_stays_small(home: Path) -> None:
    """Web, worker, sandbox and phone page: under 300 MB of Callbox's own when nobody calls."""
    port, sandbox_port = free_port(), free_port()
    world = World(home)
    settings = {"CALLBOX_PORT": str(port), "CALLBOX_SANDBOX_PORT": str(sandbox_port)}
    everything = Process("run", {"CALLBOX_HOME": str(home), **settings}, home / "callbox.log")
    world.http.base_url = f"http://127.0.0.1:{port}"
    world.control.base_url = f"http://127.0.0.1:{sandbox_port}"
    world.callbox = everything
    try:
        await everything.start()
        await world.ready()
        assert (await world.http.get("/health")).json() == {"status": "ok"}
        assert (await world.control.get("/phone")).status_code == 200
        await eventually(lambda: _says(everything, f"Callbox is ready at {world.http.base_url}"))
        await Customer(world).fund()

        assert _rss_kb(everything.pid) < RSS_MAX_KB
    finally:
        await world.http.aclose()
        await world.control.aclose()
        status = await everything.stop()
    assert status == 0


async def test_it_stops_when_told_and_leaves_no_server_behind(home: Path) -> None:
    async with running(home) as world:
        servers = _servers(world)

        assert await world.callbox.stop() == 0

        await _servers_are_gone(servers)
    assert "Traceback" not in (home / "callbox.log").read_text()


@pytest.mark.parametrize("after_s", [0.1, 0.7, 1.4, 2.0])
async def test_it_stops_when_told_while_it_is_still_starting(home: Path, after_s: float) -> None:
    """Whatever it is at by then: the status tells of no trouble, and nothing stays behind."""
    ports = {name: str(free_port()) for name in ("CALLBOX_PORT", "CALLBOX_SANDBOX_PORT")}
    process = Process("run", {"CALLBOX_HOME": str(home), **ports}, home.with_name("early.log"))
    await process.start()
    await asyncio.sleep(after_s)

    assert await process.stop() == 0

    assert "Traceback" not in process.log.read_text()
    assert not (home / "services.json").exists()


async def test_it_stops_when_told_in_the_middle_of_an_order(home: Path) -> None:
    """The order is seen through after the next start."""
    async with running(home) as world:
        customer = Customer(world)
        await customer.fund()
        await world.scenario("accepted_then_ok", customer.msisdn, figures={"seconds": 1})
        await customer.buy()

        assert await world.callbox.stop() == 0

        await world.callbox.start()
        await world.ready()

        async def delivered() -> bool:
            async with books_of(world) as books:
                return [o.state for o in await books.orders(customer.msisdn)] == ["delivered"]

        await eventually(delivered)
        assert len(await world.deliveries(customer.msisdn)) == 1


async def test_data_survives_a_kill_and_the_servers_do_not(home: Path) -> None:
    async with running(home) as world:
        customer = Customer(world)
        await customer.fund(1000)
        await customer.buy(300)
        servers = _servers(world)

        await world.callbox.kill()

        await _servers_are_gone(servers)
        await world.callbox.start()
        await world.ready()
        assert await customer.balance() == (700_00, 0)
        await settled(world, [customer])
        await judge(world, [customer], sms_max=2)  # it may have died as it sent the first


# What an operator did wrong, and what the one line must name.
WRONG = {
    "a port that is no number": ({"CALLBOX_PORT": "http"}, "CALLBOX_PORT"),
    "a port out of range": ({"CALLBOX_PORT": "65536"}, "CALLBOX_PORT"),
    "an environment we do not know": ({"CALLBOX_ENV": "staging"}, "CALLBOX_ENV"),
    "a switch that is neither on nor off": ({"CALLBOX_SANDBOX": "perhaps"}, "CALLBOX_SANDBOX"),
    "a log level we do not know": ({"CALLBOX_LOG_LEVEL": "LOUD"}, "CALLBOX_LOG_LEVEL"),
    "a schedule of words": ({"CALLBOX_REQUERY_AFTER_S": "5,soon"}, "CALLBOX_REQUERY_AFTER_S"),
    "a schedule of nothing": ({"CALLBOX_REQUERY_AFTER_S": ","}, "CALLBOX_REQUERY_AFTER_S"),
    "negative patience": ({"CALLBOX_TURN_WAIT_S": "-1"}, "CALLBOX_TURN_WAIT_S"),
    "a provider's timeout too short": ({"VTPASS_TIMEOUT_S": "1"}, "VTPASS_TIMEOUT_S"),
    "a provider's address that is none": (
        {"PAYSTACK_SECRET_KEY": "sk_test_1", "PAYSTACK_BASE_URL": "paystack"},
        "PAYSTACK_BASE_URL",
    ),
    "a public address that is none": ({"CALLBOX_PUBLIC_URL": "notaurl"}, "CALLBOX_PUBLIC_URL"),
    "a float of nobody's": ({"CALLBOX_FLOAT_LOW_OF": "vtpas=5000"}, "CALLBOX_FLOAT_LOW_OF"),
    "half of a provider's keys": ({"VTPASS_API_KEY": "SIM-1"}, "VTPASS_"),
    "a database that is not Postgres": ({"DATABASE_URL": "mysql://db/callbox"}, "DATABASE_URL"),
    "a database address that is none": ({"DATABASE_URL": "callbox"}, "DATABASE_URL"),
    "a Redis address that is none": ({"REDIS_URL": "localhost:6379"}, "REDIS_URL"),
    "production without a key": ({"CALLBOX_ENV": "production"}, "CALLBOX_SECRET_KEY"),
    "production with the sandbox": (
        {"CALLBOX_ENV": "production", "CALLBOX_SECRET_KEY": "k" * 43, "CALLBOX_SANDBOX": "on"},
        "CALLBOX_SANDBOX",
    ),
    "a live key beside the sandbox": (
        {"PAYSTACK_SECRET_KEY": "sk_live_0123456789"},
        "PAYSTACK_SECRET_KEY",
    ),
    "a real provider beside the sandbox": (
        {"VTPASS_API_KEY": "k", "VTPASS_BASE_URL": "https://api.vtpass.invalid/api"},
        "VTPASS_BASE_URL",
    ),
    "a home that is a file": ({"CALLBOX_HOME": "/dev/null"}, "/dev/null"),
    "a host that is nobody's": ({"CALLBOX_HOST": "203.0.113.1"}, "203.0.113.1"),
}


async def _refused(home: Path, named: str, settings: dict[str, str]) -> str:
    """Start it; it must end with one clear line that names what is wrong."""
    own = {
        "CALLBOX_HOME": str(home),
        "CALLBOX_PORT": str(free_port()),
        "CALLBOX_SANDBOX_PORT": str(free_port()),
        "CALLBOX_LOG_JSON": "true",
    }
    process = Process(
        "run", {**own, **settings}, home.with_name(f"refused-{own['CALLBOX_PORT']}.log")
    )
    await process.start()
    try:
        status = await process.ended(30)
    finally:
        await process.kill()
    said = process.log.read_text()
    [line] = [line for line in said.splitlines() if not line.startswith("{")]
    assert line.startswith("callbox: ")
    assert named in line
    assert "Traceback" not in said
    assert status == 1
    return line


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_setting_is_one_clear_line(home: Path, name: str) -> None:
    settings, named = WRONG[name]
    line = await _refused(home, named, settings)
    assert "pydantic" not in line
    assert "0123456789" not in line


async def test_the_sandbox_alone_takes_no_live_key_either(home: Path) -> None:
    port = str(free_port())
    sandbox = Process(
        "sandbox",
        {
            "CALLBOX_HOME": str(home),
            "CALLBOX_SANDBOX_PORT": port,
            "STRIPE_SECRET_KEY": "rk_live_0123456789",
        },
        home.with_name("refused-sandbox.log"),
    )
    await sandbox.start()
    try:
        assert await sandbox.ended() == 1
    finally:
        await sandbox.kill()
    said = sandbox.log.read_text()
    assert said.startswith("callbox: STRIPE_SECRET_KEY: ")
    assert "0123456789" not in said


async def test_a_wrong_key_is_not_repeated(home: Path) -> None:
    line = await _refused(
        home,
        "CALLBOX_SECRET_KEY",
        {"CALLBOX_ENV": "production", "CALLBOX_SANDBOX": "off", "CALLBOX_SECRET_KEY": "hunter2"},
    )
    assert "hunter2" not in line


async def test_a_second_start_on_one_home_is_refused(standing: World) -> None:
    await _refused(
        standing.home.with_name("second"),
        str(standing.home),
        {"CALLBOX_HOME": str(standing.home)},
    )
    assert (await standing.http.get("/health")).status_code == 200


async def test_a_port_that_is_taken_is_refused(home: Path) -> None:
    """Before anything is started: no server of a start that cannot serve."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        await _refused(home, f"127.0.0.1:{port}", {"CALLBOX_PORT": port})
        await _refused(home, f"127.0.0.1:{port}", {"CALLBOX_SANDBOX_PORT": port})
    assert not (home / "services").exists()


async def test_commands_work_beside_a_running_callbox(standing: World) -> None:
    """The books are checked while it goes on, and the first hour's first command does no harm."""
    customer = Customer(standing)
    await customer.fund()
    await customer.buy()
    for command, said in (("ledger check", "The books balance"), ("migrate", "is up to date")):
        process = Process(command, standing.callbox.env, standing.home / "beside.log")
        await process.start()

        assert await process.ended() == 0

        assert said in process.log.read_text()


@pytest.mark.parametrize("stop", [signal.SIGINT, None], ids=["Ctrl-C", "Ctrl-D"])
async def test_a_talk_in_the_terminal_ends_quietly(
    standing: World, stop: signal.Signals | None
) -> None:
    """In the middle of a screen, with nothing but the prompt after it."""
    talk = await asyncio.create_subprocess_exec(
        *(CALLBOX, "flows", "play", "--url", str(standing.http.base_url)),
        env={**os.environ, **standing.callbox.env},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Whoever runs the tests in the background has their children deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert talk.stdin is not None
    assert talk.stdout is not None
    try:
        async with asyncio.timeout(30):
            said = await talk.stdout.readuntil(b"> ")
            if stop is None:
                talk.stdin.close()
            else:
                talk.send_signal(stop)
            rest = await talk.stdout.read()
            status = await talk.wait()
    finally:
        if talk.returncode is None:
            talk.kill()
            await talk.wait()
    assert b"Airtime" in said or b"airtime" in said
    assert (rest.strip(), status) == (b"", 0)


async def test_an_interrupt_from_the_keyboard_stops_it_cleanly(home: Path) -> None:
    async with running(home) as world:
        os.kill(world.callbox.pid, signal.SIGINT)
        assert await world.callbox.ended(20) == 0
    assert "Traceback" not in (home / "callbox.log").read_text()
