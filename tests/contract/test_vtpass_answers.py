"""What each answer of VTpass proves: one of seven classes, UNKNOWN for all it never promised."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.vending import Blame, Outcome, Product, Result, Vend
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply
from core.providers.vtu.vtpass_answers import read_answer
from tests.fakes.documents import JSON

REFERENCE = "202611210630ABCDEF"
VEND = Vend(
    reference=REFERENCE,
    product=Product.AIRTIME,
    network="mtn",
    recipient=Msisdn("2348031234567"),
    amount=Money(500_00, "NGN"),
    created_at=dt.datetime(2026, 11, 21, 5, 30, tzinfo=dt.UTC),
)


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
