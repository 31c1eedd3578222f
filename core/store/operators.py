"""Operators and the chats of their bot: `core/store/sql/48_operators.sql` and plain rows."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operators import Operator, Role, Told, ToldChat
from core.kit import ids
from core.kit.clock import Clock
from core.ports import Event
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import alerts, operator_chats, operator_posts, operators, tenants

_CHATS = operator_chats.c


class PgOperators:
    """See `core.ports.operators.OperatorBook`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self,
        tenant_id: UUID,
        name: str,
        role: Role,
        *,
        code_hash: str,
        code_until: dt.datetime,
        actor: str,
    ) -> bool:
        operator_id = ids.uuid7()

        async def write(connection: AsyncConnection) -> bool:
            now = self._clock.now()
            code = {"code_hash": code_hash, "code_until": code_until, "role": role.value}
            made = (
                insert(operators)
                .values(
                    id=operator_id,
                    tenant_id=tenant_id,
                    name=name,
                    created_at=now,
                    created_by=actor,
                    **code,
                )
                .on_conflict_do_update(
                    index_elements=[operators.c.tenant_id, func.lower(operators.c.name)],
                    index_where=operators.c.removed_at.is_(None),
                    set_=code,
                    where=operators.c.telegram_id.is_(None),
                )
                .returning(operators.c.id)
            )
            found = await connection.scalar(made)
            if found is None:
                return False
            await _note(connection, tenant_id, found, "operator.invited", actor, now, role=role)
            return True

        return await self._database.in_tenant(tenant_id, write)

    async def join(self, code_hash: str, telegram_id: int) -> bool:
        [row] = await self._database.call(
            "select operator_join($1, $2, $3) as joined", code_hash, telegram_id, self._clock.now()
        )
        return bool(row["joined"])

    async def by_telegram(self, telegram_id: int) -> Operator | None:
        rows = await self._database.call("select * from operator_by_telegram($1)", telegram_id)
        return _operator(dict(rows[0])) if rows else None

    async def all(self, tenant_id: UUID) -> Sequence[Operator]:
        wanted = (
            select(
                operators.c.id,
                operators.c.tenant_id,
                operators.c.name,
                operators.c.role,
                operators.c.telegram_id,
                tenants.c.name.label("tenant"),
                operators.c.created_at,
                operators.c.joined_at,
            )
            .join_from(operators, tenants, operators.c.tenant_id == tenants.c.id)
            .where(operators.c.tenant_id == tenant_id, operators.c.removed_at.is_(None))
            .order_by(operators.c.name)
        )

        async def read(connection: AsyncConnection) -> list[Operator]:
            return [_operator(dict(row)) for row in (await connection.execute(wanted)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def remove(self, tenant_id: UUID, name: str, actor: str) -> str | None:
        async def write(connection: AsyncConnection) -> str | None:
            now = self._clock.now()
            ending = (
                update(operators)
                .where(
                    operators.c.tenant_id == tenant_id,
                    func.lower(operators.c.name) == name.lower(),
                    operators.c.removed_at.is_(None),
                )
                .values(removed_at=now, telegram_id=None, code_hash=None, code_until=None)
                .returning(operators.c.id, operators.c.name)
            )
            found = (await connection.execute(ending)).one_or_none()
            if found is None:
                return None
            await connection.execute(delete(operator_chats).where(_CHATS.operator_id == found.id))
            await _note(connection, tenant_id, found.id, "operator.removed", actor, now)
            return str(found.name)

        return await self._database.in_tenant(tenant_id, write)


class PgOperatorChats:
    """See `core.ports.operators.OperatorChats`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def subscribe(self, operator: Operator, chat_id: int, digest_on: dt.date) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            now = self._clock.now()
            newest = select(func.coalesce(func.max(alerts.c.change), 0)).where(
                alerts.c.tenant_id == operator.tenant_id
            )
            last = int(await connection.scalar(newest) or 0)
            # What another tenant, or an earlier time, left behind of this chat is over.
            anew = {
                "operator_id": operator.id,
                "subscribed": True,
                "since": last,
                "told_to": last,
                "told": [],
                "digest_on": digest_on,
                "subscribed_at": now,
            }
            made = (
                insert(operator_chats)
                .values(chat_id=chat_id, tenant_id=operator.tenant_id, **anew)
                .on_conflict_do_update(
                    index_elements=[_CHATS.chat_id],
                    set_=anew,
                    where=~_CHATS.subscribed & (_CHATS.tenant_id == operator.tenant_id),
                )
                .returning(_CHATS.chat_id)
            )
            new = await connection.scalar(made) is not None
            if new:
                await _note_chat(connection, operator.tenant_id, chat_id, operator.actor, now, "on")
            return new

        return await self._database.in_tenant(operator.tenant_id, write)

    async def known(self, operator: Operator, chat_id: int, digest_on: dt.date) -> None:
        async def write(connection: AsyncConnection) -> None:
            made = insert(operator_chats).values(
                chat_id=chat_id,
                tenant_id=operator.tenant_id,
                operator_id=operator.id,
                subscribed=False,
                since=0,
                told_to=0,
                told=[],
                digest_on=digest_on,
                subscribed_at=self._clock.now(),
            )
            await connection.execute(made.on_conflict_do_nothing())

        await self._database.in_tenant(operator.tenant_id, write)

    async def unsubscribe(self, tenant_id: UUID, chat_id: int, actor: str) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            ending = (
                update(operator_chats)
                .where(_CHATS.tenant_id == tenant_id, _CHATS.chat_id == chat_id)
                .where(_CHATS.subscribed)
                .values(subscribed=False)
            )
            ended = (await connection.execute(ending)).rowcount == 1
            if ended:
                now = self._clock.now()
                await _note_chat(connection, tenant_id, chat_id, actor, now, "off")
            return ended

        return await self._database.in_tenant(tenant_id, write)

    async def drop(self, tenant_id: UUID, chat_id: int) -> None:
        async def write(connection: AsyncConnection) -> None:
            for table in (operator_posts, operator_chats):
                await connection.execute(
                    delete(table).where(table.c.tenant_id == tenant_id, table.c.chat_id == chat_id)
                )

        await self._database.in_tenant(tenant_id, write)

    async def moved(self, chat_id: int, to: int, tenant_id: UUID) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(operator_chats).where(_CHATS.chat_id == to))
            here = {"tenant_id": tenant_id, "chat_id": chat_id}
            for table, more in ((operator_chats, {"held_until": None}), (operator_posts, {})):
                moving = update(table).filter_by(**here).values(chat_id=to, **more)
                await connection.execute(moving)

        await self._database.in_tenant(tenant_id, write)

    async def claim(self, count: int, lease_s: float, overlap: int) -> Sequence[ToldChat]:
        rows = await self._database.call(
            "select * from operator_chat_claim($1, $2, $3, $4)",
            count,
            dt.timedelta(seconds=lease_s),
            overlap,
            self._clock.now(),
        )
        return [
            ToldChat(
                row["chat_id"],
                row["tenant_id"],
                row["time_zone"],
                row["subscribed"],
                Told(row["since"], row["told_to"], frozenset(row["told"])),
            )
            for row in rows
        ]

    async def told(self, chat: ToldChat, told: Told) -> None:
        await self._change(chat, {"told_to": told.to, "told": sorted(told.late)})

    async def release(self, chat: ToldChat, *, again_at: dt.datetime | None = None) -> None:
        await self._change(chat, {"held_until": again_at})

    async def _change(self, chat: ToldChat, values: dict[str, Any]) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                update(operator_chats)
                .where(_CHATS.tenant_id == chat.tenant_id, _CHATS.chat_id == chat.chat_id)
                .values(**values)
            )

        await self._database.in_tenant(chat.tenant_id, write)

    async def digests_due(self, at: dt.time, count: int) -> Sequence[tuple[int, UUID, dt.date]]:
        rows = await self._database.call(
            "select * from operator_digests_due($1, $2, $3)",
            dt.timedelta(hours=at.hour, minutes=at.minute),
            count,
            self._clock.now(),
        )
        return [(row["chat_id"], row["tenant_id"], row["day"]) for row in rows]

    async def digested(self, tenant_id: UUID, chat_id: int, day: dt.date) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                update(operator_chats)
                .where(_CHATS.tenant_id == tenant_id, _CHATS.chat_id == chat_id)
                .where(_CHATS.digest_on < day)
                .values(digest_on=day)
            )

        await self._database.in_tenant(tenant_id, write)


def _operator(row: dict[str, Any]) -> Operator:
    return Operator(**{**row, "role": Role(row["role"])})


async def _note(
    connection: AsyncConnection,
    tenant_id: UUID,
    operator_id: UUID,
    kind: str,
    actor: str,
    at: dt.datetime,
    **facts: object,
) -> None:
    event = Event(f"operator/{operator_id}", kind, actor, facts)
    await add_event(connection, tenant_id, event, at)


async def _note_chat(
    connection: AsyncConnection,
    tenant_id: UUID,
    chat_id: int,
    actor: str,
    at: dt.datetime,
    how: str,
) -> None:
    event = Event(f"operator_chat/{chat_id}", "operator_chat.told", actor, {"alerts": how})
    await add_event(connection, tenant_id, event, at)
