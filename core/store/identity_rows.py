"""Rows of who is who: how they are read, and the steps that changes are made of."""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import ColumnElement, delete, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.chat import Moved
from core.domain.customers import RELEASED, Customer
from core.domain.linking import Identity, Proof, Unlinkable, Wish
from core.domain.live_chat import Parted
from core.domain.turns import Channel
from core.kit.letters import one_line
from core.ports import Event, NewNotice
from core.store.events import add_event
from core.store.live_rows import part
from core.store.outbox import add_notice
from core.store.tables import (
    customers,
    identities,
    identities_left,
    identity_moves,
    notices,
    one_time_codes,
)

_SHOWN = (
    identities.c.kind,
    identities.c.identity,
    identities.c.proof,
    identities.c.linked_at,
    identities.c.unreachable_since,
    identities.c.called,
)
# Longer than WhatsApp goes on delivering what was not taken.
_MOVES_KEPT = dt.timedelta(days=30)
_LINKED = identities.c.unlinked_at.is_(None)


class TakenMeanwhile(Exception):
    """Another customer was first; nothing of this try is kept."""


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


async def lock_living(connection: AsyncConnection, customer: Customer) -> bool:
    query = select(customers.c.status).where(customers.c.id == customer.id)
    status = await connection.scalar(query.with_for_update(key_share=True))
    return status is not None and status != RELEASED


async def linked(
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


async def objection(
    connection: AsyncConnection, customer: Customer, wish: Wish
) -> Unlinkable | None:
    """What speaks against it in what is known of that identity."""
    whose = select(identities.c.customer_id).where(_row(customer, wish.kind, wish.name), _LINKED)
    linked_to = await connection.scalar(whose)
    if linked_to is not None:
        return None if linked_to == customer.id else Unlinkable.TAKEN
    if wish.anew or not await taken_off(connection, customer, wish.kind, wish.name):
        return None
    return Unlinkable.TAKEN_OFF


async def taken_off(connection: AsyncConnection, customer: Customer, kind: str, name: str) -> bool:
    query = select(identities_left.c.left_at).where(_mark(customer, kind, name))
    return await connection.scalar(query) is not None


async def is_used(connection: AsyncConnection, customer: Customer) -> bool:
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


async def tell_owner(
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


async def write_link(
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
        raise TakenMeanwhile
    back = delete(identities_left).where(_mark(customer, wish.kind, wish.name))
    await connection.execute(back)


async def unlink(
    connection: AsyncConnection,
    customer: Customer,
    names: Sequence[tuple[str, str]],
    event: Event,
    at: dt.datetime,
    *,
    before: dt.datetime | None = None,
) -> Sequence[Identity]:
    await lock_living(connection, customer)
    going = [
        each
        for each in await linked(connection, customer)
        if (each.kind, each.name) in names and (before is None or each.linked_at < before)
    ]
    if going:
        taken = [(each.kind, each.name) for each in going]
        await take_off(connection, customer, taken, event.actor, at)
        await part(connection, customer.tenant_id, taken, Parted.UNLINKED, at)
        await add_event(connection, customer.tenant_id, event, at)
    return going


async def is_news(
    connection: AsyncConnection, channel: Channel, moved: Moved, at: dt.datetime
) -> bool:
    """Whether this was not told before; what nobody delivers any more is forgotten by the way."""
    old = delete(identity_moves).where(identity_moves.c.at < at - _MOVES_KEPT)
    await connection.execute(old)
    news = insert(identity_moves).values(
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        external_id=moved.external_id,
        identity=moved.identity,
        at=at,
    )
    return bool((await connection.execute(news.on_conflict_do_nothing())).rowcount)


async def take_off(
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


async def changed(connection: AsyncConnection, customer: Customer, at: dt.datetime) -> None:
    mine = update(customers).where(customers.c.id == customer.id)
    await connection.execute(mine.values(changed_at=at))


async def silence(connection: AsyncConnection, customer: Customer, at: dt.datetime) -> None:
    """What was to be told to this customer would be read by the next one."""
    waiting = (notices.c.customer_id == customer.id) & (notices.c.state == "waiting")
    told = update(notices).where(waiting)
    await connection.execute(told.values(state="void", why="released", ended_at=at))
    secret = (notices.c.customer_id == customer.id) & notices.c.secret
    await connection.execute(update(notices).where(secret).values(facts={}))
    codes = (one_time_codes.c.customer_id == customer.id) & one_time_codes.c.ended_at.is_(None)
    await connection.execute(update(one_time_codes).where(codes).values(ended_at=at))


def linking_event(customer: Customer, wish: Wish, replaced: Sequence[Identity]) -> Event:
    facts = {
        "kind": wish.kind,
        "identity": Identity(wish.kind, wish.name, wish.proof, customer.created_at).shown,
        "proof": wish.proof.value,
        "replaced": [each.shown for each in replaced],
    }
    return Event(f"customer/{customer.id}", "identity.linked", "customer", facts)
