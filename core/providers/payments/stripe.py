"""Stripe Checkout: collects by card and wallet on a page of Stripe's, from customers abroad.

Sources: https://docs.stripe.com/api/checkout/sessions (create, list, retrieve),
https://docs.stripe.com/api/payment_intents/search, https://docs.stripe.com/webhooks (signatures),
https://docs.stripe.com/currencies (zero- and three-decimal currencies) and
https://docs.stripe.com/api/idempotent_requests, read November 2026.

- `Authorization: Bearer sk_...`, forms in, JSON out; `Stripe-Version` pins the shapes read here.
- Amounts are in Stripe's smallest unit, which for some currencies is not the one of ISO 4217.
- `POST /v1/checkout/sessions` with `Idempotency-Key`, our reference: the same request again answers
  the same session for at least a day, an answer of HTTP 500 too. A session lives a day at most.
- `client_reference_id` and the payment intent's `metadata` carry our reference, but no list filters
  by the former. A finished session is found in the list of the last day, which is never stale; an
  older one by a search of payment intents, which may be up to an hour behind. Then the session is
  retrieved, and it alone says what was paid.
- Webhooks carry `Stripe-Signature: t=...,v1=...`: hex HMAC-SHA256 of `t`, a dot and the raw body
  under the endpoint's secret, several `v1` while that rotates. Older than 300 s is a replay.
"""

import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.kit.clock import Clock, SystemClock
from core.kit.money import Money, decimals
from core.ports import BadCallback, Checkout, Payment, PaymentRequest, PaymentState, Verification
from core.providers.http import NoReply, Reply, client, send
from core.providers.payments.reading import (
    matches,
    plausible,
    read_currency,
    read_event,
    read_fee,
    read_references,
    read_url,
)
from core.providers.payments.statements.stripe import StripeStatements
from core.providers.values import BaseUrl, Credential, TimeoutS, header, member, whole, word

_VERSION = "2024-06-20"
_SIGNATURE = "stripe-signature"
_TOLERANCE_S = 300
_SESSION_LIFE = dt.timedelta(days=1, hours=1)
_PAGE = 100
_PAGES_MAX = 5  # past so many sessions of one day, the search has to do
_SESSION_EVENTS = {"checkout.session.completed", "checkout.session.async_payment_succeeded"}
_INTENT_EVENT = "payment_intent.succeeded"
_WHOLE_UNITS = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF",
    "XOF", "XPF",
})  # fmt: skip
_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_OPEN = Verification(PaymentState.OPEN)
_UNKNOWN = Verification(PaymentState.UNKNOWN)


