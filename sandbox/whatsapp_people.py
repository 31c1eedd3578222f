"""People with WhatsApp: what each thing that they do becomes on the wire."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from core.kit.ids import uuid7
from sandbox.recipients import normal
from sandbox.whatsapp_hooks import Hooks
from sandbox.whatsapp_sending import statuses_of
from sandbox.whatsapp_state import Message, Person, new_id


class NotNow(Exception):
    """A person cannot do this now, in words."""


class Deed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every deed may say: the name that the person goes by from now on."""

    name: str | None = None


class Say(Deed, kw_only=True):
    text: str
    reply_to: str | None = None


class Press(Deed, kw_only=True):
    """Without `message_id` on the newest message that shows it; `anyway` needs none to show it."""

    id: str
    message_id: str | None = None
    anyway: bool = False


class Contact(Deed, kw_only=True):
    """`asked`: as the answer to a request for it; None finds out from the newest message."""

    phone_number: str = ""
    own: bool = True
    card_name: str = ""
    asked: bool | None = None


class Picture(Deed, kw_only=True):
    caption: str = ""


class Other(Deed, kw_only=True):
    """Any other kind of message, even unknown ones."""

    type: str = "unsupported"
    content: dict[str, Any] = msgspec.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who writes to the business."""

    hooks: Hooks
    person: Person

    async def send(
        self, kind: str, content: dict[str, Any], reply_to: str | None = None
    ) -> dict[str, Any]:
        """What they write is read on their side, and opens the window of a day."""
        now = self.hooks.world.clock.now()
        await self.read()
        message = Message(new_id(), False, now, kind, content, reply_to)  # noqa: FBT003 - theirs
        self.person.last_said_at = now
        self.person.keep(message)
        await self.hooks.message(self.person, message)
        return {"message_id": message.id}

    async def read(self) -> int:
        """They look at their phone: everything that arrived is read now."""
        arrived = [
            message
            for message in self.person.messages.values()
            if message.from_business and message.status == "delivered"
        ]
        for message in arrived:
            message.status = "read"
            now = self.hooks.world.clock.now()
            await self.hooks.statuses(self.person, *statuses_of(self.person, message, now, "read"))
        return len(arrived)


async def _say(actor: Actor, deed: Say) -> dict[str, Any]:
    if not deed.text.strip():
        raise NotNow("a phone sends no empty message")
    return await actor.send("text", {"text": {"body": deed.text}}, deed.reply_to)


async def _press(actor: Actor, deed: Press) -> dict[str, Any]:
    messages = actor.person.messages
    if deed.message_id is None:
        shows = [each for each in messages.values() if deed.id in each.options()]
    else:
        shows = [each for each in [messages.get(deed.message_id)] if each]
    message = shows[-1] if shows else None
    reply = message.options().get(deed.id) if message else None
    if reply is None and not deed.anyway:
        raise NotNow("no message shows such a button or row; anyway: true presses it all the same")
    if reply is None:
        reply = {"type": "button_reply", "button_reply": {"id": deed.id, "title": deed.id[:20]}}
    reply_to = message.id if message else deed.message_id
    return await actor.send("interactive", {"interactive": reply}, reply_to)


async def _contact(actor: Actor, deed: Contact) -> dict[str, Any]:
    person = actor.person
    number = normal(deed.phone_number) if deed.phone_number else None
    if deed.own and number:
        person.hidden_number = number
    number = number or person.hidden_number or person.wa_id
    if not number:
        raise NotNow("no phone_number is known of this person yet")
    asked = _was_asked(person) if deed.asked is None else deed.asked
    name = deed.card_name or person.as_contact()["profile"]["name"]
    card: dict[str, Any] = {
        "name": {"formatted_name": name, "first_name": name.split()[0]},
        "phones": [{"phone": f"+{number}", "wa_id": number, "type": "MOBILE"}],
        "origin": "contact_request" if asked and deed.own else "other",
    }
    if card["origin"] == "contact_request":
        person.wa_id = number  # from now on the business may see it
    else:
        card["vcard"] = f"BEGIN:VCARD\nVERSION:3.0\nFN:{name}\nTEL:+{number}\nEND:VCARD"
    return await actor.send("contacts", {"contacts": [card]})


async def _picture(actor: Actor, deed: Picture) -> dict[str, Any]:
    media = str(uuid7().int % 10**16)
    image = {"id": media, "mime_type": "image/jpeg", "sha256": "SIM"}
    if deed.caption:
        image["caption"] = deed.caption
    return await actor.send("image", {"image": image})


async def _other(actor: Actor, deed: Other) -> dict[str, Any]:
    content = deed.content
    if deed.type == "unsupported" and not content:
        error = {
            "code": 131051,
            "title": "Message type unknown",
            "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."},
        }
        content = {"errors": [error]}
    return await actor.send(deed.type, content)


async def _again(actor: Actor, _: Deed) -> dict[str, Any]:
    if not actor.hooks.carrier.again(actor.person.user_id):
        raise NotNow("nothing was sent by this person yet")
    return {"message_id": None}


async def _read(actor: Actor, _: Deed) -> dict[str, Any]:
    return {"read": await actor.read()}


ACTIONS: Mapping[str, tuple[type[Deed], Callable[[Actor, Any], Awaitable[dict[str, Any]]]]] = {
    "say": (Say, _say),
    "press": (Press, _press),
    "contact": (Contact, _contact),
    "image": (Picture, _picture),
    "other": (Other, _other),
    "read": (Deed, _read),
    "again": (Deed, _again),
}


def _was_asked(person: Person) -> bool:
    """Whether the newest message from the business asks for the number."""
    told = [message for message in person.messages.values() if message.from_business]
    newest = told[-1].content.get("interactive", {}) if told else {}
    return newest.get("type") == "request_contact_info"
