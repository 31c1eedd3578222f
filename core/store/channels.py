"""Channels: a service code, a bot or a WhatsApp number, found by the path it is reached at."""

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy import Update, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.turns import Channel
from core.ports import ChannelRecord, Event
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import channels

log = structlog.get_logger()

# How long a change made by another process may go unseen here.
_KEPT_S = 5.0
# Paths that were guessed are remembered too, but not without end.
_KEPT_MAX = 10_000
# How long a known channel is waited for before the one in memory has to do.
_PATIENCE_S = 0.5


class PgChannels:
    """See `core.domain.turns.Channels`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[tuple[str, str], tuple[float, Channel | None]] = {}

    async def find(self, gateway: str, key: str) -> Channel | None:
        kept = self._kept.get((gateway, key))
        if kept and kept[0] > time.monotonic():
            return kept[1]
        if not (key.isascii() and key.isprintable()):
            return None  # no key of ours, and a NUL is nothing to ask Postgres for
        try:
            async with asyncio.timeout(_PATIENCE_S if kept else None):
                channel = await self._read(gateway, key)
        except Exception:
            if kept is None:
                raise
            log.warning("channels.unread", gateway=gateway)
            channel = kept[1]  # a customer waits, and channels hardly ever change
        if len(self._kept) >= _KEPT_MAX:
            self._kept.clear()
        self._kept[gateway, key] = (time.monotonic() + _KEPT_S, channel)
        return channel

    async def _read(self, gateway: str, key: str) -> Channel | None:
        rows = await self._database.call("select * from channel_find($1, $2)", gateway, key)
        for row in rows:
            return Channel(
                id=row["id"],
                tenant_id=row["tenant_id"],
                kind=row["kind"],
                gateway=row["gateway"],
                key=row["key"],
                service_code=row["service_code"],
                settings=row["settings"],
            )
        return None

    async def ensure(
        self, channel: Channel, at: dt.datetime, credentials: str | None = None
    ) -> None:
        """Write a channel, or bring the one of this id up to date.

        Args:
            channel: What to write. Its tenant must exist.
            at: When it was made, for a new one.
            credentials: Already encrypted; None leaves those of an existing channel alone.
        """
        changed = {
            "kind": channel.kind,
            "gateway": channel.gateway,
            "key": channel.key,
            "service_code": channel.service_code,
            "settings": dict(channel.settings),
        }
        if credentials is not None:
            changed["credentials"] = credentials

        async def write(connection: AsyncConnection) -> None:
            statement = insert(channels).values(
                id=channel.id, tenant_id=channel.tenant_id, active=True, created_at=at, **changed
            )
            await connection.execute(
                statement.on_conflict_do_update(index_elements=[channels.c.id], set_=changed)
            )

        await self._database.in_tenant(channel.tenant_id, write)
        self._kept.clear()

    # What operators do: see `core.ports.ChannelBook`.

    async def create(self, channel: Channel, event: Event, at: dt.datetime) -> None:
        async def write(connection: AsyncConnection) -> None:
            statement = insert(channels).values(
                id=channel.id,
                tenant_id=channel.tenant_id,
                kind=channel.kind,
                gateway=channel.gateway,
                key=channel.key,
                service_code=channel.service_code,
                settings=dict(channel.settings),
                active=True,
                created_at=at,
            )
            again = statement.on_conflict_do_nothing(index_elements=[channels.c.id])
            if (await connection.execute(again)).rowcount:
                await add_event(connection, channel.tenant_id, event, at)

        await self._database.in_tenant(channel.tenant_id, write)
        self._kept.clear()

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]:
        columns = [channels.c[name] for name in ChannelRecord.__slots__]
        query = select(*columns).where(channels.c.tenant_id == tenant_id)

        async def read(connection: AsyncConnection) -> list[ChannelRecord]:
            rows = await connection.execute(query.order_by(channels.c.created_at, channels.c.id))
            return [ChannelRecord(**row) for row in rows.mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def rekey(
        self, tenant_id: UUID, channel_id: UUID, key: str, event: Event, at: dt.datetime
    ) -> bool:
        changed = update(channels).values(key=key)
        return await self._change(tenant_id, channel_id, changed, event, at)

    async def disable(
        self, tenant_id: UUID, channel_id: UUID, event: Event, at: dt.datetime
    ) -> bool:
        changed = update(channels).values(active=False)
        return await self._change(tenant_id, channel_id, changed, event, at)

    async def _change(
        self, tenant_id: UUID, channel_id: UUID, changed: Update, event: Event, at: dt.datetime
    ) -> bool:
        own = changed.where(channels.c.tenant_id == tenant_id, channels.c.id == channel_id)

        async def write(connection: AsyncConnection) -> bool:
            if not (await connection.execute(own)).rowcount:
                return False
            await add_event(connection, tenant_id, event, at)
            return True

        known = await self._database.in_tenant(tenant_id, write)
        self._kept.clear()
        return known
