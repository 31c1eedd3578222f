"""Who writes: the customer behind an identity, or a stranger."""

from collections.abc import Collection
from uuid import UUID

from core.domain.customers import Customer
from core.domain.linking import BY_NUMBER, Linked, Proof, Unlinkable, Wish
from core.domain.turns import Inbound
from core.kit.clock import Clock
from core.kit.msisdn import from_network
from core.ports import Customers
from core.ports.identities import Identities


class People:
    """Recognises people by what their channel vouches for, and by what was proven before.

    `languages`: those that there are texts in; the one of somebody's app is a first guess.
    """

    def __init__(
        self,
        customers: Customers,
        identities: Identities,
        clock: Clock,
        languages: Collection[str] = (),
    ) -> None:
        self._customers = customers
        self._identities = identities
        self._clock = clock
        self._languages = languages

    async def recognised(self, inbound: Inbound) -> Customer | None:
        """The customer, made on first sight where the channel vouches for the number.

        None for a stranger: no number was ever proven for this identity, or the one that the
        channel vouches for is known there under another name, or this one was taken off.
        """
        if inbound.channel.kind == BY_NUMBER:
            msisdn = from_network(inbound.identity)
            return await self._customers.at(inbound.channel, inbound.identity, msisdn)
        found = await self._customers.linked(inbound.channel, inbound.identity)
        if found is not None:
            await self._also(inbound, found)
            return found
        known = await self._by_another_name(inbound)
        if known is None:
            return None
        return known if await self._vouched(inbound, known, inbound.identity) else None

    async def still(self, inbound: Inbound, customer_id: UUID | None) -> Customer | None:
        """The customer of that id, if the identity is still theirs."""
        if customer_id is None:
            return None
        if inbound.channel.kind == BY_NUMBER:
            found = await self._customers.get(inbound.channel.tenant_id, customer_id)
            return None if found.released else found
        linked = await self._customers.linked(inbound.channel, inbound.identity)
        return linked if linked is not None and linked.id == customer_id else None

    async def _by_another_name(self, inbound: Inbound) -> Customer | None:
        """Who was known there before the channel gave people names, or has the number."""
        if inbound.also:
            before = await self._customers.linked(inbound.channel, inbound.also)
            if before is not None:
                return before
        if inbound.msisdn is None:
            return None
        language = inbound.language_hint if inbound.language_hint in self._languages else ""
        tenant_id, kind = inbound.channel.tenant_id, inbound.channel.kind
        customer = await self._customers.of_number(tenant_id, inbound.msisdn, language)
        gone = inbound.also and await self._identities.taken_off(customer, kind, inbound.also)
        return None if gone else customer

    async def _also(self, inbound: Inbound, customer: Customer) -> None:
        """The number of an account leads to the same customer as its name, where it is theirs."""
        if inbound.also != customer.msisdn:
            return
        if await self._customers.linked(inbound.channel, inbound.also) is None:
            await self._vouched(inbound, customer, inbound.also)

    async def _vouched(self, inbound: Inbound, customer: Customer, name: str) -> bool:
        """Link it by the channel's word alone; at the door more is asked for."""
        wish = Wish(inbound.channel.kind, name, Proof.CHANNEL, anew=False, called=inbound.name)
        now = self._clock.now()
        linked = await self._identities.link(customer, wish, now)
        if linked is Unlinkable.OTHERS:
            await self._identities.changed(customer, now)  # the number may be another's by now
        return isinstance(linked, Linked)