class Settings(BaseSettings):
    """From `STRIPE_*`, or given. Without a webhook secret every webhook is refused.

    Attributes:
        webhook_secret: The endpoint's, `whsec_...`; several, separated by spaces, while it rotates.
        return_url: Where a payer goes after paying, since Stripe insists on a place; a request may
            name its own.
    """

    model_config = SettingsConfigDict(
        env_prefix="STRIPE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.stripe.com"
    secret_key: Credential = SecretStr("")
    webhook_secret: Credential = SecretStr("")
    return_url: BaseUrl
    timeout_s: TimeoutS = 20.0


class Stripe(StripeStatements):
    """Collects through Stripe Checkout. Keeps `core.ports.PaymentGateway`.

    It keeps no bank accounts for customers (`core.ports.VirtualAccounts`): Stripe opens none in
    Nigeria, and its bank transfers are a method of paying on Checkout's own page.
    """

    name = "stripe"

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._secrets = settings.webhook_secret.get_secret_value().split()
        self._return_url = settings.return_url
        self._timeout_s = settings.timeout_s
        self._clock = clock or SystemClock()
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={
                "authorization": f"Bearer {settings.secret_key.get_secret_value()}",
                "stripe-version": _VERSION,
            },
        )

    async def initialize(self, request: PaymentRequest) -> Checkout | None:
        """Open a checkout; asking again opens the same one.

        None also for an amount that Stripe has no units for. The payer's own address is asked for
        on the page: Stripe writes receipts, and nobody reads those of a made-up one.
        """
        units = to_units(request.amount)
        if units is None:
            return None
        price = "line_items[0][price_data]"
        form = {
            "mode": "payment",
            "client_reference_id": request.reference,
            "payment_intent_data[metadata][reference]": request.reference,
            "success_url": request.callback_url or self._return_url,
            "line_items[0][quantity]": "1",
            f"{price}[currency]": request.amount.currency.lower(),
            f"{price}[unit_amount]": str(units),
            f"{price}[product_data][name]": "Wallet funding",
        }
        http_request = self._http.build_request(
            "POST",
            "/v1/checkout/sessions",
            data=form,
            headers={"idempotency-key": request.reference},
        )
        answer = await send(
            self._http, http_request, act="stripe.initialize", within_s=self._timeout_s
        )
        return read_checkout(answer, request.reference)

    async def verify(self, reference: str) -> Verification:
        """What became of a reference.

        One that no finished session carries is OPEN, not DEAD: its payer may be on the page.
        """
        found = await self._find_recent(reference)
        if found == _OPEN:
            found = await self._find_older(reference)
        if not isinstance(found, str):
            return found
        query = {"expand[]": "payment_intent.latest_charge.balance_transaction"}
        answer = await self._get(f"/v1/checkout/sessions/{found}", "verify", query)
        return read_verification(answer, reference)

    async def _find_recent(self, reference: str) -> str | Verification:
        """The finished session of the reference, where one was opened within a session's life."""
        since = int((self._clock.now() - _SESSION_LIFE).timestamp())
        query = {"limit": str(_PAGE), "status": "complete", "created[gte]": str(since)}
        for _ in range(_PAGES_MAX):
            answer = await self._get("/v1/checkout/sessions", "list", query)
            found = read_session_id(answer, reference)
            last = read_last_id(answer)
            if found != _OPEN or last is None:
                return found
            query["starting_after"] = last
        return _OPEN

    async def _find_older(self, reference: str) -> str | Verification:
        """By the payment intent, whose search needs no list of everything since."""
        query = {"query": f"metadata['reference']:'{_quoted(reference)}'"}
        answer = await self._get("/v1/payment_intents/search", "search", query)
        intent = read_intent_id(answer, reference)
        if not isinstance(intent, str):
            return intent
        answer = await self._get("/v1/checkout/sessions", "list", {"payment_intent": intent})
        return read_session_id(answer, reference)

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        if not self._secrets:
            raise BadCallback("Stripe: no webhook secret is set, so nothing can be checked")
        self._check(header(headers, _SIGNATURE) or "", body)
        event = read_event(body, "Stripe")
        thing = member(event, "data", "object")
        if event.get("type") in _SESSION_EVENTS:
            reference = member(thing, "client_reference_id")
        elif event.get("type") == _INTENT_EVENT:
            reference = member(thing, "metadata", "reference")
        else:
            return ()
        # None: a payment that the account collected for something else than Callbox.
        return () if reference is None else read_references(reference, "Stripe")

    def _check(self, signature: str, body: bytes) -> None:
        """Raises `BadCallback` unless Stripe signed the body, and did so just now."""
        parts = [part.strip().partition("=") for part in signature.split(",")]
        signed_at = next((value for name, _, value in parts if name == "t"), "")
        given = [value for name, _, value in parts if name == "v1"]
        signed = signed_at.encode() + b"." + body
        expected = [
            hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
            for secret in self._secrets
        ]
        if not matches(given, expected):
            raise BadCallback("Stripe: wrong signature")
        at_s = whole(signed_at)
        if at_s is None or abs(self._clock.now().timestamp() - at_s) > _TOLERANCE_S:
            raise BadCallback("Stripe: signed too long ago")

    @staticmethod
    def _money(units: object, currency: object) -> Money | None:
        return _amount(units, currency)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _get(self, path: str, act: str, query: Mapping[str, str]) -> Reply | NoReply:
        request = self._http.build_request("GET", path, params=query)
        return await send(self._http, request, act=f"stripe.{act}", within_s=self._timeout_s)


def to_units(amount: Money) -> int | None:
    """The amount in Stripe's smallest unit; None where it is finer than that."""
    units, rest = divmod(
        amount.minor * 10 ** _places(amount.currency), 10 ** decimals(amount.currency)
    )
    return None if rest else units


def from_units(units: int, currency: str) -> Money | None:
    """What so many of Stripe's smallest units are; None where that is finer than the minor unit."""
    minor, rest = divmod(units * 10 ** decimals(currency), 10 ** _places(currency))
    return None if rest else Money(minor, currency)


