"""A tenant sees itself only: the database holds the program to it, whatever the program asks."""

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.domain.ledger import AccountKey, AccountType, Posting, Transfer
from core.kit import ids
from tests.fakes.books import Books, open_books


async def run(books: Books, *statements: str) -> None:
    """Run statements as the program does, in one transaction of this tenant."""
    async with books.database.tenant_scope(books.tenant.id) as connection:
        for statement in statements:
            await connection.execute(text(statement))


# Every table that has rows of a tenant, found in the database rather than listed by hand.
TENANT_TABLES = """
    select table_name from information_schema.columns
    where table_schema = 'public' and column_name = 'tenant_id' order by table_name
"""


@pytest.fixture
async def stranger(books: Books) -> Books:
    """Another tenant, with rows in the tables that purchases and payments fill."""
    stranger = await open_books(books.database, "stranger")
    customer = await stranger.customer(funds=1000)
    order = await stranger.begun(customer)
    await stranger.claimed(order)
    return stranger


async def test_every_tenant_table_is_under_row_level_security(owner: asyncpg.Connection) -> None:
    open_tables = await owner.fetch(
        f"select t.table_name from ({TENANT_TABLES}) t join pg_class c"
        " on c.oid = t.table_name::text::regclass where case c.relkind"
        # A view sees what whoever asks may see.
        " when 'v' then not coalesce('security_invoker=true' = any (c.reloptions), false)"
        " else not c.relrowsecurity or not exists"
        " (select from pg_policy p where p.polrelid = c.oid) end"
    )

    assert open_tables == []


async def test_no_row_of_another_tenant_is_seen(
    books: Books, stranger: Books, owner: asyncpg.Connection
) -> None:
    filled = 0
    for (table,) in await owner.fetch(TENANT_TABLES):
        theirs = await owner.fetchval(
            f"select count(*) from {table} where tenant_id = $1", stranger.tenant.id
        )
        filled += bool(theirs)
        async with books.database.tenant_scope(books.tenant.id) as connection:
            seen = await connection.scalars(text(f"select tenant_id from {table}"))
            assert set(seen) <= {books.tenant.id}, table
        async with books.database.tenant_scope(stranger.tenant.id) as connection:
            assert await connection.scalar(text(f"select count(*) from {table}")) == theirs
    assert filled >= 10


async def test_without_a_tenant_nothing_is_seen(
    books: Books, stranger: Books, owner: asyncpg.Connection
) -> None:
    for (table,) in await owner.fetch(TENANT_TABLES):
        [row] = await books.database.call(f"select count(*) as seen from {table}")
        assert row["seen"] == 0, table
    [row] = await books.database.call("select count(*) as seen from tenants")
    assert row["seen"] == 0


async def test_a_tenant_does_not_outlive_its_transaction(books: Books, stranger: Books) -> None:
    """The connection goes back to the pool and serves somebody else."""
    for _ in range(10):
        async with books.database.tenant_scope(stranger.tenant.id) as connection:
            await connection.execute(text("select 1"))
        [row] = await books.database.call(
            "select coalesce(current_setting('callbox.tenant', true), '') as tenant"
        )
        assert row["tenant"] == ""


@pytest.mark.parametrize(
    "statement",
    [
        """insert into customers (id, tenant_id, msisdn, language, created_at)
          values (gen_random_uuid(), '{theirs}', '2348030000000', 'en', now())""",
        """insert into notices (id, tenant_id, key, customer_id, text, facts, run_at, created_at)
          values (gen_random_uuid(), '{theirs}', 'k', '{theirs}', 't', '{{}}', now(), now())""",
        "update customers set tenant_id = '{theirs}'",
        """insert into events (subject, tenant_id, kind, actor, at)
          values ('s', '{theirs}', 'k', 'a', now())""",
    ],
    ids=["insert a customer", "insert a notice", "give a customer away", "insert an event"],
)
async def test_rows_of_another_tenant_cannot_be_written(
    books: Books, stranger: Books, statement: str
) -> None:
    await books.customer()
    with pytest.raises(DBAPIError, match="row-level security"):
        await run(books, statement.format(theirs=stranger.tenant.id))


async def test_rows_of_another_tenant_cannot_be_changed(books: Books, stranger: Books) -> None:
    async with books.database.tenant_scope(books.tenant.id) as connection:
        changed = await connection.execute(text("update customers set status = 'blocked'"))
    assert changed.rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "update transfers set amount_minor = 1",
        "delete from transfers",
        "update entries set amount_minor = 1",
        "delete from entries",
        "update accounts set posted_minor = 1",
        """insert into transfers (id, tenant_id, debit_id, credit_id, amount_minor, code, event_id,
          created_at) values (gen_random_uuid(), '{ours}', 1, 2, 1, 'x', '{ours}', now())""",
        "update holds set state = 'voided'",
        "update orders set state = 'delivered'",
        "delete from jobs",
        "delete from events",
        "alter table transfers disable trigger all",
        "select order_account(null, null, null, null)",
        "select ledger_book(null, null, now())",
    ],
)
async def test_the_program_moves_money_by_the_functions_alone(books: Books, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        await run(books, statement.format(ours=books.tenant.id))


async def test_row_security_cannot_be_switched_off(books: Books, stranger: Books) -> None:
    """Asking for it makes queries fail; it never makes them see more."""
    with pytest.raises(DBAPIError, match="row-level security"):
        await run(books, "set local row_security = off", "select * from orders")


@pytest.mark.parametrize(
    "statement",
    [
        "update transfers set amount_minor = 1",
        "delete from transfers",
        "truncate transfers",
        "update entries set amount_minor = 1",
        "delete from entries",
        "delete from events",
    ],
)
async def test_not_even_the_owner_rewrites_history(
    owner: asyncpg.Connection, statement: str
) -> None:
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute(statement)


async def test_the_ledger_refuses_accounts_of_another_tenant(books: Books, stranger: Books) -> None:
    """The functions run as the owner, past row-level security: they look for themselves."""
    ours = books.wallet(await books.customer())
    theirs = AccountKey(stranger.tenant.id, AccountType.WORLD, "", "NGN")

    for debit, credit in ((theirs, ours), (ours, theirs)):
        for tenant_id in (books.tenant.id, stranger.tenant.id):
            transfer = Transfer(ids.uuid7(), tenant_id, debit, credit, 1, "x", ids.uuid7())
            assert await books.ledger.post(transfer) is Posting.FOREIGN


async def test_a_customer_of_another_tenant_cannot_buy_here(books: Books, stranger: Books) -> None:
    theirs = await stranger.customer(funds=1000)

    begun = await books.orders.begin(books.order(theirs))

    assert begun.state is None
    assert await stranger.money(theirs) == (1900, 100)


async def test_an_order_of_another_tenant_is_not_found(books: Books, stranger: Books) -> None:
    customer = await stranger.customer(number=7, funds=1000)
    order = await stranger.begun(customer)

    assert await books.orders.get(books.tenant.id, order.id) is None
    assert await books.orders.find(books.tenant.id, order.reference) is None
    assert await books.orders.latest(books.tenant.id, customer.id, 5) == []
