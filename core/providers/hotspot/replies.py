"""Replies of the RouterOS API, read within bounds and by the letter.

librouteros finds the lengths of words; its reply reader is not used: it takes words of any length
and replies of any number of rows into memory, turns `12345678` and `no` into other things than
text, drops bytes it cannot read, and raises on what routers really send. Here every value stays
the text that came, and a reply is a whole, well-formed one or none at all.

Source: MikroTik's manual of the API: `!re` rows, `!empty` since 7.18 where there are none, `!trap`
with its message, `!done` last with perhaps a `ret`, `!fatal` and the end.
"""

from dataclasses import dataclass, field
from typing import Protocol

from librouteros.exceptions import ProtocolError
from librouteros.protocol import decode_length, determine_length

_ONE_BYTE = 0x80
_BEGINS = (b"!", b"")
_READ_BYTES = 65_536
_WORD_MAX = 128 * 1024
_WORDS_MAX = 256

Row = dict[str, str]


class Garbled(Exception):
    """What came is no reply, or not one to what was asked. Nothing after it can be believed."""


class TooLarge(Exception):
    """The reply is larger than any honest one."""


class Closed(Exception):
    """The router ended the connection; with its reason where it gave one."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a reply may be, and how long all of it may take."""

    bytes_max: int
    rows_max: int
    seconds: float


SMALL = Bounds(bytes_max=512 * 1024, rows_max=2_000, seconds=10.0)
"""Of a command that changes something, or of a question about a few things."""

PROBE = Bounds(bytes_max=4096, rows_max=1, seconds=2.0)
"""Of a harmless question that only asks whether anybody is there."""

LARGE = Bounds(bytes_max=8 * 1024 * 1024, rows_max=60_000, seconds=60.0)
"""Of a list of all users."""


@dataclass(slots=True)
class Reply:
    """A whole reply. `ret` is what `!done` carried; `traps` are the messages of what failed."""

    rows: list[Row] = field(default_factory=list)
    ret: str | None = None
    traps: list[str] = field(default_factory=list)


class Source(Protocol):
    """Where bytes come from, like `asyncio.StreamReader`; none is the end."""

    async def read(self, n: int) -> bytes: ...


class ReplyReader:
    """The replies of one connection, one after the other."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._bytes = bytearray()
        self._at = 0

    @property
    def has_more(self) -> bool:
        """Something came that nobody asked for."""
        return self._at < len(self._bytes)

    async def reply(self, bounds: Bounds) -> Reply:
        """The next reply.

        Raises:
            Garbled, TooLarge, Closed: there is none; the connection is not to be used again.
        """
        reply = Reply()
        left = bounds.bytes_max
        empty = False
        while True:
            words, size = await self._sentence(left)
            left -= size
            match words[0] if words else "":
                case "!re" if not reply.traps and not empty:
                    reply.rows.append(_attributes(words))
                    if len(reply.rows) > bounds.rows_max:
                        raise TooLarge("rows")
                case "!empty" if not reply.rows and not empty and len(words) == 1:
                    empty = True
                case "!trap":
                    reply.traps.append(_attributes(words).get("message", ""))
                case "!done":
                    reply.ret = _ret(words)
                    return reply
                case "!fatal":
                    raise Closed(" ".join(words[1:]))
                case _:
                    raise Garbled("reply word")

    async def _sentence(self, left: int) -> tuple[list[str], int]:
        """The words of the next sentence, and how many bytes they took."""
        while (found := self._spans(left)) is None:
            if self._at:
                del self._bytes[: self._at]
                self._at = 0
            more = await self._source.read(_READ_BYTES)
            if not more:
                raise Closed
            self._bytes += more
        spans, end = found
        words = [_text(bytes(self._bytes[start:stop])) for start, stop in spans]
        size, self._at = end - self._at, end
        return words, size

    def _spans(self, left: int) -> tuple[list[tuple[int, int]], int] | None:
        """Where the words of the next sentence lie, and where it ends; None until it is whole."""
        spans: list[tuple[int, int]] = []
        at = self._at
        while (found := self._length(at)) is not None:
            length, start = found
            if length == 0:
                return spans, start
            at = start + length
            if not spans and self._bytes[start : start + 1] not in _BEGINS:
                raise Garbled("reply word")  # somebody else's protocol: not waited for
            if length > _WORD_MAX or at - self._at > left or len(spans) == _WORDS_MAX:
                raise TooLarge("sentence")
            spans.append((start, at))
        return None

    def _length(self, at: int) -> tuple[int, int] | None:
        """The length that is written at `at`, and where its word begins; None until it is there."""
        if at >= len(self._bytes):
            return None
        first = self._bytes[at]
        if first < _ONE_BYTE:
            return first, at + 1
        try:
            start = at + 1 + int(determine_length(bytes((first,))))
            if start > len(self._bytes):
                return None
            return int(decode_length(bytes(self._bytes[at:start]))), start
        except ProtocolError:
            raise Garbled("length") from None


def _text(said: bytes) -> str:
    """What is no UTF-8 becomes a mark, and so does NUL, which no database keeps."""
    return said.decode(errors="replace").replace("\x00", "\ufffd")


def _attributes(words: list[str]) -> Row:
    row: Row = {}
    for word in words[1:]:
        if not word.startswith("="):
            raise Garbled("attribute")
        name, equals, value = word[1:].partition("=")
        if not name or not equals or row.get(name, value) != value:
            raise Garbled("attribute")
        row[name] = value
    return row


def _ret(words: list[str]) -> str | None:
    attributes = _attributes(words)
    if attributes.keys() - {"ret"}:
        raise Garbled("done")
    return attributes.get("ret")
