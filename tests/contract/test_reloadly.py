"""Reloadly: a token that expires, orders that are only taken, and a list to find them in."""

import hashlib
import hmac
import json

import pytest
from msgspec.structs import replace

from core.domain.vending import Blame, Outcome, Result, Vend
from core.kit.money import Money
from core.ports import BadCallback
from core.providers.vtu import reloadly
from core.providers.vtu.reloadly import obstacle, read_list, read_operators, read_status, read_vend
from tests.fakes.vtu import (
    ACCESS,
    AIRTIME,
    CABLE,
    DATA,
    OPERATORS,
    REFERENCE,
    answered,
    make_reloadly,
    said,
    spoken,
)
from tests.fakes.wire import says, wire

ROW = {"transactionId": 4602843, "status": "SUCCESSFUL", "customIdentifier": REFERENCE}
TAKEN = json.dumps({"transactionId": 4602843})


async def test_a_vend_on_the_wire() -> None:
    outcome, asked = await said(
        make_reloadly,
        lambda it: it.vend(AIRTIME),
        json.loads(ACCESS),
        json.loads(OPERATORS),
        {"transactionId": 4602843},
    )
    token, operators, order = asked
    assert token.line == "POST /oauth/token HTTP/1.1"
    assert token.body["client_id"] == "CLIENT_1"
    assert token.body["client_secret"] == "SECRET_1"
    assert token.body["grant_type"] == "client_credentials"
    assert token.body["audience"].startswith("http://127.0.0.1:")
    assert operators.line == "GET /operators/countries/NG HTTP/1.1"
    assert order.line == "POST /topups-async HTTP/1.1"
    assert order.headers["authorization"] == "Bearer TOKEN_1"
    assert order.headers["accept"] == "application/com.reloadly.topups-v1+json"
    assert order.body == {
        "operatorId": 341,
        "amount": 500,
        "useLocalAmount": True,
        "customIdentifier": REFERENCE,
        "recipientPhone": {"countryCode": "NG", "number": "2348031234567"},
    }
    assert outcome.result is Result.ACCEPTED
    assert (outcome.provider_reference, outcome.check_after_s) == ("4602843", 5)


async def test_a_data_plan_is_an_operator_of_its_own() -> None:
    vend = replace(DATA, plan="345", amount=Money(499_50, "NGN"))
    _, asked = await said(
        make_reloadly, lambda it: it.vend(vend), json.loads(ACCESS), {"transactionId": 1}
    )
    assert asked[1].body["operatorId"] == 345
    assert asked[1].body["amount"] == 499.5


async def test_it_asks_by_their_id_where_it_is_known_and_by_ours_else() -> None:
    known = replace(AIRTIME, provider_reference="4602843")
    _, asked = await said(
        make_reloadly, lambda it: it.requery(known), json.loads(ACCESS), {"status": "PROCESSING"}
    )
    assert asked[1].line == "GET /topups/4602843/status HTTP/1.1"
    _, asked = await said(
        make_reloadly, lambda it: it.requery(AIRTIME), json.loads(ACCESS), {"content": [ROW]}
    )
    assert asked[1].path == "/topups/reports/transactions"
    assert asked[1].query["customIdentifier"] == REFERENCE


async def test_a_token_is_asked_for_once_and_again_when_it_is_refused() -> None:
    """The order that found it expired is refused, and nothing was placed by it."""
    expired = says(json.dumps({"errorCode": "TOKEN_EXPIRED"}), 401)
    answers = [says(ACCESS), says(OPERATORS), says(TAKEN), expired, says(ACCESS), says(TAKEN)]
    async with wire(*answers) as server:
        provider = make_reloadly(server.base_url)
        results = [(await provider.vend(AIRTIME)).result for _ in range(3)]
        await provider.aclose()
    paths = [spoken(request).path for request in server.requests]
    assert results == [Result.ACCEPTED, Result.REFUSED, Result.ACCEPTED]
    assert paths.count("/oauth/token") == 2
    assert paths.count("/operators/countries/NG") == 1


