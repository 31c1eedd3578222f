"""One turn of a conversation, as an edge hands it in and takes it out."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID

from core.domain.display import Screen
from core.kit.msisdn import Msisdn


@dataclass(frozen=True, slots=True)
class Channel:
    """A service code, a bot or a WhatsApp number of one tenant. `key`: its secret path segment."""

    id: UUID
    tenant_id: UUID
    kind: str
    gateway: str
    key: str
    service_code: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Press:
    """A button: the option's key, or a navigation key; and which showing of which talk it is of.

    Buttons stay where they are for ever: an old one must not answer a newer question.
    """

    key: str
    turn: int | None = None
    talk: str = ""


@dataclass(frozen=True, slots=True)
class Unlock:
    """A secret given out of sight of the chat, for the screen of that turn and no other."""

    digits: str = field(repr=False)
    turn: int
    talk: str


@dataclass(frozen=True, slots=True)
class Shared:
    """The customer's own number, as the channel vouches for it."""

    msisdn: Msisdn


Said: TypeAlias = str | Press | Unlock | Shared
"""What a customer answers with: words, a button, a secret by its own way, or the own number."""


class Progress(StrEnum):
    """How a request stands to the one before it from the same person."""

    BEGIN = "begin"  # a new session; any inputs were dialled along with the code
    NEW = "new"  # the customer answered the current screen
    REPEAT = "repeat"  # the very request before, sent again: it gets the very same reply
    STALE = "stale"  # older than, or beside, what we know: show where we are


@dataclass(frozen=True, slots=True)
class Advance:
    """What a request adds. `mark` recognises it next time and reveals nothing of what was typed.

    A `NEW` one has at least one input.
    """

    progress: Progress
    inputs: tuple[Said, ...]
    mark: str


class Cursor(Protocol):
    """A gateway's own way to tell new input from a repeat. Pure."""

    def advance(self, mark: str | None) -> Advance:
        """Compare with the mark of the last request served in this conversation, if any."""
        ...


@dataclass(frozen=True, slots=True)
class Inbound:
    """One request from one person on one channel.

    Attributes:
        identity: Who on this channel: an MSISDN on USSD, a user id on chat.
        session_id: The gateway's session, or "" where the channel has none.
        network_hint: The mobile network the gateway named, if it did (`mtn`).
        msisdn: The person's number where the channel itself vouches for it.
        name: What the person goes by there, or "".
        language_hint: The language of the person's app, as a first guess.
        also: Another name by which the channel knows the same person, or "".
    """

    channel: Channel
    identity: str
    session_id: str
    cursor: Cursor
    received_at: dt.datetime
    network_hint: str | None = None
    msisdn: Msisdn | None = None
    name: str = ""
    language_hint: str = ""
    also: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the customer sees. `ends`: nothing more can be answered in this session.

    `screen` is the same for channels that show more than words; USSD has none.
    """

    text: str
    ends: bool
    screen: Screen | None = None


class SessionEnd(StrEnum):
    """How a gateway says a session ended. Never proof of anything about money."""

    COMPLETED = "completed"
    DROPPED = "dropped"
    FAILED = "failed"


class Turns(Protocol):
    """Takes requests to replies. Safe to call twice, or twice at once, with the same request."""

    async def take(self, inbound: Inbound) -> Reply: ...

    async def session_ended(self, channel: Channel, session_id: str, how: SessionEnd) -> None:
        """A gateway's notice, which may come late, twice, early or never."""
        ...


class Channels(Protocol):
    async def find(self, gateway: str, key: str) -> Channel | None:
        """The channel behind a path, or None. Cheap: kept in memory for a few seconds."""
        ...
