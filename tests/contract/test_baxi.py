"""Baxi: success in three places, errors that are none, and PINs."""

import pytest
from msgspec.structs import replace

from core.domain.vending import Outcome, Result, Vend
from core.kit.money import Money
from core.providers.vtu.baxi import obstacle, read_answer
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
    make_baxi,
    said,
)

DATA_OK: dict[str, object] = {
    "statusCode": "0",
    "transactionStatus": "success",
    "transactionReference": 10700149,
    "transactionMessage": "Airtime Topup successful",
}
SOLD: dict[str, object] = {"status": "success", "code": 200, "data": DATA_OK}


@pytest.mark.parametrize(
    ("vend", "service", "order"),
    [
        pytest.param(
            AIRTIME,
            "airtime",
            {"service_type": "mtn", "amount": 500, "phone": "08031234567", "plan": "prepaid"},
            id="airtime",
        ),
        pytest.param(
            DATA,
            "databundle",
            {"service_type": "mtn", "amount": 500, "phone": "08031234567", "datacode": "plan-1"},
            id="data",
        ),
        pytest.param(
            PREPAID,
            "electricity",
            {
                "service_type": "ikeja_electric_prepaid",
                "account_number": "04123456789",
                "amount": 500,
                "phone": "08031234567",
            },
            id="electricity",
        ),
        pytest.param(
            CABLE,
            "multichoice",
            {
                "service_type": "dstv",
                "smartcard_number": "7012345678",
                "product_code": "dstv1",
                "product_monthsPaidFor": 1,
                "total_amount": 500,
            },
            id="cable",
        ),
        pytest.param(
            PINS,
            "epin",
            {"service_type": "mtn", "amount": 500, "pinValue": 100, "numberOfPins": 5},
            id="recharge PINs",
        ),
    ],
)
async def test_each_product_on_the_wire(vend: Vend, service: str, order: dict[str, object]) -> None:
    _, asked = await said(make_baxi, lambda it: it.vend(vend), SOLD)
    assert asked[0].line == f"POST /api/baxipay/services/{service}/request HTTP/1.1"
    assert asked[0].headers["authorization"] == "Api-key SECRET_1"
    assert asked[0].body == {"agentReference": REFERENCE, "agentId": "207", **order}


async def test_a_requery_on_the_wire() -> None:
    outcome, asked = await said(make_baxi, lambda it: it.requery(AIRTIME), SOLD)
    assert asked[0].path == "/api/baxipay/superagent/transaction/requery"
    assert asked[0].query == {"agentReference": REFERENCE}
    assert (outcome.result, outcome.provider_reference) == (Result.DELIVERED, "10700149")


def read(document: object, vend: Vend = AIRTIME, *, status: int = 200, requery: bool) -> Outcome:
    return read_answer(answered(document, status), vend, requery=requery)


@pytest.mark.parametrize("requery", [False, True], ids=["vend", "requery"])
@pytest.mark.parametrize(
    ("document", "result"),
    [
        pytest.param(SOLD, Result.DELIVERED, id="sold"),
        pytest.param({**SOLD, "code": "200"}, Result.DELIVERED, id="code as text"),
        pytest.param({**SOLD, "data": {**DATA_OK, "statusCode": 0}}, Result.DELIVERED, id="0"),
        pytest.param({**SOLD, "data": {**DATA_OK, "statusCode": "1"}}, Result.UNKNOWN, id="1"),
        pytest.param({**SOLD, "code": 201}, Result.UNKNOWN, id="another code"),
        pytest.param({**SOLD, "data": {}}, Result.UNKNOWN, id="no transaction"),
        pytest.param({"status": "success", "code": 200}, Result.UNKNOWN, id="no data"),
        pytest.param({**SOLD, "status": "SUCCESS"}, Result.UNKNOWN, id="capitals"),
        pytest.param({"status": "pending", "code": 200}, Result.ACCEPTED, id="pending"),
        pytest.param({**SOLD, "status": "pending"}, Result.UNKNOWN, id="pending, but success"),
        pytest.param(
            {**SOLD, "data": {"transactionStatus": "pending"}}, Result.ACCEPTED, id="pending inside"
        ),
        pytest.param(
            {**SOLD, "data": {**DATA_OK, "agentReference": "ANOTHER"}},
            Result.UNKNOWN,
            id="of another order",
        ),
    ],
)
def test_success_is_said_in_three_places(
    document: dict[str, object], result: Result, *, requery: bool
) -> None:
    assert read(document, requery=requery).result is result


