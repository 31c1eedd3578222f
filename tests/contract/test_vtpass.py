"""VTpass keeps the promise of a VTU provider: every answer, and every failure, is one of seven."""

import asyncio
import datetime as dt
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from core.domain.vending import Blame, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import BadCallback, VtuProvider
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply
from core.providers.vtu import VTU_PROVIDERS
from core.providers.vtu.vtpass import Settings, VtPass, read_answer
from tests.fakes.wire import (
    Behaviour,
    Wire,
    hangs_up,
    resets,
    says,
    stays_silent,
    trickles,
    wire,
    writes,
)

REFERENCE = "202611210630ABCDEF"
VEND = Vend(
    reference=REFERENCE,
    product=Product.AIRTIME,
    network="mtn",
    recipient=Msisdn("2348031234567"),
    amount=Money(500_00, "NGN"),
    created_at=dt.datetime(2026, 11, 21, 5, 30, tzinfo=dt.UTC),
)
KEYS = {"api_key": "AK_1", "public_key": "PK_1", "secret_key": "SK_1"}


def answered(code: object, status: object = None, **more: object) -> dict[str, object]:
    """An answer in the latest shape."""
    transaction: dict[str, object] = {"transactionId": "17416133", "total_amount": 485, **more}
    if status is not None:
        transaction["status"] = status
    return {
        "code": code,
        "response_description": "WHATEVER",
        "requestId": REFERENCE,
        "amount": "500.00",
        "content": {"transactions": transaction},
    }


def read(document: object, *, status: int = 200, requery: bool = False) -> Outcome:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    return read_answer(Reply(status, body), VEND, requery=requery)


# What VTpass's list of response codes says, in our classes.
PAY_CODES = [
    pytest.param("001", Result.UNKNOWN, Blame.NONE, None, id="001 status query"),
    pytest.param("010", Result.REFUSED, Blame.ORDER, None, id="010 no such variation"),
    pytest.param("011", Result.REFUSED, Blame.ORDER, "wrong_number", id="011 arguments"),
    pytest.param("012", Result.REFUSED, Blame.ORDER, None, id="012 no such product"),
    pytest.param("013", Result.REFUSED, Blame.ORDER, "wrong_amount", id="013 too little"),
    pytest.param("014", Result.UNKNOWN, Blame.NONE, None, id="014 id used: may have delivered"),
    pytest.param("015", Result.UNKNOWN, Blame.NONE, None, id="015 belongs to requery only"),
    pytest.param("016", Result.FAILED, Blame.NONE, None, id="016 failed"),
    pytest.param("017", Result.REFUSED, Blame.ORDER, "wrong_amount", id="017 too much"),
    pytest.param("018", Result.REFUSED, Blame.OURS, None, id="018 our float is low"),
    pytest.param("019", Result.REFUSED, Blame.ORDER, "duplicate", id="019 likely duplicate"),
    pytest.param("020", Result.FAILED, Blame.NONE, None, id="020 a verification's code"),
    pytest.param("021", Result.REFUSED, Blame.OURS, None, id="021 account locked"),
    pytest.param("022", Result.REFUSED, Blame.OURS, None, id="022 account suspended"),
    pytest.param("023", Result.REFUSED, Blame.OURS, None, id="023 access off"),
    pytest.param("024", Result.REFUSED, Blame.OURS, None, id="024 account inactive"),
    pytest.param("025", Result.REFUSED, Blame.OURS, None, id="025 bank transfer only"),
    pytest.param("026", Result.REFUSED, Blame.OURS, None, id="026 bank transfer only"),
    pytest.param("027", Result.REFUSED, Blame.OURS, None, id="027 our address not allowed"),
    pytest.param("028", Result.REFUSED, Blame.OURS, None, id="028 product not allowed"),
    pytest.param("030", Result.REFUSED, Blame.OURS, None, id="030 biller unreachable"),
    pytest.param("031", Result.REFUSED, Blame.ORDER, None, id="031 quantity too small"),
    pytest.param("032", Result.REFUSED, Blame.ORDER, None, id="032 quantity too large"),
    pytest.param("034", Result.REFUSED, Blame.OURS, None, id="034 service suspended"),
    pytest.param("035", Result.REFUSED, Blame.OURS, None, id="035 service off"),
    pytest.param("040", Result.REVERSED, Blame.NONE, None, id="040 reversed to our float"),
    pytest.param("044", Result.UNKNOWN, Blame.NONE, None, id="044 'resolved': ask a person"),
    pytest.param("083", Result.UNKNOWN, Blame.NONE, None, id="083 system error"),
    pytest.param("085", Result.REFUSED, Blame.OURS, None, id="085 bad request id"),
    pytest.param("087", Result.REFUSED, Blame.OURS, None, id="087 credentials"),
    pytest.param("089", Result.ACCEPTED, Blame.NONE, None, id="089 still processing"),
    pytest.param("091", Result.REFUSED, Blame.OURS, None, id="091 not processed"),
    pytest.param("099", Result.ACCEPTED, Blame.NONE, None, id="099 processing"),
    pytest.param("777", Result.UNKNOWN, Blame.NONE, None, id="777 in no guide"),
]
DOCUMENTED_ENDS = {str(row.values[0]) for row in PAY_CODES if row.values[1] in {
    Result.REFUSED, Result.FAILED, Result.REVERSED,
}}  # fmt: skip
REQUERY_ENDS = {
    "015": Result.NOT_FOUND,
    "016": Result.FAILED,
    "040": Result.REVERSED,
    "089": Result.ACCEPTED,
    "099": Result.ACCEPTED,
}


