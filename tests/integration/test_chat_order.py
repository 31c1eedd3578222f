"""WhatsApp delivers in any order, and shows late: each message is one turn all the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.chat import Address, Doing, Later
from core.kit.clock import SetClock
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.integration.test_chat import MORNING

NO_AMOUNT = "Please enter an amount, like 500."
AT_EIGHT = int(MORNING.timestamp())


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING), kind="whatsapp") as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> Person:
    return await house.person("2348031234567", naira=1000)


async def writes(ada: Person, text: str, second: int) -> None:
    await ada.sends(ada.message(Doing.TEXT, text, said_at=AT_EIGHT + second))


async def at_whose(house: House, ada: Person) -> None:
    """At the question for whom the airtime is."""
    await writes(ada, "hi", 0)
    await writes(ada, "1", 1)
    await house.work()
    assert ada.screen.body.startswith("Airtime for"), ada.screens


async def test_what_was_run_and_not_shown_is_not_run_again_after_one_that_came_late(
    house: House, ada: Person
) -> None:
    await at_whose(house, ada)
    house.notebook.answers.append(Later(5.0, "131056"))

    await writes(ada, "1", 10)  # for oneself; how much is asked, and cannot be shown yet
    await house.work()
    await writes(ada, "thanks", 9)  # written before it, delivered after it
    house.clock.advance(6)
    await house.work()

    assert ada.screen.turn == 4, ada.screens
    assert ada.screen.body.startswith(NO_AMOUNT)  # which is said of what came late, not of the 1


async def test_nor_after_several_that_came_late_one_by_one(house: House, ada: Person) -> None:
    await at_whose(house, ada)
    house.notebook.answers.append(Later(5.0, "131056"))
    await writes(ada, "1", 10)
    await house.work()
    for second, text in ((9, "thanks"), (8, "please"), (7, "hello")):
        await writes(ada, text, second)
        house.notebook.answers.append(Later(5.0, "131056"))
        house.clock.advance(6)
        await house.work()
    house.clock.advance(6)
    await house.work()

    assert ada.screen.turn == 6, ada.screens
    assert ada.screen.body.startswith(NO_AMOUNT)  # which is said of what came late, not of the 1


async def test_a_nudge_for_later_is_not_used_up_by_what_is_shown_before(
    house: House, ada: Person
) -> None:
    """A second PIN is given on the page while the chat still shows what came of the first."""
    await at_whose(house, ada)
    channel = await house.channel()
    to = Address(channel.tenant_id, channel, ada.identity)
    chats = house.core.chat_ingest
    await chats.nudge(to, "first", after_s=10)
    await chats.hurry(to)
    await chats.nudge(to, "second", after_s=10)  # its turn is under way
    await house.work()
    shown = len(ada.screens)

    await house.work()
    assert len(ada.screens) == shown  # nothing is shown while it is
    await chats.hurry(to)  # it is over
    await house.work()

    assert len(ada.screens) == shown + 1


async def test_a_nudge_that_nobody_hurries_comes_in_its_time(house: House, ada: Person) -> None:
    await at_whose(house, ada)
    channel = await house.channel()
    to = Address(channel.tenant_id, channel, ada.identity)
    await house.core.chat_ingest.nudge(to, "alone", after_s=10)
    await writes(ada, "1", 10)
    await house.work()
    shown = len(ada.screens)

    house.clock.advance(9)
    await house.work()
    assert len(ada.screens) == shown
    house.clock.advance(1)
    await house.work()

    assert len(ada.screens) == shown + 1
