"""BuyPower: a code that means one thing on a vend and another on a requery, and signed answers."""

import hashlib
import json

import pytest
from msgspec.structs import replace

from core.domain.vending import Outcome, Result, Vend
from core.kit.money import Money
from core.providers.http import Reply
from core.providers.vtu.buypower import obstacle, read_answer
from tests.fakes.vtu import (
    AIRTIME,
    POSTPAID,
    PREPAID,
    REFERENCE,
    TOKEN,
    answered,
    make_buypower,
    said,
)

KEY = "SECRET_1"
OTHER = "09876543210987654321"
VENDED = {
    "status": True,
    "responseCode": 200,
    "message": "Successful transaction",
    "data": {
        "id": 90210,
        "orderId": REFERENCE,
        "token": "1234-5678-9012-3456-7890",
        "units": "8.2",
        "vendRef": "VR-1",
    },
}
DELAYED = {
    "status": False,
    "error": True,
    "responseCode": 202,
    "message": "Transaction is still in progress. Please requery in 20 seconds",
    "delay": [20, 20, 30],
}


async def test_a_vend_on_the_wire() -> None:
    outcome, asked = await said(make_buypower, lambda it: it.vend(PREPAID), VENDED)
    assert asked[0].line == "POST /v2/vend?strict=0 HTTP/1.1"
    assert asked[0].headers["authorization"] == "Bearer SECRET_1"
    assert asked[0].body == {
        "orderId": REFERENCE,
        "meter": "04123456789",
        "disco": "IKEJA",
        "vendType": "PREPAID",
        "vertical": "ELECTRICITY",
        "paymentType": "B2B",
        "amount": 500,
        "phone": "08031234567",
    }
    assert (outcome.result, outcome.provider_reference) == (Result.DELIVERED, "VR-1")
    assert outcome.evidence == {"token": TOKEN, "units": "8.2"}


async def test_a_requery_on_the_wire() -> None:
    outcome, asked = await said(make_buypower, lambda it: it.requery(PREPAID), {"result": VENDED})
    assert asked[0].line == f"GET /v2/transaction/{REFERENCE} HTTP/1.1"
    assert outcome.result is Result.DELIVERED


def read(document: object, vend: Vend = PREPAID, *, status: int = 200, requery: bool) -> Outcome:
    return read_answer(answered(document, status), vend, KEY, requery=requery)


def test_a_delayed_vend_is_asked_about_when_it_says() -> None:
    outcome = read(DELAYED, requery=False)
    assert (outcome.result, outcome.check_after_s) == (Result.ACCEPTED, 20)


@pytest.mark.parametrize("delay", [None, [], ["soon"], [0], [-5], [True], [10**6], {"0": 5}])
def test_a_delay_that_is_none_is_left_out(delay: object) -> None:
    outcome = read({**DELAYED, "delay": delay}, requery=False)
    assert (outcome.result, outcome.check_after_s) == (Result.ACCEPTED, None)


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ("Transaction is still in progress", Result.ACCEPTED),
        ("Transaction failed", Result.FAILED),
        ("Vend was declined by the disco", Result.FAILED),
        ("Failed to complete: still in progress", Result.ACCEPTED),
        ("", Result.ACCEPTED),
        ("Accepted", Result.ACCEPTED),
    ],
)
def test_202_on_a_requery_is_failed_only_in_words(message: str, result: Result) -> None:
    document = {"status": False, "responseCode": 202, "message": message}
    assert read(document, requery=True).result is result
    assert read({"result": document}, requery=True).result is result


@pytest.mark.parametrize(
    ("code", "message", "vended", "requeried"),
    [
        (201, "", Result.UNKNOWN, Result.ACCEPTED),
        (400, "Invalid meter", Result.REFUSED, Result.UNKNOWN),
        (401, "Unauthorized", Result.REFUSED, Result.UNKNOWN),
        (403, "Forbidden", Result.REFUSED, Result.UNKNOWN),
        (404, "Not found", Result.UNKNOWN, Result.NOT_FOUND),
        (409, "Conflict", Result.UNKNOWN, Result.UNKNOWN),
        (422, "Insufficient wallet balance", Result.REFUSED, Result.UNKNOWN),
        (400, "Duplicate orderId", Result.UNKNOWN, Result.UNKNOWN),
        (500, "An unexpected error occurred. Please requery.", Result.UNKNOWN, Result.UNKNOWN),
        (400, "Please requery", Result.UNKNOWN, Result.UNKNOWN),
    ],
)
def test_each_code_of_an_error(code: int, message: str, vended: Result, requeried: Result) -> None:
    document = {"status": False, "responseCode": code, "message": message}
    assert read(document, status=400, requery=False).result is vended
    assert read(document, status=400, requery=True).result is requeried


