"""Our books against the records of providers and gateways: `/reconciliations`."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Told, Words, major
from api.admin.resource import resource
from core.domain.reconciliation import DifferenceKind, Side
from core.kit.counts import counted
from core.ports.statements import DayRun, FoundDifference
from core.services.reconciliation import UnknownRun


class Reconciliation(Answer):
    """One day with one party.

    `status` is `unread` where their records could not be read whole: then nothing is proven by what
    is missing in them. `totals` are in minor units; `differences` counts the open ones.
    """

    id: UUID
    date: dt.date
    side: Side
    party: str
    status: Literal["running", "done", "unread"]
    lines: int
    matched: int
    differences: int
    totals: dict[str, object]
    why: str | None
    runs: int
    started_at: dt.datetime
    ended_at: dt.datetime | None


class DifferenceShown(Answer):
    """`ours` and `theirs` are amounts, null where one side has none. `seen` counts runs."""

    kind: DifferenceKind
    subject: str
    our_reference: str | None
    their_reference: str | None
    ours: str | None
    theirs: str | None
    currency: str | None
    facts: dict[str, object]
    status: Literal["open", "closed"]
    seen: int
    opened_at: dt.datetime
    closed_at: dt.datetime | None


class ReconciliationDetail(Reconciliation):
    found: list[DifferenceShown]


class RunBody(BaseModel):
    """Which day, and with whom alone."""

    model_config = ConfigDict(extra="forbid")

    date: dt.date
    party: Words | None = None


def router(core: AdminCore) -> APIRouter:
    routes = resource("/reconciliations", "reconciliations")
    reads = Depends(needing(core, "reconciliations:read"))
    writes = Depends(needing(core, "reconciliations:write"))

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        date: dt.date | None = None,
        party: Words | None = None,
    ) -> Listing[Reconciliation]:
        """Days that were compared, those begun last first."""
        tenant, book = access.tenant_id, core.reconciliations
        rows = await book.runs(tenant, page.paging("created_at"), day=date, party=party)
        total = await book.run_count(tenant, day=date, party=party) if page.counted else None
        last = page.last_shown(rows)
        place = (last.started_at, last.id) if last else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(
            data=[Reconciliation(**_fields(row)) for row in shown], pagination=pagination
        )

    @routes.get("/{run_id}")
    async def show(
        run_id: UUID, access: Annotated[Access, reads]
    ) -> Envelope[ReconciliationDetail]:
        """One day with one party, and every difference that was ever found in it."""
        run = await core.reconciliations.run(access.tenant_id, run_id)
        if run is None:
            raise UnknownRun
        return Envelope(data=_detail(run))

    @routes.post("")
    async def run(
        body: RunBody, access: Annotated[Access, writes]
    ) -> Told[list[ReconciliationDetail]]:
        """Compare a day that is over, again if need be. Those that run just now are left out."""
        runs = await core.reconciliation.run_day(access.tenant_id, body.date, body.party)
        count = sum(each.differences for each in runs)
        found = counted(count, "open difference")
        return Told(data=[_detail(each) for each in runs], message=f"There are {found}.")

    return routes


def _fields(run: DayRun) -> dict[str, object]:
    return {
        "id": run.id,
        "date": run.day,
        "side": run.party.side,
        "party": run.party.name,
        "status": run.state,
        "lines": run.lines,
        "matched": run.matched,
        "differences": run.differences,
        "totals": run.totals,
        "why": run.why,
        "runs": run.runs,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
    }


def _detail(run: DayRun) -> ReconciliationDetail:
    return ReconciliationDetail(**_fields(run), found=[_difference(each) for each in run.found])


def _difference(found: FoundDifference) -> DifferenceShown:
    return DifferenceShown(
        kind=found.kind,
        subject=found.subject,
        our_reference=found.our_reference,
        their_reference=found.their_reference,
        ours=_amount(found.ours_minor, found.currency),
        theirs=_amount(found.theirs_minor, found.currency),
        currency=found.currency or None,
        facts=found.facts,
        status="open" if found.state == "open" else "closed",
        seen=found.seen,
        opened_at=found.opened_at,
        closed_at=found.closed_at,
    )


def _amount(minor: int | None, currency: str) -> str | None:
    return None if minor is None else major(minor, currency)
