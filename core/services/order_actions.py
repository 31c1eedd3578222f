"""What operators do with an order."""

from uuid import UUID

from core.kit.bell import Bell
from core.kit.errors import Problem
from core.ports import Backoffice, Event, OrderBook, OrderDetail


class UnknownOrder(Problem):
    """This tenant has no order of this reference."""

    code = "transaction.unknown"


class OrderActions:
    def __init__(self, backoffice: Backoffice, orders: OrderBook, bell: Bell) -> None:
        self._backoffice = backoffice
        self._orders = orders
        self._bell = bell

    async def show(self, tenant_id: UUID, reference: str) -> OrderDetail:
        """Raises `UnknownOrder`."""
        found = await self._backoffice.order(tenant_id, reference.strip().upper())
        if found is None:
            raise UnknownOrder
        return found

    async def reconcile(self, tenant_id: UUID, reference: str, actor: str) -> OrderDetail:
        """Have the last provider asked about this order now, final or not; a worker does it.

        Asking is always safe, so doing this twice is no harm.

        Raises:
            UnknownOrder: there is none.
        """
        found = await self.show(tenant_id, reference)
        order, last = found.listed.order, found.attempts[-1]
        await self._orders.hurry(last.provider, [last.provider_reference])
        event = Event(
            subject=str(order.id),
            kind="order.reconcile_asked",
            actor=actor,
            facts={"provider": last.provider, "attempt": last.number, "state": order.state.value},
        )
        await self._backoffice.note(tenant_id, event)
        self._bell.ring()
        return found
