"""Hotspot plans in Postgres."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, RowMapping, cast, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.hotspot import CodeStyle, HotspotPlan, Terms
from core.ports import Event
from core.store.database import Database
from core.store.events import add_event
from core.store.hotspot_tables import hotspot_plans

# What makes a voucher of the plan another one; a change of it is a new version.
_SOLD = ("terms", "price_minor", "currency", "code_style")


class PgHotspotPlans:
    """See `core.ports.hotspot_books.HotspotPlans`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, plan: HotspotPlan, event: Event, at: dt.datetime) -> HotspotPlan:
        async def write(connection: AsyncConnection) -> HotspotPlan:
            columns = hotspot_plans.c
            new = insert(hotspot_plans).values(_row(plan) | {"created_at": at, "changed_at": at})
            other = or_(*(columns[name].is_distinct_from(new.excluded[name]) for name in _SOLD))
            kept = {name: new.excluded[name] for name in _row(plan) if name not in _FIXED}
            saved = new.on_conflict_do_update(
                index_elements=["tenant_id", "code"],
                set_=kept | {"version": columns.version + cast(other, Integer), "changed_at": at},
            ).returning(hotspot_plans)
            row = (await connection.execute(saved)).mappings().one()
            await connection.execute(
                select(func.voucher_plan_changed(plan.tenant_id, row["id"], at))
            )
            await add_event(connection, plan.tenant_id, event, at)
            return plan_of(row)

        return await self._database.in_tenant(plan.tenant_id, write)

    async def listed(self, tenant_id: UUID, *, active: bool = False) -> Sequence[HotspotPlan]:
        which = (hotspot_plans.c.active,) if active else ()
        return await self._read(tenant_id, *which)

    async def get(self, tenant_id: UUID, plan_id: UUID) -> HotspotPlan | None:
        found = await self._read(tenant_id, hotspot_plans.c.id == plan_id)
        return found[0] if found else None

    async def by_code(self, tenant_id: UUID, code: str) -> HotspotPlan | None:
        found = await self._read(tenant_id, hotspot_plans.c.code == code)
        return found[0] if found else None

    async def _read(self, tenant_id: UUID, *which: ColumnElement[bool]) -> list[HotspotPlan]:
        query = (
            select(hotspot_plans)
            .where(hotspot_plans.c.tenant_id == tenant_id, *which)
            .order_by(hotspot_plans.c.price_minor, hotspot_plans.c.code)
        )

        async def read(connection: AsyncConnection) -> list[HotspotPlan]:
            return [plan_of(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)


_FIXED = ("id", "tenant_id", "code", "version")


def _row(plan: HotspotPlan) -> dict[str, Any]:
    return {
        "id": plan.id,
        "tenant_id": plan.tenant_id,
        "code": plan.code,
        "name": plan.name,
        "terms": plan.terms.kept(),
        "price_minor": plan.price_minor,
        "currency": plan.currency,
        "router_id": plan.router_id,
        "group_name": plan.group,
        "code_style": plan.code_style.value,
        "pooled": plan.pooled,
        "active": plan.active,
        "version": plan.version,
    }


def plan_of(row: RowMapping) -> HotspotPlan:
    return HotspotPlan(
        id=row["id"],
        tenant_id=row["tenant_id"],
        code=row["code"],
        name=row["name"],
        terms=Terms.of(row["terms"]),
        price_minor=row["price_minor"],
        currency=row["currency"],
        router_id=row["router_id"],
        group=row["group_name"],
        code_style=CodeStyle(row["code_style"]),
        pooled=row["pooled"],
        active=row["active"],
        version=row["version"],
    )
