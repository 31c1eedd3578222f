"""Flutterwave keeps the promise of a payment gateway: paid is only what verify strictly says."""

import base64
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
    AccountRequest,
    BadCallback,
    BankAccount,
    Checkout,
    IdentityNeeded,
    Payment,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    Verification,
)
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.payments.flutterwave import (
    Flutterwave,
    Settings,
    read_account,
    read_checkout,
    read_successful,
    read_verification,
)
from tests.fakes.documents import JSON
from tests.fakes.wire import Behaviour, Wire, hangs_up, resets, says, stays_silent, wire

REFERENCE = "CB7Q2M"
KEY = "FLWSECK_TEST-1-X"
HASH = "typed-into-the-dashboard"
BACK = "https://callbox.test/paid"
REQUEST = PaymentRequest(
    reference=REFERENCE,
    amount=Money(1500_50, "NGN"),
    msisdn=Msisdn("2348031234567"),
    email="cb7q2m@customers.invalid",
)
UNKNOWN = Verification(PaymentState.UNKNOWN)
OPEN = Verification(PaymentState.OPEN)
URL = "https://checkout.flutterwave.com/v3/hosted/pay/f1d0"
OPENED = {"status": "success", "message": "Hosted Link", "data": {"link": URL}}
NOT_FOUND = {"status": "error", "message": "No transaction was found for this id", "data": None}


def transaction(status: object = "successful", **more: object) -> dict[str, object]:
    """A transaction, in the words of the verification page."""
    return {
        "id": 4975363,
        "tx_ref": REFERENCE,
        "flw_ref": "FLW-SIM-1",
        "amount": 1500.5,
        "charged_amount": 1500.5,
        "app_fee": 21,
        "currency": "NGN",
        "status": status,
        "created_at": "2026-11-21T05:30:02.000Z",
        "payment_type": "bank_transfer",
    } | more


def verified(status: object = "successful", **more: object) -> dict[str, object]:
    data = transaction(status, **more)
    return {"status": "success", "message": "Transaction fetched successfully", "data": data}


def listed(*transactions: object) -> dict[str, object]:
    return {"status": "success", "message": "Transactions fetched", "data": list(transactions)}


def reply(document: object, status: int = 200) -> Reply:
    return Reply(status, document if isinstance(document, bytes) else json.dumps(document).encode())


PAID = Payment(
    transaction_id="4975363",
    reference=REFERENCE,
    amount=Money(1500_50, "NGN"),
    paid_at=dt.datetime(2026, 11, 21, 5, 30, 2, tzinfo=dt.UTC),
    fee=Money(21_00, "NGN"),
)


