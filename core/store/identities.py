"""Who is who, in Postgres. Whoever changes the links of a customer locks its row first."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.chat import Moved
from core.domain.customers import RELEASED, Customer
from core.domain.linking import Identity, Linked, Unlinkable, Wish
from core.domain.live_chat import Parted
from core.domain.turns import Channel
from core.kit.msisdn import Msisdn
from core.ports import Event
from core.store.customers import LIVING, customer_columns, one_customer
from core.store.database import Database
from core.store.events import add_event
from core.store.identity_rows import (
    TakenMeanwhile,
    changed,
    is_news,
    is_used,
    linked,
    linking_event,
    lock_living,
    objection,
    silence,
    take_off,
    taken_off,
    tell_owner,
    unlink,
    write_link,
)
from core.store.live_rows import part
from core.store.tables import (
    customers,
    identities,
    identities_left,
)


class PgIdentities:
    """See `core.ports.identities.Identities`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, customer: Customer) -> Sequence[Identity]:
        async def read(connection: AsyncConnection) -> Sequence[Identity]:
            return await linked(connection, customer)

        return await self._database.in_tenant(customer.tenant_id, read)

    async def taken_off(self, customer: Customer, kind: str, name: str) -> bool:
        return await self._database.in_tenant(
            customer.tenant_id, lambda connection: taken_off(connection, customer, kind, name)
        )

    async def link(self, customer: Customer, wish: Wish, at: dt.datetime) -> Linked | Unlinkable:
        async def write(connection: AsyncConnection) -> Linked | Unlinkable:
            if not await lock_living(connection, customer):
                return Unlinkable.GONE
            refused = await objection(connection, customer, wish)
            if refused is not None:
                return refused
            known = await linked(connection, customer, wish.kind)
            if any(each.name == wish.name for each in known):
                return Linked(fresh=False)
            others = [each for each in known if each.name != customer.msisdn]
            if others and wish.name != customer.msisdn:
                if not wish.replacing:
                    return Unlinkable.OTHERS
                names = [(each.kind, each.name) for each in others]
                await take_off(connection, customer, names, "replaced", at)
                await part(connection, customer.tenant_id, names, Parted.REPLACED, at)
                await changed(connection, customer, at)
            else:
                others = []
            if others or (not known and await is_used(connection, customer)):
                await tell_owner(connection, customer, wish, at, replaced=bool(others))
            await write_link(connection, customer, wish, at)
            await add_event(
                connection, customer.tenant_id, linking_event(customer, wish, others), at
            )
            return Linked(fresh=True, replaced=tuple(others))

        try:
            return await self._database.in_tenant(customer.tenant_id, write)
        except TakenMeanwhile:
            return Unlinkable.TAKEN

    async def unlink(
        self, customer: Customer, names: Sequence[tuple[str, str]], event: Event, at: dt.datetime
    ) -> Sequence[Identity]:
        return await self._database.in_tenant(
            customer.tenant_id, lambda connection: unlink(connection, customer, names, event, at)
        )

    async def moved(
        self,
        customer: Customer,
        channel: Channel,
        moved: Moved,
        before: dt.datetime,
        event: Event,
        at: dt.datetime,
    ) -> Sequence[Identity]:
        async def write(connection: AsyncConnection) -> Sequence[Identity]:
            if not await is_news(connection, channel, moved, at):
                return []
            names = [(channel.kind, moved.identity)]
            gone = await unlink(connection, customer, names, event, at, before=before)
            if gone:
                await changed(connection, customer, at)
            return gone

        return await self._database.in_tenant(customer.tenant_id, write)

    async def release(
        self, customer: Customer, event: Event, at: dt.datetime
    ) -> Sequence[Identity] | None:
        async def write(connection: AsyncConnection) -> Sequence[Identity] | None:
            if not await lock_living(connection, customer):
                return None
            going = await linked(connection, customer)
            for table in (identities, identities_left):
                await connection.execute(delete(table).where(table.c.customer_id == customer.id))
            await connection.execute(
                update(customers)
                .where(customers.c.id == customer.id)
                .values(status=RELEASED, released_at=at)
            )
            await silence(connection, customer, at)
            names = [(each.kind, each.name) for each in going]
            await part(connection, customer.tenant_id, names, Parted.RELEASED, at)
            await add_event(connection, customer.tenant_id, event, at)
            return going

        return await self._database.in_tenant(customer.tenant_id, write)

    async def changed(self, customer: Customer, at: dt.datetime) -> None:
        await self._database.in_tenant(
            customer.tenant_id, lambda connection: changed(connection, customer, at)
        )

    async def changed_at(self, customer: Customer) -> dt.datetime | None:
        query = select(customers.c.changed_at).where(customers.c.id == customer.id)

        async def read(connection: AsyncConnection) -> dt.datetime | None:
            found: dt.datetime | None = await connection.scalar(query)
            return found

        return await self._database.in_tenant(customer.tenant_id, read)

    async def living(self, tenant_id: UUID, msisdn: Msisdn) -> Customer | None:
        whose = customer_columns().where(
            customers.c.tenant_id == tenant_id, customers.c.msisdn == msisdn, LIVING
        )

        async def read(connection: AsyncConnection) -> Customer | None:
            return await one_customer(connection, whose)

        return await self._database.in_tenant(tenant_id, read)
