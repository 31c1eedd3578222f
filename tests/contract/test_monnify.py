"""Monnify keeps the promise of a payment gateway: paid is only what verify strictly says."""

import asyncio
import datetime as dt
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.kit.clock import SetClock
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import (
    BadCallback,
    BankAccount,
    Checkout,
    Payment,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    Verification,
)
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.payments.monnify import (
    Monnify,
    Settings,
    read_checkout,
    read_token,
    read_transaction_reference,
    read_verification,
)
from core.providers.payments.monnify_accounts import read_account, read_arrivals, read_paid_on
from tests.fakes.documents import JSON
from tests.fakes.wire import Behaviour, Wire, hangs_up, resets, says, stays_silent, wire

REFERENCE = "CB7Q2M"
THEIRS = "MNFY|41|20261121063002|000170"
API_KEY = "MK_TEST_1"
SECRET = "the-secret-key"
NOW = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)
REQUEST = PaymentRequest(
    reference=REFERENCE,
    amount=Money(1500_50, "NGN"),
    msisdn=Msisdn("2348031234567"),
    email="cb7q2m@customers.invalid",
)
UNKNOWN = Verification(PaymentState.UNKNOWN)
OPEN = Verification(PaymentState.OPEN)
URL = "https://sandbox.sdk.monnify.com/checkout/MNFY%7C41"
NOT_FOUND = {
    "requestSuccessful": False,
    "responseMessage": "Could not find transaction",
    "responseCode": "99",
}


def told(body: object) -> dict[str, object]:
    """Monnify's envelope."""
    return {
        "requestSuccessful": True,
        "responseMessage": "success",
        "responseCode": "0",
        "responseBody": body,
    }


OPENED = told({"transactionReference": THEIRS, "paymentReference": REFERENCE, "checkoutUrl": URL})
LOGIN = told({"accessToken": "aaa.bbb.ccc", "expiresIn": 3567})


def verified(status: object = "PAID", **more: object) -> dict[str, object]:
    """An answer to the transaction status, in the words of its sample."""
    body: dict[str, object] = {
        "transactionReference": THEIRS,
        "paymentReference": REFERENCE,
        "amountPaid": "1500.50",
        "totalPayable": "1500.50",
        "settlementAmount": "1490.50",
        "paidOn": "21/11/2026 06:30:02 AM",
        "paymentStatus": status,
        "currency": "NGN",
        "paymentMethod": "ACCOUNT_TRANSFER",
        "product": {"type": "WEB_SDK", "reference": REFERENCE},
    }
    return told(body | more)


def reply(document: object, status: int = 200) -> Reply:
    return Reply(status, document if isinstance(document, bytes) else json.dumps(document).encode())


PAID = Payment(
    transaction_id=THEIRS,
    reference=REFERENCE,
    amount=Money(1500_50, "NGN"),
    paid_at=dt.datetime(2026, 11, 21, 5, 30, 2, tzinfo=dt.UTC),
    fee=Money(10_00, "NGN"),
)


def test_a_success_is_the_payment_it_tells() -> None:
    told = read_verification(reply(verified()), REFERENCE)
    assert told == Verification(PaymentState.PAID, (PAID,))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param("PENDING", PaymentState.OPEN, id="pending"),
        pytest.param("FAILED", PaymentState.OPEN, id="failed: another try may succeed"),
        pytest.param("CANCELLED", PaymentState.OPEN, id="cancelled"),
        pytest.param("USER_CANCELLED", PaymentState.OPEN, id="cancelled by the payer"),
        pytest.param("ABANDONED", PaymentState.OPEN, id="abandoned"),
        pytest.param("EXPIRED", PaymentState.OPEN, id="expired: a transfer may be on its way"),
        pytest.param("REVERSED", PaymentState.DEAD, id="reversed"),
        pytest.param("REFUNDED", PaymentState.DEAD, id="refunded"),
        pytest.param("paid", PaymentState.UNKNOWN, id="paid in other letters"),
        pytest.param("SUCCESS", PaymentState.UNKNOWN, id="a word that is not promised"),
        pytest.param(None, PaymentState.UNKNOWN, id="missing"),
        pytest.param(["PAID"], PaymentState.UNKNOWN, id="a list"),
    ],
)
def test_each_status_has_its_state(status: object, state: PaymentState) -> None:
    assert read_verification(reply(verified(status)), REFERENCE) == Verification(state)


