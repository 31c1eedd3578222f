"""Fixtures for tests that need a real Postgres: one throw-away cluster a run, a database a test.

A conftest takes them with `pytest_plugins`, or imports those it hands on.
"""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import make_url

from core.store.database import Database
from core.store.embedded import ServiceUrls, start_services
from core.store.migrations import upgrade

_TEMPLATE = "callbox_template"


@pytest.fixture(scope="session")
async def services(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServiceUrls]:
    """Postgres and Valkey of this test run alone."""
    home = tmp_path_factory.mktemp("callbox-home")
    async with start_services(home, throwaway=True) as urls:
        yield urls


@pytest.fixture(scope="session")
async def database_template(services: ServiceUrls) -> str:
    """The URL of a migrated, empty database to copy. Nobody stays connected to it."""
    admin = await connect(services.database_url)
    await admin.execute(f"create database {_TEMPLATE}")
    await admin.close()
    url = renamed(services.database_url, _TEMPLATE)
    await upgrade(url)
    return url


@pytest.fixture
async def database_url(services: ServiceUrls, database_template: str) -> AsyncIterator[str]:
    """A migrated database for one test, gone afterwards."""
    async for url in copied(services, _TEMPLATE):
        yield url


@pytest.fixture
async def empty_database_url(services: ServiceUrls) -> AsyncIterator[str]:
    """A database with nothing in it."""
    async for url in copied(services, "template1"):
        yield url


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The program's way to the test's database."""
    opened = Database(database_url, connections=4)
    await opened.start()
    yield opened
    await opened.close()


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that owns the tables and sees every tenant."""
    connection = await connect(database_url)
    yield connection
    await connection.close()


async def copied(services: ServiceUrls, template: str) -> AsyncIterator[str]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await connect(services.database_url)
    await admin.execute(f"create database {name} template {template} strategy file_copy")
    try:
        yield renamed(services.database_url, name)
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


async def connect(url: str) -> asyncpg.Connection:
    """Connect with the driver alone, as the login that the URL names."""
    parsed = make_url(url)
    host = parsed.query.get("host", parsed.host)
    return await asyncpg.connect(
        host=str(host) if host else None,
        port=parsed.port,
        user=parsed.username,
        password=parsed.password,
        database=parsed.database,
    )


def renamed(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)
