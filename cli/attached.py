"""A core for one command. It loads no web server, so that a command starts at once."""

import contextlib
from collections.abc import AsyncIterator

from core.app import Core, build
from core.settings import Settings, secret_key
from core.store.embedded import ServiceUrls, join_services
from core.store.migrations import require_current


@contextlib.asynccontextmanager
async def attached_core(settings: Settings) -> AsyncIterator[Core]:
    """A core for one command, beside a running Callbox or on its own."""
    async with (
        joined(settings) as urls,
        _migrated(urls),
        build(settings, urls, secret_key(settings)) as core,
    ):
        yield core


@contextlib.asynccontextmanager
async def _migrated(urls: ServiceUrls) -> AsyncIterator[None]:
    """Only where the database is; raises as `require_current` does."""
    await require_current(urls.database_url)
    yield


@contextlib.asynccontextmanager
async def joined(settings: Settings) -> AsyncIterator[ServiceUrls]:
    """Those of a Callbox that runs on this home, or of its own."""
    database, redis = settings.database_url, settings.redis_url
    async with join_services(
        settings.home,
        database_url=database.get_secret_value() if database else None,
        redis_url=redis.get_secret_value() if redis else None,
    ) as urls:
        yield urls
