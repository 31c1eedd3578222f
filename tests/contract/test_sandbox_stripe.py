"""The Stripe simulator: its wire, its signatures, each of its parts; and our adapter with it."""

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
from core.providers.payments.stripe import Settings, Stripe
from sandbox.settings import SandboxSettings
from tests.fakes.outside import NOON, Outside, Taker, outside, settled, taker

KEY = "sk_test_SIM"
SECRET = "whsec_SIM"
ASKED = Money(10_50, "USD")
EXPANDED = "expand[]=payment_intent.latest_charge.balance_transaction"


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[tuple[Outside, Taker]]:
    async with taker() as taking, outside(stripe_webhook_url=taking.url) as running:
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
async def gateway(world: Outside) -> AsyncIterator[Stripe]:
    adapter = Stripe(
        Settings(
            base_url=f"{world.http.base_url}/stripe",
            secret_key=SecretStr(KEY),
            webhook_secret=SecretStr(SECRET),
            return_url="http://127.0.0.1:1/paid",
        ),
        world.clock,
    )
    yield adapter
    await adapter.aclose()


def request(reference: str = "CB1", amount: Money = ASKED) -> PaymentRequest:
    return PaymentRequest(reference, amount, Msisdn("2348031234567"), "a@pay.test")


async def create(world: Outside, key: str = "R-1", **more: str) -> httpx.Response:
    form = {
        "mode": "payment",
        "client_reference_id": "R-1",
        "success_url": "http://127.0.0.1:1/done",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1050",
        "line_items[0][price_data][product_data][name]": "Wallet",
        "payment_intent_data[metadata][reference]": "R-1",
        **more,
    }
    headers = {"authorization": f"Bearer {KEY}", **({"idempotency-key": key} if key else {})}
    return await world.http.post("/stripe/v1/checkout/sessions", data=form, headers=headers)


async def ask(world: Outside, path: str) -> Any:
    reply = await world.http.get(f"/stripe/v1/{path}", headers={"authorization": f"Bearer {KEY}"})
    assert reply.status_code == 200, reply.text
    return reply.json()


async def test_a_payment_on_the_wire(world: Outside, hook: Taker) -> None:
    opened = (await create(world)).json()
    assert opened["id"].startswith("cs_test_SIM")
    assert (opened["status"], opened["payment_status"], opened["amount_total"]) == (
        "open",
        "unpaid",
        1050,
    )
    assert opened["payment_intent"] is None
    assert "USD 10.50" in (await world.http.get(opened["url"])).text

    pressed = await world.http.post(opened["url"])
    await hook.got(1)

    assert pressed.headers["location"] == "http://127.0.0.1:1/done"
    plain = await ask(world, f"checkout/sessions/{opened['id']}")
    assert (plain["status"], plain["payment_status"], plain["url"]) == ("complete", "paid", None)
    whole = await ask(world, f"checkout/sessions/{opened['id']}?{EXPANDED}")
    intent = whole["payment_intent"]
    assert plain["payment_intent"] == intent["id"]
    assert intent["metadata"] == {"reference": "R-1"}
    assert intent["latest_charge"]["created"] == int(NOON.timestamp())
    assert intent["latest_charge"]["balance_transaction"]["fee"] == 30
    event = json.loads(hook.bodies[0])
    assert (event["type"], event["data"]["object"]) == ("checkout.session.completed", plain)
    at_s = int(NOON.timestamp())
    signed = f"{at_s}.".encode() + hook.bodies[0]
    mark = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert hook.headers[0]["stripe-signature"] == f"t={at_s},v1={mark}"


async def test_the_list_is_filtered_and_paged(world: Outside) -> None:
    for nth in range(3):
        reference = f"R-{nth}"
        await create(world, reference, client_reference_id=reference)
        world.clock.advance(60)
    await world.pay("R-1")

    newest_first = await ask(world, "checkout/sessions?limit=2")
    assert [each["client_reference_id"] for each in newest_first["data"]] == ["R-2", "R-1"]
    assert newest_first["has_more"] is True
    after = newest_first["data"][1]["id"]
    rest = await ask(world, f"checkout/sessions?limit=2&starting_after={after}")
    assert [each["client_reference_id"] for each in rest["data"]] == ["R-0"]
    assert rest["has_more"] is False
    done = await ask(world, "checkout/sessions?status=complete")
    assert [each["client_reference_id"] for each in done["data"]] == ["R-1"]
    since = int(NOON.timestamp()) + 90
    recent = await ask(world, f"checkout/sessions?created[gte]={since}")
    assert [each["client_reference_id"] for each in recent["data"]] == ["R-2"]
    intent = done["data"][0]["payment_intent"]
    assert (await ask(world, f"checkout/sessions?payment_intent={intent}"))["data"] == done["data"]