def test_a_success_is_the_payment_it_tells() -> None:
    assert read_verification(reply(verified()), REFERENCE) == Verification(
        PaymentState.PAID, (PAID,)
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param("pending", PaymentState.OPEN, id="pending"),
        pytest.param("failed", PaymentState.OPEN, id="failed: another try may succeed"),
        pytest.param("succeeded", PaymentState.UNKNOWN, id="the word of another version"),
        pytest.param("Successful", PaymentState.UNKNOWN, id="successful in other letters"),
        pytest.param("success", PaymentState.UNKNOWN, id="the envelope's word"),
        pytest.param(None, PaymentState.UNKNOWN, id="missing"),
        pytest.param(["successful"], PaymentState.UNKNOWN, id="a list"),
    ],
)
def test_each_status_has_its_state(status: object, state: PaymentState) -> None:
    assert read_verification(reply(verified(status)), REFERENCE) == Verification(state)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"amount": 900}, {"amount": Money(900_00, "NGN")}, id="paid less"),
        pytest.param({"amount": "3001.00"}, {"amount": Money(3001_00, "NGN")}, id="as text"),
        pytest.param({"amount": 0.1}, {"amount": Money(10, "NGN")}, id="a tenth, exactly"),
        pytest.param({"currency": "GHS"}, {"amount": Money(1500_50, "GHS")}, id="other currency"),
        pytest.param({"currency": "XOF", "amount": 5}, {"amount": Money(5, "XOF")}, id="no cents"),
        pytest.param({"id": "4975363"}, {"transaction_id": "4975363"}, id="id as text"),
        pytest.param({"app_fee": 1.4}, {"fee": Money(1_40, "NGN")}, id="a fee with kobo"),
        pytest.param({"app_fee": 1.404}, {"fee": Money(1_40, "NGN")}, id="parts of a kobo"),
        pytest.param({"app_fee": None}, {"fee": None}, id="no fee told"),
        pytest.param({"app_fee": 99_999}, {"fee": None}, id="a fee above the payment"),
        pytest.param({"charged_amount": 1521.5}, {"fee": None}, id="the payer bore the fee"),
        pytest.param({"charged_amount": None}, {"fee": None}, id="who bore it is not told"),
        pytest.param({"created_at": "2026-11-21 05:30"}, {"paid_at": None}, id="no time zone"),
        pytest.param({"created_at": 5}, {"paid_at": None}, id="no time"),
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
        {"amount": 1500.505}, {"amount": 0}, {"amount": -1500}, {"amount": True}, {"amount": None},
        {"amount": "1,500"}, {"amount": "N1500"}, {"amount": 1e300}, {"amount": 10**18},
        {"amount": 5.5, "currency": "XOF"}, {"amount": [1500]},
        {"currency": "ngn"}, {"currency": None}, {"currency": "NAIRA"}, {"currency": 566},
        {"id": None}, {"id": 0}, {"id": -1}, {"id": 1.5}, {"id": "chg_1"}, {"id": True},
        {"tx_ref": "CBOTHER"}, {"tx_ref": None}, {"tx_ref": [REFERENCE]},
    ],
    ids=str,
)  # fmt: skip
def test_a_success_that_is_not_strictly_told_is_unknown(more: dict[str, object]) -> None:
    """How much, whose, which one: in doubt nothing is credited, and it is asked again."""
    assert read_verification(reply(verified(**more)), REFERENCE) == UNKNOWN


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(NOT_FOUND, 400), OPEN, id="unknown reference, 400"),
        pytest.param(reply(NOT_FOUND, 404), OPEN, id="unknown reference, 404"),
        pytest.param(reply(NOT_FOUND, 200), UNKNOWN, id="unknown reference, yet 200"),
        pytest.param(reply(NOT_FOUND, 500), UNKNOWN, id="unknown reference, yet 500"),
        pytest.param(reply(b"<html>404</html>", 404), UNKNOWN, id="a wrong address"),
        pytest.param(reply({"status": "error", "message": "Invalid key"}, 401), UNKNOWN, id="key"),
        pytest.param(reply(verified(), 201), UNKNOWN, id="paid, yet not 200"),
        pytest.param(reply(verified(), 503), UNKNOWN, id="paid, yet 503"),
        pytest.param(reply(verified() | {"status": "error"}), UNKNOWN, id="paid, yet an error"),
        pytest.param(reply(verified() | {"status": True}), UNKNOWN, id="status as truth"),
        pytest.param(reply(json.dumps(verified()).encode()[:-1]), UNKNOWN, id="truncated"),
        pytest.param(reply({"status": "success", "data": None}), UNKNOWN, id="null"),
        pytest.param(reply(listed(transaction())), UNKNOWN, id="a list"),
        pytest.param(Reply(200, None), UNKNOWN, id="more than a mebibyte"),
        pytest.param(NoReply("timeout"), UNKNOWN, id="no answer"),
        pytest.param(NoReply("not_sent", never_sent=True), UNKNOWN, id="never asked"),
    ],
)
def test_what_cannot_be_read_closes_no_intent(
    answer: Reply | NoReply, expected: Verification
) -> None:
    """Nor does an unknown reference: nobody may have tried to pay it yet."""
    assert read_verification(answer, REFERENCE) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(listed(transaction())), ["4975363"], id="one"),
        pytest.param(
            reply(listed(transaction(id=9), transaction("failed", id=1), transaction(id=8))),
            ["9", "8"],
            id="two, and one that failed",
        ),
        pytest.param(reply(listed()), [], id="none"),
        pytest.param(reply(listed(transaction("failed"))), [], id="a failed one only"),
        pytest.param(
            reply(listed(transaction(tx_ref="CBOTHER"))), [], id="the filter was not heeded"
        ),
        pytest.param(
            reply(listed(transaction(), transaction(id=None))), None, id="one without an id"
        ),
        pytest.param(reply(listed(transaction(amount="much"))), None, id="one of no amount"),
        pytest.param(reply(listed(None, 7, "x")), [], id="no objects"),
        pytest.param(reply(listed() | {"data": None}), None, id="no list"),
        pytest.param(reply(listed(), 500), None, id="an error"),
        pytest.param(NoReply("timeout"), None, id="no answer"),
    ],
)
def test_all_that_went_through_is_found_or_nothing(
    answer: Reply | NoReply, expected: list[str] | None
) -> None:
    """A list of which a part cannot be read may hide a payment."""
    found = read_successful(answer, REFERENCE)
    assert (None if found is None else [each.transaction_id for each in found]) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(reply(OPENED), Checkout(URL), id="opened"),
        pytest.param(reply(OPENED, 500), None, id="opened, yet 500"),
        pytest.param(reply(OPENED | {"status": "error"}), None, id="not opened"),
        pytest.param(
            reply(OPENED | {"data": {"link": "javascript:pay()"}}),
            None,
            id="no web address",
        ),
        pytest.param(reply(OPENED | {"data": None}), None, id="null"),
        pytest.param(reply(b"<html>"), None, id="HTML"),
        pytest.param(NoReply("timeout"), None, id="no answer"),
    ],
)
def test_a_checkout_is_open_only_when_it_says_so(
    answer: Reply | NoReply, expected: Checkout | None
) -> None:
    assert read_checkout(answer) == expected


