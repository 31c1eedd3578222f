"""Keeps the shelf as the configurations in the database say, in every process, without a stop."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator

import structlog
from msgspec.structs import replace

from core.domain.providers import ConfigKey, ProviderConfig
from core.ports import ProviderConfigs, VtuProvider
from core.services.live_provider import LiveProvider, OwnedProvider
from core.services.shelf import Offer, Shelf

log = structlog.get_logger()

LOOKS_EVERY_S = 1.5
"""Seconds between looks at the database: well within the five that a change may take to be seen."""

_PAST_MAX = 64
_VIA_VERSION = "v"

Make = Callable[[ProviderConfig], OwnedProvider]
"""Builds the adapter of a configuration. Raises `BadConfiguration` where it cannot."""


class ProviderRegistry:
    """Builds an adapter for each configuration, another when that changes, and closes them.

    Adapters of earlier versions are kept for the orders that were sent under them.
    """

    def __init__(self, shelf: Shelf, configs: ProviderConfigs, make: Make) -> None:
        self._shelf = shelf
        shelf.kept_by(self)
        self._configs = configs
        self._make = make
        self._seen: int | None = None
        self._built: dict[ConfigKey, int] = {}
        self._offers: dict[ConfigKey, Offer] = {}
        self._live: dict[tuple[ConfigKey, str], LiveProvider] = {}
        self._past: OrderedDict[tuple[ConfigKey, str], LiveProvider] = OrderedDict()
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
        for live in (*self._live.values(), *self._past.values()):
            await live.aclose()

    async def _offer(self, config: ProviderConfig) -> Offer | None:
        """What this configuration puts on the shelf; None where it never could be built."""
        key = config.key
        if self._built.get(key) != config.version:
            await self._build(config)
            self._built[key] = config.version
        if (offer := self._offers.get(key)) is None:
            return None
        return replace(
            offer,
            priority=config.priority,
            active=config.active,
            retry_attempts=config.retry_attempts,
        )

    async def _build(self, config: ProviderConfig) -> None:
        """Make its adapter anew. One that cannot be made leaves the earlier one in place."""
        key, via = config.key, _via(config.version)
        try:
            live = LiveProvider(key.provider, self._make(config))
        except Exception:
            log.exception("provider.not_built", provider=key.provider, service=key.service.value)
            return
        for before in self._of(key):
            await self._keep(before, self._live.pop(before))
        self._live[key, via] = live
        self._offers[key] = Offer(live, via, configured=True)

    async def earlier(self, key: ConfigKey, via: str) -> VtuProvider | None:
        """See `core.services.shelf.Keeper`. Built again where it is not at hand."""
        if (kept := self._past.get((key, via))) is not None:
            self._past.move_to_end((key, via))
            return kept
        number = via.removeprefix(_VIA_VERSION)
        if not via.startswith(_VIA_VERSION) or not number.isdigit():
            return None
        config = await self._configs.as_of(key, int(number))
        if config is None:
            return None
        try:
            live = LiveProvider(key.provider, self._make(config))
        except Exception:
            log.exception("provider.not_built", provider=key.provider, version=number)
            return None
        await self._keep((key, via), live)
        return live

    async def _keep(self, place: tuple[ConfigKey, str], live: LiveProvider) -> None:
        """Keep an adapter that takes no new orders; the one longest not asked for is let go."""
        if (other := self._past.pop(place, None)) is not None:
            await other.aclose()
        self._past[place] = live
        if len(self._past) > _PAST_MAX:
            _, oldest = self._past.popitem(last=False)
            await oldest.aclose()

    def _of(self, key: ConfigKey) -> Iterator[tuple[ConfigKey, str]]:
        return iter([place for place in self._live if place[0] == key])


def _via(version: int) -> str:
    return f"{_VIA_VERSION}{version}"
