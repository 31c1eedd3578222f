"""Reading a webhook: entries, changes, messages and statuses, whatever else is in it.

Source: https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks (November 2026).

One call brings several messages and statuses, of several people, in any order. A person is known by
`user_id` (for this business alone, for ever) and, unless they go by a username, by `wa_id`, their
number. When a message was written is told to the second: what waits is put in order by that. What
is strange is left out by itself: it must not keep back what stands beside it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import structlog

from bots.edge import Heard, Malformed
from bots.whatsapp.errors import failure
from core.domain.chat import ChatMessage, Doing, Fate, Later, Moved
from core.kit.errors import Problem
from core.kit.msisdn import from_network
from core.providers.values import member, whole, word, words

log = structlog.get_logger()

_NAME_MAX = 128
_NUMBER = re.compile(r"\+?(\d{5,20})", re.ASCII)
_BUTTON = re.compile(r"([\w-]{1,64})\.(\d{1,9}):(.{1,200})", re.ASCII)
_COMMAND = re.compile(r"/([a-z][a-z_]{0,31})", re.ASCII | re.IGNORECASE)
_START = re.compile(r"/start\s+([\w-]{1,64})", re.ASCII | re.IGNORECASE)
# What the link in a shared gift has its friends write.
_GIFT = re.compile(r"gift[\s-]+([2-9]{4})[\s-]?([2-9]{4})", re.ASCII | re.IGNORECASE)
_STATUSES = ("sent", "delivered", "read", "played", "failed")
_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class _Person:
    """Who wrote. At least one of `user_id` and `wa_id` is known."""

    user_id: str
    wa_id: str
    name: str


def heard(document: object, phone_number_id: str) -> Heard:
    """All that is about that number of ours; about any, where it is "".

    Raises:
        Malformed: it has no entries.
    """
    entries = member(document, "entry")
    if not isinstance(entries, list):
        raise Malformed("no entries")
    messages: list[ChatMessage] = []
    fates: list[Fate] = []
    moves: list[Moved] = []
    for value in _values(entries, phone_number_id):
        people = [_introduced(contact) for contact in _objects(value, "contacts")]
        all_told = _objects(value, "messages")
        alone = len(people) == 1 and len(set(map(_sender, all_told))) == 1
        for told in all_told:
            if told.get("type") == "system":
                moves += _moved(told)
            elif (message := _message(told, people, alone=alone)) is not None:
                messages.append(message)
        fates += filter(None, map(_fate, _objects(value, "statuses")))
    return Heard(tuple(messages), tuple(fates), moves=tuple(moves))


def _values(entries: list[object], phone_number_id: str) -> Iterator[object]:
    """What each change of the field `messages` is about, if it is about our number."""
    for entry in entries:
        for change in _objects(entry, "changes"):
            if change.get("field") != "messages":
                continue
            value = change.get("value")
            number = word(member(value, "metadata", "phone_number_id"))
            if phone_number_id and number != phone_number_id:
                log.warning("whatsapp.other_number", ours=phone_number_id)
                continue
            yield value


def _objects(value: object, name: str) -> list[dict[str, object]]:
    listed = member(value, name)
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


# Who.


def _introduced(contact: Mapping[str, object]) -> _Person:
    name = " ".join(words(member(contact, "profile", "name")).split())
    return _Person(
        _user_id(contact.get("user_id")), _number(contact.get("wa_id")), name[:_NAME_MAX]
    )


def _sender(told: Mapping[str, object]) -> tuple[str, str]:
    """What a message says itself of who wrote it: user id and number."""
    wa_id = _number(told.get("from"))
    user_id = _user_id(told.get("from_user_id"))
    if not user_id and not wa_id:
        user_id = _user_id(told.get("from"))
    return user_id, wa_id


def _person(told: Mapping[str, object], people: list[_Person], *, alone: bool) -> _Person | None:
    """Who wrote a message, by what it says itself and by how its sender is introduced.

    `alone`: one is introduced, and one wrote everything that came with it.
    """
    user_id, wa_id = _sender(told)
    fitting = [one for one in people if _is(one, user_id, wa_id, alone=alone)]
    known = fitting[0] if fitting else _Person("", "", "")
    found = _Person(user_id or known.user_id, wa_id or known.wa_id, known.name)
    return found if found.user_id or found.wa_id else None


def _is(person: _Person, user_id: str, wa_id: str, *, alone: bool) -> bool:
    """Nothing speaks against it, and something for it: a name in common, or nobody else there."""
    pairs = [(person.user_id, user_id), (person.wa_id, wa_id)]
    both_known = [pair for pair in pairs if all(pair)]
    return all(one == other for one, other in both_known) and (bool(both_known) or alone)


def _number(value: object) -> str:
    found = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    return found.group(1) if found else ""


def _user_id(value: object) -> str:
    """A user id of WhatsApp's, like `NG.1349…`; digits alone are a number."""
    name = word(value)
    return name if name and " " not in name and not _number(name) else ""


# What they did.


def _message(
    told: Mapping[str, object], people: list[_Person], *, alone: bool
) -> ChatMessage | None:
    """What one message says; None for what asks for no answer, or cannot be told from another."""
    external_id, kind = word(told.get("id")), told.get("type")
    reader = _KINDS.get(kind) if isinstance(kind, str) else None
    if external_id is None or reader is None:
        log.info("whatsapp.left_out", known=reader is not None)
        return None
    person = _person(told, people, alone=alone)
    if person is None:
        log.warning("whatsapp.nobody")
        return None
    message = ChatMessage(
        external_id,
        person.user_id or person.wa_id,
        Doing.OTHER,
        msisdn=person.wa_id,
        own=bool(person.wa_id),
        also=person.wa_id if person.user_id else "",
        message_id=external_id,
        name=person.name,
        said_at=whole(told.get("timestamp")) or 0,
    )
    return reader(message, told)


