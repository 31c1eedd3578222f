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
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.ids import speakable
from core.kit.money import Money, from_major, to_major
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
        found = await self._find(query.get("tx_ref", ""))
        tries = _transactions(*found) if found else []
        if status := query.get("status"):
            tries = [each for each in tries if each["status"] == status]
        meta = {"page_info": {"total": len(tries), "current_page": 1, "total_pages": 1}}
        return Json(
            {"status": "success", "message": "Transactions fetched", "meta": meta, "data": tries[::-1]}
        )

    async def _by_id(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid authorization key", 401)
        wanted = request.path_params["id"]
        async with self._world.database.transaction() as tx:
            for payment in await self._world.payments.of(tx, self.name):
                charges = await self._world.payments.charges(tx, payment)
                for each in _transactions(payment, charges):
                    if each["id"] == wanted:
                        if await self._is_down(tx, payment):
                            return html_503()
                        return _said("Transaction fetched successfully", each)
        return _refused(_UNKNOWN_TRANSACTION, 400)

    def _is_known(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key.encode())

    # Paying.

    async def _take(self, tx: Transaction, payment: Payment, amount: Money) -> Charge:
        if payment.script.name == "failed_then_paid":
            await self._world.payments.fail(tx, payment)
        return await super()._take(tx, payment, amount)

    async def pay(self, reference: str, amount: Money | None, *, again: bool) -> dict[str, Any]:
        told = await super().pay(reference, amount, again=again)
        return told

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
