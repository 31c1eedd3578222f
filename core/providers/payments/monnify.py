"""Monnify: collects customers' money by bank transfer, card or USSD on a page of its own.

Sources: https://developers.monnify.com/docs/collections/manage-payments/verify-transactions,
https://developers.monnify.com/docs/webhooks/event-types, Monnify's support page on references and
statuses, TeamApt's page on the transaction status (its sample), read November 2026. Known from
public clients only: the path that asks by our reference, 404 for one that is unknown, the numbers
as text and the second form of `paidOn`.

- `POST /api/v1/auth/login` with Basic `api key:secret key` answers `responseBody.accessToken` and
  `expiresIn` in seconds; every other call carries it as bearer.
- Envelope `{requestSuccessful, responseMessage, responseCode, responseBody}`; amounts are in major
  units, as numbers or as text.
- `POST /api/v1/merchant/transactions/init-transaction` answers `checkoutUrl`. `paymentReference` is
  ours and taken once; `transactionReference` is theirs and contains `|`.
- `GET /api/v2/merchant/transactions/query?paymentReference=` tells `transactionReference`, and
  `GET /api/v2/transactions/{transactionReference}` what became of it. `amountPaid` is what arrived:
  less or more than was asked where the contract takes that.
- `POST /api/v2/bank-transfer/reserved-accounts {accountReference, accountName, contractCode, bvn,
  ...}` opens a bank account for good, for any amount; `GET .../{accountReference}` tells it again.
  A live contract may ask for a `bvn`: the customer's, or else the merchant's (`MONNIFY_BVN`).
- `GET /api/v1/bank-transfer/reserved-accounts/transactions?accountReference=&page=&size=` lists the
  transfers into it (`content`, and `last` on the last page), each a transaction with a
  `transactionReference` of its own. Webhooks name the account as `product.reference`, where
  `product.type` is `RESERVED_ACCOUNT`.
- Webhooks carry `monnify-signature`. The documentation writes SHA-512 of secret key and body, but
  its own sample holds only as the hex HMAC-SHA512 of the raw body under the secret key.
- `paidOn` has two forms and no time zone. Monnify is Nigerian, and its references carry the same
  wall time, so it is read as Lagos time; nothing but a date on a receipt hangs on it.
"""

import asyncio
import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

import httpx
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.kit.clock import Clock, SystemClock
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
from core.providers.payments import monnify_accounts as accounts
from core.providers.payments.monnify_accounts import STATES, read_body, read_paid_on
from core.providers.payments.reading import (
    matches,
    read_currency,
    read_event,
    read_fee,
    read_major,
    read_references,
    read_url,
)
from core.providers.payments.statements.monnify import MonnifyStatements
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

_SIGNATURE = "monnify-signature"
_TOKEN = re.compile(r"[!-~]{1,8192}", re.ASCII)
_PAGES_MAX = 50
_TOKEN_LIFE_S_MAX = 86_400
_TOKEN_MARGIN_S = 60  # a token is not used so shortly before its end
_OPEN = Verification(PaymentState.OPEN)
_UNKNOWN = Verification(PaymentState.UNKNOWN)


