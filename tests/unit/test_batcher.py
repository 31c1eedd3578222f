"""Many callers, one commit: who goes with whom, and what one item's trouble does to the others."""

import asyncio
from collections.abc import Sequence

import pytest

from core.ports import Busy
from core.store.batcher import Batcher, Limits
from core.store.database import Unavailable


class Sent:
    """Answers each item with itself in capitals, once the gate is open, and keeps the batches."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.gate = asyncio.Event()

    async def __call__(self, items: Sequence[str]) -> list[str]:
        self.batches.append(list(items))
        await self.gate.wait()
        if "poison" in items:
            raise ValueError("poison")
        if "outage" in items:
            raise Unavailable("away")
        return [item.upper() for item in items]


def batcher(sent: Sent, **limits: int) -> Batcher[str, str]:
    return Batcher("test", sent, key=lambda item: item.split("/")[0], limits=Limits(**limits))


async def submitted(queue: Batcher[str, str], *items: str) -> list[asyncio.Task[str]]:
    """Submit all at once, and let a batch leave if one will."""
    tasks = [asyncio.create_task(queue.submit(item)) for item in items]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


async def test_a_lone_caller_waits_for_nobody() -> None:
    sent = Sent()
    sent.gate.set()

    assert await batcher(sent).submit("a") == "A"
    assert sent.batches == [["a"]]


async def test_whatever_waits_during_a_commit_goes_into_the_next() -> None:
    sent = Sent()
    queue = batcher(sent)
    first = await submitted(queue, "a")
    others = await submitted(queue, "b", "c", "d")
    sent.gate.set()

    assert await asyncio.gather(*first, *others) == ["A", "B", "C", "D"]
    assert sent.batches == [["a"], ["b", "c", "d"]]


@pytest.mark.parametrize(
    ("callers", "batches"),
    [(3, [3]), (5, [5]), (6, [3, 3]), (7, [4, 3]), (15, [8, 7]), (16, [8, 8]), (20, [16, 4])],
)
async def test_those_who_fit_into_one_batch_make_several_that_are_worth_it(
    callers: int, batches: list[int]
) -> None:
    sent = Sent()
    queue = Batcher("test", sent, limits=Limits(batch_max=16, crowd=3, split_min=3))

    tasks = await submitted(queue, *map(str, range(callers)))

    assert [len(batch) for batch in sent.batches] == batches
    sent.gate.set()
    assert await asyncio.gather(*tasks) == [str(number) for number in range(callers)]


async def test_many_fill_their_batches_though_few_of_them_wait_at_the_moment() -> None:
    sent = Sent()
    queue = Batcher("test", sent, limits=Limits(batch_max=16, crowd=3, split_min=3, flushers=2))
    sent.gate.set()
    await asyncio.gather(*await submitted(queue, *map(str, range(40))))
    sent.batches.clear()

    await asyncio.gather(*await submitted(queue, *map(str, range(8))))

    assert [len(batch) for batch in sent.batches] == [8]


async def test_once_the_many_are_gone_a_few_are_split_again() -> None:
    sent = Sent()
    queue = Batcher("test", sent, limits=Limits(batch_max=16, crowd=3, split_min=3, flushers=2))
    sent.gate.set()
    await asyncio.gather(*await submitted(queue, *map(str, range(40))))
    for _ in range(30):
        await queue.submit("alone")
    sent.batches.clear()

    await asyncio.gather(*await submitted(queue, *map(str, range(8))))

    assert [len(batch) for batch in sent.batches] == [4, 4]


async def test_one_caller_after_another_is_always_served() -> None:
    """A flusher that just ended must not be taken for one that still serves."""
    sent = Sent()
    sent.gate.set()
    queue = batcher(sent)

    for _ in range(100):
        assert await asyncio.wait_for(queue.submit("a"), 1) == "A"


async def test_a_key_stands_in_a_batch_once_and_keeps_its_turn() -> None:
    sent = Sent()
    queue = batcher(sent, flushers=1)
    tasks = await submitted(queue, "x/1", "a", "x/2", "b", "x/3")
    sent.gate.set()

    await asyncio.gather(*tasks)

    assert sent.batches == [["x/1", "a", "b"], ["x/2"], ["x/3"]]


async def test_a_key_is_under_way_once_even_with_two_flushers() -> None:
    sent = Sent()
    queue = batcher(sent, flushers=2, crowd=1, batch_max=2)
    tasks = await submitted(queue, "x/1", "a")
    tasks += await submitted(queue, "x/2", "b")

    assert sent.batches == [["x/1", "a"], ["b"]]
    sent.gate.set()
    await asyncio.gather(*tasks)
    assert sent.batches[2:] == [["x/2"]]


async def test_a_second_batch_starts_beside_the_first_only_for_a_crowd() -> None:
    sent = Sent()
    queue = batcher(sent, flushers=2, crowd=3)
    tasks = await submitted(queue, "a")
    tasks += await submitted(queue, "b", "c")
    alone = list(sent.batches)
    tasks += await submitted(queue, "d")

    assert alone == [["a"]]
    assert sent.batches == [["a"], ["b", "c", "d"]]
    sent.gate.set()
    await asyncio.gather(*tasks)


async def test_a_full_queue_turns_callers_away_at_once() -> None:
    sent = Sent()
    queue = batcher(sent, waiting_max=2, flushers=1)
    tasks = await submitted(queue, "a")
    tasks += await submitted(queue, "b", "c")

    with pytest.raises(Busy):
        await queue.submit("d")

    sent.gate.set()
    assert await asyncio.gather(*tasks) == ["A", "B", "C"]


async def test_poison_fails_its_own_caller_only() -> None:
    sent = Sent()
    sent.gate.set()
    queue = batcher(sent)

    results = await asyncio.gather(
        *(queue.submit(item) for item in ("a", "poison", "b")), return_exceptions=True
    )

    assert (results[0], results[2]) == ("A", "B")
    assert isinstance(results[1], ValueError)


async def test_an_outage_fails_all_without_trying_each() -> None:
    sent = Sent()
    sent.gate.set()
    queue = batcher(sent)

    results = await asyncio.gather(
        *(queue.submit(item) for item in ("a", "outage")), return_exceptions=True
    )

    assert all(isinstance(result, Unavailable) for result in results)
    assert len(sent.batches) == 1


async def test_a_caller_who_leaves_while_waiting_takes_the_item_along() -> None:
    sent = Sent()
    queue = batcher(sent, flushers=1)
    first = await submitted(queue, "a")
    [second, third] = await submitted(queue, "b", "c")
    second.cancel()
    await asyncio.sleep(0)
    sent.gate.set()

    assert await asyncio.gather(*first, third) == ["A", "C"]
    assert sent.batches == [["a"], ["c"]]


async def test_a_caller_who_leaves_during_the_commit_disturbs_nobody() -> None:
    sent = Sent()
    queue = batcher(sent)
    tasks = await submitted(queue, "a", "b")
    tasks[0].cancel()
    sent.gate.set()

    assert await tasks[1] == "B"
    assert await queue.submit("c") == "C"
    assert sent.batches[0] == ["a", "b"]


async def test_closing_sees_through_what_waits() -> None:
    sent = Sent()
    queue = batcher(sent, flushers=1)
    tasks = await submitted(queue, "a", "b")
    tasks += await submitted(queue, "c")
    sent.gate.set()

    await queue.close()

    assert [task.result() for task in tasks if task.done()] == ["A", "B", "C"]
