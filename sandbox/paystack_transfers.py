"""Paystack transfers, simulated: banks, names, recipients, transfers, their webhooks.

The wire is that of `core.providers.payouts.paystack`; amounts are in minor units. A recipient's
code says whose account it is, so that nothing needs to be kept of it.
"""

import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.money import Money
from sandbox.database import stamp
from sandbox.paystack import signature
from sandbox.scenarios import Scenario
from sandbox.transfer_gateways import TransferGateway
from sandbox.transfers import BANKS, PLAYS, SCENARIOS, Play, State, Transfer
from sandbox.webhooks import Webhook
from sandbox.wire import Json, read_fields
from sandbox.world import World

_FEE_MINOR = 10_00
_WORDS = {
    State.PENDING: "pending",
    State.PAID: "success",
    State.FAILED: "failed",
    State.REVERSED: "reversed",
}


class PaystackTransfers(TransferGateway):
    """Money that really left is listed by the control calls."""

    name = "paystack_transfers"
    scenarios: Mapping[str, Scenario] = {
        **SCENARIOS,
        "otp_required": Scenario("waits for a code that nobody types", recipients=("0000000324",)),
    }
    plays: ClassVar[Mapping[str, Play]] = {**PLAYS, "otp_required": Play(State.PENDING)}
    low_balance = "Your balance is not enough to fulfil this request"
    duplicate = "Duplicate Transfer Reference"
    no_account = ("Could not resolve account name. Check parameters or try again.", 422)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._key = world.settings.paystack_secret_key

    def routes(self) -> list[Route]:
        return [
            Route("/bank", self._banks, methods=["GET"]),
            Route("/bank/resolve", self._resolve, methods=["GET"]),
            Route("/transferrecipient", self._recipient, methods=["POST"]),
            Route("/transfer", self._transfer, methods=["POST"]),
            Route("/transfer/verify/{reference}", self._verify, methods=["GET"]),
        ]

    async def _banks(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid key", 401)
        half = len(BANKS) // 2
        first = request.query_params.get("next") is None
        listed = BANKS[:half] if first else BANKS[half:]
        banks = [
            {"code": code, "name": name, "active": True, "is_deleted": False, "type": "nuban"}
            for code, name in listed
        ]
        meta = {"next": "SIMpage2" if first else None, "previous": None, "perPage": half}
        return Json({"status": True, "message": "Banks retrieved", "data": banks, "meta": meta})

    async def _resolve(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid key", 401)
        return await self.resolve(request.query_params.get("account_number", ""))

    async def _recipient(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid key", 401)
        fields = await read_fields(request) or {}
        account, bank = str(fields.get("account_number") or ""), str(fields.get("bank_code") or "")
        if not (fields.get("type") == "nuban" and fields.get("name") and account and bank):
            return self._refusal("Account details are invalid", 400)
        told = {"active": True, "currency": "NGN", "recipient_code": f"RCP_SIM_{bank}_{account}"}
        return _said("Transfer recipient created successfully", told, 201)

    async def _transfer(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid key", 401)
        fields = await read_fields(request) or {}
        reference, amount = str(fields.get("reference") or ""), fields.get("amount")
        _, _, bank, account = (str(fields.get("recipient") or "") + "____").split("_")[:4]
        if not (account and isinstance(amount, int) and amount > 0 and reference.islower()):
            return self._refusal("Invalid parameters", 400)
        money = Money(amount, str(fields.get("currency") or "NGN"))
        return await self.place(request, reference, account, bank, money)

    async def _verify(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid key", 401)
        found = await self.find(request.path_params["reference"])
        if isinstance(found, Response):
            return found
        if found is None:
            return self._refusal("Transfer not found", 404)
        return _said("Transfer retrieved", _told(found))

    def _is_known(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key.encode())

    def _placed(self, transfer: Transfer) -> Response:
        return _said("Transfer has been queued", _told(transfer))

    def _named(self, account: str, name: str) -> Response:
        told = {"account_number": account, "account_name": name, "bank_id": 1}
        return _said("Account number resolved", told)

    def _refusal(self, message: str, status_code: int) -> Response:
        return Json({"status": False, "message": message}, status_code)

    def _announced(self, transfer: Transfer, *, forged: bool = False) -> Webhook:
        event = {"event": f"transfer.{_WORDS[transfer.state]}", "data": _told(transfer)}
        body = msgspec.json.encode(event)
        key = "not the key" if forged else self._key
        return Webhook(
            provider=self.name,
            url=self._world.settings.paystack_webhook_url,
            body=body,
            headers={"x-paystack-signature": signature(key, body)},
        )


def _told(transfer: Transfer) -> dict[str, Any]:
    otp = transfer.script.name == "otp_required"
    return {
        "id": transfer.id,
        "domain": "test",
        "amount": transfer.amount.minor,
        "currency": transfer.amount.currency,
        "source": "balance",
        "reason": "Wallet withdrawal",
        "reference": transfer.reference,
        "status": "otp" if otp else _WORDS[transfer.state],
        "transfer_code": f"TRF_SIM{transfer.id}",
        "fee_charged": _FEE_MINOR,
        "createdAt": stamp(transfer.created_at),
    }


def _said(message: str, data: Mapping[str, Any], status_code: int = 200) -> Response:
    return Json({"status": True, "message": message, "data": data}, status_code)
