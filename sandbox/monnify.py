"""Monnify collections, simulated: login, initialize, the page, transaction status, the webhook.

Source: Monnify's pages on verifying transactions and on webhooks. Amounts on the wire are in major
units, in answers as text. A transaction adds up what it is paid, and its status tells whether that
is less or more than was asked. `paidOn` is Lagos time, in one of two forms. The webhook's
`monnify-signature` is the hex HMAC-SHA512 of the raw body under the secret key.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.ids import speakable
from core.kit.money import Money, from_major, to_major
from sandbox import accounts
from sandbox.gateways import COMMON, GatewaySimulator
from sandbox.payments import Charge, DuplicateReference, Payment
from sandbox.scenarios import Scenario, Script
from sandbox.webhooks import Webhook
from sandbox.wire import Json, html_503, read_fields
from sandbox.world import World

_ACCOUNTS = "/api/v2/bank-transfer/reserved-accounts"
_TRANSFERS = "/api/v1/bank-transfer/reserved-accounts/transactions"
_TOKEN_LIFE_S = 3567
_LAGOS = dt.timezone(dt.timedelta(hours=1))
_FEE_MINOR = 10_00  # a figure to show: it moves no money here


class Monnify(GatewaySimulator):
    """Payments that were really made are listed by the control calls."""

    name = "monnify"
    scenarios: Mapping[str, Scenario] = {
        **COMMON,
        "other_dates": Scenario("paid, with dates in the other form", recipients=("08030000231",)),
        "token_dropped": Scenario("a call with a good token is answered 401 all the same"),
    }
    at_request = ("token_dropped",)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._key = world.settings.monnify_api_key
        self._secret = world.settings.monnify_secret_key

    def routes(self) -> list[Route]:
        transactions = "/api/v1/merchant/transactions/init-transaction"
        return [
            Route("/api/v1/auth/login", self._login, methods=["POST"]),
            Route(transactions, self._initialize, methods=["POST"]),
            Route("/api/v2/merchant/transactions/query", self._query, methods=["GET"]),
            Route("/api/v2/transactions/{reference}", self._status, methods=["GET"]),
            Route(_ACCOUNTS, self._reserve, methods=["POST"]),
            Route(f"{_ACCOUNTS}/{{reference}}", self._account, methods=["GET"]),
            Route(_TRANSFERS, self._transfers, methods=["GET"]),
            *self._page_routes(),
        ]

    # Tokens.

    async def _login(self, request: Request) -> Response:
        basic = base64.b64encode(f"{self._key}:{self._secret}".encode()).decode()
        if not _same(request.headers.get("authorization", ""), f"Basic {basic}"):
            return _refused("Invalid credentials", 401)
        ends_at_s = int(self._world.clock.now().timestamp()) + _TOKEN_LIFE_S
        return _said({"accessToken": self._token(ends_at_s), "expiresIn": _TOKEN_LIFE_S})

    def _token(self, ends_at_s: int) -> str:
        """Good until then, also for a sandbox that was started again."""
        mark = hmac.new(self._secret.encode(), str(ends_at_s).encode(), hashlib.sha256)
        return f"SIM.{ends_at_s}.{mark.hexdigest()}"

    async def _is_known(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        ends_at = given.split(".")[1] if given.count(".") == 2 else ""  # noqa: PLR2004 - a token's
        if not (ends_at.isascii() and ends_at.isdigit()):
            return False
        if int(ends_at) <= self._world.clock.now().timestamp():
            return False
        async with self._world.database.transaction() as tx:
            script = await self._choose(tx, (), among=self.at_request)
        is_good = _same(given, f"Bearer {self._token(int(ends_at))}")
        return is_good and script.name != "token_dropped"

    # The merchant's calls.

    async def _initialize(self, request: Request) -> Response:
        if not await self._is_known(request):
            return _unauthorized()
        asked = _read_request(await read_fields(request) or {}, self._world.clock.now())
        if isinstance(asked, str):
            return _refused(asked, 422)
        try:
            payment = await self._admit(asked)
        except DuplicateReference:
            return _refused("Payment reference has been used already", 422)
        page = f"{request.base_url}{self.name}/pay/{quote(payment.access_code, safe='')}"
        opened = {
            "transactionReference": payment.access_code,
            "paymentReference": payment.reference,
            "merchantName": "SIM MERCHANT",
            "apiKey": self._key,
            "enabledPaymentMethod": ["ACCOUNT_TRANSFER", "CARD"],
            "checkoutUrl": page,
        }
        return self._as_played(payment, _said(opened))

    async def _query(self, request: Request) -> Response:
        query = request.query_params
        reference = query.get("paymentReference") or query.get("transactionReference") or ""
        return await self._tell_status(request, reference)

    async def _status(self, request: Request) -> Response:
        return await self._tell_status(request, request.path_params["reference"])

    async def _tell_status(self, request: Request, reference: str) -> Response:
        if not await self._is_known(request):
            return _unauthorized()
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, self.name, reference)
            if not payment:
                return _refused("There is no transaction with this reference", 404)
            if await self._is_down(tx, payment):
                return html_503()
            charges = await self._world.payments.charges(tx, payment)
        return _said(_transaction(payment, charges))

    # Customers' accounts.

    async def _reserve(self, request: Request) -> Response:
        if not await self._is_known(request):
            return _unauthorized()
        fields = await read_fields(request) or {}
        needed = ("accountReference", "accountName", "contractCode", "customerEmail")
        if missing := [name for name in needed if not fields.get(name)]:
            return _refused(f"{missing[0]} is required", 422)
        refusal = _refused("Please provide the customer's BVN or NIN", 422)
        if not fields.get("bvn") and not fields.get("nin"):
            return refusal
        if await self._find(str(fields["accountReference"])):
            return _refused("You can not reserve two accounts with the same reference", 422)
        asked = accounts.new(
            self.name,
            str(fields["accountReference"]),
            email=str(fields["customerEmail"]),
            phone="",
            holder=str(fields["accountName"]),
            currency=str(fields.get("currencyCode") or "NGN"),
            now=self._world.clock.now(),
        )
        account = await self._open_account(asked)
        return self._as_opened(account, _said(_account(account)), refusal)

    async def _account(self, request: Request) -> Response:
        if not await self._is_known(request):
            return _unauthorized()
        found = await self._find(request.path_params["reference"])
        if not found or not accounts.is_account(found[0]):
            return _refused("There is no account with this reference", 404)
        return _said(_account(found[0]))

    async def _transfers(self, request: Request) -> Response:
        if not await self._is_known(request):
            return _unauthorized()
        query = request.query_params
        page, size = int(query.get("page", "0")), int(query.get("size", "10"))
        async with self._world.database.transaction() as tx:
            reference = query.get("accountReference", "")
            account = await self._world.payments.find(tx, self.name, reference)
            if not account or not accounts.is_account(account):
                return _refused("There is no account with this reference", 404)
            if await self._is_down(tx, account):
                return html_503()
            charges = await self._world.payments.charges(tx, account)
        newest = charges[::-1]
        shown = [_transfer(charge) for charge in newest[page * size : (page + 1) * size]]
        return _said({"content": shown, "last": (page + 1) * size >= len(charges)})

    # Telling.

    def _query_back(self, payment: Payment, charge: Charge | None) -> Mapping[str, str]:
        del charge
        return {"paymentReference": payment.reference}

    def _webhook(self, payment: Payment, charge: Charge, *, forged: bool = False) -> Webhook:
        data = _transaction(payment, [charge])
        if accounts.is_account(payment):
            data |= {
                "transactionReference": _transfer_reference(charge),
                "paymentReference": _transfer_reference(charge),
                "totalPayable": data["amountPaid"],
                "paymentStatus": "PAID",
                "product": {"type": "RESERVED_ACCOUNT", "reference": payment.reference},
            }
        numbers = {name: float(data[name]) for name in ("amountPaid", "totalPayable")}
        event = {"eventType": "SUCCESSFUL_TRANSACTION", "eventData": data | numbers}
        body = msgspec.json.encode(event)
        return Webhook(
            provider=self.name,
            url=self._world.settings.monnify_webhook_url,
            body=body,
            headers={
                "monnify-signature": signature("not the key" if forged else self._secret, body)
            },
        )

    def _broken(self) -> Response:
        return _refused("Something went wrong", 500)


def signature(secret_key: str, body: bytes) -> str:
    """What Monnify puts in `monnify-signature`."""
    return hmac.new(secret_key.encode(), body, hashlib.sha512).hexdigest()


def _read_request(fields: Mapping[str, Any], now: dt.datetime) -> Payment | str:
    """The payment that is asked for, or a word for what is wrong with it."""
    email, reference = (
        str(fields.get("customerEmail") or ""),
        str(fields.get("paymentReference") or ""),
    )
    currency = str(fields.get("currencyCode") or "")
    try:
        amount = from_major(str(fields.get("amount")), currency)
    except ValueError:
        return "Amount is invalid"
    wrong = {
        "Amount must be more than zero": amount.minor <= 0,
        "Payment reference is required": not reference,
        "Currency code is required": not currency,
        "Contract code is required": not fields.get("contractCode"),
        "Customer name is required": not fields.get("customerName"),
        "Customer email is invalid": "@" not in email.strip("@"),
    }
    for words, is_wrong in wrong.items():
        if is_wrong:
            return words
    return Payment(
        provider=Monnify.name,
        reference=reference,
        access_code=f"MNFY|SIM|{now.astimezone(_LAGOS):%Y%m%d%H%M%S}|{speakable(10)}",
        email=email,
        amount=amount,
        callback_url=str(fields.get("redirectUrl") or ""),
        metadata="{}",
        script=Script(),
        created_at=now,
    )


def _transaction(payment: Payment, charges: list[Charge]) -> dict[str, Any]:
    """Monnify's transaction, with all that arrived on it."""
    last = charges[-1] if charges else None
    currency = last.amount.currency if last else payment.amount.currency
    paid = Money(sum(charge.amount.minor for charge in charges), currency)
    settled = Money(max(0, paid.minor - _FEE_MINOR), currency)
    return {
        "transactionReference": payment.access_code,
        "paymentReference": payment.reference,
        "amountPaid": to_major(paid),
        "totalPayable": to_major(payment.amount),
        "settlementAmount": to_major(settled),
        "paidOn": _paid_on(payment, last.paid_at) if last else None,
        "paymentStatus": _status_word(payment, paid),
        "paymentDescription": "SIMULATED",
        "currency": currency,
        "paymentMethod": "ACCOUNT_TRANSFER",
        "product": {"type": "WEB_SDK", "reference": payment.reference},
        "customer": {"name": "SIM PAYER", "email": payment.email},
        "metaData": {},
    }