@pytest.mark.parametrize("status", ["OVERPAID", "PARTIALLY_PAID", "UNDERPAID"])
def test_what_arrived_is_paid_whatever_was_asked_for(status: str) -> None:
    [payment] = read_verification(reply(verified(status, amountPaid=900)), REFERENCE).payments
    assert payment.amount == Money(900_00, "NGN")


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"amountPaid": 3000}, {"amount": Money(3000_00, "NGN")}, id="a number"),
        pytest.param({"amountPaid": 0.1}, {"amount": Money(10, "NGN")}, id="a tenth, exactly"),
        pytest.param({"currency": "USD"}, {"amount": Money(1500_50, "USD")}, id="other currency"),
        pytest.param({"settlementAmount": 1490.5}, {"fee": Money(10_00, "NGN")}, id="as number"),
        pytest.param({"settlementAmount": None}, {"fee": None}, id="settlement not told"),
        pytest.param({"settlementAmount": "0.00"}, {"fee": None}, id="settlement told later"),
        pytest.param({"settlementAmount": "9999"}, {"fee": None}, id="settled more than paid"),
        pytest.param({"paidOn": None}, {"paid_at": None}, id="no time"),
    ],
)
def test_what_was_paid_is_told_as_it_is(
    more: dict[str, object], expected: dict[str, object]
) -> None:
    """The amount that arrived, whatever was asked for; extras only where they can be read."""
    [payment] = read_verification(reply(verified(**more)), REFERENCE).payments
    assert {name: getattr(payment, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("17/11/2021 3:48:10 PM", dt.datetime(2021, 11, 17, 14, 48, 10, tzinfo=dt.UTC)),
        ("26/02/2020 09:38:13 AM", dt.datetime(2020, 2, 26, 8, 38, 13, tzinfo=dt.UTC)),
        ("17/11/2021 12:00:00 AM", dt.datetime(2021, 11, 16, 23, 0, tzinfo=dt.UTC)),
        ("2021-11-17 11:28:42.615", dt.datetime(2021, 11, 17, 10, 28, 42, 615000, tzinfo=dt.UTC)),
        ("2026-07-17 03:14:51.0", dt.datetime(2026, 7, 17, 2, 14, 51, tzinfo=dt.UTC)),
        ("2026-07-17 03:14:51", dt.datetime(2026, 7, 17, 2, 14, 51, tzinfo=dt.UTC)),
        ("2026-05-24T10:18:55.000Z", dt.datetime(2026, 5, 24, 10, 18, 55, tzinfo=dt.UTC)),
        ("01/01/0001 12:00:00 AM", None),
        ("31/02/2026 1:00:00 PM", None),
        ("yesterday", None),
        ("", None),
        (None, None),
        (20261121, None),
    ],
)
def test_each_form_of_a_date_is_read(text: object, expected: dt.datetime | None) -> None:
    assert read_paid_on(text) == expected


