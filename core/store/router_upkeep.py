"""Backups of routers and bulks of their users in Postgres, what is secret in them sealed."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import RowMapping, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.ports import Event, Paging
from core.ports.router_upkeep import Backup, Bulk, BulkKind, BulkUser, DueBulk
from core.store.database import Database
from core.store.events import add_event
from core.store.pages import paged
from core.store.router_tables import router_backups, router_bulks
from core.store.routers import PgRouters

log = structlog.get_logger()

_UNREADABLE_AGAIN = dt.timedelta(hours=1)
_UNSEALED = [each for each in router_backups.c if each.name != "sealed"]


class PgRouterBackups:
    """See `core.ports.router_upkeep.RouterBackups`."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def add(self, backup: Backup, event: Event) -> None:
        row = {name: getattr(backup, name) for name in _SHOWN}
        sealed = json.dumps({"password": backup.password, "text": backup.text})

        async def write(connection: AsyncConnection) -> None:
            values = row | {"sealed": self._keyring.encrypt(sealed)}
            await connection.execute(insert(router_backups).values(values))
            await add_event(connection, backup.tenant_id, event, backup.created_at)

        await self._database.in_tenant(backup.tenant_id, write)

    async def listed(self, tenant_id: UUID, router_id: UUID, paging: Paging) -> Sequence[Backup]:
        query = paged(
            select(*_UNSEALED).where(*_of_router(tenant_id, router_id)), router_backups, paging
        )

        async def read(connection: AsyncConnection) -> list[Backup]:
            rows = (await connection.execute(query)).mappings()
            return [Backup(**row, password="", text=None) for row in rows]

        return await self._database.in_tenant(tenant_id, read)

    async def count(self, tenant_id: UUID, router_id: UUID) -> int:
        query = (
            select(func.count())
            .select_from(router_backups)
            .where(*_of_router(tenant_id, router_id))
        )

        async def read(connection: AsyncConnection) -> int:
            return int(await connection.scalar(query) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def get(self, tenant_id: UUID, router_id: UUID, backup_id: UUID) -> Backup | None:
        query = select(router_backups).where(
            *_of_router(tenant_id, router_id), router_backups.c.id == backup_id
        )

        async def read(connection: AsyncConnection) -> RowMapping | None:
            return (await connection.execute(query)).mappings().one_or_none()

        row = await self._database.in_tenant(tenant_id, read)
        if row is None:
            return None
        fields = dict(row)
        secret = json.loads(self._keyring.decrypt(fields.pop("sealed")))
        return Backup(**fields, **secret)


_SHOWN = [each.name for each in _UNSEALED]


def _of_router(tenant_id: UUID, router_id: UUID) -> tuple[Any, Any]:
    return router_backups.c.tenant_id == tenant_id, router_backups.c.router_id == router_id


class PgRouterBulks:
    """See `core.ports.router_upkeep.RouterBulks`."""

    def __init__(
        self, database: Database, routers: PgRouters, keyring: Keyring, clock: Clock
    ) -> None:
        self._database = database
        self._routers = routers
        self._keyring = keyring
        self._clock = clock

    async def add(self, bulk: Bulk, users: Sequence[BulkUser], event: Event) -> None:
        sealed = self._keyring.encrypt(msgspec.json.encode(users).decode())
        row: dict[str, Any] = {
            "id": bulk.id,
            "tenant_id": bulk.tenant_id,
            "router_id": bulk.router_id,
            "kind": bulk.kind.value,
            "total": bulk.total,
            "state": bulk.state,
            "done": bulk.done,
            "tries": bulk.tries,
            "failed": {},
            "sealed": sealed,
            "created_at": bulk.created_at,
            "created_by": bulk.created_by,
            "run_at": bulk.created_at,
        }

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert(router_bulks).values(row))
            await add_event(connection, bulk.tenant_id, event, bulk.created_at)

        await self._database.in_tenant(bulk.tenant_id, write)

    async def get(self, tenant_id: UUID, router_id: UUID, bulk_id: UUID) -> Bulk | None:
        query = select(router_bulks).where(
            router_bulks.c.tenant_id == tenant_id,
            router_bulks.c.router_id == router_id,
            router_bulks.c.id == bulk_id,
        )

        async def read(connection: AsyncConnection) -> RowMapping | None:
            return (await connection.execute(query)).mappings().one_or_none()

        row = await self._database.in_tenant(tenant_id, read)
        return _bulk(dict(row), row["failed"]) if row else None

    async def due(self, count: int, lease_s: float) -> Sequence[DueBulk]:
        rows = await self._database.call(
            "select * from router_bulk_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        due = [await self._due(dict(row["bulk"]), dict(row["router"])) for row in rows]
        return [each for each in due if each is not None]

    async def progress(self, bulk: Bulk, again_at: dt.datetime | None) -> None:
        changed: dict[str, Any] = {
            "done": bulk.done,
            "tries": bulk.tries,
            "failed": {str(place): why for place, why in bulk.failed.items()},
            "run_at": again_at,
        }
        if again_at is None:
            changed |= {"state": "done", "ended_at": self._clock.now(), "sealed": ""}
        statement = (
            update(router_bulks)
            .where(router_bulks.c.tenant_id == bulk.tenant_id, router_bulks.c.id == bulk.id)
            .values(changed)
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self._database.in_tenant(bulk.tenant_id, write)

    async def _due(self, row: Mapping[str, Any], router: Mapping[str, Any]) -> DueBulk | None:
        """None, and put off, where no key opens it: it holds up no other."""
        bulk = _bulk(row, row["failed"])
        try:
            users = msgspec.json.decode(self._keyring.decrypt(row["sealed"]), type=list[BulkUser])
            return DueBulk(bulk, self._routers.opened(router), users[bulk.done :])
        except (Unreadable, msgspec.DecodeError):
            log.error("router.bulk_unreadable", router=str(bulk.router_id), bulk=str(bulk.id))  # noqa: TRY400 - passwords may be in it
            await self.progress(bulk, self._clock.now() + _UNREADABLE_AGAIN)
            return None


def _bulk(row: Mapping[str, Any], failed: Mapping[str, str]) -> Bulk:
    return Bulk(
        id=row["id"],
        tenant_id=row["tenant_id"],
        router_id=row["router_id"],
        kind=BulkKind(row["kind"]),
        total=row["total"],
        state=row["state"],
        done=row["done"],
        failed={int(place): why for place, why in failed.items()},
        created_at=row["created_at"],
        created_by=row["created_by"],
        ended_at=row["ended_at"],
        tries=row["tries"],
    )
