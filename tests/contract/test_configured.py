"""A provider known by configuration only: it believes what it was told, and nothing else."""

import base64
import json
from typing import Any

import pytest
from msgspec.structs import replace

from core.domain.vending import Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.providers.vtu import VTU_PROVIDERS
from core.providers.vtu.configured import ConfiguredVtu, obstacle, read_answer
from core.providers.vtu.configured_model import BadConfiguration, Configuration, configuration
from core.providers.vtu.configured_shapes import ALPHA_TOPUP, COMMON_RESELLER, SHAPES
from tests.fakes.vtu import (
    AIRTIME,
    DATA,
    PINS,
    PREPAID,
    REFERENCE,
    RESELLER,
    TOKEN,
    answered,
    make_configured,
    said,
    spoken,
)
from tests.fakes.wire import says, wire

KNOWN: dict[str, Any] = {**RESELLER, "base_url": "https://shop.example"}
OK = {"status": "ok", "ref": REFERENCE}


def known(**more: object) -> Configuration:
    return configuration({**KNOWN, **more})


def order(**fields: object) -> dict[str, object]:
    return {"airtime": {"path": "/buy", "fields": {"ref": "{reference}", **fields}}}


async def test_an_order_on_the_wire() -> None:
    outcome, asked = await said(make_configured, lambda it: it.vend(AIRTIME), OK)
    assert asked[0].path == "/buy"
    assert asked[0].query == {"api_key": "SECRET_1"}
    assert asked[0].body == {"ref": REFERENCE, "naira": 500, "to": "08031234567"}
    assert outcome.result is Result.DELIVERED


async def test_every_placeholder_stands_for_its_part() -> None:
    parts = {
        "reference": REFERENCE, "amount": 500, "amount_minor": 50_000, "local": "08031234567",
        "msisdn": "2348031234567", "network": 1, "plan": "plan-1", "account": "701",
        "variant": "v", "quantity": 1, "provider_reference": "P-1",
    }  # fmt: skip
    fields = {name: f"{{{name}}}" for name in parts} | {
        "text": "N{amount} to {network}",
        "on": True,
    }
    request = {"path": "/buy/{account}", "fields": fields}
    vend = replace(DATA, account="701", variant="v", provider_reference="P-1")
    _, asked = await said(
        lambda base: make_configured(base, orders={"data": request}, networks={"mtn": 1}),
        lambda it: it.vend(vend),
        OK,
    )
    assert asked[0].body == parts | {"text": "N500 to 1", "on": True}
    assert asked[0].path == "/buy/701"


async def test_what_stands_in_a_path_cannot_leave_it() -> None:
    vend = replace(AIRTIME, account="../../admin?x#")
    request = {"path": "/buy/{account}", "fields": {"ref": "{reference}"}}
    async with wire(says(json.dumps(OK))) as server:
        provider = make_configured(server.base_url, orders={"airtime": request})
        await provider.vend(vend)
        await provider.aclose()
    assert spoken(server.requests[0]).line.startswith("POST /buy/..%2F..%2Fadmin%3Fx%23?api")


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"kind": "bearer", "secret": "S"}, "authorization", "Bearer S"),
        ({"kind": "token", "secret": "S"}, "authorization", "Token S"),
        ({"kind": "header", "secret": "S", "name": "X-Key"}, "x-key", "S"),
        (
            {"kind": "basic", "user": "U", "secret": "S"},
            "authorization",
            "Basic " + base64.b64encode(b"U:S").decode(),
        ),
    ],
)
async def test_each_way_to_prove_who_we_are(auth: dict[str, str], header: str, value: str) -> None:
    _, asked = await said(
        lambda base: make_configured(base, auth=auth), lambda it: it.vend(AIRTIME), OK
    )
    assert asked[0].headers[header] == value
    assert asked[0].query == {}


