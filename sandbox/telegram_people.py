"""People with Telegram: what each thing that they do becomes on the wire."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from core.kit.ids import uuid7
from sandbox.carrier import Parcel
from sandbox.telegram_inline import QUERY_MAX, passed_on
from sandbox.telegram_state import DEMO, Bot, Chat, Person, Query, Stored, chat_object, commands_in
from sandbox.telegram_updates import is_wanted
from sandbox.world import World

_NAME = "telegram"
_DELIVERIES = ("twice", "twice_at_once", "out_of_order", "late", "forged", "held")
_CARRIED_BY_A_PERSON = ("callback_query", "inline_query", "chosen_inline_result")
_CARRIED_BY_A_CHAT = ("message", "edited_message", "my_chat_member", "chat_member")


class NotNow(Exception):
    """A person cannot do this now, in words."""


class Deed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What every deed may say."""

    bot: str = DEMO
    user_id: int | None = None
    first_name: str | None = None
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


class Say(Deed, kw_only=True):
    """`reply_to` is a message of the chat."""

    text: str
    reply_to: int | None = None


class Start(Deed, kw_only=True):
    payload: str = ""


class Press(Deed, kw_only=True):
    """`anyway` presses a button that the message does not show, or no longer."""

    message_id: int
    data: str
    anyway: bool = False


class Contact(Deed, kw_only=True):
    """`own` is the person's own card; a foreign one carries `user_id_in_card`, or no user."""

    phone_number: str = ""
    own: bool = True
    user_id_in_card: int | None = None
    card_name: str = ""
    forwarded: bool = False


class Edit(Deed, kw_only=True):
    message_id: int
    text: str


class Photo(Deed, kw_only=True):
    caption: str = ""


class Inline(Deed, kw_only=True):
    query: str = ""


class Choose(Deed, kw_only=True):
    """Pass on what an inline query was answered with, into the chat `to` (default: a group)."""

    result_id: str
    to: int = -1


class Other(Deed, kw_only=True):
    kind: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody in a chat with a bot."""

    world: World
    bot: Bot
    person: Person
    chat: Chat

    def message(self, content: dict[str, Any]) -> Stored:
        """A new message of theirs, kept in the chat."""
        now = self.world.clock.now()
        raw = {
            "message_id": next(self.bot.numbers),
            "from": self.person.as_user(),
            "chat": self.chat_object(),
            "date": int(now.timestamp()),
            **content,
        }
        message = Stored(raw, from_bot=False, at=now)
        self.chat.keep(message)
        return message

    def chat_object(self) -> dict[str, Any]:
        return chat_object(self.chat, self.person)

    async def tell(self, kind: str, content: object, *, unasked: bool = False) -> list[int]:
        """Send one update off, unless the bot wants none of its kind."""
        if not (unasked or is_wanted(self.bot, kind)):
            return []
        update_id = next(self.bot.update_numbers)
        lane = self.chat.id if kind != "inline_query" else self.person.id
        async with self.world.database.transaction() as tx:
            script = await self.world.scenarios.choose(
                tx,
                _NAME,
                [str(self.chat.id), str(self.person.id)],
                among=[f"update_{way}" for way in _DELIVERIES],
            )
        parcel = Parcel(str(lane), {"update_id": update_id, kind: content})
        self.bot.carrier.dispatch(parcel, script)
        return [update_id]

    async def member(self, *, blocked: bool) -> list[int]:
        """Block the bot, or take it back."""
        if self.chat.blocked == blocked:
            return []
        self.chat.blocked = blocked
        bot = self.bot.as_user()
        inside: dict[str, Any] = {"user": bot, "status": "member"}
        outside: dict[str, Any] = {"user": bot, "status": "kicked", "until_date": 0}
        return await self.tell(
            "my_chat_member",
            {
                "chat": self.chat_object(),
                "from": self.person.as_user(),
                "date": int(self.world.clock.now().timestamp()),
                "old_chat_member": inside if blocked else outside,
                "new_chat_member": outside if blocked else inside,
            },
        )


async def _say(actor: Actor, deed: Say) -> dict[str, Any]:
    _check_open(actor)
    text = deed.text.strip()
    if not text:
        raise NotNow("a phone sends no empty message")
    content: dict[str, Any] = {"text": text}
    if entities := commands_in(text):
        content["entities"] = entities
    if deed.reply_to in actor.chat.messages:
        content["reply_to_message"] = actor.chat.messages[deed.reply_to].raw
    message = actor.message(content)
    return _made(await actor.tell("message", message.raw), message)


async def _start(actor: Actor, deed: Start) -> dict[str, Any]:
    before = await actor.member(blocked=False)
    text = f"/start {deed.payload}".strip()
    message = actor.message({"text": text, "entities": commands_in(text)})
    return _made(before + await actor.tell("message", message.raw), message)


async def _press(actor: Actor, deed: Press) -> dict[str, Any]:
    _check_open(actor)
    message = actor.chat.messages.get(deed.message_id)
    if message is None:
        raise NotNow("no such message in this chat")
    there = {button.get("callback_data") for row in message.buttons for button in row}
    if not deed.anyway and (message.deleted or deed.data not in there):
        raise NotNow("that message shows no such button now; anyway: true presses it all the same")
    query_id = str(uuid7().int % 10**18)
    actor.bot.ask(query_id, Query(actor.chat, actor.world.clock.now()))
    ids = await actor.tell(
        "callback_query",
        {
            "id": query_id,
            "from": actor.person.as_user(),
            "message": message.raw,
            "chat_instance": f"SIM{actor.chat.id}",
            "data": deed.data,
        },
    )
    return _made(ids, None) | {"callback_query_id": query_id}


async def _contact(actor: Actor, deed: Contact) -> dict[str, Any]:
    _check_open(actor)
    person = actor.person
    if deed.own and deed.phone_number:
        person.phone_number = deed.phone_number
    number = deed.phone_number or person.phone_number
    if not number:
        raise NotNow("no phone_number is known of this person yet")
    owner = person.id if deed.own else deed.user_id_in_card
    card: dict[str, Any] = {
        "phone_number": number,
        "first_name": deed.card_name or person.as_user()["first_name"],
    }
    if owner is not None:
        card["user_id"] = owner
    content: dict[str, Any] = {"contact": card}
    if deed.forwarded:
        now = int(actor.world.clock.now().timestamp())
        content["forward_origin"] = {"type": "user", "sender_user": person.as_user(), "date": now}
        content["forward_date"] = now
    message = actor.message(content)
    return _made(await actor.tell("message", message.raw), message)


async def _edit(actor: Actor, deed: Edit) -> dict[str, Any]:
    _check_open(actor)
    message = actor.chat.messages.get(deed.message_id)
    if message is None or message.from_bot or message.deleted or "text" not in message.raw:
        raise NotNow("that is no text of this person")
    now = int(actor.world.clock.now().timestamp())
    message.raw = {**message.raw, "text": deed.text, "edit_date": now}
    message.edited = True
    return _made(await actor.tell("edited_message", message.raw), message)


async def _photo(actor: Actor, deed: Photo) -> dict[str, Any]:
    _check_open(actor)
    picture = f"SIM{uuid7().hex}"
    size = {"file_id": picture, "file_unique_id": picture[-12:], "width": 90, "height": 90}
    content: dict[str, Any] = {"photo": [{**size, "file_size": 1024}]}
    if deed.caption:
        content["caption"] = deed.caption
    message = actor.message(content)
    return _made(await actor.tell("message", message.raw), message)


async def _inline(actor: Actor, deed: Inline) -> dict[str, Any]:
    if len(deed.query) > QUERY_MAX:
        raise NotNow(f"a phone sends no more than {QUERY_MAX} letters")
    query_id = str(uuid7().int % 10**18)
    actor.chat.offered = None
    actor.bot.ask(query_id, Query(actor.chat, actor.world.clock.now(), deed.query))
    ids = await actor.tell(
        "inline_query",
        {
            "id": query_id,
            "from": actor.person.as_user(),
            "query": deed.query,
            "offset": "",
            "chat_type": "supergroup",
        },
    )
    return _made(ids, None) | {"inline_query_id": query_id}


async def _choose(actor: Actor, deed: Choose) -> dict[str, Any]:
    """The message is the person's own, by way of the bot; the bot hears of it if it asked to."""
    offered = actor.chat.offered
    query = actor.bot.queries.get(offered["query_id"]) if offered else None
    chosen = (query.results or {}).get(deed.result_id) if query else None
    if query is None or chosen is None:
        raise NotNow("the bot has offered nothing of that id to this person")
    to = Actor(actor.world, actor.bot, actor.person, actor.bot.chat(deed.to))
    message = to.message(passed_on(chosen) | {"via_bot": actor.bot.as_user()})
    told = {
        "result_id": deed.result_id,
        "from": actor.person.as_user(),
        "query": query.text,
    }
    return _made(await actor.tell("chosen_inline_result", told), message)


