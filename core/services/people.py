"""Who writes: the customer behind an identity, or a stranger."""

from uuid import UUID

from core.domain.customers import Customer
from core.domain.turns import Inbound
from core.kit.msisdn import from_network
from core.ports import Customers
from core.services.linking import others

_BY_NUMBER = "ussd"


class People:
    """Recognises people by what their channel vouches for, and by what was proven before."""

    def __init__(self, customers: Customers) -> None:
        self._customers = customers

    async def recognised(self, inbound: Inbound) -> Customer | None:
        """The customer, made on first sight where the channel vouches for the number.

        None for a stranger: no number was ever proven for this identity, or the one that the
        channel vouches for is known there under another name.
        """
        if inbound.channel.kind == _BY_NUMBER:
            msisdn = from_network(inbound.identity)
            return await self._customers.at(inbound.channel, inbound.identity, msisdn)
        found = await self._customers.linked(inbound.channel, inbound.identity)
        if found is not None or inbound.msisdn is None:
            return found
        customer = await self._customers.of_number(inbound.channel.tenant_id, inbound.msisdn)
        if await others(self._customers, inbound.channel, inbound.identity, customer):
            return None  # the number may have changed hands: at the door more is asked for
        return await self._customers.at(inbound.channel, inbound.identity, inbound.msisdn)

    async def still(self, inbound: Inbound, customer_id: UUID | None) -> Customer | None:
        """The customer of that id, if the identity is still theirs."""
        if customer_id is None:
            return None
        if inbound.channel.kind == _BY_NUMBER:
            return await self._customers.get(inbound.channel.tenant_id, customer_id)
        found = await self._customers.linked(inbound.channel, inbound.identity)
        return found if found is not None and found.id == customer_id else None
