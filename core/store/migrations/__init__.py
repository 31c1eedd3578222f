"""Bringing a database to the present form, from empty or from any earlier release.

Tables change by Alembic revisions under `versions`. The functions under `core/store/sql` are kept
as they are now and applied anew, all together, whenever one of them changed.
"""

import asyncio
import hashlib
from importlib import resources
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from core.kit.errors import Fault
from core.store.database import APP_ROLE, normalised

_TRIES = 3
# Two that start at once may both find the version table missing; and what still runs of the release
# before may come to the tables in another order, of whom one is told to try again.
_PASSING = (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError)


class NotMigrated(Fault):
    """The database is empty or of an earlier release."""


class CannotMigrate(Fault):
    """The login may not do what migrating needs; the message says what it lacks."""


async def upgrade(database_url: str) -> None:
    """Bring the database up to date. Safe to repeat, and for several processes at once.

    The login of `database_url` becomes the owner of what is made. It needs CREATE on the database's
    public schema, and CREATEROLE unless the role `callbox_app` exists and is granted to it.

    Raises:
        CannotMigrate: a right is missing.
    """
    engine = create_async_engine(normalised(database_url), poolclass=NullPool)
    try:
        for left in reversed(range(_TRIES)):
            try:
                async with engine.begin() as connection:
                    await _upgrade(connection)
                return
            except OSError as error:
                raise CannotMigrate(
                    f"DATABASE_URL: the database cannot be reached ({type(error).__name__})"
                ) from error
            except exc.DBAPIError as error:
                cause = error.orig.__cause__ if error.orig else None
                if isinstance(cause, asyncpg.InsufficientPrivilegeError):
                    raise CannotMigrate(
                        f"the database login may not set up Callbox ({cause}). Give it CREATE on "
                        f"schema public, and CREATEROLE or a granted role {APP_ROLE}"
                    ) from error
                if not left or not isinstance(cause, _PASSING):
                    raise
            await asyncio.sleep(0.2)
    finally:
        await engine.dispose()


async def require_current(database_url: str) -> None:
    """Refuse a database that nobody migrated to this release; one of a later release will do.

    Raises:
        NotMigrated: it is to be migrated first.
        CannotMigrate: it cannot be reached.
    """
    engine = create_async_engine(normalised(database_url), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            found = await connection.scalar(text("select version_num from alembic_version"))
    except OSError as error:
        raise CannotMigrate(
            f"DATABASE_URL: the database cannot be reached ({type(error).__name__})"
        ) from error
    except exc.ProgrammingError as error:
        cause = error.orig.__cause__ if error.orig else None
        if isinstance(cause, asyncpg.InsufficientPrivilegeError):
            return  # a login that may not even look; what it may do it will find out
        found = None
    finally:
        await engine.dispose()
    earlier = {each.revision for each in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is None or (found in earlier and found != head()):
        raise NotMigrated("the database is not up to date: run `callbox migrate` first")


def head() -> str:
    """The newest revision of the tables."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    assert newest is not None
    return newest


async def _upgrade(connection: AsyncConnection) -> None:
    await connection.execute(
        text("create table if not exists alembic_version (version_num varchar(32) primary key)")
    )
    # Others that migrate at the same moment wait here, then find nothing left to do.
    await connection.execute(text("lock table alembic_version in access exclusive mode"))
    await connection.run_sync(_upgrade_tables)
    await _apply_functions(connection)


def _upgrade_tables(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


async def _apply_functions(connection: AsyncConnection) -> None:
    files = sorted(
        (entry for entry in resources.files("core.store").joinpath("sql").iterdir()),
        key=lambda entry: entry.name,
    )
    script = "\n".join(entry.read_text() for entry in files if entry.name.endswith(".sql"))
    digest = hashlib.sha256(script.encode()).hexdigest()
    latest = await connection.scalar(
        text("select digest from functions_applied order by applied_at desc limit 1")
    )
    if latest == digest:
        return
    await run_script(connection, script)
    await connection.execute(
        text(
            "insert into functions_applied (digest) values (:digest)"
            " on conflict (digest) do update set applied_at = clock_timestamp()"
        ),
        {"digest": digest},
    )


async def run_script(connection: AsyncConnection, script: str) -> None:
    """Run many statements as they stand: no parameters, nothing of them read as one."""
    # A statement through SQLAlchemy first, so that its transaction is open.
    await connection.execute(text("select 1"))
    pooled = await connection.get_raw_connection()
    driver = pooled.driver_connection
    assert isinstance(driver, asyncpg.Connection)
    try:
        await driver.execute(script)
    except asyncpg.InsufficientPrivilegeError as error:
        raise CannotMigrate(f"the database login may not set up Callbox ({error})") from error
