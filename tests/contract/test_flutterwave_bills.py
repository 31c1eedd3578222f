"""Flutterwave's bills: taken is not delivered, and only a question server to server tells more."""

import json

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from core.domain.vending import Outcome, Result, Vend
from core.kit.money import Money
from core.ports import BadCallback
from core.providers.vtu.flutterwave import (
    FlutterwaveBills,
    Settings,
    obstacle,
    read_requery,
    read_vend,
)
from tests.fakes.vtu import (
    AIRTIME,
    CABLE,
    EXAM,
    POSTPAID,
    PREPAID,
    REFERENCE,
    TOKEN,
    answered,
    make_flutterwave,
    said,
)

ITEM = "BIL119/CB141"
TAKEN = {
    "status": "success",
    "message": "Bill payment successful",
    "data": {"amount": 500, "tx_ref": "CF-FLYAPI-1", "code": "200", "reference": None},
}
BILL: dict[str, object] = {
    "currency": "NGN",
    "customer_id": "2348031234567",
    "amount": "500.0000",
    "tx_ref": "CF-FLYAPI-1",
    "extra": None,
    "status": "successful",
}


async def test_airtime_on_the_wire() -> None:
    outcome, asked = await said(make_flutterwave, lambda it: it.vend(AIRTIME), TAKEN)
    assert asked[0].line == "POST /v3/billers/BIL099/items/AT099/payment HTTP/1.1"
    assert asked[0].headers["authorization"] == "Bearer SECRET_1"
    assert asked[0].body == {
        "country": "NG",
        "customer_id": "08031234567",
        "amount": 500,
        "reference": REFERENCE,
    }
    assert (outcome.result, outcome.check_after_s) == (Result.ACCEPTED, 5)
    assert outcome.provider_reference == "CF-FLYAPI-1"


async def test_a_plan_names_its_item() -> None:
    vend = replace(CABLE, plan=ITEM)
    _, asked = await said(make_flutterwave, lambda it: it.vend(vend), TAKEN)
    assert asked[0].path == "/v3/billers/BIL119/items/CB141/payment"
    assert asked[0].body["customer_id"] == "7012345678"


async def test_a_requery_on_the_wire() -> None:
    outcome, asked = await said(
        make_flutterwave, lambda it: it.requery(AIRTIME), {"status": "success", "data": BILL}
    )
    assert asked[0].line == f"GET /v3/bills/{REFERENCE}?verbose=1 HTTP/1.1"
    assert outcome.result is Result.DELIVERED


def test_no_answer_to_a_payment_delivers() -> None:
    """Not even one with a token: that the payment went through is what the question is for."""
    told = {"status": "success", "data": {**BILL, "recharge_token": TOKEN}}
    assert read_vend(answered(told), PREPAID).result is Result.ACCEPTED


@pytest.mark.parametrize(
    ("status", "document", "result"),
    [
        pytest.param(400, "Insufficient balance", Result.REFUSED, id="our balance"),
        pytest.param(400, "Invalid biller", Result.REFUSED, id="arguments"),
        pytest.param(401, "Invalid authorization key", Result.REFUSED, id="key"),
        pytest.param(403, "IP not whitelisted", Result.REFUSED, id="address"),
        pytest.param(400, "Duplicate reference", Result.UNKNOWN, id="duplicate"),
        pytest.param(400, "This transaction already exists", Result.UNKNOWN, id="exists"),
        pytest.param(404, "Not found", Result.UNKNOWN, id="404"),
        pytest.param(429, "Too many requests", Result.UNKNOWN, id="429"),
        pytest.param(503, "An error occurred", Result.UNKNOWN, id="its own timeout"),
        pytest.param(200, "Strange", Result.UNKNOWN, id="an error with 200"),
    ],
)
def test_each_error_of_a_payment(status: int, document: str, result: Result) -> None:
    told = answered({"status": "error", "message": document, "data": None}, status)
    outcome = read_vend(told, AIRTIME)
    assert outcome.result is result
    assert (outcome.reason == "float_low") is ("balance" in document)


def test_success_with_an_error_status_is_unknown() -> None:
    assert read_vend(answered(TAKEN, 400), AIRTIME).result is Result.UNKNOWN
    assert read_requery(answered({"status": "success", "data": BILL}, 400), AIRTIME).result is (
        Result.UNKNOWN
    )


