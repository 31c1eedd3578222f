"""Rows of talks with a person: how they are read, and the steps that changes are made of."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, RowMapping, Select, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.chat import Address
from core.domain.live_chat import (
    CUSTOMER,
    Answering,
    Heard,
    LiveChat,
    LiveMessage,
    LiveState,
    Parted,
)
from core.kit import ids
from core.kit.crypto import Keyring, Unreadable
from core.kit.msisdn import Msisdn
from core.ports import Event
from core.ports.live_chat import Bound, Wish
from core.store.events import add_event
from core.store.live_posts import post
from core.store.tables import channels, customers, identities, live_chats, live_messages

log = structlog.get_logger()

_CODE_LETTERS = 5
_WITH_PERSON = text("""
    insert into talks as t (channel_id, identity, tenant_id, waiting, run_at, heard_at, with_person)
      values (:channel_id, :identity, :tenant_id, false, :at, :at, :with_person)
      on conflict (channel_id, identity) do update set with_person = excluded.with_person
""")


def chat_columns() -> Select[Any]:
    """A chat as operators see it; see `chat_of`."""
    own = (name for name in LiveChat.__slots__ if name not in ("msisdn", "channel"))
    return (
        select(
            *(live_chats.c[name] for name in own),
            customers.c.msisdn,
            channels.c.kind.label("channel"),
        )
        .join_from(live_chats, customers, customers.c.id == live_chats.c.customer_id)
        .join(channels, channels.c.id == live_chats.c.channel_id)
    )


def chat_of(row: RowMapping) -> LiveChat:
    fields = dict(row)
    return LiveChat(
        state=LiveState(fields.pop("state")), msisdn=Msisdn(fields.pop("msisdn")), **fields
    )


def message_of(keyring: Keyring, row: RowMapping) -> LiveMessage:
    return LiveMessage(
        id=row["id"],
        author=row["author"],
        text=opened(keyring, row["content"]) or "[cannot be read with the present key]",
        state=Heard(row["state"]),
        why=row["why"],
        at=row["at"],
    )


def opened(keyring: Keyring, sealed: str) -> str | None:
    """None where no present key opens it."""
    try:
        return keyring.decrypt(sealed)
    except Unreadable:
        log.error("live.unreadable")  # noqa: TRY400 - nothing of it in a log
        return None


def wanted(tenant_id: UUID, states: Sequence[LiveState]) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [live_chats.c.tenant_id == tenant_id]
    if states:
        found.append(live_chats.c.state.in_([state.value for state in states]))
    return found


async def chat_where(connection: AsyncConnection, which: ColumnElement[bool]) -> LiveChat | None:
    row = (await connection.execute(chat_columns().where(which))).mappings().one_or_none()
    return chat_of(row) if row else None


def begun_by(chat_id: UUID, wish: Wish) -> ColumnElement[bool]:
    """The chat that this wish made, or the one that is open anyhow."""
    here = (live_chats.c.channel_id == wish.channel.id) & (live_chats.c.identity == wish.identity)
    made = live_chats.c.id == chat_id
    others = ~select(live_chats.c.id).where(made).exists()
    return made | (here & (live_chats.c.state != LiveState.CLOSED.value) & others)


async def is_theirs(connection: AsyncConnection, wish: Wish) -> bool:
    """Whether the identity is the customer's, and stays so until the end of this commit."""
    # Whoever takes an identity off locks this row against it: see `core.store.identities`.
    customer = select(customers.c.id).where(customers.c.id == wish.customer.id)
    await connection.execute(customer.with_for_update(read=True))
    linked = select(identities.c.customer_id).where(
        identities.c.tenant_id == wish.channel.tenant_id,
        identities.c.kind == wish.channel.kind,
        identities.c.identity == wish.identity,
        identities.c.customer_id == wish.customer.id,
        identities.c.unlinked_at.is_(None),
    )
    return await connection.scalar(linked) is not None


async def make(connection: AsyncConnection, wish: Wish, chat_id: UUID, at: dt.datetime) -> bool:
    making = (
        insert(live_chats)
        .values(
            id=chat_id,
            tenant_id=wish.channel.tenant_id,
            code=ids.speakable(_CODE_LETTERS),
            customer_id=wish.customer.id,
            channel_id=wish.channel.id,
            identity=wish.identity,
            language=wish.customer.language,
            opened_by=wish.mark,
            state=LiveState.WAITING.value,
            opened_at=at,
            last_at=at,
        )
        .on_conflict_do_nothing()
        .returning(live_chats.c.id)
    )
    return await connection.scalar(making) is not None


async def open_chat(connection: AsyncConnection, to: Address) -> RowMapping | None:
    wanted = (
        select(live_chats)
        .where(live_chats.c.channel_id == to.channel.id, live_chats.c.identity == to.identity)
        .where(live_chats.c.state != LiveState.CLOSED.value)
        .with_for_update()
    )
    return (await connection.execute(wanted)).mappings().one_or_none()


async def locked(connection: AsyncConnection, tenant_id: UUID, chat_id: UUID) -> RowMapping | None:
    wanted = (
        select(live_chats)
        .where(live_chats.c.tenant_id == tenant_id, live_chats.c.id == chat_id)
        .with_for_update()
    )
    return (await connection.execute(wanted)).mappings().one_or_none()