@pytest.mark.parametrize(
    "more",
    [
        {"amountPaid": "1500.505"}, {"amountPaid": 0}, {"amountPaid": "0.00"}, {"amountPaid": -1},
        {"amountPaid": True}, {"amountPaid": None}, {"amountPaid": "1,500"},
        {"amountPaid": 1e300}, {"amountPaid": 10**18},
        {"currency": "ngn"}, {"currency": None}, {"currency": "NAIRA"}, {"currency": 566},
        {"transactionReference": None}, {"transactionReference": ""}, {"transactionReference": 7},
        {"paymentReference": "CBOTHER"}, {"paymentReference": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_success_that_is_not_strictly_told_is_unknown(more: dict[str, object]) -> None:
    """How much, whose, which one: in doubt nothing is credited, and it is asked again."""
    assert read_verification(reply(verified(**more)), REFERENCE) == UNKNOWN


UNREADABLE = [
    pytest.param(reply(NOT_FOUND, 500), id="unknown reference, yet 500"),
    pytest.param(reply(NOT_FOUND, 200), id="unknown reference, yet 200"),
    pytest.param(reply(b"<html>404</html>", 404), id="a wrong address"),
    pytest.param(reply({"error": "Not Found", "status": 404}, 404), id="a wrong path"),
    pytest.param(reply({"error": "invalid_token"}, 401), id="our token"),
    pytest.param(reply(verified(), 503), id="paid, yet 503"),
    pytest.param(reply(verified() | {"requestSuccessful": False}), id="paid, yet not understood"),
    pytest.param(reply(verified() | {"requestSuccessful": "true"}), id="understood, as text"),
    pytest.param(reply(json.dumps(verified()).encode()[:-1]), id="truncated"),
    pytest.param(reply(told(None)), id="null"),
    pytest.param(reply(told([verified()["responseBody"]])), id="a list"),
    pytest.param(Reply(200, None), id="more than a mebibyte"),
    pytest.param(NoReply("timeout"), id="no answer"),
    pytest.param(NoReply("not_sent", never_sent=True), id="never asked"),
]


@pytest.mark.parametrize("answer", UNREADABLE)
def test_what_cannot_be_read_closes_no_intent(answer: Reply | NoReply) -> None:
    assert read_verification(answer, REFERENCE) == UNKNOWN
    assert read_transaction_reference(answer, REFERENCE) == UNKNOWN


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(verified()), THEIRS, id="known"),
        pytest.param(reply(NOT_FOUND, 404), OPEN, id="not known, which closes nothing"),
        pytest.param(reply(verified(paymentReference="CBOTHER")), UNKNOWN, id="another's"),
        pytest.param(reply(verified(transactionReference=None)), UNKNOWN, id="not told"),
    ],
)
def test_their_reference_is_found_by_ours(answer: Reply, expected: str | Verification) -> None:
    assert read_transaction_reference(answer, REFERENCE) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(OPENED), Checkout(URL), id="opened"),
        pytest.param(reply(OPENED, 422), None, id="opened, yet 422"),
        pytest.param(reply(OPENED | {"requestSuccessful": False}), None, id="not opened"),
        pytest.param(reply(told({"checkoutUrl": "javascript:pay()"})), None, id="no web address"),
        pytest.param(
            reply(told({"checkoutUrl": URL, "paymentReference": "CBOTHER"})),
            None,
            id="of another reference",
        ),
        pytest.param(reply(told(None)), None, id="null"),
        pytest.param(reply(b"<html>"), None, id="HTML"),
        pytest.param(NoReply("timeout"), None, id="no answer"),
    ],
)
def test_a_checkout_is_open_only_when_it_says_so(
    answer: Reply | NoReply, expected: Checkout | None
) -> None:
    assert read_checkout(answer, REFERENCE) == expected


@pytest.mark.parametrize(
    ("body", "life_s"),
    [
        pytest.param({"accessToken": "a.b", "expiresIn": 3567}, 3507, id="as documented"),
        pytest.param({"accessToken": "a.b", "expiresIn": "300"}, 240, id="as text"),
        pytest.param({"accessToken": "a.b", "expiresIn": 30}, 0, id="nearly over"),
        pytest.param({"accessToken": "a.b"}, 0, id="of unknown life"),
        pytest.param({"accessToken": "a.b", "expiresIn": 10**17}, 86_400, id="of eternal life"),
        pytest.param({"accessToken": "a b", "expiresIn": 60}, None, id="no token: a space"),
        pytest.param({"accessToken": "a\r\nx: y"}, None, id="no token: a second header"),
        pytest.param({"expiresIn": 60}, None, id="no token"),
    ],
)
def test_a_token_is_used_until_shortly_before_its_end(
    body: dict[str, object], life_s: int | None
) -> None:
    token = read_token(reply(told(body)), NOW)
    left_s = (token.ends_at - NOW).total_seconds() if token else None
    assert left_s == life_s


