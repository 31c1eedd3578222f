"""Leases in a real Valkey: one holder at a time, whoever dies."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.ports import Unavailable
from core.store.leases import RedisLeases
from core.store.redis_line import open_line
from tests.fakes.valkey import OwnValkey, own_valkey


@pytest.fixture(scope="module")
async def valkey() -> AsyncIterator[OwnValkey]:
    async with own_valkey() as server:
        yield server


@pytest.fixture
async def leases(valkey: OwnValkey) -> AsyncIterator[RedisLeases]:
    async with open_line(valkey.url) as line:
        await line("FLUSHALL")
        yield RedisLeases(line)


async def test_one_of_many_at_once_gets_it(leases: RedisLeases) -> None:
    taken = await asyncio.gather(*(leases.take("bot", f"p{at}", 30) for at in range(20)))
    assert taken.count(True) == 1


async def test_its_holder_prolongs_it(leases: RedisLeases) -> None:
    assert await leases.take("bot", "ada", 0.2)
    assert await leases.take("bot", "ada", 30)
    await asyncio.sleep(0.3)
    assert not await leases.take("bot", "obi", 30)
    assert await leases.take("other", "obi", 30)


async def test_who_died_holds_it_no_longer_than_it_was_taken_for(leases: RedisLeases) -> None:
    assert await leases.take("bot", "ada", 0.1)
    await asyncio.sleep(0.2)
    assert await leases.take("bot", "obi", 30)
    assert not await leases.take("bot", "ada", 30)


async def test_what_is_given_back_is_free_and_only_its_holder_can(leases: RedisLeases) -> None:
    assert await leases.take("bot", "ada", 30)
    await leases.give_back("bot", "obi")
    assert not await leases.take("bot", "obi", 30)
    await leases.give_back("bot", "ada")
    assert await leases.take("bot", "obi", 30)


async def test_a_redis_that_is_away_is_unavailable() -> None:
    async with open_line("unix:///nowhere/valkey.sock") as line:
        leases = RedisLeases(line)
        with pytest.raises(Unavailable):
            await leases.take("bot", "ada", 30)
        with pytest.raises(Unavailable):
            await leases.give_back("bot", "ada")
