"""Hotspot routers: kept, tested, imported, watched: `/router-management`.

Passwords and certificates go in, never out.
"""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Envelope, Listing, PageQuery, Told, Words
from api.admin.resource import resource
from api.admin.router_figures import (
    Capacity,
    Logs,
    LogShown,
    Statistics,
    figures,
    point,
    room,
)
from api.admin.router_shapes import (
    AccessBody,
    ImportReport,
    LetGo,
    RouterBody,
    RouterShown,
    RouterTest,
    reported,
    shown,
    tested,
)
from core.domain.hotspot import RouterStatus
from core.domain.routers import LogLine
from core.ports.hotspot_books import RouterQuery
from core.services.router_control import RouterDoubted, RouterRefused
from core.services.router_import import BadFile

_HOURS_MAX = 24 * 400
_CSV = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}}},
    }
}


def router(core: AdminCore) -> APIRouter:
    routes = resource("/router-management", "routers")
    _records(routes, core)
    _tests(routes, core)
    _figures(routes, core)
    return routes


def _records(routes: APIRouter, core: AdminCore) -> None:
    reads = Depends(needing(core, "routers:read"))
    writes = Depends(needing(core, "routers:write"))
    desk, why = core.router_office.desk, core.hotspots.vouchers.why_nothing

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        search: Annotated[Words, Query(description="Part of name, host or location.")] = "",
        status: RouterStatus | None = None,
        group: Words = "",
        sort_by: Literal["name", "status", "seen_at", "created_at"] = "created_at",
    ) -> Listing[RouterShown]:
        """Routers of this tenant."""
        query = RouterQuery(search.strip(), status, group.strip())
        rows = await desk.listed(access.tenant_id, query, page.paging(sort_by))
        total = await desk.count(access.tenant_id, query) if page.counted else None
        found, pagination = page.listing(rows, total, place=None)
        return Listing(data=[shown(row, why(row)) for row in found], pagination=pagination)

    @routes.post("")
    async def create(body: RouterBody, access: Annotated[Access, writes]) -> Told[RouterShown]:
        """Add a router. `name`, `host`, `username` and `password` are needed."""
        made = await desk.add(access.tenant_id, body.fields(), access.actor)
        remark = await desk.remark(made) or "It is looked at within seconds."
        return Told(data=shown(made, why(made)), message=remark)

    @routes.post("/import", openapi_extra=_CSV)
    async def imported(
        request: Request,
        access: Annotated[Access, writes],
        *,
        dry_run: Annotated[bool, Query(description="Only check the file.")] = False,
    ) -> Told[ImportReport]:
        """Add the routers of a CSV file; every line is told about by its number."""
        try:
            text = (await request.body()).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadFile("The file should be UTF-8.") from None
        lines = await core.router_office.imports.run(
            access.tenant_id, text, access.actor, dry=dry_run
        )
        report = reported(lines)
        said = f"{report.added} of {len(lines)} were added; {report.wrong} are wrong."
        return Told(data=report, message=said)

    @routes.get("/{router_id}")
    async def show(router_id: UUID, access: Annotated[Access, reads]) -> Envelope[RouterShown]:
        """One router."""
        found = await desk.show(access.tenant_id, router_id)
        return Envelope(data=shown(found, why(found)))

    @routes.put("/{router_id}")
    async def put(
        router_id: UUID, body: RouterBody, access: Annotated[Access, writes]
    ) -> Envelope[RouterShown]:
        """Change a router."""
        changed = await desk.change(access.tenant_id, router_id, body.fields(), access.actor)
        return Envelope(data=shown(changed, why(changed)))

    @routes.delete("/{router_id}")
    async def remove(router_id: UUID, access: Annotated[Access, writes]) -> Told[None]:
        """Forget a router. Refused while a paid voucher there is not used up."""
        await desk.remove(access.tenant_id, router_id, access.actor)
        return Told(data=None, message="It is forgotten. What stands on it stays there.")


