"""The sandbox on a free port, asked as Callbox and people ask it; and a taker of webhooks."""

import asyncio
import datetime as dt
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.kit.clock import Clock, SetClock
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.fakes.serving import serve

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)

_POST_KEY = {"api-key": "SIM-vtpass-key", "secret-key": "SK_SIM"}
_GET_KEY = {"api-key": "SIM-vtpass-key", "public-key": "PK_SIM"}
_BEARER = {"authorization": "Bearer sk_test_SIM"}
_numbers = itertools.count(1)


@dataclass
class Taker:
    """Where webhooks go. It answers `answers` in turn, the last one from then on."""

    answers: tuple[tuple[int, object], ...] = ((200, {"response": "success"}),)
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(request.headers)
        async with self.came:
            self.came.notify_all()
        status, content = self.answers[min(len(self.bodies), len(self.answers)) - 1]
        return JSONResponse(content, status)

    async def got(self, count: int) -> None:
        """Return when so many came; fail when they do not."""
        async with asyncio.timeout(5), self.came:
            await self.came.wait_for(lambda: len(self.bodies) >= count)


@asynccontextmanager
async def taker(*answers: tuple[int, object]) -> AsyncIterator[Taker]:
    taking = Taker(answers) if answers else Taker()
    paths = ("/hook", "/callbacks/{rest:path}", "/telegram/{rest:path}", "/whatsapp/{rest:path}")
    routes = [Route(path, taking.take, methods=["POST"]) for path in paths]
    async with serve(Starlette(routes=routes)) as base:
        taking.url = f"{base}/hook"
        yield taking


@dataclass
class Calls:
    """The calls that tests make on a sandbox. `clock` is the one that the sandbox goes by."""

    http: httpx.AsyncClient
    clock: Clock

    async def play(self, provider: str, scenario: str, **more: object) -> None:
        order = {"provider": provider, "scenario": scenario, **more}
        (await self.http.post("/control/scenarios", json=order)).raise_for_status()

    async def deliveries(self, recipient: str = "") -> list[dict[str, Any]]:
        return await self._listed("/control/deliveries", recipient=recipient)

    async def messages(self, to: str = "") -> list[dict[str, Any]]:
        return await self._listed("/control/sms", to=to)

    async def payments(self, **query: str) -> list[dict[str, Any]]:
        return await self._listed("/control/payments", **query)

    async def _listed(self, path: str, **query: str) -> list[dict[str, Any]]:
        listed: list[dict[str, Any]] = (await self.http.get(path, params=query)).json()
        return listed

    # VTpass.

    def request_id(self) -> str:
        lagos = self.clock.now() + dt.timedelta(hours=1)
        return f"{lagos:%Y%m%d%H%M}T{next(_numbers):06d}"

    async def vend(
        self, request_id: str, phone: str = "08031234567", **more: object
    ) -> httpx.Response:
        body = {"request_id": request_id, "serviceID": "mtn", "amount": 500, "phone": phone, **more}
        return await self.http.post("/vtpass/api/pay", json=body, headers=_POST_KEY)

    async def ask(self, request_id: str) -> httpx.Response:
        body = {"request_id": request_id}
        return await self.http.post("/vtpass/api/requery", json=body, headers=_POST_KEY)

    async def float_balance(self) -> str:
        reply = await self.http.get("/vtpass/api/balance", headers=_GET_KEY)
        return str(reply.json()["contents"]["balance"])

    # Paystack.

    async def initialize(self, reference: str, **more: object) -> httpx.Response:
        body = {
            "email": "2348031234567@pay.test",
            "amount": 100_000,
            "reference": reference,
            **more,
        }
        return await self.http.post("/paystack/transaction/initialize", json=body, headers=_BEARER)

    async def verify(self, reference: str) -> httpx.Response:
        return await self.http.get(f"/paystack/transaction/verify/{reference}", headers=_BEARER)

    async def pay(self, reference: str, **more: object) -> httpx.Response:
        return await self.http.post(f"/control/payments/{reference}/pay", json=more)

    # Africa's Talking.

    async def text(self, to: str, message: str = "Hello") -> httpx.Response:
        form = {"username": "sandbox", "to": to, "message": message, "from": "CALLBOX"}
        headers = {"apiKey": "SIM-at-key"}
        return await self.http.post(
            "/africastalking/version1/messaging", data=form, headers=headers
        )


@dataclass
class Outside(Calls):
    """A sandbox in this process, whose time the test sets."""

    clock: SetClock

    async def start_over(self) -> None:
        """As new, at noon: for the next test."""
        (await self.http.post("/control/reset")).raise_for_status()
        self.clock.advance((NOON - self.clock.now()).total_seconds())


@asynccontextmanager
async def outside(at: dt.datetime = NOON, **settings: Any) -> AsyncIterator[Outside]:
    """A sandbox in memory, with its clock stopped, that forgets itself afterwards.

    The same number may be bought for again at once, and webhooks are retried almost at once, unless
    `settings` say otherwise.
    """
    told = {
        "duplicate_window_s": 0.0,
        "webhook_backoff_s": (0.0,) * 4,
        "chat_backoff_s": (0.0,),
        "tick_s": 0.01,
        **settings,
    }
    clock = SetClock(at)
    async with serve(create_app(SandboxSettings(**told), clock)) as base, client(base) as http:
        yield Outside(http, clock)


def client(base_url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=base_url, timeout=5, trust_env=False)


async def settled() -> None:
    """Let the background tasks look around a few times, for what should not come."""
    await asyncio.sleep(0.15)