def _places(currency: str) -> int:
    """How many digits of the major unit Stripe counts: two even for UGX and ISK."""
    if currency in _WHOLE_UNITS:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def read_checkout(answer: Reply | NoReply, reference: str) -> Checkout | None:
    """The checkout that an answer to a session's creation opens for `reference`, or None. Pure."""
    session = _object(answer, "checkout.session")
    if member(session, "client_reference_id") != reference or member(session, "status") != "open":
        return None
    return read_url(member(session, "url"))


def read_session_id(answer: Reply | NoReply, reference: str) -> str | Verification:
    """The session of `reference` in a list of finished ones; OPEN where there is none. Pure."""
    listed = _listed(answer, "list")
    if listed is None:
        return _UNKNOWN
    for session in listed:
        if member(session, "client_reference_id") == reference:
            return _id(session, "cs_") or _UNKNOWN
    return _OPEN


def read_last_id(answer: Reply | NoReply) -> str | None:
    """After which session a list goes on; None where it ends. Pure."""
    listed = _listed(answer, "list")
    goes_on = member(_object(answer, "list"), "has_more") is True
    return _id(listed[-1], "cs_") if listed and goes_on else None


def read_intent_id(answer: Reply | NoReply, reference: str) -> str | Verification:
    """The payment intent of `reference` that a search found; OPEN where there is none. Pure."""
    listed = _listed(answer, "search_result")
    if listed is None:
        return _UNKNOWN
    for intent in listed:  # letters match in either case there
        if member(intent, "metadata", "reference") == reference:
            return _id(intent, "pi_") or _UNKNOWN
    return _OPEN


def read_verification(answer: Reply | NoReply, reference: str) -> Verification:
    """What a session says of `reference`. Pure; all that is not promised is UNKNOWN."""
    session = _object(answer, "checkout.session")
    if member(session, "client_reference_id") != reference:
        return _UNKNOWN
    if member(session, "payment_status") == "unpaid":
        return _OPEN  # a slow method of paying is under way
    charge = member(session, "payment_intent", "latest_charge")
    if member(charge, "refunded") is True:
        return Verification(PaymentState.DEAD)
    payment = _payment(session, reference)
    if member(session, "payment_status") != "paid" or payment is None:
        return _UNKNOWN
    return Verification(PaymentState.PAID, (payment,))


def _payment(session: object, reference: str) -> Payment | None:
    intent = member(session, "payment_intent")
    transaction_id = _id(intent, "pi_")
    amount = _amount(member(session, "amount_total"), member(session, "currency"))
    if transaction_id is None or amount is None:
        return None
    charge = member(intent, "latest_charge")
    kept = member(charge, "balance_transaction")
    fee = _amount(member(kept, "fee"), member(kept, "currency"))
    return Payment(
        transaction_id=transaction_id,
        reference=reference,
        amount=amount,
        paid_at=_time(member(charge, "created")),
        fee=read_fee(fee, amount),
    )


def _amount(units: object, currency: object) -> Money | None:
    """An amount in Stripe's units of a currency in Stripe's small letters."""
    code = read_currency(currency.upper()) if isinstance(currency, str) else None
    if code is None or currency == code or not isinstance(units, int) or isinstance(units, bool):
        return None
    money = from_units(units, code)
    return plausible(money) if money else None


def _time(value: object) -> dt.datetime | None:
    seconds = whole(value)
    try:
        return dt.datetime.fromtimestamp(seconds, dt.UTC) if seconds else None
    except (ValueError, OverflowError, OSError):
        return None


def _object(answer: Reply | NoReply, kind: str) -> object:
    """The object of an answer where it is of that kind, else None."""
    if isinstance(answer, NoReply) or answer.status != HTTPStatus.OK:
        return None
    document = answer.json()
    return document if member(document, "object") == kind else None


def _listed(answer: Reply | NoReply, kind: str) -> Sequence[object] | None:
    listed = member(_object(answer, kind), "data")
    return listed if isinstance(listed, list) else None


def _id(thing: object, prefix: str) -> str | None:
    """An object's id, which goes into addresses: letters, digits and underscores only."""
    text = word(member(thing, "id"))
    if text is None or not text.startswith(prefix):
        return None
    return text if text.isascii() and text.replace("_", "").isalnum() else None


def _quoted(text: str) -> str:
    """For Stripe's search language, where a backslash escapes."""
    return text.replace("\\", "\\\\").replace("'", "\\'")