def _tests(routes: APIRouter, core: AdminCore) -> None:
    writes = Depends(needing(core, "routers:write"))
    maintains = Depends(needing(core, "routers:maintain"))
    desk, why = core.router_office.desk, core.hotspots.vouchers.why_nothing

    @routes.post("/test-connection")
    async def test_unsaved(
        body: AccessBody, access: Annotated[Access, writes]
    ) -> Envelope[RouterTest]:
        """Examine a router that is not kept yet, step by step. Nothing is kept."""
        return Envelope(data=tested(await desk.test_unsaved(access.tenant_id, body.fields())))

    @routes.post("/{router_id}/test")
    async def test(router_id: UUID, access: Annotated[Access, writes]) -> Envelope[RouterTest]:
        """Examine a router step by step."""
        return Envelope(data=tested(await desk.test(access.tenant_id, router_id)))

    @routes.post("/{router_id}/attended")
    async def attended(router_id: UUID, access: Annotated[Access, writes]) -> Envelope[RouterShown]:
        """Say that a router which needed a person was put right: it is compared and sells again."""
        put_right = await desk.attended(access.tenant_id, router_id, access.actor)
        return Envelope(data=shown(put_right, why(put_right)))

    @routes.post("/{router_id}/let-go")
    async def let_go(
        router_id: UUID, body: LetGo, access: Annotated[Access, maintains]
    ) -> Told[None]:
        """Let users of ours be removed that are no vouchers any more, too many to go by themselves.

        Good for an hour and for one time.
        """
        await desk.let_go(access.tenant_id, router_id, body.users, body.confirm, access.actor)
        return Told(
            data=None, message="It is compared now. Are they more by then, none is removed."
        )


def _figures(routes: APIRouter, core: AdminCore) -> None:
    reads = Depends(needing(core, "routers:read"))
    office = core.router_office

    @routes.get("/{router_id}/statistics")
    async def statistics(
        router_id: UUID,
        access: Annotated[Access, reads],
        hours: Annotated[float, Query(gt=0, le=_HOURS_MAX, description="Of history.")] = 24,
    ) -> Envelope[Statistics]:
        """What monitoring read last, and the history before."""
        watched = await office.figures.last(access.tenant_id, router_id)
        by, points = await office.figures.history(access.tenant_id, router_id, hours)
        last = figures(watched, office.figures.age_s(watched))
        return Envelope(
            data=Statistics(**dict(last), history_by=by, history=[point(each) for each in points])
        )

    @routes.get("/{router_id}/capacity")
    async def capacity(
        router_id: UUID, access: Annotated[Access, reads]
    ) -> Envelope[list[Capacity]]:
        """What may run out there, and when by a straight line through the busiest moments."""
        rooms = await office.figures.capacity(access.tenant_id, router_id)
        return Envelope(data=[room(each) for each in rooms])

    @routes.get("/{router_id}/logs")
    async def logs(
        router_id: UUID,
        access: Annotated[Access, reads],
        search: Annotated[Words, Query(description="Part of a topic or message.")] = "",
        count: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Envelope[Logs]:
        """The router's log, the latest first; while it is away, the last warnings kept of it."""
        try:
            lines, live = await office.control.log(access.tenant_id, router_id), True
        except (RouterRefused, RouterDoubted):
            watched = await office.figures.last(access.tenant_id, router_id)
            lines, live = tuple(reversed(watched.last.warnings)), False
        wanted = search.strip().lower()
        found = [line for line in lines if wanted in _written(line)]
        return Envelope(data=Logs(live=live, lines=[_line(line) for line in found[:count]]))


def _written(line: LogLine) -> str:
    return f"{','.join(line.topics)} {line.message}".lower()


def _line(line: LogLine) -> LogShown:
    return LogShown(time=line.time, topics=list(line.topics), message=line.message)
