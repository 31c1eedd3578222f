"""The simulated router byte by byte, as MikroTik's manual describes its API."""

import asyncio
import hashlib

import pytest

from sandbox.routeros import words
from sandbox.routeros.faults import Fault, FaultKind
from tests.fakes.routers import V6, V6_OLD, V7, V7_9, names, raw, router


@pytest.mark.parametrize(
    ("count", "written"),
    [
        (0x7F, "7f"),
        (0x80, "8080"),
        (0x3FFF, "bfff"),
        (0x4000, "c04000"),
        (0x1F_FFFF, "dfffff"),
        (0x20_0000, "e0200000"),
        (0xFFF_FFFF, "efffffff"),
        (0x1000_0000, "f010000000"),
    ],
)
async def test_a_length_has_five_forms(count: int, written: str) -> None:
    assert words.length(count).hex() == written
    reader = asyncio.StreamReader()
    reader.feed_data(bytes.fromhex(written))
    assert await words.read_length(reader) == count


@pytest.mark.parametrize("size", [1, 127, 128, 16_383, 16_384, 300_000])
async def test_words_of_every_size_go_there_and_back(size: int) -> None:
    async with router() as one, raw(one) as line:
        comment = "c" * size
        await line.ask("/ip/hotspot/user/add", "=name=K7", f"=comment={comment}")
        found = await line.ask("/ip/hotspot/user/print", "?name=K7", "=.proplist=comment")
    assert found == [["!re", f"=comment={comment}"], ["!done"]]


async def test_empty_sentences_are_passed_over() -> None:
    async with router() as one, raw(one) as line:
        line.writer.write(b"\0\0\0")
        assert await line.ask("/system/identity/print") == [["!re", "=name=r1"], ["!done"]]


@pytest.mark.parametrize(
    "body",
    [b"\xf8", b"\xff\xff\xff\xff\xff", words.length(5000) + b"x" * 5000, b"\x01a" * 20],
    ids=["reserved", "reserved-all", "long word of a stranger", "many words of a stranger"],
)
async def test_what_is_no_sentence_ends_the_connection(body: bytes) -> None:
    async with router() as one, raw(one, logged_in=False) as line:
        line.writer.write(body)
        assert await line.rest() == b""


async def test_nobody_does_anything_before_login() -> None:
    async with router() as one, raw(one, logged_in=False) as line:
        await line.tell("/system/identity/print")
        assert await line.hear() == ["!fatal", "not logged in"]
        assert await line.rest() == b""


@pytest.mark.parametrize("version", [V6, V7])
async def test_login_with_a_password(version: str) -> None:
    async with router(version=version) as one, raw(one, logged_in=False) as line:
        refused = [["!trap", "=message=invalid user name or password (6)"], ["!done"]]
        assert await line.log_in("wrong") == refused
        assert await line.log_in() == [["!done"]]


async def test_login_by_challenge_before_6_43() -> None:
    """A password in the clear is not even looked at: a challenge comes."""
    async with router(version=V6_OLD) as one, raw(one, logged_in=False) as line:
        [[done, ret]] = await line.log_in()
        challenge = bytes.fromhex(ret.removeprefix("=ret="))
        assert (done, len(challenge)) == ("!done", 16)
        digest = hashlib.md5(b"\0SIM-router" + challenge, usedforsecurity=False).hexdigest()
        wrong = await line.ask("/login", "=name=callbox", f"=response=00{digest[::-1]}")
        assert wrong[0] == ["!trap", "=message=cannot log in"]
        assert await line.ask("/login", "=name=callbox", f"=response=00{digest}") == [["!done"]]


@pytest.mark.parametrize(
    ("version", "before"), [(V6, []), (V7_9, []), (V7, [["!empty"]])], ids=["v6", "7.9", "7.18"]
)
async def test_empty_is_said_since_7_18(version: str, before: list[list[str]]) -> None:
    async with router(version=version) as one, raw(one) as line:
        assert await line.ask("/ip/hotspot/active/print") == [*before, ["!done"]]


async def test_commands_with_tags_run_side_by_side() -> None:
    async with router() as one, raw(one) as line:
        slow = Fault(FaultKind.DELAY, "/system/clock", seconds=0.05)
        one.box.mishaps.add(slow)
        await line.tell("/system/clock/print", ".tag=slow")
        await line.tell("/system/identity/print", ".tag=quick")
        assert await line.hear() == ["!re", ".tag=quick", "=name=r1"]
        assert await line.hear() == ["!done", ".tag=quick"]
        heard = await line.hear_all("slow")
        assert all(".tag=slow" in sentence for sentence in heard)


async def test_a_running_command_is_interrupted_by_its_tag() -> None:
    async with router() as one, raw(one) as line:
        await line.tell("/interface/monitor-traffic", "=interface=ether1", ".tag=7")
        await line.tell("/cancel", "=tag=7", ".tag=8")
        heard = await line.hear_all("8")
    assert ["!trap", ".tag=7", "=category=2", "=message=interrupted"] in heard
    assert ["!done", ".tag=7"] in heard


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (["?name=A1"], ["A1"]),
        (["?=name=A1"], ["A1"]),
        (["?comment"], ["A1", "A2"]),
        (["?-comment", "?name"], ["default-trial", "B1"]),
        (["?name=A1", "?name=B1", "?#|"], ["A1", "B1"]),
        (["?name=A1", "?#!", "?comment"], ["A2"]),
        (["?limit-bytes-total=900", "?>limit-bytes-total=1000", "?#|"], ["A1", "A2"]),
        (["?<limit-bytes-total=1000", "?name=default-trial", "?#!&"], ["A1", "B1"]),
        (["?name=A1", "?#.&"], ["A1"]),
        (["?name=A1", "?name=A2", "?#1|", "?#|"], ["A1", "A2"]),
    ],
    ids=" ".join,
)
async def test_queries_are_a_stack(query: list[str], found: list[str]) -> None:
    async with router() as one, raw(one) as line:
        add = "/ip/hotspot/user/add"
        trial = names(await line.ask("/ip/hotspot/user/print", "?name=default-trial"))
        assert trial == ["default-trial"]
        one.box["/ip/hotspot/user"].named("default-trial").values["comment"] = None  # type: ignore[union-attr]
        await line.ask(add, "=name=A1", "=comment=one", "=limit-bytes-total=900")
        await line.ask(add, "=name=A2", "=comment=two", "=limit-bytes-total=10k")
        await line.ask(add, "=name=B1")
        shown = names(await line.ask("/ip/hotspot/user/print", *query))
        counted = await line.ask("/ip/hotspot/user/print", "=count-only=", *query)
    assert shown == found
    assert counted == [["!done", f"=ret={len(found)}"]]