DATA = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(1, 9) | JSON,
        "status": st.sampled_from(["successful", "failed"]) | JSON,
        "tx_ref": st.just(REFERENCE) | JSON,
        "amount": st.integers(1, 10**6) | JSON,
        "charged_amount": JSON,
        "currency": st.just("NGN") | JSON,
        "app_fee": JSON,
        "created_at": JSON,
    },
)
ANSWER = st.fixed_dictionaries(
    {"status": st.just("success") | JSON}, optional={"message": JSON, "data": DATA | JSON}
)


@given(document=ANSWER | JSON, status=st.sampled_from([200, 200, 201, 400, 404, 500]))
def test_nothing_is_paid_unless_all_of_it_is_told(document: Any, status: int) -> None:
    """Never raises; PAID carries the very amount, currency and reference of the answer."""
    read_checkout(reply(document, status))
    read_successful(reply(document, status), REFERENCE)
    verification = read_verification(reply(document, status), REFERENCE)
    if verification.state is PaymentState.PAID:
        data, [payment] = document["data"], verification.payments
        assert status == 200
        assert data["status"] == "successful"
        assert payment.amount.minor == round(float(data["amount"]) * 100)
        assert payment.amount.currency == data["currency"]
        assert payment.amount.minor > 0
        assert payment.reference == data["tx_ref"] == REFERENCE
    else:
        assert verification.payments == ()


def settings(base_url: str = "http://127.0.0.1", secret_hash: str = HASH) -> Settings:
    return Settings.model_construct(
        base_url=base_url,
        secret_key=SecretStr(KEY),
        secret_hash=SecretStr(secret_hash),
        return_url=BACK,
        bvn=SecretStr(""),
        timeout_s=1.5,
    )


@asynccontextmanager
async def flutterwave(*behaviours: Behaviour) -> AsyncIterator[tuple[Flutterwave, Wire]]:
    async with wire(*behaviours) as server:
        gateway = Flutterwave(settings(server.base_url + "/v3"))
        try:
            yield gateway, server
        finally:
            await gateway.aclose()


def said(document: object, status: int = 200) -> Behaviour:
    return says(json.dumps(document), status)


async def test_initialize_on_the_wire() -> None:
    async with flutterwave(said(OPENED)) as (gateway, server):
        assert await gateway.initialize(REQUEST) == Checkout(URL)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v3/payments HTTP/1.1")
    assert b"authorization: bearer flwseck_test-1-x" in head.lower()
    assert json.loads(body) == {
        "tx_ref": REFERENCE,
        "amount": "1500.50",
        "currency": "NGN",
        "redirect_url": BACK,
        "customer": {"email": "cb7q2m@customers.invalid", "phonenumber": "2348031234567"},
    }


def asked(server: Wire) -> list[bytes]:
    return [request.split(b" ")[1] for request in server.requests]


LIST = b"/v3/transactions?tx_ref=CB7Q2M&status=successful&page="


async def test_verify_on_the_wire() -> None:
    async with flutterwave(said(verified()), said(listed(transaction()))) as (gateway, server):
        assert await gateway.verify(REFERENCE) == Verification(PaymentState.PAID, (PAID,))
        await gateway.verify("CB&x=1")
    assert asked(server)[:3] == [
        b"/v3/transactions/verify_by_reference?tx_ref=CB7Q2M",
        LIST + b"1",
        b"/v3/transactions/verify_by_reference?tx_ref=CB%26x%3D1",
    ]


