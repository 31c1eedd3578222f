"""Stripe keeps the promise of a payment gateway: paid is only what verify strictly says."""

import datetime as dt
import hashlib
import hmac
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, unquote

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
    Checkout,
    Payment,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
    Verification,
)
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.payments.stripe import (
    Settings,
    Stripe,
    from_units,
    read_checkout,
    read_intent_id,
    read_last_id,
    read_session_id,
    read_verification,
    to_units,
)
from tests.fakes.documents import JSON
from tests.fakes.wire import Behaviour, Wire, hangs_up, resets, says, stays_silent, wire

REFERENCE = "CB7Q2M"
KEY = "sk_test_1"
SECRET = "whsec_1"
BACK = "https://callbox.test/paid"
NOW = dt.datetime(2026, 11, 21, 6, 0, tzinfo=dt.UTC)
REQUEST = PaymentRequest(
    reference=REFERENCE,
    amount=Money(15_50, "USD"),
    msisdn=Msisdn("2348031234567"),
    email="cb7q2m@customers.invalid",
)
UNKNOWN = Verification(PaymentState.UNKNOWN)
OPEN = Verification(PaymentState.OPEN)
URL = "https://checkout.stripe.com/c/pay/cs_test_a1"
PAID_S = int(dt.datetime(2026, 11, 21, 5, 30, 2, tzinfo=dt.UTC).timestamp())


def session(**more: object) -> dict[str, object]:
    """A session as it is created, in the words of the reference."""
    return {
        "id": "cs_test_a1",
        "object": "checkout.session",
        "amount_total": 15_50,
        "client_reference_id": REFERENCE,
        "currency": "usd",
        "payment_intent": None,
        "payment_status": "unpaid",
        "status": "open",
        "url": URL,
    } | more


def charge(**more: object) -> dict[str, object]:
    kept = {"object": "balance_transaction", "fee": 75, "currency": "usd"}
    return {"refunded": False, "created": PAID_S, "balance_transaction": kept} | more


def intent(**more: object) -> dict[str, object]:
    return {
        "id": "pi_3Q",
        "object": "payment_intent",
        "metadata": {"reference": REFERENCE},
        "latest_charge": charge(),
    } | more


def paid(**more: object) -> dict[str, object]:
    """The same session after it was paid, with what is asked to come with it."""
    finished = {"status": "complete", "payment_status": "paid", "payment_intent": intent()}
    return session(**finished) | more


def listed(*sessions: object, more: bool = False) -> dict[str, object]:
    return {"object": "list", "data": list(sessions), "has_more": more}


def searched(*intents: object) -> dict[str, object]:
    return {"object": "search_result", "data": list(intents), "has_more": False}


def reply(document: object, status: int = 200) -> Reply:
    return Reply(status, document if isinstance(document, bytes) else json.dumps(document).encode())


PAID = Payment(
    transaction_id="pi_3Q",
    reference=REFERENCE,
    amount=Money(15_50, "USD"),
    paid_at=dt.datetime(2026, 11, 21, 5, 30, 2, tzinfo=dt.UTC),
    fee=Money(75, "USD"),
)


def test_a_success_is_the_payment_it_tells() -> None:
    assert read_verification(reply(paid()), REFERENCE) == Verification(PaymentState.PAID, (PAID,))


