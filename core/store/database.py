"""The way to Postgres: one pool a process, one tenant a transaction, and patience with outages."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import URL, bindparam, event, exc, func, literal, make_url, select
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from core import ports
from core.kit.errors import Fault

log = structlog.get_logger()
Answer = TypeVar("Answer")

APP_ROLE = "callbox_app"
_VERSION_MIN = 16
# How long an outage is waited out, in seconds; a Postgres restart takes under one.
_PATIENCE_S = 10.0
_PAUSE_MAX_S = 0.5
# How long one statement may go without an answer: a server that hangs is as one that is gone.
_ANSWER_MAX_S = 5.0
# A deadlock, or a conflict on a server that serializes: Postgres asks for the same again.
_AGAIN = {"40001", "40P01"}
_GONE = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    OSError,
)
_SET_TENANT = select(func.set_config("callbox.tenant", bindparam("tenant"), literal(value=True)))


class Unavailable(ports.Unavailable):
    """The database could not be reached for a while. What was asked may or may not be done."""


class Unfit(Fault):
    """A database that must not be trusted with money; the message says what to change."""


def normalised(url: str) -> URL:
    """A database URL as the driver wants it, from any form that people use for Postgres."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in {"postgresql", "postgres"}:
        raise Unfit("DATABASE_URL: only Postgres is supported")
    query = dict(parsed.query)
    if "sslmode" in query:
        query["ssl"] = query.pop("sslmode")
    return parsed.set(drivername="postgresql+asyncpg", query=query)


class Database:
    """Connections of the program's own role, which row-level security holds to one tenant.

    The login named in the URL must be a member of that role; migrating grants it. What is asked
    here must be safe to repeat: a commit whose answer was lost is asked for again.
    """

    def __init__(self, url: str, *, connections: int = 12, patience_s: float = _PATIENCE_S) -> None:
        self._connections = connections
        self._patience_s = patience_s
        self.engine = _engine(normalised(url), connections)

    async def start(self) -> None:
        """Open every connection and check that this server keeps what it acknowledges.

        Raises:
            Unfit: too old, or set up to lose commits, or the role would see every tenant.
            Unavailable: it cannot be reached.
        """

        async def warm() -> None:
            await asyncio.gather(*(self.call("select 1") for _ in range(self._connections)))

        await warm()
        rows = await self.call(
            "select name, setting from pg_settings where name = any ($1)",
            ["server_version_num", "fsync", "synchronous_commit", "full_page_writes"],
        )
        settings = {row["name"]: row["setting"] for row in rows}
        if int(settings["server_version_num"]) < _VERSION_MIN * 10_000:
            raise Unfit(f"Postgres {_VERSION_MIN} or newer is needed")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            if settings[name] == "off":
                raise Unfit(f"Postgres has {name} off: it would lose money in a crash")
        [role] = await self.call(
            "select rolsuper or rolbypassrls as sees_all from pg_roles where rolname = current_user"
        )
        if role["sees_all"]:
            raise Unfit(f"role {APP_ROLE} must not be a superuser, nor bypass row-level security")

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def tenant_scope(self, tenant_id: UUID) -> AsyncIterator[AsyncConnection]:
        """One transaction that sees and writes the rows of one tenant."""
        async with self.engine.begin() as connection:
            await connection.execute(_SET_TENANT, {"tenant": str(tenant_id)})
            yield connection

    async def in_tenant(
        self, tenant_id: UUID, work: Callable[[AsyncConnection], Awaitable[Answer]]
    ) -> Answer:
        """Run `work` in a transaction of its own, again from the start where it was interrupted."""

        async def once() -> Answer:
            async with self.tenant_scope(tenant_id) as connection:
                return await work(connection)

        return await self._persist(once)

    async def call(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement as a transaction of its own, in one round trip.

        It goes past SQLAlchemy's statement layer to the driver: the functions of the money path
        take arrays of composite values, which the driver writes as they are.
        """

        async def once() -> list[asyncpg.Record]:
            return await self._fetch(query, arguments)

        return await self._persist(once)

    async def _fetch(self, query: str, arguments: tuple[object, ...]) -> list[asyncpg.Record]:
        pooled = await self.engine.raw_connection()
        driver = pooled.driver_connection
        assert isinstance(driver, asyncpg.Connection)
        try:
            return await driver.fetch(query, *arguments)
        except TimeoutError:
            driver.terminate()  # whatever comes back on it now is nobody's
            raise
        except asyncpg.InternalClientError as error:
            # The driver lost track of a connection that broke under it.
            driver.terminate()
            raise exc.DisconnectionError from error
        finally:
            # Neither of these asks the server: there is no transaction that SQLAlchemy knows of.
            if driver.is_closed():
                pooled.invalidate()
            else:
                pooled.close()

    async def _persist(self, once: Callable[[], Awaitable[Answer]]) -> Answer:
        """Try until it is done, refused, or patience ends."""
        until = time.monotonic() + self._patience_s
        pause_s = 0.01
        while True:
            try:
                return await once()
            except Exception as error:
                if not _passing(error):
                    raise
                if time.monotonic() > until:
                    raise Unavailable("the database cannot be reached") from error
                log.warning("database.again", error=type(error).__name__)
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            pause_s = min(pause_s * 2, _PAUSE_MAX_S)


def owner_engine(url: str) -> AsyncEngine:
    """Connections of the login itself, which owns the tables and sees every tenant: for checks."""
    return create_async_engine(normalised(url), poolclass=NullPool)


def _engine(url: URL, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=_PATIENCE_S,
        pool_use_lifo=True,
        connect_args={
            "command_timeout": _ANSWER_MAX_S,
            "timeout": _ANSWER_MAX_S,
            # Before 18 a plan with a kind of join in it that was switched off, but is the only one
            # there is, counts as so dear that all of it is compiled: for seconds, at each call.
            "server_settings": {"role": APP_ROLE, "application_name": "callbox", "jit": "off"},
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(adapted: object, _record: ConnectionPoolEntry, _proxy: object) -> None:
    """Have the pool replace a connection that the server has closed: no ping, the driver knows."""
    driver = getattr(adapted, "driver_connection", None)
    if isinstance(driver, asyncpg.Connection) and driver.is_closed():
        raise exc.DisconnectionError


def _passing(error: BaseException | None) -> bool:
    """Whether the same thing may well succeed in a moment."""
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or _passing(error.orig)
    if isinstance(error, AsyncAdapt_asyncpg_dbapi.Error):
        return _passing(error.__cause__)  # the driver's own, which SQLAlchemy adapted
    if isinstance(error, asyncpg.InterfaceError):
        return "connection" in str(error)  # closed under our hands
    passing = isinstance(error, (*_GONE, exc.DisconnectionError))
    return passing or getattr(error, "sqlstate", None) in _AGAIN
