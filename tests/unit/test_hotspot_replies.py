"""Replies of a router: whole and well-formed, or none at all, within bounds, whatever comes."""

import random
import tracemalloc
from collections.abc import Sequence

import pytest

from core.providers.hotspot import words
from core.providers.hotspot.replies import (
    Bounds,
    Closed,
    Garbled,
    Reply,
    ReplyReader,
    TooLarge,
)

BOUNDS = Bounds(bytes_max=64 * 1024, rows_max=100, seconds=1.0)
NOTHING = (Garbled, TooLarge, Closed)


class Pieces:
    """Bytes that come in pieces, and then no more."""

    def __init__(self, body: bytes, size: int = 7) -> None:
        self._pieces = [body[at : at + size] for at in range(0, len(body), size)]
        self.asked = 0

    async def read(self, n: int) -> bytes:
        self.asked += 1
        return self._pieces.pop(0) if self._pieces else b""


def said(*sentences: Sequence[str]) -> bytes:
    body = bytearray()
    for sentence in sentences:
        for word in sentence:
            written = word.encode()
            assert len(written) < 0x80
            body += bytes((len(written),)) + written
        body += b"\0"
    return bytes(body)


async def read(body: bytes, size: int = 7) -> Reply:
    return await ReplyReader(Pieces(body, size)).reply(BOUNDS)


@pytest.mark.parametrize("size", [1, 3, 1000])
async def test_a_whole_reply_is_read_however_it_comes(size: int) -> None:
    body = said(["!re", "=.id=*1", "=name=a=b"], ["!re", "=name="], ["!done", "=ret=2"])
    reply = await read(body, size)
    assert reply == Reply([{".id": "*1", "name": "a=b"}, {"name": ""}], "2", [])
    assert (await read(said(["!empty"], ["!done"]), size)) == Reply()
    trapped = await read(said(["!trap", "=category=4", "=message=no"], ["!done"]), size)
    assert trapped.traps == ["no"]


async def test_what_no_database_keeps_is_replaced() -> None:
    """Somebody types it into a hotspot's page, and it stands in the router's log."""
    reply = await read(said(["!re", "=message=a\x00b"], ["!done"]))
    assert reply.rows == [{"message": "a\ufffdb"}]


def test_counts_are_bounded_where_sums_still_fit() -> None:
    assert words.count({"n": str(2**64 - 1)}, "n") == 2**60
    assert words.seconds({"n": "9" * 20}, "n") == 2**60
    with pytest.raises(Garbled):
        words.count({"n": "9" * 21}, "n")


async def test_replies_come_one_after_the_other() -> None:
    reader = ReplyReader(Pieces(said(["!done", "=ret=1"], ["!done", "=ret=2"]), 1000))
    assert (await reader.reply(BOUNDS)).ret == "1"
    assert reader.has_more
    assert (await reader.reply(BOUNDS)).ret == "2"
    assert not reader.has_more