@pytest.mark.parametrize(
    ("send_as", "method", "sent"),
    [
        ("query", "GET", f"/buy?ref={REFERENCE}&n=500"),
        ("query", "POST", f"/buy?ref={REFERENCE}&n=500"),
        ("form", "POST", "/buy "),
    ],
)
async def test_fields_travel_as_configured(send_as: str, method: str, sent: str) -> None:
    fields = {"ref": "{reference}", "n": "{amount}"}
    request = {"path": "/buy", "method": method, "send_as": send_as, "fields": fields}
    async with wire(says(json.dumps(OK))) as server:
        provider = make_configured(
            server.base_url, orders={"airtime": request}, auth={"kind": "none"}
        )
        await provider.vend(AIRTIME)
        await provider.aclose()
    raw = server.requests[0].decode()
    assert raw.startswith(f"{method} {sent}")
    assert (f"ref={REFERENCE}&n=500" in raw.partition("\r\n\r\n")[2]) is (send_as == "form")


async def test_a_requery_on_the_wire() -> None:
    outcome, asked = await said(make_configured, lambda it: it.requery(AIRTIME), {"status": "none"})
    assert asked[0].line == f"GET /orders/{REFERENCE}?api_key=SECRET_1 HTTP/1.1"
    assert outcome.result is Result.NOT_FOUND


@pytest.mark.parametrize(
    ("more", "vend", "asks"),
    [
        pytest.param({"requery": None, "requery_answer": None}, AIRTIME, False, id="no requery"),
        pytest.param({"orders": {"airtime": {"path": "/x"}}}, AIRTIME, False, id="not sent ours"),
        pytest.param(
            {"requery": {"path": "/find", "fields": {"id": "{provider_reference}"}}},
            AIRTIME,
            False,
            id="theirs is not known",
        ),
        pytest.param(
            {"requery": {"path": "/find", "fields": {"id": "{provider_reference}"}}},
            replace(AIRTIME, provider_reference="P-1"),
            True,
            id="theirs is known",
        ),
    ],
)  # fmt: skip
async def test_it_asks_only_with_what_is_known_there(
    more: dict[str, Any], vend: Vend, *, asks: bool
) -> None:
    outcome, asked = await said(
        lambda base: make_configured(base, failover_target=False, **more),
        lambda it: it.requery(vend),
        {"status": "none"},
    )
    assert bool(asked) is asks
    if not asks:
        assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "ask_a_person")


def read(document: object, status: int = 200, vend: Vend = AIRTIME, **more: object) -> Outcome:
    reading = known(**more).answer
    return read_answer(answered(document, status), vend, reading, requery=False)


@pytest.mark.parametrize(
    ("document", "result"),
    [
        pytest.param({"status": "ok"}, Result.DELIVERED, id="ok"),
        pytest.param({"status": " OK "}, Result.DELIVERED, id="in other letters"),
        pytest.param({"status": "wait"}, Result.ACCEPTED, id="wait"),
        pytest.param({"status": "bad"}, Result.FAILED, id="bad"),
        pytest.param({"status": "no"}, Result.REFUSED, id="no"),
        pytest.param({"status": "okay"}, Result.UNKNOWN, id="a word of no row"),
        pytest.param({"status": ["ok"]}, Result.UNKNOWN, id="a list"),
        pytest.param({"status": None}, Result.UNKNOWN, id="null"),
        pytest.param({}, Result.UNKNOWN, id="nothing"),
        pytest.param({"status": "ok", "ref": "X"}, Result.UNKNOWN, id="of another order"),
    ],
)
def test_a_word_means_what_was_configured(document: object, result: Result) -> None:
    assert read(document).result is result


def test_only_listed_http_statuses_are_believed() -> None:
    assert read({"status": "no"}, 404).result is Result.REFUSED
    for status in (201, 202, 301, 400, 500, 503):
        assert read({"status": "no"}, status).result is Result.UNKNOWN


@pytest.mark.parametrize(
    ("value", "word"), [(True, "true"), (False, "false"), (200, "200"), ("200", "200")]
)
def test_truths_and_numbers_are_words_too(value: object, word: str) -> None:
    answer = {"status": "data.code", "meanings": {word: "delivered"}}
    assert read({"data": {"code": value}}, answer=answer).result is Result.DELIVERED