BODY = st.fixed_dictionaries(
    {},
    optional={
        "transactionReference": st.just(THEIRS) | JSON,
        "paymentReference": st.just(REFERENCE) | JSON,
        "paymentStatus": st.sampled_from(["PAID", "PARTIALLY_PAID", "PENDING"]) | JSON,
        "amountPaid": st.integers(1, 10**6) | JSON,
        "currency": st.just("NGN") | JSON,
        "settlementAmount": JSON,
        "paidOn": JSON,
    },
)
ANSWER = st.fixed_dictionaries(
    {"requestSuccessful": st.just(value=True) | JSON}, optional={"responseBody": BODY | JSON}
)


@given(document=ANSWER | JSON, status=st.sampled_from([200, 200, 201, 401, 404, 500]))
def test_nothing_is_paid_unless_all_of_it_is_told(document: Any, status: int) -> None:
    """Never raises; PAID carries the very amount, currency and reference of the answer."""
    read_checkout(reply(document, status), REFERENCE)
    read_transaction_reference(reply(document, status), REFERENCE)
    read_token(reply(document, status), NOW)
    verification = read_verification(reply(document, status), REFERENCE)
    if verification.state is PaymentState.PAID:
        body, [payment] = document["responseBody"], verification.payments
        assert payment is not None
        assert (status, document["requestSuccessful"]) == (200, True)
        assert body["paymentStatus"] in {"PAID", "PARTIALLY_PAID"}
        assert payment.amount.minor == round(float(body["amountPaid"]) * 100)
        assert payment.amount.currency == body["currency"]
        assert payment.amount.minor > 0
        assert payment.reference == body["paymentReference"] == REFERENCE
    else:
        assert verification.payments == ()


def settings(base_url: str = "http://127.0.0.1", secret: str = SECRET) -> Settings:
    return Settings.model_construct(
        base_url=base_url,
        api_key=SecretStr(API_KEY),
        secret_key=SecretStr(secret),
        contract_code="4934121693",
        timeout_s=1.5,
    )


@asynccontextmanager
async def monnify(*behaviours: Behaviour) -> AsyncIterator[tuple[Monnify, Wire, SetClock]]:
    """Monnify at six o'clock, answering in turn."""
    clock = SetClock(NOW)
    async with wire(*behaviours) as server:
        gateway = Monnify(settings(server.base_url), clock)
        try:
            yield gateway, server, clock
        finally:
            await gateway.aclose()


def said(document: object, status: int = 200) -> Behaviour:
    return says(json.dumps(document), status)


def asked(server: Wire) -> list[bytes]:
    return [request.split(b" ")[1] for request in server.requests]


def bearers(server: Wire) -> list[bytes]:
    lines = [request.partition(b"\r\n\r\n")[0].split(b"\r\n") for request in server.requests]
    return [line for head in lines for line in head if line.lower().startswith(b"authorization:")]


FIND = b"/api/v2/merchant/transactions/query?paymentReference=CB7Q2M"
STATUS = b"/api/v2/transactions/MNFY%7C41%7C20261121063002%7C000170"
LOG_IN = b"/api/v1/auth/login"


async def test_initialize_on_the_wire() -> None:
    async with monnify(said(LOGIN), said(OPENED)) as (gateway, server, _):
        assert await gateway.initialize(REQUEST) == Checkout(URL)
    login, opened = server.requests
    assert login.startswith(b"POST /api/v1/auth/login HTTP/1.1")
    assert bearers(server)[0].endswith(b"Basic TUtfVEVTVF8xOnRoZS1zZWNyZXQta2V5")
    assert bearers(server)[1].endswith(b"Bearer aaa.bbb.ccc")
    head, _, body = opened.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/v1/merchant/transactions/init-transaction HTTP/1.1")
    assert json.loads(body) == {
        "amount": 1500.5,
        "currencyCode": "NGN",
        "customerName": REFERENCE,
        "customerEmail": "cb7q2m@customers.invalid",
        "paymentReference": REFERENCE,
        "paymentDescription": "Wallet funding",
        "contractCode": "4934121693",
    }


async def test_verify_on_the_wire() -> None:
    """Their reference has bars in it, which no path may carry as they are."""
    async with monnify(said(LOGIN), said(verified("PENDING")), said(verified())) as world:
        gateway, server, _ = world
        assert await gateway.verify(REFERENCE) == Verification(PaymentState.PAID, (PAID,))
    assert asked(server) == [LOG_IN, FIND, STATUS]


