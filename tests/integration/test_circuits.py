"""Circuits on a real Redis, seen by two processes, and when it is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import pytest

from core.domain.circuits import CircuitKey, CircuitRules, CircuitState
from core.domain.vending import Product
from core.kit.clock import SetClock
from core.store.circuits import RedisCircuits
from core.store.redis_line import Line, open_line
from tests.fakes.books import NOON
from tests.fakes.valkey import OwnValkey, own_valkey

KEY = CircuitKey(UUID(int=1), Product.AIRTIME, "vtpass")
OTHER = CircuitKey(UUID(int=1), Product.DATA, "vtpass")
RULES = CircuitRules()


@dataclass
class Two:
    """Two processes with clocks that agree."""

    clock: SetClock
    here: RedisCircuits
    there: RedisCircuits
    line: Line

    async def fail(self, circuits: RedisCircuits, times: int) -> None:
        """So many at once."""
        now = self.clock.now()
        await asyncio.gather(*(circuits.record(KEY, well=False, sent_at=now) for _ in range(times)))

    async def opened(self) -> None:
        await self.fail(self.here, 5)
        await self.there.refresh()

    async def on_trial(self) -> None:
        await self.opened()
        self.clock.advance(RULES.open_s)


@pytest.fixture
async def valkey() -> AsyncIterator[OwnValkey]:
    async with own_valkey() as server:
        yield server


@pytest.fixture
async def two(valkey: OwnValkey) -> AsyncIterator[Two]:
    async with AsyncExitStack() as stack:
        clock = SetClock(NOON)
        lines = [await stack.enter_async_context(open_line(valkey.url)) for _ in range(3)]
        here, there = (RedisCircuits(line, RULES, clock) for line in lines[:2])
        yield Two(clock, here, there, lines[2])


async def test_failures_that_two_processes_see_are_counted_together(two: Two) -> None:
    await two.fail(two.here, 3)
    assert two.here.state(KEY) is CircuitState.CLOSED

    await two.fail(two.there, 2)
    assert two.there.state(KEY) is CircuitState.OPEN
    await two.here.refresh()
    assert two.here.state(KEY) is CircuitState.OPEN
    assert two.here.state(OTHER) is CircuitState.CLOSED


async def test_failures_at_once_are_each_counted(two: Two) -> None:
    await asyncio.gather(two.fail(two.here, 2), two.fail(two.there, 2))

    assert (await two.here.all())[KEY].failures == 4


async def test_a_success_forgets_the_failures_before_it(two: Two) -> None:
    await two.fail(two.here, 4)
    await two.here.record(KEY, well=True, sent_at=two.clock.now())
    await two.fail(two.here, 4)

    assert two.here.state(KEY) is CircuitState.CLOSED


async def test_while_all_goes_well_redis_is_not_asked(two: Two, valkey: OwnValkey) -> None:
    await two.line("CONFIG", "RESETSTAT")
    for _ in range(50):
        assert two.here.state(KEY) is CircuitState.CLOSED
        await two.here.record(KEY, well=True, sent_at=two.clock.now())

    assert b"cmdstat_eval" not in await two.line("INFO", "commandstats")


async def test_on_trial_one_of_many_callers_goes_through(two: Two) -> None:
    await two.on_trial()
    assert two.here.state(KEY) is two.there.state(KEY) is CircuitState.HALF_OPEN

    callers = [where.probe(KEY, 60) for where in (two.here, two.there) for _ in range(20)]
    probes = [probe for probe in await asyncio.gather(*callers) if probe]
    assert len(probes) == 1

    await two.here.record(KEY, well=True, sent_at=two.clock.now())
    assert await two.there.probe(KEY, 60) is not None


async def test_a_turn_ends_by_itself_or_is_given_back(two: Two) -> None:
    await two.on_trial()
    assert await two.here.probe(KEY, 60)
    assert await two.there.probe(KEY, 60) is None

    two.clock.advance(60)
    probe = await two.there.probe(KEY, 60)
    assert probe is not None
    assert await two.here.probe(KEY, 60) is None

    await two.there.give_back(probe)
    assert await two.here.probe(KEY, 60) is not None


async def test_three_that_go_well_one_by_one_close_it(two: Two) -> None:
    await two.on_trial()
    for _ in range(3):
        assert await two.here.probe(KEY, 60)
        await two.there.record(KEY, well=True, sent_at=two.clock.now())
        await two.here.refresh()

    assert two.here.state(KEY) is CircuitState.CLOSED
    assert KEY not in await two.there.all()


async def test_one_that_fails_on_trial_opens_it_again(two: Two) -> None:
    await two.on_trial()
    assert await two.here.probe(KEY, 60)
    await two.fail(two.there, 1)
    await two.here.refresh()

    assert two.here.state(KEY) is CircuitState.OPEN
    two.clock.advance(RULES.open_s - 1)
    assert two.here.state(KEY) is CircuitState.OPEN


async def test_a_reset_counts_everywhere(two: Two) -> None:
    await two.opened()

    assert await two.there.reset(KEY) is CircuitState.OPEN
    await two.here.refresh()
    assert two.here.state(KEY) is two.there.state(KEY) is CircuitState.CLOSED


async def test_without_redis_each_process_counts_alone(two: Two, valkey: OwnValkey) -> None:
    valkey.stop()
    await two.fail(two.here, 5)
    await two.here.refresh()

    assert two.here.state(KEY) is CircuitState.OPEN
    assert two.there.state(KEY) is CircuitState.CLOSED
    two.clock.advance(RULES.open_s)
    assert await two.here.probe(KEY, 60)
    assert await two.here.probe(KEY, 60) is None


async def test_what_another_release_wrote_bars_nobody(two: Two) -> None:
    field = f"{KEY.tenant_id}:{KEY.product.value}:{KEY.provider}"
    await two.line("HSET", "callbox:{circuits}", field, b"not ours")
    await two.here.refresh()
    assert two.here.state(KEY) is CircuitState.CLOSED

    await two.opened()
    assert two.there.state(KEY) is CircuitState.OPEN
