"""One customer who writes and writes to operators is bounded, and kindly told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.chat import Address, Doing
from core.domain.live_chat import Reached
from core.kit.clock import SetClock
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.integration.test_live_chat import MORNING, asked_for, said_in

ENOUGH = "You have written a lot within an hour"


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING)) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> Person:
    return await house.person("2348031234567", naira=1000)


async def floods(house: House, ada: Person, count: int) -> None:
    await ada.sends(*(ada.message(Doing.TEXT, f"and {number}") for number in range(count)))
    await house.work()


async def of_ada(ada: Person) -> list[str]:
    return [text for author, text in await said_in(ada) if author == "customer"]


async def test_beyond_the_bound_nothing_reaches_operators_and_the_customer_is_told_once(
    house: House, ada: Person
) -> None:
    await asked_for(ada)
    await floods(house, ada, 65)

    heard = await of_ada(ada)
    assert len(heard) == 59  # that they asked for somebody counts as one
    assert heard[-1] == "and 58"
    [(who, words)] = house.notebook.told
    assert (who, words.startswith(ENOUGH)) == (ada.identity, True)


async def test_another_talk_is_no_way_around_it(house: House, ada: Person) -> None:
    await asked_for(ada)
    await floods(house, ada, 60)
    await ada.says("00")
    await ada.starts("talk")

    assert ada.screen.body.startswith("You have written to us a lot within an hour.")
    assert "wallet" in (await ada.says("wallet")).lower()


async def test_an_hour_later_and_for_others_there_is_room(house: House, ada: Person) -> None:
    await asked_for(ada)
    await floods(house, ada, 65)
    bola = await house.person("2348031234568")
    await asked_for(bola)
    await bola.says("good morning")
    house.clock.advance(3601)
    await ada.says("good evening")

    assert await of_ada(bola) == ["good morning"]
    assert (await of_ada(ada))[-1] == "good evening"


async def test_what_was_heard_before_is_heard_when_it_comes_again(
    house: House, ada: Person
) -> None:
    """Its worker died before it was struck out, and the bound was reached meanwhile."""
    await asked_for(ada)
    message = ada.message(Doing.TEXT, "where is my money?")
    await ada.sends(message)
    await house.work()
    await floods(house, ada, 58)
    channel = await house.channel()

    to = Address(channel.tenant_id, channel, ada.identity)
    assert await house.core.live_chats.heard(to, message) is Reached.OPERATORS
    await house.work()
    assert house.notebook.told == []