@pytest.mark.parametrize(("code", "result", "blame", "hint"), PAY_CODES)
def test_each_code_of_a_vend_has_its_class(
    code: str, result: Result, blame: Blame, hint: str | None
) -> None:
    outcome = read(answered(code))
    assert (outcome.result, outcome.blame, outcome.hint) == (result, blame, hint)
    assert outcome.reason.startswith(f"{code}:")
    assert not outcome.never_sent


@pytest.mark.parametrize("code", [f"{number:03}" for number in range(1, 100)])
def test_a_requery_believes_only_codes_that_speak_of_the_order(code: str) -> None:
    """A requery refused for keys, float or address says nothing of what became of the vend."""
    expected = REQUERY_ENDS.get(code, Result.UNKNOWN)
    assert read(answered(code), requery=True).result is expected


@pytest.mark.parametrize("requery", [False, True], ids=["vend", "requery"])
@pytest.mark.parametrize(
    ("status", "result"),
    [
        pytest.param("delivered", Result.DELIVERED, id="delivered"),
        pytest.param(" Delivered ", Result.DELIVERED, id="delivered, in other letters"),
        pytest.param("initiated", Result.ACCEPTED, id="initiated"),
        pytest.param("pending", Result.ACCEPTED, id="pending"),
        pytest.param("failed", Result.FAILED, id="failed"),
        pytest.param("reversed", Result.REVERSED, id="reversed"),
        pytest.param("successful", Result.UNKNOWN, id="a word that is not promised"),
        pytest.param("", Result.UNKNOWN, id="empty"),
        pytest.param(None, Result.UNKNOWN, id="missing"),
        pytest.param(1, Result.UNKNOWN, id="a number"),
        pytest.param(True, Result.UNKNOWN, id="a truth"),
        pytest.param(["delivered"], Result.UNKNOWN, id="a list"),
    ],
)
def test_processed_is_what_its_status_says(
    status: object, result: Result, *, requery: bool
) -> None:
    assert read(answered("000", status), requery=requery).result is result


@pytest.mark.parametrize("requery", [False, True], ids=["vend", "requery"])
@pytest.mark.parametrize("code", ["016", "018", "015", "040", "091"])
@pytest.mark.parametrize("status", ["delivered", "pending", "initiated"])
def test_an_answer_that_contradicts_itself_frees_no_money(
    code: str, status: str, *, requery: bool
) -> None:
    assert read(answered(code, status), requery=requery).result is Result.UNKNOWN


