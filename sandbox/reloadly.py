"""Reloadly airtime, simulated: tokens that expire, orders that are only taken, a list of them.

Source: docs.reloadly.com and its airtime pages. A repeated `customIdentifier` is another order, as
nobody says otherwise. Webhooks are signed over the body, a colon and the time.
"""

import hashlib
import hmac
import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.orders import Order, State
from sandbox.selling import CURRENCY, Refusal, Seller, Silence, Wanted, is_key, naira, plain
from sandbox.selling_parts import Answer, Part, nothing, parts
from sandbox.webhooks import Webhook
from sandbox.wire import Json, html_503, read_fields
from sandbox.world import World

CLIENT_ID = "SIM-reloadly-client"
SECRET_KEY = "SIM-reloadly-secret"  # noqa: S105 - everybody may know it
WEBHOOK_KEY = "SIM-reloadly-hook"

_TOKEN_S = 3600
_OPERATORS = {341: "MTN Nigeria", 342: "Airtel Nigeria", 344: "Glo Nigeria", 340: "9Mobile Nigeria"}
_DATA_OPERATORS = {345: "MTN Nigeria Data"}
_LISTED_MAX = 200
_ERRORS = {
    "credentials": (401, "INVALID_TOKEN"),
    "token_expired": (401, "TOKEN_EXPIRED"),
    "arguments": (400, "INVALID_AMOUNT"),
    "number": (400, "INVALID_RECIPIENT_PHONE"),
    "low_float": (400, "INSUFFICIENT_BALANCE"),
    "duplicate": (400, "PHONE_RECENTLY_RECHARGED"),
    "refused": (400, "OPERATOR_NOT_IN_SERVICE"),
}
_STATUS = {
    State.PENDING: "PROCESSING",
    State.DELIVERED: "SUCCESSFUL",
    State.FAILED: "FAILED",
    State.REVERSED: "REFUNDED",
}


class Reloadly(Seller):
    name = "reloadly"
    answers_again = False
    scenarios: Mapping[str, Part] = {
        **parts(posts=True, without={"duplicate_ref"}),
        "token_expired": nothing(
            "refused: the token has expired", Answer.REFUSAL, "08030000131", "token_expired"
        ),
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._numbers = itertools.count(world.clock.now().microsecond + 1)

    def routes(self) -> list[Route]:
        return [
            Route("/oauth/token", self._token, methods=["POST"]),
            Route("/operators/countries/{country}", self._operators, methods=["GET"]),
            Route("/topups-async", self._topup, methods=["POST"]),
            Route("/topups/reports/transactions", self._list, methods=["GET"]),
            Route("/topups/{transaction_id}/status", self._status, methods=["GET"]),
            Route("/accounts/balance", self._account, methods=["GET"]),
        ]

    async def _token(self, request: Request) -> Response:
        fields = await read_fields(request) or {}
        known = is_key(fields.get("client_id"), CLIENT_ID)
        if not (known and is_key(fields.get("client_secret"), SECRET_KEY)):
            return _error(401, "INVALID_CREDENTIALS")
        until = int(self._world.clock.now().timestamp()) + _TOKEN_S
        return Json({"access_token": _access(until), "expires_in": _TOKEN_S})

    async def _operators(self, request: Request) -> Response:
        if error := self._turned_away(request):
            return error
        listed = [
            {"id": number, "name": name, "data": data, "bundle": False, "pin": False}
            for operators, data in ((_OPERATORS, False), (_DATA_OPERATORS, True))
            for number, name in operators.items()
        ]
        return Json(listed if request.path_params["country"] == "NG" else [])

    async def _topup(self, request: Request) -> Response:
        if error := self._turned_away(request):
            return error
        try:
            wanted = _wanted(await read_fields(request) or {})
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _status(self, request: Request) -> Response:
        if error := self._turned_away(request):
            return error
        try:
            order = await self._asked(request.path_params["transaction_id"], theirs=True)
        except Silence:
            return html_503()
        if order is None:
            return _error(404, "TRANSACTION_NOT_FOUND")
        return Json({"status": _STATUS[order.state], "transaction": _row(order)})

    async def _list(self, request: Request) -> Response:
        if error := self._turned_away(request):
            return error
        wanted = request.query_params.get("customIdentifier")
        try:
            if wanted:
                await self._asked(wanted)
        except Silence:
            return html_503()
        orders = await self._latest(_LISTED_MAX, wanted)
        rows = [_row(order) for order in orders]
        return Json({"content": rows, "totalElements": len(rows), "last": True})

    async def _account(self, request: Request) -> Response:
        if error := self._turned_away(request):
            return error
        return Json({"balance": float(await self._balance()), "currencyCode": CURRENCY})

    def _turned_away(self, request: Request) -> Response | None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        until = given.rpartition("-")[2]
        if not (until.isdecimal() and is_key(given, _access(int(until)))):
            return self._refused("credentials")
        expired = int(until) <= self._world.clock.now().timestamp()
        return self._refused("token_expired") if expired else None

    def _sold(self, order: Order) -> object:
        return {"transactionId": int(order.provider_reference)}

    def _refused(self, code: str) -> Response:
        return _error(*_ERRORS.get(code, _ERRORS["refused"]))

    def _webhooks(self, order: Order) -> Iterable[Webhook]:
        event = {"type": "airtime_transaction.status", "data": _row(order)}
        stamp = str(int(self._world.clock.now().timestamp()))
        body = msgspec.json.encode(event)
        signed = hmac.new(WEBHOOK_KEY.encode(), body + b":" + stamp.encode(), hashlib.sha256)
        headers = {
            "x-reloadly-signature": signed.hexdigest(),
            "x-reloadly-request-timestamp": stamp,
        }
        return [self._webhook(event, headers)]

    def _new_reference(self) -> str:
        """A number, as theirs are: the moment, then a count for those of one moment."""
        moment = int(self._world.clock.now().timestamp() * 1000)
        return f"{moment}{next(self._numbers) % 10_000:04}"


def _access(until: int) -> str:
    """A token that says when it ends and that nobody else can make up."""
    mark = hmac.new(SECRET_KEY.encode(), str(until).encode(), hashlib.sha256).hexdigest()
    return f"SIM-{mark}-{until}"


def _error(status: int, code: str) -> Response:
    return Json({"errorCode": code, "message": "SIMULATED", "path": "/topups-async"}, status)


def _row(order: Order) -> dict[str, Any]:
    return {
        "transactionId": int(order.provider_reference),
        "status": _STATUS[order.state],
        "customIdentifier": order.reference,
        "operatorName": order.product,
        "requestedAmount": plain(order.amount),
        "requestedAmountCurrencyCode": CURRENCY,
        "balanceInfo": {"cost": plain(order.charge), "currencyCode": CURRENCY},
        "pinDetail": None,
    }


def _wanted(fields: Mapping[str, Any]) -> Wanted:
    operator = fields.get("operatorId")
    product = (_OPERATORS | _DATA_OPERATORS).get(operator) if isinstance(operator, int) else None
    phone = fields.get("recipientPhone")
    if not product or not isinstance(phone, dict):
        raise Refusal("refused")
    amount = naira(_written(fields.get("amount")))
    reference = str(fields.get("customIdentifier") or "")
    return Wanted(reference, product, str(phone.get("number") or ""), amount)


def _written(amount: object) -> object:
    """A JSON number may have been made of 500 or of 500.0."""
    return int(amount) if isinstance(amount, float) and amount == int(amount) else amount
