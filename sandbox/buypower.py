"""BuyPower electricity, simulated: signed answers, and 202 with a list of delays.

Source: the public beginning of docs.buypower.ng and public integrations. Meters of any number are
known here. A requery of a failed vend answers 202, as one integration has seen it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.orders import Order, State
from sandbox.selling import Refusal, Seller, Silence, Wanted, is_key, naira, plain
from sandbox.selling_parts import Answer, Part, delivered, parts
from sandbox.wire import Json, html_503, read_fields

API_KEY = "SIM-buypower-key"

_ERRORS = {
    "credentials": (401, "Unauthorized"),
    "arguments": (400, "Invalid request"),
    "number": (400, "Invalid phone"),
    "low_float": (422, "Insufficient wallet balance"),
    "duplicate": (409, "Duplicate orderId"),
    "refused": (400, "This disco is not available"),
}
_DELAY_S = [20, 20, 20, 20, 20, 20]


class BuyPower(Seller):
    """Airtime and the other verticals are not simulated: no public page describes them."""

    name = "buypower"
    scenarios: Mapping[str, Part] = {
        **parts(tokens=True, plans=False),
        "signature_wrong": delivered(
            "delivered, the reply is signed with another key", Answer.PLAIN, "08030000111"
        ),
    }

    def routes(self) -> list[Route]:
        return [
            Route("/v2/vend", self._vend, methods=["POST"]),
            Route("/v2/transaction/{order_id}", self._transaction, methods=["GET"]),
            Route("/v2/wallet/balance", self._wallet, methods=["GET"]),
        ]

    async def _vend(self, request: Request) -> Response:
        try:
            _check_key(request)
            wanted = _wanted(await read_fields(request) or {})
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _transaction(self, request: Request) -> Response:
        try:
            _check_key(request)
            order = await self._asked(request.path_params["order_id"])
        except Refusal as refusal:
            return self._refused(refusal.code)
        except Silence:
            return html_503()
        if order is None:
            return self._error(404, "Transaction not found")
        return self._json({"result": self._told(order)})

    async def _wallet(self, request: Request) -> Response:
        try:
            _check_key(request)
        except Refusal as refusal:
            return self._refused(refusal.code)
        return self._json({"status": True, "data": {"balance": await self._balance()}})

    def _sold(self, order: Order) -> object:
        if order.state is State.PENDING:
            message = "Transaction is still in progress. Please requery in 20 seconds"
            return _envelope(202, message) | {"error": True, "delay": _DELAY_S}
        return self._told(order)

    def _told(self, order: Order) -> dict[str, Any]:
        match order.state:
            case State.DELIVERED:
                return _envelope(200, "Successful transaction") | {"data": self._data(order)}
            case State.PENDING | State.UNSEEN:
                return _envelope(201, "Transaction is in progress")
            case State.FAILED | State.REVERSED:
                return _envelope(202, f"Transaction {order.state.value}")

    def _data(self, order: Order) -> dict[str, Any]:
        token = self._evidence(order).token
        return {
            "id": order.provider_reference,
            "orderId": order.reference,
            "vendRef": order.provider_reference,
            "token": "-".join(token[at : at + 4] for at in range(0, len(token), 4)),
            "units": "8.2",
            "vendAmount": plain(order.amount),
            "totalAmountPaid": plain(order.charge),
            "disco": order.product.partition(":")[2],
            "responseMessage": "SIMULATED",
        }

    def _refused(self, code: str) -> Response:
        return self._error(*_ERRORS.get(code, _ERRORS["refused"]))

    def _repeated(self, order: Order) -> Response:  # noqa: ARG002 - whatever became of it
        return self._refused("duplicate")

    def _error_500(self) -> Response:
        return self._error(500, "An unexpected error occurred. Please requery.")

    def _headers(self, body: bytes, order: Order | None = None) -> Mapping[str, str]:
        lies = order is not None and order.script.name == "signature_wrong"
        key = "SIM-another-key" if lies else API_KEY
        return {"x-buypower-signature": hashlib.sha512(body + key.encode()).hexdigest()}

    def _error(self, code: int, message: str) -> Response:
        return Json(_envelope(code, message), code)


def _envelope(code: int, message: str) -> dict[str, Any]:
    return {"status": code == 200, "responseCode": code, "message": message}  # noqa: PLR2004 - HTTP's


def _check_key(request: Request) -> None:
    if not is_key(request.headers.get("authorization"), f"Bearer {API_KEY}"):
        raise Refusal("credentials")


def _wanted(fields: Mapping[str, Any]) -> Wanted:
    reference, meter = str(fields.get("orderId") or ""), str(fields.get("meter") or "")
    kind = {"PREPAID": "token", "POSTPAID": "meter"}.get(str(fields.get("vendType")))
    if not (reference and meter and kind and fields.get("disco")):
        raise Refusal("arguments")
    return Wanted(
        reference,
        f"{kind}:{fields['disco']}",
        str(fields.get("phone") or ""),
        naira(fields.get("amount")),
        meter,
    )
