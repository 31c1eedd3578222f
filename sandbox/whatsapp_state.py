"""What the simulated WhatsApp remembers: people, and what was said between them and the business.

All of it is in this process's memory and bounded; a restart or `/control/reset` forgets it.
"""

import datetime as dt
import hashlib
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from core.kit.ids import uuid7
from sandbox.database import stamp
from sandbox.recipients import normal
from sandbox.whatsapp_checks import template_parameters

WINDOW = dt.timedelta(hours=24)

_PEOPLE_MAX = 5_000
_MESSAGES_MAX = 500
_CALLS_MAX = 2_000
_MEDIA_MAX = 100


@dataclass(slots=True)
class Message:
    """One message, `content` as it was on the wire.

    Attributes:
        status: Of one from the business: accepted, sent, delivered, read, failed.
        error: Why it failed.
    """

    id: str
    from_business: bool
    at: dt.datetime
    kind: str
    content: dict[str, Any]
    reply_to: str | None = None
    status: str | None = None
    error: int | None = None
    tracker: str | None = None

    def options(self) -> dict[str, dict[str, Any]]:
        """What can be pressed on it, by id: how the answer tells of it."""
        if self.kind != "interactive" or not self.from_business:
            return {}
        action = self.content["interactive"]["action"]
        told: dict[str, dict[str, Any]] = {}
        for button in action.get("buttons", []):
            told[button["reply"]["id"]] = {
                "type": "button_reply",
                "button_reply": {key: button["reply"][key] for key in ("id", "title")},
            }
        for row in (row for section in action.get("sections", []) for row in section["rows"]):
            reply = {key: row[key] for key in ("id", "title", "description") if row.get(key)}
            told[row["id"]] = {"type": "list_reply", "list_reply": reply}
        return told


@dataclass(slots=True)
class Person:
    """Somebody with WhatsApp.

    Attributes:
        user_id: Who they are for this business, always told.
        wa_id: Their number, while the business may see it.
        hidden_number: The number of one who shows only a username.
    """

    user_id: str
    wa_id: str | None
    username: str | None = None
    hidden_number: str | None = None
    name: str = ""
    last_said_at: dt.datetime | None = None
    typing: bool = False
    messages: dict[str, Message] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return self.wa_id or self.user_id

    def keep(self, message: Message) -> None:
        self.messages[message.id] = message
        while len(self.messages) > _MESSAGES_MAX:
            del self.messages[next(iter(self.messages))]

    def is_open(self, now: dt.datetime) -> bool:
        """Whether anything but a template may be sent to them."""
        return self.last_said_at is not None and now - self.last_said_at < WINDOW

    def as_contact(self) -> dict[str, Any]:
        """How webhooks introduce them."""
        profile = {"name": self.name or f"SIM {self.username or self.key}"}
        if self.username:
            profile["username"] = self.username
        contact: dict[str, Any] = {"profile": profile, "user_id": self.user_id}
        if self.wa_id:
            contact["wa_id"] = self.wa_id
        return contact


@dataclass(frozen=True, slots=True)
class Media:
    id: str
    mime_type: str
    content: bytes = field(repr=False)


@dataclass(slots=True)
class Memory:
    """Everything."""

    people: dict[str, Person] = field(default_factory=dict)
    media: dict[str, Media] = field(default_factory=dict)
    calls: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_CALLS_MAX))

    def person(self, who: str) -> Person:
        """Found, or made: by number in any form, by `@username`, or by user id (`NG.123`)."""
        found = self.find(who)
        if found is None:
            found = _new_person(who)
            self.people[found.user_id] = found
            while len(self.people) > _PEOPLE_MAX:
                del self.people[next(iter(self.people))]
        return found

    def find(self, who: str) -> Person | None:
        if "." in who:
            return self.people.get(who)
        if who.startswith("@"):
            fits = (each for each in self.people.values() if each.username == who[1:])
        else:
            number = normal(who)
            fits = (each for each in self.people.values() if each.wa_id == number)
        return next(fits, None)

    def keep_media(self, mime_type: str, content: bytes) -> Media:
        media = Media(str(uuid7().int % 10**16), mime_type, content)
        self.media[media.id] = media
        while len(self.media) > _MEDIA_MAX:
            del self.media[next(iter(self.media))]
        return media

    def said(self, message_id: str) -> tuple[Person, Message] | None:
        """A message of a person, with who said it."""
        for person in self.people.values():
            message = person.messages.get(message_id)
            if message and not message.from_business:
                return person, message
        return None

    def forget(self) -> None:
        for memory in (self.people, self.media, self.calls):
            memory.clear()


def new_id() -> str:
    return f"wamid.SIM{uuid7().hex.upper()}"


def _new_person(who: str) -> Person:
    if "." in who:
        return Person(who, None, username=f"sim{who.rpartition('.')[2][-6:]}")
    if who.startswith("@"):
        return Person(_user_id(who), None, username=who[1:])
    number = normal(who)
    return Person(_user_id(number), number)


def _user_id(seed: str) -> str:
    """Always the same for somebody, and nothing that tells their number."""
    digits = int.from_bytes(hashlib.sha256(f"callbox {seed}".encode()).digest()[:8], "big")
    return f"NG.{digits % 10**16:016d}"


def shown(message: Message) -> dict[str, Any]:
    """A message as a person sees it, for control calls and the phone page."""
    content = message.content
    told: dict[str, Any] = {
        "id": message.id,
        "from": "business" if message.from_business else "user",
        "at": stamp(message.at),
        "type": message.kind,
        "header": None,
        "text": "",
        "footer": None,
        "buttons": [],
        "list": None,
        "link": None,
        "image": None,
        "document": None,
        "template": None,
        "status": message.status,
        "error": message.error,
        "reply_to": message.reply_to,
    }
    inner = content.get(message.kind)
    if message.kind == "interactive" and message.from_business:
        return told | _interactive(content["interactive"])
    if message.kind == "interactive":
        return told | {"text": next(iter(_reply_of(content).values())).get("title", "")}
    if message.kind == "text":
        return told | {"text": content["text"]["body"]}
    if message.kind in ("image", "document") and isinstance(inner, dict):
        url = f"/control/whatsapp/media/{inner['id']}" if inner.get("id") else inner.get("link")
        caption = inner.get("caption", "")
        return told | {"text": caption, message.kind: {"url": url, "caption": caption}}
    if message.kind == "template" and isinstance(inner, dict):
        template = {
            "name": inner["name"],
            "language": inner["language"]["code"],
            "parameters": template_parameters(inner),
        }
        return told | {"template": template, "text": "\n".join(template["parameters"])}
    if message.kind == "contacts":
        phones = content["contacts"][0]["phones"]
        return told | {"text": phones[0]["phone"]}
    return told


def _reply_of(content: dict[str, Any]) -> dict[str, Any]:
    reply = content["interactive"]
    return {reply["type"]: reply[reply["type"]]}


def _interactive(interactive: dict[str, Any]) -> dict[str, Any]:
    action = interactive["action"]
    header = interactive.get("header") or {}
    told: dict[str, Any] = {
        "type": interactive["type"],
        "header": header.get("text"),
        "text": interactive["body"]["text"],
        "footer": (interactive.get("footer") or {}).get("text"),
        "buttons": [button["reply"] for button in action.get("buttons", [])],
    }
    if "sections" in action:
        told["list"] = {"button": action["button"], "sections": action["sections"]}
    if interactive["type"] == "cta_url":
        parameters = action["parameters"]
        told["link"] = {"text": parameters["display_text"], "url": parameters["url"]}
    return told
