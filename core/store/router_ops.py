"""What routers are owed, in Postgres: `core/store/sql/82_router_ops.sql`."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, any_, cast, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.hotspot import Terms
from core.domain.vouchers import Desired, Priority, SaleState, SyncState, Usage
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports.router_ops import (
    Compared,
    Expected,
    Fenced,
    Refill,
    RouterLease,
    Snapshot,
    Task,
    TaskReport,
)
from core.ports.vouchers import NewCode
from core.store import voucher_rows
from core.store.database import Database
from core.store.hotspot_plans import plan_of
from core.store.hotspot_tables import hotspot_plans, router_ops, vouchers
from core.store.routers import access_of

_GONE = SyncState.GONE.value
_EXPECTED = select(
    *(
        vouchers.c[name]
        for name in (
            "id",
            "desired_rev",
            "desired",
            "sync_state",
            "sale_state",
            "terms",
            "base_online_s",
            "base_bytes",
            "used_online_s",
            "used_bytes",
            "first_login_at",
            "code_sealed",
        )
    )
)


class PgRouterOps:
    """See `core.ports.router_ops.RouterOps`."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    async def claim(self, holder: str, count: int, lease_s: float) -> Sequence[RouterLease]:
        rows = await self._database.call(
            "select * from router_claim($1, $2, $3, $4)",
            holder,
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [
            RouterLease(
                router_id=row["router_id"],
                tenant_id=row["tenant_id"],
                name=row["name"],
                access=access_of(self._keyring, dict(row)),
                server=row["server"],
                serial=row["serial"],
                fence=row["fence"],
                failures=row["failures"],
            )
            for row in rows
        ]

    async def keep(self, lease: RouterLease, lease_s: float) -> bool:
        due = await self._ask("router_keep", lease, dt.timedelta(seconds=lease_s))
        if due is None:
            raise Fenced(lease.name)
        return bool(due)

    async def take(
        self,
        lease: RouterLease,
        count: int,
        priorities: Collection[Priority],
        busy: Collection[UUID],
    ) -> Sequence[Task]:
        rows = await self._database.call(
            "select * from router_take($1, $2, $3, $4, $5, $6)",
            lease.router_id,
            lease.fence,
            count,
            [each.value for each in priorities],
            list(busy),
            self._clock.now(),
        )
        if rows and rows[0]["voucher_id"] is None:
            raise Fenced(lease.name)
        return [self._task(dict(row)) for row in rows]

    async def report(self, lease: RouterLease, reports: Sequence[TaskReport]) -> None:
        items = [
            (
                each.task.voucher_id,
                each.task.rev,
                each.task.desired.value,
                each.fared.value,
                each.error,
                each.again_at,
            )
            for each in reports
        ]
        await self._booked("router_report", lease, ("router_report_item[]", items))

    async def refills(self, lease: RouterLease) -> Sequence[Refill]:
        rows = await self._database.call(
            "select * from router_refills($1, $2)", lease.router_id, self._clock.now()
        )
        missing = {row["plan_id"]: row["missing"] for row in rows}
        if not missing:
            return ()
        query = select(hotspot_plans).where(hotspot_plans.c.id.in_(missing))

        async def read(connection: AsyncConnection) -> Sequence[Refill]:
            plans = [plan_of(row) for row in (await connection.execute(query)).mappings()]
            return [Refill(plan, missing[plan.id]) for plan in plans]

        return await self._database.in_tenant(lease.tenant_id, read)

    async def refill(self, lease: RouterLease, refill: Refill, codes: Sequence[NewCode]) -> None:
        plan = refill.plan
        items = ("voucher_code[]", voucher_rows.code_items(codes))
        await self._booked("router_refill", lease, plan.id, plan.version, items)

    def seal(self, tenant_id: UUID, codes: Sequence[str]) -> list[NewCode]:
        return voucher_rows.new_codes(self._keyring, tenant_id, codes)

    def code(self, task: Task | Expected) -> str:
        return self._keyring.unseal(task.sealed, task.voucher_id.bytes)

    async def expected(self, lease: RouterLease) -> Sequence[Expected]:
        return await self._expected(lease, vouchers.c.sync_state != _GONE)

    async def gone(self, lease: RouterLease, codes: Sequence[str]) -> Sequence[Expected]:
        digests = self._digests(lease.tenant_id, codes)
        of_these = vouchers.c.code_digest == any_(cast(digests, ARRAY(Text)))
        return await self._expected(lease, of_these, vouchers.c.sync_state == _GONE)

    async def _expected(
        self, lease: RouterLease, *which: ColumnElement[bool]
    ) -> Sequence[Expected]:
        owed = select(router_ops.c.subject).where(
            router_ops.c.router_id == lease.router_id, router_ops.c.kind == "voucher"
        )
        query = _EXPECTED.where(
            vouchers.c.tenant_id == lease.tenant_id,
            vouchers.c.router_id == lease.router_id,
            *which,
        )

        async def read(connection: AsyncConnection) -> Sequence[Expected]:
            waiting = set((await connection.execute(owed)).scalars())
            return [_expected(row, waiting) for row in await connection.execute(query)]

        return await self._database.in_tenant(lease.tenant_id, read)

    async def compared(self, lease: RouterLease, found: Compared, next_at: dt.datetime) -> None:
        await self._booked(
            "router_compared",
            lease,
            found.started_at,
            list(found.missing),
            list(found.differing),
            list(found.extra),
            ("router_snapshot_item[]", _snapshots(found.used)),
            found.serial,
            found.reset,
            next_at,
        )

    async def online(self, tenant_id: UUID, router_id: UUID, users: Sequence[str]) -> None:
        await self._database.call(
            "select router_online($1, $2, $3, $4)",
            router_id,
            tenant_id,
            self._digests(tenant_id, users),
            self._clock.now(),
        )

    async def may_let_go(self, lease: RouterLease) -> int:
        users = await self._ask("router_may_let_go", lease)
        if users is None:
            raise Fenced(lease.name)
        return int(str(users))

    async def rest(self, lease: RouterLease, until: dt.datetime, *, failed: bool) -> None:
        await self._database.call(
            "select router_leave($1, $2, $3, $4)", lease.router_id, lease.fence, until, failed
        )

    async def give_back(self, lease: RouterLease) -> None:
        await self._database.call(
            "select router_leave($1, $2, null, false)", lease.router_id, lease.fence
        )

    async def wake(self, tenant_id: UUID, router_id: UUID) -> None:
        await self._database.call(
            "select router_wake($1, $2, $3)", tenant_id, router_id, self._clock.now()
        )

    async def _ask(self, function: str, lease: RouterLease, *arguments: object) -> object:
        """A function of the store: router and fence first, the time last."""
        values: list[object] = []
        places = []
        for place, given in enumerate(
            (lease.router_id, lease.fence, *arguments, self._clock.now()), start=1
        ):
            kind, value = given if isinstance(given, tuple) else ("", given)
            values.append(value)
            places.append(f"${place}::{kind}" if kind else f"${place}")
        [row] = await self._database.call(
            f"select {function}({', '.join(places)}) as answer",
            *values,
        )
        return row["answer"]

    async def _booked(self, function: str, lease: RouterLease, *arguments: object) -> None:
        if not await self._ask(function, lease, *arguments):
            raise Fenced(lease.name)

    def _digests(self, tenant_id: UUID, codes: Sequence[str]) -> list[str]:
        return [
            digest
            for code in codes
            for digest in voucher_rows.digests(self._keyring, tenant_id, code)
        ]

    def _task(self, row: dict[str, Any]) -> Task:
        return Task(
            voucher_id=row["voucher_id"],
            rev=row["rev"],
            desired=Desired(row["desired"]),
            priority=Priority(row["priority"]),
            sale_state=SaleState(row["sale_state"]),
            terms=Terms.of(row["terms"]),
            base=Usage(row["base_online_s"], row["base_bytes"]),
            used=Usage(row["used_online_s"], row["used_bytes"]),
            sealed=row["sealed"],
            tries=row["tries"],
        )


def _snapshots(used: Sequence[Snapshot]) -> list[tuple[object, ...]]:
    """The SQL type `router_snapshot_item`."""
    return [
        (each.voucher_id, each.used.online_s, each.used.data_bytes, each.logged_in, each.over)
        for each in used
    ]


def _expected(row: Any, waiting: set[UUID]) -> Expected:
    return Expected(
        voucher_id=row.id,
        rev=row.desired_rev,
        desired=Desired(row.desired),
        sync_state=SyncState(row.sync_state),
        sale_state=SaleState(row.sale_state),
        owed=row.id in waiting,
        terms=Terms.of(row.terms),
        base=Usage(row.base_online_s, row.base_bytes),
        used=Usage(row.used_online_s, row.used_bytes),
        logged_in=row.first_login_at is not None,
        sealed=row.code_sealed,
    )
