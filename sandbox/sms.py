"""Africa's Talking bulk SMS, simulated.

`POST /version1/messaging` with the form fields `username`, `to` (comma separated), `message` and
`from`; the key is in the header `apiKey`. Each recipient has a status code of its own: 101 sent,
4xx rejected. The HTTP status only says that the request was read.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.kit.ids import uuid7
from sandbox import messages
from sandbox.database import Transaction
from sandbox.recipients import is_mobile
from sandbox.scenarios import Scenario, Script
from sandbox.wire import SIMULATED, Json, hold, read_fields
from sandbox.world import World

NAME = "africastalking"

SCENARIOS: Mapping[str, Scenario] = {
    "ok": Scenario("the message arrives at once"),
    "sms_500": Scenario("HTTP 500, nothing is sent", recipients=("08030000301",)),
    "sms_timeout": Scenario(
        "the message arrives, the answer comes too late", 90, recipients=("08030000302",)
    ),
    "sms_rejected": Scenario(
        "the recipient is refused with a code of its own", code="406", recipients=("08030000303",)
    ),
}

_SENDER = "AFRICASTKNG"
_COST = Decimal("2.2000")
_SENT = 101
_INVALID_NUMBER = 403
_WORDS = {
    _SENT: "Success",
    401: "RiskHold",
    402: "InvalidSenderId",
    _INVALID_NUMBER: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    405: "InsufficientBalance",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
}


class AfricasTalkingSms:
    """Messages that it takes are listed by the control calls."""

    scenarios = SCENARIOS

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [Route("/version1/messaging", self._send, methods=["POST"])]

    async def _send(self, request: Request) -> Response:
        fields = await read_fields(request) or {}
        if not self._is_known(request, str(fields.get("username", ""))):
            return PlainTextResponse("The supplied authentication is invalid", 401, SIMULATED)
        numbers = [
            number.strip() for number in str(fields.get("to", "")).split(",") if number.strip()
        ]
        text = str(fields.get("message", ""))
        if not numbers or not text:
            return PlainTextResponse("Must have the parameters to and message", 400, SIMULATED)

        sender = str(fields.get("from") or _SENDER)
        async with self._world.database.transaction() as tx:
            scripts = {
                number: await self._world.scenarios.choose(tx, NAME, [number]) for number in numbers
            }
            played = {script.name: script for script in scripts.values()}
            if "sms_500" in played:
                return PlainTextResponse("Internal Server Error", 500, SIMULATED)
            results = [
                await self._take(tx, number, script, sender, text)
                for number, script in scripts.items()
            ]
        if late := played.get("sms_timeout"):
            await hold(request.receive, late.seconds)
        return Json({"SMSMessageData": _summary(results)}, 201)

    async def _take(
        self, tx: Transaction, number: str, script: Script, sender: str, text: str
    ) -> dict[str, Any]:
        if not is_mobile(number):
            return _result(number, _INVALID_NUMBER)
        if script.name == "sms_rejected":
            return _result(number, int(script.code))
        await messages.receive(
            tx,
            provider=NAME,
            recipient=number,
            sender=sender,
            body=text,
            at=self._world.clock.now(),
        )
        return _result(number, _SENT)

    def _is_known(self, request: Request, username: str) -> bool:
        settings = self._world.settings
        return (
            request.headers.get("apikey") == settings.africastalking_api_key
            and username == settings.africastalking_username
        )


def _result(number: str, code: int) -> dict[str, Any]:
    sent = code == _SENT
    return {
        "statusCode": code,
        "number": number,
        "status": _WORDS.get(code, "Rejected"),
        "cost": f"NGN {_COST}" if sent else "0",
        "messageId": f"ATXid_SIM{uuid7().hex}" if sent else "None",
    }


def _summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    sent = sum(result["statusCode"] == _SENT for result in results)
    return {
        "Message": f"Sent to {sent}/{len(results)} Total Cost: NGN {_COST * sent}",
        "Recipients": results,
    }