def test_a_refusal_for_want_of_money_is_named() -> None:
    assert read({"status": "no", "message": "INSUFFICIENT funds"}).reason == "float_low"
    assert read({"status": "no", "message": "wrong number"}).reason == "refused"


def test_cost_reference_and_evidence_are_read_where_configured() -> None:
    answer = {
        "status": "status",
        "meanings": {"ok": "delivered"},
        "provider_reference": "data.id",
        "cost": "data.charged",
        "evidence": ["data"],
    }
    data = {"id": 77, "charged": "485.00", "token": TOKEN}
    outcome = read({"status": "ok", "data": data}, vend=PREPAID, answer=answer)
    assert outcome.result is Result.DELIVERED
    assert (outcome.provider_reference, outcome.cost) == ("77", Money(485_00, "NGN"))
    assert outcome.evidence == {"token": TOKEN}
    assert read({"status": "ok"}, vend=PREPAID, answer=answer).result is Result.ACCEPTED
    assert read({"status": "ok"}, vend=PINS, answer=answer).result is Result.ACCEPTED


WRONG = [
    pytest.param({"base_url": "shop.example"}, "base_url: should be like", id="address"),
    pytest.param({"name": "Corner Shop"}, "name: ", id="name"),
    pytest.param({"timeout_s": 4}, "timeout_s: ", id="too hasty"),
    pytest.param({"colour": "red"}, "colour: ", id="an unknown setting"),
    pytest.param({"orders": {}}, "orders: ", id="sells nothing"),
    pytest.param({"orders": {"gold": {"path": "/x"}}}, "orders.gold", id="an unknown product"),
    pytest.param({"orders": order(x="{phone}")}, "knows no {phone}", id="a placeholder"),
    pytest.param(
        {"orders": order(x="{reference.__class__}")}, "knows no {reference.", id="an attribute"
    ),
    pytest.param({"orders": {"airtime": {"path": "buy"}}}, "path: ", id="a path"),
    pytest.param(
        {"orders": {"airtime": {"path": "/x", "method": "GET"}}}, "as query", id="GET with a body"
    ),
    pytest.param({"auth": {"kind": "bearer"}}, "needs a secret", id="no secret"),
    pytest.param({"auth": {"kind": "header", "secret": "S"}}, "needs the name", id="no name"),
    pytest.param({"auth": {"kind": "basic", "secret": "S"}}, "needs a user", id="no user"),
    pytest.param(
        {"answer": {"status": "s", "meanings": {"wait": "accepted"}}},
        "no word means delivered",
        id="nothing delivers",
    ),
    pytest.param(
        {"answer": {"status": "s", "meanings": {"OK": "delivered"}}}, "small letters", id="capitals"
    ),
    pytest.param(
        {"answer": {"status": "s", "meanings": {"ok": "done"}}}, "answer.meanings.ok", id="a class"
    ),
    pytest.param(
        {"answer": {"status": "s", "meanings": {"ok": "delivered", "x": "not_found"}}},
        "only a requery can say not_found",
        id="not found by a sale",
    ),
    pytest.param(
        {"answer": {"status": "s", "meanings": {"ok": "delivered"}, "http_statuses": [500]}},
        "only 2xx and 4xx",
        id="a 500 believed",
    ),
    pytest.param({"requery": {"path": "/all"}}, "names no order", id="a requery of nothing"),
    pytest.param(
        {"requery": None, "failover_target": False},
        "there is no requery",
        id="an answer to no question",
    ),
    pytest.param(
        {"orders": {"airtime": {"path": "/x"}}}, "failover_target: only", id="a blind failover"
    ),
    pytest.param(
        {"requery": {"path": "/find/{provider_reference}"}},
        "failover_target: only",
        id="a failover that is asked by theirs",
    ),
]