class Settings(BaseSettings):
    """From `MONNIFY_*`, or given. Without a secret key every webhook is refused.

    Attributes:
        contract_code: Which of the merchant's contracts collects.
        bvn: The merchant's bank verification number, for accounts of customers whose own is not
            known.
    """

    model_config = SettingsConfigDict(
        env_prefix="MONNIFY_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.monnify.com"
    api_key: Credential = SecretStr("")
    secret_key: Credential = SecretStr("")
    contract_code: str = ""
    bvn: Credential = SecretStr("")
    timeout_s: TimeoutS = 20.0


@dataclass(frozen=True, slots=True)
class Token:
    """What opens Monnify's doors until `ends_at`."""

    text: str
    ends_at: dt.datetime


class Monnify(MonnifyStatements):
    """Collects through Monnify. Keeps `core.ports.PaymentGateway` and `VirtualAccounts`."""

    name = "monnify"

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._key = settings.api_key.get_secret_value()
        self._secret = settings.secret_key.get_secret_value()
        self._contract_code = settings.contract_code
        self._bvn = settings.bvn.get_secret_value()
        self._timeout_s = settings.timeout_s
        self._clock = clock or SystemClock()
        self._http = client(base_url=settings.base_url, timeout_s=settings.timeout_s)
        self._token: Token | None = None
        self._logging_in = asyncio.Lock()

    async def initialize(self, request: PaymentRequest) -> Checkout | None:
        """Open a checkout.

        None also for a reference that is open already: its address is told once, and is lost with
        a lost reply. `verify` still finds a payment made there.
        """
        document: dict[str, object] = {
            "amount": _number(request.amount),
            "currencyCode": request.amount.currency,
            "customerName": request.reference,
            "customerEmail": request.email,
            "paymentReference": request.reference,
            "paymentDescription": "Wallet funding",
            "contractCode": self._contract_code,
        }
        if request.callback_url:
            document["redirectUrl"] = request.callback_url
        path = "/api/v1/merchant/transactions/init-transaction"
        answer = await self._ask("POST", path, "initialize", document=document)
        return read_checkout(answer, request.reference)

    async def verify(self, reference: str) -> Verification:
        """What became of a reference.

        One that Monnify does not know is OPEN, not DEAD: its initialize may still be under way, or
        be sent again. Our own expiry ends it. A transaction is one payment, of what had arrived
        when it was asked about: what a payer adds to it later only their statement tells.
        """
        path = "/api/v2/merchant/transactions/query"
        query = {"paymentReference": reference}
        found = read_transaction_reference(
            await self._ask("GET", path, "find", query=query), reference
        )
        if not isinstance(found, str):
            return found
        path = f"/api/v2/transactions/{quote(found, safe='')}"
        return read_verification(await self._ask("GET", path, "verify"), reference)

    async def reserve(self, request: AccountRequest) -> BankAccount | None:
        """Open an account, or read the one that this reference opened before."""
        document: dict[str, object] = {
            "accountReference": request.reference,
            "accountName": request.holder,
            "currencyCode": request.currency,
            "contractCode": self._contract_code,
            "customerEmail": request.email,
            "customerName": request.holder,
            "getAllAvailableBanks": True,
        }
        if bvn := request.bvn or self._bvn:
            document["bvn"] = bvn
        answer = await self._ask("POST", accounts.PATH, "reserve", document=document)
        if opened := accounts.read_account(answer, request.reference):
            return opened
        if accounts.asks_for_identity(answer):
            raise IdentityNeeded
        path = f"{accounts.PATH}/{quote(request.reference, safe='')}"
        return accounts.read_account(await self._ask("GET", path, "account"), request.reference)

    async def arrivals(self, account: str, since: dt.datetime) -> tuple[Payment, ...] | None:
        """Every transfer into the account; Monnify lists them all, whatever `since` says."""
        del since
        payments: list[Payment] = []
        for page in range(_PAGES_MAX):
            query = {"accountReference": account, "page": str(page), "size": "100"}
            answer = await self._ask("GET", accounts.TRANSACTIONS_PATH, "list", query=query)
            found = accounts.read_arrivals(answer)
            if found is None:
                return None
            payments += found
            if accounts.is_last_page(answer):
                return tuple(payments)
        return None

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        if not self._secret:
            raise BadCallback("Monnify: no secret key is set, so nothing can be checked")
        given = (header(headers, _SIGNATURE) or "").strip().lower()
        expected = hmac.new(self._secret.encode(), body, hashlib.sha512).hexdigest()
        if not matches([given], [expected]):
            raise BadCallback("Monnify: wrong signature")
        event = read_event(body, "Monnify")
        if event.get("eventType") != "SUCCESSFUL_TRANSACTION":
            return ()
        paid = member(event, "eventData")
        if member(paid, "product", "type") == accounts.PRODUCT:
            return read_references(member(paid, "product", "reference"), "Monnify")
        return read_references(member(paid, "paymentReference"), "Monnify")

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
        """Ask with the token at hand; where it is not taken any more, once again with a new one.

        A 401 was given before anything was done, so asking again does nothing twice.
        """
        answer: Reply | NoReply = NoReply("no_token", never_sent=True)
        for _ in range(2):
            token = await self._bearer()
            if token is None:
                return answer
            request = self._http.build_request(method, path, params=query, json=document)
            request.headers["authorization"] = f"Bearer {token.text}"
            answer = await self._send(request, act)
            if isinstance(answer, NoReply) or answer.status != HTTPStatus.UNAUTHORIZED:
                break
            self._forget(token)
        return answer

    async def _bearer(self) -> Token | None:
        """The token at hand, or a new one; None where there is none to be had."""
        async with self._logging_in:  # one login for all who wait
            if self._token is None or self._token.ends_at <= self._clock.now():
                basic = httpx.BasicAuth(self._key, self._secret)
                request = self._http.build_request("POST", "/api/v1/auth/login")
                request = next(basic.auth_flow(request))
                self._token = read_token(await self._send(request, "login"), self._clock.now())
            return self._token

    def _forget(self, token: Token) -> None:
        """Have the next call log in, unless somebody else has done so since."""
        if self._token is token:
            self._token = None

    async def _send(self, request: httpx.Request, act: str) -> Reply | NoReply:
        return await send(self._http, request, act=f"monnify.{act}", within_s=self._timeout_s)


def read_token(answer: Reply | NoReply, now: dt.datetime) -> Token | None:
    """The token that an answer to login gives. Pure; one of unknown life serves one call."""
    body = read_body(answer)
    text, life_s = member(body, "accessToken"), whole(member(body, "expiresIn")) or 0
    if not isinstance(text, str) or not _TOKEN.fullmatch(text):
        return None
    usable_s = min(max(0, life_s - _TOKEN_MARGIN_S), _TOKEN_LIFE_S_MAX)
    return Token(text, now + dt.timedelta(seconds=usable_s))


def read_checkout(answer: Reply | NoReply, reference: str) -> Checkout | None:
    """The checkout that an answer to initialize opens for `reference`, or None. Pure."""
    body = read_body(answer)
    if member(body, "paymentReference") not in (None, reference):
        return None
    return read_url(member(body, "checkoutUrl"))


def read_transaction_reference(answer: Reply | NoReply, reference: str) -> str | Verification:
    """Monnify's own reference of ours. Pure.

    OPEN where Monnify says that it knows none, UNKNOWN where nothing can be read.
    """
    if _says_not_found(answer):
        return _OPEN
    body = read_body(answer)
    if member(body, "paymentReference") != reference:
        return _UNKNOWN
    return word(member(body, "transactionReference")) or _UNKNOWN


def read_verification(answer: Reply | NoReply, reference: str) -> Verification:
    """What an answer to verify says of `reference`. Pure; all that is not promised is UNKNOWN."""
    body = read_body(answer)
    if member(body, "paymentReference") != reference:
        return _UNKNOWN
    state = STATES.get(word(member(body, "paymentStatus")) or "", PaymentState.UNKNOWN)
    if state is not PaymentState.PAID:
        return Verification(state)
    payment = _payment(body, reference)
    return Verification(state, (payment,)) if payment else _UNKNOWN


def _says_not_found(answer: Reply | NoReply) -> bool:
    """404 in Monnify's own envelope: a wrong address says 404 as well."""
    if isinstance(answer, NoReply) or answer.status != HTTPStatus.NOT_FOUND:
        return False
    return member(answer.json(), "requestSuccessful") is False


def _payment(body: object, reference: str) -> Payment | None:
    transaction_id = word(member(body, "transactionReference"))
    currency = read_currency(member(body, "currency"))
    amount = read_major(member(body, "amountPaid"), currency) if currency else None
    if not transaction_id or amount is None:
        return None
    return Payment(
        transaction_id=transaction_id,
        reference=reference,
        amount=amount,
        paid_at=read_paid_on(member(body, "paidOn")),
        fee=_fee(body, amount),
    )


def _fee(body: object, amount: Money) -> Money | None:
    settled = major(member(body, "settlementAmount"), amount.currency)
    if settled is None or not settled.minor:
        return None  # told later
    return read_fee(amount - settled, amount)


def _number(amount: Money) -> int | float:
    """The amount in major units as a JSON number, which is exact: it is written in its digits."""
    text = to_major(amount)
    return int(float(text)) if float(text).is_integer() else float(text)
