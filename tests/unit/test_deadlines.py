"""Deadlines that share their timers."""

import asyncio
import gc
import time
from functools import partial

import pytest

from core.kit.deadlines import Deadlines
from tests.fakes.waiting import until


def soon(seconds: float) -> float:
    return time.monotonic() + seconds


@pytest.mark.parametrize("seconds", [0.05, 0.001, 0.0, -1.0])
async def test_it_calls_when_the_time_has_come(seconds: float) -> None:
    called = list[float]()
    due = soon(seconds)
    Deadlines().at(due, lambda: called.append(time.monotonic()))

    await until(lambda: bool(called))

    assert called[0] >= due - 0.002  # the loop counts in milliseconds


async def test_what_is_over_is_not_called() -> None:
    called = list[str]()
    deadlines = Deadlines()
    at = soon(0.03)
    over = deadlines.at(at, lambda: called.append("over"))
    deadlines.at(at, lambda: called.append("due"))

    over.over()
    await until(lambda: bool(called))

    assert called == ["due"]


async def test_a_thousand_share_a_few_timers_and_leave_nothing_behind() -> None:
    called = list[int]()
    deadlines = Deadlines()
    at = soon(0.05)
    for number in range(1_000):
        deadlines.at(at + number / 100_000, partial(called.append, number))

    assert len(deadlines._steps) <= 2
    await until(lambda: len(called) == 1_000)
    assert deadlines._steps == {}


async def test_what_takes_longer_is_cut_off() -> None:
    cancelled = list[bool]()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with pytest.raises(TimeoutError), Deadlines().within(0.02):
        await wait()

    assert cancelled == [True]
    await asyncio.sleep(0)  # nothing of it is left to meet the next wait


async def test_what_ends_in_time_is_not_cut_off_later() -> None:
    deadlines = Deadlines()
    with deadlines.within(0.01):
        await asyncio.sleep(0)

    await until(lambda: not deadlines._steps)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_is_over_leaves_nothing_to_the_collector() -> None:
    deadlines = Deadlines()
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            with deadlines.within(60):
                deadlines.at(soon(60), list).over()
        assert gc.collect() < 100
    finally:
        gc.enable()


@pytest.mark.parametrize("late", [False, True], ids=["before", "when it is late as well"])
async def test_cancelled_by_others_it_is_no_timeout(*, late: bool) -> None:
    deadlines, waiting = Deadlines(), asyncio.Event()

    async def wait() -> None:
        with deadlines.within(0.02 if late else 60):
            waiting.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await waiting.wait()
    if late:
        [due] = deadlines._steps.values()
        for deadline in tuple(due):
            deadline.come()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_what_is_waited_for_stays_what_it_is() -> None:
    with pytest.raises(ValueError, match="theirs"), Deadlines().within(60):
        raise ValueError("theirs")
