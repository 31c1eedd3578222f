"""What an operator does by hand when a provider is in trouble: look, reset, switch, drain."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.domain.circuits import AT_REST, CircuitKey, CircuitState
from core.domain.providers import ConfigKey, UnknownProvider
from core.domain.vending import Product
from core.ports import Attempts, Backoffice, Circuits, Event
from core.services.provider_configs import Change, Listed, ProviderSetup

SEEN_WITHIN_S = 5.0
"""How long until every process has seen that a provider is switched off."""


@dataclass(frozen=True, slots=True)
class CircuitView:
    """A circuit as it stands. `failures` are those in a row, while it is closed."""

    service: Product
    provider: str
    state: CircuitState
    failures: int


class ProviderControls:
    """Each change is written down with who made it."""

    def __init__(
        self,
        setup: ProviderSetup,
        circuits: Circuits,
        attempts: Attempts,
        backoffice: Backoffice,
    ) -> None:
        self._setup = setup
        self._circuits = circuits
        self._attempts = attempts
        self._backoffice = backoffice

    async def circuits(
        self, tenant_id: UUID, provider: str | None = None, service: Product | None = None
    ) -> Sequence[CircuitView]:
        """The circuit of everybody who sells to this tenant, or of this provider or service.

        Raises:
            UnknownProvider: it sells nothing here.
        """
        found = await self._sellers(tenant_id, provider, service)
        held_against = await self._circuits.all()
        return [
            CircuitView(
                key.product,
                key.provider,
                self._circuits.state(key),
                held_against.get(key, AT_REST).failures,
            )
            for key in (_circuit_key(tenant_id, one) for one in found)
        ]

    async def reset(
        self, tenant_id: UUID, provider: str | None, service: Product | None, actor: str
    ) -> Sequence[CircuitView]:
        """Close these circuits: the next orders go through; answers how they stand now.

        Raises:
            UnknownProvider: it sells nothing here.
        """
        for one in await self._sellers(tenant_id, provider, service):
            key = _circuit_key(tenant_id, one)
            before = await self._circuits.reset(key)
            facts: dict[str, object] = {"before": before.value}
            event = Event(_subject(tenant_id, one), "circuit.reset", actor, facts)
            await self._backoffice.note(tenant_id, event)
        return await self.circuits(tenant_id, provider, service)

    async def put_first(self, tenant_id: UUID, service: Product, provider: str, actor: str) -> int:
        """Have this provider take all new orders of a service; answers its priority now.

        Raises:
            UnknownProvider: it does not sell this here.
        """
        key = self._setup.key(tenant_id, service, provider)
        sellers = await self._sellers(tenant_id, None, service)
        others = [one for one in sellers if one.offer.provider.name != key.provider]
        if len(others) == len(sellers):
            raise UnknownProvider
        lowest = min((one.offer.priority for one in others), default=1)
        if lowest == 0:
            for one, higher in _making_room(others):
                other = self._setup.key(tenant_id, service, one.offer.provider.name)
                await self._put(other, Change(priority=higher), actor)
        priority = max(lowest - 1, 0)
        await self._put(key, Change(priority=priority, active=True), actor)
        return priority

    async def drain(
        self, tenant_id: UUID, provider: str, service: Product | None, actor: str
    ) -> Sequence[Product]:
        """Give a provider no new orders, of one service or of all; answers of which.

        Raises:
            UnknownProvider: it sells nothing here.
        """
        found = await self._sellers(tenant_id, provider, service)
        for one in found:
            key = ConfigKey(tenant_id, one.service, one.offer.provider.name)
            await self._setup.switch(key, active=False, actor=actor)
        return [one.service for one in found]

    async def open_attempts(
        self, tenant_id: UUID, provider: str, service: Product | None = None
    ) -> int:
        """How many attempts a provider has still to settle."""
        name = self._setup.key(tenant_id, service or Product.AIRTIME, provider).provider
        return await self._attempts.open_at(tenant_id, name, service)

    async def _sellers(
        self, tenant_id: UUID, provider: str | None, service: Product | None
    ) -> Sequence[Listed]:
        name = provider and self._setup.key(tenant_id, Product.AIRTIME, provider).provider
        found = [
            one
            for one in await self._setup.listed(tenant_id)
            if name in {None, one.offer.provider.name} and service in {None, one.service}
        ]
        if provider is not None and not found:
            raise UnknownProvider
        return found

    async def _put(self, key: ConfigKey, change: Change, actor: str) -> None:
        """Change a configuration. One of our own settings gets a row of its own for that."""
        if await self._setup.find(key) is None:
            base_url = self._setup.base_url(key.provider)
            change = Change(base_url=base_url, priority=change.priority, active=change.active)
        await self._setup.put(key, change, actor)


def _making_room(others: Sequence[Listed]) -> Iterator[tuple[Listed, int]]:
    """Those that must move for 0 to be free, and where to: no order among them is lost."""
    before, higher = -1, 0
    for one in sorted(others, key=lambda one: one.offer.priority):
        priority = one.offer.priority
        if priority != before:
            before, higher = priority, max(priority, higher + 1)
        if higher != priority:
            yield one, higher


def _circuit_key(tenant_id: UUID, one: Listed) -> CircuitKey:
    return CircuitKey(tenant_id, one.service, one.offer.provider.name)


def _subject(tenant_id: UUID, one: Listed) -> str:
    return f"provider/{tenant_id}/{one.service.value}/{one.offer.provider.name}"