def asked_about(vend: Vend, **more: object) -> Outcome:
    return read_requery(answered({"status": "success", "data": {**BILL, **more}}), vend)


@pytest.mark.parametrize(
    ("word", "result"),
    [
        ("successful", Result.DELIVERED),
        ("Success", Result.DELIVERED),
        ("pending", Result.ACCEPTED),
        ("processing", Result.ACCEPTED),
        ("failed", Result.FAILED),
        ("reversed", Result.REVERSED),
        ("completed?", Result.UNKNOWN),
        ("", Result.UNKNOWN),
        (None, Result.UNKNOWN),
        (True, Result.UNKNOWN),
    ],
)
def test_each_status_of_a_bill(word: object, result: Result) -> None:
    document = {"status": "success", "data": {**BILL, "status": word}}
    assert read_requery(answered(document), AIRTIME).result is result


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"amount": "5000.0000"}, id="another amount"),
        pytest.param({"amount": "a lot"}, id="no amount at all"),
        pytest.param({"customer_reference": "X"}, id="another reference"),
    ],
)
def test_a_bill_of_another_order_is_unknown(more: dict[str, object]) -> None:
    assert asked_about(AIRTIME, **more).result is Result.UNKNOWN


def test_no_such_bill() -> None:
    gone = {"status": "error", "message": "No bill found", "data": None}
    assert read_requery(answered(gone, 404), AIRTIME).result is Result.NOT_FOUND
    assert read_requery(answered(gone, 400), AIRTIME).result is Result.UNKNOWN
    assert read_requery(answered({}, 404), AIRTIME).result is Result.UNKNOWN


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param({"extra": TOKEN}, id="as text"),
        pytest.param({"extra": {"token": TOKEN}}, id="in an object"),
        pytest.param({"recharge_token": "1234-5678-9012-3456-7890"}, id="recharge token"),
    ],
)
def test_a_token_is_found(extra: dict[str, object]) -> None:
    outcome = asked_about(PREPAID, **extra)
    assert (outcome.result, outcome.evidence) == (Result.DELIVERED, {"token": TOKEN})


def test_prepaid_without_its_token_is_not_delivered() -> None:
    assert asked_about(PREPAID).result is Result.ACCEPTED
    assert asked_about(POSTPAID).result is Result.DELIVERED


def test_a_webhook_carries_the_secret_hash() -> None:
    provider = make_flutterwave("http://127.0.0.1")
    event = {"event": "singlebillpayment.status", "data": {"customer_reference": REFERENCE}}
    body = json.dumps(event).encode()
    assert provider.references_in({"Verif-Hash": "HOOK_1"}, body) == (REFERENCE,)
    assert provider.references_in({"verif-hash": "HOOK_1"}, b'{"event":"other"}') == ()
    nameless = json.dumps({**event, "data": {}}).encode()
    for headers, sent in (
        ({}, body),
        ({"verif-hash": "HOOK_2"}, body),
        ({"verif-hash": "HOOK_1"}, nameless),
        ({"verif-hash": "HOOK_1"}, b"[]"),
    ):
        with pytest.raises(BadCallback):
            provider.references_in(headers, sent)


def test_without_a_secret_hash_no_webhook_is_believed() -> None:
    given = {"base_url": "http://h/v3", "secret_key": "S", "webhook_key": ""}
    provider = FlutterwaveBills(Settings.model_validate(given))
    for headers in ({}, {"verif-hash": ""}):
        with pytest.raises(BadCallback):
            provider.references_in(headers, b'{"event":"other"}')


@pytest.mark.parametrize("item", ["BIL099", "BIL099/AT/099", "../x/y", "a b/c"])
def test_an_item_is_a_biller_and_an_item(item: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(
            {"base_url": "http://h/v3", "secret_key": "S", "airtime": {"mtn": item}}
        )


@pytest.mark.parametrize(
    ("vend", "item", "reason"),
    [
        pytest.param(EXAM, ITEM, "not_sold_here", id="exam"),
        pytest.param(AIRTIME, "", "item_unknown", id="network without an item"),
        pytest.param(CABLE, "../../x", "item_unknown", id="a path"),
        pytest.param(replace(CABLE, account=""), ITEM, "account_missing", id="no card"),
        pytest.param(
            replace(AIRTIME, amount=Money(50, "NGN")), ITEM, "amount_not_whole", id="kobo"
        ),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(vend: Vend, item: str, reason: str) -> None:
    found = obstacle(vend, item)
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)
