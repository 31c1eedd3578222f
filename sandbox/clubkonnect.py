"""ClubKonnect, simulated: `GET` scripts, keys in the query, and orders that are complete too early.

Source: public transcriptions of its documents. A repeated `RequestID` finds its order. Refusals are
order errors with a code; a caller without the right keys is told so with code 400.
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.evidence import Evidence
from sandbox.orders import Order, State
from sandbox.selling import Refusal, Seller, Silence, Wanted, count, is_key, naira, plain
from sandbox.selling_parts import Answer, Part, later, nothing, parts
from sandbox.webhooks import Webhook
from sandbox.wire import Json, html_503

USER_ID = "SIM-clubkonnect-user"
API_KEY = "SIM-clubkonnect-key"

_PLAN_PRICES = {"sim-1gb": "350", "sim-2gb": "1500"}
_OTHER_PLAN = "1000"
_CODES = {
    State.PENDING: ("100", "ORDER_RECEIVED"),
    State.DELIVERED: ("200", "ORDER_COMPLETED"),
    State.FAILED: ("500", "ORDER_CANCELLED"),
    State.REVERSED: ("899", "ORDER_REFUNDED"),
}
_PENDING_AS = {
    "silent_network": ("201", "ORDER_COMPLETED"),
    "silent_network_then_fail": ("201", "ORDER_COMPLETED"),
    "on_hold": ("600", "ORDER_ONHOLD"),
    "on_hold_then_fail": ("600", "ORDER_ONHOLD"),
}
_ERRORS = {
    "credentials": ("400", "INVALID_CREDENTIALS"),
    "arguments": ("404", "MISSING_FIELDS"),
    "number": ("410", "INVALID_RECIPIENT"),
    "low_float": ("413", "INSUFFICIENT_BALANCE"),
    "refused": ("499", "ORDER_ERROR"),
}


class ClubKonnect(Seller):
    """Callbacks are `GET`s to the demo's address, whatever `CallBackURL` an order brings.

    The real one tries what it holds again every five minutes for an hour; here a scenario's
    seconds say when a try ends it.
    """

    name = "clubkonnect"
    scenarios: Mapping[str, Part] = {
        **parts(tokens=True, pins=True, posts=True),
        "silent_network": later(
            "code 201, called completed: delivered only later", State.DELIVERED, "08030000101"
        ),
        "silent_network_then_fail": later(
            "code 201, called completed: cancelled later", State.FAILED, "08030000102"
        ),
        "on_hold": later("code 600: delivered by a later try", State.DELIVERED, "08030000103"),
        "on_hold_then_fail": later(
            "code 600: cancelled when no try did it", State.FAILED, "08030000105"
        ),
        "login_page": nothing(
            "our address is not whitelisted: a login page", Answer.HTML_200, "08030000104"
        ),
    }
    _scripts: ClassVar[Mapping[str, str]] = {
        "APIAirtimeV1.asp": "airtime",
        "APIDatabundleV1.asp": "data",
        "APICableTVV1.asp": "cable",
        "APIElectricityV1.asp": "electricity",
        "APIWAECV1.asp": "exam",
        "APIJAMBV1.asp": "exam",
        "APIEPINV1.asp": "epin",
    }

    def routes(self) -> list[Route]:
        return [
            *(Route(f"/{script}", self._buy, methods=["GET"]) for script in self._scripts),
            Route("/APIQueryV1.asp", self._query, methods=["GET"]),
            Route("/APIWalletBalanceV1.asp", self._wallet, methods=["GET"]),
        ]

    async def _buy(self, request: Request) -> Response:
        fields = request.query_params
        try:
            _check_keys(fields)
            kind = self._scripts[request.url.path.rpartition("/")[2]]
            wanted = _wanted(kind, fields)
        except Refusal as refusal:
            return self._refused(refusal.code)
        return await self._sell(request, wanted)

    async def _query(self, request: Request) -> Response:
        try:
            _check_keys(request.query_params)
            order = await self._asked(request.query_params.get("RequestID", ""))
        except Refusal as refusal:
            return self._refused(refusal.code)
        except Silence:
            return html_503()
        return Json(self._told(order) if order else {"status": "INVALID_REQUESTID"})

    async def _wallet(self, request: Request) -> Response:
        try:
            _check_keys(request.query_params)
        except Refusal as refusal:
            return self._refused(refusal.code)
        return Json({"id": USER_ID, "balance": await self._balance()})

    def _sold(self, order: Order) -> object:
        """PINs are the whole reply; where they are late, only the order id comes."""
        evidence = self._evidence(order)
        if order.product.endswith(":epin"):
            return _epins(order, evidence) if evidence.pins else {"orderid": _id(order)}
        code, status = self._code(order)
        return {"orderid": _id(order), "statuscode": code, "status": status} | _parts(evidence)

    def _told(self, order: Order) -> dict[str, Any]:
        code, status = self._code(order)
        evidence = self._evidence(order)
        return {
            "orderid": _id(order),
            "requestid": order.reference,
            "statuscode": code,
            "status": status,
            "remark": "SIMULATED",
            "ordertype": order.product,
            "amountcharged": str(plain(order.charge)),
            **_parts(evidence),
            **(_epins(order, evidence) if order.product.startswith("pins:") else {}),
        }

    def _webhooks(self, order: Order) -> Iterable[Webhook]:
        code, status = self._code(order)
        told = {
            "orderdate": f"{order.placed_at:%Y-%m-%d %H:%M:%S}",
            "orderid": _id(order),
            "requestid": order.reference,
            "statuscode": code,
            "orderstatus": status,
            "orderremark": "SIMULATED",
        }
        return [self._visit(urlencode(told))]

    def _code(self, order: Order) -> tuple[str, str]:
        if order.state is State.PENDING and order.script.name in _PENDING_AS:
            return _PENDING_AS[order.script.name]
        return _CODES[order.state]

    def _refused(self, code: str) -> Response:
        if code == "duplicate":
            return Json({"status": "DUPLICATE_REQUESTID"})
        number, status = _ERRORS.get(code, _ERRORS["refused"])
        return Json({"statuscode": number, "status": status})


def _check_keys(fields: Mapping[str, str]) -> None:
    given = (fields.get("UserID"), fields.get("APIKey"))
    if not (is_key(given[0], USER_ID) and is_key(given[1], API_KEY)):
        raise Refusal("credentials")


def _wanted(kind: str, fields: Mapping[str, str]) -> Wanted:
    reference = fields.get("RequestID", "")
    msisdn = fields.get("MobileNumber") or fields.get("PhoneNo") or ""
    account = fields.get("MeterNo") or fields.get("SmartCardNo") or ""
    plan = fields.get("DataPlan") or fields.get("Package") or fields.get("ExamType") or ""
    amount = naira(fields.get("Amount") or _PLAN_PRICES.get(plan, _OTHER_PLAN))
    match kind:
        case "electricity":
            prepaid = fields.get("MeterType") == "01"
            product = f"{'token' if prepaid else 'meter'}:{fields.get('ElectricCompany')}"
        case "exam":
            product = f"pins:1:{plan}"
        case "epin":
            quantity = count(fields.get("Quantity"))
            amount = naira(count(fields.get("Value")) * quantity)
            product = f"pins:{quantity}:epin"
        case _:
            product = f"{kind}:{fields.get('MobileNetwork') or fields.get('CableTV')}"
    if not reference:
        raise Refusal("arguments")
    return Wanted(reference, product, msisdn, amount, account)


def _epins(order: Order, evidence: Evidence) -> dict[str, Any]:
    listed = [
        {"transactionid": _id(order), "sno": serial, "pin": pin} for serial, pin in evidence.pins
    ]
    return {"TXN_EPIN": listed} if listed else {}


def _parts(evidence: Evidence) -> dict[str, Any]:
    if evidence.token:
        return {"metertoken": evidence.token}
    if len(evidence.pins) == 1:
        serial, pin = evidence.pins[0]
        return {"carddetails": f"Serial No:{serial}, pin: {pin}"}
    return {}


def _id(order: Order) -> str:
    return order.provider_reference
