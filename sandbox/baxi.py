"""Baxi, simulated: success said in three places, and errors that are none.

Source: developers.onafriq.com and public integrations. Errors come with HTTP 400 or 500 and a code
in letters. `agentReference` is taken once (BX0023).
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.orders import Order, State
from sandbox.selling import Refusal, Seller, Silence, Wanted, count, is_key, naira
from sandbox.selling_parts import Answer, Part, delivered, nothing, parts
from sandbox.wire import Json, html_503, read_fields

API_KEY = "SIM-baxi-key"

_ERRORS = {
    "credentials": ("BX0015", "Invalid token supplied"),
    "arguments": ("BX0020", "An error occurred during request processing"),
    "number": ("BX0020", "An error occurred during request processing"),
    "low_float": ("BX0020", "Insufficient balance"),
    "duplicate": ("BX0023", "Duplicate Agent Transaction Reference"),
    "no_response": ("BX0024", "No response from the connecting service provider"),
    "refused": ("BX0026", "Requested biller service does not exist"),
}
_STATUS = {
    State.PENDING: "pending",
    State.DELIVERED: "success",
    State.FAILED: "failed",
    State.REVERSED: "reversed",
}


class Baxi(Seller):
    name = "baxi"
    scenarios: Mapping[str, Part] = {
        **parts(tokens=True, pins=True),
        "no_response_with_order": delivered(
            "BX0024, delivered all the same", Answer.REFUSAL, "08030000121", code="no_response"
        ),
        "no_response_no_order": nothing(
            "BX0024, nothing is placed", Answer.REFUSAL, "08030000122", "no_response"
        ),
    }
    _services: ClassVar[tuple[str, ...]] = (
        "airtime", "databundle", "electricity", "multichoice", "epin",
    )  # fmt: skip

    def routes(self) -> list[Route]:
        base = "/api/baxipay"
        return [
            Route(f"{base}/services/{{service}}/request", self._buy, methods=["POST"]),
            Route(f"{base}/superagent/transaction/requery", self._requery, methods=["GET"]),
            Route(f"{base}/superagent/account/balance", self._account, methods=["GET"]),
        ]

    async def _buy(self, request: Request) -> Response:
        try:
            _check_key(request)
            service = request.path_params["service"]
            if service not in self._services:
                raise Refusal("refused")
            wanted = _wanted(service, await read_fields(request) or {})
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _requery(self, request: Request) -> Response:
        try:
            _check_key(request)
            order = await self._asked(request.query_params.get("agentReference", ""))
        except Refusal as refusal:
            return self._refused(refusal.code)
        except Silence:
            return html_503()
        return Json(self._sold(order)) if order else _error("BX0000", "No such transaction", 404)

    async def _account(self, request: Request) -> Response:
        try:
            _check_key(request)
        except Refusal as refusal:
            return self._refused(refusal.code)
        return Json({"status": "success", "code": 200, "data": {"balance": await self._balance()}})

    def _sold(self, order: Order) -> object:
        pending = order.state is State.PENDING
        evidence = self._evidence(order)
        data: dict[str, Any] = {
            "statusCode": "1" if pending else "0",
            "transactionStatus": _STATUS[order.state],
            "transactionReference": order.provider_reference,
            "transactionMessage": "SIMULATED",
            "agentReference": order.reference,
        }
        if evidence.token:
            data |= {"tokenCode": evidence.token, "amountOfPower": "8.2 kWh"}
        if evidence.pins:
            data["pins"] = [
                {"serialNumber": serial, "pin": pin, "expiresOn": "2030-01-01"}
                for serial, pin in evidence.pins
            ]
        return {
            "status": "pending" if pending else "success",
            "message": "SIMULATED",
            "code": 200,
            "data": data,
        }

    def _refused(self, code: str) -> Response:
        return _error(*_ERRORS.get(code, _ERRORS["refused"]), 400)

    def _repeated(self, order: Order) -> Response:  # noqa: ARG002 - whatever became of it
        return self._refused("duplicate")

    def _error_500(self) -> Response:
        return _error("UNK0001", "Unknown error on the platform", 500)


def _error(code: str, message: str, status: int) -> Response:
    return Json({"status": "error", "code": code, "message": message}, status)


def _check_key(request: Request) -> None:
    if not is_key(request.headers.get("authorization"), f"Api-key {API_KEY}"):
        raise Refusal("credentials")


def _wanted(service: str, fields: Mapping[str, Any]) -> Wanted:
    reference = str(fields.get("agentReference") or "")
    spelled = str(fields.get("service_type") or "")
    if not (reference and spelled and fields.get("agentId")):
        raise Refusal("arguments")
    amount = naira(fields.get("total_amount") or fields.get("amount"))
    account = str(fields.get("account_number") or fields.get("smartcard_number") or "")
    match service:
        case "electricity":
            product = f"{'token' if spelled.endswith('prepaid') else 'meter'}:{spelled}"
        case "epin":
            pins = count(fields.get("numberOfPins"))
            if naira(fields.get("pinValue")).minor * pins != amount.minor:
                raise Refusal("arguments")
            product = f"pins:{pins}:{spelled}"
        case _:
            product = f"{service}:{spelled}"
    return Wanted(reference, product, str(fields.get("phone") or ""), amount, account)