async def _block(actor: Actor, _: Deed) -> dict[str, Any]:
    return _made(await actor.member(blocked=True), None)


async def _unblock(actor: Actor, _: Deed) -> dict[str, Any]:
    return _made(await actor.member(blocked=False), None)


async def _again(actor: Actor, _: Deed) -> dict[str, Any]:
    if not actor.bot.carrier.again(str(actor.chat.id)):
        raise NotNow("nothing was sent from this chat yet")
    return _made([], None)


async def _other(actor: Actor, deed: Other) -> dict[str, Any]:
    """Whatever is missing of who and where is filled in for kinds that have it."""
    filled: dict[str, Any] = {}
    if deed.kind in _CARRIED_BY_A_CHAT:
        now = int(actor.world.clock.now().timestamp())
        filled = {"chat": actor.chat_object(), "from": actor.person.as_user(), "date": now}
        if deed.kind in ("message", "edited_message"):
            filled["message_id"] = next(actor.bot.numbers)
    elif deed.kind in _CARRIED_BY_A_PERSON:
        filled = {"from": actor.person.as_user()}
    return _made(await actor.tell(deed.kind, filled | deed.content, unasked=True), None)


ACTIONS: Mapping[str, tuple[type[Deed], Callable[[Actor, Any], Awaitable[dict[str, Any]]]]] = {
    "say": (Say, _say),
    "start": (Start, _start),
    "press": (Press, _press),
    "contact": (Contact, _contact),
    "edit": (Edit, _edit),
    "photo": (Photo, _photo),
    "inline": (Inline, _inline),
    "choose": (Choose, _choose),
    "block": (Deed, _block),
    "unblock": (Deed, _unblock),
    "again": (Deed, _again),
    "update": (Other, _other),
}


def _check_open(actor: Actor) -> None:
    if actor.chat.blocked:
        raise NotNow("this person has blocked the bot; start or unblock it first")


def _made(update_ids: list[int], message: Stored | None) -> dict[str, Any]:
    return {
        "update_ids": update_ids,
        "message_id": message.raw["message_id"] if message else None,
    }
