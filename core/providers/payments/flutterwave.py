"""Flutterwave: collects customers' money by card, transfer or USSD on a page of its own.

Sources: https://developer.flutterwave.com/docs/transaction-verification,
https://developer.flutterwave.com/v3.0/docs/webhooks, the reference of v3 (payments, verify by
reference, get multiple transactions) and Flutterwave's Node client, read November 2026. The words
for an unknown reference and v4's encoding of the signature are known from public clients; neither
moves money.

- v3: `Authorization: Bearer FLWSECK-...`; amounts are in major units both ways.
- `POST /payments {tx_ref, amount, currency, redirect_url, customer}` answers `data.link`. A
  `tx_ref` is taken any number of times, and each try of a payer is a transaction of its own `id`.
- `GET /transactions/verify_by_reference?tx_ref=` tells one of them, not promised to be the one that
  went through: while it tells of none that did, `GET /transactions?tx_ref=&status=successful` is
  asked as well, and what is found there is verified by its id. A link that nobody tried to pay has
  no transaction.
- `charged_amount` is what the payer paid. Where it is `amount`, `app_fee` was kept from us;
  otherwise the payer bore it.
- Webhooks of v4 carry `flutterwave-signature`, the HMAC-SHA256 of the raw body under the secret
  hash of the dashboard, in base64 (hex is seen as well). Webhooks of v3 carry the secret hash
  itself as `verif-hash`, which proves who speaks but not what is said, a payment's `status`
  included: whatever it is, the reference is verified.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.kit.money import Money, to_major
from core.ports import BadCallback, Checkout, Payment, PaymentRequest, PaymentState, Verification
from core.providers.http import NoReply, Reply, client, send
from core.providers.payments.reading import (
    matches,
    read_currency,
    read_event,
    read_fee,
    read_major,
    read_moment,
    read_references,
    read_url,
)
from core.providers.values import (
    BaseUrl,
    Credential,
    TimeoutS,
    header,
    major,
    member,
    whole,
    word,
)

_SIGNATURE = "flutterwave-signature"
_HASH = "verif-hash"
_STATES: Mapping[str, PaymentState] = MappingProxyType(
    {
        "successful": PaymentState.PAID,
        "pending": PaymentState.OPEN,
        "failed": PaymentState.OPEN,  # this try; the link takes another under the same reference
    }
)
_OPEN = Verification(PaymentState.OPEN)
_UNKNOWN = Verification(PaymentState.UNKNOWN)


class Settings(BaseSettings):
    """From `FLUTTERWAVE_*`, or given. Without a secret hash every webhook is refused.

    Attributes:
        secret_hash: What was typed into the dashboard beside the webhook's address.
        return_url: Where a payer goes after paying, since Flutterwave insists on a place; a request
            may name its own.
    """

    model_config = SettingsConfigDict(
        env_prefix="FLUTTERWAVE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.flutterwave.com/v3"
    secret_key: Credential = SecretStr("")
    secret_hash: Credential = SecretStr("")
    return_url: BaseUrl
    timeout_s: TimeoutS = 20.0


class Flutterwave:
    """Collects through Flutterwave. Keeps `core.ports.PaymentGateway`."""

    name = "flutterwave"

    def __init__(self, settings: Settings) -> None:
        self._hash = settings.secret_hash.get_secret_value()
        self._return_url = settings.return_url
        self._timeout_s = settings.timeout_s
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={"authorization": f"Bearer {settings.secret_key.get_secret_value()}"},
        )

    async def initialize(self, request: PaymentRequest) -> Checkout | None:
        """Open a checkout. Asking again opens another page under the same reference."""
        document = {
            "tx_ref": request.reference,
            "amount": to_major(request.amount),
            "currency": request.amount.currency,
            "redirect_url": request.callback_url or self._return_url,
            "customer": {"email": request.email, "phonenumber": request.msisdn},
        }
        return read_checkout(await self._ask("POST", "/payments", "initialize", document=document))

    async def verify(self, reference: str) -> Verification:
        """What became of a reference: paid as soon as any of its transactions is.

        One that Flutterwave does not know is OPEN, not DEAD: nobody has tried to pay it yet.
        """
        query = {"tx_ref": reference}
        told = await self._ask("GET", "/transactions/verify_by_reference", "verify", query=query)
        verification = read_verification(told, reference)
        if verification.state is not PaymentState.OPEN or says_not_found(told):
            return verification
        return await self._verify_others(reference)

    async def _verify_others(self, reference: str) -> Verification:
        query = {"tx_ref": reference, "status": "successful"}
        listed = await self._ask("GET", "/transactions", "list", query=query)
        found = read_successful(listed, reference)
        if not isinstance(found, int):
            return found
        path = f"/transactions/{found}/verify"
        return read_verification(await self._ask("GET", path, "verify_one"), reference)

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        if not self._hash:
            raise BadCallback("Flutterwave: no secret hash is set, so nothing can be checked")
        if not self._is_signed(headers, body):
            raise BadCallback("Flutterwave: wrong signature")
        event = read_event(body, "Flutterwave")
        if "charge.completed" not in (event.get("event"), event.get("type")):
            return ()
        reference = member(event, "data", "tx_ref") or member(event, "data", "reference")
        return read_references(reference, "Flutterwave")

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """By the modern header, or, only where there is none, by the old one."""
        signature = header(headers, _SIGNATURE)
        if signature is None:
            return matches([(header(headers, _HASH) or "").strip()], [self._hash])
        digest = hmac.new(self._hash.encode(), body, hashlib.sha256).digest()
        given = signature.strip()
        in_base64 = matches([given], [base64.b64encode(digest).decode()])
        return matches([given.lower()], [digest.hex()]) or in_base64

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        act: str,
        *,
        query: Mapping[str, str] | None = None,
        document: Mapping[str, object] | None = None,
    ) -> Reply | NoReply:
        request = self._http.build_request(method, path, params=query, json=document)
        return await send(self._http, request, act=f"flutterwave.{act}", within_s=self._timeout_s)


def read_checkout(answer: Reply | NoReply) -> Checkout | None:
    """The checkout that an answer to a payment's creation opens, or None. Pure."""
    document = _said(answer)
    return read_url(member(document, "data", "link"))


