"""Webhooks as WhatsApp writes them, and a small Graph API that answers as it is told."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.domain.turns import Channel
from tests.fakes.serving import serve

NUMBER_ID = "100000000000001"
USER_ID = "NG.1349000000000001"
WA_ID = "2348031234567"
APP_SECRET = "an app secret for tests"
TOKEN = "EAAG-token-for-tests"
VERIFY_TOKEN = "a verify token for tests"


def channel(
    *,
    settings: Mapping[str, object] | None = None,
    credentials: Mapping[str, str] | None = None,
    base_url: str = "http://127.0.0.1:1",
) -> Channel:
    """A number of ours; `settings` and `credentials` take the place of the usual ones."""
    usual: dict[str, object] = {
        "api_base_url": base_url,
        "api_version": "v26.0",
        "phone_number_id": NUMBER_ID,
        "template": {"name": "callbox_notice", "language": "en"},
    }
    known = {"access_token": TOKEN, "app_secret": APP_SECRET, "verify_token": VERIFY_TOKEN}
    return Channel(
        id=UUID(int=11),
        tenant_id=UUID(int=12),
        kind="whatsapp",
        gateway="whatsapp",
        key="demo",
        settings=usual if settings is None else settings,
        credentials=known if credentials is None else credentials,
    )


def at_360dialog(base_url: str = "https://waba-v2.360dialog.io") -> Channel:
    """The same channel, as a partner's customer configures it."""
    return channel(
        settings={
            "api_base_url": base_url,
            "api_version": "",
            "auth_header": "D360-API-KEY",
            "verifier": "path",
        },
        credentials={"access_token": TOKEN},
    )


def contact(user_id: str = USER_ID, wa_id: str = WA_ID, name: str = "Ada Obi") -> dict[str, Any]:
    told: dict[str, Any] = {"profile": {"name": name}}
    if user_id:
        told["user_id"] = user_id
    if wa_id:
        told["wa_id"] = wa_id
    return told


def message(
    kind: str = "text", content: object = None, wamid: str = "wamid.1", **more: object
) -> dict[str, Any]:
    """One message of Ada's; `content` stands under the name of its kind."""
    told = {
        "from": WA_ID,
        "from_user_id": USER_ID,
        "id": wamid,
        "timestamp": "1795600000",
        "type": kind,
        kind: {"body": "Hello"} if content is None else content,
        **more,
    }
    return {name: value for name, value in told.items() if value is not None}


def says(text: str, wamid: str = "wamid.1", **more: object) -> dict[str, Any]:
    return message("text", {"body": text}, wamid, **more)


def interactive(kind: str, button_id: str, title: str = "Buy") -> dict[str, Any]:
    reply = {"type": kind, kind: {"id": button_id, "title": title}}
    return message("interactive", reply, context={"from": "15550000001", "id": "wamid.9"})


def card(phone: str = "+234 803 123 4567", wa_id: str = WA_ID, **more: object) -> dict[str, Any]:
    number = {"phone": phone, "wa_id": wa_id, "type": "MOBILE"}
    return {"name": {"formatted_name": "Ada"}, "phones": [number], **more}


def status(name: str = "delivered", wamid: str = "wamid.9", *codes: int) -> dict[str, Any]:
    told: dict[str, Any] = {"id": wamid, "status": name, "timestamp": "1795600000"}
    if codes:
        told["errors"] = [{"code": code, "title": "Whatever"} for code in codes]
    return told


def value(
    *messages: object, contacts: object = None, statuses: object = None, number: str = NUMBER_ID
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550000001", "phone_number_id": number},
    }
    if messages:
        told["contacts"] = [contact()] if contacts is None else contacts
        told["messages"] = list(messages)
    if statuses is not None:
        told["statuses"] = statuses
    return told


def payload(*values: object) -> dict[str, Any]:
    """Several changes, two to an entry."""
    changes = [{"field": "messages", "value": each} for each in values]
    entries = [changes[at : at + 2] for at in range(0, len(changes), 2)]
    return {
        "object": "whatsapp_business_account",
        "entry": [{"id": "100000000000002", "changes": each} for each in entries],
    }


def signature(body: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    told = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={told}"}


def error(code: int, status: int = 400, **headers: str) -> Response:
    told = {"message": f"(#{code}) Whatever", "type": "OAuthException", "code": code}
    return JSONResponse({"error": told}, status, headers=headers)


@dataclass(frozen=True)
class Asked:
    """One call, as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Any


@dataclass
class Graph:
    """Answers messages with what is next in `answers`, then with a new id; takes every picture."""

    base_url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    media: Response | None = None
    came: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """What was sent to people, without read marks and pictures."""
        return [each.body for each in self.asked if "type" in each.body]

    @property
    def marks(self) -> list[dict[str, Any]]:
        return [each.body for each in self.asked if each.body.get("status") == "read"]

    async def take(self, request: Request) -> Response:
        body = json.loads(await request.body())
        await self._note(request, body)
        if body.get("status") == "read":
            return JSONResponse({"success": True})
        if self.answers:
            return self.answers.pop(0)
        return JSONResponse({"messages": [{"id": f"wamid.S{len(self.messages)}"}]})

    async def upload(self, request: Request) -> Response:
        async with request.form() as form:
            file = form["file"]
            assert not isinstance(file, str)
            body = {
                "product": form["messaging_product"],
                "kind": form["type"],
                "file": await file.read(),
            }
        await self._note(request, body)
        return self.media or JSONResponse({"id": "7001"})

    async def _note(self, request: Request, body: Any) -> None:
        self.asked.append(Asked(request.url.path, dict(request.headers), body))
        async with self.came:
            self.came.notify_all()

    async def until_marked(self, count: int) -> None:
        async with asyncio.timeout(5), self.came:
            await self.came.wait_for(lambda: len(self.marks) >= count)


@asynccontextmanager
async def graph() -> AsyncIterator[Graph]:
    made = Graph()
    paths = ("/{version}/{number}", "")
    app = Starlette(
        routes=[
            *(Route(f"{path}/messages", made.take, methods=["POST"]) for path in paths),
            *(Route(f"{path}/media", made.upload, methods=["POST"]) for path in paths),
        ]
    )
    async with serve(app) as made.base_url:
        yield made