async def test_the_search_does_not_see_the_last_minute(world: Outside) -> None:
    await create(world)
    await world.pay("R-1")
    query = "payment_intents/search?query=metadata['reference']:'R-1'"

    assert (await ask(world, query))["data"] == []
    world.clock.advance(60)
    assert [each["status"] for each in (await ask(world, query))["data"]] == ["succeeded"]


async def test_the_same_key_opens_the_same_session(world: Outside) -> None:
    first = await create(world)

    assert (await create(world)).json() == first.json()
    other = {"line_items[0][price_data][unit_amount]": "2000"}
    assert (await create(world, **other)).status_code == 400
    assert (await create(world, key="")).status_code == 400


async def test_a_session_ends_after_a_day(world: Outside) -> None:
    session_id = (await create(world)).json()["id"]
    world.clock.advance(24 * 3600)

    told = await ask(world, f"checkout/sessions/{session_id}")
    assert (told["status"], told["url"]) == ("expired", None)


async def test_a_session_is_paid_once(world: Outside) -> None:
    await create(world)

    assert (await world.pay("R-1")).status_code == 200
    assert (await world.pay("R-1", again=True)).status_code == 409


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mode", "subscription"),
        ("success_url", ""),
        ("client_reference_id", ""),
        ("line_items[0][price_data][currency]", "USD"),
        ("line_items[0][price_data][unit_amount]", "10.50"),
        ("line_items[0][price_data][product_data][name]", ""),
        ("line_items[0][quantity]", "2"),
    ],
)
async def test_a_wrong_request_is_refused(world: Outside, name: str, value: str) -> None:
    reply = await create(world, **{name: value})

    assert (reply.status_code, reply.json()["error"]["param"]) == (400, name)
    assert await world.payments() == []


async def test_a_wrong_key_is_401(world: Outside) -> None:
    for method, path in (
        ("POST", "checkout/sessions"),
        ("GET", "checkout/sessions"),
        ("GET", "checkout/sessions/cs_1"),
        ("GET", "payment_intents/search"),
    ):
        reply = await world.http.request(
            method, f"/stripe/v1/{path}", headers={"authorization": "Bearer sk_test_X"}
        )
        assert (reply.status_code, "error" in reply.json()) == (401, True)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("checkout/sessions/cs_1", 404),
        ("checkout/sessions/R-1", 404),
        ("payment_intents/search?query=status:'succeeded'", 400),
    ],
)
async def test_what_is_not_there_is_an_error(world: Outside, path: str, status: int) -> None:
    await create(world)

    reply = await world.http.get(f"/stripe/v1/{path}", headers={"authorization": f"Bearer {KEY}"})

    assert (reply.status_code, "error" in reply.json()) == (status, True)


@pytest.mark.parametrize("name", ["stripe_secret_key", "stripe_webhook_secret"])
def test_a_live_key_stops_the_start(name: str) -> None:
    with pytest.raises(Fault, match=name.upper()):
        SandboxSettings.model_validate({name: "sk_live_1"})