@pytest.mark.parametrize(
    ("inside", "vended", "requeried"),
    [
        ("failed", Result.UNKNOWN, Result.FAILED),
        ("reversed", Result.UNKNOWN, Result.REVERSED),
        ("unheard of", Result.UNKNOWN, Result.UNKNOWN),
    ],
)
def test_an_end_is_believed_from_a_requery(inside: str, vended: Result, requeried: Result) -> None:
    document = {**SOLD, "data": {"transactionStatus": inside}}
    assert read(document, requery=False).result is vended
    assert read(document, requery=True).result is requeried


ASK_AGAIN = (
    "BX0001", "BX0019", "BX0021", "BX0024", "EXC00103", "EXC00105", "EXC00109", "EXC00114",
    "EXC00124", "UNK0001",
)  # fmt: skip
NOT_LISTED = ("BX0002", "BX0017", "BX0020", "BX0022", "BX0023", "PROG0001", "EXC00001", "", "500")
REFUSALS = ("BX0007", "BX0011", "BX0016", "BX0018", "BX0026", "SEC00001", "SEC00005")


@pytest.mark.parametrize("requery", [False, True], ids=["vend", "requery"])
@pytest.mark.parametrize("code", [*ASK_AGAIN, *NOT_LISTED])
def test_an_error_that_may_have_sold_is_unknown(code: str, *, requery: bool) -> None:
    assert read({"status": "error", "code": code}, status=400, requery=requery).result is (
        Result.UNKNOWN
    )


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_at_the_door_counts_for_a_vend_only(code: str) -> None:
    document = {"status": "error", "code": code}
    assert read(document, status=400, requery=False).result is Result.REFUSED
    assert read(document, status=400, requery=True).result is Result.UNKNOWN
    assert read(document, status=500, requery=False).result is Result.UNKNOWN


def test_no_such_order_is_said_by_a_requery_only() -> None:
    document = {"status": "error", "code": "BX0000"}
    assert read(document, status=404, requery=True).result is Result.NOT_FOUND
    assert read(document, status=404, requery=False).result is Result.UNKNOWN
    assert read({}, status=404, requery=True).result is Result.UNKNOWN


def test_a_token_is_needed_where_the_meter_is_prepaid() -> None:
    told = {**SOLD, "data": {**DATA_OK, "tokenCode": TOKEN, "amountOfPower": "20 kWh"}}
    outcome = read(told, PREPAID, requery=False)
    assert outcome.evidence == {"token": TOKEN, "units": "20"}
    assert read(SOLD, PREPAID, requery=False).result is Result.ACCEPTED
    assert read(SOLD, POSTPAID, requery=False).result is Result.DELIVERED


def test_pins_come_with_their_serials() -> None:
    pins = [{"serialNumber": "1491224645326", "pin": "1290372508463929"}]
    told = {**SOLD, "data": {**DATA_OK, "pins": pins}}
    assert read(told, EXAM, requery=False).evidence == {
        "pin1": "1290372508463929",
        "serial1": "1491224645326",
    }
    assert read(told, PINS, requery=False).result is Result.ACCEPTED


@pytest.mark.parametrize(
    ("vend", "reason"),
    [
        pytest.param(replace(AIRTIME, network="safaricom"), "network_unknown", id="network"),
        pytest.param(replace(CABLE, network="showmax"), "network_unknown", id="Showmax"),
        pytest.param(replace(PREPAID, variant=""), "network_unknown", id="meter kind"),
        pytest.param(replace(PINS, quantity=3), "amount_not_whole", id="PINs of 166.67"),
        pytest.param(replace(PINS, quantity=0), "amount_not_whole", id="no PINs"),
        pytest.param(replace(DATA, plan=""), "plan_missing", id="no plan"),
        pytest.param(replace(CABLE, account=""), "account_missing", id="no card"),
        pytest.param(replace(AIRTIME, amount=Money(500, "GHS")), "not_sold_here", id="cedi"),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(vend: Vend, reason: str) -> None:
    found = obstacle(vend)
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)
