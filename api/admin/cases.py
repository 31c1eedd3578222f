"""What only a person can settle: `/cases`."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Told, Words
from api.admin.resource import resource
from core.ports.desk import Case, CaseQuery


class CaseShown(Answer):
    """`subject` is our reference of what it is about, `facts` what is known of it."""

    id: UUID
    kind: str
    subject: str
    status: Literal["open", "closed"]
    facts: Mapping[str, object]
    resolution: str | None
    opened_at: dt.datetime
    opened_by: str
    closed_at: dt.datetime | None
    closed_by: str | None


class CloseBody(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    resolution: Words = Field(min_length=3, description="How it was settled.")


def router(core: AdminCore) -> APIRouter:
    routes = resource("/cases", "cases")
    reads = Depends(needing(core, "cases:read"))
    writes = Depends(needing(core, "cases:write"))

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        status: Literal["open", "closed"] | None = None,
        kind: Words | None = None,
        search: Annotated[Words, Query(description="Part of what it is about.")] = "",
        sort_by: Literal["created_at"] = "created_at",
    ) -> Listing[CaseShown]:
        """Cases of this tenant, the latest first."""
        query = CaseQuery(state=status, kind=kind, search=search.strip())
        rows = await core.cases.listed(access.tenant_id, query, page.paging(sort_by))
        total = await core.cases.count(access.tenant_id, query) if page.counted else None
        last = page.last_shown(rows)
        place = (last.opened_at, last.id) if last else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(data=[_shown(row) for row in shown], pagination=pagination)

    @routes.get("/{case_id}")
    async def show(case_id: UUID, access: Annotated[Access, reads]) -> Envelope[CaseShown]:
        """One case."""
        return Envelope(data=_shown(await core.cases.show(access.tenant_id, case_id)))

    @routes.post("/{case_id}/close")
    async def close(
        case_id: UUID, body: CloseBody, access: Annotated[Access, writes]
    ) -> Told[CaseShown]:
        """Close it in words. Money is moved by what is done to the transaction, not by this."""
        case = await core.cases.close(access.tenant_id, case_id, body.resolution, access.actor)
        return Told(data=_shown(case), message="It is closed.")

    return routes


def _shown(case: Case) -> CaseShown:
    return CaseShown(
        id=case.id,
        kind=case.kind,
        subject=case.subject,
        status="open" if case.state == "open" else "closed",
        facts=case.facts,
        resolution=case.resolution,
        opened_at=case.opened_at,
        opened_by=case.opened_by,
        closed_at=case.closed_at,
        closed_by=case.closed_by,
    )
