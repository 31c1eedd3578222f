"""What the conversation tests share: one world for all of them, a new customer for each.

It ends with them: tests of other folders would run beside its workers, and hear what they log.
"""

import contextlib
import io
import logging as stdlib_logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import make_url

from core.kit import logging
from core.store.embedded import ServiceUrls
from tests.conversations.golden import Golden
from tests.fakes.database import copied
from tests.fakes.sites import Site, demo_site
from tests.fakes.world import World, open_world

_FOLDER = Path(__file__).parent
_LAST = "test_the_end.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks back on the whole run comes last."""
    items.sort(key=lambda item: item.path == _FOLDER / _LAST)


@pytest.fixture(scope="package")
def log_lines() -> Iterator[io.StringIO]:
    """All that is logged from now on, as it is written in production."""
    written = io.StringIO()
    root = stdlib_logging.getLogger()
    before = (structlog.get_config(), root.handlers[:], root.level, sys.excepthook)
    with contextlib.redirect_stderr(written):
        logging.configure(json=True, level="DEBUG")
    # Tests of other folders set logging up in their own way.
    structlog.configure(cache_logger_on_first_use=False)
    yield written
    config, root.handlers[:], root.level, sys.excepthook = before
    structlog.configure(**config)


@pytest.fixture(scope="package")
async def world(
    services: ServiceUrls,
    database_template: str,
    log_lines: io.StringIO,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    async for database_url in copied(services, make_url(database_template).database or ""):
        urls = ServiceUrls(database_url, services.redis_url)
        async with open_world(urls, tmp_path_factory.mktemp("callbox")) as opened:
            yield opened


@pytest.fixture
async def site(world: World) -> AsyncIterator[Site]:
    """The demo's, well before and after."""
    found = await demo_site(world)
    await found.back()
    yield found
    await found.back()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(_FOLDER / "golden", update=request.config.getoption("--update"))
