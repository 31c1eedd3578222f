"""SMEPlug: networks read before anything is sold, and a list that never says "no such order"."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from core.domain.vending import Outcome, Result, Vend
from core.kit.money import Money
from core.ports import BadCallback
from core.providers.vtu.smeplug import obstacle, read_networks, read_requery, read_vend
from tests.fakes.vtu import (
    AIRTIME,
    CABLE,
    DATA,
    NETWORKS,
    REFERENCE,
    answered,
    make_smeplug,
    said,
)

SOLD: dict[str, Any] = {"status": True, "data": {"reference": "S-1", "msg": "done"}}
ROW = {"reference": "S-1", "customer_reference": REFERENCE, "status": "success", "price": "485"}


@pytest.mark.parametrize(
    ("vend", "path", "order"),
    [
        pytest.param(AIRTIME, "airtime", {"network_id": 1, "amount": 500}, id="airtime"),
        pytest.param(
            replace(DATA, network="airtel"),
            "data",
            {"network_id": 2, "plan_id": "plan-1"},
            id="data",
        ),
    ],
)
async def test_each_product_on_the_wire(vend: Vend, path: str, order: dict[str, object]) -> None:
    outcome, asked = await said(make_smeplug, lambda it: it.vend(vend), json.loads(NETWORKS), SOLD)
    assert asked[0].line == "GET /api/v1/networks HTTP/1.1"
    assert asked[1].line == f"POST /api/v1/{path}/purchase HTTP/1.1"
    assert asked[1].headers["authorization"] == "Bearer SECRET_1"
    assert asked[1].body == {"phone": "08031234567", "customer_reference": REFERENCE, **order}
    assert (outcome.result, outcome.provider_reference) == (Result.DELIVERED, "S-1")


async def test_networks_are_read_once() -> None:
    async def twice(it: Any) -> Outcome:
        await it.vend(AIRTIME)
        outcome: Outcome = await it.vend(AIRTIME)
        return outcome

    _, asked = await said(make_smeplug, twice, json.loads(NETWORKS), SOLD)
    assert [request.line.split()[0] for request in asked] == ["GET", "POST", "POST"]


async def test_a_network_that_is_not_listed_is_not_sold() -> None:
    """Ids differ between sources: one that nobody confirmed would be a guess with money."""
    vend = replace(AIRTIME, network="glo")
    outcome, asked = await said(make_smeplug, lambda it: it.vend(vend), json.loads(NETWORKS))
    assert (outcome.result, outcome.reason) == (Result.REFUSED, "network_unknown")
    assert outcome.never_sent
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("document", "networks"),
    [
        pytest.param({"networks": {"1": "MTN", "4": "Glo"}}, {"mtn": 1, "glo": 4}, id="ids first"),
        pytest.param(
            {"data": [{"id": 3, "name": "9MOBILE"}, {"id": "2", "name": "airtel"}]},
            {"9mobile": 3, "airtel": 2},
            id="a list",
        ),
        pytest.param({"networks": {"3": "ETISALAT"}}, {"9mobile": 3}, id="its old name"),
        pytest.param({"networks": {"1": "MTN", "5": "MTN"}}, {}, id="two ids"),
        pytest.param([{"id": 1, "name": "MTN"}, {"id": 1, "name": "Glo"}], {}, id="one id twice"),
        pytest.param({"networks": {"x": "MTN", "2": 7}}, {}, id="no ids"),
        pytest.param({"status": True}, {}, id="none"),
        pytest.param("nothing", {}, id="a text"),
    ],
)  # fmt: skip
def test_networks_are_matched_by_name(document: object, networks: dict[str, int]) -> None:
    assert read_networks(document) == networks


def read(document: object, status: int = 200) -> Outcome:
    return read_vend(answered(document, status), AIRTIME)


@pytest.mark.parametrize(
    ("document", "result"),
    [
        pytest.param(SOLD, Result.DELIVERED, id="sold"),
        pytest.param(
            {"status": True, "reference": "S-1", "customer_reference": REFERENCE},
            Result.DELIVERED,
            id="references on top",
        ),
        pytest.param({"status": True, "data": {"msg": "done"}}, Result.UNKNOWN, id="no reference"),
        pytest.param({**SOLD, "status": "true"}, Result.UNKNOWN, id="a text"),
        pytest.param({**SOLD, "status": 1}, Result.UNKNOWN, id="a number"),
        pytest.param({**SOLD, "status": False}, Result.UNKNOWN, id="false with 200"),
        pytest.param(
            {"status": True, "data": {"reference": "S-1", "status": "processing"}},
            Result.ACCEPTED,
            id="processing inside",
        ),
        pytest.param(
            {"status": True, "data": {"reference": "S-1", "status": "failed"}},
            Result.UNKNOWN,
            id="failed inside",
        ),
        pytest.param(
            {"status": True, "data": {"reference": "S-1", "customer_reference": "X"}},
            Result.UNKNOWN,
            id="of another order",
        ),
    ],
)
def test_a_sale_has_a_reference_of_theirs(document: object, result: Result) -> None:
    assert read(document).result is result


@pytest.mark.parametrize(
    ("status", "message", "result", "reason"),
    [
        (400, "Insufficient balance", Result.REFUSED, "float_low"),
        (422, "Invalid phone number", Result.REFUSED, "arguments"),
        (401, "Unauthenticated", Result.REFUSED, "credentials"),
        (400, "Duplicate customer_reference", Result.UNKNOWN, "not_promised"),
        (400, "Transaction already exists", Result.UNKNOWN, "not_promised"),
        (400, None, Result.UNKNOWN, "not_promised"),
        (404, "Not found", Result.UNKNOWN, "not_promised"),
        (429, "Slow down", Result.UNKNOWN, "not_promised"),
        (500, "Insufficient balance", Result.UNKNOWN, "http_500"),
    ],
)
def test_each_error(status: int, message: str | None, result: Result, reason: str) -> None:
    outcome = read({"status": False, "message": message}, status)
    assert (outcome.result, outcome.reason) == (result, reason)


async def test_it_asks_by_their_reference_where_it_is_known() -> None:
    known = replace(AIRTIME, provider_reference="S-1")
    outcome, asked = await said(make_smeplug, lambda it: it.requery(known), {"transaction": ROW})
    assert asked[0].line == "GET /api/v1/transactions/S-1 HTTP/1.1"
    assert (outcome.result, outcome.cost) == (Result.DELIVERED, Money(485_00, "NGN"))


@pytest.mark.parametrize("theirs", ["", "../account/balance", "a b"])
async def test_it_searches_its_list_else(theirs: str) -> None:
    vend = replace(AIRTIME, provider_reference=theirs)
    outcome, asked = await said(make_smeplug, lambda it: it.requery(vend), {"data": [ROW]})
    assert asked[0].path == "/api/v1/transactions"
    assert outcome.result is Result.DELIVERED


@pytest.mark.parametrize(
    ("document", "result"),
    [
        pytest.param({"transactions": [ROW, {"reference": "X"}]}, Result.DELIVERED, id="a list"),
        pytest.param({"data": {"transactions": [ROW]}}, Result.DELIVERED, id="a deeper list"),
        pytest.param(ROW, Result.DELIVERED, id="bare"),
        pytest.param({"data": {**ROW, "status": "failed"}}, Result.FAILED, id="failed"),
        pytest.param({"data": {**ROW, "status": "Reversed"}}, Result.REVERSED, id="reversed"),
        pytest.param({"data": {**ROW, "status": "pending"}}, Result.ACCEPTED, id="pending"),
        pytest.param({"data": {**ROW, "status": "odd"}}, Result.UNKNOWN, id="a word unheard of"),
        pytest.param({"data": [ROW, ROW]}, Result.UNKNOWN, id="twice"),
        pytest.param({"data": []}, Result.UNKNOWN, id="empty: it may have pages"),
        pytest.param({"data": [{**ROW, "customer_reference": "X"}]}, Result.UNKNOWN, id="others"),
        pytest.param({}, Result.UNKNOWN, id="nothing"),
    ],
)  # fmt: skip
def test_a_list_finds_or_proves_nothing(document: object, result: Result) -> None:
    assert read_requery(answered(document), AIRTIME).result is result
    assert read_requery(answered(document, 404), AIRTIME).result is Result.UNKNOWN


def test_a_webhook_is_a_hint() -> None:
    provider = make_smeplug("http://127.0.0.1")
    assert provider.references_in({}, json.dumps({"transaction": ROW}).encode()) == (REFERENCE,)
    for wrong in (b"{}", b"[]", b'{"transaction":{"customer_reference":"a;b"}}'):
        with pytest.raises(BadCallback):
            provider.references_in({}, wrong)


@pytest.mark.parametrize(
    ("vend", "reason"),
    [
        pytest.param(CABLE, "not_sold_here", id="cable"),
        pytest.param(replace(DATA, plan=""), "plan_missing", id="no plan"),
        pytest.param(replace(AIRTIME, amount=Money(50, "NGN")), "amount_not_whole", id="kobo"),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(vend: Vend, reason: str) -> None:
    found = obstacle(vend)
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)
