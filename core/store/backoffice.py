"""A tenant's orders and customers by the page, for operators.

Row-level security holds the tenant; each query names it as well, for the index.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    RowMapping,
    Select,
    and_,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import Customer
from core.domain.orders import FINAL
from core.kit.clock import Clock
from core.ports import (
    AttemptView,
    CustomerQuery,
    EntryView,
    Event,
    ListedOrder,
    OrderDetail,
    OrderQuery,
    Paging,
)
from core.store.customers import customer_columns
from core.store.database import Database
from core.store.events import add_event
from core.store.orders import VIEW, order_view
from core.store.pages import paged
from core.store.tables import attempts, customers, jobs, orders

Row = TypeVar("Row")


class PgBackoffice:
    """See `core.ports.Backoffice`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def orders(
        self, tenant_id: UUID, query: OrderQuery, paging: Paging
    ) -> Sequence[ListedOrder]:
        chosen = _listed().where(*_orders_wanted(tenant_id, query))
        return await self._rows(tenant_id, paged(chosen, orders, paging), _listed_order)

    async def order_count(self, tenant_id: UUID, query: OrderQuery) -> int:
        return await self._count(tenant_id, _joined(), _orders_wanted(tenant_id, query))

    async def order(self, tenant_id: UUID, reference: str) -> OrderDetail | None:
        async def read(connection: AsyncConnection) -> OrderDetail | None:
            query = _listed().where(
                orders.c.tenant_id == tenant_id, orders.c.reference == reference
            )
            row = (await connection.execute(query)).mappings().one_or_none()
            return await _detail(connection, _listed_order(row)) if row else None

        return await self._database.in_tenant(tenant_id, read)

    async def customers(
        self, tenant_id: UUID, query: CustomerQuery, paging: Paging
    ) -> Sequence[Customer]:
        chosen = customer_columns().where(*_customers_wanted(tenant_id, query))
        return await self._rows(tenant_id, paged(chosen, customers, paging), _customer)

    async def customer_count(self, tenant_id: UUID, query: CustomerQuery) -> int:
        return await self._count(tenant_id, customers, _customers_wanted(tenant_id, query))

    async def customer(self, tenant_id: UUID, customer_id: UUID) -> Customer | None:
        query = customer_columns().where(
            customers.c.tenant_id == tenant_id, customers.c.id == customer_id
        )
        found = await self._rows(tenant_id, query, _customer)
        return found[0] if found else None

    async def note(self, tenant_id: UUID, event: Event) -> None:
        async def write(connection: AsyncConnection) -> None:
            await add_event(connection, tenant_id, event, self._clock.now())

        await self._database.in_tenant(tenant_id, write)

    async def _rows(
        self, tenant_id: UUID, query: Select[Any], made: Callable[[RowMapping], Row]
    ) -> list[Row]:
        async def read(connection: AsyncConnection) -> list[Row]:
            return [made(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def _count(
        self, tenant_id: UUID, source: FromClause, wanted: Sequence[ColumnElement[bool]]
    ) -> int:
        async def read(connection: AsyncConnection) -> int:
            query = select(func.count()).select_from(source).where(*wanted)
            return int(await connection.scalar(query) or 0)

        return await self._database.in_tenant(tenant_id, read)


def _joined() -> FromClause:
    """Orders beside their last attempt."""
    last = and_(attempts.c.order_id == orders.c.id, attempts.c.number == orders.c.attempt_number)
    return orders.join(attempts, last)


def _listed() -> Select[Any]:
    return select(*VIEW, attempts.c.provider.label("asked_last")).select_from(_joined())


def _listed_order(row: RowMapping) -> ListedOrder:
    fields = dict(row)
    provider = str(fields.pop("asked_last"))
    return ListedOrder(order_view(fields), provider)


def _customer(row: RowMapping) -> Customer:
    return Customer(**row)


def _orders_wanted(tenant_id: UUID, query: OrderQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [orders.c.tenant_id == tenant_id]
    if query.states:
        wanted.append(orders.c.state.in_(sorted(query.states)))
        if not query.states & FINAL:
            # Only these have jobs, which are few: no reading through all that ever ended.
            wanted.append(orders.c.id.in_(select(jobs.c.ref)))
    for column, value in (
        (orders.c.product, query.service),
        (orders.c.network, query.network),
        (attempts.c.provider, query.provider),
        (orders.c.customer_id, query.customer_id),
    ):
        if value is not None:
            wanted.append(column == value)
    if query.since is not None:
        wanted.append(orders.c.created_at >= query.since)
    if query.until is not None:
        wanted.append(orders.c.created_at < query.until)
    if query.search:
        wanted.append(
            or_(
                orders.c.reference.contains(query.search.upper(), autoescape=True),
                number_like(orders.c.recipient, query.search),
            )
        )
    return wanted


def _customers_wanted(tenant_id: UUID, query: CustomerQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [customers.c.tenant_id == tenant_id]
    if query.status is not None:
        wanted.append(customers.c.status == query.status)
    if query.search:
        wanted.append(number_like(customers.c.msisdn, query.search))
    if query.phone is not None:
        wanted.append(_number_is(customers.c.msisdn, query.phone))
    return wanted


def number_like(column: ColumnElement[str], search: str) -> ColumnElement[bool]:
    """A part of a number, written in any local form: `0803 123`, `+234 803 123`."""
    digits = _digits_of(search)
    return column.contains(digits if digits.isdigit() else search, autoescape=True)


def _number_is(column: ColumnElement[str], phone: str) -> ColumnElement[bool]:
    """A whole number, with its country's code of up to three digits or without."""
    digits = _digits_of(phone)
    ahead = func.length(column) - len(digits)
    return and_(column.endswith(digits, autoescape=True), ahead.between(0, _COUNTRY_CODE_MAX))


def _digits_of(number: str) -> str:
    return number.replace(" ", "").replace("-", "").removeprefix("+").lstrip("0")


async def _detail(connection: AsyncConnection, listed: ListedOrder) -> OrderDetail:
    order = listed.order
    tried = (
        select(*(attempts.c[name] for name in AttemptView.__slots__))
        .where(attempts.c.order_id == order.id)
        .order_by(attempts.c.number)
    )
    hold = await connection.scalar(_HOLD, {"id": order.id})
    moved = (await connection.execute(_ENTRIES, {"id": order.id})).mappings()
    return OrderDetail(
        listed=listed,
        held=hold or "none",
        attempts=[AttemptView(**row) for row in (await connection.execute(tried)).mappings()],
        entries=[EntryView(**row) for row in moved],
    )


_COUNTRY_CODE_MAX = 3
_HOLD = text("select state from all_holds where id = :id")
# Both sides of each transfer of an order, the debit first. An entry itself can only be found by its
# account and version; a transfer makes exactly these two.
_ENTRIES = text("""
    select t.id as transfer_id, t.code, a.type as account_type, a.owner as account_owner,
        side.sign * t.amount_minor as amount_minor, t.created_at as at
      from transfers t
      cross join lateral (values (1, t.debit_id, -1), (2, t.credit_id, 1))
        as side (place, account_id, sign)
      join accounts a on a.id = side.account_id
      where t.event_id = :id
      order by t.created_at, t.id, side.place
""")
