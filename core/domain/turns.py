"""One turn of a conversation, as an edge hands it in and takes it out."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID


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
    inputs: tuple[str, ...]
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
    """

    channel: Channel
    identity: str
    session_id: str
    cursor: Cursor
    received_at: dt.datetime
    network_hint: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the customer sees. `ends`: nothing more can be answered in this session."""

    text: str
    ends: bool


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
