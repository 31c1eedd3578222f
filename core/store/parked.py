"""Messages that were given up, in Postgres."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ports import Event
from core.ports.chat import ParkedMessage
from core.store.database import Database
from core.store.events import add_event

_LISTED = text(
    "select b.place as number, c.kind as channel, b.why, b.received_at"
    " from inbox b join channels c on c.id = b.channel_id"
    " where b.tenant_id = :tenant and b.state = 'parked' order by b.place desc limit :count"
)
_AGAIN = text(
    "update inbox set state = 'waiting', why = null"
    " where tenant_id = :tenant and place = :number and state = 'parked'"
    " returning channel_id, identity"
)
_TAKEN_UP = text(
    "update talks set waiting = true, run_at = :at, tries = 0"
    " where channel_id = :channel and identity = :identity"
)


class PgParked:
    """See `core.ports.chat.ParkedBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def listed(self, tenant_id: UUID, count: int) -> Sequence[ParkedMessage]:
        async def read(connection: AsyncConnection) -> list[ParkedMessage]:
            rows = await connection.execute(_LISTED, {"tenant": tenant_id, "count": count})
            return [ParkedMessage(**row) for row in rows.mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def again(self, tenant_id: UUID, number: int, event: Event, at: dt.datetime) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            which = {"tenant": tenant_id, "number": number}
            found = (await connection.execute(_AGAIN, which)).one_or_none()
            if found is None:
                return False
            talk = {"channel": found.channel_id, "identity": found.identity, "at": at}
            await connection.execute(_TAKEN_UP, talk)
            await add_event(connection, tenant_id, event, at)
            return True

        return await self._database.in_tenant(tenant_id, write)
