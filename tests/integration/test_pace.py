"""How fast channels are spoken to: counted by a real Redis for all, and when it is away."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from core.domain.chat import Address, Later
from core.domain.turns import Channel
from core.kit import ids
from core.kit.crypto import Keyring
from core.store.pace import RedisPace
from core.store.redis_line import Line, open_line
from tests.fakes.books import Books
from tests.fakes.post import FUNDED, open_post
from tests.fakes.valkey import OwnValkey, own_valkey

PATIENCE_S = 1.0


@pytest.fixture
async def valkey() -> AsyncIterator[OwnValkey]:
    async with own_valkey() as server:
        yield server


@dataclass
class Two:
    """Two processes, which speak to one bot."""

    here: RedisPace
    there: RedisPace
    line: Line

    def each(self, place: int) -> RedisPace:
        return (self.here, self.there)[place % 2]


@pytest.fixture
async def two(valkey: OwnValkey) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(open_line(valkey.url)) for _ in range(3)]
        here, there = (pace(line) for line in lines[:2])
        yield Two(here, there, lines[2])


def pace(line: Line) -> RedisPace:
    return RedisPace(line, Keyring("a test"), sms_per_s=50)


def channel(kind: str = "telegram", **settings: object) -> Channel:
    return Channel(ids.uuid7(), ids.uuid7(), kind, kind, "k", settings=settings)


def person(of: Channel, name: str = "ada") -> Address:
    return Address(of.tenant_id, of, name)


async def test_one_chat_takes_three_at_once_and_then_one_a_second(two: Two) -> None:
    to = person(channel())

    waits = [await two.each(n).answer(to, within_s=0.0) for n in range(4)]

    assert waits[:3] == [0, 0, 0]
    assert 0.8 < waits[3] <= 1.0


async def test_a_wait_within_patience_takes_its_place(two: Two) -> None:
    to = person(channel())

    waits = [await two.each(n).answer(to, within_s=5.0) for n in range(6)]

    assert waits[:3] == [0, 0, 0]
    assert [round(wait) for wait in waits[3:]] == [1, 2, 3]


async def test_one_bot_takes_thirty_a_second_from_all_processes(two: Two) -> None:
    bot = channel()
    people = [person(bot, f"p{n}") for n in range(90)]

    waits = await asyncio.gather(
        *(two.each(n).answer(to, within_s=10.0) for n, to in enumerate(people))
    )

    # Answers leave at once or after their wait: in no second more than thirty.
    leaves = sorted(waits)
    assert all(later - first >= 0.95 for first, later in zip(leaves, leaves[30:], strict=False))
    assert 3 < leaves[-1] < 3.5


async def test_whatsapp_lends_a_person_45_and_then_one_in_six_seconds(two: Two) -> None:
    to = person(channel("whatsapp"))

    waits = [await two.each(n).answer(to, within_s=PATIENCE_S) for n in range(46)]

    assert max(waits[:45]) < PATIENCE_S  # eighty a second
    assert 5 < waits[45] <= 6


async def test_a_bot_with_limits_of_its_own_has_them(two: Two) -> None:
    bot = channel(messages_per_s=1000)

    waits = [await two.here.answer(person(bot, f"p{n}"), within_s=1.0) for n in range(30)]

    assert sum(waits) == 0


async def test_bots_do_not_slow_each_other_down(two: Two) -> None:
    first, second = channel(), channel()
    await two.here.hold(person(first), Later(60.0, "flood", spares="channel"))

    assert await two.there.answer(person(second), within_s=0.0) == 0


async def test_patience_that_is_asked_for_holds_for_all_processes(two: Two) -> None:
    bot = channel()
    await two.here.hold(person(bot), Later(60.0, "flood", spares="channel"))

    anybody = await two.there.answer(person(bot, "obi"), within_s=1.0)
    notice = await two.there.notice(person(bot, "obi"), "n")

    assert 59 < anybody <= 60
    assert 59 < notice <= 60


async def test_a_person_who_is_spared_is_the_only_one(two: Two) -> None:
    number = channel("whatsapp")
    await two.here.hold(person(number, "ada"), Later(16.0, "pair limit", spares="person"))

    ada = await two.there.answer(person(number, "ada"), within_s=1.0)
    obi = await two.there.answer(person(number, "obi"), within_s=1.0)

    assert 15 < ada <= 16
    assert obi < 0.1


async def test_a_silence_holds_nobody(two: Two) -> None:
    to = person(channel())
    await two.here.hold(to, Later(60.0, "no answer"))

    assert await two.there.answer(to, within_s=0.0) == 0


async def test_after_a_hold_the_bucket_is_empty(two: Two) -> None:
    """One at a time again, and no burst of what waited."""
    to = person(channel())
    await two.here.hold(to, Later(0.2, "pair limit", spares="person"))
    await asyncio.sleep(0.25)

    assert await two.here.answer(to, within_s=0.0) == 0
    assert await two.there.answer(to, within_s=0.0) > 0.5


# Notices take places ahead of time.


async def test_notices_get_places_one_after_the_other(two: Two) -> None:
    bot = channel()
    waits = await asyncio.gather(
        *(two.each(n).notice(person(bot, f"p{n}"), f"n{n}") for n in range(100))
    )

    spread = sorted(waits)
    assert spread[0] == 0
    assert 5 < spread[-1] < 6  # two thirds of what answers may take
    assert all(later - first >= 0.95 for first, later in zip(spread, spread[21:], strict=False))


async def test_a_place_is_kept_for_its_name(two: Two) -> None:
    bot = channel(messages_per_s=4)
    await two.here.notice(person(bot, "first"), "first")
    wait_s = await two.here.notice(person(bot, "ada"), "second")
    again_s = await two.there.notice(person(bot, "ada"), "second")
    await asyncio.sleep(wait_s)

    assert 0 < again_s <= wait_s <= 0.375
    assert await two.there.notice(person(bot, "ada"), "second") == 0


async def test_people_who_wait_for_an_answer_go_before_a_thousand_notices(two: Two) -> None:
    bot = channel()
    await asyncio.gather(*(two.here.notice(person(bot, f"p{n}"), f"n{n}") for n in range(1000)))

    assert await two.there.answer(person(bot, "somebody"), within_s=0.0) < 0.05


async def test_one_person_who_is_spared_keeps_no_other_notice_back(two: Two) -> None:
    bot = channel()
    await two.here.hold(person(bot, "ada"), Later(900.0, "pair limit", spares="person"))
    ada_s = await two.here.notice(person(bot, "ada"), "n1")
    obi_s = await two.here.notice(person(bot, "obi"), "n2")

    assert ada_s > 890
    assert obi_s < 0.2


async def test_notices_that_a_hold_kept_back_come_one_after_the_other(two: Two) -> None:
    bot = channel()
    names = [f"n{n}" for n in range(20)]  # for a little more than a second
    await asyncio.gather(*(two.here.notice(person(bot, name), name) for name in names))
    await two.here.hold(person(bot), Later(1.5, "flood", spares="channel"))
    await asyncio.sleep(1.2)  # all their places have passed

    waits = sorted([await two.here.notice(person(bot, name), name) for name in names[1:]])

    assert waits[-1] - waits[0] > 0.7


async def test_a_paused_channel_is_for_answers_only(two: Two) -> None:
    bot = channel()
    await two.here.pause(bot, 300.0)
    paused = await two.there.notice(person(bot), "n")
    answer = await two.there.answer(person(bot), within_s=0.0)
    await two.there.resume(bot)

    assert 299 < paused <= 300
    assert answer == 0
    assert await two.here.notice(person(bot), "n") == 0


async def test_an_sms_sender_has_its_rate(two: Two) -> None:
    waits = sorted([await two.each(n).sms("africastalking", f"n{n}") for n in range(50)])

    assert waits[0] == 0
    assert 0.8 < waits[-1] <= 1.0


async def test_keys_are_of_one_slot_and_name_nobody(two: Two) -> None:
    bot = channel()
    await two.here.answer(person(bot, "2348031234567"), within_s=0.0)
    for n in range(3):
        await two.here.notice(person(bot, "2348031234567"), f"n{n}")
    keys = [key.decode() for key in await two.line("KEYS", "*")]

    assert len(keys) >= 4
    assert all(f"{{{bot.id}}}" in key for key in keys)
    assert "2348031234567" not in str(keys)


# When Redis is away.


async def test_without_redis_nobody_waits(valkey: OwnValkey, two: Two) -> None:
    to = person(channel())
    await two.here.hold(to, Later(60.0, "flood", spares="channel"))
    valkey.stop()

    began = time.monotonic()
    waits = [await two.here.answer(to, within_s=0.0) for _ in range(100)]
    waits += [await two.here.notice(to, "n"), await two.here.sms("at", "n")]
    await two.here.pause(to.channel, 60.0)

    assert waits == [0.0] * 102
    assert time.monotonic() - began < 3  # asked once, not a hundred times


async def test_redis_that_forgot_the_scripts_is_told_them_again(two: Two) -> None:
    to = person(channel())
    await two.here.answer(to, within_s=0.0)
    await two.line("SCRIPT", "FLUSH")

    waits = [await two.here.answer(to, within_s=0.0) for _ in range(3)]

    assert waits[:2] == [0, 0]
    assert waits[2] > 0.5


# With the sender.


async def test_a_notice_waits_its_turn_in_the_queue_and_not_in_a_worker(
    books: Books, two: Two
) -> None:
    post = await open_post(books, pace=two.here)
    for n in range(5):
        await post.leave(f"n{n}")
    due = await post.books.outbox.due(10, 90)
    began = time.monotonic()
    for notice in due:
        await post.sender.send(notice)

    assert len(post.chatted) == 3  # of one person in one chat
    assert time.monotonic() - began < 1
    for _ in range(60):
        await asyncio.sleep(0.1)
        await post.later(0.1)
        if len(post.chatted) == 5:
            break
    assert (post.chatted, post.texted) == ([FUNDED] * 5, [])


async def test_a_channel_that_asks_for_too_much_is_left_for_the_sms(books: Books, two: Two) -> None:
    post = await open_post(books, pace=two.here)
    post.notebook.answers_told = [Later(10_072.0, "flood", spares="channel")]
    for key in ("one", "two"):
        await post.leave(key)
        await post.later(1)

    assert (post.chatted, len(post.texted)) == ([], 2)
    assert post.notebook.answers_told == []