@pytest.mark.parametrize(
    ("more", "state"),
    [
        pytest.param({"payment_status": "unpaid"}, PaymentState.OPEN, id="a slow way of paying"),
        pytest.param({"payment_status": "no_payment_required"}, PaymentState.UNKNOWN, id="free"),
        pytest.param({"payment_status": "Paid"}, PaymentState.UNKNOWN, id="in other letters"),
        pytest.param({"payment_status": None}, PaymentState.UNKNOWN, id="missing"),
        pytest.param({"payment_status": ["paid"]}, PaymentState.UNKNOWN, id="a list"),
        pytest.param(
            {"payment_intent": intent(latest_charge=charge(refunded=True))},
            PaymentState.DEAD,
            id="paid back",
        ),
    ],
)
def test_each_status_has_its_state(more: dict[str, object], state: PaymentState) -> None:
    assert read_verification(reply(paid(**more)), REFERENCE) == Verification(state)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"amount_total": 9_00}, {"amount": Money(9_00, "USD")}, id="paid less"),
        pytest.param({"currency": "eur"}, {"amount": Money(15_50, "EUR")}, id="other currency"),
        pytest.param({"currency": "jpy"}, {"amount": Money(1550, "JPY")}, id="no cents anywhere"),
        pytest.param(
            {"currency": "ugx", "amount_total": 500_00}, {"amount": Money(500, "UGX")}, id="UGX"
        ),
        pytest.param(
            {"payment_intent": intent(latest_charge="ch_1")},
            {"paid_at": None, "fee": None},
            id="not expanded",
        ),
        pytest.param(
            {"payment_intent": intent(latest_charge=charge(balance_transaction=None))},
            {"fee": None},
            id="fee told later",
        ),
        pytest.param({"currency": "gbp"}, {"fee": None}, id="fee in what is settled"),
        pytest.param(
            {"payment_intent": intent(latest_charge=charge(created=10**17))},
            {"paid_at": None},
            id="after all time",
        ),
    ],
)
def test_what_was_paid_is_told_as_it_is(
    more: dict[str, object], expected: dict[str, object]
) -> None:
    """The amount that arrived, whatever was asked for; extras only where they can be read."""
    [payment] = read_verification(reply(paid(**more)), REFERENCE).payments
    assert {name: getattr(payment, name) for name in expected} == expected


@pytest.mark.parametrize(
    "more",
    [
        {"amount_total": "1550"}, {"amount_total": 1550.0}, {"amount_total": 0},
        {"amount_total": -1550}, {"amount_total": True}, {"amount_total": None},
        {"amount_total": 10**18}, {"amount_total": 50_050, "currency": "ugx"},
        {"currency": "USD"}, {"currency": None}, {"currency": "dollar"}, {"currency": 840},
        {"payment_intent": None}, {"payment_intent": "pi_3Q"}, {"payment_intent": intent(id=None)},
        {"payment_intent": intent(id="ch_1")}, {"payment_intent": intent(id=7)},
        {"client_reference_id": "CBOTHER"}, {"client_reference_id": None},
        {"object": "payment_intent"},
    ],
    ids=str,
)  # fmt: skip
def test_a_success_that_is_not_strictly_told_is_unknown(more: dict[str, object]) -> None:
    """How much, whose, which one: in doubt nothing is credited, and it is asked again."""
    assert read_verification(reply(paid(**more)), REFERENCE) == UNKNOWN


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply({"error": {"code": "resource_missing"}}, 404), id="no such session"),
        pytest.param(reply({"error": {"type": "invalid_request_error"}}, 401), id="our key"),
        pytest.param(reply(b"<html>404</html>", 404), id="a wrong address"),
        pytest.param(reply(paid(), 503), id="paid, yet 503"),
        pytest.param(reply(json.dumps(paid()).encode()[:-1]), id="truncated"),
        pytest.param(reply(None), id="null"),
        pytest.param(reply({"error": {"message": "x"}}), id="an error, yet 200"),
        pytest.param(Reply(200, None), id="more than a mebibyte"),
        pytest.param(NoReply("timeout"), id="no answer"),
        pytest.param(NoReply("not_sent", never_sent=True), id="never asked"),
    ],
)
def test_what_cannot_be_read_closes_no_intent(answer: Reply | NoReply) -> None:
    assert read_verification(answer, REFERENCE) == UNKNOWN
    assert read_session_id(answer, REFERENCE) == UNKNOWN
    assert read_intent_id(answer, REFERENCE) == UNKNOWN
    assert read_last_id(answer) is None
    assert read_checkout(answer, REFERENCE) is None


