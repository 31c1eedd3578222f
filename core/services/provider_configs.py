"""Setting how a tenant reaches its providers: checked, sealed, noted, and in force at once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar
from uuid import UUID

import structlog

from core.domain.circuits import CircuitKey
from core.domain.live_keys import live_parts
from core.domain.providers import (
    CREDENTIALS,
    PRIORITY_DEFAULT,
    BadConfiguration,
    ConfigKey,
    ProviderConfig,
    UnknownProvider,
)
from core.domain.vending import Product
from core.kit.clock import Clock
from core.kit.errors import Fault, Problem
from core.kit.money import Money
from core.ports import Event, ProviderConfigs, VtuProvider
from core.ports.outside import FloatNotTold
from core.services.config_rules import check_fields, new_places, places
from core.services.provider_registry import Make, ProviderRegistry
from core.services.shelf import Offer, Shelf

log = structlog.get_logger()
Value = TypeVar("Value")

_CONFLICTS_MAX = 5
_ASK_S = 8.0
_TIMEOUT_DEFAULT_S = 60.0

Objection = Callable[[str], Awaitable[str | None]]
"""What speaks against our calling an address, in words for whoever set it."""


class ChangedMeanwhile(Problem):
    """Somebody else keeps changing the same configuration."""

    code = "configuration.busy"


@dataclass(frozen=True, slots=True)
class Change:
    """What to set. None leaves a thing as it is; an empty credential takes it away.

    `headers` and `endpoints` are replaced as a whole.
    """

    base_url: str | None = None
    timeout_s: float | None = None
    retry_attempts: int | None = None
    priority: int | None = None
    active: bool | None = None
    endpoints: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Listed:
    """A provider of one product beside its configuration, if it has one."""

    service: Product
    offer: Offer
    config: ProviderConfig | None


@dataclass(frozen=True, slots=True)
class Tested:
    """Whether a provider answered a harmless question, and what it said our float is.

    `askable` is false where it has no way to tell: then its silence proves nothing.
    """

    ok: bool
    elapsed_ms: int
    float_balance: Money | None = None
    why: str | None = None
    askable: bool = True


class Noting(Protocol):
    """Keeps what a provider answered."""

    async def note(self, keys: Sequence[CircuitKey], via: str, tested: Tested) -> None: ...


@dataclass(frozen=True, slots=True)
class Sources:
    """What setting a configuration needs to know of the world.

    Attributes:
        make: Builds an adapter, which is how a configuration is proven complete.
        objection: Whether an address may be called.
        base_url: Where a provider of our own settings is reached, as far as they tell.
        also_called: Names in the outside contract that differ from the adapters' own.
        beside_sandbox: The sandbox is on, so that no key that looks live is taken.
    """

    make: Make
    objection: Objection
    base_url: Callable[[str], str | None]
    also_called: Mapping[str, str] = field(default_factory=dict)
    beside_sandbox: bool = False


class ProviderSetup:
    def __init__(
        self,
        configs: ProviderConfigs,
        registry: ProviderRegistry,
        shelf: Shelf,
        sources: Sources,
        clock: Clock,
        noting: Noting,
    ) -> None:
        self._configs = configs
        self._noting = noting
        self._registry = registry
        self._shelf = shelf
        self._sources = sources
        self._clock = clock

    def key(self, tenant_id: UUID, service: Product, provider: str) -> ConfigKey:
        """The key under the provider's own name, whichever of its names is given."""
        return ConfigKey(tenant_id, service, self._sources.also_called.get(provider, provider))

    def base_url(self, provider: str) -> str | None:
        """Where a provider of our own settings is reached, as far as they tell."""
        return self._sources.base_url(provider)

    async def find(self, key: ConfigKey) -> ProviderConfig | None:
        return await self._configs.find(key)

    async def listed(self, tenant_id: UUID) -> Sequence[Listed]:
        """All that sells to this tenant, product by product, best first, as it is in force."""
        await self._registry.refresh()
        return [
            Listed(service, offer, await self._config_of(tenant_id, service, offer))
            for service in Product
            for offer in self._shelf.offers(tenant_id, service)
        ]

    async def put(self, key: ConfigKey, change: Change, actor: str) -> ProviderConfig:
        """Change a configuration, or make it; in this process it is in force on return.

        Raises:
            BadConfiguration: some fields are wrong; nothing was changed.
            UnknownProvider: no adapter goes by this name.
            ChangedMeanwhile: others were faster, several times.
        """
        for _ in range(_CONFLICTS_MAX):
            before = await self._configs.find(key)
            config = self._changed(key, before, change, actor)
            await self._prove(before, config, change)
            if await self._configs.save(config, _event(before, config, change)):
                await self._registry.refresh()
                return config
        raise ChangedMeanwhile

    async def switch(self, key: ConfigKey, *, active: bool, actor: str) -> ProviderConfig:
        """Take new orders or no more. One of our own settings gets a row of its own for that."""
        known = self._sources.base_url(key.provider)
        missing = await self._configs.find(key) is None
        change = Change(active=active, base_url=known if missing else None)
        return await self.put(key, change, actor)

    async def test(
        self, tenant_id: UUID, provider: str, service: Product | None = None
    ) -> Sequence[tuple[Product, Tested]]:
        """Ask a provider for our float, once for each account there, and keep what it says.

        Raises:
            UnknownProvider: it sells nothing here.
        """
        name = self._sources.also_called.get(provider, provider)
        found = [
            one
            for one in await self.listed(tenant_id)
            if one.offer.provider.name == name and service in {None, one.service}
        ]
        if not found:
            raise UnknownProvider
        answers = await self.floats(tenant_id, found)
        return [(one.service, answers[id(one.offer.provider)]) for one in found]

    async def floats(self, tenant_id: UUID, asked: Sequence[Listed]) -> Mapping[int, Tested]:
        """What each says our float is, by the `id` of the adapter; all are asked at once."""
        distinct = {id(one.offer.provider): one.offer for one in asked}
        answers = await asyncio.gather(*(ask(offer.provider) for offer in distinct.values()))
        found = dict(zip(distinct, answers, strict=True))
        for adapter, offer in distinct.items():
            keys = [
                CircuitKey(tenant_id, one.service, offer.provider.name)
                for one in asked
                if id(one.offer.provider) == adapter
            ]
            await self._noting.note(keys, offer.via, found[adapter])
        return found

    async def _config_of(
        self, tenant_id: UUID, service: Product, offer: Offer
    ) -> ProviderConfig | None:
        if not offer.configured:
            return None
        return await self._configs.find(ConfigKey(tenant_id, service, offer.provider.name))

    def _changed(
        self, key: ConfigKey, before: ProviderConfig | None, change: Change, actor: str
    ) -> ProviderConfig:
        now = self._clock.now()
        if before is None:
            before = ProviderConfig(
                key=key,
                base_url="",
                timeout_s=_TIMEOUT_DEFAULT_S,
                retry_attempts=0,
                priority=PRIORITY_DEFAULT,
                active=True,
                updated_at=now,
                updated_by=actor,
                version=0,
            )
        kept = {**before.credentials, **change.credentials}
        return replace(
            before,
            base_url=_or(change.base_url, before.base_url),
            timeout_s=_or(change.timeout_s, before.timeout_s),
            retry_attempts=_or(change.retry_attempts, before.retry_attempts),
            priority=_or(change.priority, before.priority),
            active=_or(change.active, before.active),
            endpoints=_or(change.endpoints, before.endpoints),
            headers=_or(change.headers, before.headers),
            credentials={name: value for name, value in kept.items() if value},
            version=before.version + 1,
            updated_at=now,
            updated_by=actor,
        )

    async def _prove(
        self, before: ProviderConfig | None, config: ProviderConfig, change: Change
    ) -> None:
        wrong = dict(check_fields(config))
        if self._sources.beside_sandbox:
            headers = {f"headers.{name}": value for name, value in config.headers.items()}
            wrong |= live_parts({**config.credentials, **headers})
        for place, url in places(config).items():
            if place not in wrong and (objection := await self._sources.objection(url)):
                wrong[place] = objection
        if before is not None and new_places(before, config):
            wrong |= _kept_secrets(before, change)
        if wrong:
            raise BadConfiguration(wrong)
        adapter = self._sources.make(config)
        products = adapter.capabilities.products
        await adapter.aclose()
        if config.key.service not in products:
            raise BadConfiguration({"service": f"{config.key.provider} does not sell it"})


