"""Flutterwave's bills (v3), simulated: a success that only says that the request was taken.

Source: developer.flutterwave.com, bill payments and error timeouts. Its collections are another
simulator. `reference` is taken once.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.orders import Order, State
from sandbox.selling import Refusal, Seller, Silence, Wanted, is_key, naira
from sandbox.selling_parts import Answer, Part, later, parts
from sandbox.webhooks import Webhook
from sandbox.wire import Json, html_503, read_fields

SECRET_KEY = "FLWSECK_TEST-SIM-X"  # noqa: S105 - everybody may know it
WEBHOOK_KEY = "SIM-flutterwave-hash"

_ERRORS = {
    "credentials": (401, "Invalid authorization key"),
    "arguments": (400, "Invalid request"),
    "number": (400, "Invalid customer"),
    "low_float": (400, "Insufficient funds in customer wallet"),
    "duplicate": (400, "This reference already exists"),
    "refused": (400, "This biller is not available"),
}
_STATUS = {
    State.PENDING: "pending",
    State.DELIVERED: "successful",
    State.FAILED: "failed",
    State.REVERSED: "reversed",
}


class FlutterwaveBills(Seller):
    name = "flutterwave_bills"
    scenarios: Mapping[str, Part] = {
        **parts(tokens=True, posts=True),
        "timeout_503": later(
            "JSON 503 as after 28 seconds, delivered later",
            State.DELIVERED,
            "08030000141",
            answer=Answer.ERROR_500,
        ),
    }

    def routes(self) -> list[Route]:
        return [
            Route("/v3/billers/{biller}/items/{item}/payment", self._pay, methods=["POST"]),
            Route("/v3/bills/{reference}", self._bill, methods=["GET"]),
            Route("/v3/balances/NGN", self._balances, methods=["GET"]),
        ]

    async def _pay(self, request: Request) -> Response:
        try:
            _check_key(request)
            wanted = _wanted(request.path_params, await read_fields(request) or {})
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _bill(self, request: Request) -> Response:
        try:
            _check_key(request)
            order = await self._asked(request.path_params["reference"])
        except Refusal as refusal:
            return self._refused(refusal.code)
        except Silence:
            return html_503()
        if order is None:
            return _error(404, "No bill payment was found")
        told = _success(self._told(order), "Bill status fetch successful")
        return Json(told)

    async def _balances(self, request: Request) -> Response:
        try:
            _check_key(request)
        except Refusal as refusal:
            return self._refused(refusal.code)
        data = {"currency": "NGN", "available_balance": float(await self._balance())}
        return Json(_success(data, "Wallet balance fetched"))

    def _sold(self, order: Order) -> object:
        data = {
            "phone_number": order.recipient,
            "amount": order.amount.minor // 100,
            "network": order.product,
            "code": "200",
            "tx_ref": order.provider_reference,
            "reference": None,
            "batch_reference": None,
            "recharge_token": None,
        }
        return _success(data, "Bill payment successful")

    def _told(self, order: Order) -> dict[str, Any]:
        return {
            "currency": "NGN",
            "customer_id": order.recipient,
            "amount": f"{order.amount.minor // 100}.0000",
            "product": order.product,
            "tx_ref": order.provider_reference,
            "extra": self._evidence(order).token or None,
            "status": _STATUS[order.state],
        }

    def _refused(self, code: str) -> Response:
        return _error(*_ERRORS.get(code, _ERRORS["refused"]))

    def _repeated(self, order: Order) -> Response:  # noqa: ARG002 - whatever became of it
        return self._refused("duplicate")

    def _error_500(self) -> Response:
        return _error(503, "An error occurred. Please contact support")

    def _webhooks(self, order: Order) -> Iterable[Webhook]:
        data = self._told(order) | {"customer_reference": order.reference}
        event = {"event": "singlebillpayment.status", "data": data}
        return [self._webhook(event, {"verif-hash": WEBHOOK_KEY})]


def _success(data: Mapping[str, Any], message: str) -> dict[str, Any]:
    return {"status": "success", "message": message, "data": data}


def _error(status: int, message: str) -> Response:
    return Json({"status": "error", "message": message, "data": None}, status)


def _check_key(request: Request) -> None:
    if not is_key(request.headers.get("authorization"), f"Bearer {SECRET_KEY}"):
        raise Refusal("credentials")


def _wanted(path: Mapping[str, str], fields: Mapping[str, Any]) -> Wanted:
    """An item whose code begins with `UB`, as electricity's do here, comes with a token."""
    reference, customer = str(fields.get("reference") or ""), str(fields.get("customer_id") or "")
    if not (reference and customer and fields.get("country") == "NG"):
        raise Refusal("arguments")
    kind = "token" if path["item"].startswith("UB") else "bill"
    product = f"{kind}:{path['biller']}/{path['item']}"
    return Wanted(reference, product, "", naira(fields.get("amount")), customer)