OTHER = session(id="cs_test_b2", client_reference_id="CBOTHER")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(listed(OTHER, paid()), "cs_test_a1", id="among others"),
        pytest.param(listed(OTHER, None, 7), OPEN, id="only others"),
        pytest.param(listed(), OPEN, id="none"),
        pytest.param(listed(paid(id="cs_1/../x")), UNKNOWN, id="an id that is a path"),
        pytest.param(listed(paid(id=None)), UNKNOWN, id="without an id"),
        pytest.param(listed() | {"data": None}, UNKNOWN, id="no list"),
        pytest.param(searched(paid()), UNKNOWN, id="of another kind"),
    ],
)
def test_the_session_is_found_by_our_reference(
    document: object, expected: str | Verification
) -> None:
    assert read_session_id(reply(document), REFERENCE) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(searched(intent()), "pi_3Q", id="found"),
        pytest.param(searched(intent(metadata={"reference": "cb7q2m"})), OPEN, id="other letters"),
        pytest.param(searched(intent(metadata={})), OPEN, id="another's"),
        pytest.param(searched(), OPEN, id="none"),
        pytest.param(searched(intent(id="cs_1")), UNKNOWN, id="no id"),
        pytest.param(listed(intent()), UNKNOWN, id="of another kind"),
    ],
)
def test_the_payment_intent_is_found_by_our_reference(
    document: object, expected: str | Verification
) -> None:
    assert read_intent_id(reply(document), REFERENCE) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(listed(paid(), OTHER, more=True), "cs_test_b2", id="goes on"),
        pytest.param(listed(paid(), OTHER), None, id="ends"),
        pytest.param(listed(more=True), None, id="goes on after nothing"),
    ],
)
def test_a_list_goes_on_after_its_last(document: object, expected: str | None) -> None:
    assert read_last_id(reply(document)) == expected


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(session(), Checkout(URL), id="opened"),
        pytest.param(session(client_reference_id="CBOTHER"), None, id="of another reference"),
        pytest.param(session(url=None), None, id="no address"),
        pytest.param(session(url="javascript:pay()"), None, id="no web address"),
        pytest.param(session(status="expired"), None, id="over already"),
        pytest.param(paid(), None, id="paid already"),
    ],
)
def test_a_checkout_is_open_only_when_it_says_so(
    document: object, expected: Checkout | None
) -> None:
    assert read_checkout(reply(document), REFERENCE) == expected


@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(15_50, "USD"), 15_50),
        (Money(1500_00, "NGN"), 1500_00),
        (Money(500, "JPY"), 500),
        (Money(500, "XOF"), 500),
        (Money(500, "UGX"), 500_00),
        (Money(500, "ISK"), 500_00),
        (Money(1_230, "KWD"), 1_230),
        (Money(1_230, "LYD"), 123),
    ],
    ids=str,
)
def test_units_are_those_of_stripe(amount: Money, units: int) -> None:
    assert to_units(amount) == units
    assert from_units(units, amount.currency) == amount


def test_what_is_finer_than_a_unit_is_none() -> None:
    assert to_units(Money(1_235, "LYD")) is None
    assert from_units(501_50, "UGX") is None


@given(
    minor=st.integers(1, 10**12),
    currency=st.sampled_from(["USD", "NGN", "JPY", "UGX", "KWD", "XAF"]),
)
def test_units_there_and_back_are_the_same_money(minor: int, currency: str) -> None:
    units = to_units(Money(minor, currency))
    assert units is not None
    assert from_units(units, currency) == Money(minor, currency)


SESSION = st.fixed_dictionaries(
    {"object": st.just("checkout.session") | JSON},
    optional={
        "id": st.just("cs_1") | JSON,
        "client_reference_id": st.just(REFERENCE) | JSON,
        "payment_status": st.sampled_from(["paid", "unpaid"]) | JSON,
        "amount_total": st.integers(1, 10**6) | JSON,
        "currency": st.just("usd") | JSON,
        "payment_intent": st.just(intent()) | JSON,
    },
)


@given(document=SESSION | JSON, status=st.sampled_from([200, 200, 201, 401, 404, 500]))
def test_nothing_is_paid_unless_all_of_it_is_told(document: Any, status: int) -> None:
    """Never raises; PAID carries the very amount, currency and reference of the answer."""
    read_checkout(reply(document, status), REFERENCE)
    for wrapped in (listed(document, more=True), searched(document)):
        read_session_id(reply(wrapped, status), REFERENCE)
        read_intent_id(reply(wrapped, status), REFERENCE)
        read_last_id(reply(wrapped, status))
    verification = read_verification(reply(document, status), REFERENCE)
    if verification.state is PaymentState.PAID:
        [payment] = verification.payments
        assert payment is not None
        assert (status, document["payment_status"]) == (200, "paid")
        assert payment.amount == Money(document["amount_total"], document["currency"].upper())
        assert payment.reference == document["client_reference_id"] == REFERENCE
    else:
        assert verification.payments == ()


