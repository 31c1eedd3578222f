"""Notices as operators look at them, in Postgres."""

import datetime as dt
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ports import Event, NoticeRecord
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import notices

_SHOWN = tuple(notices.c[name] for name in NoticeRecord.__slots__)


class PgNoticeBook:
    """See `core.ports.NoticeBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, tenant_id: UUID, state: str | None, count: int) -> list[NoticeRecord]:
        wanted = select(*_SHOWN).where(notices.c.tenant_id == tenant_id)
        if state is not None:
            wanted = wanted.where(notices.c.state == state)
        latest = wanted.order_by(notices.c.created_at.desc(), notices.c.id).limit(count)

        async def read(connection: AsyncConnection) -> list[NoticeRecord]:
            rows = (await connection.execute(latest)).mappings()
            return [NoticeRecord(**row) for row in rows]

        return await self._database.in_tenant(tenant_id, read)

    async def count(self, tenant_id: UUID, state: str) -> int:
        counted = select(func.count()).where(
            notices.c.tenant_id == tenant_id, notices.c.state == state
        )

        async def read(connection: AsyncConnection) -> int:
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def again(self, tenant_id: UUID, notice_id: UUID, event: Event, at: dt.datetime) -> bool:
        anew = (
            update(notices)
            .where(
                notices.c.tenant_id == tenant_id,
                notices.c.id == notice_id,
                notices.c.state == "given_up",
                notices.c.secret.is_(False),
            )
            .values(
                state="waiting",
                tries=0,
                route=None,
                route_tries=0,
                run_at=at,
                why=None,
                ended_at=None,
            )
        )

        async def write(connection: AsyncConnection) -> bool:
            if not (await connection.execute(anew)).rowcount:
                return False
            await add_event(connection, tenant_id, event, at)
            return True

        return await self._database.in_tenant(tenant_id, write)
