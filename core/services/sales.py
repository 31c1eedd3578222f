"""Whether a product is on sale, as a customer is told before anything is asked."""

from typing import Protocol
from uuid import UUID

from core.domain.customers import Customer, Tenant
from core.domain.vending import Product
from core.ports.health import SaleBook


class Pauses(Protocol):
    def paused(self, tenant_id: UUID, product: Product) -> bool:
        """As far as this process knows: at most a second or so old. Asks nobody."""
        ...


class Sales:
    """Turns customers away while a sale is paused, and remembers them: one SMS when it is back."""

    def __init__(self, pauses: Pauses, book: SaleBook) -> None:
        self._pauses = pauses
        self._book = book

    async def on_sale(self, tenant: Tenant, customer: Customer, product: Product) -> bool:
        """False where the sale is paused: this customer will hear when it is not any more."""
        if not self._pauses.paused(tenant.id, product):
            return True
        return not await self._book.turn_away(tenant.id, product, customer.id)

    async def turned_away(self, tenant: Tenant, customer: Customer, product: Product) -> None:
        """The pause came while this customer was about to pay."""
        await self._book.turn_away(tenant.id, product, customer.id)
