"""All that VTpass sells: how each order is written, and what proves its delivery."""

import json

import pytest
from msgspec.structs import replace

from core.domain.vending import Blame, Outcome, Product, Result, Vend
from core.kit.money import Money
from core.providers.vtu.vtpass_answers import read_answer
from core.providers.vtu.vtpass_orders import obstacle, written
from tests.fakes.vtu import (
    AIRTIME,
    CABLE,
    DATA,
    EXAM,
    PINS,
    POSTPAID,
    PREPAID,
    REFERENCE,
    TOKEN,
    answered,
)

COMMON = {"request_id": REFERENCE, "phone": "08031234567"}
JAMB = replace(EXAM, network="jamb", plan="utme", account="0123456789")
RENEWAL = replace(CABLE, variant="renew", plan="", amount=Money(15_700_50, "NGN"))


@pytest.mark.parametrize(
    ("vend", "body"),
    [
        pytest.param(
            replace(AIRTIME, network="9mobile"),
            {"serviceID": "etisalat", "amount": 500},
            id="airtime",
        ),
        pytest.param(
            DATA,
            {"serviceID": "mtn-data", "billersCode": "08031234567", "variation_code": "plan-1"},
            id="data",
        ),
        pytest.param(
            replace(DATA, network="smile-direct", account="8701000000"),
            {
                "serviceID": "smile-direct",
                "billersCode": "8701000000",
                "variation_code": "plan-1",
            },
            id="Smile",
        ),
        pytest.param(
            CABLE,
            {
                "serviceID": "dstv",
                "billersCode": "7012345678",
                "variation_code": "dstv1",
                "subscription_type": "change",
                "quantity": 1,
            },
            id="DStv, another bouquet",
        ),
        pytest.param(
            RENEWAL,
            {
                "serviceID": "dstv",
                "billersCode": "7012345678",
                "subscription_type": "renew",
                "amount": 15_700.5,
            },
            id="DStv, renewed",
        ),
        pytest.param(
            replace(CABLE, network="startimes", variant="renew"),
            {"serviceID": "startimes", "billersCode": "7012345678", "variation_code": "dstv1"},
            id="StarTimes",
        ),
        pytest.param(
            replace(CABLE, network="showmax", account=""),
            {"serviceID": "showmax", "billersCode": "08031234567", "variation_code": "dstv1"},
            id="Showmax",
        ),
        pytest.param(
            PREPAID,
            {
                "serviceID": "ikeja-electric",
                "billersCode": "04123456789",
                "variation_code": "prepaid",
                "amount": 500,
            },
            id="prepaid meter",
        ),
        pytest.param(
            EXAM,
            {"serviceID": "waec", "variation_code": "waecdirect", "quantity": 1},
            id="WAEC",
        ),
        pytest.param(
            JAMB,
            {"serviceID": "jamb", "variation_code": "utme", "billersCode": "0123456789"},
            id="JAMB",
        ),
    ],
)
def test_each_product_in_its_words(vend: Vend, body: dict[str, object]) -> None:
    assert obstacle(vend) is None
    assert written(vend) == COMMON | body


@pytest.mark.parametrize(
    ("vend", "reason", "blame"),
    [
        pytest.param(PINS, "not_sold_here", Blame.OURS, id="recharge PINs"),
        pytest.param(replace(DATA, plan=""), "plan_missing", Blame.ORDER, id="no plan"),
        pytest.param(replace(CABLE, plan=""), "plan_missing", Blame.ORDER, id="no bouquet"),
        pytest.param(replace(CABLE, account=""), "account_missing", Blame.ORDER, id="no card"),
        pytest.param(replace(PREPAID, account=""), "account_missing", Blame.ORDER, id="no meter"),
        pytest.param(replace(PREPAID, variant=""), "variant_missing", Blame.ORDER, id="meter kind"),
        pytest.param(replace(JAMB, account=""), "account_missing", Blame.ORDER, id="no profile"),
        pytest.param(replace(EXAM, quantity=0), "quantity_missing", Blame.ORDER, id="none"),
        pytest.param(replace(PREPAID, network="mtn"), "network_unknown", Blame.OURS, id="no disco"),
        pytest.param(
            replace(PREPAID, amount=Money(500_50, "NGN")),
            "amount_not_whole",
            Blame.ORDER,
            id="kobo",
        ),
    ],
)
def test_an_order_it_has_no_words_for(vend: Vend, reason: str, blame: Blame) -> None:
    found = obstacle(vend)
    assert found is not None
    assert (found.result, found.never_sent) == (Result.REFUSED, True)
    assert (found.reason, found.blame) == (reason, blame)


