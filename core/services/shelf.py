"""Which provider sells what."""

from collections.abc import Mapping

from core.domain.vending import Product
from core.kit.errors import Problem
from core.ports import VtuProvider


class NotSold(Problem):
    """No provider sells this at present."""

    code = "product.unavailable"


class Shelf:
    """The providers that are switched on, best first."""

    def __init__(self, providers: Mapping[str, VtuProvider]) -> None:
        self._providers = providers

    def __getitem__(self, name: str) -> VtuProvider:
        return self._providers[name]

    def __contains__(self, name: str) -> bool:
        return name in self._providers

    def best(self, product: Product) -> VtuProvider:
        """Where the next order of this product goes.

        Raises:
            NotSold: nobody sells it.
        """
        for provider in self._providers.values():
            if product in provider.capabilities.products:
                return provider
        raise NotSold