DELIVERED_SHAPES = [
    pytest.param(answered("000", "delivered"), "17416133", 485_00, id="latest"),
    pytest.param(
        answered("000", "delivered", total_amount="485.00"), "17416133", 485_00, id="cost as text"
    ),
    pytest.param(
        answered("000", "delivered", total_amount=48.2525), "17416133", 48_25, id="parts of a kobo"
    ),
    pytest.param(
        {
            "code": "000",
            "transactionId": "T-9",
            "content": {"transactions": {"status": "delivered"}},
            "transaction_date": {"date": "2026-11-21 06:30:00.000000", "timezone_type": 3},
        },
        "T-9",
        None,
        id="transaction id on top, no cost, no request id, date as an object",
    ),
    pytest.param(
        answered("000", "delivered", transactionId=None, total_amount=None), None, None, id="nulls"
    ),
    pytest.param(
        answered("000", "delivered", total_amount=-485), "17416133", None, id="negative cost"
    ),
    pytest.param(
        answered("000", "delivered", total_amount="1e9999999"), "17416133", None, id="huge cost"
    ),
    pytest.param(
        answered("000", "delivered", total_amount=48500), "17416133", None, id="cost in kobo?"
    ),
    pytest.param(
        answered("000", "delivered", total_amount={"n": 1}), "17416133", None, id="cost as object"
    ),
    pytest.param(
        answered("000", "delivered", total_amount=True), "17416133", None, id="cost as a truth"
    ),
]


@pytest.mark.parametrize(("document", "provider_reference", "cost_minor"), DELIVERED_SHAPES)
def test_delivered_is_read_in_every_shape_it_is_told_in(
    document: object, provider_reference: str | None, cost_minor: int | None
) -> None:
    """An odd cost or id is left out; it takes nothing from the delivery."""
    outcome = read(document)
    assert outcome.result is Result.DELIVERED
    assert outcome.provider_reference == provider_reference
    assert outcome.cost == (None if cost_minor is None else Money(cost_minor, "NGN"))


GOOD = json.dumps(answered("000", "delivered")).encode()
HOSTILE = [
    pytest.param(200, b"<html>Service Unavailable</html>", id="HTML and 200"),
    pytest.param(503, b"<html>Service Unavailable</html>", id="HTML and 503"),
    pytest.param(503, GOOD, id="delivered, but 503"),
    pytest.param(500, json.dumps(answered("016")).encode(), id="failed, but 500"),
    pytest.param(302, GOOD, id="delivered, but a redirect"),
    pytest.param(404, b"", id="404 without words"),
    pytest.param(200, b"", id="nothing"),
    pytest.param(200, GOOD[:-1], id="truncated"),
    pytest.param(200, GOOD + b" " * REPLY_BYTES_MAX + b"x", id="followed by rubbish"),
    pytest.param(200, GOOD.replace(b"WHATEVER", b"\xff\xfe"), id="not UTF-8"),
    pytest.param(200, None, id="more than a mebibyte"),
    pytest.param(200, b"null", id="null"),
    pytest.param(200, b"[]", id="a list"),
    pytest.param(200, b'"000"', id="a text"),
    pytest.param(200, b'{"code":0,"content":{"transactions":{"status":"delivered"}}}', id="code 0"),
    pytest.param(200, b'{"code":16}', id="code as a number"),
    pytest.param(200, b'{"code":null,"content":null}', id="nulls"),
    pytest.param(200, b'{"code":["016"]}', id="code as a list"),
    pytest.param(200, b'{"code":"016 "}', id="code with a space"),
    pytest.param(200, '{"code":"\u0660\u0661\u0666"}'.encode(), id="code in other digits"),
    pytest.param(200, b'{"code":"000","content":[]}', id="content as a list"),
    pytest.param(200, b'{"code":"000","content":{"transactions":[]}}', id="transactions as a list"),
    pytest.param(200, b'{"code":"000","content":{"transactions":null}}', id="transactions null"),
    pytest.param(200, b'{"code":"000"}', id="processed, old shape without content"),
    pytest.param(200, b'{"code":"016","requestId":"20261121063099"}', id="of another order"),
    pytest.param(200, GOOD.replace(b"ABCDEF", b"ABCDEG"), id="delivered, of another order"),
    pytest.param(200, b'{"code":"016","requestId":{}}', id="request id as an object"),
    pytest.param(200, b'{"code":"016","requestId":7}', id="request id as a number"),
]


@pytest.mark.parametrize("requery", [False, True], ids=["vend", "requery"])
@pytest.mark.parametrize(("status", "body"), HOSTILE)
def test_what_is_not_promised_is_unknown(status: int, body: bytes | None, *, requery: bool) -> None:
    outcome = read_answer(Reply(status, body), VEND, requery=requery)
    assert outcome.result is Result.UNKNOWN
    assert not outcome.never_sent


