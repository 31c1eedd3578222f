"""Paystack transactions, simulated: initialize, the payment page, verify, the signed webhook.

Source: Paystack's OpenAPI description and its page on webhooks. Amounts on the wire are in minor
units. `status: true` says only that the call worked; `data.status` says what became of the money,
and an unpaid transaction is `abandoned` from the start. The webhook's `x-paystack-signature` is the
hex HMAC-SHA512 of the raw body under the secret key.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from core.kit.ids import speakable
from core.kit.money import Money, to_major
from sandbox import accounts, checkout
from sandbox.database import Transaction, stamp
from sandbox.payments import (
    AlreadyPaid,
    Charge,
    DuplicateReference,
    Payment,
    UnknownPayment,
    status_of,
)
from sandbox.paystack_accounts import PaystackAccounts
from sandbox.scenarios import OK, Scenario, Script
from sandbox.webhooks import Webhook
from sandbox.wire import SIMULATED, Json, Severed, html_503, read_fields
from sandbox.world import World

NAME = "paystack"

SCENARIOS: Mapping[str, Scenario] = {
    "ok": Scenario("paid in full, webhook at once"),
    "webhook_duplicate": Scenario(
        "paid, the webhook comes three times", recipients=("08030000201",)
    ),
    "webhook_late": Scenario("paid, the webhook comes later", 30, recipients=("08030000202",)),
    "webhook_before_reply": Scenario(
        "paid and told by webhook before initialize answers", recipients=("08030000203",)
    ),
    "webhook_forged": Scenario(
        "not paid, a webhook with a wrong signature says so", recipients=("08030000204",)
    ),
    "webhook_never": Scenario("paid, no webhook ever", recipients=("08030000205",)),
    "initialize_lost": Scenario(
        "created, the connection drops before the answer", recipients=("08030000206",)
    ),
    "initialize_500": Scenario(
        "initialize answers HTTP 500, no payment", recipients=("08030000207",)
    ),
    "verify_down": Scenario(
        "paid, verify answers 503 from its first call on", 20, recipients=("08030000208",)
    ),
    "underpay": Scenario("the payer pays half", recipients=("08030000209",)),
    "overpay": Scenario("the payer pays double", recipients=("08030000210",)),
    "other_currency": Scenario(
        "the same figure is paid in another currency", code="GHS", recipients=("08030000211",)
    ),
    "abandoned": Scenario(
        "the payer leaves the page, nothing is paid", recipients=("08030000212",)
    ),
    "failed": Scenario("the card is declined, nothing is paid", recipients=("08030000213",)),
    **accounts.SCENARIOS,
}

_AT_INITIALIZE = {"initialize_lost", "initialize_500", "webhook_before_reply"}
_AT_VERIFY = {"verify_down"}
_AT_PAY = SCENARIOS.keys() - _AT_INITIALIZE - _AT_VERIFY - accounts.SCENARIOS.keys() - {OK}

_UNPAID = {"abandoned", "failed", "webhook_forged"}
_WEBHOOKS = {"webhook_duplicate": 3, "webhook_never": 0}
_CURRENCIES = {"NGN", "GHS", "ZAR", "KES", "USD", "XOF", "EGP"}
_REFERENCE = re.compile(r"[A-Za-z0-9.\-=]+")
_FEES = {"NGN": 15}  # per mille, as a figure to show: it moves no money here


class Paystack:
    """Payments that were really made are listed by the control calls."""

    scenarios = SCENARIOS

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = world.settings.paystack_secret_key
        self._accounts = PaystackAccounts(world, self._is_known)

    def routes(self) -> list[Route]:
        return [
            Route("/transaction/initialize", self._initialize, methods=["POST"]),
            Route("/transaction/verify/{reference}", self._verify, methods=["GET"]),
            *self._accounts.routes(),
            Route("/pay/{code}", self._page, methods=["GET"]),
            Route("/pay/{code}", self._press, methods=["POST"]),
        ]

    # The merchant's calls.

    async def _initialize(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid key", 401)
        fields = await read_fields(request) or {}
        asked = _read_request(fields, self._world.clock.now())
        if isinstance(asked, str):
            return _refused(asked, 400)

        async with self._world.database.transaction() as tx:
            script = await self._choose(tx, asked, SCENARIOS.keys() - accounts.SCENARIOS.keys())
            payment = replace(asked, script=script)
            if script.name == "initialize_500":
                return _refused("Internal server error", 500)
            try:
                await self._world.payments.add(tx, payment)
            except DuplicateReference:
                return _refused("Duplicate Transaction Reference", 400)

        if script.name == "webhook_before_reply":
            await self._pay_before_reply(payment)
        if script.name == "initialize_lost":
            return Severed()
        page = f"{request.base_url}{NAME}/pay/{payment.access_code}"
        return _said(
            "Authorization URL created",
            {
                "authorization_url": page,
                "access_code": payment.access_code,
                "reference": payment.reference,
            },
        )

    async def _verify(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid key", 401)
        reference = request.path_params["reference"]
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, NAME, reference)
            if not payment or payment.reference != reference:
                return _refused("Transaction reference not found.", 400, "transaction_not_found")
            payment = await self._recast(tx, payment, _AT_VERIFY)
            if payment.script.name == "verify_down" and await self._world.payments.is_silent(
                tx, payment, payment.script.seconds
            ):
                return html_503()
            charges = await self._world.payments.charges(tx, payment)
        return _said("Verification successful", _transaction(payment, charges))

    def _is_known(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key.encode())

    async def _choose(
        self, tx: Transaction, payment: Payment, among: Collection[str] | None = None
    ) -> Script:
        return await self._world.scenarios.choose(tx, NAME, _names_of(payment), among=among)

    async def _recast(self, tx: Transaction, payment: Payment, among: Collection[str]) -> Payment:
        """A rule posted after initialize still counts for what has not happened yet."""
        if payment.script.name != OK:
            return payment
        script = await self._choose(tx, payment, among)
        if script.name == OK:
            return payment
        return await self._world.payments.recast(tx, payment, script)

    # The payer's page.

    async def _page(self, request: Request) -> Response:
        found = await self._find(request.path_params["code"])
        if not found:
            return PlainTextResponse("No such payment.", 404, SIMULATED)
        payment, charges = found
        return HTMLResponse(checkout.page(payment, status_of(payment, charges)), headers=SIMULATED)

    async def _press(self, request: Request) -> Response:
        found = await self._find(request.path_params["code"])
        if not found:
            return PlainTextResponse("No such payment.", 404, SIMULATED)
        payment, charges = found
        if not charges:
            await self.pay(payment.reference, None, again=False)
        if not payment.callback_url:
            return RedirectResponse(str(request.url), 303, SIMULATED)
        query = {"trxref": payment.reference, "reference": payment.reference}
        return RedirectResponse(checkout.back(payment.callback_url, query), 303, SIMULATED)

    async def _find(self, code: str) -> tuple[Payment, list[Charge]] | None:
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, NAME, code)
            return (payment, await self._world.payments.charges(tx, payment)) if payment else None

    # The payment itself.

    async def pay(self, reference: str, amount: Money | None, *, again: bool) -> dict[str, Any]:
        """See `PaymentSimulator.pay`."""
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, NAME, reference)
            if not payment:
                raise UnknownPayment
            if accounts.is_account(payment):  # each transfer plays a part of its own
                payment = replace(payment, script=await self._choose(tx, payment, _AT_PAY))
            elif await self._world.payments.charges(tx, payment) and not again:
                raise AlreadyPaid
            else:
                payment = await self._recast(tx, payment, _AT_PAY)
            script = payment.script
            if script.name in _UNPAID:
                return await self._leave_unpaid(tx, payment)
            charge = await self._world.payments.charge(
                tx, payment, amount or _paid_amount(payment, script)
            )
            told = await self._told(tx, payment, charge)
            for _ in range(_WEBHOOKS.get(script.name, 1)):
                delay_s = script.seconds if script.name == "webhook_late" else 0.0
                webhook = self._webhook(payment, charge, told=told, after_s=delay_s)
                await self._world.webhooks.put(tx, webhook)
        return {
            "reference": payment.reference,
            "paid": True,
            "amount": to_major(charge.amount),
            "currency": charge.amount.currency,
            "transaction_id": charge.id,
            "scenario": script.name,
        }

    async def _leave_unpaid(self, tx: Transaction, payment: Payment) -> dict[str, Any]:
        script = payment.script
        if script.name == "failed":
            await self._world.payments.fail(tx, payment)
        if script.name == "webhook_forged":
            now = self._world.clock.now()
            lie = Charge(int(now.timestamp() * 1_000_000), payment.reference, payment.amount, now)
            told = await self._told(tx, payment, lie)
            webhook = self._webhook(payment, lie, told=told, key="not the key")
            await self._world.webhooks.put(tx, webhook)
        return {"reference": payment.reference, "paid": False, "scenario": script.name}

    async def _told(
        self, tx: Transaction, payment: Payment, charge: Charge
    ) -> Mapping[str, Any] | None:
        """A transfer into a customer's account, which is a transaction of its own."""
        if not accounts.is_account(payment):
            return None
        return await self._accounts.transfer(tx, payment, charge)

    async def _pay_before_reply(self, payment: Payment) -> None:
        async with self._world.database.transaction() as tx:
            charge = await self._world.payments.charge(tx, payment, payment.amount)
        webhook = self._webhook(payment, charge)
        if not await self._world.webhooks.send_now(webhook):
            async with self._world.database.transaction() as tx:
                await self._world.webhooks.put(tx, webhook)

    def _webhook(
        self,
        payment: Payment,
        charge: Charge,
        *,
        told: Mapping[str, Any] | None = None,
        key: str | None = None,
        after_s: float = 0.0,
    ) -> Webhook:
        event = {"event": "charge.success", "data": told or _transaction(payment, [charge])}
        body = msgspec.json.encode(event)
        return Webhook(
            provider=NAME,
            url=self._world.settings.paystack_webhook_url,
            body=body,
            headers={"x-paystack-signature": signature(key or self._key, body)},
            after_s=after_s,
        )


