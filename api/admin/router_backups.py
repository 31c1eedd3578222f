"""Backups of routers: `/router-management/{id}/backup`."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import PlainTextResponse

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Told, Words
from api.admin.resource import resource
from core.ports.router_upkeep import Backup


class NewBackup(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Words = ""


class Restore(BaseModel):
    """`confirm` is the router's name, typed by whoever wants this."""

    model_config = ConfigDict(extra="forbid")

    confirm: Words


class BackupShown(Answer):
    """`file` is on the router, encrypted; the router opens it again when it is restored.

    `note` tells what is not in the text that can be downloaded, or why there is none.
    """

    id: UUID
    name: str
    file: str
    size: int
    version: str
    note: str
    created_at: dt.datetime
    created_by: str


class BackupDetail(BackupShown):
    has_text: bool


class Compared(Answer):
    """`diff` is a unified diff of the configurations, empty when they are alike."""

    alike: bool
    diff: str


class Restored(Answer):
    """`taken` is false where the router went away while it answered, as it does to restart."""

    taken: bool


def router(core: AdminCore) -> APIRouter:
    routes = resource("/router-management/{router_id}/backup", "router backups")
    reads = Depends(needing(core, "routers:read"))
    maintains = Depends(needing(core, "routers:maintain"))
    desk = core.router_office.backups

    @routes.get("")
    async def listed(
        router_id: UUID,
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        sort_by: Literal["created_at"] = "created_at",
    ) -> Listing[BackupShown]:
        """Backups of a router, the latest first."""
        rows = await desk.listed(access.tenant_id, router_id, page.paging(sort_by))
        total = await desk.count(access.tenant_id, router_id) if page.counted else None
        last = page.last_shown(rows)
        place = (last.created_at, last.id) if last else None
        found, pagination = page.listing(rows, total, place=place)
        return Listing(data=[BackupShown(**_fields(row)) for row in found], pagination=pagination)

    @routes.post("")
    async def make(
        router_id: UUID, body: NewBackup, access: Annotated[Access, maintains]
    ) -> Told[BackupDetail]:
        """Back a router up now: a file on it, and its configuration as text with us."""
        made = await desk.make(access.tenant_id, router_id, body.name, access.actor)
        return Told(data=_detail(made), message=made.note or "It is written.")

    @routes.get("/compare")
    async def compare(
        router_id: UUID,
        access: Annotated[Access, maintains],
        before: UUID,
        after: Annotated[
            UUID | None, Query(description="Without: the router as it is now.")
        ] = None,
    ) -> Envelope[Compared]:
        """What changed between two backups, or from one until now."""
        diff = await desk.compare(access.tenant_id, router_id, before, after)
        return Envelope(data=Compared(alike=not diff, diff=diff))

    @routes.get("/{backup_id}")
    async def show(
        router_id: UUID, backup_id: UUID, access: Annotated[Access, reads]
    ) -> Envelope[BackupDetail]:
        """One backup."""
        return Envelope(data=_detail(await desk.show(access.tenant_id, router_id, backup_id)))

    @routes.get("/{backup_id}/download", response_class=PlainTextResponse)
    async def download(
        router_id: UUID, backup_id: UUID, access: Annotated[Access, maintains]
    ) -> PlainTextResponse:
        """The configuration as commands, vouchers and secrets left out."""
        name, text = await desk.download(access.tenant_id, router_id, backup_id, access.actor)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return PlainTextResponse(text, headers=headers)

    @routes.post("/{backup_id}/restore")
    async def restore(
        router_id: UUID, backup_id: UUID, body: Restore, access: Annotated[Access, maintains]
    ) -> Told[Restored]:
        """Have the router go back to a backup; it restarts, and everybody there is logged out."""
        taken = await desk.restore(
            access.tenant_id, router_id, backup_id, body.confirm, access.actor
        )
        said = "It restarts now. Vouchers sold since are put back on it when it is there again."
        return Told(data=Restored(taken=taken), message=said)

    return routes


def _fields(backup: Backup) -> dict[str, object]:
    return {name: getattr(backup, name) for name in BackupShown.model_fields}


def _detail(backup: Backup) -> BackupDetail:
    return BackupDetail(**_fields(backup), has_text=backup.text is not None)
