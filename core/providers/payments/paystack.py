"""Paystack: collects customers' money by card, transfer or USSD on a page of its own.

Sources: https://github.com/PaystackHQ/openapi (dist/paystack.yaml),
https://paystack.com/docs/payments/verify-payments (the list of statuses) and
https://paystack.com/docs/payments/webhooks, read November 2026. How an unknown reference is worded
is known from public clients only; it moves no money.

- `Authorization: Bearer sk_...`; amounts are kobo both ways.
- `POST /transaction/initialize {email, amount, currency, reference, metadata, callback_url?}`
  answers `data.authorization_url`. A reference is taken once ("Duplicate Transaction Reference").
  `metadata` is ours: their dashboard shows it, so that a person finds a payment by the number.
- `GET /transaction/verify/{reference}`: HTTP 200 and `status: true` say only that the question was
  understood; `data.status` is what became of it. One reference may see several tries
  (`log.attempts` counts them), so `failed` and `abandoned` can still become `success`.
- One transaction succeeds under a reference: another try after that is refused.
- A dedicated virtual account belongs to a customer of theirs: `POST /customer {email, ...}` (the
  same address again is the same customer), then `POST /dedicated_account {customer,
  preferred_bank}`; `GET /customer/{code}` tells the account that there is. Transfers into it are
  transactions on channel `dedicated_nuban` under references that Paystack makes, so they are found
  by the customer's number: `GET /transaction?customer=&status=success&from=` in pages
  (`meta.pageCount`).
- Webhooks carry `x-paystack-signature`, the hex HMAC-SHA512 of the raw body under the secret key,
  no event id and no time: they name a reference, and `verify` tells the rest.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

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
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply, client, read_json, send
from core.providers.payments import paystack_accounts as accounts
from core.providers.payments.paystack_accounts import read_payment
from core.providers.payments.statements.paystack import PaystackStatements
from core.providers.values import BaseUrl, Credential, TimeoutS, header, member, whole, word

_SIGNATURE = "x-paystack-signature"
_PAGES_MAX = 20
_REFERENCE = re.compile(r"[0-9A-Za-z.=-]{1,100}", re.ASCII)
_URL = re.compile(r"https?://[^\s\"'<>]{1,500}", re.ASCII)
_STATES: Mapping[str, PaymentState] = MappingProxyType(
    {
        "success": PaymentState.PAID,
        "abandoned": PaymentState.OPEN,  # left the page, and may come back to it
        "failed": PaymentState.OPEN,  # this try; the page offers another under the same reference
        "ongoing": PaymentState.OPEN,
        "pending": PaymentState.OPEN,
        "processing": PaymentState.OPEN,
        "queued": PaymentState.OPEN,
        "reversed": PaymentState.DEAD,  # refunded, or charged back
    }
)
_UNKNOWN = Verification(PaymentState.UNKNOWN)


class Settings(BaseSettings):
    """From `PAYSTACK_*`, or given. Without a secret key every webhook is refused.

    Attributes:
        preferred_bank: Where customers' accounts are opened, as
            `GET /dedicated_account/available_providers` names it; `test-bank` with a test key.
    """

    model_config = SettingsConfigDict(
        env_prefix="PAYSTACK_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.paystack.co"
    secret_key: Credential = SecretStr("")
    preferred_bank: str = "wema-bank"
    timeout_s: TimeoutS = 20.0


class Paystack(PaystackStatements):
    """Collects through Paystack. Keeps `core.ports.PaymentGateway` and `VirtualAccounts`."""

    name = "paystack"

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.secret_key.get_secret_value().encode()
        self._bank = settings.preferred_bank
        self._timeout_s = settings.timeout_s
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={"authorization": f"Bearer {settings.secret_key.get_secret_value()}"},
        )

    async def initialize(self, request: PaymentRequest) -> Checkout | None:
        """Open a checkout.

        None also for a reference that is open already: its address is told once, and is lost with
        a lost reply. `verify` still finds a payment made there.
        """
        document: dict[str, object] = {
            "email": request.email,
            "amount": request.amount.minor,
            "currency": request.amount.currency,
            "reference": request.reference,
            "metadata": {"msisdn": request.msisdn},
        }
        if request.callback_url:
            document["callback_url"] = request.callback_url
        return read_checkout(
            await self._ask("POST", "/transaction/initialize", "initialize", document),
            request.reference,
        )

    async def verify(self, reference: str) -> Verification:
        """What became of a reference.

        One that Paystack does not know is OPEN, not DEAD: its initialize may still be under way, or
        be sent again. Our own expiry ends it.
        """
        path = f"/transaction/verify/{quote(reference, safe='')}"
        return read_verification(await self._ask("GET", path, "verify"), reference)

    async def reserve(self, request: AccountRequest) -> BankAccount | None:
        """Open an account for a customer of theirs, or find the one that they have."""
        person: dict[str, object] = {
            "email": request.email,
            "first_name": "Callbox",
            "last_name": request.holder.removeprefix("Callbox "),
            "phone": f"+{request.msisdn}",
        }
        customer = accounts.read_customer(await self._ask("POST", "/customer", "customer", person))
        if customer is None:
            return None
        order: dict[str, object] = {"customer": customer.code, "preferred_bank": self._bank}
        answer = await self._ask("POST", "/dedicated_account", "reserve", order)
        if opened := accounts.read_account(answer, customer):
            return opened
        path = f"/customer/{quote(customer.code, safe='')}"
        if kept := accounts.read_kept_account(await self._ask("GET", path, "account"), customer):
            return kept
        if accounts.asks_for_identity(answer):
            raise IdentityNeeded
        return None

    async def arrivals(self, account: str, since: dt.datetime) -> tuple[Payment, ...] | None:
        """Every transfer into the account of a customer of theirs, by the customer's number."""
        payments: list[Payment] = []
        for page in range(1, _PAGES_MAX + 1):
            query = {
                "customer": account,
                "status": "success",
                "from": since.isoformat(),
                "perPage": "100",
                "page": str(page),
            }
            answer = await self._ask("GET", "/transaction", "list", query=query)
            found = accounts.read_arrivals(answer, account)
            if found is None:
                return None
            payments += found
            if page >= accounts.read_pages(answer):
                return tuple(payments)
        return None

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        if not self._secret:
            raise BadCallback("Paystack: no secret key is set, so nothing can be checked")
        signature = (header(headers, _SIGNATURE) or "").strip().lower()
        expected = hmac.new(self._secret, body, hashlib.sha512).hexdigest()
        if not hmac.compare_digest(signature.encode(), expected.encode()):
            raise BadCallback("Paystack: wrong signature")
        document = read_json(body) if len(body) <= REPLY_BYTES_MAX else None
        if not isinstance(document, dict):
            raise BadCallback("Paystack: not a JSON object")
        if document.get("event") != "charge.success":
            return ()
        reference = member(document, "data", "reference")
        if not isinstance(reference, str) or not _REFERENCE.fullmatch(reference):
            raise BadCallback("Paystack: names no reference")
        customer = whole(member(document, "data", "customer", "id"))
        if member(document, "data", "channel") == accounts.CHANNEL and customer:
            return (reference, str(customer))
        return (reference,)

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        act: str,
        document: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> Reply | NoReply:
        request = self._http.build_request(method, path, params=query, json=document)
        return await send(self._http, request, act=f"paystack.{act}", within_s=self._timeout_s)


