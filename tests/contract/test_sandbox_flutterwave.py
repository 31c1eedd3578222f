"""The Flutterwave simulator: its wire, both webhooks, each of its parts; and our adapter."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr

from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import BadCallback, PaymentRequest, PaymentState
from core.providers.payments.flutterwave import Flutterwave, Settings
from sandbox import accounts
from sandbox.flutterwave import Flutterwave as Simulator
from sandbox.settings import SandboxSettings
from tests.fakes.outside import Outside, Taker, outside, settled, taker

BEARER = {"authorization": "Bearer FLWSECK_TEST-SIM-X"}
HASH = "SIM-flutterwave-hash"
PAYER = Msisdn("2348031234567")
ASKED = Money(1000_50, "NGN")


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[tuple[Outside, Taker]]:
    async with taker() as taking, outside(flutterwave_webhook_url=taking.url) as running:
        yield running, taking


@pytest_asyncio.fixture
async def world(shared: tuple[Outside, Taker]) -> Outside:
    await shared[0].start_over()
    return shared[0]


@pytest_asyncio.fixture
async def hook(world: Outside, shared: tuple[Outside, Taker]) -> Taker:
    """Empty: a reset waits for what is under way, and nothing comes after it."""
    shared[1].bodies.clear()
    shared[1].headers.clear()
    return shared[1]


@pytest_asyncio.fixture
async def gateway(world: Outside) -> AsyncIterator[Flutterwave]:
    adapter = Flutterwave(
        Settings(
            base_url=f"{world.http.base_url}/flutterwave/v3",
            secret_key=SecretStr("FLWSECK_TEST-SIM-X"),
            secret_hash=SecretStr(HASH),
            return_url="http://127.0.0.1:1/paid",
        )
    )
    yield adapter
    await adapter.aclose()


def request(reference: str = "CB1", msisdn: Msisdn = PAYER) -> PaymentRequest:
    return PaymentRequest(reference, ASKED, msisdn, f"{reference.lower()}@pay.test")


async def create(world: Outside, **more: object) -> httpx.Response:
    document = {
        "tx_ref": "R-1",
        "amount": "1000",
        "currency": "NGN",
        "redirect_url": "http://127.0.0.1:1/done",
        "customer": {"email": "a@pay.test", "phonenumber": PAYER},
        **more,
    }
    return await world.http.post("/flutterwave/v3/payments", json=document, headers=BEARER)


async def ask(world: Outside, path: str) -> httpx.Response:
    return await world.http.get(f"/flutterwave/v3/transactions{path}", headers=BEARER)


async def test_a_payment_on_the_wire(world: Outside, hook: Taker) -> None:
    """A link, nothing known before the payer tries, then one transaction and its webhook."""
    link = (await create(world)).json()
    assert (link["status"], link["message"]) == ("success", "Hosted Link")
    page = await world.http.get(link["data"]["link"])
    assert "N1,000" in page.text

    unpaid = await ask(world, "/verify_by_reference?tx_ref=R-1")
    assert (unpaid.status_code, unpaid.json()) == (
        400,
        {"status": "error", "message": "No transaction was found for this id", "data": None},
    )

    pressed = await world.http.post(link["data"]["link"])
    await hook.got(1)
    data = (await ask(world, "/verify_by_reference?tx_ref=R-1")).json()["data"]
    assert (data["status"], data["amount"], data["currency"]) == ("successful", 1000, "NGN")
    assert (data["charged_amount"], data["app_fee"], data["amount_settled"]) == (1000, 14, 986)
    assert pressed.headers["location"] == (
        f"http://127.0.0.1:1/done?status=successful&tx_ref=R-1&transaction_id={data['id']}"
    )
    assert (await ask(world, f"/{data['id']}/verify")).json()["data"] == data
    assert (await ask(world, "?tx_ref=R-1&status=successful")).json()["data"] == [data]
    assert hook.headers[0]["verif-hash"] == HASH
    assert json.loads(hook.bodies[0]) == {"event": "charge.completed", "data": data}


async def test_a_second_link_of_a_reference_is_the_first(world: Outside) -> None:
    first, second = await create(world), await create(world)

    assert first.json()["data"] == second.json()["data"]
    assert len(await world.payments()) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"tx_ref": ""}, "tx_ref"),
        ({"amount": 0}, "amount"),
        ({"amount": "x"}, "amount"),
        ({"amount": 10.005}, "amount"),
        ({"redirect_url": None}, "redirect_url"),
        ({"customer": {}}, "customer.email"),
        ({"customer": "a@pay.test"}, "customer.email"),
    ],
)
async def test_a_wrong_request_is_refused(
    world: Outside, wrong: dict[str, Any], words: str
) -> None:
    reply = await create(world, **wrong)

    assert (reply.status_code, reply.json()["status"]) == (400, "error")
    assert words in reply.json()["message"]
    assert await world.payments() == []


async def test_a_wrong_key_is_401_in_json(world: Outside) -> None:
    for method, path in (
        ("POST", "payments"),
        ("GET", "transactions"),
        ("GET", "transactions/verify_by_reference?tx_ref=R-1"),
        ("GET", "transactions/1/verify"),
    ):
        reply = await world.http.request(
            method, f"/flutterwave/v3/{path}", headers={"authorization": "Bearer FLWSECK_TEST-X"}
        )
        assert (reply.status_code, reply.json()["status"]) == (401, "error")


@pytest.mark.parametrize("name", ["flutterwave_secret_key", "flutterwave_secret_hash"])
def test_a_live_key_stops_the_start(name: str) -> None:
    with pytest.raises(Fault, match=name.upper()):
        SandboxSettings.model_validate({name: "FLWSECK-1-X"})


async def test_v4_signs_the_body(world: Outside, hook: Taker) -> None:
    await world.play("flutterwave", "webhook_v4", next=1)
    await world.play("flutterwave", "webhook_v4_hex", next=1)
    for nth, reference in enumerate(("R-1", "R-2")):
        await create(world, tx_ref=reference)
        await world.pay(reference)
        await hook.got(nth + 1)

    digests = [hmac.new(HASH.encode(), body, hashlib.sha256).digest() for body in hook.bodies]
    assert [headers["flutterwave-signature"] for headers in hook.headers] == [
        base64.b64encode(digests[0]).decode(),
        digests[1].hex(),
    ]
    assert not any("verif-hash" in headers for headers in hook.headers)
    event = json.loads(hook.bodies[0])
    assert (event["type"], event["data"]["reference"]) == ("charge.completed", "R-1")
    assert event["data"]["status"] == "succeeded"


@pytest.mark.parametrize(
    ("scenario", "state", "paid", "webhooks"),
    [
        ("ok", PaymentState.PAID, ASKED, 1),
        ("webhook_duplicate", PaymentState.PAID, ASKED, 3),
        ("webhook_never", PaymentState.PAID, ASKED, 0),
        ("webhook_late", PaymentState.PAID, ASKED, 0),
        ("webhook_v4", PaymentState.PAID, ASKED, 1),
        ("webhook_v4_hex", PaymentState.PAID, ASKED, 1),
        ("webhook_lies", PaymentState.OPEN, None, 1),
        ("underpay", PaymentState.PAID, Money(500_25, "NGN"), 1),
        ("overpay", PaymentState.PAID, Money(2001_00, "NGN"), 1),
        ("other_currency", PaymentState.PAID, Money(1000_50, "GHS"), 1),
        ("abandoned", PaymentState.OPEN, None, 0),
        ("failed", PaymentState.OPEN, None, 0),
        ("failed_then_paid", PaymentState.PAID, ASKED, 1),
        ("verify_down", PaymentState.UNKNOWN, None, 1),
    ],
)
async def test_each_part_is_understood(
    world: Outside,
    hook: Taker,
    gateway: Flutterwave,
    scenario: str,
    state: PaymentState,
    paid: Money | None,
    webhooks: int,
) -> None:
    await world.play("flutterwave", scenario, recipient=PAYER)
    checkout = await gateway.initialize(request())
    assert checkout is not None
    assert checkout.url.startswith(str(world.http.base_url))
    assert (await gateway.verify("CB1")).state is not PaymentState.PAID

    await world.pay("CB1")
    await hook.got(webhooks)
    await settled()

    verification = await gateway.verify("CB1")
    assert verification.state is state
    assert [each.amount for each in verification.payments] == ([paid] if paid else [])
    assert len(hook.bodies) == webhooks
    for headers, body in zip(hook.headers, hook.bodies, strict=True):
        assert gateway.references_in(headers, body) == ("CB1",)


async def test_a_forged_webhook_is_turned_away(
    world: Outside, hook: Taker, gateway: Flutterwave
) -> None:
    await world.play("flutterwave", "webhook_forged", next=1)
    await gateway.initialize(request())

    told = await world.pay("CB1")
    await hook.got(1)

    assert told.json()["paid"] is False
    assert json.loads(hook.bodies[0])["data"]["status"] == "successful"
    with pytest.raises(BadCallback):
        gateway.references_in(hook.headers[0], hook.bodies[0])
    assert (await gateway.verify("CB1")).state is PaymentState.OPEN


async def test_paid_twice_under_one_reference_is_two_transactions(
    world: Outside, hook: Taker, gateway: Flutterwave
) -> None:
    """Verification tells of both, the first one first."""
    await gateway.initialize(request())
    await world.pay("CB1")
    first = await gateway.verify("CB1")
    assert (await world.pay("CB1", again=True)).status_code == 200
    await hook.got(2)

    data = (await ask(world, "?tx_ref=CB1")).json()["data"]
    assert [each["status"] for each in data] == ["successful", "successful"]
    assert data[0]["id"] > data[1]["id"]
    both = await gateway.verify("CB1")
    assert both.payments[:1] == first.payments
    assert [each.transaction_id for each in both.payments] == sorted(
        str(each["id"]) for each in data
    )


async def test_a_checkout_is_lost_told_early_or_fails(
    world: Outside, hook: Taker, gateway: Flutterwave
) -> None:
    """What was lost is open all the same, and asked for again it is found."""
    for scenario in ("initialize_lost", "initialize_500", "webhook_before_reply"):
        await world.play("flutterwave", scenario, next=1)

    assert await gateway.initialize(request("CB1")) is None
    assert await gateway.initialize(request("CB2")) is None
    assert await gateway.initialize(request("CB3")) is not None

    assert gateway.references_in(hook.headers[0], hook.bodies[0]) == ("CB3",)
    assert {row["reference"]: row["status"] for row in await world.payments()} == {
        "CB1": "pending",
        "CB3": "paid",
    }


async def test_silence_ends(world: Outside, gateway: Flutterwave) -> None:
    await world.play("flutterwave", "verify_down", next=1)
    await gateway.initialize(request())
    await world.pay("CB1")
    assert (await gateway.verify("CB1")).state is PaymentState.UNKNOWN

    world.clock.advance(21)

    assert (await gateway.verify("CB1")).state is PaymentState.PAID


async def test_each_magic_payer_needs_no_rule(world: Outside, gateway: Flutterwave) -> None:
    for name, scenario in Simulator.scenarios.items():
        for number in scenario.recipients:
            if name not in {"initialize_500", "initialize_lost", *accounts.SCENARIOS}:
                payer = Msisdn(f"234{number[1:]}")
                await gateway.initialize(request(f"CB{number}", payer))
                [row] = await world.payments(reference=f"CB{number}")
                assert row["scenario"] == name
