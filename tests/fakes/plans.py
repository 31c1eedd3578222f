"""What Postgres read to answer: whole tables, or rows by key."""

import asyncio
from collections.abc import Sequence

import asyncpg


async def scans(owner: asyncpg.Connection, tables: Sequence[str]) -> dict[str, int]:
    """How often each of these was read as a whole; as `_all_counted`."""
    await _all_counted(owner)
    rows = await owner.fetch(
        "select relname, seq_scan from pg_stat_user_tables where relname = any ($1)"
        " and seq_scan > 0",
        tables,
    )
    return {row["relname"]: row["seq_scan"] for row in rows}


async def read_by_key(owner: asyncpg.Connection, table: str) -> int:
    """How many rows of the table its indexes led to."""
    await _all_counted(owner)
    read = await owner.fetchval(
        "select sum(idx_tup_read) from pg_stat_user_indexes where relname = $1", table
    )
    return int(read)


async def _all_counted(owner: asyncpg.Connection) -> None:
    """All connections but this one are gone: they hand their statistics in as they end."""
    others = (
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and backend_type = 'client backend' and pid <> pg_backend_pid()"
    )
    async with asyncio.timeout(20):
        while await owner.fetchval(others):  # noqa: ASYNC110 - Postgres sets no Event
            await asyncio.sleep(0.02)
    await owner.execute("select pg_stat_force_next_flush()")
