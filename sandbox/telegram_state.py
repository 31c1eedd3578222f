"""What the simulated Telegram remembers: bots, people, chats with their messages as they stand now.

All of it is in this process's memory and bounded; a restart or `/control/reset` forgets it. Numbers
go on from the time of the start, so that an update or a message of an earlier run is never mistaken
for one of this run.
"""

import datetime as dt
import itertools
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.carrier import Carrier, Parcel
from sandbox.database import stamp

DEMO = "callbox_demo_bot"
OPERATORS = "callbox_operators_bot"

_MESSAGES_MAX = 500
_CHATS_MAX = 5_000
_CALLS_MAX = 2_000
_ANSWERS_MAX = 50
_QUERIES_MAX = 1_000
_EPOCH_S = 1_750_000_000
_COMMAND = re.compile(r"/\w{1,32}(@\w+)?")


class Refusal(Exception):
    """What the Bot API says instead of a result."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters


def bad(words: str) -> Refusal:
    return Refusal(400, f"Bad Request: {words}")


@dataclass(slots=True)
class Webhook:
    """Where a bot's updates go."""

    url: str
    secret: str = ""
    max_connections: int = 40


@dataclass(slots=True)
class Stored:
    """A message of a chat.

    Attributes:
        raw: The Bot API's Message, as it stands now.
        markup: What else came with it: a reply keyboard, its removal.
        source: The text as the bot wrote it, with its marks.
    """

    raw: dict[str, Any]
    from_bot: bool
    at: dt.datetime
    markup: dict[str, Any] | None = None
    source: str | None = None
    edited: bool = False
    deleted: bool = False

    @property
    def buttons(self) -> list[list[dict[str, Any]]]:
        rows: list[list[dict[str, Any]]] = self.raw.get("reply_markup", {}).get(
            "inline_keyboard", []
        )
        return rows


@dataclass(slots=True)
class Chat:
    """A chat of one bot: with a person when its id is positive, a group otherwise."""

    id: int
    title: str = ""
    blocked: bool = False
    typing: str | None = None
    keyboard: list[list[dict[str, Any]]] | None = None
    messages: dict[int, Stored] = field(default_factory=dict)
    offered: dict[str, Any] | None = None
    answers: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_ANSWERS_MAX))

    def keep(self, message: Stored) -> None:
        self.messages[message.raw["message_id"]] = message
        while len(self.messages) > _MESSAGES_MAX:
            del self.messages[next(iter(self.messages))]


@dataclass(slots=True)
class Query:
    """A press or an inline query that the bot may answer for a while.

    Attributes:
        text: Of an inline query, what was written.
        results: What an inline query was answered with, by id; None before.
    """

    chat: Chat
    at: dt.datetime
    text: str = ""
    results: dict[str, dict[str, Any]] | None = None


@dataclass(slots=True)
class Bot:
    """One bot: its token, its chats, and the updates that it has not taken."""

    token: str = field(repr=False)
    username: str
    name: str
    carrier: Carrier
    webhook: Webhook | None = None
    allowed: list[str] | None = None
    chats: dict[int, Chat] = field(default_factory=dict)
    queries: dict[str, Query] = field(default_factory=dict)
    commands: dict[tuple[str, str], list[dict[str, str]]] = field(default_factory=dict)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_CALLS_MAX))
    polls: int = 0
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(_first_number()))
    update_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(_first_number()))

    @property
    def id(self) -> int:
        return int(self.token.partition(":")[0])

    def as_user(self) -> dict[str, Any]:
        return {"id": self.id, "is_bot": True, "first_name": self.name, "username": self.username}

    def chat(self, chat_id: int) -> Chat:
        """The chat, begun now if it was not there."""
        if chat_id not in self.chats:
            if len(self.chats) >= _CHATS_MAX:
                del self.chats[next(iter(self.chats))]
            self.chats[chat_id] = Chat(chat_id, title=f"SIM group {-chat_id}")
        return self.chats[chat_id]

    def ask(self, query_id: str, query: Query) -> None:
        self.queries[query_id] = query
        while len(self.queries) > _QUERIES_MAX:
            del self.queries[next(iter(self.queries))]

    def waiting(self) -> list[Parcel]:
        """Updates that may be taken now, by number, each once."""
        now = time.monotonic()
        parcels = {
            parcel.content["update_id"]: parcel
            for parcel in self.carrier.waiting()
            if not (parcel.held or parcel.forged or parcel.not_before > now)
        }
        return [parcels[number] for number in sorted(parcels)]

    async def forget(self) -> None:
        await self.carrier.forget()
        for memory in (self.chats, self.queries, self.commands, self.calls):
            memory.clear()
        self.allowed = None


@dataclass(slots=True)
class Person:
    """Somebody with Telegram on a phone."""

    id: int
    first_name: str = ""
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = "en"
    phone_number: str | None = None

    def as_user(self) -> dict[str, Any]:
        user = {
            "id": self.id,
            "is_bot": False,
            "first_name": self.first_name or f"SIM {self.id}",
            "last_name": self.last_name,
            "username": self.username,
            "language_code": self.language_code,
        }
        return {key: value for key, value in user.items() if value is not None}


def chat_object(chat: Chat, person: Person | None) -> dict[str, Any]:
    """The chat as messages carry it."""
    if chat.id < 0:
        return {"id": chat.id, "type": "supergroup", "title": chat.title}
    user = person.as_user() if person else {"id": chat.id, "first_name": f"SIM {chat.id}"}
    named = {key: user[key] for key in ("first_name", "last_name", "username") if key in user}
    return {"id": chat.id, "type": "private", **named}


def commands_in(text: str) -> list[dict[str, Any]]:
    """The entity that a phone marks a command at the start with."""
    found = _COMMAND.match(text)
    return [{"type": "bot_command", "offset": 0, "length": found.end()}] if found else []


def shown(message: Stored) -> dict[str, Any]:
    """A message as a person sees it, for control calls and the phone page."""
    raw = message.raw
    kinds = ("text", "photo", "document", "contact")
    photo, document = raw.get("photo"), raw.get("document")
    return {
        "message_id": raw["message_id"],
        "from": "bot" if message.from_bot else "user",
        "at": stamp(message.at),
        "kind": next((kind for kind in kinds if kind in raw), "other"),
        "text": raw.get("text", raw.get("caption", "")),
        "source": message.source,
        "entities": raw.get("entities", raw.get("caption_entities", [])),
        "photo": photo
        and {"url": file_url(photo[-1]["file_id"])}
        | {side: photo[-1][side] for side in ("width", "height")},
        "document": document
        and {"url": file_url(document["file_id"])}
        | {key: document.get(key) for key in ("file_name", "mime_type")},
        "contact": raw.get("contact"),
        "buttons": message.buttons,
        "edited": message.edited,
        "deleted": message.deleted,
        "reply_to": raw.get("reply_to_message", {}).get("message_id"),
    }


def file_url(file_id: str) -> str:
    return f"/control/telegram/files/{file_id}"


def _first_number() -> int:
    """Ten a second since a day in 2025: more than a sandbox hands out, so runs never overlap."""
    return (int(time.time()) - _EPOCH_S) * 10
