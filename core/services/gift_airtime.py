"""Airtime that was won: bought for the winner's own number, once, from what is in their wallet."""

import time
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.customers import Customer, Tenant
from core.domain.networks import networks, suggested
from core.kit import crash
from core.kit.clock import Clock
from core.kit.money import Money
from core.kit.msisdn import is_of
from core.ports import Customers, NewNotice, Outbox
from core.ports.gifts import DueAirtime, GiftRooms
from core.services.identities import ChannelsOfTenant
from core.services.purchases import Airtime, InsufficientFunds, Purchases
from core.services.shelf import NotSold

log = structlog.get_logger()

_STAYS, _SPENT = "notice.gift_airtime_stays", "notice.gift_airtime_spent"


class Tenants(Protocol):
    async def get(self, tenant_id: UUID) -> Tenant: ...


class GiftAirtime:
    """Sees to each share that is to go to a winner's number.

    What cannot be sold stays money in the winner's wallet, where it is already, and they are told;
    so they are where they were quicker and used it.
    """

    def __init__(
        self,
        rooms: GiftRooms,
        purchases: Purchases,
        tenants: Tenants,
        customers: Customers,
        channels: ChannelsOfTenant,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._rooms = rooms
        self._purchases = purchases
        self._tenants = tenants
        self._customers = customers
        self._channels = channels
        self._outbox = outbox
        self._clock = clock

    async def pay_out(self, due: DueAirtime) -> None:
        """Order it, or find that it was ordered, and note that. Safe to repeat."""
        tenant = await self._tenants.get(due.tenant_id)
        customer = await self._customers.get(due.tenant_id, due.customer_id)
        key, now = f"gift:{due.room_id}:{due.customer_id}", time.monotonic()
        made = await self._purchases.made(key=key, tenant=tenant, customer=customer, until=now)
        reference = made.reference if made else await self._ordered(due, key, tenant, customer)
        crash.point("gift.airtime_ordered")
        if not reference:
            await self._tell(due, _STAYS if reference is None else _SPENT)
        await self._rooms.airtime_ordered(due, reference or "")

    async def _ordered(
        self, due: DueAirtime, key: str, tenant: Tenant, customer: Customer
    ) -> str | None:
        """Our reference of the order; None where it cannot be sold, "" where it was spent."""
        network = suggested(customer.msisdn)
        amount = Money(due.amount_minor, due.currency)
        sold = is_of(customer.msisdn, tenant.country) and network in networks(tenant.country)
        fits = self._purchases.terms.amount_min_minor <= amount.minor
        channel_id = due.channel_id or await self._any_channel(due.tenant_id)
        if network is None or channel_id is None or not (sold and fits) or customer.released:
            return None
        try:
            bought = await self._purchases.buy(
                Airtime(network, customer.msisdn, amount, Money(0, due.currency)),
                key=key,
                tenant=tenant,
                customer=customer,
                channel_id=channel_id,
                identity=due.identity,
                until=time.monotonic(),
                gift_room_id=due.room_id,
            )
        except InsufficientFunds:
            return ""  # they were quicker, and bought something else with it
        except NotSold as reason:
            log.info("gift.airtime_unsold", room=str(due.room_id), why=reason.code)
            return None
        return bought.reference

    async def _tell(self, due: DueAirtime, text: str) -> None:
        notice = NewNotice(
            key=f"gift-stays:{due.room_id}:{due.customer_id}",
            tenant_id=due.tenant_id,
            customer_id=due.customer_id,
            text=text,
            facts={"amount": due.amount_minor, "currency": due.currency},
            channel_id=due.channel_id,
            identity=due.identity,
        )
        await self._outbox.add(notice, self._clock.now())

    async def _any_channel(self, tenant_id: UUID) -> UUID | None:
        """Where nobody asked on a channel of ours: one that is told of by SMS, if there is one."""
        records = [each for each in await self._channels.of_tenant(tenant_id) if each.active]
        records.sort(key=lambda each: each.kind != "ussd")
        return records[0].id if records else None
