"""A core for one command. It loads no web server, so that a command starts at once."""

import contextlib
from collections.abc import AsyncIterator
from typing import TypedDict

from core.app import Core, build
from core.settings import Settings, secret_key
from core.store.embedded import ServiceUrls, join_services
from core.store.migrations import require_current


class Named(TypedDict):
    """The servers that somebody runs for us: None for each that Callbox brings itself."""

    database_url: str | None
    redis_url: str | None


@contextlib.asynccontextmanager
async def attached_core(settings: Settings) -> AsyncIterator[Core]:
    """A core for one command, beside a running Callbox or on its own."""
    async with (
        migrated(settings) as urls,
        build(settings, urls, secret_key(settings)) as core,
    ):
        yield core


@contextlib.asynccontextmanager
async def migrated(settings: Settings) -> AsyncIterator[ServiceUrls]:
    """As `joined`, but only where the database is migrated; raises as `require_current` does."""
    async with joined(settings) as urls:
        await require_current(urls.database_url)
        yield urls


def joined(settings: Settings) -> contextlib.AbstractAsyncContextManager[ServiceUrls]:
    """The servers of a Callbox that runs on this home, or of our own."""
    return join_services(settings.home, **named(settings))


def named(settings: Settings) -> Named:
    database, redis = settings.database_url, settings.redis_url
    return {
        "database_url": database.get_secret_value() if database else None,
        "redis_url": redis.get_secret_value() if redis else None,
    }
