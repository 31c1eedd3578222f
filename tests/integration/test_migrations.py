"""From an empty database to the present form, on any Postgres that people have."""

import asyncio

import pytest
from sqlalchemy import Connection, inspect, make_url, text
from sqlalchemy.dialects import registry
from sqlalchemy.types import TypeEngine

from core.store import hotspot_tables
from core.store.database import Database, Unfit, owner_engine
from core.store.migrations import CannotMigrate, upgrade
from core.store.tables import metadata
from tests.fakes.database import connect

_DIALECT = registry.load("postgresql")()


async def test_migrating_twice_changes_nothing(empty_database_url: str) -> None:
    await upgrade(empty_database_url)
    owner = await connect(empty_database_url)
    before = await owner.fetch("select oid from pg_proc order by oid")

    await upgrade(empty_database_url)

    assert await owner.fetch("select oid from pg_proc order by oid") == before
    await owner.close()


async def test_several_processes_may_migrate_at_once(empty_database_url: str) -> None:
    await asyncio.gather(*(upgrade(empty_database_url) for _ in range(4)))

    owner = await connect(empty_database_url)
    assert await owner.fetchval("select count(*) from alembic_version") == 1
    await owner.close()


async def test_a_deadlock_with_what_still_runs_is_tried_again(database_url: str) -> None:
    running, owner = await connect(database_url), await connect(database_url)
    await owner.execute("update functions_applied set digest = 'of an earlier release'")
    statement = running.transaction()
    await statement.start()
    await running.execute("lock table functions_applied")
    await running.execute("set local deadlock_timeout = '1min'")  # so it is not who gives way

    upgrading = asyncio.create_task(upgrade(database_url))
    waits = """select 1 from pg_locks l join pg_database d on d.oid = l.database
      where d.datname = current_database() and not l.granted"""
    while not await owner.fetchval(waits):  # noqa: ASYNC110 - Postgres sets no Event
        await asyncio.sleep(0.01)
    await running.fetch("select * from alembic_version")
    await statement.commit()
    await upgrading

    digests = await owner.fetch("select digest from functions_applied")
    assert len(digests) == 2
    await running.close()
    await owner.close()


async def test_changed_functions_are_applied_anew(database_url: str) -> None:
    owner = await connect(database_url)
    await owner.execute("update functions_applied set digest = 'of an earlier release'")
    await owner.execute("drop function ledger_post")

    await upgrade(database_url)

    assert await owner.fetchval("select count(*) from pg_proc where proname = 'ledger_post'") == 1
    await owner.close()


async def test_the_tables_in_code_are_those_of_the_database(database_url: str) -> None:
    assert hotspot_tables.vouchers.metadata is metadata
    engine = owner_engine(database_url)
    async with engine.connect() as connection:
        real = {
            table.name: await connection.run_sync(_columns, table.name)
            for table in metadata.sorted_tables
        }
    await engine.dispose()

    for table in metadata.sorted_tables:
        written = {one.name: (_kind(one.type), bool(one.nullable)) for one in table.columns}
        assert written == real[table.name], table.name


async def test_a_login_without_rights_is_told_what_it_lacks(empty_database_url: str) -> None:
    admin = await connect(empty_database_url)
    await admin.execute("drop role if exists powerless")
    await admin.execute("create role powerless login")
    try:
        with pytest.raises(CannotMigrate, match="CREATE on schema public"):
            await upgrade(as_login(empty_database_url, "powerless"))
    finally:
        await admin.execute("drop role powerless")
        await admin.close()


async def test_a_managed_server_needs_no_superuser(
    empty_database_url: str,
) -> None:
    """An ordinary owner with CREATEROLE migrates, runs the program, and is held to tenants."""
    admin = await connect(empty_database_url)
    name = await admin.fetchval("select current_database()")
    await admin.execute("drop role if exists landlord")
    await admin.execute("create role landlord login createrole")
    if await admin.fetchval("select count(*) from pg_roles where rolname = 'callbox_app'"):
        await admin.execute("grant callbox_app to landlord with admin option")
    await admin.execute(f"alter database {name} owner to landlord")
    await admin.execute("alter schema public owner to landlord")
    url = as_login(empty_database_url, "landlord")
    try:
        await upgrade(url)
        database = Database(url, connections=2)
        await database.start()
        [row] = await database.call("select current_user as me, ledger_accounts('{}') as ids")
        assert (row["me"], row["ids"]) == ("callbox_app", [])
        await database.close()
    finally:
        await admin.execute(f"alter database {name} owner to callbox")
        await admin.execute("reassign owned by landlord to callbox")
        await admin.execute("drop owned by landlord cascade")
        await admin.execute("drop role landlord")
        await admin.close()


async def test_a_server_that_may_lose_commits_is_refused(database_url: str) -> None:
    admin = await connect(database_url)
    name = await admin.fetchval("select current_database()")
    await admin.execute(f"alter database {name} set synchronous_commit = off")
    await admin.close()
    database = Database(database_url, connections=1)

    with pytest.raises(Unfit, match="synchronous_commit"):
        await database.start()

    await database.close()


async def test_another_dialect_is_refused() -> None:
    with pytest.raises(Unfit, match="only Postgres"):
        Database("sqlite:///books.db")


async def test_plain_postgres_urls_are_understood(database_url: str) -> None:
    """As hosting companies write them."""
    plain = database_url.replace("postgresql+asyncpg://", "postgres://")
    database = Database(plain, connections=1)

    await database.start()

    async with database.engine.connect() as connection:
        assert await connection.scalar(text("select current_user")) == "callbox_app"
    await database.close()


def as_login(url: str, login: str) -> str:
    return make_url(url).set(username=login).render_as_string(hide_password=False)


def _columns(connection: Connection, table: str) -> dict[str, tuple[str, bool]]:
    found = inspect(connection).get_columns(table)
    return {one["name"]: (_kind(one["type"]), one["nullable"]) for one in found}


def _kind(kind: TypeEngine[object]) -> str:
    return kind.compile(_DIALECT)
