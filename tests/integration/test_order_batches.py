"""Orders in batches: side by side, when a connection breaks, and when too many wait."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from msgspec.structs import replace

from core.domain.orders import Beginning, Begun, NewOrder, OrderState, Verdict
from core.ports import Busy
from core.store.batcher import Limits
from core.store.database import Database
from core.store.orders import PgOrderBook
from tests.fakes.books import Books, open_books

_DAY_LIMIT = 1_000_000


class Breaking(Database):
    """Loses the answer to the next statement that names `breaks_at`, after its commit."""

    breaks_at = ""

    async def _fetch(self, query: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        rows = await super()._fetch(query, arguments)
        if self.breaks_at and self.breaks_at in query:
            self.breaks_at = ""
            raise ConnectionResetError("the answer is lost")
        return rows


@asynccontextmanager
async def side(books: Books, database: Database) -> AsyncIterator[PgOrderBook]:
    """The order book as another process has it: with batches and connections of its own."""
    book = PgOrderBook(database, books.clock)
    try:
        yield book
    finally:
        await book.close()
        await database.close()


async def test_an_order_whose_answer_was_lost_after_the_commit_is_begun_once(
    books: Books, database_url: str
) -> None:
    customer = await books.customer(funds=1000)
    database = Breaking(database_url)
    async with side(books, database) as book:
        database.breaks_at = "order_hold"

        begun = await book.begin(books.order(customer, amount=100))

    assert (begun.result, begun.state) == (Beginning.DUPLICATE, OrderState.HELD)
    assert await books.money(customer) == (900, 100)


async def test_a_ruling_whose_answer_was_lost_after_the_commit_is_booked_once(
    books: Books, database_url: str, owner: asyncpg.Connection
) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=100)
    await books.claimed(order)
    database = Breaking(database_url)
    async with side(books, database) as book:
        database.breaks_at = "order_rule"

        assert await book.rule(books.ruling(order, Verdict.CAPTURE)) is OrderState.DELIVERED

    assert await books.money(customer) == (900, 0)
    for table in ("answers", "transfers"):
        column = "order_id" if table == "answers" else "event_id"
        count = f"select count(*) from {table} where {column} = $1"
        assert await owner.fetchval(count, order.id) == 1


async def test_a_claim_whose_answer_was_lost_is_asked_about_and_not_sent_again(
    books: Books, database_url: str
) -> None:
    """Nobody knows that it never left: whoever leases it next may only ask."""
    order = await books.begun(await books.customer(funds=1000))
    database = Breaking(database_url)
    async with side(books, database) as book:
        database.breaks_at = "order_claim"

        assert await book.claim(10, 60) == []

    books.clock.advance(61)
    due = await books.claimed(order)
    assert not due.first_send


async def test_processes_side_by_side_begin_and_end_each_order_once(
    books: Books, database_url: str
) -> None:
    """Three of them get the same orders, in other sequences, and all try to do all of it."""
    customers = [await books.customer(number, funds=1000) for number in range(40)]
    orders = [books.order(customer, amount=100) for customer in customers]

    async with (
        side(books, Database(database_url, connections=3)) as second,
        side(books, Database(database_url, connections=3)) as third,
    ):
        ways = [(books.orders, orders), (second, orders[::-1]), (third, orders[20:] + orders[:20])]
        begun = await asyncio.gather(*(_all_begun(book, some) for book, some in ways))
        claims = await asyncio.gather(*(book.claim(25, 60) for book, _ in ways))
        ended = await asyncio.gather(
            *(
                book.rule(books.ruling(order, Verdict.CAPTURE))
                for book, some in ways
                for order in some
            )
        )

    answers = [one.result for side_of_it in begun for one in side_of_it]
    assert answers.count(Beginning.BEGUN) == 40
    assert answers.count(Beginning.DUPLICATE) == 80
    claimed = [due.order_id for claim in claims for due in claim]
    assert sorted(claimed) == sorted(order.id for order in orders)
    assert set(ended) == {OrderState.DELIVERED}
    assert [await books.money(customer) for customer in customers] == [(900, 0)] * 40


async def _all_begun(book: PgOrderBook, orders: list[NewOrder]) -> list[Begun]:
    return await asyncio.gather(*(book.begin(order) for order in orders))


async def test_too_many_waiting_are_turned_away_and_cost_nothing(books: Books) -> None:
    customers = [await books.customer(number, funds=1000) for number in range(10)]
    book = PgOrderBook(books.database, books.clock, Limits(batch_max=1, waiting_max=3, flushers=1))

    answers = await asyncio.gather(
        *(book.begin(books.order(customer)) for customer in customers), return_exceptions=True
    )

    await book.close()
    turned_away = [isinstance(answer, Busy) for answer in answers]
    assert 0 < sum(turned_away) < 10
    held = [held for _, held in [await books.money(customer) for customer in customers]]
    assert held == [0 if away else 100 for away in turned_away]


async def test_plans_made_on_empty_tables_serve_full_ones(
    database_url: str, owner: asyncpg.Connection
) -> None:
    """A plan lives as long as its connection: with a wrong index each order looks at all others."""
    count = 2000
    await owner.execute("analyze")
    database = Database(database_url, connections=1)
    books = await open_books(database)
    customers = [await books.customer(number, funds=10_000) for number in range(100)]
    orders = [
        replace(books.order(customers[number % 100]), day_limit_minor=_DAY_LIMIT)
        for number in range(count)
    ]
    await _all_begun(books.orders, orders)
    for _ in range(0, count, 100):
        await books.orders.claim(100, 60)
    await asyncio.gather(*(books.rule(order, Verdict.REFUND) for order in orders))
    await database.close()  # which has its statistics counted

    read = await owner.fetchval(
        "select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'orders'"
    )
    # Each is looked up a few times, and so are those of its customer that day.
    assert read < count * 40, read
