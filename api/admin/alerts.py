"""What operators are told: `/alerts`, and the same as it happens at `/alerts/stream`."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import StreamingResponse

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Listing, PageQuery
from api.admin.resource import resource
from core.ports import AlertKind
from core.ports.health import AlertRecord
from core.services.alerts import AlertDesk

# Between two signs of life, in looks at the table: a proxy closes what is silent for a minute.
_SILENT_LOOKS = 15


class AlertShown(Answer):
    """`subject` says what is wrong, `facts` more of it. `key` is the same for the same trouble."""

    id: UUID
    kind: AlertKind
    key: str
    subject: str
    status: Literal["open", "closed"]
    facts: Mapping[str, str | int | float]
    opened_at: dt.datetime
    closed_at: dt.datetime | None


def router(core: AdminCore) -> APIRouter:
    routes = resource("/alerts", "alerts")
    reads = Depends(needing(core, "alerts:read"))

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        status: Literal["open", "closed"] | None = None,
        sort_by: Literal["created_at"] = "created_at",
    ) -> Listing[AlertShown]:
        """Alerts of this tenant, the latest first."""
        rows = await core.alerts.listed(access.tenant_id, status, page.paging(sort_by))
        total = await core.alerts.count(access.tenant_id, status) if page.counted else None
        last = page.last_shown(rows)
        place = (last.opened_at, last.id) if last else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(data=[shown_of(row) for row in shown], pagination=pagination)

    @routes.get(
        "/stream",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}}},
    )
    async def stream(
        access: Annotated[Access, reads],
        after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> StreamingResponse:
        """Alerts as they open and close: server-sent events `opened` and `closed`, without end.

        Each has an `id`; who comes back with it in `Last-Event-ID`, as browsers do, or in `after`,
        misses nothing.
        """
        seen = int(last_event_id) if last_event_id and last_event_id.isdecimal() else after
        return StreamingResponse(
            _events(core.alerts, access.tenant_id, seen), media_type="text/event-stream"
        )

    return routes


def shown_of(record: AlertRecord) -> AlertShown:
    return AlertShown(
        id=record.id,
        kind=record.kind,
        key=record.key,
        subject=record.subject,
        status="closed" if record.closed_at else "open",
        facts=record.facts,
        opened_at=record.opened_at,
        closed_at=record.closed_at,
    )


async def _events(alerts: AlertDesk, tenant_id: UUID, after: int | None) -> AsyncIterator[str]:
    yield ": following\n\n"
    silent = 0
    async for record in alerts.follow(tenant_id, after):
        if record is not None:
            silent = 0
            yield _event(record)
        elif (silent := silent + 1) >= _SILENT_LOOKS:
            silent = 0
            yield ": still here\n\n"


def _event(record: AlertRecord) -> str:
    name = "closed" if record.closed_at else "opened"
    return f"id: {record.change}\nevent: {name}\ndata: {shown_of(record).model_dump_json()}\n\n"
