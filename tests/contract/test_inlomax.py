"""Inlomax: nothing of ours in any request, so what is lost is lost to a person."""

from operator import methodcaller

import pytest
from msgspec.structs import replace

from core.domain.vending import Blame, Outcome, Result, Vend
from core.kit.money import Money
from core.providers.vtu.inlomax import obstacle, read_answer
from tests.fakes.vtu import (
    AIRTIME,
    CABLE,
    DATA,
    EXAM,
    POSTPAID,
    PREPAID,
    REFERENCE,
    TOKEN,
    answered,
    make_inlomax,
    said,
)

SOLD = {"status": "success", "message": "ok", "data": {"reference": "I-1", "amountCharged": 485}}


@pytest.mark.parametrize(
    ("vend", "path", "order"),
    [
        pytest.param(
            replace(AIRTIME, network="glo"),
            "airtime",
            {"serviceID": "3", "amount": 500, "mobileNumber": "08031234567"},
            id="airtime",
        ),
        pytest.param(
            DATA, "data", {"serviceID": "plan-1", "mobileNumber": "08031234567"}, id="data"
        ),
        pytest.param(CABLE, "subcable", {"serviceID": "dstv1", "iucNum": "7012345678"}, id="cable"),
        pytest.param(
            replace(POSTPAID, plan="2"),
            "payelectric",
            {"serviceID": "2", "meterNum": "04123456789", "meterType": 2, "amount": 500},
            id="electricity",
        ),
    ],
)
async def test_each_product_on_the_wire(vend: Vend, path: str, order: dict[str, object]) -> None:
    outcome, asked = await said(make_inlomax, lambda it: it.vend(vend), SOLD)
    assert asked[0].line == f"POST /api/{path} HTTP/1.1"
    assert asked[0].headers["authorization"] == "Token SECRET_1"
    assert asked[0].body == order
    assert REFERENCE not in str(asked[0])
    assert (outcome.result, outcome.cost) == (Result.DELIVERED, Money(485_00, "NGN"))


async def test_a_requery_never_asks_and_never_knows() -> None:
    """Not even by their reference: the contract to ask by was read nowhere official."""
    for vend in (AIRTIME, replace(AIRTIME, provider_reference="I-1")):
        outcome, asked = await said(make_inlomax, methodcaller("requery", vend), SOLD)
        assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "ask_a_person")
        assert asked == []


def read(document: object, vend: Vend = AIRTIME, status: int = 200) -> Outcome:
    return read_answer(answered(document, status), vend)


@pytest.mark.parametrize(
    ("status", "document", "result", "reason"),
    [
        pytest.param(200, SOLD, Result.DELIVERED, "success", id="success"),
        pytest.param(200, {"status": "processing"}, Result.ACCEPTED, "processing", id="processing"),
        pytest.param(200, {"status": "failed"}, Result.FAILED, "failed", id="failed"),
        pytest.param(
            400, {"status": "failed", "message": "no"}, Result.FAILED, "failed", id="failed and 400"
        ),
        pytest.param(
            200,
            {"status": "failed", "message": "Insufficient Balance"},
            Result.REFUSED,
            "float_low",
            id="our balance",
        ),
        pytest.param(401, {"status": "failed"}, Result.REFUSED, "credentials", id="key"),
        pytest.param(400, SOLD, Result.UNKNOWN, "contradiction", id="success and 400"),
        pytest.param(
            200,
            {"status": "failed", "data": {"status": "success"}},
            Result.UNKNOWN,
            "contradiction",
            id="failed, but success",
        ),
        pytest.param(500, {"status": "failed"}, Result.UNKNOWN, "http_500", id="failed and 500"),
        pytest.param(200, {"status": "Success"}, Result.UNKNOWN, "status_unknown", id="capitals"),
        pytest.param(200, {"status": True}, Result.UNKNOWN, "status_missing", id="a truth"),
        pytest.param(200, {}, Result.UNKNOWN, "status_missing", id="nothing"),
    ],
)
def test_each_status(status: int, document: object, result: Result, reason: str) -> None:
    outcome = read(document, status=status)
    assert (outcome.result, outcome.reason) == (result, reason)
    assert outcome.blame is (Blame.OURS if result is Result.REFUSED else Blame.NONE)


def test_prepaid_without_its_token_is_not_delivered() -> None:
    assert read(SOLD, PREPAID).result is Result.ACCEPTED
    outcome = read({**SOLD, "data": {"token": TOKEN}}, PREPAID)
    assert (outcome.result, outcome.evidence) == (Result.DELIVERED, {"token": TOKEN})


@pytest.mark.parametrize(
    ("vend", "reason"),
    [
        pytest.param(EXAM, "not_sold_here", id="exam"),
        pytest.param(replace(AIRTIME, network="safaricom"), "network_unknown", id="network"),
        pytest.param(replace(DATA, plan=""), "plan_missing", id="no plan"),
        pytest.param(PREPAID, "plan_missing", id="a disco is a plan there"),
        pytest.param(replace(CABLE, account=""), "account_missing", id="no card"),
        pytest.param(replace(PREPAID, plan="2", variant=""), "variant_missing", id="meter kind"),
        pytest.param(replace(AIRTIME, amount=Money(50, "NGN")), "amount_not_whole", id="kobo"),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(vend: Vend, reason: str) -> None:
    found = obstacle(vend)
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)