WRONG = {
    "nothing": b"",
    "an empty sentence": b"\0" + said(["!done"]),
    "no reply word": said(["=ret=*1"], ["!done"]),
    "an unknown reply word": said(["!well"], ["!done"]),
    "another's tag": said(["!done", ".tag=7"]),
    "an attribute without a value": said(["!re", "=name"], ["!done"]),
    "an attribute without a name": said(["!re", "==x"], ["!done"]),
    "an attribute twice": said(["!re", "=a=1", "=a=2"], ["!done"]),
    "an end with more": said(["!done", "=ret=1", "=more=1"]),
    "empty after rows": said(["!re", "=a=1"], ["!empty"], ["!done"]),
    "rows after empty": said(["!empty"], ["!re", "=a=1"], ["!done"]),
    "empty twice": said(["!empty"], ["!empty"], ["!done"]),
    "rows after a trap": said(["!trap", "=message=x"], ["!re", "=a=1"], ["!done"]),
    "no end": said(["!re", "=a=1"]),
    "half a word": b"\x05!do",
    "fatal": said(["!fatal", "not logged in"]),
    "fatal without a word": said(["!fatal"]),
    "a length of five bytes": b"\xf0\x00\x00\x00\x05!done\0",
    "a reserved length": b"\xff" * 9,
    "a word larger than any": b"\xef\xff\xff\xff",
    "a sentence without end": b"\x03!re" + b"\x04=a=1" * 5000,
    "more rows than any": said(["!re", "=a=1"]) * 200 + said(["!done"]),
    "more bytes than any": said(["!re", "=a=" + "x" * 100, "=b=" + "y" * 100]) * 400,
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("size", [1, 4096])
async def test_what_is_no_reply_is_none(name: str, size: int) -> None:
    with pytest.raises(NOTHING):
        await read(WRONG[name], size)


def hostile(dice: random.Random) -> bytes:
    """Something that a router in its right mind does not say, or breaks off saying."""
    rows = [["!re", f"=.id=*{number:X}", "=name=x"] for number in range(dice.randrange(4))]
    body = bytearray(said(*rows, ["!done", "=ret=*1F"]))
    match dice.randrange(6):
        case 0:
            return dice.randbytes(dice.randrange(300))
        case 1:
            return bytes(body[: dice.randrange(len(body))])
        case 2:
            for _ in range(dice.randrange(1, 4)):
                body[dice.randrange(len(body))] = dice.randrange(256)
            return bytes(body)
        case 3:
            at = dice.randrange(len(body))
            return bytes(body[:at] + dice.randbytes(dice.randrange(1, 9)) + body[at:])
        case 4:
            parts = [bytes((part,)) for part in body]
            dice.shuffle(parts)
            return b"".join(parts)
        case _:
            first = dice.choice([b"\xe0", b"\xc0", b"\xf0", b"\xf8", b"\x80"])
            return first + dice.randbytes(4) + bytes(body) * dice.randrange(1, 50)


def well_formed(body: bytes) -> bool:
    """By another reading than the one under test: sentences of short words, first to last."""
    sentences: list[list[bytes]] = [[]]
    at = 0
    while at < len(body):
        length = body[at]
        if length >= 0x80:
            more = 1 if length < 0xC0 else 2 if length < 0xE0 else 3
            if length >= 0xF0 or at + more >= len(body):
                return False
            high = length & (0x3F, 0x1F, 0x0F)[more - 1]
            length = int.from_bytes(bytes((high,)) + body[at + 1 : at + 1 + more])
            at += more
        word = body[at + 1 : at + 1 + length]
        if len(word) < length:
            return False
        at += 1 + length
        if length:
            sentences[-1].append(word)
            continue
        if sentences[-1][:1] == [b"!done"]:
            return all(each[0] in {b"!re", b"!trap", b"!empty"} for each in sentences[:-1] if each)
        sentences.append([])
    return False


async def test_ten_thousand_hostile_replies_end_soon_and_none_is_taken_for_another() -> None:
    """Each ends in a reply that was really there, or in none; nothing is kept of any."""
    dice = random.Random(20261121)
    tracemalloc.start()
    read_as_replies = 0
    for _ in range(10_000):
        body = hostile(dice)
        source = Pieces(body, dice.choice([1, 16, 65_536]))
        try:
            await ReplyReader(source).reply(BOUNDS)
        except NOTHING:
            pass
        else:
            read_as_replies += 1
            assert well_formed(body)
        assert source.asked <= len(body) + 2
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < read_as_replies < 5_000
    assert peak < 8 * 1024 * 1024


async def test_a_word_that_promises_gigabytes_takes_no_memory() -> None:
    class Endless:
        given = 0

        async def read(self, n: int) -> bytes:
            self.given += 65_536
            return b"x" * 65_536

    source = Endless()
    with pytest.raises(NOTHING):
        await ReplyReader(source).reply(BOUNDS)
    assert source.given <= 2 * 65_536 + BOUNDS.bytes_max


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("0s", 0),
        ("none", 0),
        ("45", 45),
        ("1h", 3600),
        ("1h30m", 5400),
        ("1w2d3h4m5s", 788_645),
        ("5m30s500ms", 330),
        ("00:10:00", 600),
        ("1d02:00:00", 93_600),
        ("1w2d03:04:05", 788_645),
    ],
)
def test_durations_of_every_version_are_read(text: str, seconds: int) -> None:
    assert words.seconds({"uptime": text}, "uptime") == seconds


@pytest.mark.parametrize("text", ["soon", "1h ", "-5s", "1:2", "1s1h", "9" * 30, "1\u0661h"])
def test_what_is_no_duration_is_not_guessed(text: str) -> None:
    with pytest.raises(Garbled):
        words.seconds({"uptime": text}, "uptime")


@pytest.mark.parametrize(
    "row",
    [
        {"date": "2026-11-21", "time": "13:00:00", "gmt-offset": "+01:00"},
        {"date": "nov/21/2026", "time": "13:00:00", "gmt-offset": "+01:00"},
        {"date": "2026-11-21", "time": "12:00:00"},
        {"date": "2026-11-21", "time": "06:30:00", "gmt-offset": "-05:30"},
    ],
)
def test_the_clock_is_read_in_every_form(row: dict[str, str]) -> None:
    assert words.moment(row).isoformat().startswith("2026-11-21")
    assert words.moment(row).timestamp() == 1_795_262_400


@pytest.mark.parametrize("date", ["21.11.2026", "nov/31/2026", "xyz/21/2026", "2026-13-01", ""])
def test_what_is_no_date_is_not_guessed(date: str) -> None:
    with pytest.raises(Garbled):
        words.moment({"date": date, "time": "12:00:00"})


@pytest.mark.parametrize(
    ("version", "release"), [("7.18.2 (stable)", (7, 18)), ("6.40.9", (6, 40)), ("x", (0, 0))]
)
def test_versions_are_compared_by_number(version: str, release: tuple[int, int]) -> None:
    assert words.release(version) == release
