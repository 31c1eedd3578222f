"""ClubKonnect: its scripts, its codes, and the completed order that is not."""

import pytest
from msgspec.structs import replace

from core.domain.vending import Blame, Outcome, Result, Vend
from core.kit.money import Money
from core.ports import BadCallback
from core.providers.vtu.clubkonnect import obstacle, read_answer
from tests.fakes.vtu import (
    AIRTIME,
    CABLE,
    DATA,
    EXAM,
    PINS,
    PREPAID,
    REFERENCE,
    TOKEN,
    answered,
    make_clubkonnect,
    said,
)

ORDERED = {"orderid": "789", "statuscode": "100", "status": "ORDER_RECEIVED"}
FIVE = [{"transactionid": "64", "sno": f"S{n}000", "pin": f"36782132513{n}"} for n in range(5)]


@pytest.mark.parametrize(
    ("vend", "script", "order"),
    [
        pytest.param(
            AIRTIME,
            "APIAirtimeV1.asp",
            {"MobileNetwork": "01", "Amount": "500", "MobileNumber": "08031234567"},
            id="airtime",
        ),
        pytest.param(
            replace(DATA, network="airtel"),
            "APIDatabundleV1.asp",
            {"MobileNetwork": "04", "DataPlan": "plan-1", "MobileNumber": "08031234567"},
            id="data",
        ),
        pytest.param(
            CABLE,
            "APICableTVV1.asp",
            {
                "CableTV": "dstv",
                "Package": "dstv1",
                "SmartCardNo": "7012345678",
                "PhoneNo": "08031234567",
            },
            id="cable",
        ),
        pytest.param(
            PREPAID,
            "APIElectricityV1.asp",
            {
                "ElectricCompany": "02",
                "MeterType": "01",
                "MeterNo": "04123456789",
                "Amount": "500",
                "PhoneNo": "08031234567",
            },
            id="electricity",
        ),
        pytest.param(
            EXAM, "APIWAECV1.asp", {"ExamType": "waecdirect", "PhoneNo": "08031234567"}, id="WAEC"
        ),
        pytest.param(
            PINS,
            "APIEPINV1.asp",
            {"MobileNetwork": "01", "Value": "100", "Quantity": "5"},
            id="recharge PINs",
        ),
    ],
)
async def test_each_product_on_the_wire(vend: Vend, script: str, order: dict[str, str]) -> None:
    outcome, asked = await said(make_clubkonnect, lambda it: it.vend(vend), ORDERED)
    assert asked[0].line.startswith("GET ")
    assert asked[0].path == f"/{script}"
    assert asked[0].query == {
        "UserID": "CK_1", "APIKey": "SECRET_1", "RequestID": REFERENCE, **order,
    }  # fmt: skip
    assert (outcome.result, outcome.provider_reference) == (Result.ACCEPTED, "789")


async def test_it_is_told_where_to_call_back() -> None:
    url = "https://shop.example/callbacks/clubkonnect/key"
    _, asked = await said(
        lambda base: make_clubkonnect(base, callback_url=url), lambda it: it.vend(AIRTIME), ORDERED
    )
    assert asked[0].query["CallBackURL"] == url


async def test_a_requery_on_the_wire() -> None:
    outcome, asked = await said(
        make_clubkonnect, lambda it: it.requery(AIRTIME), {"status": "INVALID_REQUESTID"}
    )
    assert asked[0].path == "/APIQueryV1.asp"
    assert asked[0].query == {"UserID": "CK_1", "APIKey": "SECRET_1", "RequestID": REFERENCE}
    assert outcome.result is Result.NOT_FOUND


def read(document: object, vend: Vend = AIRTIME, *, requery: bool = False) -> Outcome:
    return read_answer(answered(document), vend, requery=requery)