@pytest.mark.parametrize("query", ["?#&", "?#9", "?#x"])
async def test_a_query_that_cannot_be_is_refused(query: str) -> None:
    async with router() as one, raw(one) as line:
        assert (await line.ask("/ip/hotspot/user/print", query))[0][0] == "!trap"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["/ip/hotspat/print"], "no such command prefix"),
        (["/ip/hotspot/user/burn"], "no such command"),
        (["/log/add", "=message=x"], "no such command"),
        (["/ip/hotspot/user/set", "=.id=*FF", "=comment=x"], "no such item"),
        (["/ip/hotspot/user/add", "=password=x"], "missing =name="),
        (["/ip/hotspot/user/add", "=name=A", "=nom=x"], "unknown parameter"),
        (
            ["/ip/hotspot/user/add", "=name=A", "=profile=gold"],
            "input does not match any value of profile",
        ),
        (
            ["/ip/hotspot/user/add", "=name=A", "=limit-uptime=soon"],
            "invalid time value for argument limit-uptime",
        ),
        (
            ["/ip/hotspot/user/add", "=name=A", "=limit-bytes-total=-1"],
            "invalid value for argument limit-bytes-total",
        ),
        (
            ["/interface/monitor-traffic", "=interface=eth9", "=once="],
            "input does not match any value of interface",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
async def test_what_cannot_be_done_is_said_in_its_words(command: list[str], message: str) -> None:
    """A trap, and the connection goes on."""
    async with router() as one, raw(one) as line:
        trap, done = await line.ask(*command)
        assert trap[0] == "!trap"
        assert f"=message={message}" in trap
        assert done == ["!done"]
        assert await line.ask("/system/identity/print") == [["!re", "=name=r1"], ["!done"]]


async def test_twenty_sessions_and_no_more() -> None:
    async with (
        router(sessions_max=2) as one,
        raw(one),
        raw(one),
        raw(one, logged_in=False) as third,
    ):
        assert await third.rest() == b""


@pytest.mark.parametrize(
    ("kind", "done"),
    [
        (FaultKind.CUT_BEFORE, False),
        (FaultKind.CUT_AFTER, True),
        (FaultKind.CUT_MIDWAY, True),
        (FaultKind.FATAL, False),
    ],
)
async def test_a_cut_comes_before_or_after_it_is_done(kind: FaultKind, done: bool) -> None:
    async with router() as one, raw(one) as line:
        one.box.mishaps.add(Fault(kind, times=1))
        await line.tell("/ip/hotspot/user/add", "=name=A1")
        left = await line.rest()
        async with raw(one) as again:
            found = names(await again.ask("/ip/hotspot/user/print", "?name=A1"))
    assert found == (["A1"] if done else [])
    assert b"\x05!done\0" not in left


@pytest.mark.parametrize(
    ("kind", "begins"),
    [
        (FaultKind.WRONG_ORDER, b"\x05!done\0\x03!re"),
        (FaultKind.NO_REPLY_WORD, b"\x07=ret=*1\0"),
        (FaultKind.HUGE_WORD, b"\xf0\xff\xff\xff\xffxxxx"),
        (FaultKind.ENDLESS_SENTENCE, b"\x03!re\x0b=name=again\x0b=name=again"),
        (FaultKind.ENDLESS_ROWS, b"\x03!re\x07=.id=*1\x0b=name=again\0"),
        (FaultKind.TWICE, b"\x03!re\x08=name=r1\0\x05!done\0\x03!re"),
        (FaultKind.DRIP, b"\x03!re\x08=name=r1\0\x05!done\0"),
        (FaultKind.RAW, b"\x01\x02"),
    ],
)
async def test_hostile_replies_are_as_told(kind: FaultKind, begins: bytes) -> None:
    async with router() as one, raw(one) as line:
        one.box.mishaps.add(Fault(kind, "/system/identity", raw=b"\x01\x02"))
        await line.tell("/system/identity/print")
        async with asyncio.timeout(5):
            assert await line.reader.readexactly(len(begins)) == begins


async def test_a_stalled_reply_never_comes() -> None:
    async with router() as one, raw(one) as line:
        one.box.mishaps.add(Fault(FaultKind.STALL, "/system/identity"))
        await line.tell("/system/identity/print")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await line.hear()


async def test_what_was_asked_is_counted_and_kept_without_passwords() -> None:
    async with router() as one, raw(one) as line:
        await line.ask("/ip/hotspot/user/add", "=name=A1", "=password=A1")
        record = one.box.record
        assert (record.total, record.busiest_minute) == (2, 2)
        assert record.commands["/ip/hotspot/user/add"] == 1
        kept = [said for _, said in record.last]
        assert kept[0] == ["/login", "=name=callbox", "=password=..."]
        assert kept[1][1:] == ["=name=A1", "=password=..."]