def test_a_refusal_told_with_a_client_error_counts() -> None:
    """VTpass documents codes, not HTTP statuses."""
    assert read(answered("087"), status=401).result is Result.REFUSED


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CODES = st.sampled_from(["000", "014", "015", "016", "018", "019", "040", "044", "091", "099"])
STATUSES = st.sampled_from(["delivered", "pending", "failed", "reversed", "DELIVERED", "ok"])
TRANSACTION = st.fixed_dictionaries(
    {}, optional={"status": STATUSES | JSON, "total_amount": JSON, "transactionId": JSON}
)
ANSWER = st.fixed_dictionaries(
    {},
    optional={
        "code": CODES | JSON,
        "requestId": st.just(REFERENCE) | JSON,
        "content": st.fixed_dictionaries({}, optional={"transactions": TRANSACTION | JSON}) | JSON,
        "transactionId": JSON,
    },
)


@given(
    document=ANSWER | JSON,
    status=st.sampled_from([200, 200, 200, 201, 301, 400, 404, 500, 503]),
    requery=st.booleans(),
)
def test_no_answer_delivers_or_frees_money_unless_documented(
    document: Any, status: int, *, requery: bool
) -> None:
    """Never raises; believes no more than the guide promises."""
    outcome = read(document, status=status, requery=requery)
    if outcome.result in {Result.UNKNOWN, Result.ACCEPTED}:
        return
    assert status < 500
    code = document["code"]
    told = None
    if code == "000":
        told = document["content"]["transactions"]["status"].strip().lower()
    if outcome.result is Result.DELIVERED:
        assert (code, told) == ("000", "delivered")
    elif code == "000":
        assert (outcome.result.value, told) in {("failed", "failed"), ("reversed", "reversed")}
    else:
        assert code in (REQUERY_ENDS if requery else DOCUMENTED_ENDS)


@given(body=st.binary(max_size=200), status=st.integers(100, 599), requery=st.booleans())
def test_no_bytes_raise_or_end_an_order(body: bytes, status: int, *, requery: bool) -> None:
    assert read_answer(Reply(status, body), VEND, requery=requery).result is Result.UNKNOWN


def test_a_vend_that_never_left_is_refused_but_such_a_requery_is_unknown() -> None:
    """That a question could not be asked says nothing of what it asks about."""
    unsent = NoReply("not_sent", never_sent=True)
    vend = read_answer(unsent, VEND, requery=False)
    assert (vend.result, vend.blame, vend.never_sent) == (Result.REFUSED, Blame.OURS, True)
    requery = read_answer(unsent, VEND, requery=True)
    assert (requery.result, requery.never_sent) == (Result.UNKNOWN, False)


def settings(base_url: str, timeout_s: float = 5.0) -> Settings:
    """Unchecked, so that a test need not wait five seconds."""
    return Settings.model_construct(
        base_url=base_url,
        timeout_s=timeout_s,
        **{name: SecretStr(value) for name, value in KEYS.items()},
    )


@asynccontextmanager
async def vtpass(
    *behaviours: Behaviour, timeout_s: float = 5.0
) -> AsyncIterator[tuple[VtPass, Wire]]:
    async with wire(*behaviours) as server:
        provider = VtPass(settings(server.base_url + "/api", timeout_s))
        try:
            yield provider, server
        finally:
            await provider.aclose()


