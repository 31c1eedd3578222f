"""The books of a running Callbox, read beside it, and what they must say in the end."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import join_services
from tests.e2e.customer import Customer
from tests.e2e.program import World, eventually

_ORDERS = text("""
    select o.reference, o.state, o.amount_minor, a.provider_reference
    from orders o join customers c on c.id = o.customer_id
    join attempts a on a.order_id = o.id and a.number = o.attempt_number
    where c.msisdn = :msisdn order by o.created_at
""")
_LOSSES = text("""
    select coalesce(sum(t.amount_minor), 0)
    from orders o join customers c on c.id = o.customer_id
    join transfers t on t.event_id = o.id join accounts a on a.id = t.debit_id
    where c.msisdn = :msisdn and a.type = 'loss'
""")
_PAYMENTS = text("select state from payments_in where reference = :reference")
_ARRIVALS = text("""
    select count(*) from payments_in p join customers c on c.id = p.customer_id
    where c.msisdn = :msisdn and p.state = 'credited'
""")
_NEVER_ASKED = text("""
    select count(*) from payment_intents i join customers c on c.id = i.customer_id
    where c.msisdn = :msisdn and i.checks = 0
""")
_UNSENT = text("select count(*) from notices where state = 'waiting'")

SOLD = "delivered"
_NOTICES = {
    "delivered": "Done: ",
    "refunded": " is back in your wallet",
    "paid_back": "so we paid you back",
}


@dataclass(frozen=True, slots=True)
class Order:
    """An order as the books have it; `provider_reference` is the one of its last attempt."""

    reference: str
    state: str
    amount_minor: int
    provider_reference: str


class Books:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def wrong(self) -> list[str]:
        return await invariants.check(self._engine)

    async def orders(self, msisdn: str) -> list[Order]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(_ORDERS, {"msisdn": msisdn})
            return [Order(*row) for row in rows]

    async def payment_states(self, reference: str) -> list[str]:
        async with self._engine.connect() as connection:
            return list(await connection.scalars(_PAYMENTS, {"reference": reference}))

    async def arrivals(self, msisdn: str) -> int:
        """How many payments were credited to a customer."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(_ARRIVALS, {"msisdn": msisdn}) or 0)

    async def intents_never_asked_about(self, msisdn: str) -> int:
        async with self._engine.connect() as connection:
            return int(await connection.scalar(_NEVER_ASKED, {"msisdn": msisdn}) or 0)

    async def notices_unsent(self) -> int:
        async with self._engine.connect() as connection:
            return int(await connection.scalar(_UNSENT) or 0)

    async def losses_minor(self, msisdn: str) -> int:
        """What was delivered to a customer after it had been paid back."""
        async with self._engine.connect() as connection:
            return int(await connection.scalar(_LOSSES, {"msisdn": msisdn}) or 0)


@asynccontextmanager
async def books_of(world: World) -> AsyncIterator[Books]:
    """Callbox must be running: its servers are joined, not started."""
    assert world.callbox.running
    async with join_services(world.home) as urls:
        engine = owner_engine(urls.database_url)
        try:
            yield Books(engine)
        finally:
            await engine.dispose()


async def settled(world: World, customers: Sequence[Customer], timeout_s: float = 40) -> None:
    """Wait until no order of theirs is open and everybody was told."""
    async with books_of(world) as books:

        async def done() -> bool:
            for customer in customers:
                for order in await books.orders(customer.msisdn):
                    assert order.state in _NOTICES, (customer.msisdn, order)
            return await books.notices_unsent() == 0

        await eventually(done, timeout_s, every_s=0.3)


async def judge(world: World, customers: Sequence[Customer], *, sms_max: int = 1) -> None:
    """What must hold in the end, whatever happened on the way.

    Args:
        world: Where it happened; everything is settled.
        customers: Who bought for themselves.
        sms_max: How often one end may be told by SMS: once, or twice where the process died
            between the sending and the note of it, since nothing makes a repeated SMS the same one.
    """
    async with books_of(world) as books:
        assert await books.wrong() == []
        for customer in customers:
            await _judge(books, customer, sms_max)


async def _judge(books: Books, customer: Customer, sms_max: int) -> None:
    orders = await books.orders(customer.msisdn)
    delivered = await customer.world.deliveries(customer.msisdn)
    reached = Counter(item["reference"] for item in delivered)
    assert all(times == 1 for times in reached.values()), delivered
    kept = {item["reference"] for item in delivered if not item["reversed"]}
    assert kept == {order.provider_reference for order in orders if order.state == SOLD}, orders

    spent_minor = sum(order.amount_minor for order in orders if order.state == SOLD)
    assert await customer.balance() == (customer.paid_minor - spent_minor, 0), orders

    inbox = await customer.sms()
    for order in orders:
        told = [text for text in inbox if order.reference in text and _NOTICES[order.state] in text]
        assert 1 <= len(told) <= sms_max, (order, inbox)