def test_an_empty_float_is_named() -> None:
    document = {"status": False, "responseCode": 422, "message": "Insufficient wallet balance"}
    assert read(document, requery=False).reason == "422:float_low"


@pytest.mark.parametrize("requery", [False, True], ids=["vend", "requery"])
@pytest.mark.parametrize(
    "document",
    [
        pytest.param({**VENDED, "status": False}, id="200, but not true"),
        pytest.param({"status": True, "responseCode": 404}, id="404, but true"),
        pytest.param({"status": "true", "responseCode": 200, "data": VENDED["data"]}, id="a text"),
        pytest.param(
            {**VENDED, "data": {"orderId": "ANOTHER", "token": TOKEN}}, id="of another order"
        ),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_is_not_promised_is_unknown(document: dict[str, object], *, requery: bool) -> None:
    assert read(document, requery=requery).result is Result.UNKNOWN


def test_a_requery_without_a_code_counts_by_its_truth() -> None:
    found = {"result": {"status": True, "data": {"token": TOKEN}}}
    assert read(found, requery=True).result is Result.DELIVERED
    assert read(found, requery=False).result is Result.UNKNOWN


def test_a_prepaid_vend_without_its_token_is_not_delivered() -> None:
    bare = {"status": True, "responseCode": 200, "data": {"orderId": REFERENCE}}
    assert read(bare, requery=True).result is Result.ACCEPTED
    assert read(bare, POSTPAID, requery=True).result is Result.DELIVERED


def test_other_tokens_come_along_in_their_order() -> None:
    data = {"token": TOKEN, "parcels": [{"type": "TOKEN", "content": TOKEN}, {"content": OTHER}]}
    outcome = read({"status": True, "responseCode": 200, "data": data}, requery=False)
    assert outcome.evidence == {"token": TOKEN, "token2": OTHER}


BODY = json.dumps(VENDED).encode()
SIGNATURE = hashlib.sha512(BODY + KEY.encode()).hexdigest()


@pytest.mark.parametrize(
    ("headers", "result"),
    [
        pytest.param({}, Result.DELIVERED, id="not signed"),
        pytest.param({"x-buypower-signature": SIGNATURE}, Result.DELIVERED, id="signed"),
        pytest.param({"X-BuyPower-Signature": SIGNATURE.upper()}, Result.DELIVERED, id="capitals"),
        pytest.param({"x-buypower-signature": SIGNATURE[:-1] + "x"}, Result.UNKNOWN, id="wrong"),
        pytest.param({"x-buypower-signature": ""}, Result.UNKNOWN, id="empty"),
        pytest.param({"x-buypower-signature": "\u00e9"}, Result.UNKNOWN, id="not hex"),
        pytest.param(
            {"x-buypower-signature": hashlib.sha512(BODY).hexdigest()},
            Result.UNKNOWN,
            id="without the key",
        ),
    ],
)
def test_a_signature_is_checked_where_it_comes(headers: dict[str, str], result: Result) -> None:
    outcome = read_answer(Reply(200, BODY, headers), PREPAID, KEY, requery=False)
    assert outcome.result is result


@pytest.mark.parametrize(
    ("vend", "reason"),
    [
        pytest.param(AIRTIME, "not_sold_here", id="airtime"),
        pytest.param(replace(PREPAID, network="aba-electric"), "network_unknown", id="disco"),
        pytest.param(replace(PREPAID, variant=""), "variant_missing", id="meter kind"),
        pytest.param(replace(PREPAID, account=""), "account_missing", id="no meter"),
        pytest.param(replace(PREPAID, amount=Money(50, "NGN")), "amount_not_whole", id="kobo"),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(vend: Vend, reason: str) -> None:
    found = obstacle(vend)
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)