async def test_no_reference_of_theirs_leaves_its_path() -> None:
    found = said(verified(transactionReference="../v1/x?y#z"))
    async with monnify(said(LOGIN), found, hangs_up) as (gateway, server, _):
        await gateway.verify(REFERENCE)
    assert asked(server)[2] == b"/api/v2/transactions/..%2Fv1%2Fx%3Fy%23z"


@pytest.mark.parametrize(
    ("behaviours", "expected"),
    [
        pytest.param([said(NOT_FOUND, 404)], OPEN, id="not known there yet"),
        pytest.param([hangs_up], UNKNOWN, id="not told whether it is known"),
        pytest.param([said(verified()), hangs_up], UNKNOWN, id="known, but not how it ended"),
        pytest.param([said(verified()), said(NOT_FOUND, 404)], UNKNOWN, id="known, then not"),
    ],
)
async def test_a_reference_stays_open_until_a_success_is_told(
    behaviours: list[Behaviour], expected: Verification
) -> None:
    async with monnify(said(LOGIN), *behaviours) as (gateway, _, _):
        assert await gateway.verify(REFERENCE) == expected


async def test_one_login_serves_until_shortly_before_its_end() -> None:
    behaviours = [said(LOGIN), *[said(NOT_FOUND, 404)] * 3, said(LOGIN), said(NOT_FOUND, 404)]
    async with monnify(*behaviours) as (gateway, server, clock):
        await asyncio.gather(gateway.verify(REFERENCE), gateway.verify(REFERENCE))
        clock.advance(3567 - 61)
        await gateway.verify(REFERENCE)
        assert asked(server) == [LOG_IN, FIND, FIND, FIND]
        clock.advance(2)
        await gateway.verify(REFERENCE)
    assert asked(server)[4:] == [LOG_IN, FIND]


async def test_a_token_that_is_not_taken_any_more_is_replaced_once() -> None:
    refused = said({"error": "invalid_token"}, 401)
    fresh = said(told({"accessToken": "new", "expiresIn": 3567}))
    async with monnify(said(LOGIN), refused, fresh, said(NOT_FOUND, 404)) as (gateway, server, _):
        assert await gateway.verify(REFERENCE) == OPEN
    assert asked(server) == [LOG_IN, FIND, LOG_IN, FIND]
    assert bearers(server)[3].endswith(b"Bearer new")

    async with monnify(said(LOGIN), refused, said(LOGIN), refused) as (gateway, server, _):
        assert await gateway.verify(REFERENCE) == UNKNOWN
    assert asked(server) == [LOG_IN, FIND, LOG_IN, FIND]


@pytest.mark.parametrize("behaviour", [said({"requestSuccessful": False}, 401), hangs_up])
async def test_without_a_login_nothing_is_asked(behaviour: Behaviour) -> None:
    async with monnify(behaviour) as (gateway, server, _):
        assert await gateway.verify(REFERENCE) == UNKNOWN
        assert await gateway.initialize(REQUEST) is None
    assert asked(server) == [LOG_IN, LOG_IN]


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(stays_silent, id="no answer"),
        pytest.param(hangs_up, id="closed"),
        pytest.param(resets, id="reset"),
        pytest.param(says("x" * (REPLY_BYTES_MAX + 1)), id="more than a mebibyte"),
    ],
)
async def test_a_broken_exchange_opens_and_closes_nothing(behaviour: Behaviour) -> None:
    async with monnify(said(LOGIN), behaviour) as (gateway, server, _):
        assert await gateway.initialize(REQUEST) is None
        assert await gateway.verify(REFERENCE) == UNKNOWN
        assert len(server.requests) == 3


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return {"monnify-signature": digest}