def _account(account: Payment) -> dict[str, Any]:
    holder = accounts.holder(account)
    bank = {"bankCode": "000", "bankName": accounts.BANK, "accountNumber": account.access_code}
    return {
        "contractCode": "SIM",
        "accountReference": account.reference,
        "accountName": holder,
        "currencyCode": account.amount.currency,
        "customerEmail": account.email,
        "accounts": [bank | {"accountName": holder}],
        "status": "ACTIVE",
    }


def _transfer(charge: Charge) -> dict[str, Any]:
    """A transfer into a customer's account, as Monnify lists it."""
    return {
        "transactionReference": _transfer_reference(charge),
        "paymentReference": _transfer_reference(charge),
        "amount": float(to_major(charge.amount)),
        "amountPaid": float(to_major(charge.amount)),
        "fee": float(to_major(Money(min(_FEE_MINOR, charge.amount.minor), charge.amount.currency))),
        "currencyCode": charge.amount.currency,
        "paymentStatus": "PAID",
        "paymentMethod": "ACCOUNT_TRANSFER",
        "completedOn": f"{charge.paid_at:%Y-%m-%dT%H:%M:%S}.000+0000",
    }


def _transfer_reference(charge: Charge) -> str:
    return f"MNFY|SIM|{charge.paid_at.astimezone(_LAGOS):%Y%m%d%H%M%S}|{charge.id}"


def _status_word(payment: Payment, paid: Money) -> str:
    asked_minor = payment.amount.minor
    if not paid.minor:
        return "FAILED" if payment.failed else "PENDING"
    if paid.minor == asked_minor:
        return "PAID"
    return "OVERPAID" if paid.minor > asked_minor else "PARTIALLY_PAID"


def _paid_on(payment: Payment, at: dt.datetime) -> str:
    lagos = at.astimezone(_LAGOS)
    if payment.script.name == "other_dates":
        return f"{lagos:%Y-%m-%d %H:%M:%S}.{lagos.microsecond // 1000}"
    hour = lagos.hour % 12 or 12
    return f"{lagos:%d/%m/%Y} {hour}:{lagos:%M:%S %p}"


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _said(body: object) -> Response:
    told = {"requestSuccessful": True, "responseMessage": "success", "responseCode": "0"}
    return Json({**told, "responseBody": body})


def _refused(message: str, status_code: int) -> Response:
    told = {"requestSuccessful": False, "responseMessage": message, "responseCode": "99"}
    return Json(told, status_code)


def _unauthorized() -> Response:
    return Json({"error": "invalid_token", "error_description": "Token expired or invalid"}, 401)