@pytest.mark.parametrize(
    ("scenario", "state", "paid", "webhooks"),
    [
        ("ok", PaymentState.PAID, ASKED, 1),
        ("webhook_duplicate", PaymentState.PAID, ASKED, 3),
        ("webhook_never", PaymentState.PAID, ASKED, 0),
        ("webhook_late", PaymentState.PAID, ASKED, 0),
        ("webhook_rotating", PaymentState.PAID, ASKED, 1),
        ("webhook_intent", PaymentState.PAID, ASKED, 1),
        ("slow_method", PaymentState.OPEN, None, 1),
        ("underpay", PaymentState.PAID, Money(5_25, "USD"), 1),
        ("overpay", PaymentState.PAID, Money(21_00, "USD"), 1),
        ("other_currency", PaymentState.PAID, Money(10_50, "GHS"), 1),
        ("abandoned", PaymentState.OPEN, None, 0),
        ("failed", PaymentState.OPEN, None, 0),
        ("verify_down", PaymentState.UNKNOWN, None, 1),
    ],
)
async def test_each_part_is_understood(
    world: Outside,
    hook: Taker,
    gateway: Stripe,
    scenario: str,
    state: PaymentState,
    paid: Money | None,
    webhooks: int,
) -> None:
    await world.play("stripe", scenario, recipient="CB1")
    checkout = await gateway.initialize(request())
    assert checkout is not None
    assert checkout.url.startswith(str(world.http.base_url))
    assert (await gateway.verify("CB1")).state is PaymentState.OPEN

    await world.pay("CB1")
    await hook.got(webhooks)
    await settled()

    verification = await gateway.verify("CB1")
    assert verification.state is state
    assert [each.amount for each in verification.payments] == ([paid] if paid else [])
    assert len(hook.bodies) == webhooks
    for headers, body in zip(hook.headers, hook.bodies, strict=True):
        assert gateway.references_in(headers, body) == ("CB1",)


async def test_a_slow_method_is_paid_in_its_time(
    world: Outside, hook: Taker, gateway: Stripe
) -> None:
    await world.play("stripe", "slow_method", next=1)
    await gateway.initialize(request())
    await world.pay("CB1")

    world.clock.advance(30)
    await hook.got(2)

    kinds = [json.loads(body)["type"] for body in hook.bodies]
    assert kinds == ["checkout.session.completed", "checkout.session.async_payment_succeeded"]
    assert (await gateway.verify("CB1")).state is PaymentState.PAID


@pytest.mark.parametrize(
    ("scenario", "state"),
    [("webhook_forged", PaymentState.OPEN), ("webhook_stale", PaymentState.PAID)],
)
async def test_a_forged_or_stale_webhook_is_turned_away(
    world: Outside, hook: Taker, gateway: Stripe, scenario: str, state: PaymentState
) -> None:
    await world.play("stripe", scenario, next=1)
    await gateway.initialize(request())

    await world.pay("CB1")
    await hook.got(1)

    assert json.loads(hook.bodies[0])["data"]["object"]["payment_status"] == "paid"
    with pytest.raises(BadCallback):
        gateway.references_in(hook.headers[0], hook.bodies[0])
    assert (await gateway.verify("CB1")).state is state


@pytest.mark.parametrize("days", [0, 1, 2, 30])
async def test_a_payment_is_found_however_long_ago_it_was(
    world: Outside, gateway: Stripe, days: int
) -> None:
    await gateway.initialize(request())
    await world.pay("CB1")

    world.clock.advance(days * 86_400)

    verification = await gateway.verify("CB1")
    assert [(each.amount, each.paid_at) for each in verification.payments] == [(ASKED, NOON)]


@pytest.mark.parametrize(
    ("amount", "units"), [(Money(500, "JPY"), 500), (Money(500, "UGX"), 500_00)], ids=str
)
async def test_units_that_are_not_cents_come_back_as_the_same_money(
    world: Outside, gateway: Stripe, amount: Money, units: int
) -> None:
    await gateway.initialize(request(amount=amount))
    await world.pay("CB1")

    [told] = (await ask(world, "checkout/sessions"))["data"]
    verification = await gateway.verify("CB1")
    assert told["amount_total"] == units
    assert [each.amount for each in verification.payments] == [amount]


async def test_a_checkout_is_lost_told_early_or_fails(
    world: Outside, hook: Taker, gateway: Stripe
) -> None:
    """What was lost is open all the same, and asked for again it is found."""
    for scenario in ("initialize_lost", "initialize_500", "webhook_before_reply"):
        await world.play("stripe", scenario, next=1)

    assert await gateway.initialize(request("CB1")) is None
    assert await gateway.initialize(request("CB2")) is None
    assert await gateway.initialize(request("CB3")) is not None

    assert gateway.references_in(hook.headers[0], hook.bodies[0]) == ("CB3",)
    assert await gateway.initialize(request("CB1")) is not None
    assert [row["reference"] for row in await world.payments()] == ["CB1", "CB3"]
