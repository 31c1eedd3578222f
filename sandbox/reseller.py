"""A small reseller of the common shape, simulated: a token, numbers for networks, no reference.

Source: notes on datastation-like sites. What such a site answers is nowhere promised; this one says
`Status` in one word. It is there to try a configuration of the common shape with.
"""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.orders import Order, State
from sandbox.selling import Refusal, Seller, Wanted, is_key, naira, plain
from sandbox.selling_parts import Part, parts
from sandbox.wire import Json, read_fields

API_KEY = "SIM-reseller-key"

_NETWORKS = {1: "MTN", 2: "GLO", 3: "AIRTEL", 4: "9MOBILE"}
_PLAN_PRICE = 1000
_STATUS = {
    State.PENDING: "processing",
    State.DELIVERED: "successful",
    State.FAILED: "failed",
    State.REVERSED: "failed",
}


class Reseller(Seller):
    name = "reseller"
    answers_again = False
    scenarios: Mapping[str, Part] = parts(without={"duplicate_ref", "requery_down"})

    def routes(self) -> list[Route]:
        return [
            Route("/api/topup/", self._buy, methods=["POST"]),
            Route("/api/data/", self._buy, methods=["POST"]),
            Route("/api/user/", self._user, methods=["GET"]),
        ]

    async def _buy(self, request: Request) -> Response:
        try:
            _check_key(request)
            kind = request.url.path.rstrip("/").rpartition("/")[2]
            wanted = _wanted(kind, await read_fields(request) or {})
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _user(self, request: Request) -> Response:
        try:
            _check_key(request)
        except Refusal as refusal:
            return self._refused(refusal.code)
        return Json({"user": {"wallet_balance": await self._balance()}})

    def _sold(self, order: Order) -> object:
        return {
            "id": order.provider_reference,
            "Status": _STATUS[order.state],
            "mobile_number": order.recipient,
            "plan_amount": str(plain(order.charge)),
        }

    def _refused(self, code: str) -> Response:
        if code == "credentials":
            return Json({"detail": "Invalid token."}, 401)
        message = "insufficient balance" if code == "low_float" else code
        return Json({"Status": "failed", "error": [message]}, 400)


def _check_key(request: Request) -> None:
    if not is_key(request.headers.get("authorization"), f"Token {API_KEY}"):
        raise Refusal("credentials")


def _wanted(kind: str, fields: Mapping[str, Any]) -> Wanted:
    network = _NETWORKS.get(fields.get("network", 0))
    if network is None or (kind == "data" and not fields.get("plan")):
        raise Refusal("arguments")
    price = fields.get("amount") if kind == "topup" else _PLAN_PRICE
    return Wanted("", f"{kind}:{network}", str(fields.get("mobile_number") or ""), naira(price))
