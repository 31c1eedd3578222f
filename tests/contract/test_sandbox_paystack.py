"""The Paystack simulator: its wire, the payer's page, and each of its parts."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.paystack import SCENARIOS
from tests.fakes.outside import Outside, Taker, outside, settled, taker


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[tuple[Outside, Taker]]:
    async with taker() as taking, outside(paystack_webhook_url=taking.url) as running:
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


def _signed(hook: Taker, nth: int = 0) -> bool:
    expected = hmac.new(b"sk_test_SIM", hook.bodies[nth], hashlib.sha512).hexdigest()
    return hook.headers[nth]["x-paystack-signature"] == expected


async def _data(world: Outside, reference: str) -> dict[str, Any]:
    data: dict[str, Any] = (await world.verify(reference)).json()["data"]
    return data


async def test_initialize_answers_with_a_page_that_opens(world: Outside) -> None:
    told = (await world.initialize("R-1")).json()

    assert (told["status"], told["data"]["reference"]) == (True, "R-1")
    assert told["data"]["access_code"].startswith("SIM")
    page = await world.http.get(told["data"]["authorization_url"])
    assert page.status_code == 200
    assert "N1,000" in page.text
    assert "Simulated" in page.text


async def test_a_payment_is_told_by_a_signed_webhook_and_by_verify(
    world: Outside, hook: Taker
) -> None:
    await world.initialize("R-1")
    assert (await _data(world, "R-1"))["status"] == "abandoned"

    paid = await world.pay("R-1")
    await hook.got(1)

    assert paid.json()["paid"] is True
    assert _signed(hook)
    event = json.loads(hook.bodies[0])
    data = await _data(world, "R-1")
    assert event["event"] == "charge.success"
    assert event["data"] == data
    assert (data["status"], data["amount"], data["currency"]) == ("success", 100_000, "NGN")
    assert (await world.payments(reference="R-1"))[0]["status"] == "paid"


async def test_the_payer_presses_pay_and_comes_back(world: Outside, hook: Taker) -> None:
    told = await world.initialize("R-1", callback_url="http://127.0.0.1:1/done?tenant=demo")
    page = told.json()["data"]["authorization_url"]

    pressed = await world.http.post(page)
    await hook.got(1)

    assert pressed.status_code == 303
    assert pressed.headers["location"] == (
        "http://127.0.0.1:1/done?tenant=demo&trxref=R-1&reference=R-1"
    )
    await world.http.post(page)
    assert len((await world.payments(reference="R-1"))[0]["charges"]) == 1
    assert "Paid" in (await world.http.get(page)).text


async def test_without_a_callback_the_page_says_paid(world: Outside) -> None:
    page = (await world.initialize("R-1")).json()["data"]["authorization_url"]

    pressed = await world.http.post(page, follow_redirects=True)

    assert "Paid" in pressed.text


async def test_a_page_shows_what_others_wrote_as_text(world: Outside) -> None:
    told = await world.initialize("R-1", email="<script>@x.test")

    page = await world.http.get(told.json()["data"]["authorization_url"])

    assert "<script>" not in page.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"email": ""}, "Email"),
        ({"amount": 0}, "Amount"),
        ({"amount": "10.5"}, "Amount"),
        ({"amount": -5}, "Amount"),
        ({"currency": "XXX"}, "Currency"),
        ({"reference": "a/b"}, "reference"),
        ({"callback_url": "javascript:alert(1)"}, "callback"),
    ],
)
async def test_a_wrong_request_is_refused(
    world: Outside, wrong: dict[str, Any], words: str
) -> None:
    reply = await world.initialize(**{"reference": "R-1", **wrong})

    assert (reply.status_code, reply.json()["status"]) == (400, False)
    assert words in reply.json()["message"]
    assert await world.payments() == []


async def test_a_reference_is_taken_once(world: Outside) -> None:
    await world.initialize("R-1")

    reply = await world.initialize("R-1")

    assert (reply.status_code, reply.json()["message"]) == (
        400,
        "Duplicate Transaction Reference",
    )


async def test_a_wrong_key_is_401_in_json(world: Outside) -> None:
    for path, method in (("initialize", "POST"), ("verify/R-1", "GET")):
        reply = await world.http.request(
            method, f"/paystack/transaction/{path}", headers={"authorization": "Bearer sk_test_X"}
        )
        assert (reply.status_code, reply.json()["status"]) == (401, False)


async def test_an_unknown_reference(world: Outside) -> None:
    reply = await world.verify("R-9")

    assert (reply.status_code, reply.json()["code"]) == (400, "transaction_not_found")
    assert (await world.pay("R-9")).status_code == 404


async def test_paid_twice_only_when_asked_for(world: Outside, hook: Taker) -> None:
    await world.initialize("R-1")
    await world.pay("R-1")

    assert (await world.pay("R-1")).status_code == 409
    assert (await world.pay("R-1", again=True)).status_code == 200

    await hook.got(2)
    charges = (await world.payments(reference="R-1"))[0]["charges"]
    assert len({charge["id"] for charge in charges}) == 2
    assert {json.loads(body)["data"]["id"] for body in hook.bodies} == {c["id"] for c in charges}


@pytest.mark.parametrize(
    ("order", "minor", "currency"),
    [
        ({"amount": "250.50"}, 25_050, "NGN"),
        ({"amount": 5000}, 500_000, "NGN"),
        ({"amount": 10, "currency": "USD"}, 1000, "USD"),
        ({"currency": "GHS"}, 100_000, "GHS"),
    ],
)
async def test_another_amount_or_currency_is_paid(
    world: Outside, order: dict[str, Any], minor: int, currency: str
) -> None:
    await world.initialize("R-1")

    await world.pay("R-1", **order)

    data = await _data(world, "R-1")
    assert (data["amount"], data["currency"], data["requested_amount"]) == (
        minor,
        currency,
        100_000,
    )


@pytest.mark.parametrize("order", [{"amount": "0"}, {"amount": "x"}, {"amount": 1.005}, {"pay": 1}])
async def test_a_wrong_payment_order_is_refused(world: Outside, order: dict[str, Any]) -> None:
    await world.initialize("R-1")

    assert (await world.pay("R-1", **order)).status_code == 400
    assert (await _data(world, "R-1"))["status"] == "abandoned"


@pytest.mark.parametrize(
    ("scenario", "status", "minor", "webhooks"),
    [
        ("ok", "success", 100_000, 1),
        ("webhook_duplicate", "success", 100_000, 3),
        ("webhook_never", "success", 100_000, 0),
        ("verify_down", "success", 100_000, 1),
        ("underpay", "success", 50_000, 1),
        ("overpay", "success", 200_000, 1),
        ("other_currency", "success", 100_000, 1),
        ("abandoned", "abandoned", 100_000, 0),
        ("failed", "failed", 100_000, 0),
        ("webhook_late", "success", 100_000, 0),
    ],
)
async def test_each_part(
    world: Outside, hook: Taker, scenario: str, status: str, minor: int, webhooks: int
) -> None:
    await world.play("paystack", scenario, recipient="2348031234567@pay.test")
    await world.initialize("R-1")

    await world.pay("R-1")
    await hook.got(webhooks)
    await settled()

    assert len(hook.bodies) == webhooks
    assert all(_signed(hook, nth) for nth in range(webhooks))
    if scenario == "verify_down":
        assert (await world.verify("R-1")).status_code == 503
        world.clock.advance(21)
    data = await _data(world, "R-1")
    assert (data["status"], data["amount"]) == (status, minor)
    assert data["currency"] == ("GHS" if scenario == "other_currency" else "NGN")


async def test_a_forged_webhook_tells_of_a_payment_that_never_was(
    world: Outside, hook: Taker
) -> None:
    await world.play("paystack", "webhook_forged", next=1)
    await world.initialize("R-1")

    told = await world.pay("R-1")
    await hook.got(1)

    assert told.json()["paid"] is False
    assert not _signed(hook)
    assert json.loads(hook.bodies[0])["data"]["status"] == "success"
    assert (await _data(world, "R-1"))["status"] == "abandoned"


async def test_a_late_webhook_comes_in_its_time(world: Outside, hook: Taker) -> None:
    await world.play("paystack", "webhook_late", next=1)
    await world.initialize("R-1")
    await world.pay("R-1")
    await settled()
    assert hook.bodies == []

    world.clock.advance(30)
    await hook.got(1)

    assert _signed(hook)


async def test_a_webhook_may_come_before_initialize_answers(world: Outside, hook: Taker) -> None:
    await world.play("paystack", "webhook_before_reply", next=1)

    reply = await world.initialize("R-1")

    assert len(hook.bodies) == 1
    assert reply.json()["status"] is True
    assert (await _data(world, "R-1"))["status"] == "success"


async def test_initialize_is_lost_or_fails(world: Outside) -> None:
    await world.play("paystack", "initialize_lost", next=1)
    await world.play("paystack", "initialize_500", next=1)

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await world.initialize("R-1")
    assert (await world.initialize("R-2")).status_code == 500

    assert [payment["reference"] for payment in await world.payments()] == ["R-1"]
    assert (await _data(world, "R-1"))["status"] == "abandoned"


async def test_a_rule_after_initialize_still_counts(world: Outside, hook: Taker) -> None:
    await world.initialize("R-1")
    await world.play("paystack", "webhook_never", recipient="R-1")

    await world.pay("R-1")
    await settled()

    assert hook.bodies == []
    assert (await _data(world, "R-1"))["status"] == "success"


async def test_a_magic_payer_needs_no_rule(world: Outside) -> None:
    """The mailbox of the address is the payer's number."""
    number = SCENARIOS["underpay"].recipients[0]
    await world.initialize("R-1", email=f"{number}@pay.test")

    await world.pay("R-1")

    assert (await _data(world, "R-1"))["amount"] == 50_000


async def test_a_webhook_nobody_takes_is_tried_again() -> None:
    async with (
        taker((503, {}), (500, {}), (200, {})) as hook,
        outside(paystack_webhook_url=hook.url) as world,
    ):
        await world.initialize("R-1")
        await world.pay("R-1")
        await hook.got(3)
        await settled()
        assert len(hook.bodies) == 3
        assert len(set(hook.bodies)) == 1


async def test_payments_are_listed_by_payer(world: Outside) -> None:
    await world.initialize("R-1", email="a@pay.test")
    await world.initialize("R-2", email="b@pay.test")

    assert [row["reference"] for row in await world.payments(email="B@pay.test")] == ["R-2"]
    assert [row["status"] for row in await world.payments()] == ["pending", "pending"]