# The sample of Monnify's documentation with the hash that it prints, which is the HMAC of this very
# text, and not the SHA-512 of key and text that the documentation writes of.
SAMPLE_KEY = "91MUDL9N6U3BQRXBQ2PJ9M0PW4J22M1Y"
SAMPLE_HASH = (
    "f04fb635e04d71648bd3cc7999003da6861483342c856d05ddfa9b2dafacb873"
    "b0de1d0f8f67405d0010b4348b721c49fa171d317972618debba6b638aedcd3c"
)
SAMPLE = json.dumps(
    {
        "eventData": {
            "product": {"reference": "111222333", "type": "OFFLINE_PAYMENT_AGENT"},
            "transactionReference": "MNFY|76|20211117154810|000001",
            "paymentReference": "0.01462001097368737",
            "paidOn": "17/11/2021 3:48:10 PM",
            "paymentDescription": "Mockaroo Jesse",
            "metaData": {},
            "destinationAccountInformation": {},
            "paymentSourceInformation": {},
            "amountPaid": 78000,
            "totalPayable": 78000,
            "offlineProductInformation": {"code": "41470", "type": "DYNAMIC"},
            "cardDetails": {},
            "paymentMethod": "CASH",
            "currency": "NGN",
            "settlementAmount": 77600,
            "paymentStatus": "PAID",
            "customer": {"name": "Mockaroo Jesse", "email": "111222333@ZZAMZ4WT4Y3E.monnify"},
        },
        "eventType": "SUCCESSFUL_TRANSACTION",
    },
    separators=(",", ":"),
).encode()


async def test_the_documented_sample_is_believed() -> None:
    headers = {"monnify-signature": SAMPLE_HASH}
    gateway = Monnify(settings(secret=SAMPLE_KEY))
    assert gateway.references_in(headers, SAMPLE) == ("0.01462001097368737",)


async def test_the_documented_formula_is_not() -> None:
    """Whoever can extend a plain hash could else sign what he likes."""
    plain = hashlib.sha512(SAMPLE_KEY.encode() + SAMPLE).hexdigest()
    with pytest.raises(BadCallback):
        Monnify(settings(secret=SAMPLE_KEY)).references_in({"monnify-signature": plain}, SAMPLE)


EVENT = b'{"eventType": "SUCCESSFUL_TRANSACTION",  "eventData": {"paymentReference": "CB7Q2M"}}'


