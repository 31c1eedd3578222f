"""Looks at routers in Postgres: `core/store/sql/84_router_watch.sql`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog
from sqlalchemy import Date, RowMapping, cast, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.capacity import Peak
from core.domain.router_watch import Telling
from core.kit.clock import Clock
from core.kit.crypto import Unreadable
from core.ports.router_history import DailyPeaks, HistoryPoint, LastLook, Look, Watched
from core.store.database import Database
from core.store.router_tables import router_hours, router_looks, router_watch
from core.store.routers import PgRouters

log = structlog.get_logger()

_POINTS_MAX = 6000
_TOLD = dict[str, Telling]
_SMALLINT_MAX = 32_767


class PgRouterHistory:
    """See `core.ports.router_history.RouterHistory`."""

    def __init__(self, database: Database, routers: PgRouters, clock: Clock) -> None:
        self._database = database
        self._routers = routers
        self._clock = clock

    async def claim(
        self, holder: str, count: int, lease_s: float, *, stray_s: float
    ) -> Sequence[Watched]:
        rows = await self._database.call(
            "select * from router_watch_claim($1, $2, $3, $4, $5)",
            holder,
            count,
            dt.timedelta(seconds=lease_s),
            dt.timedelta(seconds=stray_s),
            self._clock.now(),
        )
        found = (self._watched(dict(row["router"]), dict(row)) for row in rows)
        return [watched for watched in found if watched is not None]

    async def keep(self, look: Look) -> None:
        watched, last = look.watched, look.watched.last
        resource = last.resource
        figures = (0,) * 6
        if look.answered and resource is not None:
            figures = (
                min(resource.cpu_load, _SMALLINT_MAX),
                last.memory_used_percent,
                last.active_users,
                last.rx_bps,
                last.tx_bps,
                last.addresses_used,
            )
        await self._database.call(
            "select router_watch_keep($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
            " $15, $16, $17)",
            watched.router.id,
            watched.router.tenant_id,
            look.at,
            look.next_at,
            look.answered,
            watched.misses,
            watched.missed,
            msgspec.json.encode(last).decode(),
            msgspec.json.encode(watched.told).decode(),
            last.took_ms if look.answered else 0,
            *figures,
            look.warnings,
        )

    async def last(self, tenant_id: UUID, router_id: UUID) -> Watched | None:
        router = await self._routers.get(tenant_id, router_id)
        if router is None:
            return None
        query = select(router_watch).where(
            router_watch.c.router_id == router_id, router_watch.c.tenant_id == tenant_id
        )

        async def read(connection: AsyncConnection) -> RowMapping | None:
            return (await connection.execute(query)).mappings().one_or_none()

        row = await self._database.in_tenant(tenant_id, read)
        if row is None:
            return Watched(router)
        return Watched(
            router,
            row["misses"],
            row["missed"],
            msgspec.convert(row["last"], LastLook),
            msgspec.convert(row["told"], _TOLD),
        )

    async def looks(
        self, tenant_id: UUID, router_id: UUID, since: dt.datetime, until: dt.datetime
    ) -> Sequence[HistoryPoint]:
        table = router_looks.c
        query = (
            select(router_looks)
            .where(table.router_id == router_id, table.tenant_id == tenant_id)
            .where(table.at >= since, table.at < until)
            .order_by(table.at.desc())
            .limit(_POINTS_MAX)
        )
        rows = await self._read(tenant_id, query)
        return [_look(row) for row in reversed(rows)]

    async def hours(
        self, tenant_id: UUID, router_id: UUID, since: dt.datetime, until: dt.datetime
    ) -> Sequence[HistoryPoint]:
        table = router_hours.c
        query = (
            select(router_hours)
            .where(table.router_id == router_id, table.tenant_id == tenant_id)
            .where(table.hour >= since - dt.timedelta(hours=1), table.hour < until)
            .order_by(table.hour.desc())
            .limit(_POINTS_MAX)
        )
        rows = await self._read(tenant_id, query)
        return [_hour(row) for row in reversed(rows)]

    async def peaks(self, tenant_id: UUID, router_id: UUID, since: dt.datetime) -> DailyPeaks:
        table = router_hours.c
        day = cast(func.timezone("UTC", table.hour), Date)
        query = (
            select(
                day.label("day"),
                func.max(table.active_users_max).label("active_users"),
                func.max(func.greatest(table.rx_bps_max, table.tx_bps_max)).label("bandwidth"),
                func.max(table.addresses_used_max).label("addresses"),
            )
            .where(table.router_id == router_id, table.tenant_id == tenant_id)
            .where(table.hour >= since, table.answered > 0)
            .group_by(day)
            .order_by(day)
        )
        rows = await self._read(tenant_id, query)

        def of(name: str) -> list[Peak]:
            return [Peak(row["day"], float(row[name])) for row in rows]

        return DailyPeaks(of("active_users"), of("bandwidth"), of("addresses"))

    async def look_at(self, tenant_id: UUID, router_id: UUID, at: dt.datetime) -> None:
        then = (
            update(router_watch)
            .where(router_watch.c.router_id == router_id, router_watch.c.tenant_id == tenant_id)
            .values(next_at=at)
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(then)

        await self._database.in_tenant(tenant_id, write)

    async def prune(self, looks_before: dt.datetime, hours_before: dt.datetime, count: int) -> int:
        [row] = await self._database.call(
            "select router_watch_prune($1, $2, $3) as gone", looks_before, hours_before, count
        )
        return int(row["gone"])

    async def _read(self, tenant_id: UUID, query: Any) -> list[RowMapping]:
        async def read(connection: AsyncConnection) -> list[RowMapping]:
            return list((await connection.execute(query)).mappings())

        return await self._database.in_tenant(tenant_id, read)

    def _watched(self, router: Mapping[str, Any], row: Mapping[str, Any]) -> Watched | None:
        try:
            opened = self._routers.opened(router)
        except Unreadable:
            log.exception("router.unreadable", router=str(router["id"]))
            return None
        return Watched(
            opened,
            row["misses"],
            row["missed"],
            msgspec.convert(row["last"], LastLook),
            msgspec.convert(row["told"], _TOLD),
        )


def _look(row: RowMapping) -> HistoryPoint:
    return HistoryPoint(
        at=row["at"],
        looks=1,
        answered=int(row["answered"]),
        active_users_max=row["active_users"],
        rx_bps_max=row["rx_bps"],
        tx_bps_max=row["tx_bps"],
        cpu_mean=float(row["cpu"]),
        cpu_max=row["cpu"],
        memory_used_max=row["memory_used"],
        addresses_used_max=row["addresses_used"],
        warnings=row["warnings"],
    )


def _hour(row: RowMapping) -> HistoryPoint:
    return HistoryPoint(
        at=row["hour"],
        looks=row["looks"],
        answered=row["answered"],
        active_users_max=row["active_users_max"],
        rx_bps_max=row["rx_bps_max"],
        tx_bps_max=row["tx_bps_max"],
        cpu_mean=round(row["cpu_sum"] / row["answered"], 1) if row["answered"] else 0.0,
        cpu_max=row["cpu_max"],
        memory_used_max=row["memory_used_max"],
        addresses_used_max=row["addresses_used_max"],
        warnings=row["warnings"],
    )
