"""SMEPlug, simulated: no reference is ever refused, and questions want theirs.

Source: a published SDK and notes of a platform in production. The same `customer_reference` twice
is two orders, as nothing says otherwise. Webhooks are not signed. Its list of transactions is in
`sandbox.statements`: the same one is read for a statement and searched for an order.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.orders import Order, State
from sandbox.selling import Refusal, Seller, Silence, Wanted, is_key, naira, plain
from sandbox.selling_parts import Part, parts
from sandbox.webhooks import Webhook
from sandbox.wire import Json, html_503, read_fields

SECRET_KEY = "SIM-smeplug-secret"  # noqa: S105 - everybody may know it

_NETWORKS = {1: "MTN", 2: "AIRTEL", 3: "9MOBILE", 4: "GLO"}
_PLAN_PRICES = {"sim-1gb": 350, "sim-2gb": 1500}
_OTHER_PLAN = 1000
_ERRORS = {
    "credentials": (401, "Unauthenticated"),
    "arguments": (422, "The given data was invalid"),
    "number": (422, "The phone is invalid"),
    "low_float": (400, "Insufficient balance"),
    "refused": (400, "This network is not available"),
}
_STATUS = {
    State.PENDING: "processing",
    State.DELIVERED: "success",
    State.FAILED: "failed",
    State.REVERSED: "reversed",
}


class SmePlug(Seller):
    name = "smeplug"
    answers_again = False
    scenarios: Mapping[str, Part] = parts(posts=True, without={"duplicate_ref"})

    def routes(self) -> list[Route]:
        base = "/api/v1"
        return [
            Route(f"{base}/networks", self._networks, methods=["GET"]),
            Route(f"{base}/{{product}}/purchase", self._buy, methods=["POST"]),
            Route(f"{base}/transactions/{{reference}}", self._transaction, methods=["GET"]),
            Route(f"{base}/account/balance", self._account, methods=["GET"]),
        ]

    async def _networks(self, request: Request) -> Response:
        try:
            _check_key(request)
        except Refusal as refusal:
            return self._refused(refusal.code)
        listed = {str(number): name for number, name in _NETWORKS.items()}
        return Json({"status": True, "networks": listed})

    async def _buy(self, request: Request) -> Response:
        try:
            _check_key(request)
            wanted = _wanted(request.path_params["product"], await read_fields(request) or {})
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _transaction(self, request: Request) -> Response:
        try:
            _check_key(request)
            order = await self._asked(request.path_params["reference"], theirs=True)
        except Refusal as refusal:
            return self._refused(refusal.code)
        except Silence:
            return html_503()
        if order is None:
            return Json({"status": False, "message": "Transaction not found"}, 404)
        return Json({"status": True, "transaction": _row(order)})

    async def _account(self, request: Request) -> Response:
        try:
            _check_key(request)
        except Refusal as refusal:
            return self._refused(refusal.code)
        return Json({"status": True, "balance": await self._balance()})

    def _sold(self, order: Order) -> object:
        data = {"reference": order.provider_reference, "msg": "SIMULATED"}
        if order.state is not State.DELIVERED:
            data["status"] = _STATUS[order.state]
        return {"status": True, "data": data}

    def _refused(self, code: str) -> Response:
        status, message = _ERRORS.get(code, _ERRORS["refused"])
        return Json({"status": False, "message": message}, status)

    def _webhooks(self, order: Order) -> Iterable[Webhook]:
        return [self._webhook({"transaction": _row(order)})]


def _row(order: Order) -> dict[str, Any]:
    return {
        "reference": order.provider_reference,
        "customer_reference": order.reference,
        "status": _STATUS[order.state],
        "type": order.product,
        "beneficiary": order.recipient,
        "price": plain(order.charge),
    }


def _check_key(request: Request) -> None:
    if not is_key(request.headers.get("authorization"), f"Bearer {SECRET_KEY}"):
        raise Refusal("credentials")


def _wanted(product: str, fields: Mapping[str, Any]) -> Wanted:
    network = _NETWORKS.get(fields.get("network_id", 0))
    if product not in {"airtime", "data"} or network is None:
        raise Refusal("refused")
    plan = str(fields.get("plan_id") or "")
    if product == "data" and not plan:
        raise Refusal("arguments")
    price = fields.get("amount") if product == "airtime" else _PLAN_PRICES.get(plan, _OTHER_PLAN)
    return Wanted(
        str(fields.get("customer_reference") or ""),
        f"{product}:{network}",
        str(fields.get("phone") or ""),
        naira(price),
    )