def settings(base_url: str = "http://127.0.0.1", secret: str = SECRET) -> Settings:
    return Settings.model_construct(
        base_url=base_url,
        secret_key=SecretStr(KEY),
        webhook_secret=SecretStr(secret),
        return_url=BACK,
        timeout_s=1.5,
    )


@asynccontextmanager
async def stripe(*behaviours: Behaviour) -> AsyncIterator[tuple[Stripe, Wire]]:
    async with wire(*behaviours) as server:
        gateway = Stripe(settings(server.base_url), SetClock(NOW))
        try:
            yield gateway, server
        finally:
            await gateway.aclose()


def said(document: object, status: int = 200) -> Behaviour:
    return says(json.dumps(document), status)


def asked(server: Wire) -> list[str]:
    """Paths and queries, with what is in them readable."""
    return [unquote(request.split(b" ")[1].decode()) for request in server.requests]


async def test_initialize_on_the_wire() -> None:
    """Stripe knows the request by its key: sent again it opens the same page."""
    async with stripe(said(session())) as (gateway, server):
        assert await gateway.initialize(REQUEST) == Checkout(URL)
        assert await gateway.initialize(REQUEST) == Checkout(URL)
    first, again = server.requests
    assert first == again
    head, _, body = first.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1/checkout/sessions HTTP/1.1")
    lines = head.lower().split(b"\r\n")
    assert b"authorization: bearer sk_test_1" in lines
    assert b"idempotency-key: cb7q2m" in lines
    assert b"stripe-version: 2024-06-20" in lines
    assert dict(parse_qsl(body.decode())) == {
        "mode": "payment",
        "client_reference_id": REFERENCE,
        "payment_intent_data[metadata][reference]": REFERENCE,
        "success_url": BACK,
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "1550",
        "line_items[0][price_data][product_data][name]": "Wallet funding",
    }


async def test_an_amount_without_units_is_not_asked_for() -> None:
    async with stripe(said(session())) as (gateway, server):
        request = PaymentRequest("CB1", Money(1_235, "LYD"), REQUEST.msisdn, REQUEST.email)
        assert await gateway.initialize(request) is None
    assert server.requests == []


SINCE = int(NOW.timestamp()) - 25 * 3600
LIST = f"/v1/checkout/sessions?limit=100&status=complete&created[gte]={SINCE}"
SEARCH = "/v1/payment_intents/search?query=metadata['reference']:'CB7Q2M'"
RETRIEVE = (
    "/v1/checkout/sessions/cs_test_a1?expand[]=payment_intent.latest_charge.balance_transaction"
)


async def test_a_payment_of_today_is_found_in_the_list() -> None:
    async with stripe(said(listed(OTHER, paid())), said(paid())) as (gateway, server):
        assert await gateway.verify(REFERENCE) == Verification(PaymentState.PAID, (PAID,))
    assert asked(server) == [LIST, RETRIEVE]


async def test_a_long_list_is_read_on() -> None:
    behaviours = said(listed(OTHER, more=True)), said(listed(paid())), said(paid())
    async with stripe(*behaviours) as (gateway, server):
        assert await gateway.verify(REFERENCE) == Verification(PaymentState.PAID, (PAID,))
    assert asked(server) == [LIST, f"{LIST}&starting_after=cs_test_b2", RETRIEVE]


async def test_an_older_payment_is_searched_for() -> None:
    behaviours = said(listed()), said(searched(intent())), said(listed(paid())), said(paid())
    async with stripe(*behaviours) as (gateway, server):
        assert await gateway.verify(REFERENCE) == Verification(PaymentState.PAID, (PAID,))
    assert asked(server) == [
        LIST,
        SEARCH,
        "/v1/checkout/sessions?payment_intent=pi_3Q",
        RETRIEVE,
    ]