CODES = [
    *[(code, Result.ACCEPTED) for code in (100, 199, 201, 300, 399, 600, 603, 606, 699)],
    (200, Result.DELIVERED),
    *[(code, Result.UNKNOWN) for code in (299, 521, 0, 101, 419, 522, 607, 700, 900)],
    *[(code, Result.REFUSED) for code in (400, 409, 418, 499)],
    *[(code, Result.FAILED) for code in (500, 520, 599)],
    (899, Result.REVERSED),
]


@pytest.mark.parametrize(("code", "result"), CODES)
def test_each_code_of_a_purchase_has_its_class(code: int, result: Result) -> None:
    outcome = read({"statuscode": str(code), "orderid": "789"})
    assert outcome.result is result
    assert outcome.reason.startswith(f"{code}:")
    assert read({"statuscode": code, "orderid": 789}).result is result


def test_completed_by_a_silent_network_is_not_delivered() -> None:
    """The vendor tries for another hour: money moves neither way."""
    document = {"statuscode": "201", "status": "ORDER_COMPLETED", "remark": "Network Unresponsive"}
    for requery in (False, True):
        assert read(document, requery=requery).result is Result.ACCEPTED


@pytest.mark.parametrize(
    ("status", "vended", "requeried"),
    [
        ("INVALID_REQUESTID", Result.UNKNOWN, Result.NOT_FOUND),
        ("DUPLICATE_REQUESTID", Result.UNKNOWN, Result.UNKNOWN),
        ("TXN_HISTORY", Result.UNKNOWN, Result.UNKNOWN),
        ("ORDER_ONHOLD", Result.ACCEPTED, Result.ACCEPTED),
        ("ORDER_RECEIVED", Result.ACCEPTED, Result.ACCEPTED),
        ("ORDER_COMPLETED", Result.UNKNOWN, Result.UNKNOWN),
        ("ORDER_CANCELLED", Result.UNKNOWN, Result.UNKNOWN),
        ("ORDER_REFUNDED", Result.REVERSED, Result.REVERSED),
        ("INVALID_CREDENTIALS", Result.UNKNOWN, Result.UNKNOWN),
        ("", Result.UNKNOWN, Result.UNKNOWN),
    ],
)
def test_a_status_without_its_code(status: str, vended: Result, requeried: Result) -> None:
    assert read({"status": status}).result is vended
    assert read({"status": status}, requery=True).result is requeried


@pytest.mark.parametrize(
    ("status", "blame", "hint"),
    [
        ("INVALID_RECIPIENT", Blame.ORDER, "wrong_number"),
        ("MINIMUM_50", Blame.ORDER, "wrong_amount"),
        ("INSUFFICIENT_BALANCE", Blame.OURS, None),
        ("INVALID_CREDENTIALS", Blame.OURS, None),
    ],
)
def test_an_order_error_blames_by_its_words(status: str, blame: Blame, hint: str | None) -> None:
    outcome = read({"statuscode": "409", "status": status})
    assert (outcome.result, outcome.blame, outcome.hint) == (Result.REFUSED, blame, hint)


def test_a_refused_query_says_nothing_of_the_order() -> None:
    """Unless it names the order, and so tells how that ended."""
    assert read({"statuscode": "401", "status": "ORDER_ERROR"}, requery=True).result is (
        Result.UNKNOWN
    )
    its_own = {"statuscode": "409", "status": "ORDER_ERROR", "requestid": REFERENCE, "orderid": "7"}
    assert read(its_own, requery=True).result is Result.FAILED


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"statuscode": "500", "status": "ORDER_COMPLETED"}, id="cancelled, completed"),
        pytest.param({"statuscode": "200", "status": "ORDER_ONHOLD"}, id="completed, on hold"),
        pytest.param({"statuscode": "200", "status": "ORDER_CANCELLED"}, id="completed, cancelled"),
        pytest.param({"statuscode": "200", "requestid": "20261121"}, id="of another order"),
        pytest.param({"statuscode": ["200"]}, id="a list"),
        pytest.param({"statuscode": True}, id="a truth"),
        pytest.param({"statuscode": "2e2"}, id="not digits"),
    ],
)
@pytest.mark.parametrize("requery", [False, True], ids=["vend", "requery"])
def test_what_contradicts_itself_is_unknown(document: dict[str, object], *, requery: bool) -> None:
    assert read(document, requery=requery).result is Result.UNKNOWN


