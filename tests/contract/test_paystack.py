"""Paystack keeps the promise of a payment gateway: paid is only what verify strictly says."""

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
from core.providers.payments.paystack import (
    Paystack,
    Settings,
    read_checkout,
    read_verification,
)
from core.providers.payments.paystack_accounts import Customer, read_account, read_arrivals
from tests.fakes.documents import JSON
from tests.fakes.wire import Behaviour, Wire, hangs_up, resets, says, stays_silent, wire

REFERENCE = "CB7Q2M"
SECRET = "sk_test_1"
REQUEST = PaymentRequest(
    reference=REFERENCE,
    amount=Money(1500_00, "NGN"),
    msisdn=Msisdn("2348031234567"),
    email="cb7q2m@customers.invalid",
)
UNKNOWN = Verification(PaymentState.UNKNOWN)
OPEN = Verification(PaymentState.OPEN)
URL = "https://checkout.paystack.com/0peioxfhpn"
OPENED = {
    "status": True,
    "message": "Authorization URL created",
    "data": {"authorization_url": URL, "access_code": "0peioxfhpn", "reference": REFERENCE},
}


def verified(status: object = "success", **more: object) -> dict[str, object]:
    """An answer to verify, in the words of its page."""
    data: dict[str, object] = {
        "id": 4099260516,
        "status": status,
        "reference": REFERENCE,
        "amount": 1500_00,
        "currency": "NGN",
        "fees": 122_50,
        "paid_at": "2026-11-21T05:30:02.000Z",
        "channel": "card",
    }
    return {"status": True, "message": "Verification successful", "data": data | more}


def reply(document: object, status: int = 200) -> Reply:
    return Reply(status, document if isinstance(document, bytes) else json.dumps(document).encode())


PAID = Payment(
    transaction_id="4099260516",
    reference=REFERENCE,
    amount=Money(1500_00, "NGN"),
    paid_at=dt.datetime(2026, 11, 21, 5, 30, 2, tzinfo=dt.UTC),
    fee=Money(122_50, "NGN"),
)


def test_a_success_is_the_payment_it_tells() -> None:
    told = read_verification(reply(verified()), REFERENCE)
    assert told == Verification(PaymentState.PAID, (PAID,))


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param("abandoned", PaymentState.OPEN, id="abandoned: the page is still there"),
        pytest.param("failed", PaymentState.OPEN, id="failed: another try may succeed"),
        pytest.param("ongoing", PaymentState.OPEN, id="ongoing"),
        pytest.param("pending", PaymentState.OPEN, id="pending"),
        pytest.param("processing", PaymentState.OPEN, id="processing"),
        pytest.param("queued", PaymentState.OPEN, id="queued"),
        pytest.param("reversed", PaymentState.DEAD, id="reversed"),
        pytest.param("Success", PaymentState.UNKNOWN, id="success in other letters"),
        pytest.param("paid", PaymentState.UNKNOWN, id="a word that is not promised"),
        pytest.param(None, PaymentState.UNKNOWN, id="missing"),
        pytest.param(True, PaymentState.UNKNOWN, id="a truth"),
        pytest.param(["success"], PaymentState.UNKNOWN, id="a list"),
    ],
)
def test_each_status_has_its_state(status: object, state: PaymentState) -> None:
    assert read_verification(reply(verified(status)), REFERENCE) == Verification(state)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"amount": 500_00}, {"amount": Money(500_00, "NGN")}, id="paid less"),
        pytest.param({"currency": "GHS"}, {"amount": Money(1500_00, "GHS")}, id="other currency"),
        pytest.param({"id": "4099260516"}, {"amount": PAID.amount}, id="id as text"),
        pytest.param({"fees": None}, {"fee": None}, id="no fee told"),
        pytest.param({"fees": -5}, {"fee": None}, id="a negative fee"),
        pytest.param({"fees": 9_999_999}, {"fee": None}, id="a fee above the payment"),
        pytest.param({"fees": 12.5}, {"fee": None}, id="a fee in parts of a kobo"),
        pytest.param({"paid_at": "yesterday"}, {"paid_at": None}, id="unreadable time"),
        pytest.param({"paid_at": "2026-11-21T05:30:02"}, {"paid_at": None}, id="time of nowhere"),
        pytest.param(
            {"paid_at": None, "paidAt": "2026-11-21T06:30:02+01:00"},
            {"paid_at": PAID.paid_at},
            id="time under its other name",
        ),
        pytest.param(
            {"paid_at": "0001-01-01T00:00:00+23:59"}, {"paid_at": None}, id="before all time"
        ),
    ],
)
def test_what_was_paid_is_told_as_it_is(
    more: dict[str, object], expected: dict[str, object]
) -> None:
    """The amount that arrived, whatever was asked for; extras only where they can be read."""
    [payment] = read_verification(reply(verified(**more)), REFERENCE).payments
    assert {name: getattr(payment, name) for name in expected} == expected