def signature(secret_key: str, body: bytes) -> str:
    """What Paystack puts in `x-paystack-signature`."""
    return hmac.new(secret_key.encode(), body, hashlib.sha512).hexdigest()


def _read_request(fields: Mapping[str, Any], now: dt.datetime) -> Payment | str:
    """The payment that is asked for, or Paystack's word for what is wrong with it."""
    email, reference = str(fields.get("email") or ""), str(fields.get("reference") or "")
    currency = str(fields.get("currency") or "NGN").upper()
    amount = str(fields.get("amount") or "")
    callback_url = str(fields.get("callback_url") or "")
    wrong = {
        "Invalid Email Address Passed": "@" not in email.strip("@"),
        "Invalid Amount Sent": not (amount.isascii() and amount.isdigit() and int(amount)),
        "Currency not supported by merchant": currency not in _CURRENCIES,
        "Only alphanumeric characters and -.= are allowed in a reference": bool(
            reference and not _REFERENCE.fullmatch(reference)
        ),
        "Invalid callback URL": bool(callback_url and not _is_web(callback_url)),
    }
    for words, is_wrong in wrong.items():
        if is_wrong:
            return words
    metadata = fields.get("metadata") or {}
    return Payment(
        provider=NAME,
        reference=reference or f"SIM{speakable(12)}",
        access_code=f"SIM{speakable(15)}",
        email=email,
        amount=Money(int(amount), currency),
        callback_url=callback_url,
        metadata=metadata if isinstance(metadata, str) else msgspec.json.encode(metadata).decode(),
        script=Script(),
        created_at=now,
    )


