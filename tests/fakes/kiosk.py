"""What stands behind the phone page: a Callbox that answers from a script, and control routes."""

import asyncio
import datetime as dt
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.phone.routes import routes

DEADLINE_S = 1.0
MENU = "CON Callbox\n1. Buy airtime\n2. My wallet\n3. Gift rooms\n4. My PIN\n5. Help"
AMOUNT = "CON How much for\n08031234567 (MTN)?\n1. N100\n2. N200\n3. N500\n0. Back 00. Main menu"
PIN = "CON Enter your PIN to pay:"
DONE = "END Done. N500 airtime is on 08031234567. Ref CB-7K2M. Thank you!"
ANSWERS = {"": MENU, "1": AMOUNT, "1*500": PIN, "1*500*4821": DONE, "2": "END Wallet: N1,250"}
CODE = "*347*100#"
LATE = "Delivered, but said so late."


def _fields(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


class Kiosk:
    """Callbox and the sandbox's control routes, with what they were sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._notices: asyncio.Queue[dict[str, str]] = asyncio.Queue()
        self.messages: list[dict[str, str]] = []
        self.scenarios: list[dict[str, str]] = []
        self.answers = dict(ANSWERS)
        self.delay_s = 0.0
        self.status = 200
        self.url = ""

    @property
    def turns(self) -> list[dict[str, str]]:
        return [_fields(body) for body in self.bodies]

    async def told(self) -> dict[str, str]:
        """The next end-of-session notice, each once."""
        async with asyncio.timeout(5):
            return await self._notices.get()

    def text(self, to: str, words: str) -> None:
        at = dt.datetime(2026, 11, 21, 9, 41, tzinfo=dt.UTC).isoformat()
        self.messages.append({"to": to, "from": "CALLBOX", "text": words, "at": at})

    async def turn(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        text = self.turns[-1]["text"]
        await asyncio.sleep(self.delay_s)
        return PlainTextResponse(self.answers.get(text, "END Wrong choice."), self.status)

    async def notice(self, request: Request) -> Response:
        self._notices.put_nowait(_fields(await request.body()))
        return PlainTextResponse("OK")

    async def sms(self, request: Request) -> Response:
        return JSONResponse([m for m in self.messages if m["to"] == request.query_params["to"]])

    async def list_scenarios(self, _: Request) -> Response:
        return JSONResponse({"vtpass": {"arrives_late": LATE}})

    async def choose_scenario(self, request: Request) -> Response:
        self.scenarios.append(await request.json())
        return JSONResponse({})

    def callbox(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/ussd/africastalking/demo", self.turn, methods=["POST"]),
                Route("/ussd/africastalking/demo/events", self.notice, methods=["POST"]),
            ]
        )

    def sandbox(self, callbox_url: str) -> Starlette:
        control = [
            Route("/control/sms", self.sms),
            Route("/control/scenarios", self.list_scenarios),
            Route("/control/scenarios", self.choose_scenario, methods=["POST"]),
        ]
        return Starlette(routes=[*control, *routes(callbox_url, CODE, DEADLINE_S)])
