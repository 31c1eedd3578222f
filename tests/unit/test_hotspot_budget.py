"""Requests of a router: never more in a minute than it is to be asked, the last for paid work."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ports.hotspot import Lane
from core.providers.hotspot.budget import Budget, BudgetRules, OnlyHere, Spent

RULES = BudgetRules()


class Time:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def spend(budget: Budget, lane: Lane, time: Time) -> bool:
    try:
        await budget.take(lane, time.now_s)
    except Spent:
        return False
    return True


@given(st.lists(st.tuples(st.sampled_from(Lane), st.floats(0, 5)), max_size=400))
def test_no_minute_sees_more_than_a_hundred(asked: list[tuple[Lane, float]]) -> None:
    async def all_of_them() -> None:
        time = Time()
        budget = Budget("r1", RULES, OnlyHere(), time)
        left: list[float] = []
        for lane, pause_s in asked:
            time.now_s += pause_s
            if await spend(budget, lane, time):
                left.append(time.now_s)
                recent = [at for at in left if at > time.now_s - 60]
                assert len(recent) <= RULES.ceilings[lane]

    asyncio.run(all_of_them())


async def test_each_lane_leaves_the_rest_to_those_before_it() -> None:
    time = Time()
    budget = Budget("r1", RULES, OnlyHere(), time)
    for lane, more in ((Lane.BULK, 60), (Lane.MANAGE, 10), (Lane.MONITOR, 10), (Lane.PAID, 20)):
        for _ in range(more):
            assert await spend(budget, lane, time)
        assert not await spend(budget, lane, time)
    time.now_s += 60.5
    assert not await spend(budget, Lane.PAID, time)
    time.now_s += 0.6
    assert await spend(budget, Lane.BULK, time)


async def test_who_may_wait_waits_until_a_request_is_free() -> None:
    budget = Budget("r1", BudgetRules(0.1, 0.0, ceilings=dict.fromkeys(Lane, 1)), OnlyHere())
    loop = asyncio.get_running_loop()
    await budget.take(Lane.PAID, loop.time() + 5)
    begun = loop.time()
    await budget.take(Lane.BULK, loop.time() + 5)
    assert loop.time() - begun > 0.05
    with pytest.raises(Spent) as spent:
        await budget.take(Lane.BULK, loop.time() + 0.01)
    assert 0 < spent.value.wait_s <= 0.11