def read_checkout(answer: Reply | NoReply, reference: str) -> Checkout | None:
    """The checkout that an answer to initialize opens for `reference`, or None. Pure."""
    if isinstance(answer, NoReply) or answer.status // 100 != 2:  # noqa: PLR2004 - success
        return None
    document = answer.json()
    if member(document, "status") is not True:
        return None
    if member(document, "data", "reference") not in (None, reference):
        return None
    url = member(document, "data", "authorization_url")
    return Checkout(url) if isinstance(url, str) and _URL.fullmatch(url) else None


def read_verification(answer: Reply | NoReply, reference: str) -> Verification:
    """What an answer to verify says of `reference`. Pure; all that is not promised is UNKNOWN."""
    if isinstance(answer, NoReply):
        return _UNKNOWN
    document = answer.json()
    if _says_not_found(answer.status, document):
        return Verification(PaymentState.OPEN)
    data = member(document, "data")
    if answer.status != HTTPStatus.OK or member(document, "status") is not True:
        return _UNKNOWN
    if member(data, "reference") != reference:
        return _UNKNOWN
    state = _STATES.get(word(member(data, "status")) or "", PaymentState.UNKNOWN)
    if state is not PaymentState.PAID:
        return Verification(state)
    payment = read_payment(data, reference)
    return Verification(state, (payment,)) if payment else _UNKNOWN


def _says_not_found(status: int, document: object) -> bool:
    """400 or 404, and a body of Paystack's own that says so: a wrong address says 404 as well."""
    if status not in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}:
        return False
    told = (word(member(document, "message")) or "").lower()
    return member(document, "status") is False and "reference not found" in told
