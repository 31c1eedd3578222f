"""All that the VTpass simulator sells, bought by the real adapter and looked at from outside."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace
from pydantic import SecretStr

from core.domain.vending import Product, Result, Vend
from core.kit.ids import uuid7
from core.kit.money import Money
from core.providers.vtu import vtpass
from tests.fakes.outside import NOON, Outside, outside, taker
from tests.fakes.vtu import AIRTIME, CABLE, DATA, EXAM, POSTPAID, PREPAID

CARD, METER, PROFILE = "4131953321", "04123456789", "0123456789"
MTN_1GB = replace(DATA, plan="sim-mtn-1gb")
DSTV = replace(CABLE, plan="sim-dstv-small", account=CARD)
RENEWAL = replace(DSTV, plan="", variant="renew", amount=Money(10_500_00, "NGN"))
JAMB = replace(EXAM, network="jamb", plan="utme", account=PROFILE)


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[Outside]:
    async with outside() as running:
        yield running


@pytest_asyncio.fixture
async def world(shared: Outside) -> Outside:
    await shared.start_over()
    return shared


@pytest_asyncio.fixture
async def seller(world: Outside) -> AsyncIterator[vtpass.VtPass]:
    opened = _seller(world)
    yield opened
    await opened.aclose()


def _seller(world: Outside) -> vtpass.VtPass:
    return vtpass.VtPass(
        vtpass.Settings(
            base_url=f"{world.http.base_url}/vtpass/api".replace("//vtpass", "/vtpass"),
            api_key=SecretStr("SIM-vtpass-key"),
            public_key=SecretStr("PK_SIM"),
            secret_key=SecretStr("SK_SIM"),
        )
    )


def order(seller: vtpass.VtPass, like: Vend) -> Vend:
    return replace(like, reference=seller.new_reference(uuid7(), NOON))


@pytest.mark.parametrize(
    ("like", "product", "recipient", "naira", "evidence"),
    [
        pytest.param(AIRTIME, "mtn", "2348031234567", 500, set(), id="airtime"),
        pytest.param(MTN_1GB, "mtn-data:sim-mtn-1gb", "2348031234567", 350, set(), id="data"),
        pytest.param(
            replace(DATA, network="smile-direct", plan="sim-smile-5gb", account="1402000567"),
            *("smile-direct:sim-smile-5gb", "1402000567", 3000, set()),
            id="data of Smile",
        ),
        pytest.param(DSTV, "dstv:sim-dstv-small", CARD, 4400, set(), id="change of bouquet"),
        pytest.param(RENEWAL, "dstv:renew", CARD, 10_500, set(), id="renewal"),
        pytest.param(
            replace(DSTV, network="startimes", plan="sim-startimes-week"),
            *("startimes:sim-startimes-week", CARD, 700, set()),
            id="StarTimes",
        ),
        pytest.param(
            replace(CABLE, network="showmax", plan="sim-showmax-month", account=""),
            *("showmax:sim-showmax-month", "2348031234567", 3500, set()),
            id="Showmax",
        ),
        pytest.param(
            PREPAID, "token:ikeja-electric", METER, 500, {"token", "units"}, id="prepaid meter"
        ),
        pytest.param(POSTPAID, "meter:ikeja-electric", METER, 500, set(), id="postpaid meter"),
        pytest.param(
            replace(EXAM, quantity=2),
            *("pins:2:waec", "2348031234567", 7800, {"pin1", "serial1", "pin2", "serial2"}),
            id="result checkers",
        ),
        pytest.param(
            replace(EXAM, network="waec-registration", plan="waec-registraion"),
            *("pins:1:waec-registration", "2348031234567", 14_450, {"pin1", "serial1"}),
            id="registration",
        ),
        pytest.param(JAMB, "pins:1:jamb", PROFILE, 6200, {"pin1"}, id="JAMB"),
    ],
)
async def test_each_product_is_delivered_to_whom_it_is_for(
    world: Outside,
    seller: vtpass.VtPass,
    like: Vend,
    product: str,
    recipient: str,
    naira: int,
    evidence: set[str],
) -> None:
    vend = order(seller, replace(like, amount=Money(naira * 100, "NGN")))

    sold, asked = await seller.vend(vend), await seller.requery(vend)

    assert (sold.result, asked.result) == (Result.DELIVERED, Result.DELIVERED)
    assert sold.evidence.keys() == evidence
    assert asked.evidence == sold.evidence
    assert sold.cost == Money(naira * 97, "NGN")
    [row] = await world.deliveries()
    assert (row["product"], row["recipient"]) == (product, recipient)
    assert row["amount"] == f"{naira}.00"
    assert row["reference"] == vend.reference


def test_every_product_that_the_adapter_sells_is_sold_above() -> None:
    table = next(
        mark
        for mark in test_each_product_is_delivered_to_whom_it_is_for.pytestmark  # type: ignore[attr-defined]  # set by the decorator
        if mark.name == "parametrize"
    )
    assert {row.values[0].product for row in table.args[1]} == vtpass.VtPass.capabilities.products
    assert Product.RECHARGE_PIN not in vtpass.VtPass.capabilities.products


@pytest.mark.parametrize(
    ("like", "reason"),
    [
        pytest.param(replace(DATA, plan="none"), "010:variation_unknown", id="plan"),
        pytest.param(
            replace(PREPAID, amount=Money(499_00, "NGN")), "013:amount_too_small", id="small"
        ),
        pytest.param(
            replace(PREPAID, amount=Money(500_001_00, "NGN")), "017:amount_too_large", id="large"
        ),
        pytest.param(replace(EXAM, quantity=21), "032:quantity_too_large", id="many"),
    ],
)
async def test_a_wrong_order_is_refused_and_not_placed(
    world: Outside, seller: vtpass.VtPass, like: Vend, reason: str
) -> None:
    vend = order(seller, like)

    sold = await seller.vend(vend)

    assert (sold.result, sold.reason) == (Result.REFUSED, reason)
    assert (await seller.requery(vend)).result is Result.NOT_FOUND
    assert await world.deliveries() == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"serviceID": "dstv", "billersCode": CARD}, "011"),
        ({"serviceID": "dstv", "subscription_type": "renew", "amount": 100}, "011"),
        ({"serviceID": "jamb", "variation_code": "utme"}, "011"),
        ({"serviceID": "waec", "variation_code": "waecdirect", "quantity": 0}, "031"),
        ({"serviceID": "waec", "variation_code": "waecdirect", "quantity": "two"}, "011"),
        ({"serviceID": "ikeja-electric", "variation_code": "both", "billersCode": METER}, "010"),
    ],
)
async def test_what_the_adapter_would_not_send_is_refused_as_well(
    world: Outside, fields: dict[str, Any], code: str
) -> None:
    assert (await world.vend(world.request_id(), **fields)).json()["code"] == code


@pytest.mark.parametrize(
    ("like", "part"),
    [
        pytest.param(PREPAID, "missing_token_then_token", id="token"),
        pytest.param(EXAM, "pin_order_id_only_then_pins", id="PINs"),
    ],
)
async def test_called_delivered_without_its_evidence_it_is_not(
    world: Outside, seller: vtpass.VtPass, like: Vend, part: str
) -> None:
    await world.play("vtpass", part, next=1)
    vend = order(seller, like)

    at_once = await seller.vend(vend)
    world.clock.advance(10)
    later = await seller.requery(vend)

    assert (at_once.result, at_once.evidence) == (Result.ACCEPTED, {})
    assert later.result is Result.DELIVERED
    assert later.evidence


async def test_the_same_biller_again_is_refused_whatever_the_plan() -> None:
    async with outside(duplicate_window_s=30) as world:
        seller = _seller(world)
        likes = (DSTV, RENEWAL, replace(RENEWAL, account="7099999999"), MTN_1GB)
        codes = [(await seller.vend(order(seller, like))).reason for like in likes]
        await seller.aclose()

    assert [code[:3] for code in codes] == ["000", "019", "000", "000"]


async def test_lists_follow_what_changed_unannounced(world: Outside) -> None:
    """Set for all orders, the list itself is another one from then on."""

    async def listed() -> list[tuple[str, str]]:
        reply = await world.http.get(
            "/vtpass/api/service-variations?serviceID=mtn-data",
            headers={"api-key": "SIM-vtpass-key", "public-key": "PK_SIM"},
        )
        plans = reply.json()["content"]["variations"]
        return [(plan["variation_code"], plan["variation_amount"]) for plan in plans]

    assert await listed() == [("sim-mtn-1gb", "350.00"), ("sim-mtn-2gb", "1500.00")]
    await world.play("vtpass", "price_changed")
    assert await listed() == [("sim-mtn-1gb", "385.00"), ("sim-mtn-2gb", "1650.00")]
    await world.play("vtpass", "catalogue_changed")
    assert await listed() == [("sim-mtn-2gb", "1500.00")]


async def test_a_plan_that_is_gone_is_refused_and_told_by_webhook() -> None:
    async with taker() as hook, outside(vtpass_webhook_url=hook.url) as world:
        seller = _seller(world)
        await world.play("vtpass", "catalogue_changed", next=1)
        sold = await seller.vend(order(seller, MTN_1GB))
        await hook.got(1)
        await seller.aclose()
        assert await world.deliveries() == []

    assert sold.reason == "010:variation_unknown"
    assert b'"variations-update"' in hook.bodies[0]
    assert b'"sim-mtn-1gb"' in hook.bodies[0]
    assert seller.references_in({}, hook.bodies[0]) == ()


async def test_a_webhook_may_come_before_the_reply() -> None:
    async with taker() as hook, outside(vtpass_webhook_url=hook.url) as world:
        seller = _seller(world)
        await world.play("vtpass", "webhook_before_reply", next=1, seconds=0.5)
        vend = order(seller, AIRTIME)
        sold = await seller.vend(vend)
        came = len(hook.bodies)
        await seller.aclose()

    assert (sold.result, came) == (Result.DELIVERED, 1)
    assert seller.references_in({}, hook.bodies[0]) == (vend.reference,)


@pytest.mark.parametrize(
    ("service", "biller", "kind", "told"),
    [
        ("ikeja-electric", METER, "prepaid", {"Meter_Type": "PREPAID"}),
        ("dstv", CARD, "", {"Renewal_Amount": "10500.00"}),
        ("jamb", PROFILE, "utme", {"Customer_Name": "SIM TEST CUSTOMER"}),
        ("dstv", "9999999999", "", {"WrongBillersCode": True}),
    ],
)
async def test_billers_are_verified(
    world: Outside, service: str, biller: str, kind: str, told: dict[str, object]
) -> None:
    reply = await world.http.post(
        "/vtpass/api/merchant-verify",
        json={"serviceID": service, "billersCode": biller, "type": kind},
        headers={"api-key": "SIM-vtpass-key", "secret-key": "SK_SIM"},
    )

    assert reply.json()["code"] == "000"
    assert reply.json()["content"].items() >= told.items()
