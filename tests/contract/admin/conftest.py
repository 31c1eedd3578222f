"""What tests of the admin API share."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.store.database import Database
from core.store.embedded import ServiceUrls
from tests.fakes.admin import Desk, desk
from tests.fakes.commands import Run, runner
from tests.fakes.database import (
    database,
    database_template,
    database_url,
    empty_database_url,
    owner,
    services,
)

__all__ = [
    "database",
    "database_template",
    "database_url",
    "empty_database_url",
    "owner",
    "services",
]


@pytest.fixture
def urls(services: ServiceUrls, database_url: str) -> ServiceUrls:
    return replace(services, database_url=database_url)


@pytest.fixture
async def operator(database: Database, urls: ServiceUrls, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk(database, urls, tmp_path) as opened:
        yield opened


@pytest.fixture
def run(urls: ServiceUrls, tmp_path: Path) -> Run:
    """Run the program with one command."""
    return runner(urls, tmp_path)
