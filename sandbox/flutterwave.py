"""Flutterwave collections, simulated: the payment link, its page, verification, both webhooks.

Source: Flutterwave's reference of v3 and its pages on webhooks. Amounts on the wire are in major
units. A payer's tries under one `tx_ref` are transactions of their own, and asking by `tx_ref`
tells the earliest, whatever became of it. Webhooks of v3 carry the secret hash as `verif-hash`,
those of v4 the HMAC-SHA256 of the body under it as `flutterwave-signature`.
"""

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.ids import speakable
from core.kit.money import Money, from_major, to_major
from sandbox import accounts
from sandbox.database import Transaction, stamp
from sandbox.gateways import COMMON, GatewaySimulator, micros
from sandbox.payments import Charge, DuplicateReference, Payment
from sandbox.scenarios import Scenario, Script
from sandbox.webhooks import Webhook
from sandbox.wire import Json, html_503, read_fields
from sandbox.world import World

_FEE_PER_MILLE = 14  # a figure to show: it moves no money here
_UNKNOWN_TRANSACTION = "No transaction was found for this id"


class Flutterwave(GatewaySimulator):
    """Payments that were really made are listed by the control calls."""

    name = "flutterwave"
    scenarios: Mapping[str, Scenario] = {
        **COMMON,
        "webhook_lies": Scenario(
            "not paid, a webhook with the right verif-hash says so", recipients=("08030000221",)
        ),
        "webhook_v4": Scenario(
            "paid, told in the words of v4, signed in base64", recipients=("08030000222",)
        ),
        "webhook_v4_hex": Scenario(
            "paid, told in the words of v4, signed in hex", recipients=("08030000223",)
        ),
        "failed_then_paid": Scenario(
            "declined, then paid under the same tx_ref", recipients=("08030000224",)
        ),
    }

    lies: ClassVar[Mapping[str, bool]] = {"webhook_forged": True, "webhook_lies": False}

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._key = world.settings.flutterwave_secret_key
        self._hash = world.settings.flutterwave_secret_hash

    def routes(self) -> list[Route]:
        return [
            Route("/v3/payments", self._create, methods=["POST"]),
            Route("/v3/transactions", self._list, methods=["GET"]),
            Route("/v3/transactions/verify_by_reference", self._by_reference, methods=["GET"]),
            Route("/v3/transactions/{id:int}/verify", self._by_id, methods=["GET"]),
            Route("/v3/virtual-account-numbers", self._reserve, methods=["POST"]),
            *self._page_routes(),
        ]

    async def _create(self, request: Request) -> Response:
        """A `tx_ref` that is known opens the page it has: two pages of it are one here."""
        if not self._is_known(request):
            return _refused("Invalid authorization key", 401)
        asked = _read_request(await read_fields(request) or {}, self._world.clock.now())
        if isinstance(asked, str):
            return _refused(asked, 400)
        try:
            payment = await self._admit(asked)
        except DuplicateReference:
            found = await self._find(asked.reference)
            payment = found[0] if found else asked
        page = f"{request.base_url}{self.name}/pay/{payment.access_code}"
        return self._as_played(payment, _said("Hosted Link", {"link": page}))

    async def _reserve(self, request: Request) -> Response:
        """A permanent account; without a BVN there is none."""
        if not self._is_known(request):
            return _refused("Invalid authorization key", 401)
        fields = await read_fields(request) or {}
        reference, email = str(fields.get("tx_ref") or ""), str(fields.get("email") or "")
        if not (reference and "@" in email and fields.get("is_permanent")):
            return _refused("tx_ref, email and is_permanent are required", 400)
        refusal = _refused("BVN is required for static account number", 400)
        if not fields.get("bvn"):
            return refusal
        asked = accounts.new(
            self.name,
            reference,
            email=email,
            phone=str(fields.get("phonenumber") or ""),
            holder=str(fields.get("narration") or ""),
            currency=str(fields.get("currency") or "NGN"),
            now=self._world.clock.now(),
        )
        account = await self._open_account(asked)
        told = {
            "response_code": "02",
            "response_message": "Transaction in progress",
            "order_ref": f"URF_SIM_{account.access_code}",
            "account_number": account.access_code,
            "bank_name": accounts.BANK,
            "note": f"Please make a bank transfer to {accounts.holder(account)}",
            "expiry_date": "N/A",
            "amount": None,
        }
        return self._as_opened(account, _said("Virtual account created", told), refusal)

    async def _by_reference(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid authorization key", 401)
        reference = request.query_params.get("tx_ref", "")
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, self.name, reference)
            if not payment or payment.reference != reference:
                return _refused(_UNKNOWN_TRANSACTION, 400)
            if await self._is_down(tx, payment):
                return html_503()
            tries = _transactions(payment, await self._world.payments.charges(tx, payment))
        if not tries:
            return _refused(_UNKNOWN_TRANSACTION, 400)
        return _said("Transaction fetched successfully", tries[0])

    async def _list(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid authorization key", 401)
        query = request.query_params
        tries = []
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, self.name, query.get("tx_ref", ""))
            if payment and await self._is_down(tx, payment):
                return html_503()
            if payment:
                tries = _transactions(payment, await self._world.payments.charges(tx, payment))
        if since := query.get("from"):
            tries = [each for each in tries if each["created_at"][:10] >= since]
        if status := query.get("status"):
            tries = [each for each in tries if each["status"] == status]
        pages = {"page_info": {"total": len(tries), "current_page": 1, "total_pages": 1}}
        return _said("Transactions fetched", tries[::-1], meta=pages)

    async def _by_id(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid authorization key", 401)
        wanted = request.path_params["id"]
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find_charged(tx, self.name, wanted)
            if not payment:
                return _refused(_UNKNOWN_TRANSACTION, 400)
            if await self._is_down(tx, payment):
                return html_503()
            charges = await self._world.payments.charges(tx, payment)
        charge = next(each for each in charges if each.id == wanted)
        return _said("Transaction fetched successfully", _transaction(payment, charge))

    def _is_known(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key.encode())

    # Paying.

    async def _take(self, tx: Transaction, payment: Payment, amount: Money) -> Charge:
        if payment.script.name == "failed_then_paid":
            await self._world.payments.fail(tx, payment)
        return await super()._take(tx, payment, amount)

    def _query_back(self, payment: Payment, charge: Charge | None) -> Mapping[str, str]:
        if not charge:
            return {"status": "cancelled", "tx_ref": payment.reference}
        return {
            "status": "successful",
            "tx_ref": payment.reference,
            "transaction_id": str(charge.id),
        }

    def _webhook(self, payment: Payment, charge: Charge, *, forged: bool = False) -> Webhook:
        secret = "not the hash" if forged else self._hash
        if payment.script.name.startswith("webhook_v4"):
            body = msgspec.json.encode(_event_v4(payment, charge))
            digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
            in_hex = payment.script.name == "webhook_v4_hex"
            signature = digest.hex() if in_hex else base64.b64encode(digest).decode()
            headers = {"flutterwave-signature": signature}
        else:
            data = _transaction(payment, charge)
            body = msgspec.json.encode({"event": "charge.completed", "data": data})
            headers = {"verif-hash": secret}
        url = self._world.settings.flutterwave_webhook_url
        return Webhook(provider=self.name, url=url, body=body, headers=headers)

    def _broken(self) -> Response:
        return _refused("An error occurred", 500)


def _read_request(fields: Mapping[str, Any], now: dt.datetime) -> Payment | str:
    """The payment that is asked for, or a word for what is wrong with it."""
    customer = fields.get("customer")
    customer = customer if isinstance(customer, dict) else {}
    email, reference = str(customer.get("email") or ""), str(fields.get("tx_ref") or "")
    currency = str(fields.get("currency") or "NGN").upper()
    redirect_url = str(fields.get("redirect_url") or "")
    amount = _read_amount(fields.get("amount"), currency)
    if not reference:
        return "tx_ref is required"
    if amount is None:
        return "amount is invalid"
    if not redirect_url.startswith(("http://", "https://")):
        return "redirect_url is required"
    if "@" not in email.strip("@"):
        return "customer.email is required"
    return Payment(
        provider=Flutterwave.name,
        reference=reference,
        access_code=f"SIM{speakable(15)}",
        email=email,
        amount=amount,
        callback_url=redirect_url,
        metadata=msgspec.json.encode({"phone": str(customer.get("phonenumber") or "")}).decode(),
        script=Script(),
        created_at=now,
    )


def _read_amount(value: object, currency: str) -> Money | None:
    try:
        amount = from_major(str(value), currency)
    except ValueError:
        return None
    return amount if amount.minor > 0 else None


def _transactions(payment: Payment, charges: list[Charge]) -> list[dict[str, Any]]:
    """A payer's tries, oldest first: the declined one, where there was one, came before."""
    paid = [_transaction(payment, charge) for charge in charges]
    if not payment.failed:
        return paid
    at = payment.created_at
    declined = Charge(micros(at), payment.reference, payment.amount, at)
    return [_transaction(payment, declined, "failed"), *paid]


def _transaction(payment: Payment, charge: Charge, status: str = "successful") -> dict[str, Any]:
    amount = _major(charge.amount)
    phone = msgspec.json.decode(payment.metadata)["phone"]
    return {
        "id": charge.id,
        "tx_ref": payment.reference,
        "flw_ref": f"FLW-SIM-{charge.id}",
        "device_fingerprint": "N/A",
        "amount": amount,
        "currency": charge.amount.currency,
        "charged_amount": amount,
        "app_fee": _major(_fee(charge.amount)),
        "merchant_fee": 0,
        "processor_response": f"Simulated: {status}",
        "auth_model": "PIN",
        "narration": "CALLBOX SANDBOX",
        "status": status,
        "payment_type": "bank_transfer" if accounts.is_account(payment) else "card",
        "created_at": stamp(charge.paid_at),
        "account_id": 1,
        "amount_settled": _major(charge.amount - _fee(charge.amount)),
        "customer": {"id": 1, "email": payment.email, "phone_number": phone, "name": "SIM PAYER"},
    }


def _event_v4(payment: Payment, charge: Charge) -> dict[str, Any]:
    return {
        "webhook_id": f"wbk_SIM{charge.id}",
        "timestamp": int(charge.paid_at.timestamp() * 1000),
        "type": "charge.completed",
        "data": {
            "id": f"chg_SIM{charge.id}",
            "amount": _major(charge.amount),
            "currency": charge.amount.currency,
            "status": "succeeded",
            "reference": payment.reference,
            "customer": {"id": "cus_SIM", "email": payment.email},
            "processor_response": {"type": "approved", "code": "00"},
            "created_datetime": stamp(charge.paid_at),
        },
    }


def _fee(amount: Money) -> Money:
    return Money(amount.minor * _FEE_PER_MILLE // 1000, amount.currency)


def _major(amount: Money) -> int | float:
    """Major units as Flutterwave writes them: a number, with decimals where it needs some."""
    number = float(to_major(amount))
    return int(number) if number.is_integer() else number


def _said(message: str, data: object, **more: object) -> Response:
    return Json({"status": "success", "message": message, **more, "data": data})


def _refused(message: str, status_code: int) -> Response:
    return Json({"status": "error", "message": message, "data": None}, status_code)
