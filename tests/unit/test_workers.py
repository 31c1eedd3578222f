"""The pump: leases keep coming, whatever happens to one of them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from core.jobs import workers
from core.jobs.workers import Pump, run_all
from core.kit.bell import Bell
from core.kit.hand import Hand
from tests.fakes.waiting import until


class Queue:
    """Items that are due. A lease takes them off; `leases` counts the asking."""

    def __init__(self, *items: int) -> None:
        self.due = list(items)
        self.leases: list[int] = []
        self.failing = 0

    async def lease(self, count: int) -> Sequence[int]:
        self.leases.append(count)
        await asyncio.sleep(0)
        if self.failing:
            self.failing -= 1
            raise ConnectionError("no database")
        taken, self.due = self.due[:count], self.due[count:]
        return taken


@contextlib.asynccontextmanager
async def pumping(pump: Pump[int]) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(pump.run())
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def pump(
    queue: Queue,
    handle: Callable[[int], Awaitable[object]],
    *,
    bell: Bell | None = None,
    at_once: int = 4,
    idle_s: float = 0.01,
    drain_s: float = 5.0,
) -> Pump[int]:
    return Pump("test", queue.lease, handle, bell or Bell(), at_once, idle_s, drain_s)


async def test_everything_due_is_handled_once() -> None:
    queue, handled = Queue(*range(50)), list[int]()

    async def handle(item: int) -> None:
        await asyncio.sleep(0)
        handled.append(item)

    async with pumping(pump(queue, handle)):
        await until(lambda: len(handled) == 50)
        await asyncio.sleep(0.03)

    assert sorted(handled) == list(range(50))


async def test_a_poisoned_item_stops_no_other() -> None:
    queue, handled = Queue(*range(20)), list[int]()

    async def handle(item: int) -> None:
        if item % 3 == 0:
            raise ValueError("poisoned")
        if item % 3 == 1:
            raise asyncio.CancelledError
        handled.append(item)

    with capture_logs() as lines:
        async with pumping(pump(queue, handle, at_once=2)):
            await until(lambda: handled == [2, 5, 8, 11, 14, 17] and not queue.due)
            queue.due = [101]
            await until(lambda: handled[-1] == 101)

    told = {line["event"] for line in lines if line["event"].startswith("pump.")}
    assert told == {"pump.item_failed"}


async def test_leases_go_on_after_one_that_failed() -> None:
    queue, handled = Queue(1), list[int]()
    queue.failing = 1

    async def handle(item: int) -> None:
        handled.append(item)

    with capture_logs() as lines:
        started = time.monotonic()
        async with pumping(pump(queue, handle)):
            await until(lambda: handled == [1])

    told = [line["event"] for line in lines if line["event"].startswith("pump.")]
    assert told == ["pump.lease_failed"]
    assert time.monotonic() - started >= workers._PAUSE_AFTER_FAULT_S * 0.9


@pytest.mark.parametrize("at_once", [1, 3])
async def test_no_more_than_so_many_are_handled_side_by_side(at_once: int) -> None:
    queue = Queue(*range(20))
    under_way = most = done = 0

    async def handle(item: int) -> None:
        nonlocal under_way, most, done
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.002)
        under_way -= 1
        done += 1

    async with pumping(pump(queue, handle, at_once=at_once)):
        await until(lambda: done == 20)

    assert most == at_once
    assert max(queue.leases) <= at_once


async def test_nothing_is_leased_while_all_hands_are_busy() -> None:
    """A leased item that waits for a free hand would use up its lease."""
    queue, let_go = Queue(*range(9)), asyncio.Event()

    async def handle(item: int) -> None:
        await let_go.wait()

    async with pumping(pump(queue, handle, at_once=3)):
        await asyncio.sleep(0.05)
        assert (queue.leases, len(queue.due)) == ([3], 6)
        let_go.set()
        await until(lambda: not queue.due)


async def test_a_slow_item_does_not_hold_up_the_next() -> None:
    queue, handled, never = Queue(0), list[int](), asyncio.Event()

    async def handle(item: int) -> None:
        if item == 0:
            await never.wait()
        handled.append(item)

    async with pumping(pump(queue, handle, at_once=2)):
        await until(lambda: not queue.due)
        queue.due = [1, 2, 3]
        await until(lambda: handled == [1, 2, 3])
        never.set()


async def test_an_idle_pump_asks_at_its_pace_only() -> None:
    queue = Queue()

    async def handle(item: int) -> None: ...

    async with pumping(pump(queue, handle, idle_s=0.05)):
        await asyncio.sleep(0.28)

    assert 2 <= len(queue.leases) <= 7


async def test_the_bell_cuts_the_idle_wait_short() -> None:
    queue, bell, handled = Queue(), Bell(), list[int]()

    async def handle(item: int) -> None:
        handled.append(item)

    async with pumping(pump(queue, handle, bell=bell, idle_s=60)):
        await until(lambda: len(queue.leases) == 1)
        queue.due.append(7)
        bell.ring()
        await until(lambda: handled == [7])


async def test_a_stopped_pump_sees_through_what_is_under_way() -> None:
    queue, handled = Queue(1), list[int]()

    async def handle(item: int) -> None:
        await asyncio.sleep(0.03)
        handled.append(item)

    async with pumping(pump(queue, handle)) as running:
        await until(lambda: not queue.due)
        await asyncio.sleep(0.005)
        running.cancel()
        await asyncio.wait({running})
        leases = len(queue.leases)

        assert handled == [1]
        assert running.cancelled()
    assert len(queue.leases) == leases


@pytest.mark.parametrize("told", [pytest.param(1, id="once"), pytest.param(2, id="twice")])
async def test_a_stopped_pump_leaves_nothing_running(told: int) -> None:
    queue, ended = Queue(1), list[str]()

    async def handle(item: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async with pumping(pump(queue, handle, drain_s=0.05 if told == 1 else 60)) as running:
        await until(lambda: not queue.due)
        await asyncio.sleep(0.005)
        for _ in range(told):
            running.cancel()
            await asyncio.sleep(0.005)
        await asyncio.wait_for(asyncio.wait({running}), 15)

    assert ended == ["cancelled"]


async def test_several_pumps_run_until_cancelled_and_say_so() -> None:
    queues, handled = (Queue(1), Queue(2)), list[int]()

    async def handle(item: object) -> None:
        assert isinstance(item, int)
        handled.append(item)

    pumps = [
        Pump[object](f"pump {place}", queue.lease, handle, Bell(), idle_s=0.01)
        for place, queue in enumerate(queues)
    ]
    running = asyncio.create_task(run_all(pumps))
    await until(lambda: sorted(handled) == [1, 2])

    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running


async def test_work_from_the_same_process_goes_past_the_queue() -> None:
    queue, handled, hand = Queue(), list[int](), Hand[int]()

    async def handle(item: int) -> None:
        handled.append(item)

    assert not hand.promise(1)  # no pump is at work
    async with pumping(replace(pump(queue, handle), hand=hand)):
        await until(lambda: hand.promise(2))
        hand.keep(2, [7])
        await until(lambda: handled == [7])
        assert hand.promised == 0
        assert not hand.promise(5)  # four at once

    assert not hand.promise(1)


async def test_no_new_work_goes_before_what_waits_in_the_queue() -> None:
    queue, let_go, hand = Queue(*range(9)), asyncio.Event(), Hand[int]()

    async def handle(item: int) -> None:
        await let_go.wait()

    async with pumping(replace(pump(queue, handle, at_once=3), hand=hand)):
        await until(lambda: len(queue.due) == 6)
        assert not hand.promise(1)
        let_go.set()
        await until(lambda: not queue.due and hand.promise(1))
        hand.keep(1, [])


async def test_a_pump_that_stops_sees_through_what_it_promised() -> None:
    queue, handled, hand = Queue(), list[int](), Hand[int]()

    async def handle(item: int) -> None:
        handled.append(item)

    async with pumping(replace(pump(queue, handle), hand=hand)) as task:
        await until(lambda: hand.promise(1))
        task.cancel()
        await asyncio.sleep(0.02)
        assert not task.done()
        assert not hand.promise(1)
        hand.keep(1, [7])

    assert handled == [7]


async def test_new_work_that_fills_every_hand_does_not_keep_the_queue_waiting() -> None:
    queue, hand, given = Queue(), Hand[int](), 0

    async def handle(item: int) -> None:
        await asyncio.sleep(0)

    async def buying() -> None:
        nonlocal given
        while queue.due:
            if hand.promise(1):
                given += 1
                hand.keep(1, [given])
            await asyncio.sleep(0)

    async with pumping(replace(pump(queue, handle), hand=hand)):
        await until(lambda: hand.promise(4))
        hand.keep(4, [0] * 4)
        queue.due = [101]
        async with asyncio.timeout(15):
            await asyncio.gather(*(buying() for _ in range(4)))


async def test_work_that_comes_too_late_for_a_pump_that_stops_is_not_begun() -> None:
    queue, handled, hand, let_go = Queue(), list[int](), Hand[int](), asyncio.Event()

    async def handle(item: int) -> None:
        handled.append(item)
        try:
            await asyncio.Event().wait()
        finally:
            await let_go.wait()

    async with pumping(replace(pump(queue, handle, drain_s=0), hand=hand)) as task:
        await until(lambda: hand.promise(2))
        hand.keep(1, [1])
        await until(lambda: handled == [1])
        task.cancel()
        await asyncio.sleep(0.02)  # it was given up on, and ends its affairs
        hand.keep(1, [2])
        let_go.set()

    assert (handled, hand.promised) == ([1], 0)


async def test_work_by_hand_is_not_done_in_the_name_of_who_gave_it() -> None:
    queue, hand = Queue(), Hand[int]()
    talk, seen = ContextVar("talk", default="none"), list[str]()

    async def handle(item: int) -> None:
        seen.append(talk.get())

    async with pumping(replace(pump(queue, handle), hand=hand)):
        await until(lambda: hand.promise(1))
        talk.set("of the one who came first")
        hand.keep(1, [7])
        await until(lambda: seen)

    assert seen == ["none"]
