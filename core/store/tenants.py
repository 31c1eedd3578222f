"""Tenants: whose business a row belongs to."""

import datetime as dt
import time
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import Tenant
from core.kit.errors import Fault
from core.ports import Event
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import tenants

# How long a change made by another process may go unseen here.
_KEPT_S = 5.0
_COLUMNS = (
    tenants.c.id,
    tenants.c.key,
    tenants.c.name,
    tenants.c.country,
    tenants.c.currency,
    tenants.c.time_zone,
    tenants.c.language,
)


class UnknownTenant(Fault):
    """There is no tenant of this id."""


class PgTenants:
    """Reads tenants, kept in memory for a few seconds: every turn asks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[UUID, tuple[float, Tenant]] = {}

    async def get(self, tenant_id: UUID) -> Tenant:
        """Raises `UnknownTenant`."""
        kept = self._kept.get(tenant_id)
        if kept and kept[0] > time.monotonic():
            return kept[1]

        async def read(connection: AsyncConnection) -> Tenant | None:
            query = select(*_COLUMNS).where(tenants.c.id == tenant_id)
            row = (await connection.execute(query)).mappings().one_or_none()
            return Tenant(**row) if row else None

        found = await self._database.in_tenant(tenant_id, read)
        if found is None:
            raise UnknownTenant(str(tenant_id))
        self._kept[tenant_id] = (time.monotonic() + _KEPT_S, found)
        return found

    async def named(self, key: str) -> Tenant:
        """The tenant of this key. Raises `UnknownTenant`."""
        [row] = await self._database.call("select tenant_find($1) as id", key)
        if row["id"] is None:
            raise UnknownTenant(f"no tenant {key!r}")
        return await self.get(row["id"])

    async def keys(self) -> dict[str, UUID]:
        """The ids of all tenants by their keys, the oldest first."""
        rows = await self._database.call("select * from tenant_all()")
        return {row["key"]: row["id"] for row in rows}

    async def create(self, tenant: Tenant, event: Event, at: dt.datetime) -> bool:
        """See `core.ports.TenantBook`."""

        async def write(connection: AsyncConnection) -> bool:
            statement = insert(tenants).values(**_fields(tenant), created_at=at)
            written = await connection.execute(statement.on_conflict_do_nothing())
            if written.rowcount:
                await add_event(connection, tenant.id, event, at)
            # Its own row is there as well where this is asked again after a lost answer.
            own = select(tenants.c.id).where(tenants.c.id == tenant.id)
            return await connection.scalar(own) is not None

        return await self._database.in_tenant(tenant.id, write)

    async def ensure(self, tenant: Tenant, at: dt.datetime) -> None:
        """Write a tenant, or bring the one of this id up to date."""
        fields = _fields(tenant)

        async def write(connection: AsyncConnection) -> None:
            statement = insert(tenants).values(**fields, created_at=at)
            changed = {name: value for name, value in fields.items() if name != "id"}
            await connection.execute(
                statement.on_conflict_do_update(index_elements=[tenants.c.id], set_=changed)
            )

        await self._database.in_tenant(tenant.id, write)
        self._kept.pop(tenant.id, None)


def _fields(tenant: Tenant) -> dict[str, object]:
    return {column.name: getattr(tenant, column.name) for column in _COLUMNS}
