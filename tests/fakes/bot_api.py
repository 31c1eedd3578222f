"""A Bot API for one bot that polls: what people do there, and what the bot did. Over a socket.

As Telegram: an update is handed out until a later question confirms it, a question is held while
there is nothing to answer, and a second one who polls is told of a conflict.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.serving import serve
from tests.fakes.waiting import until

TOKEN = "110201544:a-token-that-is-in-no-log"
BOT = {"id": 110201544, "is_bot": True, "first_name": "Operators", "username": "operators_bot"}
AS_GROUP = 1087968824  # GroupAnonymousBot, who is every anonymous admin of every group
_AT = 1_770_000_000
_TEXT_MAX = 4096


@dataclass
class Sent:
    """A message of the bot as a chat shows it now."""

    message_id: int
    chat_id: int
    text: str
    buttons: dict[str, str]


@dataclass
class BotApi:
    """What one bot's people and Telegram do.

    Attributes:
        away: Every call fails as when Telegram cannot be reached.
        refusals: By chat: what the next messages to it are answered with, status and body.
        lost: How many answers to `sendMessage` are lost after the message was taken.
    """

    url: str = ""
    away: bool = False
    refusals: dict[int, list[tuple[int, dict[str, Any]]]] = field(default_factory=dict)
    lost: int = 0
    sent: list[Sent] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    # What people do.

    def writes(
        self,
        user_id: int,
        text: str,
        *,
        chat_id: int | None = None,
        to: Sent | None = None,
        as_group: bool = False,
    ) -> int:
        """Somebody writes, in their own chat or in a group; answers the update's number.

        `as_group`: as an admin of it who is anonymous.
        """
        message: dict[str, Any] = {**self._message(user_id, chat_id), "text": text}
        if as_group:
            anonymous = {"id": AS_GROUP, "is_bot": True, "first_name": "Group"}
            message |= {"from": anonymous, "sender_chat": message["chat"]}
        if text.startswith("/"):
            length = len(text.split(maxsplit=1)[0])
            message["entities"] = [{"type": "bot_command", "offset": 0, "length": length}]
        if to is not None:
            message["reply_to_message"] = {
                "message_id": to.message_id,
                "date": _AT,
                "chat": _chat(to.chat_id),
                "from": BOT,
                "text": to.text,
            }
        return self.puts({"message": message})

    def taps(self, user_id: int, on: Sent, label: str) -> int:
        return self.brings(user_id, on, on.buttons[label])

    def brings(self, user_id: int, on: Sent, data: str) -> int:
        """A tap that brings back this, whatever the button says now."""
        return self.puts(
            {
                "callback_query": {
                    "id": str(next(self._ids)),
                    "from": _user(user_id),
                    "chat_instance": "1",
                    "data": data,
                    "message": {
                        "message_id": on.message_id,
                        "date": _AT,
                        "chat": _chat(on.chat_id),
                        "from": BOT,
                        "text": on.text,
                    },
                }
            }
        )

    def puts(self, update: dict[str, Any]) -> int:
        number = next(self._ids)
        self.waiting.append({"update_id": number, **update})
        self._news.set()
        return number

    def _message(self, user_id: int, chat_id: int | None) -> dict[str, Any]:
        return {
            "message_id": next(self._ids),
            "date": _AT,
            "chat": _chat(chat_id or user_id),
            "from": _user(user_id),
        }

    # What people see.

    def in_chat(self, chat_id: int) -> list[Sent]:
        return [each for each in self.sent if each.chat_id == chat_id]

    def texts(self, chat_id: int) -> list[str]:
        return [each.text for each in self.in_chat(chat_id)]

    async def asked(self, user_id: int, text: str, *, chat_id: int | None = None) -> Sent:
        """What the bot says to that, once it does."""
        where = chat_id or user_id
        before = len(self.in_chat(where))
        self.writes(user_id, text, chat_id=chat_id)
        await until(lambda: len(self.in_chat(where)) > before)
        return self.in_chat(where)[before]

    async def tapped(self, user_id: int, on: Sent, label: str) -> str:
        """What the tap is answered with."""
        before = len(self.answers)
        self.taps(user_id, on, label)
        await until(lambda: len(self.answers) > before)
        return self.answers[before]

    async def idle(self) -> None:
        """Until every update is confirmed."""
        await until(lambda: not self.waiting)

    # What the bot calls.

    async def serve_call(self, request: Request) -> Response:
        method, given = request.path_params["method"], await _given(request)
        self.calls.append(method)
        if self.away:
            return JSONResponse({"ok": False, "error_code": 502, "description": "Bad Gateway"}, 502)
        if request.path_params["token"] != TOKEN:
            refused = {"ok": False, "error_code": 401, "description": "Unauthorized"}
            return JSONResponse(refused, 401)
        return await getattr(self, f"_{method}", self._nothing)(given)

    async def _nothing(self, _: dict[str, Any]) -> Response:
        return _ok(result=True)

    async def _getMe(self, _: dict[str, Any]) -> Response:  # noqa: N802 - the method's own name
        more = {"can_join_groups": True, "can_read_all_group_messages": False}
        return _ok({**BOT, **more, "supports_inline_queries": False})

    async def _getUpdates(self, given: dict[str, Any]) -> Response:  # noqa: N802
        offset = int(given.get("offset", 0))
        self.waiting = [each for each in self.waiting if each["update_id"] >= offset]
        if not self.waiting:
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), float(given.get("timeout", 0)) or 0.01)
            except TimeoutError:
                return _ok([])
        return _ok(self.waiting[: int(given.get("limit", 100))])

    async def _sendMessage(self, given: dict[str, Any]) -> Response:  # noqa: N802
        chat_id, text = int(given["chat_id"]), str(given["text"])
        if queue := self.refusals.get(chat_id):
            status, body = queue.pop(0)
            return JSONResponse(
                {"ok": False, "error_code": status, "description": "refused", **body}, status
            )
        if not 0 < len(text.encode("utf-16-le")) // 2 <= _TEXT_MAX:
            return JSONResponse(
                {"ok": False, "error_code": 400, "description": "message is too long"}, 400
            )
        sent = Sent(next(self._ids), chat_id, text, _buttons(given))
        self.sent.append(sent)
        if self.lost:
            self.lost -= 1
            return Response("", 502)
        return _ok(_shown(sent))

    async def _editMessageText(self, given: dict[str, Any]) -> Response:  # noqa: N802
        wanted = int(given["message_id"])
        [sent] = [each for each in self.sent if each.message_id == wanted]
        sent.text, sent.buttons = str(given["text"]), _buttons(given)
        return _ok(_shown(sent))

    async def _answerCallbackQuery(self, given: dict[str, Any]) -> Response:  # noqa: N802
        self.answers.append(str(given.get("text", "")))
        return _ok(result=True)


@asynccontextmanager
async def bot_api() -> AsyncIterator[BotApi]:
    api = BotApi()
    calls = Route("/bot{token}/{method}", api.serve_call, methods=["GET", "POST"])
    async with serve(Starlette(routes=[calls])) as base:
        api.url = base
        yield api


def _ok(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


def _shown(sent: Sent) -> dict[str, Any]:
    return {
        "message_id": sent.message_id,
        "date": _AT,
        "chat": _chat(sent.chat_id),
        "from": BOT,
        "text": sent.text,
    }


def _chat(chat_id: int) -> dict[str, Any]:
    if chat_id < 0:
        return {"id": chat_id, "type": "supergroup", "title": "Operators"}
    return {"id": chat_id, "type": "private", "first_name": "Somebody"}


def _user(user_id: int) -> dict[str, Any]:
    return {"id": user_id, "is_bot": False, "first_name": "Somebody"}


def _buttons(given: dict[str, Any]) -> dict[str, str]:
    markup = given.get("reply_markup") or {}
    rows = markup.get("inline_keyboard", []) if isinstance(markup, dict) else []
    found = {each["text"]: each["callback_data"] for each in itertools.chain(*rows)}
    assert all(len(data.encode()) <= 64 for data in found.values())
    return found


async def _given(request: Request) -> dict[str, Any]:
    """Arguments as the client sends them: a form whose values may be JSON."""
    found: dict[str, Any] = dict(request.query_params)
    async with request.form() as form:
        found.update({name: value for name, value in form.items() if isinstance(value, str)})
    if isinstance(found.get("reply_markup"), str):
        found["reply_markup"] = json.loads(found["reply_markup"])
    return found