def _is_web(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _names_of(payment: Payment) -> list[str]:
    """What a rule may know the payer by: reference, address, mailbox, a number in metadata."""
    metadata = _metadata(payment)
    numbers = [metadata.get(key) for key in ("msisdn", "phone", "phone_number")]
    return [
        payment.reference,
        payment.email,
        payment.email.partition("@")[0],
        *(str(number) for number in numbers if number),
    ]


def _metadata(payment: Payment) -> dict[str, Any]:
    try:
        metadata = msgspec.json.decode(payment.metadata)
    except msgspec.DecodeError:
        return {}
    return metadata if isinstance(metadata, dict) else {}


def _paid_amount(payment: Payment, script: Script) -> Money:
    asked = payment.amount
    match script.name:
        case "underpay":
            return Money(asked.minor // 2, asked.currency)
        case "overpay":
            return Money(asked.minor * 2, asked.currency)
        case "other_currency":
            return Money(asked.minor, script.code)
        case _:
            return asked


def _transaction(payment: Payment, charges: list[Charge]) -> dict[str, Any]:
    """Paystack's transaction object, of the latest charge where there is one."""
    last = charges[-1] if charges else None
    paid = last.amount if last else payment.amount
    status = "success" if last else "failed" if payment.failed else "abandoned"
    card = {"bank": "SIMULATED BANK", "last4": "0000", "channel": "card"}
    return {
        "id": last.id if last else int(payment.created_at.timestamp() * 1_000_000),
        "domain": "test",
        "status": status,
        "reference": payment.reference,
        "amount": paid.minor,
        "requested_amount": payment.amount.minor,
        "currency": paid.currency,
        "fees": paid.minor * _FEES.get(paid.currency, 0) // 1000 if last else None,
        "channel": "card",
        "message": None,
        "gateway_response": f"Simulated: {status}",
        "paid_at": stamp(last.paid_at) if last else None,
        "created_at": stamp(payment.created_at),
        "ip_address": None,
        "metadata": _metadata(payment),
        "customer": {"email": payment.email, "customer_code": "CUS_SIM", "phone": None},
        "authorization": card if last else {},
    }


def _said(message: str, data: Mapping[str, Any]) -> Response:
    return Json({"status": True, "message": message, "data": data})


def _refused(message: str, status_code: int, code: str = "") -> Response:
    more = {"code": code, "type": "validation_error"} if code else {}
    return Json({"status": False, "message": message, **more}, status_code)
