"""Channels: a service code, a bot or a WhatsApp number, found by the path it is reached at."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import Update, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.turns import Channel
from core.kit.crypto import Keyring, Unreadable
from core.ports import ChannelRecord, Event
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import channels

log = structlog.get_logger()

# How long a change made by another process may go unseen here.
_KEPT_S = 5.0
# Paths that were guessed are remembered too, but not without end.
_KEPT_MAX = 10_000
# Opening credentials takes longer than finding a channel.
_OPENED_MAX = 1024
# How long a known channel is waited for before the one in memory has to do.
_PATIENCE_S = 0.5


class PgChannels:
    """See `core.domain.turns.Channels`."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self._kept: dict[tuple[str, str], tuple[float, Channel | None]] = {}
        self._by_id: dict[UUID, tuple[float, Channel | None]] = {}
        self._opened = lru_cache(_OPENED_MAX)(self._open)

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
        return self.of_row(rows[0]) if rows else None

    async def get(self, channel_id: UUID) -> Channel | None:
        """The channel of an id, whether or not it takes anything; kept for a few seconds."""
        kept = self._by_id.get(channel_id)
        if kept and kept[0] > time.monotonic():
            return kept[1]
        rows = await self._database.call("select * from channel_get($1)", channel_id)
        channel = self.of_row(rows[0]) if rows else None
        if len(self._by_id) >= _KEPT_MAX:
            self._by_id.clear()
        self._by_id[channel_id] = (time.monotonic() + _KEPT_S, channel)
        return channel

    async def of_kind(self, kind: str) -> Sequence[Channel]:
        """All channels of a kind that are on, of all tenants."""
        rows = await self._database.call("select * from channel_of_kind($1)", kind)
        return [self.of_row(row) for row in rows]

    def of_row(self, row: asyncpg.Record, *, channel_id: UUID | None = None) -> Channel:
        """A channel as the SQL functions give it, with its credentials opened."""
        return Channel(
            id=channel_id or row["id"],
            tenant_id=row["tenant_id"],
            kind=row["kind"],
            gateway=row["gateway"],
            key=row["key"],
            service_code=row["service_code"],
            settings=row["settings"],
            credentials=self._opened(row["credentials"]) if row["credentials"] else {},
        )

    def _open(self, sealed: str) -> Mapping[str, str]:
        """Credentials that no present key opens are none: the channel then says so by itself."""
        try:
            opened: dict[str, str] = json.loads(self._keyring.decrypt(sealed))
        except (Unreadable, ValueError):
            log.error("channels.credentials_unreadable")  # noqa: TRY400 - nothing of it in a log
            return {}
        return opened

    def sealed(self, credentials: Mapping[str, str]) -> str | None:
        return self._keyring.encrypt(json.dumps(dict(credentials))) if credentials else None

    async def ensure(self, channel: Channel, at: dt.datetime) -> None:
        """Write a channel, or bring the one of this id up to date. Its tenant must exist.

        Without credentials, those of an existing one stay. `at`: when a new one was made.
        """
        changed: dict[str, object] = {
            "kind": channel.kind,
            "gateway": channel.gateway,
            "key": channel.key,
            "service_code": channel.service_code,
            "settings": dict(channel.settings),
        }
        if channel.credentials:
            changed["credentials"] = self.sealed(channel.credentials)

        async def write(connection: AsyncConnection) -> None:
            statement = insert(channels).values(
                id=channel.id, tenant_id=channel.tenant_id, active=True, created_at=at, **changed
            )
            await connection.execute(
                statement.on_conflict_do_update(index_elements=[channels.c.id], set_=changed)
            )

        await self._database.in_tenant(channel.tenant_id, write)
        self._kept.clear()
        self._by_id.clear()

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
                credentials=self.sealed(channel.credentials),
                active=True,
                created_at=at,
            )
            again = statement.on_conflict_do_nothing(index_elements=[channels.c.id])
            if (await connection.execute(again)).rowcount:
                await add_event(connection, channel.tenant_id, event, at)

        await self._database.in_tenant(channel.tenant_id, write)
        self._kept.clear()
        self._by_id.clear()

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
        self._by_id.clear()
        return known
