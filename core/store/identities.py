"""Who is who, in Postgres. Whoever changes the links of a customer locks its row first."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import RELEASED, Customer
from core.domain.linking import Identity, Linked, Proof, Unlinkable, Wish
from core.domain.live_chat import Parted
from core.kit.letters import one_line
from core.kit.msisdn import Msisdn
from core.ports import Event, NewNotice
from core.store.customers import LIVING, customer_columns, one_customer
from core.store.database import Database
from core.store.events import add_event
from core.store.live_rows import part
from core.store.outbox import add_notice
from core.store.tables import customers, identities, identities_left, notices, one_time_codes

_SHOWN = (
    identities.c.kind,
    identities.c.identity,
    identities.c.proof,
    identities.c.linked_at,
    identities.c.unreachable_since,
    identities.c.called,
)
_LINKED = identities.c.unlinked_at.is_(None)


class _TakenMeanwhile(Exception):
    """Another customer was first; nothing of this try is kept."""


class PgIdentities:
    """See `core.ports.identities.Identities`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, customer: Customer) -> Sequence[Identity]:
        async def read(connection: AsyncConnection) -> Sequence[Identity]:
            return await _linked(connection, customer)

        return await self._database.in_tenant(customer.tenant_id, read)

    async def taken_off(self, customer: Customer, kind: str, name: str) -> bool:
        return await self._database.in_tenant(
            customer.tenant_id, lambda connection: _taken_off(connection, customer, kind, name)
        )

    async def link(self, customer: Customer, wish: Wish, at: dt.datetime) -> Linked | Unlinkable:
        async def write(connection: AsyncConnection) -> Linked | Unlinkable:
            if not await _lock_living(connection, customer):
                return Unlinkable.GONE
            refused = await _objection(connection, customer, wish)
            if refused is not None:
                return refused
            known = await _linked(connection, customer, wish.kind)
            if any(each.name == wish.name for each in known):
                return Linked(fresh=False)
            others = [each for each in known if each.name != customer.msisdn]
            if others and wish.name != customer.msisdn:
                if not wish.replacing:
                    return Unlinkable.OTHERS
                names = [(each.kind, each.name) for each in others]
                await _take_off(connection, customer, names, "replaced", at)
                await part(connection, customer.tenant_id, names, Parted.REPLACED, at)
                await _changed(connection, customer, at)
            else:
                others = []
            if others or (not known and await _is_used(connection, customer)):
                await _tell_owner(connection, customer, wish, at, replaced=bool(others))
            await _write(connection, customer, wish, at)
            await add_event(connection, customer.tenant_id, _event(customer, wish, others), at)
            return Linked(fresh=True, replaced=tuple(others))

        try:
            return await self._database.in_tenant(customer.tenant_id, write)
        except _TakenMeanwhile:
            return Unlinkable.TAKEN

    async def unlink(
        self, customer: Customer, names: Sequence[tuple[str, str]], event: Event, at: dt.datetime
    ) -> Sequence[Identity]:
        async def write(connection: AsyncConnection) -> Sequence[Identity]:
            await _lock_living(connection, customer)
            known = await _linked(connection, customer)
            going = [each for each in known if (each.kind, each.name) in names]
            if going:
                taken = [(each.kind, each.name) for each in going]
                await _take_off(connection, customer, taken, event.actor, at)
                await part(connection, customer.tenant_id, taken, Parted.UNLINKED, at)
                await add_event(connection, customer.tenant_id, event, at)
            return going

        return await self._database.in_tenant(customer.tenant_id, write)

    async def release(
        self, customer: Customer, event: Event, at: dt.datetime
    ) -> Sequence[Identity] | None:
        async def write(connection: AsyncConnection) -> Sequence[Identity] | None:
            if not await _lock_living(connection, customer):
                return None
            going = await _linked(connection, customer)
            for table in (identities, identities_left):
                await connection.execute(delete(table).where(table.c.customer_id == customer.id))
            await connection.execute(
                update(customers)
                .where(customers.c.id == customer.id)
                .values(status=RELEASED, released_at=at)
            )
            await _silence(connection, customer, at)
            names = [(each.kind, each.name) for each in going]
            await part(connection, customer.tenant_id, names, Parted.RELEASED, at)
            await add_event(connection, customer.tenant_id, event, at)
            return going

        return await self._database.in_tenant(customer.tenant_id, write)

    async def changed(self, customer: Customer, at: dt.datetime) -> None:
        await self._database.in_tenant(
            customer.tenant_id, lambda connection: _changed(connection, customer, at)
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


def _row(customer: Customer, kind: str, name: str) -> ColumnElement[bool]:
    return (
        (identities.c.tenant_id == customer.tenant_id)
        & (identities.c.kind == kind)
        & (identities.c.identity == name)
    )


def _mark(customer: Customer, kind: str, name: str) -> ColumnElement[bool]:
    return (
        (identities_left.c.customer_id == customer.id)
        & (identities_left.c.kind == kind)
        & (identities_left.c.identity == name)
    )


async def _lock_living(connection: AsyncConnection, customer: Customer) -> bool:
    query = select(customers.c.status).where(customers.c.id == customer.id)
    status = await connection.scalar(query.with_for_update(key_share=True))
    return status is not None and status != RELEASED


async def _linked(
    connection: AsyncConnection, customer: Customer, kind: str | None = None
) -> list[Identity]:
    query = select(*_SHOWN).where(identities.c.customer_id == customer.id, _LINKED)
    if kind is not None:
        query = query.where(identities.c.kind == kind)
    rows = await connection.execute(query.order_by(identities.c.linked_at, identities.c.identity))
    return [
        Identity(
            kind=row.kind,
            name=row.identity,
            proof=Proof(row.proof),
            linked_at=row.linked_at,
            reachable=row.unreachable_since is None,
            called=row.called,
        )
        for row in rows
    ]


async def _objection(
    connection: AsyncConnection, customer: Customer, wish: Wish
) -> Unlinkable | None:
    """What speaks against it in what is known of that identity."""
    whose = select(identities.c.customer_id).where(_row(customer, wish.kind, wish.name), _LINKED)
    linked_to = await connection.scalar(whose)
    if linked_to is not None:
        return None if linked_to == customer.id else Unlinkable.TAKEN
    if wish.anew or not await _taken_off(connection, customer, wish.kind, wish.name):
        return None
    return Unlinkable.TAKEN_OFF


async def _taken_off(connection: AsyncConnection, customer: Customer, kind: str, name: str) -> bool:
    query = select(identities_left.c.left_at).where(_mark(customer, kind, name))
    return await connection.scalar(query) is not None


async def _is_used(connection: AsyncConnection, customer: Customer) -> bool:
    """Whether somebody knows of this wallet: they have a PIN, or came to it before."""
    mine = customers.c.id == customer.id
    pin_set = await connection.scalar(select(customers.c.pin_hash.is_not(None)).where(mine))
    ways = union_all(
        *(
            select(table.c.kind).where(table.c.customer_id == customer.id)
            for table in (identities, identities_left)
        )
    )
    return bool(pin_set) or (await connection.execute(ways.limit(1))).first() is not None


async def _tell_owner(
    connection: AsyncConnection, customer: Customer, wish: Wish, at: dt.datetime, *, replaced: bool
) -> None:
    """By SMS to the number, whoever it is that linked the account."""
    notice = NewNotice(
        key=f"linked:{customer.id}:{wish.kind}:{at.timestamp()}",
        tenant_id=customer.tenant_id,
        customer_id=customer.id,
        text=f"notice.{'replaced' if replaced else 'linked'}.{wish.kind}",
        facts={},
    )
    await add_notice(connection, notice, notice.facts, at)


async def _write(
    connection: AsyncConnection, customer: Customer, wish: Wish, at: dt.datetime
) -> None:
    changed = {
        "customer_id": customer.id,
        "proof": wish.proof.value,
        "linked_at": at,
        "unlinked_at": None,
        "unlinked_by": None,
        "unreachable_since": None,
        "unreachable_why": None,
        "called": one_line(wish.called),
    }
    row = insert(identities).values(
        tenant_id=customer.tenant_id,
        kind=wish.kind,
        identity=wish.name,
        created_at=at,
        **changed,
    )
    key = [identities.c.tenant_id, identities.c.kind, identities.c.identity]
    free = ~_LINKED | (identities.c.customer_id == customer.id)
    write = row.on_conflict_do_update(index_elements=key, set_=changed, where=free)
    if not (await connection.execute(write)).rowcount:
        raise _TakenMeanwhile
    back = delete(identities_left).where(_mark(customer, wish.kind, wish.name))
    await connection.execute(back)


async def _take_off(
    connection: AsyncConnection,
    customer: Customer,
    names: Sequence[tuple[str, str]],
    by: str,
    at: dt.datetime,
) -> None:
    await connection.execute(
        update(identities)
        .where(or_(*(_row(customer, kind, name) for kind, name in names)))
        .values(unlinked_at=at, unlinked_by=by, called="")
    )
    # Apart from the link itself, which may be another customer's one day.
    left = [
        {
            "tenant_id": customer.tenant_id,
            "customer_id": customer.id,
            "kind": kind,
            "identity": name,
            "left_at": at,
        }
        for kind, name in names
    ]
    await connection.execute(insert(identities_left).values(left).on_conflict_do_nothing())


async def _changed(connection: AsyncConnection, customer: Customer, at: dt.datetime) -> None:
    mine = update(customers).where(customers.c.id == customer.id)
    await connection.execute(mine.values(changed_at=at))


async def _silence(connection: AsyncConnection, customer: Customer, at: dt.datetime) -> None:
    """What was to be told to this customer would be read by the next one."""
    waiting = (notices.c.customer_id == customer.id) & (notices.c.state == "waiting")
    told = update(notices).where(waiting)
    await connection.execute(told.values(state="void", why="released", ended_at=at))
    secret = (notices.c.customer_id == customer.id) & notices.c.secret
    await connection.execute(update(notices).where(secret).values(facts={}))
    codes = (one_time_codes.c.customer_id == customer.id) & one_time_codes.c.ended_at.is_(None)
    await connection.execute(update(one_time_codes).where(codes).values(ended_at=at))


def _event(customer: Customer, wish: Wish, replaced: Sequence[Identity]) -> Event:
    facts = {
        "kind": wish.kind,
        "identity": Identity(wish.kind, wish.name, wish.proof, customer.created_at).shown,
        "proof": wish.proof.value,
        "replaced": [each.shown for each in replaced],
    }
    return Event(f"customer/{customer.id}", "identity.linked", "customer", facts)
