"""A secret asked for out of sight of the chat: who may give it, and what their page shows next."""

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Pass:
    """Lets whoever holds its token answer one screen of one person, once, until it is late.

    Attributes:
        talk, turn: Which showing of which talk it answers.
        language: What the person reads.
    """

    tenant_id: UUID
    channel_id: UUID
    identity: str = field(repr=False)
    talk: str
    turn: int
    until: dt.datetime
    language: str = "en"


@dataclass(frozen=True, slots=True)
class KeptPass:
    """A pass as it is found by its token. `name` tells it from all others and opens nothing."""

    name: str
    what: Pass
    used: bool


@dataclass(frozen=True, slots=True)
class Asking:
    """A secret is wanted: the words of the screen, and the token that the answer must bring.

    `digits`: how many it has at least and at most.
    """

    token: str = field(repr=False)
    language: str
    notice: str
    text: str
    digits: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Given:
    """It was taken, and nothing more is wanted here. `chat` leads back there, or is ""."""

    language: str
    chat: str


@dataclass(frozen=True, slots=True)
class Gone:
    """It was answered before, or the time is over. `chat` as in `Given`."""

    language: str
    chat: str


@dataclass(frozen=True, slots=True)
class TooMany:
    """Too many tries: nothing was looked at."""

    language: str


Opened = Asking | Given | Gone | TooMany | None
"""What a page shows; None where there is no such pass."""
