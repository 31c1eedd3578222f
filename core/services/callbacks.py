"""What others call us about: a hint to ask again, never evidence."""

from collections.abc import Collection, Sequence
from uuid import UUID

import structlog

from core.domain.turns import Channels
from core.kit.bell import Bell
from core.ports import OrderBook
from core.services.funding import Funding
from core.services.payouts import Payouts
from core.services.virtual_accounts import VirtualAccountDesk

log = structlog.get_logger()


class Callbacks:
    """Turns references that a callback named into checks that are due now.

    A provider's callback address is a channel of its own: provider's name and secret key.
    """

    def __init__(
        self,
        channels: Channels,
        gateways: Collection[str],
        orders: OrderBook,
        funding: Funding,
        accounts: VirtualAccountDesk,
        payouts: Payouts,
        bell: Bell,
    ) -> None:
        self._channels = channels
        self._gateways = gateways
        self._orders = orders
        self._funding = funding
        self._accounts = accounts
        self._payouts = payouts
        self._bell = bell

    async def tenant_of(self, provider: str, key: str) -> UUID | None:
        """Whose callback address this key makes, or None when it is nobody's."""
        channel = await self._channels.find(provider, key)
        return channel.tenant_id if channel else None

    async def take(self, tenant_id: UUID, provider: str, references: Sequence[str]) -> None:
        """Have what a callback of `provider` speaks of looked at now."""
        if provider in self._gateways:
            known = await self._funding.hurry(provider, references)
            known += await self._accounts.hurry(provider, references)
            known += await self._payouts.hurry(provider, references)
        else:
            known = await self._orders.hurry(provider, references)
        self._bell.ring()
        log.info(
            "callback.taken",
            tenant=str(tenant_id),
            source=provider,
            named=len(references),
            known=known,
        )