@pytest.mark.parametrize(
    "more",
    [
        {"amount": "150000"}, {"amount": 1500.0}, {"amount": 0}, {"amount": -150000},
        {"amount": True}, {"amount": None}, {"amount": 10**18},
        {"currency": "ngn"}, {"currency": None}, {"currency": "NAIRA"}, {"currency": 566},
        {"id": None}, {"id": 0}, {"id": -1}, {"id": 1.5}, {"id": "T1"}, {"id": True},
        {"reference": "CBOTHER"}, {"reference": None}, {"reference": [REFERENCE]},
    ],
    ids=str,
)  # fmt: skip
def test_a_success_that_is_not_strictly_told_is_unknown(more: dict[str, object]) -> None:
    """Kobo or naira, whose, which one: in doubt nothing is credited, and it is asked again."""
    assert read_verification(reply(verified(**more)), REFERENCE) == UNKNOWN


NOT_FOUND = {"status": False, "message": "Transaction reference not found"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(NOT_FOUND, 400), OPEN, id="unknown reference, 400"),
        pytest.param(reply(NOT_FOUND | {"code": "x"}, 404), OPEN, id="unknown reference, 404"),
        pytest.param(reply(NOT_FOUND, 200), UNKNOWN, id="unknown reference, yet 200"),
        pytest.param(reply(NOT_FOUND, 500), UNKNOWN, id="unknown reference, yet 500"),
        pytest.param(reply(b"<html>404</html>", 404), UNKNOWN, id="a wrong address"),
        pytest.param(
            reply({"status": False, "message": "Invalid key"}, 401), UNKNOWN, id="our key"
        ),
        pytest.param(reply(verified(), 201), UNKNOWN, id="paid, yet not 200"),
        pytest.param(reply(verified(), 503), UNKNOWN, id="paid, yet 503"),
        pytest.param(reply(verified() | {"status": False}), UNKNOWN, id="paid, yet not understood"),
        pytest.param(reply(verified() | {"status": "true"}), UNKNOWN, id="status as text"),
        pytest.param(reply(json.dumps(verified()).encode()[:-1]), UNKNOWN, id="truncated"),
        pytest.param(reply({"status": True, "data": None}), UNKNOWN, id="null"),
        pytest.param(reply({"status": True, "data": [verified()["data"]]}), UNKNOWN, id="a list"),
        pytest.param(Reply(200, None), UNKNOWN, id="more than a mebibyte"),
        pytest.param(NoReply("timeout"), UNKNOWN, id="no answer"),
        pytest.param(NoReply("not_sent", never_sent=True), UNKNOWN, id="never asked"),
    ],
)
def test_what_cannot_be_read_closes_no_intent(
    answer: Reply | NoReply, expected: Verification
) -> None:
    """Nor does an unknown reference: its initialize may still be under way."""
    assert read_verification(answer, REFERENCE) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(OPENED), Checkout(URL), id="opened"),
        pytest.param(
            reply({"status": False, "message": "Duplicate Transaction Reference"}, 400),
            None,
            id="open already: verify tells",
        ),
        pytest.param(reply(OPENED, 500), None, id="opened, yet 500"),
        pytest.param(reply(OPENED | {"status": False}), None, id="not opened"),
        pytest.param(
            reply({"status": True, "data": {"authorization_url": "javascript:pay()"}}),
            None,
            id="an address that is none",
        ),
        pytest.param(
            reply({"status": True, "data": {"authorization_url": URL, "reference": "CBOTHER"}}),
            None,
            id="of another reference",
        ),
        pytest.param(reply({"status": True, "data": None}), None, id="null"),
        pytest.param(reply(b"<html>"), None, id="HTML"),
        pytest.param(NoReply("timeout"), None, id="no answer"),
    ],
)
def test_a_checkout_is_open_only_when_it_says_so(
    answer: Reply | NoReply, expected: Checkout | None
) -> None:
    assert read_checkout(answer, REFERENCE) == expected


