"""What tests of the store share."""

from collections.abc import AsyncIterator

import pytest

from core.store import invariants
from core.store.database import Database, owner_engine
from tests.fakes.books import Books, open_books
from tests.fakes.database import (
    database,
    database_url,
    empty_database_url,
    owner,
)
from tests.fakes.gifts import Gifts, open_gifts
from tests.fakes.kinds import untold
from tests.fakes.radius import keeper, server, tables

__all__ = [
    "database",
    "database_url",
    "empty_database_url",
    "keeper",
    "owner",
    "server",
    "tables",
]


@pytest.fixture
async def books(database: Database, database_url: str) -> AsyncIterator[Books]:
    """One tenant's store; whatever the test did, its books are sound and statements tell of it."""
    opened = await open_books(database)
    yield opened
    engine = owner_engine(database_url)
    assert await invariants.check(engine) == []
    assert await untold(engine) == []
    await engine.dispose()


@pytest.fixture
async def gifts(books: Books) -> Gifts:
    """That tenant's gift rooms."""
    return open_gifts(books)