def _text(message: ChatMessage, told: Mapping[str, object]) -> ChatMessage:
    """Words; also a command, which the app offers when it was set up there, and a link's text."""
    text = words(member(told, "text", "body"))
    if not text:
        return message
    if start := _START.fullmatch(text):
        return replace(message, doing=Doing.START, text=start.group(1))
    if gift := _GIFT.fullmatch(text):
        return replace(message, doing=Doing.START, text=f"gift-{gift.group(1)}{gift.group(2)}")
    if command := _COMMAND.fullmatch(text):
        name = command.group(1).lower()
        if name == "start":
            return replace(message, doing=Doing.START)
        return replace(message, doing=Doing.COMMAND, text=name)
    return replace(message, doing=Doing.TEXT, text=text)


def _interactive(message: ChatMessage, told: Mapping[str, object]) -> ChatMessage:
    """A button or a row under a screen of ours."""
    for kind in ("button_reply", "list_reply"):
        reply = member(told, "interactive", kind)
        if isinstance(reply, dict):
            return _pressed(message, told, reply.get("id"), reply.get("title"))
    return message


def _quick_reply(message: ChatMessage, told: Mapping[str, object]) -> ChatMessage:
    """A button under a template."""
    button = member(told, "button")
    return _pressed(message, told, member(button, "payload"), member(button, "text"))


def _pressed(
    message: ChatMessage, told: Mapping[str, object], button_id: object, title: object
) -> ChatMessage:
    """A button brings back what we gave it; one that is not of our making is what it says."""
    found = _BUTTON.fullmatch(words(button_id))
    if found is not None:
        talk, turn, key = found.groups()
        screen = word(member(told, "context", "id")) or ""
        return replace(
            message, doing=Doing.PRESS, key=key, turn=int(turn), talk=talk, message_id=screen
        )
    text = words(title)
    return replace(message, doing=Doing.TEXT, text=text) if text else message


def _contacts(message: ChatMessage, told: Mapping[str, object]) -> ChatMessage:
    """A number out of the phone book; or the own one, where WhatsApp says so.

    It says so where it asked for it on our behalf, and where the number is the one that the person
    goes by anyway.
    """
    cards = _objects(told, "contacts")
    phones = [(card, phone) for card in cards for phone in _objects(card, "phones")]
    if not phones:
        return message
    card, phone = phones[0]
    given = _number(phone.get("wa_id")) or (word(phone.get("phone")) or "")[:_NAME_MAX]
    if not given:
        return message
    asked = len(phones) == 1 and card.get("origin") == "contact_request"
    shared = _international(given)
    known = _international(message.msisdn)
    own = bool(shared) and (shared == known or (asked and not known))
    return replace(message, doing=Doing.CONTACT, msisdn=shared if own else given, own=own)


def _international(number: str) -> str:
    try:
        return from_network(number)
    except Problem:
        return ""


def _welcome(message: ChatMessage, _: Mapping[str, object]) -> ChatMessage:
    """They opened the chat for the first time."""
    return replace(message, doing=Doing.START)


def _other(message: ChatMessage, told: Mapping[str, object]) -> ChatMessage:
    """Nothing that a flow could take; what was written under a picture is for a person."""
    return replace(message, text=words(member(told, str(told.get("type")), "caption")))


_KINDS: Mapping[str, Callable[[ChatMessage, Mapping[str, object]], ChatMessage]] = {
    "text": _text,
    "interactive": _interactive,
    "button": _quick_reply,
    "contacts": _contacts,
    "request_welcome": _welcome,
    **dict.fromkeys(
        ("image", "audio", "video", "document", "sticker", "location", "order", "unsupported"),
        _other,
    ),
}
"""What is answered. A reaction is no question; what is edited or taken back was answered before."""


# What became of things.


def _moved(told: Mapping[str, object]) -> Iterator[Moved]:
    """Somebody changed their number: who answers to the old name from now on is somebody else."""
    kind = member(told, "system", "type")
    if kind not in ("user_changed_number", "user_changed_user_id"):
        return
    new = {
        _number(member(told, "system", "wa_id")) or _number(member(told, "system", "new_wa_id")),
        _user_id(member(told, "system", "user_id")),
    }
    old = _user_id(told.get("from_user_id")), _number(told.get("from"))
    at = whole(told.get("timestamp")) or 0
    for identity in old:
        if identity and identity not in new:
            yield Moved(identity, word(told.get("id")) or f"at {at}", at)


def _fate(status: Mapping[str, object]) -> Fate | None:
    message_id, name = word(status.get("id")), status.get("status")
    if message_id is None or not isinstance(name, str) or name not in _STATUSES:
        return None
    key = word(status.get("biz_opaque_callback_data")) or ""
    if name != "failed":
        return Fate(message_id, name, key=key)
    codes = [whole(error.get("code")) for error in _objects(status, "errors")]
    code = next((code for code in codes if code is not None), None)
    if code is None:
        return Fate(message_id, name, Later(_AGAIN_S, "failed, and no word why"), key)
    return Fate(message_id, name, failure(code), key)