DATA = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(1, 9) | JSON,
        "status": st.sampled_from(["success", "failed"]) | JSON,
        "reference": st.just(REFERENCE) | JSON,
        "amount": st.integers(1, 10**6) | JSON,
        "currency": st.just("NGN") | JSON,
        "fees": JSON,
        "paid_at": JSON,
    },
)
ANSWER = st.fixed_dictionaries(
    {}, optional={"status": st.booleans() | JSON, "message": JSON, "data": DATA | JSON}
)


@given(document=ANSWER | JSON, status=st.sampled_from([200, 200, 201, 400, 404, 500]))
def test_nothing_is_paid_unless_all_of_it_is_told(document: Any, status: int) -> None:
    """Never raises; PAID carries the very amount, currency and reference of the answer."""
    read_checkout(reply(document, status), REFERENCE)
    verification = read_verification(reply(document, status), REFERENCE)
    if verification.state is PaymentState.PAID:
        data, [payment] = document["data"], verification.payments
        assert status == 200
        assert data["status"] == "success"
        assert (payment.amount.minor, payment.amount.currency) == (data["amount"], data["currency"])
        assert payment.amount.minor > 0
        assert payment.reference == data["reference"] == REFERENCE
    else:
        assert verification.payments == ()


def settings(base_url: str = "http://127.0.0.1", secret: str = SECRET) -> Settings:
    return Settings.model_construct(base_url=base_url, secret_key=SecretStr(secret), timeout_s=1.5)


@asynccontextmanager
async def paystack(*behaviours: Behaviour) -> AsyncIterator[tuple[Paystack, Wire]]:
    async with wire(*behaviours) as server:
        gateway = Paystack(settings(server.base_url))
        try:
            yield gateway, server
        finally:
            await gateway.aclose()


async def test_initialize_on_the_wire() -> None:
    async with paystack(says(json.dumps(OPENED))) as (gateway, server):
        assert await gateway.initialize(REQUEST) == Checkout(URL)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /transaction/initialize HTTP/1.1")
    assert b"authorization: bearer sk_test_1" in head.lower()
    assert json.loads(body) == {
        "email": "cb7q2m@customers.invalid",
        "amount": 1500_00,
        "currency": "NGN",
        "reference": REFERENCE,
        "metadata": {"msisdn": "2348031234567"},
    }


async def test_verify_on_the_wire() -> None:
    async with paystack(says(json.dumps(verified()))) as (gateway, server):
        verification = await gateway.verify(REFERENCE)
        await gateway.verify("../CB?x")
    assert verification == Verification(PaymentState.PAID, (PAID,))
    assert server.requests[0].startswith(b"GET /transaction/verify/CB7Q2M HTTP/1.1")
    assert server.requests[1].startswith(b"GET /transaction/verify/..%2FCB%3Fx HTTP/1.1")


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
    async with paystack(behaviour) as (gateway, server):
        assert await gateway.initialize(REQUEST) is None
        assert await gateway.verify(REFERENCE) == UNKNOWN
        assert len(server.requests) == 2


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), body, hashlib.sha512).hexdigest()
    return {"x-paystack-signature": digest}


EVENT = b'{"event": "charge.success",  "data": {"reference": "CB7Q2M", "amount": 1}}'


async def test_a_signed_webhook_names_its_reference() -> None:
    gateway = Paystack(settings())
    assert gateway.references_in(signed(EVENT), EVENT) == (REFERENCE,)
    capitals = {"X-Paystack-Signature": signed(EVENT)["x-paystack-signature"].upper()}
    assert gateway.references_in(capitals, EVENT) == (REFERENCE,)