async def known(connection: AsyncConnection, tenant_id: UUID, key: str) -> bool:
    wanted = select(live_messages.c.id).where(
        live_messages.c.tenant_id == tenant_id, live_messages.c.key == key
    )
    return await connection.scalar(wanted) is not None


async def beyond(connection: AsyncConnection, customer_id: UUID, bound: Bound) -> bool:
    """Whether the customer has said as much as they may."""
    lately = (live_chats.c.customer_id == customer_id) & (live_chats.c.last_at > bound.since)
    said = (
        select(func.count())
        .select_from(live_messages)
        .join(live_chats, live_chats.c.id == live_messages.c.chat_id)
        .where(lately, live_messages.c.at > bound.since, live_messages.c.author == CUSTOMER)
    )
    begun = select(func.count()).where(lately, live_chats.c.opened_at > bound.since)
    counted = select(said.scalar_subquery() + begun.scalar_subquery())
    return int(await connection.scalar(counted) or 0) >= bound.most


async def keep(
    connection: AsyncConnection,
    tenant_id: UUID,
    chat_id: UUID,
    key: str,
    author: str,
    sealed: str,
    at: dt.datetime,
) -> UUID | None:
    """The id of what is said now; None where it was said before."""
    ours = author != CUSTOMER
    saying = (
        insert(live_messages)
        .values(
            id=ids.uuid7(),
            tenant_id=tenant_id,
            chat_id=chat_id,
            key=key,
            author=author,
            content=sealed,
            state=(Heard.WAITING if ours else Heard.HEARD).value,
            tries=0,
            run_at=at if ours else None,
            at=at,
        )
        .on_conflict_do_nothing()
        .returning(live_messages.c.id)
    )
    made: UUID | None = await connection.scalar(saying)
    if made is not None:
        await connection.execute(
            update(live_chats).where(live_chats.c.id == chat_id).values(last_at=at)
        )
    return made


async def end(connection: AsyncConnection, chat: RowMapping, by: str, at: dt.datetime) -> None:
    """Close it, hand the customer back, and tell whoever else is concerned."""
    if chat["taken_by"] != by:
        await post(connection, chat["id"], "closed", at)
    await connection.execute(
        update(live_chats)
        .where(live_chats.c.id == chat["id"])
        .values(state=LiveState.CLOSED.value, closed_at=at, closed_by=by)
    )
    await set_person(
        connection, chat["tenant_id"], chat["channel_id"], chat["identity"], at, present=False
    )
    await note(connection, chat["tenant_id"], chat["id"], "live.closed", by, at)


async def part(
    connection: AsyncConnection,
    tenant_id: UUID,
    names: Sequence[tuple[str, str]],
    why: Parted,
    at: dt.datetime,
) -> None:
    """End the chats of identities (kind, name) that go; what was to be told there never is."""
    theirs = (channels.c.tenant_id == tenant_id) & tuple_(
        channels.c.kind, live_chats.c.identity
    ).in_(names)
    there = live_chats.join(channels, channels.c.id == live_chats.c.channel_id)
    still_open = (
        select(live_chats)
        .select_from(there)
        .where(theirs, live_chats.c.state != LiveState.CLOSED.value)
        .order_by(live_chats.c.id)
        .with_for_update(of=live_chats, key_share=True)
    )
    chats = (await connection.execute(still_open)).mappings().all()
    unsaid = (
        update(live_messages)
        .where(
            live_messages.c.tenant_id == tenant_id,
            live_messages.c.state == Heard.WAITING.value,
            live_messages.c.chat_id.in_(select(live_chats.c.id).select_from(there).where(theirs)),
        )
        .values(state=Heard.FAILED.value, why=why.told)
        .returning(live_messages.c.chat_id, live_messages.c.id)
    )
    for chat_id, message_id in (await connection.execute(unsaid)).all():
        await post(connection, chat_id, "failed", at, message_id)
    for chat in chats:
        await end(connection, chat, why.value, at)


async def set_person(
    connection: AsyncConnection,
    tenant_id: UUID,
    channel_id: UUID,
    identity: str,
    at: dt.datetime,
    *,
    present: bool,
) -> None:
    values = {
        "channel_id": channel_id,
        "identity": identity,
        "tenant_id": tenant_id,
        "at": at,
        "with_person": present,
    }
    await connection.execute(_WITH_PERSON, values)


async def changed(
    connection: AsyncConnection, answering: Answering, values: Mapping[str, object]
) -> bool:
    """Whether it still waited."""
    changing = (
        update(live_messages)
        .where(
            live_messages.c.tenant_id == answering.tenant_id,
            live_messages.c.id == answering.id,
            live_messages.c.state == Heard.WAITING.value,
        )
        .values(**values)
    )
    return (await connection.execute(changing)).rowcount == 1


async def note(
    connection: AsyncConnection,
    tenant_id: UUID,
    chat_id: UUID,
    kind: str,
    actor: str,
    at: dt.datetime,
) -> None:
    await add_event(connection, tenant_id, Event(f"live_chat/{chat_id}", kind, actor, {}), at)
