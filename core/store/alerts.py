"""Alerts in Postgres."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.kit import ids
from core.kit.clock import Clock
from core.ports import Alert, AlertKind, Paging
from core.ports.health import AlertRecord, AlertStatus
from core.store.database import Database
from core.store.tables import alerts

_SHOWN = tuple(alerts.c[name] for name in AlertRecord.__slots__)
_CHANGE = func.nextval("alert_changes")


class PgAlerts:
    """See `core.ports.health.AlertBook`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open(self, alert: Alert) -> bool:
        alert_id = ids.uuid7()

        async def write(connection: AsyncConnection) -> bool:
            row = insert(alerts).values(
                id=alert_id,
                tenant_id=alert.tenant_id,
                key=alert.key,
                kind=alert.kind.value,
                subject=alert.subject,
                facts=dict(alert.facts),
                opened_at=self._clock.now(),
                change=_CHANGE,
            )
            # Written by this call, or by an earlier try of it whose answer was lost.
            await connection.execute(row.on_conflict_do_nothing())
            mine = select(alerts.c.id).where(alerts.c.id == alert_id)
            return await connection.scalar(mine) is not None

        return await self._database.in_tenant(alert.tenant_id, write)

    async def close(self, tenant_id: UUID, key: str) -> AlertRecord | None:
        async def write(connection: AsyncConnection) -> AlertRecord | None:
            closing = (
                update(alerts)
                .where(alerts.c.tenant_id == tenant_id, alerts.c.key == key)
                .where(alerts.c.closed_at.is_(None))
                .values(closed_at=self._clock.now(), change=_CHANGE)
                .returning(*_SHOWN)
            )
            row = (await connection.execute(closing)).mappings().one_or_none()
            return _record(row) if row else None

        return await self._database.in_tenant(tenant_id, write)

    async def standing(
        self, tenant_id: UUID, kinds: Collection[AlertKind]
    ) -> Sequence[AlertRecord]:
        wanted = select(*_SHOWN).where(
            alerts.c.tenant_id == tenant_id,
            alerts.c.closed_at.is_(None),
            alerts.c.kind.in_([kind.value for kind in kinds]),
        )
        return await self._read(tenant_id, wanted)

    async def listed(
        self, tenant_id: UUID, status: AlertStatus | None, paging: Paging
    ) -> Sequence[AlertRecord]:
        order = (alerts.c.opened_at, alerts.c.id)
        chosen = (
            select(*_SHOWN)
            .where(*_wanted(tenant_id, status))
            .order_by(*(each.desc() if paging.descending else each.asc() for each in order))
            .limit(paging.per_page + 1)
        )
        if paging.after is None:
            chosen = chosen.offset((paging.page - 1) * paging.per_page)
        else:
            place, after = tuple_(*order), tuple_(*paging.after)
            chosen = chosen.where(place < after if paging.descending else place > after)
        return await self._read(tenant_id, chosen)

    async def count(self, tenant_id: UUID, status: AlertStatus | None) -> int:
        async def read(connection: AsyncConnection) -> int:
            counted = select(func.count()).select_from(alerts).where(*_wanted(tenant_id, status))
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def newer(self, tenant_id: UUID, change: int, count: int) -> Sequence[AlertRecord]:
        changed = (
            select(*_SHOWN)
            .where(alerts.c.tenant_id == tenant_id, alerts.c.change > change)
            .order_by(alerts.c.change)
            .limit(count)
        )
        return await self._read(tenant_id, changed)

    async def newest(self, tenant_id: UUID) -> int:
        async def read(connection: AsyncConnection) -> int:
            last = select(func.max(alerts.c.change)).where(alerts.c.tenant_id == tenant_id)
            return int(await connection.scalar(last) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def _read(self, tenant_id: UUID, chosen: Select[Any]) -> list[AlertRecord]:
        async def read(connection: AsyncConnection) -> list[AlertRecord]:
            return [_record(row) for row in (await connection.execute(chosen)).mappings()]

        return await self._database.in_tenant(tenant_id, read)


def _wanted(tenant_id: UUID, status: AlertStatus | None) -> tuple[ColumnElement[bool], ...]:
    if status is None:
        return (alerts.c.tenant_id == tenant_id,)
    closed = alerts.c.closed_at
    return alerts.c.tenant_id == tenant_id, (
        closed.is_(None) if status == "open" else closed.is_not(None)
    )


def _record(row: Any) -> AlertRecord:
    return AlertRecord(**{**dict(row), "kind": AlertKind(row["kind"])})
