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
  went through, nor the only one: `GET /transactions?tx_ref=&status=successful` lists the others, in
  pages (`meta.page_info.total_pages`), each as verification tells it. A link that nobody tried to
  pay has no transaction.
- `POST /virtual-account-numbers {email, tx_ref, is_permanent, bvn, ...}` opens a bank account.
  Every transfer into it is a transaction of that same `tx_ref`. A permanent one wants a `bvn`: the
  customer's, or else the merchant's own (`FLUTTERWAVE_BVN`).
- `charged_amount` is what the payer paid. Where it is `amount`, `app_fee` was kept from us;
  otherwise the payer bore it.
- Webhooks of v4 carry `flutterwave-signature`, the HMAC-SHA256 of the raw body under the secret
  hash of the dashboard, in base64 (hex is seen as well). Webhooks of v3 carry the secret hash
  itself as `verif-hash`, which proves who speaks but not what is said, a payment's `status`
  included: whatever it is, the reference is verified.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.kit.money import Money, to_major
from core.ports import (
    AccountRequest,
    BadCallback,
    BankAccount,
    Checkout,
    IdentityNeeded,
    Payment,
    PaymentRequest,
    PaymentState,
    Verification,
)
from core.providers.http import NoReply, Reply, client, send
from core.providers.payments.reading import (
    matches,
    read_bank_account,
    read_currency,
    read_event,
    read_fee,
    read_major,
    read_moment,
    read_references,
    read_url,
    wants_identity,
)
from core.providers.payments.statements.flutterwave import FlutterwaveStatements
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
_PAGES_MAX = 20
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
        bvn: The merchant's bank verification number, for accounts of customers whose own is not
            known.
    """

    model_config = SettingsConfigDict(
        env_prefix="FLUTTERWAVE_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.flutterwave.com/v3"
    secret_key: Credential = SecretStr("")
    secret_hash: Credential = SecretStr("")
    return_url: BaseUrl
    bvn: Credential = SecretStr("")
    timeout_s: TimeoutS = 20.0


class Flutterwave(FlutterwaveStatements):
    """Collects through Flutterwave. Keeps `core.ports.PaymentGateway` and `VirtualAccounts`."""

    name = "flutterwave"

    def __init__(self, settings: Settings) -> None:
        self._hash = settings.secret_hash.get_secret_value()
        self._return_url = settings.return_url
        self._bvn = settings.bvn.get_secret_value()
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
        """What became of a reference: every transaction of it that went through.

        One that Flutterwave does not know is OPEN, not DEAD: nobody has tried to pay it yet.
        """
        query = {"tx_ref": reference}
        told = await self._ask("GET", "/transactions/verify_by_reference", "verify", query=query)
        verification = read_verification(told, reference)
        if verification.state is PaymentState.UNKNOWN or says_not_found(told):
            return verification
        listed = await self._list(reference, {})
        if listed is None:
            return Verification(PaymentState.UNKNOWN, verification.payments)
        payments = {each.transaction_id: each for each in (*listed, *verification.payments)}
        if not payments:
            return verification
        return Verification(PaymentState.PAID, tuple(payments.values()))

    async def reserve(self, request: AccountRequest) -> BankAccount | None:
        """Open a permanent account. Asking again under the same reference is safe.

        Where Flutterwave opens another one then, its transfers carry the same reference.
        """
        document: dict[str, object] = {
            "email": request.email,
            "tx_ref": request.reference,
            "is_permanent": True,
            "currency": request.currency,
            "phonenumber": request.msisdn,
            "firstname": request.holder,
            "lastname": request.holder,
            "narration": request.holder,
        }
        if bvn := request.bvn or self._bvn:
            document["bvn"] = bvn
        path = "/virtual-account-numbers"
        return read_account(await self._ask("POST", path, "reserve", document=document), request)

    async def arrivals(self, account: str, since: dt.datetime) -> tuple[Payment, ...] | None:
        """Every transfer into the account, whose `tx_ref` is the account's for ever."""
        return await self._list(account, {"from": since.date().isoformat()})

    async def _list(self, reference: str, only: Mapping[str, str]) -> tuple[Payment, ...] | None:
        """All transactions of a reference that went through, oldest first; None if not all told."""
        payments: list[Payment] = []
        for page in range(1, _PAGES_MAX + 1):
            query = {"tx_ref": reference, "status": "successful", "page": str(page), **only}
            answer = await self._ask("GET", "/transactions", "list", query=query)
            found = read_successful(answer, reference)
            if found is None:
                return None
            payments += found
            if page >= read_pages(answer):
                return tuple(sorted(payments, key=lambda each: int(each.transaction_id)))
        return None

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
    return Verification(state, (payment,)) if payment else _UNKNOWN


def read_successful(answer: Reply | NoReply, reference: str) -> list[Payment] | None:
    """The transactions of `reference` that went through, of a page of a list. Pure.

    None where any of them cannot be read: what is missing may be a payment.
    """
    listed = member(_said(answer), "data")
    if not isinstance(listed, list):
        return None
    payments = [
        _payment(each, reference)
        for each in listed
        if member(each, "tx_ref") == reference and member(each, "status") == "successful"
    ]
    read = [payment for payment in payments if payment is not None]
    return read if len(read) == len(payments) else None


def read_pages(answer: Reply | NoReply) -> int:
    """How many pages a list has, by the word of this one. Pure."""
    return whole(member(_said(answer), "meta", "page_info", "total_pages")) or 1


def read_account(answer: Reply | NoReply, request: AccountRequest) -> BankAccount | None:
    """The account that an answer opens. Pure.

    Raises:
        IdentityNeeded: the answer asks for a BVN or NIN.
    """
    data = member(_said(answer), "data")
    if data is None and not isinstance(answer, NoReply):
        refused = member(answer.json(), "status") == "error"
        if refused and wants_identity(member(answer.json(), "message")):
            raise IdentityNeeded
    if member(data, "response_code") not in (None, "02"):
        return None
    return read_bank_account(
        request.reference,
        member(data, "account_number"),
        member(data, "bank_name"),
        member(data, "account_name") or request.holder,
        member(data, "expiry_date"),
    )


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
