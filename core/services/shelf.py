"""Which provider sells what to whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from core.domain.providers import PRIORITY_DEFAULT, ConfigKey
from core.domain.vending import Product
from core.kit.errors import Fault, Problem
from core.ports import VtuProvider


class NotSold(Problem):
    """No provider sells this at present."""

    code = "product.unavailable"


class UnknownSeller(Fault):
    """An order stands with a provider that is neither configured nor in the settings any more."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider that sells one product to one tenant.

    Attributes:
        priority: Lower is asked first.
        active: Takes new orders. Its old ones are asked about whether it is or not.
        retry_attempts: How often a request that provably never left may be sent again.
        configured: By the tenant, in the database; else it is ours, from the settings.
    """

    provider: VtuProvider
    priority: int = PRIORITY_DEFAULT
    active: bool = True
    retry_attempts: int = 0
    configured: bool = False


class Shelf:
    """What tenants can buy of whom.

    The providers of our own settings sell to every tenant. A tenant's configuration stands in
    place of the one of that name, for that product.
    """

    def __init__(self, providers: Mapping[str, VtuProvider]) -> None:
        self._ours = providers
        self._configured: Mapping[ConfigKey, Offer | None] = {}
        self._ranked: dict[tuple[UUID, Product], tuple[Offer, ...]] = {}

    def restock(self, configured: Mapping[ConfigKey, Offer | None]) -> None:
        """Take these in place of all that was configured. None: by that name nothing is sold."""
        self._configured = dict(configured)
        self._ranked.clear()

    def offers(self, tenant_id: UUID, product: Product) -> tuple[Offer, ...]:
        """Everybody who sells this to this tenant, best first, those switched off included."""
        ranked = self._ranked.get((tenant_id, product))
        if ranked is None:
            ranked = self._ranked[tenant_id, product] = self._rank(tenant_id, product)
        return ranked

    def best(self, tenant_id: UUID, product: Product) -> VtuProvider:
        """Where the next order of this product goes.

        Raises:
            NotSold: nobody sells it.
        """
        for offer in self.offers(tenant_id, product):
            if offer.active:
                return offer.provider
        raise NotSold

    def seller(self, tenant_id: UUID, product: Product, name: str) -> VtuProvider:
        """Who an order of this product stands with, switched off or not.

        Raises:
            UnknownSeller: there is none of this name any more.
        """
        for offer in self.offers(tenant_id, product):
            if offer.provider.name == name:
                return offer.provider
        raise UnknownSeller(f"{name} sells no {product.value} here")

    def named(self, tenant_id: UUID, name: str) -> VtuProvider | None:
        """Any provider of this name, for what is the same whatever it sells: its callbacks."""
        for key, offer in self._configured.items():
            if offer is not None and (key.tenant_id, key.provider) == (tenant_id, name):
                return offer.provider
        return self._ours.get(name)

    @property
    def timeout_max_s(self) -> float:
        """The longest that any of them may take to answer."""
        configured = (offer.provider for offer in self._configured.values() if offer is not None)
        every = (*self._ours.values(), *configured)
        return max((provider.timeout_s for provider in every), default=60.0)

    def _rank(self, tenant_id: UUID, product: Product) -> tuple[Offer, ...]:
        theirs = {
            key.provider: offer
            for key, offer in self._configured.items()
            if (key.tenant_id, key.service) == (tenant_id, product)
        }
        ours = (
            Offer(provider)
            for name, provider in self._ours.items()
            if name not in theirs and product in provider.capabilities.products
        )
        offers = [*(offer for offer in theirs.values() if offer is not None), *ours]
        return tuple(sorted(offers, key=lambda offer: offer.priority))
