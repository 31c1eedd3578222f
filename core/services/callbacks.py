"""What others call us about: a hint to ask again, never evidence."""

from collections.abc import Mapping, Sequence

import structlog

from core.kit.bell import Bell
from core.ports import OrderBook, PaymentGateway, VtuProvider
from core.services.funding import Funding

log = structlog.get_logger()


class Callbacks:
    """Turns references that a callback named into checks that are due now."""

    def __init__(
        self,
        providers: Mapping[str, VtuProvider],
        gateways: Mapping[str, PaymentGateway],
        orders: OrderBook,
        funding: Funding,
        bell: Bell,
    ) -> None:
        self._providers = providers
        self._gateways = gateways
        self._orders = orders
        self._funding = funding
        self._bell = bell

    def source(self, name: str) -> VtuProvider | PaymentGateway | None:
        """Whoever calls under this name, or None."""
        return self._providers.get(name) or self._gateways.get(name)

    async def take(self, name: str, references: Sequence[str]) -> None:
        """Have what a callback of `name` speaks of looked at now."""
        if name in self._gateways:
            known = await self._funding.hurry(name, references)
        else:
            known = await self._orders.hurry(name, references)
            self._bell.ring()
        log.info("callback.taken", source=name, named=len(references), known=known)
