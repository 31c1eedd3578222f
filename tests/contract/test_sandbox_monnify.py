"""The Monnify simulator: its wire, its tokens, each of its parts; and our adapter with it."""

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
from core.providers.payments.monnify import Monnify, Settings
from sandbox.monnify import signature
from sandbox.settings import SandboxSettings
from tests.contract.test_monnify import SAMPLE, SAMPLE_HASH, SAMPLE_KEY
from tests.fakes.outside import NOON, Outside, Taker, outside, settled, taker

API_KEY = "MK_TEST_SIM"
SECRET = "SIM-monnify-key"
ASKED = Money(1000_50, "NGN")


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[tuple[Outside, Taker]]:
    async with taker() as taking, outside(monnify_webhook_url=taking.url) as running:
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
async def gateway(world: Outside) -> AsyncIterator[Monnify]:
    adapter = Monnify(
        Settings(
            base_url=f"{world.http.base_url}/monnify",
            api_key=SecretStr(API_KEY),
            secret_key=SecretStr(SECRET),
            contract_code="SIM0001",
        ),
        world.clock,
    )
    yield adapter
    await adapter.aclose()


def request(reference: str = "CB1", mailbox: str = "2348031234567") -> PaymentRequest:
    return PaymentRequest(reference, ASKED, Msisdn("2348031234567"), f"{mailbox}@pay.test")


async def bearer(world: Outside) -> dict[str, str]:
    reply = await world.http.post("/monnify/api/v1/auth/login", auth=(API_KEY, SECRET))
    told = reply.json()
    assert (told["requestSuccessful"], told["responseBody"]["expiresIn"]) == (True, 3567)
    return {"authorization": f"Bearer {told['responseBody']['accessToken']}"}


async def initialize(world: Outside, **more: object) -> httpx.Response:
    document = {
        "amount": 1000,
        "currencyCode": "NGN",
        "customerName": "Ada",
        "customerEmail": "a@pay.test",
        "paymentReference": "R-1",
        "contractCode": "SIM0001",
        **more,
    }
    path = "/monnify/api/v1/merchant/transactions/init-transaction"
    return await world.http.post(path, json=document, headers=await bearer(world))


async def status(world: Outside, transaction_reference: str) -> dict[str, Any]:
    path = transaction_reference.replace("|", "%7C")
    reply = await world.http.get(
        f"/monnify/api/v2/transactions/{path}", headers=await bearer(world)
    )
    body: dict[str, Any] = reply.json()["responseBody"]
    return body


async def test_a_payment_on_the_wire(world: Outside, hook: Taker) -> None:
    opened = (await initialize(world, redirectUrl="http://127.0.0.1:1/done")).json()
    theirs = opened["responseBody"]["transactionReference"]
    assert theirs.startswith("MNFY|SIM|20261121130000|")
    assert opened["responseBody"]["paymentReference"] == "R-1"
    url = opened["responseBody"]["checkoutUrl"]
    assert "N1,000" in (await world.http.get(url)).text
    unpaid = await status(world, theirs)
    assert (unpaid["paymentStatus"], unpaid["amountPaid"], unpaid["paidOn"]) == (
        "PENDING",
        "0.00",
        None,
    )

    pressed = await world.http.post(url)
    await hook.got(1)

    assert pressed.headers["location"] == "http://127.0.0.1:1/done?paymentReference=R-1"
    paid = await status(world, theirs)
    assert (paid["paymentStatus"], paid["amountPaid"], paid["settlementAmount"]) == (
        "PAID",
        "1000.00",
        "990.00",
    )
    assert paid["paidOn"] == "21/11/2026 1:00:00 PM"
    event = json.loads(hook.bodies[0])
    assert event["eventType"] == "SUCCESSFUL_TRANSACTION"
    assert event["eventData"] == paid | {"amountPaid": 1000.0, "totalPayable": 1000.0}
    expected = hmac.new(SECRET.encode(), hook.bodies[0], hashlib.sha512).hexdigest()
    assert hook.headers[0]["monnify-signature"] == expected


def test_it_signs_as_the_documented_sample_is_signed() -> None:
    assert signature(SAMPLE_KEY, SAMPLE) == SAMPLE_HASH


@pytest.mark.parametrize("name", ["monnify_api_key", "monnify_secret_key"])
def test_a_live_key_stops_the_start(name: str) -> None:
    with pytest.raises(Fault, match=name.upper()):
        SandboxSettings.model_validate({name: "MK_PROD_1"})


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"amount": 0}, "Amount"),
        ({"amount": "x"}, "Amount"),
        ({"amount": 10.005}, "Amount"),
        ({"paymentReference": ""}, "reference"),
        ({"currencyCode": ""}, "Currency"),
        ({"contractCode": ""}, "Contract"),
        ({"customerName": None}, "name"),
        ({"customerEmail": "a"}, "email"),
    ],
)
async def test_a_wrong_request_is_refused(
    world: Outside, wrong: dict[str, Any], words: str
) -> None:
    reply = await initialize(world, **wrong)

    assert (reply.status_code, reply.json()["requestSuccessful"]) == (422, False)
    assert words in reply.json()["responseMessage"]
    assert await world.payments() == []


async def test_a_reference_is_taken_once(world: Outside) -> None:
    await initialize(world)

    reply = await initialize(world)

    assert (reply.status_code, reply.json()["requestSuccessful"]) == (422, False)


