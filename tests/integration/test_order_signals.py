"""A signal of a provider that comes while an answer is being booked is never lost."""

import asyncio

import asyncpg
import pytest

from core.domain.orders import OrderState, Verdict
from core.store.database import Database
from core.store.orders import PgOrderBook
from tests.fakes.books import NOT_FOUND, UNKNOWN, Books

_WAITING = """
    select count(*) from pg_stat_activity where datname = current_database()
      and wait_event_type = 'Lock' and query like '%order_%'
"""


class Counting(Database):
    """Counts the circles that Postgres had to break."""

    circles = 0

    async def _fetch(self, query: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        try:
            return await super()._fetch(query, arguments)
        except asyncpg.DeadlockDetectedError:
            self.circles += 1
            raise


async def waiting(owner: asyncpg.Connection, count: int) -> None:
    """Until so many wait for a lock."""
    async with asyncio.timeout(15):
        while await owner.fetchval(_WAITING) != count:
            await owner.execute("select pg_stat_clear_snapshot()")  # or it is as it was
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("verdict", [Verdict.KEEP, Verdict.WAIT])
async def test_a_signal_about_an_order_without_a_job_outlives_a_late_answer(
    books: Books, owner: asyncpg.Connection, verdict: Verdict
) -> None:
    order = await books.begun(await books.customer(funds=1000))
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE)
    async with owner.transaction():
        await owner.execute("select from orders where id = $1 for update", order.id)
        late = asyncio.create_task(books.rule(order, verdict, NOT_FOUND, check_in_s=300))
        await waiting(owner, 1)
        signal = asyncio.create_task(books.orders.hurry("vtpass", [order.provider_reference]))
        await waiting(owner, 2)
    await late
    assert await signal == 1

    assert [due.order_id for due in await books.orders.claim(10, 60)] == [order.id]


async def test_signals_and_answers_of_several_orders_do_not_wait_in_a_circle(
    books: Books, owner: asyncpg.Connection, database_url: str
) -> None:
    customers = [await books.customer(number, funds=1000) for number in (1, 2)]
    first, second = sorted([await books.begun(each) for each in customers], key=lambda o: o.id)
    await books.orders.claim(10, 60)
    database = Counting(database_url)
    book = PgOrderBook(database, books.clock)
    async with owner.transaction():
        await owner.execute("select from jobs where ref = $1 for update", first.id)
        references = [first.provider_reference, second.provider_reference]
        signals = asyncio.create_task(book.hurry("vtpass", references))
        await waiting(owner, 1)
        answers = asyncio.gather(
            book.rule(books.ruling(first, Verdict.WAIT, UNKNOWN, check_in_s=300)),
            book.rule(books.ruling(second, Verdict.CAPTURE)),
        )
        await waiting(owner, 2)

    assert await signals == 2
    assert tuple(await answers) == (OrderState.IN_DOUBT, OrderState.DELIVERED)
    assert database.circles == 0
    await book.close()
    await database.close()
