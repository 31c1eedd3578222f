"""Words and sentences of the RouterOS API: a length before each word, an empty word at the end."""

import asyncio
from collections.abc import Iterable
from typing import Literal

RESERVED = 0xF8
_SHORTEST = 0x80
_TWO, _THREE, _FOUR = 0x4000, 0x20_0000, 0x1000_0000
_ORDER: Literal["big"] = "big"

# Before somebody logged in, a router takes only little.
STRANGER_WORD_MAX = 1024
STRANGER_WORDS_MAX = 8
WORD_MAX = 1024 * 1024
WORDS_MAX = 4096


class Unspeakable(Exception):
    """What came is no sentence of the API, or more than a router takes."""


def length(count: int) -> bytes:
    """The shortest of the five forms that holds `count`."""
    if count < _SHORTEST:
        return count.to_bytes(1, _ORDER)
    if count < _TWO:
        return (count | 0x8000).to_bytes(2, _ORDER)
    if count < _THREE:
        return (count | 0xC0_0000).to_bytes(3, _ORDER)
    if count < _FOUR:
        return (count | 0xE000_0000).to_bytes(4, _ORDER)
    return b"\xf0" + count.to_bytes(4, _ORDER)


def sentence(words: Iterable[str]) -> bytes:
    """The bytes of one sentence."""
    parts: list[bytes] = []
    for word in words:
        body = word.encode()
        parts += (length(len(body)), body)
    parts.append(b"\0")
    return b"".join(parts)


async def read_length(reader: asyncio.StreamReader) -> int:
    """Raises `Unspeakable` for a first byte that the manual reserves."""
    first = (await reader.readexactly(1))[0]
    if first < _SHORTEST:
        return first
    if first >= RESERVED:
        raise Unspeakable("reserved control byte")
    more = 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4  # noqa: PLR2004 - the five forms
    rest = int.from_bytes(await reader.readexactly(more), _ORDER)
    high = first & (0x3F, 0x1F, 0x0F, 0x00)[more - 1]
    return (high << (8 * more)) | rest


async def read_sentence(reader: asyncio.StreamReader, *, stranger: bool) -> list[str]:
    """The next sentence that is not empty.

    Raises:
        Unspeakable: it is none, or too long for who sent it.
        asyncio.IncompleteReadError: the other side has gone.
    """
    word_max, words_max = (
        (STRANGER_WORD_MAX, STRANGER_WORDS_MAX) if stranger else (WORD_MAX, WORDS_MAX)
    )
    words: list[str] = []
    while True:
        count = await read_length(reader)
        if count == 0:
            if words:
                return words
            continue
        if count > word_max or len(words) == words_max:
            raise Unspeakable("too long")
        words.append((await reader.readexactly(count)).decode(errors="replace"))