def _kept_secrets(before: ProviderConfig, change: Change) -> dict[str, str]:
    """Secrets that were given for one host and would now go to another.

    Else whoever may set an address could have the secrets sent to their own.
    """
    wrong = {
        name: "was given for another host: give it again"
        for name in before.credentials
        if name not in change.credentials
    }
    if before.headers and change.headers is None:
        wrong["headers"] = "were given for another host: give them again"
    return wrong


async def ask(provider: VtuProvider) -> Tested:
    """Ask for our float, which proves address and credentials and buys nothing. Never raises."""
    started = time.monotonic()
    balance, why, askable = None, None, True
    try:
        async with asyncio.timeout(_ASK_S):
            balance = await provider.float_balance()
    except TimeoutError:
        why = f"no answer within {_ASK_S:.0f} s"
    except FloatNotTold as fault:
        why, askable = str(fault), False
    except Fault as fault:
        why = str(fault)
    except Exception:
        log.exception("provider.test_failed", provider=provider.name)
        why = "the adapter failed"
    elapsed_ms = round((time.monotonic() - started) * 1000)
    return Tested(why is None, elapsed_ms, balance, why, askable)


def _event(before: ProviderConfig | None, config: ProviderConfig, change: Change) -> Event:
    """Who changed what. Of secrets only the names."""
    key = config.key
    facts: dict[str, object] = {
        "version": config.version,
        "base_url": config.base_url,
        "timeout": config.timeout_s,
        "retry_attempts": config.retry_attempts,
        "priority": config.priority,
        "is_active": config.active,
        "given": sorted(name for name in CREDENTIALS if change.credentials.get(name)),
        "headers": sorted(config.headers),
    }
    return Event(
        subject=f"provider/{key.tenant_id}/{key.service.value}/{key.provider}",
        kind="provider.changed" if before else "provider.configured",
        actor=config.updated_by,
        facts=facts,
    )


def _or(given: Value | None, kept: Value) -> Value:
    return kept if given is None else given
