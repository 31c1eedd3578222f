"""What a USSD gateway asks of us and gets back, in words that every gateway shares."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from core.domain.turns import Cursor, Reply, SessionEnd
from core.kit.msisdn import Msisdn

Headers: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Header fields as ASGI has them: names in lower case."""


@dataclass(frozen=True, slots=True)
class Request:
    """One readable request: who, in which session, and what it adds.

    `network` is ours (`mtn`), or None when the gateway named none that we know.
    """

    session_id: str
    msisdn: Msisdn
    cursor: Cursor
    service_code: str = ""
    network: str | None = None


@dataclass(frozen=True, slots=True)
class SessionNotice:
    """A gateway's word that a session ended. `how` is None for a status that we do not know."""

    session_id: str
    how: SessionEnd | None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A request that cannot be read.

    `why` is a fixed word or two for the log: it never holds anything that was sent.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Rendered:
    """A reply as the gateway wants it."""

    body: bytes
    content_type: bytes = b"text/plain; charset=utf-8"


class Gateway(Protocol):
    """One USSD gateway's wire format, both ways. Pure: no I/O, and no decision.

    An implementation's class docstring is the whole wire contract, with its sources. Nothing is
    raised for what the gateway sends: whatever cannot be read is `Malformed`.
    """

    @property
    def name(self) -> str: ...

    @property
    def methods(self) -> frozenset[str]:
        """HTTP methods of a turn. Notices of ended sessions always come by POST."""
        ...

    def parse(
        self, method: str, headers: Headers, body: bytes, query: bytes
    ) -> Request | Malformed: ...

    def render(self, reply: Reply) -> Rendered: ...

    def parse_event(
        self, method: str, headers: Headers, body: bytes, query: bytes
    ) -> SessionNotice | Malformed: ...
