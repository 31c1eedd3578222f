"""A message that cannot be answered: what passes is waited for, and the rest is owned up to."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from cli.demo import TENANT
from core.domain.chat import Doing
from core.domain.turns import Inbound, Reply
from core.kit.clock import SetClock
from core.ports import AlertKind, Busy, Paging, Unavailable
from core.services.chat import TRIES_MAX
from core.services.parked import NotParked
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.integration.test_chat import MORNING

SORRY = "Sorry, something went wrong on our side and we could not answer you."


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING)) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> Person:
    return await house.person("2348031234567", naira=1000)


def fails(house: House, patch: pytest.MonkeyPatch, error: Exception) -> None:
    async def take(_: Inbound) -> Reply:
        raise error

    patch.setattr(house.core.conversations, "take", take)


async def goes_on(house: House, seconds: int) -> None:
    """So long, with a look at what is due each minute."""
    for _ in range(0, seconds, 60):
        await house.work()
        house.clock.advance(60)


async def alerts(house: House) -> list[AlertKind]:
    found = await house.core.alerts.listed(TENANT.id, "open", Paging(10))
    return [alert.kind for alert in found]


@pytest.mark.parametrize("error", [Unavailable("Redis: away"), Busy("too many writers")])
async def test_what_came_while_a_store_was_away_is_answered_once_it_is_back(
    house: House, ada: Person, error: Exception
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fails(house, patch, error)
        await ada.sends(ada.message(Doing.TEXT, "1"))
        await goes_on(house, 3600)
        assert ada.screens == []
    house.clock.advance(60)  # no longer is it waited, however long it took
    await house.work()

    assert len(ada.screens) == 1
    assert (house.notebook.told, await alerts(house)) == ([], [])


async def test_and_counts_for_nothing_against_it(house: House, ada: Person) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fails(house, patch, Unavailable("Redis: away"))
        await ada.sends(ada.message(Doing.TEXT, "1"))
        await goes_on(house, 3600)
    with pytest.MonkeyPatch.context() as patch:
        fails(house, patch, RuntimeError("a fault of ours"))
        await goes_on(house, 120)
    house.clock.advance(600)
    await house.work()

    assert len(ada.screens) == 1


async def parked(house: House, ada: Person) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fails(house, patch, RuntimeError("a fault of ours"))
        await ada.sends(ada.message(Doing.TEXT, "wallet"))
        for _ in range(TRIES_MAX):
            await house.work()
            house.clock.advance(601)


async def test_whoever_wrote_what_is_given_up_is_told_and_so_are_operators(
    house: House, ada: Person
) -> None:
    await parked(house, ada)

    [(who, words)] = house.notebook.told
    assert who == ada.identity
    assert words.startswith(SORRY)
    assert await alerts(house) == [AlertKind.PARKED]
    [listed] = await house.core.parked.listed(TENANT.id, 10)
    assert (listed.channel, listed.why) == ("telegram", "RuntimeError")


async def test_an_operator_has_it_answered_after_all(
    house: House, ada: Person, owner: asyncpg.Connection
) -> None:
    await parked(house, ada)
    [listed] = await house.core.parked.listed(TENANT.id, 10)

    await house.core.parked.again(TENANT.id, listed.number, "cli:tope")
    await house.work()

    assert ada.screen.body.startswith("Wallet:"), ada.screens
    assert (await house.core.parked.listed(TENANT.id, 10), await alerts(house)) == ([], [])
    who = await owner.fetchval("select actor from events where kind = 'message.again'")
    assert who == "cli:tope"
    with pytest.raises(NotParked):
        await house.core.parked.again(TENANT.id, listed.number, "cli:tope")


async def test_and_no_other_tenant_has(house: House, ada: Person) -> None:
    await parked(house, ada)
    [listed] = await house.core.parked.listed(TENANT.id, 10)
    other = ada.customer.id  # nobody's tenant

    assert await house.core.parked.listed(other, 10) == []
    with pytest.raises(NotParked):
        await house.core.parked.again(other, listed.number, "cli:other")
