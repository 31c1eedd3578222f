"""Our books against the records of others, in Postgres: runs, differences, readings of floats."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.reconciliation import Difference, DifferenceKind, Side
from core.kit import ids
from core.kit.clock import Clock
from core.ports import Paging
from core.ports.statements import DayRun, FoundDifference, Party
from core.store.database import Database
from core.store.float_readings import PgFloatReadings
from core.store.our_records import PgOurRecords
from core.store.tables import reconciliation_differences, reconciliations

_RUN = tuple(
    reconciliations.c[name]
    for name in (
        "id",
        "tenant_id",
        "side",
        "party",
        "day",
        "state",
        "lines",
        "matched",
        "differences",
        "totals",
        "why",
        "leased_until",
        "started_at",
        "ended_at",
        "runs",
    )
)
_found = reconciliation_differences.c


class PgReconciliations(PgOurRecords, PgFloatReadings):
    """See `core.ports.statements.ReconciliationBook`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        super().__init__(database)
        self._clock = clock

    async def lease(
        self, tenant_id: UUID, party: Party, day: dt.date, lease_s: float
    ) -> DayRun | None:
        now = self._clock.now()
        until = now + dt.timedelta(seconds=lease_s)
        run_id = ids.derived(
            "reconciliation", str(tenant_id), party.side.value, party.name, day.isoformat()
        )
        first = insert(reconciliations).values(
            id=run_id,
            tenant_id=tenant_id,
            side=party.side.value,
            party=party.name,
            day=day,
            state="running",
            leased_until=until,
            started_at=now,
        )
        again = first.on_conflict_do_update(
            index_elements=[reconciliations.c.id],
            set_={
                "state": "running",
                "runs": reconciliations.c.runs + 1,
                "leased_until": until,
                "started_at": now,
                "ended_at": None,
                "why": None,
            },
            where=or_(
                reconciliations.c.leased_until.is_(None), reconciliations.c.leased_until <= now
            ),
        ).returning(*_RUN)

        async def write(connection: AsyncConnection) -> DayRun | None:
            row = (await connection.execute(again)).mappings().one_or_none()
            return _run(row) if row else None

        return await self._database.in_tenant(tenant_id, write)

    async def keep_lease(self, run: DayRun, lease_s: float) -> DayRun | None:
        until = self._clock.now() + dt.timedelta(seconds=lease_s)
        statement = update(reconciliations).where(*_still(run)).values(leased_until=until)

        async def write(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).rowcount == 1

        kept = await self._database.in_tenant(run.tenant_id, write)
        return replace(run, leased_until=until) if kept else None

    async def finish(
        self,
        run: DayRun,
        *,
        state: str,
        why: str | None,
        lines: int,
        matched: int,
        totals: dict[str, object],
        differences: Sequence[Difference],
    ) -> DayRun | None:
        now = self._clock.now()

        async def write(connection: AsyncConnection) -> DayRun | None:
            held = select(reconciliations.c.id).where(*_still(run)).with_for_update()
            if (await connection.execute(held)).first() is None:
                return None
            await _keep(connection, run, differences, now)
            if state == "done":
                await _close_others(connection, run, differences, now)
            open_count = await connection.scalar(
                select(func.count()).where(
                    _found.reconciliation_id == run.id, _found.state == "open"
                )
            )
            ended = (
                update(reconciliations)
                .where(reconciliations.c.id == run.id)
                .values(
                    state=state,
                    why=why,
                    lines=lines,
                    matched=matched,
                    totals=totals,
                    differences=open_count,
                    leased_until=None,
                    ended_at=now,
                )
                .returning(*_RUN)
            )
            row = (await connection.execute(ended)).mappings().one()
            return replace(_run(row), found=await _differences(connection, run.id))

        return await self._database.in_tenant(run.tenant_id, write)

    async def begun(self, tenant_id: UUID, days: Sequence[dt.date]) -> Sequence[DayRun]:
        query = select(*_RUN).where(
            reconciliations.c.tenant_id == tenant_id, reconciliations.c.day.in_(days)
        )

        async def read(connection: AsyncConnection) -> list[DayRun]:
            return [_run(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def runs(
        self,
        tenant_id: UUID,
        paging: Paging,
        *,
        day: dt.date | None = None,
        party: str | None = None,
    ) -> Sequence[DayRun]:
        order = (reconciliations.c.started_at, reconciliations.c.id)
        query = (
            select(*_RUN)
            .where(*_wanted(tenant_id, day, party))
            .order_by(*(each.desc() if paging.descending else each.asc() for each in order))
            .limit(paging.per_page + 1)
        )
        if paging.after is None:
            query = query.offset((paging.page - 1) * paging.per_page)
        else:
            place, after = tuple_(*order), tuple_(*paging.after)
            query = query.where(place < after if paging.descending else place > after)

        async def read(connection: AsyncConnection) -> list[DayRun]:
            return [_run(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def run_count(
        self, tenant_id: UUID, *, day: dt.date | None = None, party: str | None = None
    ) -> int:
        counted = select(func.count()).where(*_wanted(tenant_id, day, party))

        async def read(connection: AsyncConnection) -> int:
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def run(self, tenant_id: UUID, run_id: UUID) -> DayRun | None:
        query = select(*_RUN).where(
            reconciliations.c.tenant_id == tenant_id, reconciliations.c.id == run_id
        )

        async def read(connection: AsyncConnection) -> DayRun | None:
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                return None
            return replace(_run(row), found=await _differences(connection, run_id))

        return await self._database.in_tenant(tenant_id, read)


def _still(run: DayRun) -> tuple[ColumnElement[bool], ...]:
    """Whether the lease is the one that this run was given, or has renewed."""
    return (
        reconciliations.c.id == run.id,
        reconciliations.c.runs == run.runs,
        reconciliations.c.state == "running",
    )


def _wanted(tenant_id: UUID, day: dt.date | None, party: str | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [reconciliations.c.tenant_id == tenant_id]
    if day is not None:
        wanted.append(reconciliations.c.day == day)
    if party is not None:
        wanted.append(reconciliations.c.party == party)
    return wanted


async def _keep(
    connection: AsyncConnection, run: DayRun, differences: Sequence[Difference], now: dt.datetime
) -> None:
    """Keep these as open: new ones, and those that were seen before."""
    for difference in differences:
        told = _told(difference)
        row = insert(reconciliation_differences).values(
            reconciliation_id=run.id,
            tenant_id=run.tenant_id,
            kind=difference.kind.value,
            subject=difference.subject,
            our_reference=difference.our_reference or "",
            state="open",
            seen=1,
            opened_at=now,
            **told,
        )
        again = row.on_conflict_do_update(
            index_elements=list(reconciliation_differences.primary_key.columns),
            set_={**told, "state": "open", "closed_at": None, "seen": _found.seen + 1},
        )
        await connection.execute(again)


async def _close_others(
    connection: AsyncConnection, run: DayRun, differences: Sequence[Difference], now: dt.datetime
) -> None:
    keys = [(each.kind.value, each.subject, each.our_reference or "") for each in differences]
    gone = update(reconciliation_differences).where(
        _found.reconciliation_id == run.id, _found.state == "open"
    )
    if keys:
        gone = gone.where(tuple_(_found.kind, _found.subject, _found.our_reference).not_in(keys))
    await connection.execute(gone.values(state="closed", closed_at=now))


def _told(difference: Difference) -> dict[str, Any]:
    money = difference.ours or difference.theirs
    return {
        "their_reference": difference.their_reference,
        "ours_minor": difference.ours.minor if difference.ours else None,
        "theirs_minor": difference.theirs.minor if difference.theirs else None,
        "currency": money.currency if money else "",
        "facts": dict(difference.facts),
    }


async def _differences(connection: AsyncConnection, run_id: UUID) -> tuple[FoundDifference, ...]:
    query = (
        select(*(_found[name] for name in FoundDifference.__slots__))
        .where(_found.reconciliation_id == run_id)
        .order_by(_found.kind, _found.subject, _found.our_reference)
    )
    rows = (await connection.execute(query)).mappings()
    return tuple(
        FoundDifference(
            **{
                **row,
                "kind": DifferenceKind(row["kind"]),
                "our_reference": row["our_reference"] or None,
            }
        )
        for row in rows
    )


def _run(row: RowMapping) -> DayRun:
    fields = dict(row)
    party = Party(Side(fields.pop("side")), fields.pop("party"))
    return DayRun(party=party, **fields)
