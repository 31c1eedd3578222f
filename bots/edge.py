"""What a chat channel must be able to do at the door."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from core.domain.chat import ChatMessage, Fate, InlineQuery, Moved
from core.domain.turns import Channel


class Malformed(Exception):
    """It cannot be read. `why` tells nothing of the content."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Reach:
    """A person can be written to again, or not any more: they unblocked or blocked the bot."""

    identity: str
    reachable: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything in one request: what people did and ask, and what became of what they were sent.

    What is of a kind that nobody knows is left out: it is acknowledged and forgotten.
    """

    messages: tuple[ChatMessage, ...] = ()
    fates: tuple[Fate, ...] = ()
    reaches: tuple[Reach, ...] = ()
    queries: tuple[InlineQuery, ...] = ()
    moves: tuple[Moved, ...] = ()


class Edge(Protocol):
    """One kind of channel's way in: `POST /{kind}/{key}`. Pure, but for its own constants."""

    @property
    def kind(self) -> str: ...

    @property
    def body_bytes_max(self) -> int: ...

    def challenge(self, channel: Channel, query: Mapping[str, str]) -> str | None:
        """What a GET is answered with when it proves itself; None when there is no such thing."""
        ...

    def admitted(self, channel: Channel, headers: Mapping[str, str]) -> bool:
        """Whether the body may be read at all. Compares secrets in constant time."""
        ...

    def authentic(self, channel: Channel, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether these raw bytes are the channel's own. Compares in constant time."""
        ...

    def heard(self, channel: Channel, body: bytes) -> Heard:
        """Read it. Raises `Malformed` for what is no request of this channel at all."""
        ...
