"""Turns that wait for the end of their orders."""

import asyncio
import contextvars
import time
from collections.abc import Mapping
from uuid import UUID

import pytest

from core.domain.orders import OrderState
from core.services.outcomes import Outcomes

ORDER, OTHER = UUID(int=1), UUID(int=2)
_CUSTOMER: contextvars.ContextVar[str] = contextvars.ContextVar("_CUSTOMER", default="nobody")


class Book:
    """An order book of states alone. `broken` makes it fail; `asked` keeps every question."""

    def __init__(self) -> None:
        self.now: dict[UUID, OrderState] = {}
        self.asked: list[tuple[UUID, ...]] = []
        self.asked_for: set[str] = set()
        self.broken = False

    async def states(self, order_ids: tuple[UUID, ...]) -> Mapping[UUID, OrderState]:
        self.asked.append(order_ids)
        self.asked_for.add(_CUSTOMER.get())
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError("the book is closed")
        return {key: self.now[key] for key in order_ids if key in self.now}


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds


async def test_an_order_that_ended_already_is_told_at_once() -> None:
    book = Book()
    book.now[ORDER] = OrderState.DELIVERED

    assert await Outcomes(book).wait(ORDER, soon()) is OrderState.DELIVERED
    assert book.asked == [(ORDER,)]


async def test_an_order_that_ends_meanwhile_is_told() -> None:
    book = Book()
    book.now[ORDER] = OrderState.HELD
    waiting = asyncio.create_task(Outcomes(book).wait(ORDER, soon()))
    await asyncio.sleep(0.02)
    assert not waiting.done()

    book.now[ORDER] = OrderState.REFUNDED

    assert await asyncio.wait_for(waiting, 5) is OrderState.REFUNDED


@pytest.mark.parametrize("patience_s", [0.06, 0.0, -1.0])
async def test_an_order_without_an_end_is_none_when_patience_ends(patience_s: float) -> None:
    book = Book()
    book.now[ORDER] = OrderState.HELD
    started = time.monotonic()

    assert await Outcomes(book).wait(ORDER, soon(patience_s)) is None
    assert time.monotonic() - started < 4


async def test_nothing_is_asked_when_nobody_waits() -> None:
    book = Book()
    outcomes = Outcomes(book)
    await outcomes.wait(ORDER, soon(0.01))
    await asyncio.sleep(0.12)

    asked = len(book.asked)
    await asyncio.sleep(0.12)

    assert len(book.asked) == asked
    assert outcomes._waiting == {}


async def test_one_question_serves_all_who_wait() -> None:
    book = Book()
    outcomes = Outcomes(book)
    orders = [UUID(int=number) for number in range(100)]
    book.now = dict.fromkeys(orders, OrderState.DELIVERED)

    answers = await asyncio.gather(*(outcomes.wait(order, soon()) for order in orders * 2))

    assert answers == [OrderState.DELIVERED] * 200
    assert len(book.asked) == 1


async def test_the_question_is_asked_in_no_customers_name() -> None:
    """It serves all, so its log lines must not carry whoever happened to come first."""
    book = Book()
    book.now[ORDER] = OrderState.DELIVERED
    _CUSTOMER.set("2348031234567")

    await Outcomes(book).wait(ORDER, soon())

    assert book.asked_for == {"nobody"}


@pytest.mark.parametrize("pause_ms", [*range(0, 110, 10), 49, 51])
async def test_a_wait_that_starts_while_the_asking_ends_is_served(pause_ms: int) -> None:
    """The asking ends when nobody waits; whoever comes in just then must start it again."""
    book = Book()
    book.now = {ORDER: OrderState.DELIVERED, OTHER: OrderState.DELIVERED}
    outcomes = Outcomes(book)
    await outcomes.wait(ORDER, soon())
    await asyncio.sleep(pause_ms / 1000)

    assert await outcomes.wait(OTHER, soon()) is OrderState.DELIVERED


async def test_a_cancelled_wait_leaves_the_others_waiting() -> None:
    book = Book()
    book.now[ORDER] = OrderState.HELD
    outcomes = Outcomes(book)
    leaving = asyncio.create_task(outcomes.wait(ORDER, soon()))
    staying = asyncio.create_task(outcomes.wait(ORDER, soon()))
    await asyncio.sleep(0.02)

    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    book.now[ORDER] = OrderState.DELIVERED

    assert await asyncio.wait_for(staying, 5) is OrderState.DELIVERED


async def test_an_error_reaches_all_who_wait_and_later_waits_work_again() -> None:
    book = Book()
    book.broken = True
    outcomes = Outcomes(book)

    answers = await asyncio.gather(
        outcomes.wait(ORDER, soon()), outcomes.wait(OTHER, soon()), return_exceptions=True
    )

    assert [type(answer) for answer in answers] == [ConnectionError, ConnectionError]
    book.broken = False
    book.now[ORDER] = OrderState.DELIVERED
    assert await outcomes.wait(ORDER, soon()) is OrderState.DELIVERED


async def test_what_a_worker_here_booked_is_told_without_asking() -> None:
    book = Book()
    outcomes = Outcomes(book)
    waiting = asyncio.create_task(outcomes.wait(ORDER, soon()))
    await asyncio.sleep(0)

    outcomes.tell(ORDER, OrderState.HELD)
    assert not waiting.done()
    outcomes.tell(ORDER, OrderState.DELIVERED)

    assert await waiting is OrderState.DELIVERED
    assert len(book.asked) <= 1