async def test_a_call_without_a_good_token_is_401(world: Outside) -> None:
    good = (await bearer(world))["authorization"]
    path = "/monnify/api/v2/merchant/transactions/query?paymentReference=R-1"

    async def asked(token: str) -> int:
        return (await world.http.get(path, headers={"authorization": token})).status_code

    assert await asked(good) == 404
    for bad in ("", "Bearer x", "Bearer SIM.99999999999.x", "Bearer SIM.x.y", good[:-1]):
        assert await asked(bad) == 401
    world.clock.advance(3567)
    assert await asked(good) == 401
    refused = await world.http.post("/monnify/api/v1/auth/login", auth=(API_KEY, "wrong"))
    assert refused.status_code == 401


@pytest.mark.parametrize(
    ("scenario", "state", "paid", "webhooks"),
    [
        ("ok", PaymentState.PAID, ASKED, 1),
        ("webhook_duplicate", PaymentState.PAID, ASKED, 3),
        ("webhook_never", PaymentState.PAID, ASKED, 0),
        ("webhook_late", PaymentState.PAID, ASKED, 0),
        ("other_dates", PaymentState.PAID, ASKED, 1),
        ("underpay", PaymentState.PAID, Money(500_25, "NGN"), 1),
        ("overpay", PaymentState.PAID, Money(2001_00, "NGN"), 1),
        ("other_currency", PaymentState.PAID, Money(1000_50, "GHS"), 1),
        ("abandoned", PaymentState.OPEN, None, 0),
        ("failed", PaymentState.OPEN, None, 0),
        ("verify_down", PaymentState.UNKNOWN, None, 1),
    ],
)
async def test_each_part_is_understood(
    world: Outside,
    hook: Taker,
    gateway: Monnify,
    scenario: str,
    state: PaymentState,
    paid: Money | None,
    webhooks: int,
) -> None:
    assert (await gateway.verify("CB1")).state is PaymentState.OPEN  # not known there yet
    await world.play("monnify", scenario, recipient="2348031234567")
    checkout = await gateway.initialize(request())
    assert checkout is not None
    assert checkout.url.startswith(str(world.http.base_url))
    assert (await gateway.verify("CB1")).state is not PaymentState.PAID

    await world.pay("CB1")
    await hook.got(webhooks)
    await settled()

    verification = await gateway.verify("CB1")
    assert verification.state is state
    payment = next(iter(verification.payments), None)
    assert (payment.amount if payment else None) == paid
    assert payment is None or payment.paid_at == NOON
    assert len(hook.bodies) == webhooks
    for headers, body in zip(hook.headers, hook.bodies, strict=True):
        assert gateway.references_in(headers, body) == ("CB1",)


@pytest.mark.parametrize(
    ("scenario", "word"), [("underpay", "PARTIALLY_PAID"), ("overpay", "OVERPAID"), ("ok", "PAID")]
)
async def test_the_status_tells_less_from_more(world: Outside, scenario: str, word: str) -> None:
    await world.play("monnify", scenario, next=1)
    theirs = (await initialize(world)).json()["responseBody"]["transactionReference"]
    await world.pay("R-1")

    assert (await status(world, theirs))["paymentStatus"] == word


async def test_a_transaction_adds_up_what_it_is_paid(world: Outside) -> None:
    theirs = (await initialize(world)).json()["responseBody"]["transactionReference"]
    await world.pay("R-1", amount="400")
    await world.pay("R-1", amount="600", again=True)

    told = await status(world, theirs)
    assert (told["paymentStatus"], told["amountPaid"]) == ("PAID", "1000.00")


async def test_a_forged_webhook_is_turned_away(
    world: Outside, hook: Taker, gateway: Monnify
) -> None:
    await world.play("monnify", "webhook_forged", next=1)
    await gateway.initialize(request())

    told = await world.pay("CB1")
    await hook.got(1)

    assert told.json()["paid"] is False
    assert json.loads(hook.bodies[0])["eventData"]["paymentStatus"] == "PAID"
    with pytest.raises(BadCallback):
        gateway.references_in(hook.headers[0], hook.bodies[0])
    assert (await gateway.verify("CB1")).state is PaymentState.OPEN


async def test_a_dropped_token_costs_one_more_login(world: Outside, gateway: Monnify) -> None:
    await gateway.verify("CB1")
    await world.play("monnify", "token_dropped", next=1)

    assert await gateway.initialize(request()) is not None
    assert [row["scenario"] for row in await world.payments()] == ["ok"]


async def test_a_token_that_ended_is_replaced(world: Outside, gateway: Monnify) -> None:
    await gateway.verify("CB1")

    world.clock.advance(4000)

    assert (await gateway.verify("CB1")).state is PaymentState.OPEN


async def test_a_checkout_is_lost_told_early_or_fails(
    world: Outside, hook: Taker, gateway: Monnify
) -> None:
    """What was lost is open all the same, and verify finds what is paid there."""
    for scenario in ("initialize_lost", "initialize_500", "webhook_before_reply"):
        await world.play("monnify", scenario, next=1)

    assert await gateway.initialize(request("CB1")) is None
    assert await gateway.initialize(request("CB2")) is None
    assert await gateway.initialize(request("CB3")) is not None

    assert gateway.references_in(hook.headers[0], hook.bodies[0]) == ("CB3",)
    await world.pay("CB1")
    states = [(await gateway.verify(each)).state for each in ("CB1", "CB2", "CB3")]
    assert states == [PaymentState.PAID, PaymentState.OPEN, PaymentState.PAID]