def spoken(request: bytes) -> tuple[str, dict[str, str], Any]:
    """Request line, headers with small letters, JSON body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return first, headers, json.loads(body) if body else None


async def test_a_vend_on_the_wire() -> None:
    async with vtpass(says(GOOD)) as (provider, server):
        outcome = await provider.vend(replace(VEND, network="9mobile"))
    first, headers, body = spoken(server.requests[0])
    assert first == "POST /api/pay HTTP/1.1"
    assert (headers["api-key"], headers["secret-key"]) == ("AK_1", "SK_1")
    assert "public-key" not in headers
    assert body == {
        "request_id": REFERENCE,
        "serviceID": "etisalat",
        "amount": 500,
        "phone": "08031234567",
    }
    assert outcome.result is Result.DELIVERED
    assert (outcome.provider_reference, outcome.cost) == ("17416133", Money(485_00, "NGN"))


async def test_a_requery_on_the_wire() -> None:
    async with vtpass(says(json.dumps(answered("015")))) as (provider, server):
        outcome = await provider.requery(VEND)
    first, headers, body = spoken(server.requests[0])
    assert (first, body) == ("POST /api/requery HTTP/1.1", {"request_id": REFERENCE})
    assert headers["secret-key"] == "SK_1"
    assert outcome.result is Result.NOT_FOUND


BREAKS = [
    pytest.param(stays_silent, id="no answer"),
    pytest.param(trickles, id="an answer that never ends"),
    pytest.param(hangs_up, id="closed after the request"),
    pytest.param(resets, id="reset after the request"),
    pytest.param(
        writes(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + GOOD), id="half an answer"
    ),
    pytest.param(says("x" * (REPLY_BYTES_MAX + 1)), id="more than a mebibyte"),
    pytest.param(says("", 302, "Location: /api/requery"), id="a redirect"),
    pytest.param(says("<html></html>", 503), id="HTML and 503"),
]


@pytest.mark.parametrize("behaviour", BREAKS)
@pytest.mark.parametrize("act", ["vend", "requery"])
async def test_a_broken_exchange_is_unknown_and_happens_once(
    behaviour: Behaviour, act: str
) -> None:
    async with vtpass(behaviour, timeout_s=0.4) as (provider, server):
        outcome = await (provider.vend(VEND) if act == "vend" else provider.requery(VEND))
        assert outcome.result is Result.UNKNOWN
        assert not outcome.never_sent
        assert len(server.requests) == 1


async def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        provider = VtPass(settings(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        vend, requery = await asyncio.gather(provider.vend(VEND), provider.requery(VEND))
        await provider.aclose()
    assert (vend.result, vend.never_sent) == (Result.REFUSED, True)
    assert (requery.result, requery.never_sent) == (Result.UNKNOWN, False)


@pytest.mark.parametrize(
    ("vend", "reason", "blame"),
    [
        pytest.param(
            replace(VEND, network="safaricom"), "network_unknown", Blame.OURS, id="other network"
        ),
        pytest.param(
            replace(VEND, amount=Money(500_50, "NGN")), "amount_not_whole", Blame.ORDER, id="kobo"
        ),
        pytest.param(
            replace(VEND, amount=Money(0, "NGN")), "amount_not_whole", Blame.ORDER, id="nothing"
        ),
        pytest.param(
            replace(VEND, amount=Money(500_00, "GHS")), "not_sold_here", Blame.OURS, id="cedi"
        ),
    ],
)
async def test_an_order_it_has_no_words_for_is_not_sent(
    vend: Vend, reason: str, blame: Blame
) -> None:
    async with vtpass(says(GOOD)) as (provider, server):
        outcome = await provider.vend(vend)
    assert server.requests == []
    assert (outcome.result, outcome.reason, outcome.blame, outcome.never_sent) == (
        Result.REFUSED, reason, blame, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("balance", "minor"),
    [("1250.50", 1250_50), (1250.5, 1250_50), (0, 0), ("1250.504", 1250_50)],
    ids=["text", "number", "none left", "parts of a kobo"],
)
async def test_the_float_balance(balance: object, minor: int) -> None:
    document = json.dumps({"code": 1, "contents": {"balance": balance}})
    async with vtpass(says(document)) as (provider, server):
        assert await provider.float_balance() == Money(minor, "NGN")
    first, headers, _ = spoken(server.requests[0])
    assert first == "GET /api/balance HTTP/1.1"
    assert headers["public-key"] == "PK_1"
    assert "secret-key" not in headers


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(says('{"code":"087","contents":{"balance":5}}'), id="refused"),
        pytest.param(says('{"code":1,"contents":{"balance":null}}'), id="null"),
        pytest.param(says('{"code":1,"contents":{"balance":-5}}'), id="below zero"),
        pytest.param(says('{"code":1,"contents":{"balance":5}}', 500), id="500"),
        pytest.param(says("<html>"), id="HTML"),
        pytest.param(hangs_up, id="no answer"),
    ],
)
async def test_a_float_balance_that_is_not_told_is_a_fault(behaviour: Behaviour) -> None:
    async with vtpass(behaviour) as (provider, _):
        with pytest.raises(Fault):
            await provider.float_balance()


async def test_a_reference_is_dated_in_lagos_and_derived() -> None:
    """23:30 UTC is half past midnight of the next day there."""
    provider = VtPass(settings("http://127.0.0.1"))
    attempt, at = UUID(int=7 << 100), dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)
    reference = provider.new_reference(attempt, at)
    assert reference.startswith("202611210030")
    assert reference.isalnum()
    assert len(reference) >= 13
    assert provider.new_reference(attempt, at) == reference
    assert provider.new_reference(UUID(int=(7 << 100) + 1), at) != reference
    assert provider.new_reference(UUID(int=0), at) == "2026112100300"


@pytest.mark.parametrize(
    ("hour", "minute", "taken"),
    [(23, 0, True), (22, 59, False), (12, 0, True)],
    ids=["first minute of its day", "the day before", "noon"],
)
async def test_a_reference_is_taken_on_its_own_lagos_day(
    hour: int, minute: int, *, taken: bool
) -> None:
    provider = VtPass(settings("http://127.0.0.1"))
    day = 20 if hour > 20 else 21
    at = dt.datetime(2026, 11, day, hour, minute, tzinfo=dt.UTC)
    assert provider.may_send(REFERENCE, at) is taken
    assert not provider.may_send(REFERENCE, dt.datetime(2026, 11, 21, 23, 0, tzinfo=dt.UTC))


def callback(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("body", "references"),
    [
        pytest.param(
            callback({"type": "transaction-update", "data": answered("000", "delivered")}),
            (REFERENCE,),
            id="an order was resolved",
        ),
        pytest.param(
            callback({"type": "variations-update", "serviceID": "mtn-data"}), (), id="price list"
        ),
        pytest.param(callback({"type": "news"}), (), id="something new"),
    ],
)
async def test_a_callback_names_orders_to_ask_about(
    body: bytes, references: tuple[str, ...]
) -> None:
    provider = VtPass(settings("http://127.0.0.1"))
    assert provider.references_in({}, body) == references
    assert provider.callback_answer() == (200, "application/json", '{"response":"success"}')


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b"[]", id="a list"),
        pytest.param(callback({"type": "transaction-update"}), id="no data"),
        pytest.param(callback({"type": "transaction-update", "data": {"requestId": 7}}), id="7"),
        pytest.param(
            callback({"type": "transaction-update", "data": {"requestId": "'; drop"}}),
            id="not ours",
        ),
        pytest.param(
            callback({"type": "news", "more": "x" * REPLY_BYTES_MAX}), id="more than a mebibyte"
        ),
    ],
)
async def test_an_unreadable_callback_is_turned_away(body: bytes) -> None:
    with pytest.raises(BadCallback):
        VtPass(settings("http://127.0.0.1")).references_in({}, body)


@given(document=JSON)
def test_no_callback_breaks_the_reader(document: Any) -> None:
    provider = VtPass(settings("http://127.0.0.1"))
    try:
        assert provider.references_in({}, callback(document)) == ()
    except BadCallback:
        pass


async def test_no_key_and_no_number_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with vtpass(says(GOOD), hangs_up, says('{"code":1,"contents":{"balance":1}}')) as (
            provider,
            _,
        ):
            await provider.vend(VEND)
            await provider.requery(VEND)
            await provider.float_balance()
    assert [line["act"] for line in lines] == ["vtpass.pay", "vtpass.requery", "vtpass.balance"]
    told = repr(lines) + caplog.text + repr(settings("http://127.0.0.1"))
    assert not [secret for secret in (*KEYS.values(), "8031234567", "17416133") if secret in told]


def test_settings_come_from_values_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTPASS_SECRET_KEY", " SK_env\n")
    given_values = {"base_url": "https://vtpass.com/api/", "api_key": "A", "public_key": "P"}
    read_settings = Settings.model_validate(given_values)
    assert read_settings.base_url == "https://vtpass.com/api"
    assert read_settings.secret_key.get_secret_value() == "SK_env"
    assert read_settings.timeout_s == 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout_s": 4},
        {"timeout_s": 121},
        {"base_url": "vtpass.com"},
        {"base_url": "https://user:pw@host/api"},
        {"secret_key": "two\nlines"},
    ],
    ids=["too hasty", "too patient", "no scheme", "password in the address", "broken key"],
)
def test_bad_settings_are_refused_without_telling_a_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"base_url": "http://h", **KEYS, **wrong})
    assert not any(key in str(refused.value) for key in (*KEYS.values(), "lines", "user:pw"))


async def test_the_registry_builds_it() -> None:
    provider = VTU_PROVIDERS["vtpass"]({"base_url": "http://127.0.0.1", **KEYS, "timeout_s": 30})
    port: VtuProvider = provider
    assert (port.name, port.timeout_s) == ("vtpass", 30)
    assert port.capabilities.requery_by_reference
    await provider.aclose()