@pytest.mark.parametrize("status", ["failed", "successful"])
async def test_every_success_under_a_reference_is_found(status: str) -> None:
    """The reference tells of one transaction only, and it may be the wrong one."""
    pages = {"meta": {"page_info": {"total_pages": 2}}}
    behaviours = (
        said(verified(status, id=1)),
        said(listed(transaction(id=3)) | pages),
        said(listed(transaction(id=2)) | pages),
    )
    async with flutterwave(*behaviours) as (gateway, server):
        verification = await gateway.verify(REFERENCE)
    found = {payment.transaction_id for payment in verification.payments}
    assert verification.state is PaymentState.PAID
    assert found == {"2", "3"} | ({"1"} if status == "successful" else set())
    assert asked(server)[1:] == [LIST + b"1", LIST + b"2"]


@pytest.mark.parametrize(
    ("behaviours", "expected", "requests"),
    [
        pytest.param([said(NOT_FOUND, 404)], OPEN, 1, id="no try yet"),
        pytest.param([said(verified("pending")), said(listed())], OPEN, 2, id="one under way"),
        pytest.param([said(verified("failed")), hangs_up], UNKNOWN, 2, id="the others not told"),
        pytest.param(
            [said(verified()), said({}, 500)],
            Verification(PaymentState.UNKNOWN, (PAID,)),
            2,
            id="paid, the others not told",
        ),
        pytest.param([said({}, 500)], UNKNOWN, 1, id="not told at all"),
    ],
)
async def test_a_reference_stays_open_until_a_success_is_told(
    behaviours: list[Behaviour], expected: Verification, requests: int
) -> None:
    async with flutterwave(*behaviours) as (gateway, server):
        assert await gateway.verify(REFERENCE) == expected
    assert len(server.requests) == requests


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
    async with flutterwave(behaviour) as (gateway, server):
        assert await gateway.initialize(REQUEST) is None
        assert await gateway.verify(REFERENCE) == UNKNOWN
        assert len(server.requests) == 2


V3 = b'{"event": "charge.completed",  "data": {"id": 1, "tx_ref": "CB7Q2M", "status": "failed"}}'
V4 = b'{"type": "charge.completed", "data": {"id": "chg_1", "reference": "CB7Q2M"}}'


