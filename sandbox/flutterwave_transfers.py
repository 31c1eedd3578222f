"""Flutterwave transfers (v3), simulated: banks, names, transfers, their webhook.

The wire is that of `core.providers.payouts.flutterwave`; amounts are in major units, and the first
answer to any transfer says NEW, whatever becomes of it.
"""

import hmac
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.money import Money, from_major, to_major
from sandbox.database import stamp
from sandbox.transfer_gateways import TransferGateway
from sandbox.transfers import BANKS, State, Transfer
from sandbox.webhooks import Webhook
from sandbox.wire import Json, read_fields
from sandbox.world import World

_FEE = 10.75
_WORDS = {
    State.PENDING: "PENDING",
    State.PAID: "SUCCESSFUL",
    State.FAILED: "FAILED",
    # It knows no such word: what a bank sends back is a transfer that failed after all.
    State.REVERSED: "FAILED",
}


class FlutterwaveTransfers(TransferGateway):
    """Money that really left is listed by the control calls."""

    name = "flutterwave_transfers"
    low_balance = "Insufficient funds in customer wallet"
    duplicate = "Transfer with reference already exists. Duplicate reference"
    no_account = ("Sorry, that account number is invalid, please check and try again", 400)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._key = world.settings.flutterwave_secret_key
        self._hash = world.settings.flutterwave_secret_hash

    def routes(self) -> list[Route]:
        return [
            Route("/v3/banks/NG", self._banks, methods=["GET"]),
            Route("/v3/accounts/resolve", self._resolve, methods=["POST"]),
            Route("/v3/transfers", self._transfer, methods=["POST"]),
            Route("/v3/transfers", self._list, methods=["GET"]),
            Route("/v3/transfers/{id:int}", self._fetch, methods=["GET"]),
        ]

    async def _banks(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid authorization key", 401)
        banks = [
            {"id": number, "code": code, "name": name}
            for number, (code, name) in enumerate(BANKS, start=1)
        ]
        return _said("Banks fetched successfully", banks)

    async def _resolve(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid authorization key", 401)
        fields = await read_fields(request) or {}
        return await self.resolve(str(fields.get("account_number") or ""))

    async def _transfer(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid authorization key", 401)
        fields = await read_fields(request) or {}
        reference, account = str(fields.get("reference") or ""), str(fields.get("account_number"))
        try:
            amount = from_major(str(fields.get("amount")), str(fields.get("currency")))
        except ValueError:
            return self._refusal("amount is invalid", 400)
        bank = str(fields.get("account_bank") or "")
        if not (reference and account and bank and amount.minor > 0):
            return self._refusal("Please check your request", 400)
        return await self.place(request, reference, account, bank, amount)

    async def _list(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid authorization key", 401)
        reference = request.query_params.get("reference", "")
        found = await self.find(reference)
        if isinstance(found, Response):
            return found
        listed = [_told(found)] if found and found.reference == reference else []
        pages = {"page_info": {"total": len(listed), "current_page": 1, "total_pages": 1}}
        return _said("Transfers fetched", listed, meta=pages)

    async def _fetch(self, request: Request) -> Response:
        if not self._is_known(request):
            return self._refusal("Invalid authorization key", 401)
        found = await self.find(str(request.path_params["id"]))
        if isinstance(found, Response):
            return found
        if found is None:
            return self._refusal("Transfer not found", 404)
        return _said("Transfer fetched", _told(found))

    def _is_known(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key.encode())

    def _placed(self, transfer: Transfer) -> Response:
        return _said("Transfer Queued Successfully", {**_told(transfer), "status": "NEW"})

    def _named(self, account: str, name: str) -> Response:
        return _said("Account details fetched", {"account_number": account, "account_name": name})

    def _refusal(self, message: str, status_code: int) -> Response:
        return Json({"status": "error", "message": message, "data": None}, status_code)

    def _announced(self, transfer: Transfer, *, forged: bool = False) -> Webhook:
        event = {
            "event": "transfer.completed",
            "event.type": "Transfer",
            "data": _told(transfer),
        }
        return Webhook(
            provider=self.name,
            url=self._world.settings.flutterwave_webhook_url,
            body=msgspec.json.encode(event),
            headers={"verif-hash": "not the hash" if forged else self._hash},
        )


def _told(transfer: Transfer) -> dict[str, Any]:
    return {
        "id": transfer.id,
        "account_number": transfer.account,
        "bank_code": transfer.bank_code,
        "created_at": stamp(transfer.created_at),
        "currency": transfer.amount.currency,
        "debit_currency": transfer.amount.currency,
        "amount": _number(transfer.amount),
        "fee": _FEE,
        "status": _WORDS[transfer.state],
        "reference": transfer.reference,
        "narration": "Wallet withdrawal",
        "complete_message": f"Simulated: {transfer.state}",
        "requires_approval": 0,
        "is_approved": 1,
    }


def _number(amount: Money) -> int | float:
    number = float(to_major(amount))
    return int(number) if number.is_integer() else number


def _said(message: str, data: object, **more: object) -> Response:
    return Json({"status": "success", "message": message, **more, "data": data})