async def test_a_token_about_to_expire_is_renewed_first() -> None:
    brief = json.dumps({"access_token": "TOKEN_1", "expires_in": 59})
    async with wire(says(brief), says(OPERATORS), says(brief), says(TAKEN)) as server:
        provider = make_reloadly(server.base_url)
        assert (await provider.vend(AIRTIME)).result is not Result.DELIVERED
        await provider.aclose()
    assert [spoken(request).path for request in server.requests].count("/oauth/token") == 2


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({}, id="no token"),
        pytest.param({"access_token": "TOKEN_1"}, id="no lifetime"),
        pytest.param({"access_token": "TOK\nEN", "expires_in": 3600}, id="two lines"),
        pytest.param({"access_token": 7, "expires_in": 3600}, id="a number"),
    ],
)
async def test_without_a_token_nothing_is_sent(answer: dict[str, object]) -> None:
    vended, asked = await said(make_reloadly, lambda it: it.vend(AIRTIME), answer)
    assert (vended.result, vended.never_sent) == (Result.REFUSED, True)
    assert {request.path for request in asked} == {"/oauth/token"}
    requeried, _ = await said(make_reloadly, lambda it: it.requery(AIRTIME), answer)
    assert (requeried.result, requeried.never_sent) == (Result.UNKNOWN, False)


async def test_an_order_that_took_long_to_prepare_is_not_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reloadly, "_PREPARED_IN_S", -1.0)
    answers = (json.loads(ACCESS), json.loads(OPERATORS), {"transactionId": 4602843})
    outcome, asked = await said(make_reloadly, lambda it: it.vend(AIRTIME), *answers)
    assert (outcome.result, outcome.never_sent) == (Result.REFUSED, True)
    assert "/topups-async" not in {request.path for request in asked}


@pytest.mark.parametrize(
    ("document", "operators"),
    [
        pytest.param(json.loads(OPERATORS), {"mtn": 341, "airtel": 342}, id="a list"),
        pytest.param({"content": json.loads(OPERATORS)}, {"mtn": 341, "airtel": 342}, id="a page"),
        pytest.param(
            [
                {"id": 1, "name": "MTN Nigeria"},
                {"id": 2, "name": "MTN Nigeria Data", "data": True},
                {"id": 3, "name": "MTN Nigeria Bundles", "bundle": True},
            ],
            {"mtn": 1},
            id="bundles apart",
        ),
        pytest.param([{"id": 1, "name": "Glo A"}, {"id": 2, "name": "Glo B"}], {}, id="two alike"),
        pytest.param([{"id": None, "name": "Glo"}, {"id": 4}, 7], {}, id="halves"),
        pytest.param("nothing", {}, id="a text"),
    ],
)
def test_operators_are_matched_by_name(document: object, operators: dict[str, int]) -> None:
    assert read_operators(document) == operators


@pytest.mark.parametrize(
    ("status", "code", "result", "blame"),
    [
        (400, "INVALID_RECIPIENT_PHONE", Result.REFUSED, Blame.ORDER),
        (400, "INVALID_AMOUNT_FOR_OPERATOR", Result.REFUSED, Blame.ORDER),
        (400, "INSUFFICIENT_BALANCE", Result.REFUSED, Blame.OURS),
        (401, "INVALID_TOKEN", Result.REFUSED, Blame.OURS),
        (400, "TRANSACTION_CANNOT_BE_PROCESSED_AT_THE_MOMENT", Result.UNKNOWN, Blame.NONE),
        (400, "TOPUP_TRANSACTION_FAILED", Result.UNKNOWN, Blame.NONE),
        (400, "DUPLICATE_TRANSACTION", Result.UNKNOWN, Blame.NONE),
        (400, None, Result.UNKNOWN, Blame.NONE),
        (500, "INSUFFICIENT_BALANCE", Result.UNKNOWN, Blame.NONE),
        (200, "INSUFFICIENT_BALANCE", Result.UNKNOWN, Blame.NONE),
    ],
)
def test_each_error_of_an_order(
    status: int, code: str | None, result: Result, blame: Blame
) -> None:
    outcome = read_vend(answered({"errorCode": code, "message": "..."}, status), AIRTIME)
    assert (outcome.result, outcome.blame) == (result, blame)