async def test_a_list_without_end_is_left_for_the_search() -> None:
    endless = [said(listed(OTHER, more=True))] * 5
    async with stripe(*endless, said(searched())) as (gateway, server):
        assert await gateway.verify(REFERENCE) == OPEN
    assert asked(server)[-1] == SEARCH


async def test_no_reference_ends_the_search_s_quotes() -> None:
    async with stripe(said(listed()), said(searched())) as (gateway, server):
        await gateway.verify("x' OR status:'succeeded")
    assert (
        asked(server)[1]
        .replace("+", " ")
        .endswith(r"metadata['reference']:'x\' OR status:\'succeeded'")
    )


@pytest.mark.parametrize(
    ("behaviours", "expected"),
    [
        pytest.param([said(listed()), said(searched())], OPEN, id="no finished session"),
        pytest.param([hangs_up], UNKNOWN, id="no list"),
        pytest.param([said(listed(OTHER, more=True)), hangs_up], UNKNOWN, id="half a list"),
        pytest.param([said(listed()), said({}, 400)], UNKNOWN, id="no search"),
        pytest.param(
            [said(listed()), said(searched(intent())), hangs_up], UNKNOWN, id="found, no session"
        ),
        pytest.param([said(listed(paid())), hangs_up], UNKNOWN, id="found, then not told"),
    ],
)
async def test_a_reference_stays_open_until_a_success_is_told(
    behaviours: list[Behaviour], expected: Verification
) -> None:
    async with stripe(*behaviours) as (gateway, server):
        assert await gateway.verify(REFERENCE) == expected
    assert len(server.requests) == len(behaviours)


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
    async with stripe(behaviour) as (gateway, server):
        assert await gateway.initialize(REQUEST) is None
        assert await gateway.verify(REFERENCE) == UNKNOWN
        assert len(server.requests) == 2


def v1(body: bytes, secret: str = SECRET, at: dt.datetime = NOW) -> str:
    signed_text = f"{int(at.timestamp())}.".encode() + body
    return hmac.new(secret.encode(), signed_text, hashlib.sha256).hexdigest()


def signed(body: bytes, secret: str = SECRET, *, age_s: int = 0, more: str = "") -> dict[str, str]:
    at = NOW - dt.timedelta(seconds=age_s)
    value = f"t={int(at.timestamp())},{more}v1={v1(body, secret, at)},v0=6ffb"
    return {"stripe-signature": value}


def event(kind: str, thing: object) -> bytes:
    return json.dumps({"id": "evt_1", "type": kind, "data": {"object": thing}}).encode()


COMPLETED = event("checkout.session.completed", session())


