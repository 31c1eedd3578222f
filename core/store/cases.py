"""The queue of what only a person can settle: `core/store/sql/45_cases.sql` and plain rows."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.vending import Product
from core.kit import ids
from core.kit.clock import Clock
from core.ports import Event, NewCase, Paging
from core.ports.desk import Case, CaseCount, CaseQuery, Doubt
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import cases

_SHOWN = tuple(cases.c[name] for name in Case.__slots__)


class PgCases:
    """See `core.ports.Cases` and `core.ports.desk.CaseBook`."""

    def __init__(self, database: Database, clock: Clock, opened_by: str = "program") -> None:
        self._database = database
        self._clock = clock
        self._opened_by = opened_by

    async def open(self, case: NewCase) -> bool:
        case_id = ids.uuid7()

        async def write(connection: AsyncConnection) -> bool:
            # Written by this call, or by an earlier try of it whose answer was lost.
            await add_case(connection, case, self._clock.now(), self._opened_by, case_id=case_id)
            mine = select(cases.c.id).where(cases.c.id == case_id)
            return await connection.scalar(mine) is not None

        return await self._database.in_tenant(case.tenant_id, write)

    async def listed(self, tenant_id: UUID, query: CaseQuery, paging: Paging) -> Sequence[Case]:
        order = (cases.c.opened_at, cases.c.id)
        chosen = (
            select(*_SHOWN)
            .where(*_wanted(tenant_id, query))
            .order_by(*(each.desc() if paging.descending else each.asc() for each in order))
            .limit(paging.per_page + 1)
        )
        if paging.after is None:
            chosen = chosen.offset((paging.page - 1) * paging.per_page)
        else:
            place, after = tuple_(*order), tuple_(*paging.after)
            chosen = chosen.where(place < after if paging.descending else place > after)

        async def read(connection: AsyncConnection) -> list[Case]:
            return [_case(row) for row in (await connection.execute(chosen)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def count(self, tenant_id: UUID, query: CaseQuery) -> int:
        async def read(connection: AsyncConnection) -> int:
            counted = select(func.count()).select_from(cases).where(*_wanted(tenant_id, query))
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def find(self, tenant_id: UUID, case_id: UUID) -> Case | None:
        async def read(connection: AsyncConnection) -> Case | None:
            return await _found(connection, tenant_id, case_id)

        return await self._database.in_tenant(tenant_id, read)

    async def close(
        self, tenant_id: UUID, case_id: UUID, resolution: str, actor: str
    ) -> Case | None:
        async def write(connection: AsyncConnection) -> Case | None:
            now = self._clock.now()
            closing = (
                update(cases)
                .where(cases.c.tenant_id == tenant_id, cases.c.id == case_id)
                .where(cases.c.state == "open")
                .values(state="closed", resolution=resolution, closed_at=now, closed_by=actor)
            )
            closed = (await connection.execute(closing)).rowcount == 1
            found = await _found(connection, tenant_id, case_id)
            if closed and found is not None:
                event = Event(
                    subject=f"case/{case_id}",
                    kind="case.closed",
                    actor=actor,
                    facts={"kind": found.kind, "about": found.subject, "resolution": resolution},
                )
                await add_event(connection, tenant_id, event, now)
            return found

        return await self._database.in_tenant(tenant_id, write)

    async def doubts(self, before: dt.datetime, after: UUID, count: int) -> Sequence[Doubt]:
        rows = await self._database.call(
            "select * from case_doubts($1, $2, $3)", after, before, count
        )
        return [Doubt(**{**row, "product": Product(row["product"])}) for row in map(dict, rows)]

    async def settle(self) -> int:
        [row] = await self._database.call("select case_settle($1) as closed", self._clock.now())
        return int(row["closed"])

    async def counts(self, since: dt.datetime) -> Sequence[CaseCount]:
        rows = await self._database.call("select * from case_counts($1)", since)
        return [CaseCount(**dict(row)) for row in rows]


async def _found(connection: AsyncConnection, tenant_id: UUID, case_id: UUID) -> Case | None:
    query = select(*_SHOWN).where(cases.c.tenant_id == tenant_id, cases.c.id == case_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    return _case(row) if row else None


async def add_case(
    connection: AsyncConnection,
    case: NewCase,
    at: dt.datetime,
    opened_by: str = "program",
    *,
    case_id: UUID | None = None,
) -> None:
    """Open a case in the caller's transaction, once per key."""
    row = insert(cases).values(
        id=case_id or ids.uuid7(),
        tenant_id=case.tenant_id,
        kind=case.kind,
        key=case.key,
        subject=case.subject,
        facts=dict(case.facts),
        state="open",
        opened_at=at,
        opened_by=opened_by,
    )
    await connection.execute(row.on_conflict_do_nothing())


def _case(row: RowMapping) -> Case:
    return Case(**row)


def _wanted(tenant_id: UUID, query: CaseQuery) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [cases.c.tenant_id == tenant_id]
    if query.state is not None:
        wanted.append(cases.c.state == query.state)
    if query.kind is not None:
        wanted.append(cases.c.kind == query.kind)
    if query.search:
        wanted.append(cases.c.subject.icontains(query.search, autoescape=True))
    return wanted