STATUSES = [
    ("SUCCESSFUL", Result.DELIVERED),
    ("PROCESSING", Result.ACCEPTED),
    ("REFUNDED", Result.REVERSED),
    ("FAILED", Result.FAILED),
    ("PENDING", Result.UNKNOWN),
    ("successful", Result.UNKNOWN),
    (None, Result.UNKNOWN),
    (1, Result.UNKNOWN),
]


@pytest.mark.parametrize(("status", "result"), STATUSES)
def test_each_status_has_its_class(status: object, result: Result) -> None:
    by_id = {"status": status, "transaction": {**ROW, "status": status}}
    assert read_status(answered(by_id), AIRTIME).result is result
    listed = {"content": [{**ROW, "status": status}], "totalElements": 1}
    assert read_list(answered(listed), AIRTIME).result is result


@pytest.mark.parametrize(
    ("document", "result"),
    [
        pytest.param({"content": [], "totalElements": 0}, Result.NOT_FOUND, id="empty"),
        pytest.param({"content": []}, Result.NOT_FOUND, id="empty, not counted"),
        pytest.param({"content": [], "totalElements": 9}, Result.UNKNOWN, id="a page too far"),
        pytest.param(
            {"content": [{**ROW, "customIdentifier": "X"}]}, Result.UNKNOWN, id="search not heeded"
        ),
        pytest.param({"content": [ROW, ROW]}, Result.UNKNOWN, id="twice"),
        pytest.param({"content": [ROW, {"customIdentifier": "X"}]}, Result.DELIVERED, id="among"),
        pytest.param({"content": None}, Result.UNKNOWN, id="null"),
        pytest.param({}, Result.UNKNOWN, id="nothing"),
    ],
)
def test_only_an_empty_list_says_no_such_order(document: dict[str, object], result: Result) -> None:
    assert read_list(answered(document), AIRTIME).result is result
    assert read_list(answered(document, 401), AIRTIME).result is Result.UNKNOWN


def test_a_status_of_another_order_is_unknown() -> None:
    other = {"status": "FAILED", "transaction": {"customIdentifier": "X"}}
    assert read_status(answered(other), AIRTIME).result is Result.UNKNOWN
    assert read_status(answered({"status": "FAILED"}, 404), AIRTIME).result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("currency", "cost"), [("NGN", Money(485_25, "NGN")), ("USD", None), (None, None)]
)
def test_the_cost_counts_in_our_own_currency(currency: str | None, cost: Money | None) -> None:
    row = {**ROW, "balanceInfo": {"cost": 485.25, "currencyCode": currency}}
    assert read_list(answered({"content": [row]}), AIRTIME).cost == cost


def signed(body: bytes, stamp: str, key: str = "HOOK_1") -> dict[str, str]:
    signature = hmac.new(key.encode(), body + b":" + stamp.encode(), hashlib.sha256).hexdigest()
    return {"X-Reloadly-Signature": signature, "X-Reloadly-Request-Timestamp": stamp}


def test_a_webhook_is_signed_with_its_time() -> None:
    provider = make_reloadly("http://127.0.0.1")
    body = json.dumps({"type": "airtime_transaction.status", "data": ROW}).encode()
    assert provider.references_in(signed(body, "1700000000"), body) == (REFERENCE,)
    assert provider.references_in(signed(b"{}", "1"), b"{}") == ()
    bare = hmac.new(b"HOOK_1", body, hashlib.sha256).hexdigest()
    for headers in (
        {},
        signed(body, "1700000000", "OTHER"),
        {"X-Reloadly-Signature": bare, "X-Reloadly-Request-Timestamp": ""},
        {**signed(body, "1700000000"), "X-Reloadly-Request-Timestamp": "1700000001"},
    ):
        with pytest.raises(BadCallback):
            provider.references_in(headers, body)


@pytest.mark.parametrize(
    ("vend", "reason"),
    [
        pytest.param(CABLE, "not_sold_here", id="cable"),
        pytest.param(replace(AIRTIME, amount=Money(500, "GHS")), "not_sold_here", id="cedi"),
        pytest.param(replace(AIRTIME, amount=Money(0, "NGN")), "amount_not_whole", id="nothing"),
        pytest.param(replace(DATA, plan="MTN 1GB"), "plan_missing", id="a plan of no number"),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(vend: Vend, reason: str) -> None:
    found: Outcome | None = obstacle(vend, "NGN")
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)
