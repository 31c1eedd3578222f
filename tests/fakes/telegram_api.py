"""A small Bot API that answers as it is told, and writes down what it is asked."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.turns import Channel
from core.kit import ids
from tests.fakes.serving import serve
from tests.fakes.telegram_types import objections

TOKEN = "110201543:SIM-telegram-token"
USER = 4242


@dataclass(frozen=True)
class Asked:
    """One call: its method and its parameters; of a file, its size."""

    method: str
    parameters: dict[str, Any]


@dataclass
class SmallBotApi:
    """Takes everything, but for what `answers` holds for the next calls of a method.

    What is no call of the Bot API, as aiogram knows it, fails the test in the end.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: dict[str, deque[Response]] = field(default_factory=dict)
    updates: list[dict[str, Any]] = field(default_factory=list)
    objections: list[str] = field(default_factory=list)
    hangs: bool = False

    def next(self, method: str, *responses: Response) -> None:
        self.answers.setdefault(method, deque()).extend(responses)

    def of(self, method: str) -> list[dict[str, Any]]:
        return [each.parameters for each in self.asked if each.method == method]

    @property
    def methods(self) -> list[str]:
        return [each.method for each in self.asked]

    def channel(self, **changes: Any) -> Channel:
        settings = {"api_base_url": self.url, **changes.pop("settings", {})}
        made = Channel(
            ids.uuid7(),
            ids.uuid7(),
            "telegram",
            "telegram",
            "k3y",
            settings=settings,
            credentials={"token": TOKEN, "webhook_secret": "SIM-secret_1"},
        )
        return replace(made, **changes)

    async def serve_one(self, request: Request) -> Response:
        method = request.path_params["method"]
        asked = Asked(method, await _parameters(request))
        self.asked.append(asked)
        self.objections += objections(method, asked.parameters)
        if self.hangs:
            await asyncio.sleep(3600)
        if waiting := self.answers.get(method):
            return waiting.popleft()
        if method == "getUpdates":
            return await self._updates(asked.parameters)
        return well(_message(asked) if method.startswith("send") else True)

    async def _updates(self, parameters: dict[str, Any]) -> Response:
        """Those from the offset on; all before it are forgotten. Waits a little for the first."""
        self.updates = [
            each for each in self.updates if each["update_id"] >= parameters.get("offset", 0)
        ]
        for _ in range(10):
            if self.updates:
                break
            await asyncio.sleep(0.02)
        return well(self.updates[: parameters["limit"]])


def well(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


def refusal(status: int, description: str, **parameters: Any) -> Response:
    told: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        told["parameters"] = parameters
    return JSONResponse(told, status)


@asynccontextmanager
async def small_bot_api() -> AsyncIterator[SmallBotApi]:
    api = SmallBotApi()
    route = Route(f"/bot{TOKEN}/{{method}}", api.serve_one, methods=["POST"])
    async with serve(Starlette(routes=[route])) as api.url:
        yield api
    assert api.objections == []


async def _parameters(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/json"):
        found: dict[str, Any] = await request.json()
        return found
    async with request.form() as form:
        return {
            name: (await value.read()) if isinstance(value, UploadFile) else value
            for name, value in form.items()
        }


def _message(asked: Asked) -> Any:
    chat = {"id": USER, "type": "private", "first_name": "Ada"}
    return {"message_id": 77, "date": 1, "chat": chat, "text": asked.parameters.get("text", "")}