def test_kobo_are_fine_where_a_plan_has_the_price() -> None:
    assert obstacle(replace(DATA, amount=Money(499_99, "NGN"))) is None


def read(vend: Vend, **more: object) -> Outcome:
    content = {"transactions": {"status": "delivered"}}
    return read_answer(answered({"code": "000", "content": content, **more}), vend, requery=True)


@pytest.mark.parametrize(
    ("vend", "more", "evidence"),
    [
        pytest.param(
            PREPAID,
            {"purchased_code": "Token : 1234 5678 9012 3456 7890", "units": "79.9 kWh"},
            {"token": TOKEN, "units": "79.9"},
            id="token in the purchased code",
        ),
        pytest.param(
            PREPAID,
            {"mainToken": "1234-5678-9012-3456-7890", "mainTokenUnits": "8.2", "token": "null"},
            {"token": TOKEN, "units": "8.2"},
            id="main token",
        ),
        pytest.param(POSTPAID, {"purchased_code": ""}, {}, id="postpaid has none"),
        pytest.param(
            EXAM,
            {"cards": [{"Serial": "WRN1825", "Pin": "373820665258"}]},
            {"pin1": "373820665258", "serial1": "WRN1825"},
            id="cards",
        ),
        pytest.param(
            EXAM,
            {"cards": json.dumps([{"Serial": "WRN1825", "Pin": "373820665258"}])},
            {"pin1": "373820665258", "serial1": "WRN1825"},
            id="cards as text",
        ),
        pytest.param(
            EXAM, {"tokens": ["373820665258"]}, {"pin1": "373820665258"}, id="PINs called tokens"
        ),
        pytest.param(
            JAMB, {"purchased_code": "Pin : 367821325139"}, {"pin1": "367821325139"}, id="JAMB"
        ),
    ],
)
def test_a_delivery_brings_its_evidence(
    vend: Vend, more: dict[str, object], evidence: dict[str, str]
) -> None:
    outcome = read(vend, **more)
    assert (outcome.result, outcome.evidence) == (Result.DELIVERED, evidence)


@pytest.mark.parametrize(
    ("vend", "more"),
    [
        pytest.param(PREPAID, {}, id="no token"),
        pytest.param(PREPAID, {"token": "null", "purchased_code": "N/A"}, id="a token of null"),
        pytest.param(PREPAID, {"token": "Token : 1234"}, id="a token cut short"),
        pytest.param(EXAM, {"cards": []}, id="no cards"),
        pytest.param(replace(EXAM, quantity=2), {"tokens": ["373820665258"]}, id="one PIN of two"),
    ],
)
def test_delivered_without_evidence_is_asked_about_again(
    vend: Vend, more: dict[str, object]
) -> None:
    outcome = read(vend, **more)
    assert (outcome.result, outcome.evidence) == (Result.ACCEPTED, {})
    assert outcome.reason == "000:evidence_missing"


def test_a_token_alone_delivers_nothing() -> None:
    """Evidence without the word: the order may still be on its way, or have been reversed."""
    for code in ("099", "040"):
        outcome = read_answer(answered({"code": code, "token": TOKEN}), PREPAID, requery=True)
        assert outcome.result in {Result.ACCEPTED, Result.REVERSED}
        assert outcome.evidence == {}


def test_it_sells_all_but_recharge_pins() -> None:
    sold = {vend.product for vend in (AIRTIME, DATA, CABLE, PREPAID, EXAM) if not obstacle(vend)}
    assert sold == set(Product) - {Product.RECHARGE_PIN}