def gateway_at_six(secret: str = SECRET) -> Stripe:
    return Stripe(settings(secret=secret), SetClock(NOW))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(COMPLETED, id="completed"),
        pytest.param(event("checkout.session.async_payment_succeeded", session()), id="later"),
        pytest.param(event("payment_intent.succeeded", intent()), id="the payment intent"),
    ],
)
async def test_a_signed_webhook_names_its_reference(body: bytes) -> None:
    assert gateway_at_six().references_in(signed(body), body) == (REFERENCE,)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        pytest.param(signed(COMPLETED, age_s=300), SECRET, id="300 s ago"),
        pytest.param(signed(COMPLETED, age_s=-300), SECRET, id="by a clock 300 s ahead"),
        pytest.param(signed(COMPLETED, more="v1=00,v1=xyz,"), SECRET, id="one of three fits"),
        pytest.param(signed(COMPLETED), f"whsec_old {SECRET}", id="one of two secrets fits"),
        pytest.param(
            {"Stripe-Signature": signed(COMPLETED)["stripe-signature"].replace(",", ", ")},
            SECRET,
            id="in capitals, with space",
        ),
    ],
)
async def test_a_signature_holds_for_300_s_and_while_secrets_rotate(
    headers: dict[str, str], secret: str
) -> None:
    assert gateway_at_six(secret).references_in(headers, COMPLETED) == (REFERENCE,)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(event("checkout.session.expired", session()), id="another event"),
        pytest.param(
            event("checkout.session.completed", session(client_reference_id=None)),
            id="another shop's session",
        ),
        pytest.param(event("payment_intent.succeeded", intent(metadata={})), id="another payment"),
        pytest.param(
            event("checkout.session.completed", session(client_reference_id="order 7")),
            id="a reference in other letters",
        ),
        pytest.param(b"{}", id="no event"),
    ],
)
async def test_another_event_names_nothing(body: bytes) -> None:
    assert gateway_at_six().references_in(signed(body), body) == ()


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({}, COMPLETED, id="unsigned"),
        pytest.param({"stripe-signature": ""}, COMPLETED, id="empty signature"),
        pytest.param({"stripe-signature": f"v1={v1(COMPLETED)}"}, COMPLETED, id="no time"),
        pytest.param(
            {"stripe-signature": f"t=\u0661,v1={v1(COMPLETED)}"}, COMPLETED, id="no ASCII time"
        ),
        pytest.param(
            {"stripe-signature": f"t={int(NOW.timestamp()) + 1},v1={v1(COMPLETED)}"},
            COMPLETED,
            id="time altered",
        ),
        pytest.param(
            {"stripe-signature": f"t={int(NOW.timestamp())},v0={v1(COMPLETED)}"},
            COMPLETED,
            id="by the test scheme",
        ),
        pytest.param(signed(COMPLETED, age_s=301), COMPLETED, id="a replay"),
        pytest.param(signed(COMPLETED, age_s=-301), COMPLETED, id="from the future"),
        pytest.param(signed(COMPLETED, "whsec_2"), COMPLETED, id="another secret"),
        pytest.param(signed(COMPLETED, ""), COMPLETED, id="the empty secret"),
        pytest.param(signed(COMPLETED), COMPLETED.replace(b"CB7", b"CB8"), id="body altered"),
        pytest.param(
            signed(COMPLETED),
            json.dumps(json.loads(COMPLETED), indent=1).encode(),
            id="same JSON, other bytes",
        ),
        pytest.param(signed(b"<html>"), b"<html>", id="signed, but no JSON"),
        pytest.param(signed(b"[]"), b"[]", id="signed, but a list"),
    ],
)
async def test_a_webhook_that_is_not_provably_theirs_is_turned_away(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(BadCallback):
        gateway_at_six().references_in(headers, body)


async def test_a_reference_that_is_no_text_is_turned_away() -> None:
    body = event("checkout.session.completed", session(client_reference_id=7))
    with pytest.raises(BadCallback):
        gateway_at_six().references_in(signed(body), body)


@pytest.mark.parametrize("secret", ["", "  "])
async def test_without_a_webhook_secret_every_webhook_is_turned_away(secret: str) -> None:
    """Else anybody could sign with the empty secret."""
    with pytest.raises(BadCallback):
        gateway_at_six(secret).references_in(signed(COMPLETED, ""), COMPLETED)


@given(document=JSON, kind=st.sampled_from(["checkout.session.completed", "x"]))
def test_no_webhook_breaks_the_reader(document: Any, kind: str) -> None:
    for body in (json.dumps(document).encode(), event(kind, document)):
        with suppress(BadCallback):
            assert gateway_at_six().references_in(signed(body), body) == ()


async def test_no_key_and_no_customer_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with stripe(said(session()), said(listed()), hangs_up) as (gateway, _):
            await gateway.initialize(REQUEST)
            await gateway.verify(REFERENCE)
    acts = ["stripe.initialize", "stripe.list", "stripe.search"]
    assert [line["act"] for line in lines] == acts
    written = repr(lines) + caplog.text + repr(settings())
    secrets = (KEY, SECRET, "8031234567", "customers.invalid", URL)
    assert not any(secret in written for secret in secrets)


async def test_the_registry_builds_it() -> None:
    given = {"base_url": "http://127.0.0.1", "secret_key": KEY, "return_url": BACK}
    gateway = PAYMENT_GATEWAYS["stripe"](given)
    port: PaymentGateway = gateway
    assert port.name == "stripe"
    await gateway.aclose()
