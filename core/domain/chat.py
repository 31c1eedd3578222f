"""What people do in a chat, and what becomes of what they are sent."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal
from uuid import UUID

from core.domain.turns import Channel


class Doing(StrEnum):
    """What one message or tap is."""

    TEXT = "text"
    PRESS = "press"  # a button under a screen of ours
    COMMAND = "command"  # /balance; `text` is its name
    START = "start"  # the first contact, or a link; `text` is what the link carries
    CONTACT = "contact"  # a number out of the phone book, or the own one
    NUDGE = "nudge"  # nobody said anything: show where the talk stands
    SLIP = "slip"  # words with a PIN or a code in them, which `text` hides: nothing for a flow
    OTHER = "other"  # a picture, a voice, a place: nothing that a flow could take


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One thing that one person did on one chat channel.

    Attributes:
        external_id: The channel's own name for it, the same whenever it is delivered again.
        identity: Who, for ever: a user id. Never a number where there is anything better.
        text: What was written, or the command, or what a link carries.
        key, turn, talk: Of a press, as the button brought them back.
        msisdn: Of a contact: the number in it. Else the number that the channel vouches for, or "".
        own: The channel vouches for `msisdn` as this person's own.
        also: Another name by which the same person was known there before, or "".
        message_id: The channel's name for what was written, or for the screen whose button it was.
        query_id: What the tap must be answered under, where the channel wants that.
        name, language: Of the profile, as a first guess.
        said_at: When, in seconds since 1970 by the channel's clock; 0 where its order of delivery
            tells as much.
    """

    external_id: str
    identity: str
    doing: Doing
    text: str = field(default="", repr=False)
    key: str = ""
    turn: int | None = None
    talk: str = ""
    msisdn: str = field(default="", repr=False)
    own: bool = False
    also: str = ""
    message_id: str = ""
    query_id: str = ""
    name: str = field(default="", repr=False)
    language: str = ""
    said_at: int = 0


@dataclass(frozen=True, slots=True)
class Moved:
    """Somebody has another name now: this one may be given to somebody else.

    Attributes:
        external_id: Names what told of it, on its channel; the same again is the same news.
        at: When it happened, by the channel's clock, in seconds since 1970; 0 where it is not told.
    """

    identity: str
    external_id: str
    at: int = 0


@dataclass(frozen=True, slots=True)
class InlineQuery:
    """Somebody asks our bot from another chat, to pass something on there.

    Attributes:
        id: What it is answered under, within seconds.
        identity: Who, by their name on the channel.
        text: What they wrote behind the bot's name, or "".
    """

    id: str
    identity: str
    text: str = field(default="", repr=False)
    language: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a person may pass on: a message, with a button that leads to `url`.

    `id` is of 1 to 64 bytes; `title` and `hint` are shown to the person alone.
    """

    id: str
    title: str
    hint: str
    text: str
    button: str
    url: str


@dataclass(frozen=True, slots=True)
class Offers:
    """The answer to an `InlineQuery`: `otherwise` is a button into our own chat, by that word."""

    listed: tuple[Offer, ...]
    otherwise: str
    word: str


@dataclass(frozen=True, slots=True)
class Talk:
    """One person on one chat channel, leased to one worker, with what waits to be taken up.

    Attributes:
        messages: In the order in which they were written.
        last_shown: The channel's name for the last screen that was shown, or "".
        heard_at: When the person wrote last.
        tries: How often these messages were taken up before.
        with_person: An operator has taken over: what is written is for them.
    """

    channel: Channel
    identity: str
    messages: tuple[ChatMessage, ...]
    last_shown: str
    heard_at: dt.datetime
    tries: int
    with_person: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel took it, under this name."""

    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Later:
    """The channel asks for patience, or cannot be reached: try again after so many seconds.

    `spares`: whom the channel will not have written to before, where it says that.
    """

    after_s: float
    why: str
    spares: Literal["", "person", "channel"] = ""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """This person cannot be reached here: they blocked us, or left, or were never here."""

    why: str


@dataclass(frozen=True, slots=True)
class Closed:
    """Only a template may be sent now: the person has not written for a day."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It will never be taken as it is, and somebody must look: our words or our keys are wrong.

    `stops` the whole channel: no other message will fare better.
    """

    why: str
    stops: bool = False


Delivery = Sent | Later | Unreachable | Closed | Refused
"""What became of one thing that was sent."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What a channel tells later of something that it took: it arrived, was read, or failed.

    Attributes:
        failed: What is to be done about it; None when it is well.
        key: The `Telling.key` that it was sent with, where the channel brings that back, or "".
    """

    message_id: str
    status: str
    failed: Later | Unreachable | Closed | Refused | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """Words for a person outside of a turn.

    Attributes:
        key: For the channel to bring back with what became of it, where it can.
        picture: A PNG to go with them, or None.
        template_facts: What fills the channel's template, in order, where only a template may go.
    """

    key: str
    text: str = field(repr=False)
    picture: bytes | None = field(default=None, repr=False)
    template_facts: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a person is reached: on a channel, by an identity."""

    tenant_id: UUID
    channel: Channel
    identity: str
