"""A session plans each statement once, perhaps while a table is empty: that plan must last."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import pytest
from msgspec.structs import replace

from core.domain.customers import Customer
from core.domain.orders import OrderState, Verdict
from core.kit.crypto import Keyring
from core.store.database import Database
from core.store.orders import PgOrderBook
from core.store.outbox import PgOutbox
from tests.fakes.books import Books

_BUYERS = 40
_ROUNDS = 12
_READS_EACH_MAX = 8
_TABLES = ["accounts", "orders", "attempts", "jobs", "answers", "notices", "transfers", "entries"]


@pytest.mark.parametrize("orders", [0, 1, 2, 5, 40, 200])
async def test_a_plan_made_on_few_rows_reads_no_more_when_there_are_many(
    books: Books, database_url: str, owner: asyncpg.Connection, orders: int
) -> None:
    database = Database(database_url, connections=1)
    shop = Shop(
        books,
        PgOrderBook(database, books.clock),
        PgOutbox(database, Keyring("a test"), books.clock),
    )
    buyers = [await books.customer(number, funds=100_000) for number in range(_BUYERS)]
    for first in range(0, orders, _BUYERS):
        await shop.sell(buyers[: orders - first])
    await owner.execute("analyze")
    await owner.execute(
        "insert into accounts (tenant_id, type, owner, currency, floor, created_at)"
        " select $1, 'wallet', 'nobody ' || n, 'NGN', true, now() from generate_series(1, 500) n",
        books.tenant.id,
    )
    for _ in range(_ROUNDS):
        await shop.sell(buyers)

    before = await reads(database, owner)
    await shop.sell(buyers)
    after = await reads(database, owner)

    many = {table: after[table] - before[table] for table in _TABLES}
    assert {table: n for table, n in many.items() if n > _READS_EACH_MAX * _BUYERS} == {}
    await shop.orders.close()
    await database.close()


@dataclass(frozen=True, slots=True)
class Shop:
    """The store as one session has it."""

    books: Books
    orders: PgOrderBook
    outbox: PgOutbox

    async def sell(self, buyers: Sequence[Customer]) -> None:
        """One order each on a day of its own, begun, delivered and told side by side."""
        self.books.clock.advance(86_400)
        orders = [replace(self.books.order(buyer), day_limit_minor=10**9) for buyer in buyers]
        await asyncio.gather(*(self.orders.begin(order) for order in orders))
        rulings = [self.books.ruling(order, Verdict.CAPTURE) for order in orders]
        states = await asyncio.gather(*(self.orders.rule(ruling) for ruling in rulings))
        assert set(states) == {OrderState.DELIVERED}
        assert await self.outbox.due(min(len(orders), 10), 10**9)


async def reads(database: Database, owner: asyncpg.Connection) -> dict[str, int]:
    """How many rows of each table were read so far, also by the one session of `database`."""
    await database.call("select pg_stat_force_next_flush()")
    rows = await owner.fetch(
        "select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as times"
        " from pg_stat_user_tables where relname = any ($1)",
        _TABLES,
    )
    return {row["relname"]: row["times"] for row in rows}


async def test_no_plan_is_compiled_whatever_the_server_is_set_to(books: Books) -> None:
    [jit] = await books.database.call("select setting, source from pg_settings where name = 'jit'")
    assert (jit["setting"], jit["source"]) == ("off", "client")