def read_verification(answer: Reply | NoReply, reference: str) -> Verification:
    """What an answer to verify says of `reference`. Pure; all that is not promised is UNKNOWN."""
    if says_not_found(answer):
        return _OPEN
    data = member(_said(answer), "data")
    if member(data, "tx_ref") != reference:
        return _UNKNOWN
    state = _STATES.get(word(member(data, "status")) or "", PaymentState.UNKNOWN)
    if state is not PaymentState.PAID:
        return Verification(state)
    payment = _payment(data, reference)
    return Verification(state, payment) if payment else _UNKNOWN


def read_successful(answer: Reply | NoReply, reference: str) -> int | Verification:
    """The id of the earliest transaction of `reference` that went through. Pure.

    Where none is listed the reference is still OPEN; where nothing can be read it is UNKNOWN.
    """
    listed = member(_said(answer), "data")
    if not isinstance(listed, list):
        return _UNKNOWN
    ids = [
        whole(member(each, "id"))
        for each in listed
        if member(each, "tx_ref") == reference and member(each, "status") == "successful"
    ]
    if not all(ids):
        return _UNKNOWN
    return min((each for each in ids if each), default=_OPEN)


def says_not_found(answer: Reply | NoReply) -> bool:
    """400 or 404, and a body of Flutterwave's own that says so: a wrong address says 404 too."""
    if isinstance(answer, NoReply):
        return False
    if answer.status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
        return False
    document = answer.json()
    told = (word(member(document, "message")) or "").lower()
    return member(document, "status") == "error" and "no transaction was found" in told


def _said(answer: Reply | NoReply) -> object:
    """The document of an answer that says it is a success, else None."""
    if isinstance(answer, NoReply) or answer.status != HTTPStatus.OK:
        return None
    document = answer.json()
    return document if member(document, "status") == "success" else None


def _payment(data: object, reference: str) -> Payment | None:
    transaction_id = whole(member(data, "id"))
    currency = read_currency(member(data, "currency"))
    amount = read_major(member(data, "amount"), currency) if currency else None
    if not transaction_id or amount is None:
        return None
    return Payment(
        transaction_id=str(transaction_id),
        reference=reference,
        amount=amount,
        paid_at=read_moment(member(data, "created_at")),
        fee=_fee(data, amount),
    )


def _fee(data: object, amount: Money) -> Money | None:
    """What was kept from us; a fee that the payer bore came on top of `amount`."""
    if major(member(data, "charged_amount"), amount.currency) != amount:
        return None
    return read_fee(major(member(data, "app_fee"), amount.currency), amount)
