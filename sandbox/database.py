"""One SQLite file that remembers what the outside world did, through any kill of the process."""

import asyncio
import datetime as dt
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from core.kit.errors import Fault

Transaction = aiosqlite.Connection


class Database:
    """A single connection, used by one transaction at a time.

    Simulators answer a few hundred requests a second at most; one writer is plenty and leaves
    nothing to reason about.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._turn = asyncio.Lock()
        self._connection: aiosqlite.Connection | None = None

    async def open(self, schemas: Iterable[str]) -> None:
        """Connect and create the tables that are not there yet."""
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            _for_its_owner(self._path)
        connection = await aiosqlite.connect(self._path or ":memory:", isolation_level=None)
        connection.row_factory = aiosqlite.Row
        # In WAL mode a committed transaction survives the death of the process; only a power cut
        # could lose the last ones, and no promise is tested against that.
        await connection.execute("PRAGMA journal_mode = WAL")
        await connection.execute("PRAGMA synchronous = NORMAL")
        for schema in schemas:
            await connection.executescript(schema)
        self._connection = connection

    async def close(self) -> None:
        if self._connection:
            await self._connection.close()
            self._connection = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Everything inside is kept, or nothing is. Never wait for the network inside."""
        if not self._connection:
            raise Fault("the sandbox's database is not open: the app must run with its lifespan")
        async with self._turn:
            await self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                await self._connection.rollback()
                raise
            await self._connection.commit()

    async def forget_everything(self) -> None:
        """Empty every table."""
        async with self.transaction() as tx:
            tables = await tx.execute_fetchall(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
            for table in tables:
                await tx.execute(f'DELETE FROM "{table["name"]}"')  # noqa: S608 - names from the schema


def _for_its_owner(path: Path) -> None:
    """Numbers and messages are in it: the file, and what SQLite lays beside it with its mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def stamp(at: dt.datetime) -> str:
    """A time as the tables keep it: RFC 3339 UTC, in microseconds, so that text sorts as time."""
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


def unstamp(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
