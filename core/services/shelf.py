"""Which provider sells what to whom."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

import msgspec

from core.domain.providers import PRIORITY_DEFAULT, ConfigKey
from core.domain.vending import Product
from core.kit.errors import Problem
from core.ports import VtuProvider


class NotSold(Problem):
    """No provider sells this at present."""

    code = "product.unavailable"


class Offer(msgspec.Struct, frozen=True, gc=False):
    """A provider that sells one product to one tenant.

    Attributes:
        priority: Lower is asked first.
        active: Takes new orders. Its old ones are asked about whether it is or not.
        retry_attempts: How often a request that provably never left may be sent again.
        configured: By the tenant, in the database; else it is ours, from the settings.
        via: Names the account there: another one of the same provider has another name.
    """

    provider: VtuProvider
    via: str = ""
    priority: int = PRIORITY_DEFAULT
    active: bool = True
    retry_attempts: int = 0
    configured: bool = False


class Seller(msgspec.Struct, frozen=True, gc=False):
    """Whom to ask about an attempt.

    Attributes:
        own: The account that the attempt goes through, if it can still be reached.
        successor: Another account of the same provider that is used now instead. It may know an
            order by our reference (keys were changed, the account was not), but that it has none
            such proves nothing.
    """

    own: VtuProvider | None
    successor: VtuProvider | None = None


class Keeper(Protocol):
    """Keeps what was sold through before it was changed."""

    async def earlier(self, key: ConfigKey, via: str) -> VtuProvider | None:
        """The adapter of this account, or None where nothing is known of it any more."""
        ...


class Shelf:
    """What tenants can buy of whom.

    The providers of our own settings sell to every tenant. A tenant's configuration stands in
    place of the one of that name, for that product.
    """

    def __init__(
        self, providers: Mapping[str, VtuProvider], accounts: Mapping[str, str] | None = None
    ) -> None:
        """`accounts`: the `via` of each provider of our own settings, by its name."""
        self._ours = {
            name: Offer(provider, (accounts or {}).get(name, ""))
            for name, provider in providers.items()
        }
        self._keeper: Keeper | None = None
        self._configured: Mapping[ConfigKey, Offer | None] = {}
        self._ranked: dict[tuple[UUID, Product], tuple[Offer, ...]] = {}

    def kept_by(self, keeper: Keeper) -> None:
        self._keeper = keeper

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

    def offer(self, tenant_id: UUID, product: Product, name: str) -> Offer | None:
        """What this provider sells of this as it is now, switched off or not."""
        for offer in self.offers(tenant_id, product):
            if offer.provider.name == name:
                return offer
        return None

    async def seller(self, tenant_id: UUID, product: Product, name: str, via: str) -> Seller:
        """Whom to ask about an attempt that goes to this provider through this account."""
        now = self.offer(tenant_id, product, name)
        for offer in (now, self._ours.get(name)):
            if offer is not None and offer.via == via:
                return Seller(offer.provider)
        own = None
        if self._keeper is not None:
            own = await self._keeper.earlier(ConfigKey(tenant_id, product, name), via)
        return Seller(own, now.provider if now else None)

    def named(self, tenant_id: UUID, name: str) -> VtuProvider | None:
        """Any provider of this name, for what is the same whatever it sells: its callbacks."""
        for key, offer in self._configured.items():
            if offer is not None and (key.tenant_id, key.provider) == (tenant_id, name):
                return offer.provider
        ours = self._ours.get(name)
        return ours.provider if ours else None

    @property
    def timeout_max_s(self) -> float:
        """The longest that any of them may take to answer."""
        configured = (offer for offer in self._configured.values() if offer is not None)
        every = (*self._ours.values(), *configured)
        return max((offer.provider.timeout_s for offer in every), default=60.0)

    def _rank(self, tenant_id: UUID, product: Product) -> tuple[Offer, ...]:
        theirs = {
            key.provider: offer
            for key, offer in self._configured.items()
            if (key.tenant_id, key.service) == (tenant_id, product)
        }
        ours = (
            offer
            for name, offer in self._ours.items()
            if name not in theirs and product in offer.provider.capabilities.products
        )
        offers = [*(offer for offer in theirs.values() if offer is not None), *ours]
        return tuple(sorted(offers, key=lambda offer: offer.priority))
