"""How providers do, and paused sales: `core/store/sql/50_health.sql` and its neighbour."""

import datetime as dt
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.circuits import CircuitKey
from core.domain.vending import Product
from core.kit.clock import Clock
from core.kit.money import Money
from core.ports import Standing
from core.ports.health import CheckMade, Figures, Known, Reviewed
from core.store.database import Database
from core.store.tables import provider_standings

_NEUTRAL = 0.5
_WHY_CHARS = 200


class PgStandings:
    """See `core.ports.Standings`, and `CheckBook` and `ReviewBook` of `core.ports.health`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def all(self) -> Sequence[Standing]:
        rows = await self._database.call("select * from health_standings()")
        return [
            Standing(
                *_key(row),
                score=_NEUTRAL if row["score"] is None else row["score"],
                float_minor=row["float_minor"],
                float_currency=row["float_currency"],
                float_at=row["float_at"],
            )
            for row in rows
        ]

    async def paused(self) -> Collection[tuple[UUID, Product]]:
        rows = await self._database.call("select * from sale_paused()")
        return {(row["tenant_id"], Product(row["product"])) for row in rows}

    async def everything(self) -> Sequence[Known]:
        """Of all tenants: for whoever runs the program."""
        return [
            _known(row) for row in await self._database.call("select * from health_standings()")
        ]

    async def known(self, tenant_id: UUID) -> Mapping[CircuitKey, Known]:
        async def read(connection: AsyncConnection) -> list[Known]:
            query = select(provider_standings).where(provider_standings.c.tenant_id == tenant_id)
            return [_known(row) for row in (await connection.execute(query)).mappings()]

        found = await self._database.in_tenant(tenant_id, read)
        return {known.key: known for known in found}

    async def claim(
        self, accounts: Mapping[CircuitKey, str], lease_s: float
    ) -> Collection[CircuitKey]:
        rows = await self._database.call(
            "select * from health_claim($1, $2, $3, $4, $5, $6)",
            *_columns(accounts),
            list(accounts.values()),
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return {_key(row) for row in rows}

    async def note(self, check: CheckMade) -> None:
        told = check.float_balance
        await self._database.call(
            "select health_checked($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            *_columns(check.keys),
            check.via,
            check.ok,
            check.took_ms,
            check.why[:_WHY_CHARS] if check.why else None,
            told.minor if told else None,
            told.currency if told else None,
            check.next_at,
            check.at,
        )

    async def turn(self, count: int, every_s: float) -> Sequence[UUID]:
        rows = await self._database.call(
            "select * from health_turn($1, $2, $3)",
            count,
            dt.timedelta(seconds=every_s),
            self._clock.now(),
        )
        return [row["tenant_id"] for row in rows]

    async def figures(
        self, tenants: Sequence[UUID], since: dt.datetime, recent: dt.datetime
    ) -> Mapping[CircuitKey, Figures]:
        rows = await self._database.call(
            "select * from health_figures($1, $2, $3)", list(tenants), since, recent
        )
        return {_key(row): _figures(dict(row)) for row in rows}

    async def uptimes(
        self, tenants: Sequence[UUID], since: dt.datetime
    ) -> Mapping[CircuitKey, tuple[int, int]]:
        rows = await self._database.call(
            "select * from health_uptime($1, $2)", list(tenants), since
        )
        return {_key(row): (row["checks"], row["well"]) for row in rows}

    async def reviewed(self, rows: Sequence[Reviewed]) -> None:
        items = json.dumps([_reviewed(row) for row in rows])
        await self._database.call("select health_reviewed($1::jsonb, $2)", items, self._clock.now())

    async def prune(self, before: dt.datetime, count: int) -> int:
        [row] = await self._database.call("select health_prune($1, $2) as gone", before, count)
        return int(row["gone"])

    async def backlog(self, before: dt.datetime) -> Sequence[UUID]:
        rows = await self._database.call("select * from health_backlog($1)", before)
        return [row["tenant_id"] for row in rows]

    async def alert_counts(self) -> Mapping[str, int]:
        """Open alerts of all tenants, by kind: for whoever runs the program."""
        rows = await self._database.call("select * from alert_counts()")
        return {row["kind"]: row["alerts"] for row in rows}

    async def notice_lag_s(self) -> float:
        """How long the oldest due notice has waited to be sent."""
        [row] = await self._database.call(
            "select health_notice_lag($1) as lag_s", self._clock.now()
        )
        return float(row["lag_s"])

    async def ledger_sums(self) -> Mapping[str, int]:
        """All posted money by currency, of all tenants. Reads every account."""
        rows = await self._database.call("select * from health_ledger()")
        return {row["currency"]: int(row["total_minor"]) for row in rows}


class PgSales:
    """See `core.ports.health.SaleBook`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def trouble(self, tenant_id: UUID, product: Product, after_s: float) -> bool:
        [row] = await self._database.call(
            "select sale_trouble($1, $2, $3, $4) as paused",
            tenant_id,
            product.value,
            dt.timedelta(seconds=after_s),
            self._clock.now(),
        )
        return bool(row["paused"])

    async def well(self, tenant_id: UUID, product: Product) -> int:
        [row] = await self._database.call(
            "select sale_well($1, $2, $3) as told", tenant_id, product.value, self._clock.now()
        )
        return int(row["told"])

    async def turn_away(self, tenant_id: UUID, product: Product, customer_id: UUID) -> bool:
        [row] = await self._database.call(
            "select sale_turn_away($1, $2, $3, $4) as away",
            tenant_id,
            product.value,
            customer_id,
            self._clock.now(),
        )
        return bool(row["away"])


def _columns(keys: Iterable[CircuitKey]) -> tuple[list[UUID], list[str], list[str]]:
    held = tuple(keys)
    return (
        [key.tenant_id for key in held],
        [key.product.value for key in held],
        [key.provider for key in held],
    )


def _key(row: Any) -> CircuitKey:
    return CircuitKey(row["tenant_id"], Product(row["product"]), row["provider"])


def _figures(row: dict[str, Any]) -> Figures:
    for name in ("tenant_id", "product", "provider"):
        del row[name]
    p50_ms, p95_ms, p99_ms = row.pop("latency_ms")
    return Figures(**row, p50_ms=p50_ms, p95_ms=p95_ms, p99_ms=p99_ms)


def _reviewed(row: Reviewed) -> dict[str, object]:
    figures = row.figures
    return {
        "tenant_id": str(row.key.tenant_id),
        "product": row.key.product.value,
        "provider": row.key.provider,
        "uptime": row.uptime,
        "vends": figures.vends,
        "delivered": figures.delivered,
        "failed": figures.failed,
        "p50_ms": figures.p50_ms,
        "p95_ms": figures.p95_ms,
        "p99_ms": figures.p99_ms,
        "errors": dict(figures.errors),
        "score": row.score,
        "place": row.place,
    }


def _known(row: Any) -> Known:
    values = dict(row)
    minor, currency = values.pop("float_minor"), values.pop("float_currency")
    for name in ("tenant_id", "product", "provider", "check_at"):
        del values[name]
    return Known(
        key=_key(row),
        float_balance=None if minor is None else Money(minor, currency),
        **values,
    )