async def test_another_event_names_nothing() -> None:
    body = b'{"event":"transfer.success","data":{"reference":"CB7Q2M"}}'
    assert Paystack(settings()).references_in(signed(body), body) == ()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({}, EVENT, id="unsigned"),
        pytest.param({"x-paystack-signature": ""}, EVENT, id="empty signature"),
        pytest.param({"x-paystack-signature": "\u0660" * 128}, EVENT, id="no hex"),
        pytest.param(signed(EVENT, "sk_other"), EVENT, id="another key"),
        pytest.param(signed(EVENT, ""), EVENT, id="the empty key"),
        pytest.param(signed(EVENT), EVENT.replace(b"1}", b"9}"), id="body altered"),
        pytest.param(
            signed(EVENT), json.dumps(json.loads(EVENT)).encode(), id="same JSON, other bytes"
        ),
        pytest.param(signed(b"<html>"), b"<html>", id="signed, but no JSON"),
        pytest.param(signed(b"[]"), b"[]", id="signed, but a list"),
        pytest.param(
            signed(b'{"event":"charge.success","data":{"reference":7}}'),
            b'{"event":"charge.success","data":{"reference":7}}',
            id="signed, but without reference",
        ),
    ],
)
async def test_a_webhook_that_is_not_provably_theirs_is_turned_away(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(BadCallback):
        Paystack(settings()).references_in(headers, body)


async def test_without_a_secret_key_every_webhook_is_turned_away() -> None:
    """Else anybody could sign with the empty key."""
    with pytest.raises(BadCallback):
        Paystack(settings(secret="")).references_in(signed(EVENT, ""), EVENT)


@given(document=JSON)
def test_no_webhook_breaks_the_reader(document: Any) -> None:
    body = json.dumps(document).encode()
    with suppress(BadCallback):
        assert Paystack(settings()).references_in(signed(body), body) == ()


async def test_no_key_and_no_customer_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with paystack(says(json.dumps(OPENED)), hangs_up) as (gateway, _):
            await gateway.initialize(REQUEST)
            await gateway.verify(REFERENCE)
    assert [line["act"] for line in lines] == ["paystack.initialize", "paystack.verify"]
    told = repr(lines) + caplog.text + repr(settings())
    assert not any(secret in told for secret in (SECRET, "8031234567", "customers.invalid", URL))


async def test_the_registry_builds_it() -> None:
    gateway = PAYMENT_GATEWAYS["paystack"]({"base_url": "http://127.0.0.1", "secret_key": SECRET})
    port: PaymentGateway = gateway
    assert port.name == "paystack"
    await gateway.aclose()


# Customers' accounts.

CUSTOMER = Customer("1001", "CUS_x")
KEPT = {"account_number": "9930000737", "account_name": "CALLBOX / 4567", "bank": {"name": "Wema"}}
TRANSFER = {
    "id": 7,
    "status": "success",
    "reference": "1682000001",
    "amount": 500_50,
    "currency": "NGN",
    "fees": 500,
    "channel": "dedicated_nuban",
    "customer": {"id": 1001},
}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            reply({"status": True, "data": KEPT}),
            BankAccount("1001", "9930000737", "Wema", "CALLBOX / 4567"),
            id="opened",
        ),
        pytest.param(reply({"status": False, "data": KEPT}), None, id="not opened"),
        pytest.param(reply({"status": True, "data": KEPT}, 500), None, id="opened, yet 500"),
        pytest.param(reply({"status": True, "data": KEPT | {"active": False}}), None, id="closed"),
        pytest.param(
            reply({"status": True, "data": KEPT | {"account_number": "99"}}), None, id="no number"
        ),
        pytest.param(reply({"status": True, "data": KEPT | {"bank": None}}), None, id="no bank"),
        pytest.param(NoReply("timeout"), None, id="no answer"),
    ],
)
def test_an_account_is_open_only_when_all_of_it_is_told(
    answer: Reply | NoReply, expected: BankAccount | None
) -> None:
    assert read_account(answer, CUSTOMER) == expected


@pytest.mark.parametrize(
    ("transfer", "expected"),
    [
        pytest.param(TRANSFER, ["7"], id="a transfer"),
        pytest.param(TRANSFER | {"channel": "card"}, [], id="paid by card"),
        pytest.param(TRANSFER | {"status": "failed"}, [], id="failed"),
        pytest.param(TRANSFER | {"customer": {"id": 1002}}, [], id="another customer's"),
        pytest.param(TRANSFER | {"amount": "much"}, None, id="no amount"),
        pytest.param(TRANSFER | {"id": None}, None, id="no id"),
        pytest.param(TRANSFER | {"reference": ""}, None, id="no reference"),
    ],
)
def test_a_list_with_a_transfer_that_cannot_be_read_is_not_told(
    transfer: dict[str, object], expected: list[str] | None
) -> None:
    found = read_arrivals(reply({"status": True, "data": [transfer]}), "1001")
    assert (None if found is None else [each.transaction_id for each in found]) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"channel": "dedicated_nuban"}, ("1682000001", "1001")),
        ({"channel": "card"}, ("1682000001",)),
    ],
)
def test_a_transfers_webhook_names_the_customer_as_well(
    more: dict[str, object], expected: tuple[str, ...]
) -> None:
    body = json.dumps({"event": "charge.success", "data": TRANSFER | more}).encode()
    signature = hmac.new(b"sk_test_1", body, hashlib.sha512).hexdigest()
    gateway = PAYMENT_GATEWAYS["paystack"]({"secret_key": "sk_test_1"})
    assert gateway.references_in({"x-paystack-signature": signature}, body) == expected
