"""Reading an update: what one person did, or nothing that concerns us. Pure.

Source: https://core.telegram.org/bots/api#update (Bot API 10, read November 2026).

Read as plain JSON and no further than needed: an update of a kind that nobody knows yet, or with a
field of another type than today's, is acknowledged like any other. Only private chats are served.
"""

import re

from bots.edge import Heard, Malformed, Reach
from core.domain.chat import ChatMessage, Doing, InlineQuery
from core.providers.values import member, whole, word, words

_NAME_MAX = 128
_CARD_MAX = 64
_QUERY_MAX = 256
_BUTTON = re.compile(r"([\w-]{1,64})\.(\d{1,9}):(.{1,64})", re.ASCII)
_COMMAND = re.compile(r"/([a-z][a-z0-9_]{0,31})(?:@\w{1,64})?", re.ASCII | re.IGNORECASE)
_START = re.compile(r"/start(?:@\w{1,64})?(?:\s+([\w-]{1,64}))?", re.ASCII | re.IGNORECASE)
_NUMBER = re.compile(r"\+?(\d{7,15})", re.ASCII)
# As phone books write numbers: some have no plus sign, some have signs between the digits, and
# invisible marks around them when they were copied.
_BETWEEN = re.compile(r"[\s().\-\u200e\u200f\u202a-\u202e]+")
# Numbers of Telegram's own, which no network knows.
_ANONYMOUS = "888"
_OLD = -1


def heard(document: object) -> Heard:
    """What is in one update.

    Raises:
        Malformed: it has no number.
    """
    update_id = whole(member(document, "update_id"))
    if update_id is None:
        raise Malformed("no update_id")
    name = f"update:{update_id}"
    for read in (_message, _press):
        found = read(document, name)
        if found is not None:
            return Heard(messages=(found,))
    if (query := _asked(document)) is not None:
        return Heard(queries=(query,))
    reach = _reach(document)
    return Heard(reaches=(reach,)) if reach else Heard()


def _message(document: object, name: str) -> ChatMessage | None:
    message = member(document, "message")
    person = member(message, "from")
    identity = _identity(member(message, "chat"), person)
    if identity is None:
        return None
    doing, text, msisdn, own = _done(message, person)
    return ChatMessage(
        external_id=name,
        identity=identity,
        doing=doing,
        text=text,
        msisdn=msisdn,
        own=own,
        message_id=_id(message, "message_id"),
        name=_name(person),
        language=_language(person),
    )


def _done(message: object, person: object) -> tuple[Doing, str, str, bool]:
    """What it is, its words, and the number in it with whether that is their own."""
    said = words(member(message, "text"))
    if said:
        if start := _START.fullmatch(said):
            return Doing.START, start.group(1) or "", "", False
        if command := _COMMAND.fullmatch(said):
            return Doing.COMMAND, command.group(1).lower(), "", False
        return Doing.TEXT, said, "", False
    contact = member(message, "contact")
    written = words(member(contact, "phone_number"))[:_CARD_MAX]
    number = _NUMBER.fullmatch(_BETWEEN.sub("", written))
    if number is None or number.group(1).startswith(_ANONYMOUS):
        return Doing.OTHER, "", "", False
    return Doing.CONTACT, "", number.group(1), _is_own(message, contact, person)


def _is_own(message: object, contact: object, person: object) -> bool:
    """Telegram puts the owner's id on a card that was shared by its owner, and on no other."""
    forwarded = any(
        member(message, field) is not None
        for field in ("forward_origin", "forward_from", "forward_date", "forward_sender_name")
    )
    whose = whole(member(contact, "user_id"))
    return not forwarded and whose is not None and whose == whole(member(person, "id"))


def _press(document: object, name: str) -> ChatMessage | None:
    query = member(document, "callback_query")
    person, message = member(query, "from"), member(query, "message")
    identity = _identity(member(message, "chat"), person)
    if identity is None:
        return None
    # What is no button of ours is one of somebody's imagination, or very old.
    found = _BUTTON.fullmatch(word(member(query, "data")) or "")
    talk, turn, key = found.groups() if found else ("", str(_OLD), "")
    return ChatMessage(
        external_id=name,
        identity=identity,
        doing=Doing.PRESS,
        key=key,
        turn=int(turn),
        talk=talk,
        message_id=_id(message, "message_id"),
        query_id=word(member(query, "id")) or "",
        name=_name(person),
        language=_language(person),
    )


def _asked(document: object) -> InlineQuery | None:
    """Somebody wrote our bot's name in another chat."""
    query = member(document, "inline_query")
    person = member(query, "from")
    query_id, who = word(member(query, "id")), whole(member(person, "id"))
    if not query_id or who is None or who <= 0:
        return None
    text = words(member(query, "query"))[:_QUERY_MAX]
    return InlineQuery(query_id, str(who), text, _language(person))


def _reach(document: object) -> Reach | None:
    """The person blocked the bot, or took it back."""
    change = member(document, "my_chat_member")
    identity = _identity(member(change, "chat"), member(change, "from"))
    status = word(member(change, "new_chat_member", "status"))
    if identity is None or status not in ("kicked", "left", "member"):
        return None
    return Reach(identity, reachable=status == "member", why="" if status == "member" else status)


def _identity(chat: object, person: object) -> str | None:
    """Who, in a chat of their own with the bot; nobody elsewhere."""
    who = whole(member(person, "id"))
    if who is None or who <= 0 or member(chat, "type") != "private":
        return None
    return str(who) if whole(member(chat, "id")) == who else None


def _id(document: object, name: str) -> str:
    found = whole(member(document, name))
    return "" if found is None else str(found)


def _name(person: object) -> str:
    parts = (words(member(person, name)) for name in ("first_name", "last_name"))
    return " ".join(" ".join(parts).split())[:_NAME_MAX]


def _language(person: object) -> str:
    """`en` of `en-GB`."""
    return (word(member(person, "language_code")) or "").partition("-")[0].lower()[:8]
