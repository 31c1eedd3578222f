"""Keeps the shelf as the configurations in the database say, in every process, without a stop."""

import asyncio
from collections.abc import Callable

import structlog

from core.domain.providers import ConfigKey, ProviderConfig
from core.ports import ProviderConfigs
from core.services.live_provider import LiveProvider, OwnedProvider
from core.services.shelf import Offer, Shelf

log = structlog.get_logger()

LOOKS_EVERY_S = 1.5
"""Seconds between looks at the database: well within the five that a change may take to be seen."""

Make = Callable[[ProviderConfig], OwnedProvider]
"""Builds the adapter of a configuration. Raises `BadConfiguration` where it cannot."""


class ProviderRegistry:
    """Builds an adapter for each configuration, changes it when that changes, and closes it."""

    def __init__(self, shelf: Shelf, configs: ProviderConfigs, make: Make) -> None:
        self._shelf = shelf
        self._configs = configs
        self._make = make
        self._seen: int | None = None
        self._built: dict[ConfigKey, int] = {}
        self._live: dict[ConfigKey, LiveProvider] = {}
        self._one_at_a_time = asyncio.Lock()

    async def follow(self) -> None:
        """Look for changes until cancelled. While the database is away, things stay as they are."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            try:
                await self.refresh()
            except Exception:
                log.exception("providers.not_refreshed")

    async def refresh(self) -> None:
        """Bring the shelf up to date now, if anything changed."""
        async with self._one_at_a_time:
            # Asked first: what changes while the rows are read is seen the next time.
            version = await self._configs.version()
            if version == self._seen:
                return
            offers = {config.key: await self._offer(config) for config in await self._configs.all()}
            self._shelf.restock(offers)
            self._seen = version
            log.info("providers.refreshed", configured=len(offers), version=version)

    async def aclose(self) -> None:
        for live in self._live.values():
            await live.aclose()

    async def _offer(self, config: ProviderConfig) -> Offer | None:
        key = config.key
        if self._built.get(key) != config.version:
            await self._build(config)
        live = self._live.get(key)
        if live is None:
            return None
        return Offer(live, config.priority, config.active, config.retry_attempts, configured=True)

    async def _build(self, config: ProviderConfig) -> None:
        """Make its adapter anew. One that cannot be made leaves the earlier one in place."""
        key = config.key
        try:
            adapter = self._make(config)
        except Exception:
            log.exception("provider.not_built", provider=key.provider, service=key.service.value)
        else:
            if key in self._live:
                await self._live[key].change(adapter)
            else:
                self._live[key] = LiveProvider(key.provider, adapter)
        self._built[key] = config.version
