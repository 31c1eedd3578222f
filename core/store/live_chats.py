"""Talks with a person, in Postgres: `core/store/sql/49_live.sql` and plain rows.

What was said is sealed with the keyring. Every change of a chat locks its row first.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.chat import Address
from core.domain.live_chat import (
    CUSTOMER,
    PROGRAM,
    Answering,
    Heard,
    LiveChat,
    LiveMessage,
    LiveState,
    Reached,
)
from core.kit import ids
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports import Paging
from core.ports.live_chat import Bound, NotBegun, Saying, Wish
from core.store.database import Database
from core.store.live_posts import post
from core.store.live_rows import (
    begun_by,
    beyond,
    changed,
    chat_columns,
    chat_of,
    chat_where,
    end,
    is_theirs,
    keep,
    known,
    locked,
    make,
    message_of,
    note,
    open_chat,
    opened,
    set_person,
    wanted,
)
from core.store.tables import live_chats, live_messages

_CODES_TRIED = 4
_PRESENT = text(
    "select with_person from talks where channel_id = :channel_id and identity = :identity"
)


class PgLiveChats:
    """See `core.ports.live_chat.LiveBook`."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    async def begin(self, wish: Wish, at: dt.datetime, bound: Bound) -> LiveChat | NotBegun:
        tenant_id = wish.channel.tenant_id
        chat_id = ids.derived("live chat", str(wish.channel.id), wish.key)

        async def write(connection: AsyncConnection) -> LiveChat | NotBegun:
            if not await is_theirs(connection, wish):
                return NotBegun.GONE
            found = await chat_where(connection, begun_by(chat_id, wish))
            if found is None and await beyond(connection, wish.customer.id, bound):
                return NotBegun.ENOUGH
            for _ in range(_CODES_TRIED):  # a code may be another chat's already
                made = await make(connection, wish, chat_id, at)
                if made:
                    break
                found = await chat_where(connection, begun_by(chat_id, wish))
                if found is not None:
                    return found
            await set_person(
                connection, tenant_id, wish.channel.id, wish.identity, at, present=True
            )
            await post(connection, chat_id, "opened", at)
            await note(connection, tenant_id, chat_id, "live.opened", CUSTOMER, at)
            found = await chat_where(connection, live_chats.c.id == chat_id)
            assert found is not None
            return found

        return await self._database.in_tenant(tenant_id, write)

    async def present(self, to: Address) -> bool:
        place = {"channel_id": to.channel.id, "identity": to.identity}

        async def read(connection: AsyncConnection) -> bool:
            return bool(await connection.scalar(_PRESENT, place))

        return await self._database.in_tenant(to.tenant_id, read)

    async def heard(
        self, to: Address, external_id: str, text: str, at: dt.datetime, bound: Bound
    ) -> Reached:
        key = f"in:{to.channel.id}:{external_id}"
        sealed = self._keyring.encrypt(text)

        async def write(connection: AsyncConnection) -> Reached:
            chat = await open_chat(connection, to)
            if chat is None:
                before = await known(connection, to.tenant_id, key)
                return Reached.OPERATORS if before else Reached.MENUS
            if chat["opened_by"] == external_id:
                return Reached.MENUS
            if await beyond(connection, chat["customer_id"], bound):
                if await known(connection, to.tenant_id, key):
                    return Reached.OPERATORS
                await self._enough(connection, chat, bound, at)
                return Reached.NOBODY
            message_id = await keep(connection, to.tenant_id, chat["id"], key, CUSTOMER, sealed, at)
            if message_id is not None:
                await post(connection, chat["id"], "message", at, message_id)
            return Reached.OPERATORS

        return await self._database.in_tenant(to.tenant_id, write)

    async def _enough(
        self, connection: AsyncConnection, chat: RowMapping, bound: Bound, at: dt.datetime
    ) -> None:
        """Say so, once an hour."""
        key = f"enough:{chat['id']}:{at:%Y-%m-%dT%H}"
        sealed = self._keyring.encrypt(bound.told(chat["language"]))
        await keep(connection, chat["tenant_id"], chat["id"], key, PROGRAM, sealed, at)

    async def left(self, to: Address, external_id: str, at: dt.datetime) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            chat = await open_chat(connection, to)
            if chat is None or chat["opened_by"] == external_id:
                return False
            await end(connection, chat, CUSTOMER, at)
            return True

        return await self._database.in_tenant(to.tenant_id, write)

    async def find(self, tenant_id: UUID, chat_id: UUID) -> LiveChat | None:
        return await self._one(tenant_id, live_chats.c.id == chat_id)

    async def by_code(self, tenant_id: UUID, code: str) -> LiveChat | None:
        return await self._one(tenant_id, live_chats.c.code == code)

    async def _one(self, tenant_id: UUID, which: ColumnElement[bool]) -> LiveChat | None:
        async def read(connection: AsyncConnection) -> LiveChat | None:
            return await chat_where(connection, (live_chats.c.tenant_id == tenant_id) & which)

        return await self._database.in_tenant(tenant_id, read)

    async def messages(self, tenant_id: UUID, chat_id: UUID, count: int) -> Sequence[LiveMessage]:
        last = (
            select(live_messages)
            .where(live_messages.c.tenant_id == tenant_id, live_messages.c.chat_id == chat_id)
            .order_by(live_messages.c.place.desc())
            .limit(count)
        )

        async def read(connection: AsyncConnection) -> list[LiveMessage]:
            rows = (await connection.execute(last)).mappings().all()
            return [message_of(self._keyring, row) for row in reversed(rows)]

        return await self._database.in_tenant(tenant_id, read)

    async def listed(
        self, tenant_id: UUID, states: Sequence[LiveState], paging: Paging
    ) -> Sequence[LiveChat]:
        order = (live_chats.c.opened_at, live_chats.c.id)
        chosen = (
            chat_columns()
            .where(*wanted(tenant_id, states))
            .order_by(*(each.desc() if paging.descending else each.asc() for each in order))
            .limit(paging.per_page + 1)
        )
        if paging.after is None:
            chosen = chosen.offset((paging.page - 1) * paging.per_page)
        else:
            place, after = tuple_(*order), tuple_(*paging.after)
            chosen = chosen.where(place < after if paging.descending else place > after)

        async def read(connection: AsyncConnection) -> list[LiveChat]:
            return [chat_of(row) for row in (await connection.execute(chosen)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def count(self, tenant_id: UUID, states: Sequence[LiveState]) -> int:
        counted = select(func.count()).select_from(live_chats).where(*wanted(tenant_id, states))

        async def read(connection: AsyncConnection) -> int:
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def take(
        self,
        tenant_id: UUID,
        chat_id: UUID,
        actor: str,
        operator_chat: int | None,
        at: dt.datetime,
        *,
        over: bool,
    ) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            chat = await locked(connection, tenant_id, chat_id)
            if chat is None or chat["state"] == LiveState.CLOSED:
                return False
            mine = chat["taken_by"] in (None, actor)
            if not mine and not over:
                return False
            where = operator_chat
            if chat["taken_by"] == actor and operator_chat is None:
                where = chat["operator_chat"]  # who has it already stays where they are
            if chat["taken_by"] == actor and chat["operator_chat"] == where:
                return True
            if chat["taken_by"] != actor:
                await post(connection, chat_id, "taken", at)
            await connection.execute(
                update(live_chats)
                .where(live_chats.c.id == chat_id)
                .values(
                    state=LiveState.TAKEN.value,
                    taken_by=actor,
                    operator_chat=where,
                    taken_at=func.coalesce(live_chats.c.taken_at, at),
                )
            )
            await note(connection, tenant_id, chat_id, "live.taken", actor, at)
            return True

        return await self._database.in_tenant(tenant_id, write)

    async def say(
        self, tenant_id: UUID, chat_id: UUID, saying: Saying, at: dt.datetime
    ) -> LiveMessage | None:
        key, sealed = f"out:{saying.key}", self._keyring.encrypt(saying.text)

        async def write(connection: AsyncConnection) -> LiveMessage | None:
            chat = await locked(connection, tenant_id, chat_id)
            if chat is not None and chat["state"] != LiveState.CLOSED:
                made = await keep(connection, tenant_id, chat_id, key, saying.author, sealed, at)
                if made is not None:
                    await note(connection, tenant_id, chat_id, "live.said", saying.author, at)
            kept = select(live_messages).where(
                live_messages.c.tenant_id == tenant_id,
                live_messages.c.key == key,
                live_messages.c.chat_id == chat_id,
            )
            row = (await connection.execute(kept)).mappings().one_or_none()
            return message_of(self._keyring, row) if row else None

        return await self._database.in_tenant(tenant_id, write)

    async def close(
        self,
        tenant_id: UUID,
        chat_id: UUID,
        word: Saying,
        at: dt.datetime,
        *,
        idle_since: dt.datetime | None = None,
    ) -> bool:
        key, sealed = f"out:{word.key}", self._keyring.encrypt(word.text)

        async def write(connection: AsyncConnection) -> bool:
            chat = await locked(connection, tenant_id, chat_id)
            if chat is None or chat["state"] == LiveState.CLOSED:
                return False
            if idle_since is not None and chat["last_at"] > idle_since:
                return False
            await keep(connection, tenant_id, chat_id, key, word.author, sealed, at)
            await end(connection, chat, word.author, at)
            return True

        return await self._database.in_tenant(tenant_id, write)

    async def set_free(
        self, tenant_id: UUID, at: dt.datetime, *, actor: str = "", operator_chat: int | None = None
    ) -> None:
        """Nobody answers there, or so called, any more: others are told that those chats wait."""
        whose = live_chats.c.taken_by == actor
        if operator_chat is not None:
            whose = live_chats.c.operator_chat == operator_chat

        async def write(connection: AsyncConnection) -> None:
            freeing = (
                update(live_chats)
                .where(live_chats.c.tenant_id == tenant_id, whose)
                .where(live_chats.c.state == LiveState.TAKEN.value)
                .values(state=LiveState.WAITING.value, taken_by=None, operator_chat=None)
                .returning(live_chats.c.id)
            )
            for chat_id in (await connection.scalars(freeing)).all():
                await post(connection, chat_id, "opened", at)

        await self._database.in_tenant(tenant_id, write)

    async def claim(self, count: int, lease_s: float) -> Sequence[Answering]:
        rows = await self._database.call(
            "select * from live_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [
            Answering(
                id=row["id"],
                tenant_id=row["tenant_id"],
                chat_id=row["chat_id"],
                channel_id=row["channel_id"],
                identity=row["identity"],
                text=opened(self._keyring, row["content"]),
                tries=row["tries"],
            )
            for row in rows
        ]

    async def sent(self, answering: Answering) -> None:
        await self._change(answering, {"state": Heard.SENT.value})

    async def again(self, answering: Answering, at: dt.datetime) -> None:
        await self._change(answering, {"run_at": at})

    async def failed(self, answering: Answering, why: str, at: dt.datetime) -> None:
        async def write(connection: AsyncConnection) -> None:
            values = {"state": Heard.FAILED.value, "why": why}
            if await changed(connection, answering, values):
                await post(connection, answering.chat_id, "failed", at, answering.id)

        await self._database.in_tenant(answering.tenant_id, write)

    async def _change(self, answering: Answering, values: Mapping[str, object]) -> None:
        async def write(connection: AsyncConnection) -> None:
            await changed(connection, answering, values)

        await self._database.in_tenant(answering.tenant_id, write)

    async def idle(self, before: dt.datetime, count: int) -> Sequence[LiveChat]:
        rows = await self._database.call("select * from live_idle($1, $2)", before, count)
        found = [await self.find(row["tenant_id"], row["id"]) for row in rows]
        return [chat for chat in found if chat is not None]

    async def prune(self, before: dt.datetime, count: int) -> int:
        [row] = await self._database.call("select live_prune($1, $2) as gone", before, count)
        return int(row["gone"])
