"""A purchase in a chat: every update twice, to two processes at once, and a death at any step."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Callable
from itertools import groupby
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.kit.clock import SetClock
from core.store.embedded import ServiceUrls
from tests.fakes.chat import Person, open_house
from tests.fakes.posting import Killer, Pair, pair

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
TYPED_AHEAD = ("/menu", "1", "1", "500", "1")
SHOWN = ["home.menu", "airtime.who", "airtime.amount", "airtime.review", "ask_pin.pin"]
AFTERWARDS = ("/menu", "2", "1")
KNOWN = {
    "chat.kept",
    "chat.turned",
    "chat.shown",
    "chat.answered",
    "turn.acting",
    "turn.before_save",
    "turn.saved",
    "unlock.nudged",
    "unlock.taken",
    "purchase.begun",
    "vend.before_send",
    "vend.answered",
    "vend.booked",
    "notice.begun",
    "notice.sent",
}
SHOWN_AFTERWARDS = ["home.menu", "wallet.what", "wallet.shown"]


@pytest.fixture(params=["telegram", "whatsapp"])
async def both(
    request: pytest.FixtureRequest, services: ServiceUrls, database_url: str, tmp_path: Path
) -> AsyncIterator[Pair]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with (
        open_house(urls, tmp_path, SetClock(MORNING), request.param, processes=2) as house,
        pair(house) as made,
    ):
        yield made


def shown(person: Person) -> list[str]:
    """The screens that reached them, in order. The same once more, after a death, is no other."""
    mine = [each for each in person.house.notebook.shown if each.identity == person.identity]
    turns = [(each.screen.talk, each.screen.turn, each.screen.key) for each in mine]
    return [key for (_, _, key), _ in groupby(turns)]


def told(person: Person, words: str) -> int:
    """How often a notice said so."""
    notices = [text for who, text in person.house.notebook.told if who == person.identity]
    return sum(words in text for text in notices)


async def story(both: Pair, fatal: Callable[[str, int], bool]) -> Killer:
    """N500 of airtime, then a look at the wallet. All was done once, shown in order, and told.

    Who dies between "about to send" and the answer leaves an order that the provider never saw: it
    is proven so, and paid back.
    """
    both.killer = killer = Killer(fatal)
    person, writing = await both.person(random.Random(1), naira=1000)
    before = len(both.house.seller.delivered)

    posts = writing.posts(TYPED_AHEAD)
    await both.delivered(writing, posts)
    await both.works()
    assert shown(person) == SHOWN, killer.deaths

    await both.gives_pin(person)
    assert shown(person)[: len(SHOWN)] == SHOWN, killer.deaths
    assert person.screen.key in ("airtime.done", "airtime.slow", "airtime.refunded"), killer.deaths

    more = writing.posts(AFTERWARDS)
    await both.delivered(writing, [*more, *posts])  # those of before once more, late
    await both.settles()
    assert shown(person)[-3:] == SHOWN_AFTERWARDS, killer.deaths
    delivered = len(both.house.seller.delivered) - before
    assert delivered == 1 or (delivered == 0 and "vend.before_send" in killer.deaths)
    assert await person.money() == (1000 - 500 * delivered, 0), killer.deaths
    seen = shown(person).count("airtime.done" if delivered else "airtime.refunded")
    times = seen + told(person, "Done: N500" if delivered else "back in your wallet")
    assert 1 <= times <= 1 + killer.deaths.count("notice.sent"), killer.deaths
    return killer


def nobody_dies(_: str, __: int) -> bool:
    return False


async def test_each_update_twice_to_two_processes_at_once_and_a_death_at_any_step(
    both: Pair,
) -> None:
    """A story without a death; then one for each step in it, with a death at that step."""
    unharmed = await story(both, nobody_dies)
    steps = dict.fromkeys(unharmed.steps)
    assert steps.keys() >= KNOWN

    for fatal in steps:
        killer = await story(both, lambda step, nth, fatal=fatal: (step, nth) == (fatal, 1))  # type: ignore[misc]
        assert killer.deaths == [fatal]


@pytest.mark.parametrize("nth", [1, 2])
async def test_and_a_death_at_every_step(both: Pair, nth: int) -> None:
    killer = await story(both, lambda _, passing: passing == nth)

    assert len(killer.deaths) > 5 - nth  # a purchase begins but once


HOSTILE = [
    "\x00",
    "1\x00",
    "\ud800 half a letter",
    "\udc00\x00\x1b[31m",
    "x" * 100_000,
    "\u202e'; drop table inbox; --",
    "{amount} %s %(pin)s",
    "\U0010ffff" * 5000,
]


async def test_texts_that_no_store_takes_are_answered_and_in_no_log(both: Pair) -> None:
    person, writing = await both.person(random.Random(1), naira=10)
    before = len(both.house.notebook.shown)

    with capture_logs() as lines:
        await both.delivered(writing, writing.posts([f"{each} w-h-i-s-p" for each in HOSTILE]))
        await both.works()

    mine = both.house.notebook.shown[before:]
    assert len({(each.screen.talk, each.screen.turn) for each in mine}) == len(HOSTILE)
    assert "w-h-i-s-p" not in repr(lines)
    assert not [line for line in lines if line["log_level"] in ("error", "warning")]
    assert person.screen.options