def test_a_delivery_tells_its_cost() -> None:
    document = {"statuscode": "200", "amountcharged": "1,485.50", "requestid": REFERENCE}
    vend = replace(AIRTIME, amount=Money(1500_00, "NGN"))
    assert read(document, vend, requery=True).cost == Money(1485_50, "NGN")


def test_a_token_may_come_after_the_order_is_complete() -> None:
    done = {"statuscode": "200", "transactionstatus": "ORDER_COMPLETED", "transactionid": "55"}
    assert read(done, PREPAID).result is Result.ACCEPTED
    outcome = read({**done, "metertoken": "1234-5678-9012-3456-7890"}, PREPAID, requery=True)
    assert (outcome.result, outcome.evidence) == (Result.DELIVERED, {"token": TOKEN})
    assert outcome.provider_reference == "55"


def test_recharge_pins_are_their_own_answer() -> None:
    outcome = read({"TXN_EPIN": FIVE}, PINS)
    assert outcome.result is Result.DELIVERED
    assert outcome.evidence["pin5"] == "367821325134"
    assert outcome.evidence["serial1"] == "S0000"
    assert outcome.provider_reference == "64"


def test_an_answer_with_only_an_order_id_keeps_the_pins_waited_for() -> None:
    """Three such orders were once refunded while 41 PINs had been issued."""
    assert read({"orderid": "64"}, PINS).result is Result.UNKNOWN
    assert read({"statuscode": "200", "TXN_EPIN": FIVE[:4]}, PINS).result is Result.ACCEPTED


def test_exam_pins_stand_in_a_sentence() -> None:
    document = {"statuscode": "200", "carddetails": "Serial No:WRN1825, pin: 373820665258"}
    outcome = read(document, EXAM, requery=True)
    assert outcome.evidence == {"pin1": "373820665258", "serial1": "WRN1825"}


@pytest.mark.parametrize(
    ("vend", "reason"),
    [
        pytest.param(replace(AIRTIME, network="safaricom"), "network_unknown", id="network"),
        pytest.param(replace(AIRTIME, amount=Money(50, "NGN")), "amount_not_whole", id="kobo"),
        pytest.param(replace(AIRTIME, amount=Money(500, "GHS")), "not_sold_here", id="cedi"),
        pytest.param(replace(PINS, quantity=3), "pin_value_unknown", id="PINs of 166.67"),
        pytest.param(replace(PINS, quantity=0), "pin_value_unknown", id="no PINs"),
        pytest.param(replace(DATA, plan=""), "plan_missing", id="no plan"),
        pytest.param(replace(PREPAID, account=""), "account_missing", id="no meter"),
        pytest.param(replace(PREPAID, variant="x"), "network_unknown", id="no such meter"),
        pytest.param(replace(EXAM, quantity=2), "one_at_a_time", id="two exam PINs"),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(vend: Vend, reason: str) -> None:
    found = obstacle(vend)
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)


def test_a_callback_is_the_query_of_a_get() -> None:
    provider = make_clubkonnect("http://127.0.0.1")
    query = f"orderid=789&requestid={REFERENCE}&statuscode=200&orderstatus=ORDER_COMPLETED"
    assert provider.references_in({}, query.encode()) == (REFERENCE,)
    for wrong in (b"", b"orderid=789", b"requestid=%27%3Bdrop", b"\xff", b"a=1&" * 100):
        with pytest.raises(BadCallback):
            provider.references_in({}, wrong)
