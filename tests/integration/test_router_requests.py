"""Requests of a router: counted by a real Redis for all processes, and when it is away."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from uuid import UUID

import pytest

from core.kit.clock import SystemClock
from core.ports.hotspot import Done, Lane, Refusal, Refused
from core.providers.addresses import Reach
from core.providers.hotspot.budget import Budget, BudgetRules, Spent
from core.providers.hotspot.routeros import RouterOsFleet, Settings
from core.store.redis_line import open_line
from core.store.router_requests import RedisRouterRequests
from tests.fakes.hotspot import QUICK, access, voucher
from tests.fakes.routers import router
from tests.fakes.valkey import OwnValkey, own_valkey

ROUTER = UUID(int=7)


@pytest.fixture
async def valkey() -> AsyncIterator[OwnValkey]:
    async with own_valkey() as server:
        yield server


@pytest.fixture
async def two(valkey: OwnValkey) -> AsyncIterator[tuple[RedisRouterRequests, RedisRouterRequests]]:
    """Two processes that work on one router."""
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(open_line(valkey.url)) for _ in range(2)]
        yield RedisRouterRequests(lines[0]), RedisRouterRequests(lines[1])


async def test_all_processes_together_ask_no_more_than_a_hundred_times(
    two: tuple[RedisRouterRequests, RedisRouterRequests],
) -> None:
    """As the router itself counts them."""
    rules = dataclasses.replace(QUICK, budget=BudgetRules())
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(router())
        both = []
        for requests in two:
            fleet = RouterOsFleet(Settings(), requests, SystemClock(), Reach.ANYWHERE, rules)
            stack.push_async_callback(fleet.aclose)
            both.append(fleet.of(ROUTER, access(one)))
        orders = [both[n % 2].add_user(voucher(f"A{n}"), Lane.PAID) for n in range(160)]
        outcomes = [*await asyncio.gather(*orders), await both[0].add_user(voucher("B"), Lane.BULK)]
        done = [outcome for outcome in outcomes if isinstance(outcome, Done)]
        busy = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert {refused.reason for refused in busy} == {Refusal.BUSY}
        assert one.box.record.busiest_minute == one.box.record.total == 100
        assert (len(done), len(busy)) == (100 - one.box.record.commands["/login"], 161 - len(done))


async def test_the_wait_is_told_and_kept(
    two: tuple[RedisRouterRequests, RedisRouterRequests],
) -> None:
    here, there = two
    assert [await here.take("r1", 2, 0.3), await there.take("r1", 2, 0.3)] == [0, 0]
    wait_s = await here.take("r1", 2, 0.3)
    assert 0 < wait_s <= 0.3
    assert await there.take("r2", 2, 0.3) == 0
    await asyncio.sleep(wait_s)
    assert await here.take("r1", 2, 0.3) == 0


async def test_while_redis_is_away_each_process_counts_its_own(
    valkey: OwnValkey, two: tuple[RedisRouterRequests, RedisRouterRequests]
) -> None:
    valkey.stop()
    loop = asyncio.get_running_loop()
    rules = BudgetRules(ceilings=dict.fromkeys(Lane, 3))
    for requests in two:
        budget = Budget("r1", rules, requests)
        for _ in range(3):
            await budget.take(Lane.PAID, loop.time())
        with pytest.raises(Spent):
            await budget.take(Lane.PAID, loop.time())