@pytest.mark.parametrize(("more", "line"), WRONG)
def test_a_wrong_configuration_says_what_is_wrong_and_no_secret(
    more: dict[str, object], line: str
) -> None:
    with pytest.raises(BadConfiguration) as refused:
        known(**more)
    lines = refused.value.facts["wrong"]
    assert isinstance(lines, tuple)
    assert any(line in one for one in lines), lines
    assert "SECRET_1" not in str(lines)


def test_capabilities_follow_from_the_requests() -> None:
    full = ConfiguredVtu(known()).capabilities
    assert (full.client_reference, full.requery_by_reference, full.failover_target) == (
        True, True, True,
    )  # fmt: skip
    blind = ConfiguredVtu(
        known(orders={"airtime": {"path": "/x"}}, failover_target=False)
    ).capabilities
    assert (blind.client_reference, blind.requery_by_reference) == (False, False)
    assert blind.products == {Product.AIRTIME}


async def test_a_balance_that_is_not_configured_is_a_fault() -> None:
    provider = make_configured("http://127.0.0.1", balance=None)
    with pytest.raises(Fault):
        await provider.float_balance()
    await provider.aclose()


@pytest.mark.parametrize(
    ("vend", "more", "reason"),
    [
        pytest.param(DATA, {}, "not_sold_here", id="data"),
        pytest.param(replace(AIRTIME, amount=Money(500, "GHS")), {}, "not_sold_here", id="cedi"),
        pytest.param(replace(AIRTIME, amount=Money(50, "NGN")), {}, "amount_not_whole", id="kobo"),
        pytest.param(
            AIRTIME,
            {"orders": order(n="{network}"), "networks": {"glo": 2}},
            "network_unknown",
            id="network",
        ),
        pytest.param(AIRTIME, {"orders": order(p="{plan}")}, "plan_missing", id="no plan"),
        pytest.param(AIRTIME, {"orders": order(a="{account}")}, "account_missing", id="account"),
        pytest.param(AIRTIME, {"orders": order(v="{variant}")}, "variant_missing", id="variant"),
    ],
)
def test_an_order_it_has_no_words_for_is_not_sent(
    vend: Vend, more: dict[str, object], reason: str
) -> None:
    found = obstacle(vend, known(**more))
    assert found is not None
    assert (found.result, found.reason, found.never_sent) == (Result.REFUSED, reason, True)


OWN = {
    "name": "datastation",
    "base_url": "https://shop.example/api",
    "auth": {"kind": "token", "secret": "SECRET_1"},
}
READING = {"answer": {"status": "Status", "meanings": {"successful": "delivered"}}}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_alone_is_no_configuration(shape: str) -> None:
    with pytest.raises(BadConfiguration):
        configuration(SHAPES[shape])


async def test_the_common_shape_sells_once_its_words_are_known() -> None:
    with pytest.raises(BadConfiguration):
        configuration({**COMMON_RESELLER, **OWN})
    provider = VTU_PROVIDERS["configured"]({**COMMON_RESELLER, **OWN, **READING})
    able = provider.capabilities
    assert able.products == {Product.AIRTIME, Product.DATA}
    assert (able.client_reference, able.requery_by_reference, able.failover_target) == (
        False, False, False,
    )  # fmt: skip
    await provider.aclose()


async def test_alpha_topup_sells_in_steps() -> None:
    async with wire(says('{"status":"processing"}')) as server:
        given = {**ALPHA_TOPUP, **OWN, "base_url": server.base_url}
        provider = VTU_PROVIDERS["configured"](given)
        odd = await provider.vend(replace(AIRTIME, amount=Money(750_00, "NGN")))
        sold = await provider.vend(replace(AIRTIME, amount=Money(1500_00, "NGN")))
        asked = await provider.requery(AIRTIME)
        await provider.aclose()
    assert (odd.result, odd.reason, odd.never_sent) == (Result.REFUSED, "plan_missing", True)
    assert spoken(server.requests[0]).body == {
        "amount": 1500,
        "phone": "08031234567",
        "planid": 11,
        "ref": REFERENCE,
    }
    assert sold.result is Result.ACCEPTED
    assert asked.reason == "ask_a_person"