async def test_a_signed_webhook_names_its_reference() -> None:
    gateway = Monnify(settings())
    assert gateway.references_in(signed(EVENT), EVENT) == (REFERENCE,)
    capitals = {"Monnify-Signature": signed(EVENT)["monnify-signature"].upper()}
    assert gateway.references_in(capitals, EVENT) == (REFERENCE,)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(EVENT.replace(b"SUCCESSFUL_T", b"FAILED_T"), id="another event"),
        pytest.param(EVENT.replace(b"CB7Q2M", b"MNFY|1|2"), id="a transfer to a reserved account"),
        pytest.param(b"{}", id="no event"),
    ],
)
async def test_another_event_names_nothing(body: bytes) -> None:
    assert Monnify(settings()).references_in(signed(body), body) == ()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({}, EVENT, id="unsigned"),
        pytest.param({"monnify-signature": ""}, EVENT, id="empty signature"),
        pytest.param({"monnify-signature": "\u0660" * 128}, EVENT, id="no hex"),
        pytest.param(signed(EVENT, "another"), EVENT, id="another key"),
        pytest.param(signed(EVENT, ""), EVENT, id="the empty key"),
        pytest.param(signed(EVENT), EVENT.replace(b"CB7", b"CB8"), id="body altered"),
        pytest.param(
            signed(EVENT), json.dumps(json.loads(EVENT)).encode(), id="same JSON, other bytes"
        ),
        pytest.param(signed(b"<html>"), b"<html>", id="signed, but no JSON"),
        pytest.param(signed(b"[]"), b"[]", id="signed, but a list"),
        pytest.param(
            signed(b'{"eventType":"SUCCESSFUL_TRANSACTION"}'),
            b'{"eventType":"SUCCESSFUL_TRANSACTION"}',
            id="signed, but without reference",
        ),
    ],
)
async def test_a_webhook_that_is_not_provably_theirs_is_turned_away(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(BadCallback):
        Monnify(settings()).references_in(headers, body)


async def test_without_a_secret_key_every_webhook_is_turned_away() -> None:
    """Else anybody could sign with the empty key."""
    with pytest.raises(BadCallback):
        Monnify(settings(secret="")).references_in(signed(EVENT, ""), EVENT)


@given(document=JSON)
def test_no_webhook_breaks_the_reader(document: Any) -> None:
    body = json.dumps(document).encode()
    with suppress(BadCallback):
        assert Monnify(settings()).references_in(signed(body), body) == ()


async def test_no_key_and_no_customer_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with monnify(said(LOGIN), said(OPENED), hangs_up) as (gateway, _, _):
            await gateway.initialize(REQUEST)
            await gateway.verify(REFERENCE)
    acts = ["monnify.login", "monnify.initialize", "monnify.find"]
    assert [line["act"] for line in lines] == acts
    written = repr(lines) + caplog.text + repr(settings())
    secrets = (API_KEY, SECRET, "aaa.bbb.ccc", "8031234567", "customers.invalid", URL)
    assert not any(secret in written for secret in secrets)


async def test_the_registry_builds_it() -> None:
    given = {"base_url": "http://127.0.0.1", "api_key": API_KEY, "secret_key": SECRET}
    gateway = PAYMENT_GATEWAYS["monnify"](given)
    port: PaymentGateway = gateway
    assert port.name == "monnify"
    await gateway.aclose()


# Customers' accounts.

TRANSFER = {
    "transactionReference": "MNFY|20190724141227|003374",
    "paymentReference": "MNFY|20190724141227|003374",
    "paymentStatus": "PAID",
    "amountPaid": 100,
    "amount": 100,
    "fee": 0.79,
    "currencyCode": "NGN",
    "completedOn": "2019-07-24T14:12:28.000+0000",
}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({}, [Money(100_00, "NGN")], id="a transfer"),
        pytest.param({"amountPaid": "100.50"}, [Money(100_50, "NGN")], id="as text"),
        pytest.param({"amountPaid": None}, [Money(100_00, "NGN")], id="in the older word"),
        pytest.param({"currencyCode": "GHS"}, [Money(100_00, "GHS")], id="another currency"),
        pytest.param({"paymentStatus": "PENDING"}, [], id="under way"),
        pytest.param({"paymentStatus": "REVERSED"}, [], id="sent back"),
        pytest.param({"amountPaid": "much"}, None, id="no amount"),
        pytest.param({"currencyCode": None}, None, id="no currency"),
        pytest.param({"transactionReference": None}, None, id="no reference"),
    ],
)
def test_a_list_with_a_transfer_that_cannot_be_read_is_not_told(
    more: dict[str, object], expected: list[Money] | None
) -> None:
    document = {"requestSuccessful": True, "responseBody": {"content": [TRANSFER | more]}}
    found = read_arrivals(reply(document))
    assert (None if found is None else [each.amount for each in found]) == expected


def test_a_transfer_tells_when_it_came_and_what_it_cost() -> None:
    document = {"requestSuccessful": True, "responseBody": {"content": [TRANSFER]}}
    found = read_arrivals(reply(document))
    assert found is not None
    assert found[0].fee == Money(79, "NGN")
    assert found[0].paid_at == dt.datetime(2019, 7, 24, 14, 12, 28, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            {"accounts": [{"bankName": "Wema", "accountNumber": "3000000171"}]},
            BankAccount("CAQ1", "3000000171", "Wema", "Callbox 4567"),
            id="several banks: the first",
        ),
        pytest.param(
            {"bankName": "Wema", "accountNumber": "3000000171"},
            BankAccount("CAQ1", "3000000171", "Wema", "Callbox 4567"),
            id="the older form",
        ),
        pytest.param({"accounts": []}, None, id="no bank"),
        pytest.param({"accountReference": "CAOTHER"}, None, id="another's"),
    ],
)
def test_an_account_is_open_only_when_all_of_it_is_told(
    body: dict[str, object], expected: BankAccount | None
) -> None:
    whole = {"accountReference": "CAQ1", "accountName": "Callbox 4567", **body}
    document = {"requestSuccessful": True, "responseBody": whole}
    assert read_account(reply(document), "CAQ1") == expected
