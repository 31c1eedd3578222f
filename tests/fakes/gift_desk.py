"""Gift rooms of a tenant's customers, for tests of the operators' desk."""

from dataclasses import dataclass
from typing import Any

from core.domain.customers import Customer
from core.domain.gifts import Claimed, Room
from core.kit import ids
from core.kit.money import Money
from core.services.gift_giving import Giver
from core.services.gift_wishes import GiftWish
from core.services.gifts import Guest
from tests.fakes.admin import Desk
from tests.fakes.chat import PIN_HASH


@dataclass(frozen=True)
class Rooms:
    """Who gives is customer 1; guests have numbers from 2 on, and PINs where they are told to."""

    operator: Desk

    async def gives(self, naira: int = 1000, shares: int = 2, **wish: Any) -> Room:
        books, core = self.operator.books, self.operator.core
        fee = (await core.gifts.terms(books.tenant.id)).fee_basis_points * naira // 100
        creator = await books.customer(1, funds=naira * 100 + fee)
        giver = Giver(books.tenant, creator, books.channel.id, creator.msisdn, "Emeka")
        wished = GiftWish(Money(naira * 100, "NGN"), shares, **wish)
        return await core.gifts.open(wished, giver, str(ids.uuid7()))

    async def claims(self, room: Room, number: int, *, pin: bool = True) -> Claimed:
        customer = await self.guest(number, pin=pin)
        return await self.operator.core.gifts.claim(room, Guest(customer))

    async def guest(self, number: int, *, pin: bool) -> Customer:
        customers, clock = self.operator.core.customers, self.operator.core.clock
        customer = await self.operator.books.customer(number)
        if pin:
            await customers.set_pin(customer, PIN_HASH, clock.now())
        return await customers.get(customer.tenant_id, customer.id)
