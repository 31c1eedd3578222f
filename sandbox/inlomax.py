"""Inlomax, simulated: no reference of the caller's anywhere, so every request is another order.

Source: the client of a platform in production. `POST /transaction` is there as that client has it;
it asks by their reference, which a caller who lost a reply never learnt.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.orders import Order, State
from sandbox.selling import Refusal, Seller, Silence, Wanted, is_key, naira, plain
from sandbox.selling_parts import Part, parts
from sandbox.wire import Json, html_503, read_fields

API_KEY = "SIM-inlomax-key"

_PLAN_PRICES = {"sim-1gb": 350, "sim-2gb": 1500}
_OTHER_PLAN = 1000
_MESSAGES = {
    "credentials": "Invalid token",
    "arguments": "Invalid request",
    "number": "Invalid number",
    "low_float": "Insufficient balance",
    "refused": "Service not available",
}
_STATUS = {
    State.PENDING: "processing",
    State.DELIVERED: "success",
    State.FAILED: "failed",
    State.REVERSED: "failed",
}


class Inlomax(Seller):
    name = "inlomax"
    answers_again = False
    scenarios: Mapping[str, Part] = parts(tokens=True, without={"duplicate_ref"})
    _products: ClassVar[tuple[str, ...]] = ("airtime", "data", "subcable", "payelectric")

    def routes(self) -> list[Route]:
        return [
            *(Route(f"/api/{product}", self._buy, methods=["POST"]) for product in self._products),
            Route("/api/transaction", self._transaction, methods=["POST"]),
            Route("/api/balance", self._account, methods=["GET"]),
        ]

    async def _buy(self, request: Request) -> Response:
        try:
            _check_key(request)
            product = request.url.path.rpartition("/")[2]
            wanted = _wanted(product, await read_fields(request) or {})
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _transaction(self, request: Request) -> Response:
        fields = await read_fields(request) or {}
        try:
            _check_key(request)
            order = await self._asked(str(fields.get("reference") or ""), theirs=True)
        except Refusal as refusal:
            return self._refused(refusal.code)
        except Silence:
            return html_503()
        return Json(self._sold(order)) if order else self._refused("arguments")

    async def _account(self, request: Request) -> Response:
        try:
            _check_key(request)
        except Refusal as refusal:
            return self._refused(refusal.code)
        return Json({"status": "success", "data": {"funds": await self._balance()}})

    def _sold(self, order: Order) -> object:
        token = self._evidence(order).token
        data: dict[str, Any] = {
            "reference": order.provider_reference,
            "amount": plain(order.amount),
            "amountCharged": plain(order.charge),
            "status": _STATUS[order.state],
        }
        if token:
            data["token"] = token
        return {"status": _STATUS[order.state], "message": "SIMULATED", "data": data}

    def _refused(self, code: str) -> Response:
        message = _MESSAGES.get(code, _MESSAGES["refused"])
        return Json({"status": "failed", "message": message}, 401 if code == "credentials" else 200)


def _check_key(request: Request) -> None:
    if not is_key(request.headers.get("authorization"), f"Token {API_KEY}"):
        raise Refusal("credentials")


def _wanted(product: str, fields: Mapping[str, Any]) -> Wanted:
    service = str(fields.get("serviceID") or "")
    if not service:
        raise Refusal("arguments")
    account = str(fields.get("meterNum") or fields.get("iucNum") or "")
    if product == "payelectric":
        product = "token" if fields.get("meterType") == 1 else "meter"
    price = fields.get("amount") or _PLAN_PRICES.get(service, _OTHER_PLAN)
    number = str(fields.get("mobileNumber") or "")
    return Wanted("", f"{product}:{service}", number, naira(price), account)
