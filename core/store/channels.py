"""Channels: a service code, a bot or a WhatsApp number, found by the path it is reached at."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import ColumnElement, RowMapping, Select, Update, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.turns import Channel
from core.kit.crypto import Keyring, Unreadable
from core.ports import ChannelQuery, ChannelRecord, Event, Paging
from core.store.database import Database
from core.store.events import add_event
from core.store.pages import paged
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


def _one(tenant_id: UUID, channel_id: UUID) -> Select[tuple[object, ...]]:
    mine = (channels.c.tenant_id == tenant_id) & (channels.c.id == channel_id)
    return select(channels).where(mine)


def _wanted(tenant_id: UUID, query: ChannelQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [channels.c.tenant_id == tenant_id]
    if query.kind is not None:
        wanted.append(channels.c.kind == query.kind)
    if query.active is not None:
        wanted.append(channels.c.active.is_(query.active))
    if query.search:
        places = (channels.c.service_code, channels.c.gateway)
        wanted.append(or_(*(each.contains(query.search, autoescape=True) for each in places)))
    return wanted


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
        query = select(channels).where(channels.c.tenant_id == tenant_id)
        return await self._records(tenant_id, query.order_by(channels.c.created_at, channels.c.id))

    async def listed(
        self, tenant_id: UUID, query: ChannelQuery, paging: Paging
    ) -> Sequence[ChannelRecord]:
        chosen = select(channels).where(*_wanted(tenant_id, query))
        return await self._records(tenant_id, paged(chosen, channels, paging))

    async def count(self, tenant_id: UUID, query: ChannelQuery) -> int:
        counted = select(func.count()).select_from(channels).where(*_wanted(tenant_id, query))

        async def read(connection: AsyncConnection) -> int:
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def find_one(
        self, tenant_id: UUID, channel_id: UUID
    ) -> tuple[ChannelRecord, Channel] | None:
        async def read(connection: AsyncConnection) -> tuple[ChannelRecord, Channel] | None:
            row = (await connection.execute(_one(tenant_id, channel_id))).mappings().one_or_none()
            return None if row is None else (self._record(row), self._channel(row))

        return await self._database.in_tenant(tenant_id, read)

    async def alter(
        self,
        tenant_id: UUID,
        channel_id: UUID,
        altered: Callable[[Channel], Channel],
        event: Event,
        at: dt.datetime,
        *,
        active: bool | None,
    ) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            locked = _one(tenant_id, channel_id).with_for_update()
            row = (await connection.execute(locked)).mappings().one_or_none()
            if row is None:
                return False
            changed = altered(self._channel(row))
            values: dict[str, object] = {
                "service_code": changed.service_code,
                "settings": dict(changed.settings),
                "credentials": self.sealed(changed.credentials),
            }
            if active is not None:
                values["active"] = active
            mine = update(channels).where(channels.c.id == channel_id)
            await connection.execute(mine.values(**values))
            await add_event(connection, tenant_id, event, at)
            return True

        known = await self._database.in_tenant(tenant_id, write)
        self._kept.clear()
        self._by_id.clear()
        return known

    async def _records(
        self, tenant_id: UUID, query: Select[tuple[object, ...]]
    ) -> list[ChannelRecord]:
        async def read(connection: AsyncConnection) -> list[ChannelRecord]:
            return [self._record(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    def _record(self, row: RowMapping) -> ChannelRecord:
        sealed = row["credentials"]
        return ChannelRecord(
            id=row["id"],
            kind=row["kind"],
            gateway=row["gateway"],
            service_code=row["service_code"],
            active=row["active"],
            created_at=row["created_at"],
            settings=row["settings"],
            credentials=tuple(sorted(self._opened(sealed))) if sealed else (),
        )

    def _channel(self, row: RowMapping) -> Channel:
        sealed = row["credentials"]
        return Channel(
            id=row["id"],
            tenant_id=row["tenant_id"],
            kind=row["kind"],
            gateway=row["gateway"],
            key=row["key"],
            service_code=row["service_code"],
            settings=row["settings"],
            credentials=self._opened(sealed) if sealed else {},
        )

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
