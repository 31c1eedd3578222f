"""How the sandbox is steered, what it refuses to be, and what it remembers through a kill."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from core.kit.clock import SystemClock
from core.kit.errors import Fault
from sandbox import paystack, sms, vtpass_plays
from sandbox.app import SIMULATORS
from sandbox.settings import SandboxSettings
from tests.fakes.outside import Calls, Outside, client, outside


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[Outside]:
    async with outside() as running:
        yield running


@pytest_asyncio.fixture
async def world(shared: Outside) -> Outside:
    await shared.start_over()
    return shared


async def test_scenarios_are_listed_with_a_line_each(world: Outside) -> None:
    listed = (await world.http.get("/control/scenarios")).json()

    assert set(listed) == set(SIMULATORS)
    assert listed["vtpass"]["arrives_late"].endswith("[30 s] (always for 08030000010)")
    assert all(line for lines in listed.values() for line in lines.values())
    assert all("ok" in lines for lines in listed.values())


async def test_no_magic_recipient_plays_two_parts() -> None:
    """Neither of one provider nor of two: the phone page tries them all from one handset."""
    numbers = [
        number
        for scenarios in (vtpass_plays.PLAYS, paystack.SCENARIOS, sms.SCENARIOS)
        for scenario in scenarios.values()
        for number in scenario.recipients
    ]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("order", "known"),
    [
        ({"provider": "vtpas", "scenario": "ok"}, "vtpass"),
        ({"provider": "vtpass", "scenario": "sometimes"}, "arrives_late"),
    ],
)
async def test_an_unknown_choice_is_400_with_what_there_is(
    world: Outside, order: dict[str, str], known: str
) -> None:
    reply = await world.http.post("/control/scenarios", json=order)

    assert reply.status_code == 400
    assert known in reply.json()["known"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"provider":"vtpass"}',
        b'{"provider":"vtpass","scenario":"ok","next":0}',
        b'{"provider":"vtpass","scenario":"ok","seconds":-1}',
        b'{"provider":"vtpass","scenario":"ok","recipients":"0803"}',
    ],
)
async def test_a_malformed_order_is_400_in_words(world: Outside, body: bytes) -> None:
    reply = await world.http.post("/control/scenarios", content=body)

    assert reply.status_code == 400
    assert reply.json()["error"]


async def test_the_next_orders_play_in_the_order_of_the_rules(world: Outside) -> None:
    await world.play("vtpass", "wrong_network", next=2)
    await world.play("vtpass", "low_float", next=1)

    codes = [(await world.vend(world.request_id())).json()["code"] for _ in range(4)]

    assert codes == ["016", "016", "018", "000"]


async def test_the_closest_rule_wins(world: Outside) -> None:
    await world.play("vtpass", "low_float")
    await world.play("vtpass", "wrong_network", next=1)
    await world.play("vtpass", "refused", recipient="+234 803 123 4567")

    async def code(phone: str) -> str:
        return str((await world.vend(world.request_id(), phone)).json()["code"])

    assert await code("08031234567") == "091"
    assert await code("08051234567") == "016"
    assert await code("08051234567") == "018"
    await world.play("vtpass", "ok", recipient="08031234567")
    assert await code("08031234567") == "000"


async def test_a_refused_order_uses_up_no_rule(world: Outside) -> None:
    await world.play("vtpass", "wrong_network", next=1)
    await world.vend("too-short")

    assert (await world.vend(world.request_id())).json()["code"] == "016"


async def test_a_reset_forgets_everything(world: Outside) -> None:
    request_id = world.request_id()
    await world.vend(request_id)
    await world.vend(world.request_id(), "08030000002")
    await world.text("08031234567")
    await world.initialize("R-1")
    await world.play("vtpass", "low_float")

    assert (await world.http.post("/control/reset")).status_code == 200

    world.clock.advance(60)
    assert await world.deliveries() == []
    assert await world.messages() == []
    assert await world.payments() == []
    assert await world.float_balance() == "1000000.00"
    assert (await world.vend(request_id)).json()["code"] == "000"


async def test_a_severed_line_is_no_error_of_the_server(
    world: Outside, caplog: pytest.LogCaptureFixture
) -> None:
    await world.play("vtpass", "lost_before_order", next=1)

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await world.vend(world.request_id())
    await asyncio.sleep(0.05)

    assert caplog.text == ""


async def test_a_hundred_orders_at_once_are_each_delivered_once(world: Outside) -> None:
    ids = [world.request_id() for _ in range(50)]

    await asyncio.gather(*(world.vend(request_id) for request_id in ids * 2))

    assert sorted(row["reference"] for row in await world.deliveries()) == sorted(ids)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("paystack_secret_key", "sk_live_0123456789"),
        ("paystack_secret_key", "sk_live_test"),
        ("vtpass_secret_key", "SK_0123456789abcdef"),
        ("africastalking_api_key", "atsk_0123456789abcdef"),
        ("telegram_token", "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
        ("telegram_operators_token", "110201544:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"),
        ("whatsapp_access_token", "EAAGm0PX4ZCpsBAKZCqYVvqjXw0123456789"),
        ("whatsapp_app_secret", "0123456789abcdef0123456789abcdef"),
    ],
)
def test_a_live_key_stops_the_start_and_is_not_shown(field: str, value: str) -> None:
    with pytest.raises(Fault) as stopped:
        SandboxSettings(**{field: value})  # type: ignore[arg-type]  # every field of the table is text

    assert field.upper() in str(stopped.value)
    assert value not in str(stopped.value)


def test_webhooks_go_to_callbox_unless_told_otherwise() -> None:
    plain = SandboxSettings()
    moved = SandboxSettings(callbox_url="http://127.0.0.1:9000/", vtpass_webhook_url="http://x/y")

    assert plain.paystack_webhook_url == "http://127.0.0.1:8000/callbacks/paystack/demo"
    assert moved.paystack_webhook_url == "http://127.0.0.1:9000/callbacks/paystack/demo"
    assert moved.vtpass_webhook_url == "http://x/y"


async def test_what_was_promised_survives_a_kill(tmp_path: Path) -> None:
    """Time goes on while the process is down: what came due meanwhile is delivered, once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with client(base) as http:
            world = Calls(http, SystemClock())
            late, told = world.request_id(), world.request_id()
            async with _process(listener, tmp_path / "sandbox.db", http):
                await world.play("vtpass", "arrives_late", recipient="08031234567", seconds=3)
                with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
                    await world.vend(late)
                await world.vend(told, "08051234567")
                await world.text("08031234567")
                await world.initialize("R-1")
                await world.pay("R-1")
                assert (await world.ask(late)).json()["code"] == "015"
                assert _modes(tmp_path) == {0o600}
            await asyncio.sleep(3)
            async with _process(listener, tmp_path / "sandbox.db", http):
                delivered = {row["reference"]: row for row in await world.deliveries()}
                assert set(delivered) == {late, told}
                assert delivered[late]["at"] > delivered[told]["at"]
                assert (await world.vend(late)).json()["code"] == "014"
                assert (await world.payments())[0]["status"] == "paid"
                assert len(await world.messages()) == 1
                assert await world.float_balance() == "999030.00"


def _modes(folder: Path) -> set[int]:
    return {each.stat().st_mode & 0o777 for each in folder.glob("sandbox.db*")}


@asynccontextmanager
async def _process(
    listener: socket.socket, database: Path, http: httpx.AsyncClient
) -> AsyncIterator[None]:
    """The sandbox as a process of its own on that socket, ended as hard as by a power cut."""
    code = (
        "import sys, uvicorn\n"
        "from sandbox.app import create_app\n"
        "from sandbox.settings import SandboxSettings\n"
        "uvicorn.run(create_app(SandboxSettings()), fd=int(sys.argv[1]), log_level='error')\n"
    )
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        code,
        str(listener.fileno()),
        pass_fds=[listener.fileno()],
        env={
            **os.environ,
            "CALLBOX_SANDBOX_DATABASE": str(database),
            "CALLBOX_SANDBOX_CALLBOX_URL": "http://127.0.0.1:1",
        },
    )
    try:
        async with asyncio.timeout(20):
            await http.get("/health", timeout=20)
        yield
    finally:
        running.send_signal(signal.SIGKILL)
        await running.wait()