def digest(body: bytes, secret: str = HASH) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def signed(body: bytes, secret: str = HASH) -> dict[str, str]:
    return {"flutterwave-signature": base64.b64encode(digest(body, secret)).decode()}


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({"verif-hash": HASH}, V3, id="v3: the hash itself"),
        pytest.param({"Verif-Hash": f" {HASH} "}, V3, id="v3: in capitals, with space"),
        pytest.param(signed(V4), V4, id="v4: base64"),
        pytest.param({"flutterwave-signature": digest(V4).hex()}, V4, id="v4: hex"),
        pytest.param({"flutterwave-signature": digest(V4).hex().upper()}, V4, id="v4: HEX"),
        pytest.param(signed(V3), V3, id="v3's event, signed as v4 does"),
    ],
)
async def test_a_signed_webhook_names_its_reference(headers: dict[str, str], body: bytes) -> None:
    assert Flutterwave(settings()).references_in(headers, body) == (REFERENCE,)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"event":"transfer.completed","data":{"tx_ref":"CB7Q2M"}}', id="a transfer"),
        pytest.param(b'{"event":"charge.completed","data":{"tx_ref":"shop_7"}}', id="another shop"),
        pytest.param(b"{}", id="no event"),
    ],
)
async def test_another_event_names_nothing(body: bytes) -> None:
    assert Flutterwave(settings()).references_in(signed(body), body) == ()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({}, V3, id="unsigned"),
        pytest.param({"verif-hash": ""}, V3, id="empty hash"),
        pytest.param({"verif-hash": "another"}, V3, id="another hash"),
        pytest.param({"verif-hash": digest(V3).hex()}, V3, id="a digest in the old header"),
        pytest.param({"flutterwave-signature": HASH}, V4, id="the plain hash in the new header"),
        pytest.param({"flutterwave-signature": ""}, V4, id="empty signature"),
        pytest.param({"flutterwave-signature": "\u0660" * 64}, V4, id="no hex"),
        pytest.param(
            {"flutterwave-signature": "x", "verif-hash": HASH}, V4, id="new header wrong, old right"
        ),
        pytest.param(signed(V4, "another"), V4, id="another key"),
        pytest.param(signed(V4, ""), V4, id="the empty key"),
        pytest.param(signed(V4), V4.replace(b"CB7", b"CB8"), id="body altered"),
        pytest.param(signed(V3), json.dumps(json.loads(V3)).encode(), id="same JSON, other bytes"),
        pytest.param(signed(b"<html>"), b"<html>", id="signed, but no JSON"),
        pytest.param(signed(b"[]"), b"[]", id="signed, but a list"),
        pytest.param(
            signed(b'{"event":"charge.completed","data":{"tx_ref":7}}'),
            b'{"event":"charge.completed","data":{"tx_ref":7}}',
            id="signed, but without reference",
        ),
    ],
)
async def test_a_webhook_that_is_not_provably_theirs_is_turned_away(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(BadCallback):
        Flutterwave(settings()).references_in(headers, body)


@pytest.mark.parametrize("headers", [signed(V3, ""), {"verif-hash": ""}, {}])
async def test_without_a_secret_hash_every_webhook_is_turned_away(headers: dict[str, str]) -> None:
    """Else anybody could sign with the empty key."""
    with pytest.raises(BadCallback):
        Flutterwave(settings(secret_hash="")).references_in(headers, V3)


@given(document=JSON)
def test_no_webhook_breaks_the_reader(document: Any) -> None:
    body = json.dumps(document).encode()
    with suppress(BadCallback):
        assert Flutterwave(settings()).references_in(signed(body), body) == ()


async def test_no_key_and_no_customer_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with flutterwave(said(OPENED), hangs_up) as (gateway, _):
            await gateway.initialize(REQUEST)
            await gateway.verify(REFERENCE)
    assert [line["act"] for line in lines] == ["flutterwave.initialize", "flutterwave.verify"]
    told = repr(lines) + caplog.text + repr(settings())
    assert not any(secret in told for secret in (KEY, HASH, "8031234567", "customers.invalid", URL))


async def test_the_registry_builds_it() -> None:
    given = {"base_url": "http://127.0.0.1", "secret_key": KEY, "return_url": BACK}
    gateway = PAYMENT_GATEWAYS["flutterwave"](given)
    port: PaymentGateway = gateway
    assert port.name == "flutterwave"
    await gateway.aclose()


# A customer's own account.

WANTED = AccountRequest(
    "CAQ1", Msisdn("2348031234567"), "caq1@customers.invalid", "NGN", "Callbox 4567"
)
ACCOUNT = {
    "response_code": "02",
    "account_number": "7825397990",
    "bank_name": "WEMA BANK",
    "expiry_date": "N/A",
}


def opened(**more: object) -> dict[str, object]:
    return {"status": "success", "message": "created", "data": ACCOUNT | more}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(
            reply(opened()),
            BankAccount("CAQ1", "7825397990", "WEMA BANK", "Callbox 4567"),
            id="opened",
        ),
        pytest.param(reply(opened(response_code="03")), None, id="another word"),
        pytest.param(reply(opened(account_number="78253")), None, id="no account number"),
        pytest.param(reply(opened(account_number=None)), None, id="none at all"),
        pytest.param(reply(opened(bank_name="")), None, id="no bank"),
        pytest.param(reply(opened(), 500), None, id="opened, yet 500"),
        pytest.param(reply({"status": "error", "message": "Busy"}, 400), None, id="refused"),
        pytest.param(reply(b"<html>"), None, id="HTML"),
        pytest.param(NoReply("timeout"), None, id="no answer"),
    ],
)
def test_an_account_is_open_only_when_all_of_it_is_told(
    answer: Reply | NoReply, expected: BankAccount | None
) -> None:
    assert read_account(answer, WANTED) == expected


async def test_an_account_that_wants_a_bvn_says_so() -> None:
    told = {"status": "error", "message": "BVN is required for static account number"}
    async with flutterwave(said(told, 400)) as (gateway, server):
        with pytest.raises(IdentityNeeded):
            await gateway.reserve(WANTED)
    document = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert (document["tx_ref"], document["is_permanent"]) == ("CAQ1", True)
    assert "bvn" not in document


async def test_all_transfers_into_an_account_carry_its_reference() -> None:
    day = dt.datetime(2026, 11, 20, 23, 0, tzinfo=dt.UTC)
    behaviour = said(listed(transaction(id=6), transaction(id=5)))
    async with flutterwave(behaviour) as (gateway, server):
        arrivals = await gateway.arrivals(REFERENCE, day)
    assert arrivals is not None
    assert [each.transaction_id for each in arrivals] == ["5", "6"]
    assert asked(server) == [LIST + b"1&from=2026-11-20"]


async def test_arrivals_that_were_not_told_are_not_none() -> None:
    async with flutterwave(said({}, 503)) as (gateway, _):
        assert await gateway.arrivals(REFERENCE, dt.datetime(2026, 11, 20, tzinfo=dt.UTC)) is None
