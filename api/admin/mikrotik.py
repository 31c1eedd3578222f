"""What is on a router itself: `/mikrotik/{id}`.

Statistics and interfaces are what monitoring read within half a minute, with their age. Users,
sessions and traffic are asked for now: by this process, over one connection at most.
"""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Envelope, Told, Words
from api.admin.mikrotik_shapes import (
    BulkBody,
    BulkShown,
    Interfaces,
    InterfaceShown,
    Kicked,
    Name,
    SessionShown,
    TrafficShown,
    UserBody,
    UserChangeBody,
    Users,
    bulk_shown,
    session_shown,
    user_shown,
)
from api.admin.resource import resource
from api.admin.router_figures import Figures, figures
from core.domain.routers import NewUser, UserChange
from core.ports.router_upkeep import BulkKind, BulkUser
from core.services.router_control import ShownUser


def router(core: AdminCore) -> APIRouter:
    routes = resource("/mikrotik/{router_id}", "mikrotik")
    _interfaces(routes, core)
    _users(routes, core)
    _bulks(routes, core)
    _active(routes, core)
    return routes


def _interfaces(routes: APIRouter, core: AdminCore) -> None:
    reads = Depends(needing(core, "routers:read"))
    maintains = Depends(needing(core, "routers:maintain"))
    office = core.router_office
    control = office.control

    @routes.get("/statistics")
    async def statistics(router_id: UUID, access: Annotated[Access, reads]) -> Envelope[Figures]:
        """What monitoring read within half a minute, or when the router was last there."""
        watched = await office.figures.last(access.tenant_id, router_id)
        return Envelope(data=figures(watched, office.figures.age_s(watched)))

    @routes.get("/interfaces")
    async def interfaces(router_id: UUID, access: Annotated[Access, reads]) -> Envelope[Interfaces]:
        """Its interfaces, as monitoring read them."""
        watched = await office.figures.last(access.tenant_id, router_id)
        found = [
            InterfaceShown(**{name: getattr(each, name) for name in InterfaceShown.model_fields})
            for each in watched.last.interfaces
        ]
        age_s = office.figures.age_s(watched)
        return Envelope(data=Interfaces(measured_at=watched.last.at, age_s=age_s, interfaces=found))

    @routes.get("/interfaces/traffic")
    async def traffic(
        router_id: UUID,
        access: Annotated[Access, reads],
        interface: Annotated[list[Name], Query(min_length=1, max_length=20)],
    ) -> Envelope[list[TrafficShown]]:
        """What goes through these interfaces this second."""
        found = await control.traffic(access.tenant_id, router_id, interface)
        return Envelope(
            data=[
                TrafficShown(interface=each.interface, rx_bps=each.rx_bps, tx_bps=each.tx_bps)
                for each in found
            ]
        )

    @routes.post("/interfaces/{interface}/enable")
    async def enable(
        router_id: UUID, interface: Name, access: Annotated[Access, maintains]
    ) -> Told[None]:
        """Enable an interface."""
        await control.switch(access.tenant_id, router_id, interface, access.actor, enabled=True)
        return Told(data=None, message=f"{interface} is enabled.")

    @routes.post("/interfaces/{interface}/disable")
    async def disable(
        router_id: UUID,
        interface: Name,
        access: Annotated[Access, maintains],
        *,
        force: Annotated[bool, Query(description="Even if it carries our connection.")] = False,
    ) -> Told[None]:
        """Disable an interface. Refused for one that carries our own connection."""
        await control.switch(
            access.tenant_id, router_id, interface, access.actor, enabled=False, force=force
        )
        return Told(data=None, message=f"{interface} is disabled.")


def _users(routes: APIRouter, core: AdminCore) -> None:
    reads = Depends(needing(core, "routers:read"))
    writes = Depends(needing(core, "routers:write"))
    control = core.router_office.control

    @routes.get("/users")
    async def users(
        router_id: UUID,
        access: Annotated[Access, reads],
        search: Annotated[Words, Query(description="Part of name, profile or comment.")] = "",
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
        per_page: Annotated[int, Query(ge=1, le=100)] = 100,
    ) -> Envelope[Users]:
        """Its hotspot users by name; vouchers by the beginning of their code."""
        seen = await control.users(access.tenant_id, router_id)
        found = sorted(_wanted(seen.value, search.strip().lower()), key=lambda each: each.name)
        start = (page - 1) * per_page
        return Envelope(
            data=Users(
                read_at=seen.at,
                stale=seen.missed is not None,
                total=len(found),
                users=[user_shown(each) for each in found[start : start + per_page]],
            )
        )

    @routes.post("/users")
    async def add_user(
        router_id: UUID, body: UserBody, access: Annotated[Access, writes]
    ) -> Told[None]:
        """Make a hotspot user by hand. It is no voucher: nothing is sold or paid back."""
        made = NewUser(
            body.name,
            body.password.get_secret_value(),
            "",
            body.profile,
            body.comment,
            body.uptime_limit_s,
            body.bytes_limit,
            body.disabled,
        )
        await control.add_user(access.tenant_id, router_id, made, access.actor)
        return Told(data=None, message="The user is on the router.")

    @routes.put("/users/{name}")
    async def change_user(
        router_id: UUID, name: Name, body: UserChangeBody, access: Annotated[Access, writes]
    ) -> Told[None]:
        """Change a hotspot user that is no voucher."""
        password = body.password.get_secret_value() if body.password else None
        change = UserChange(
            password,
            body.profile,
            body.comment,
            body.uptime_limit_s,
            body.bytes_limit,
            body.disabled,
        )
        await control.change_user(access.tenant_id, router_id, name, change, access.actor)
        return Told(data=None, message="The user is changed.")

    @routes.delete("/users/{name}")
    async def remove_user(
        router_id: UUID, name: Name, access: Annotated[Access, writes]
    ) -> Told[None]:
        """Remove a hotspot user that is no voucher, and end its sessions."""
        await control.remove_user(access.tenant_id, router_id, name, access.actor)
        return Told(data=None, message="The user is gone.")


def _bulks(routes: APIRouter, core: AdminCore) -> None:
    reads = Depends(needing(core, "routers:read"))
    writes = Depends(needing(core, "routers:write"))
    office = core.router_office

    @routes.post("/users/bulk")
    async def begin_bulk(
        router_id: UUID, body: BulkBody, access: Annotated[Access, writes]
    ) -> Told[BulkShown]:
        """Do something to many users, in the background, behind whatever is paid for."""
        many = (
            [each.bulk() for each in body.users]
            if body.action is BulkKind.CREATE
            else [BulkUser(name) for name in body.names]
        )
        bulk = await office.bulks.begin(
            access.tenant_id, router_id, body.action, many, access.actor
        )
        return Told(data=bulk_shown(bulk), message="It is begun.")

    @routes.get("/users/bulk/{bulk_id}")
    async def show_bulk(
        router_id: UUID, bulk_id: UUID, access: Annotated[Access, reads]
    ) -> Envelope[BulkShown]:
        """How far a bulk is."""
        return Envelope(
            data=bulk_shown(await office.bulks.show(access.tenant_id, router_id, bulk_id))
        )


def _active(routes: APIRouter, core: AdminCore) -> None:
    reads = Depends(needing(core, "routers:read"))
    writes = Depends(needing(core, "routers:write"))
    control = core.router_office.control

    @routes.get("/active")
    async def active(
        router_id: UUID, access: Annotated[Access, reads]
    ) -> Envelope[list[SessionShown]]:
        """Who is online now."""
        found = await control.active(access.tenant_id, router_id)
        return Envelope(data=[session_shown(each) for each in found])

    @routes.delete("/active/{session_id}")
    async def kick(
        router_id: UUID, session_id: Name, access: Annotated[Access, writes]
    ) -> Envelope[Kicked]:
        """End all sessions of whoever has this one. A voucher may log in again."""
        count = await control.kick(access.tenant_id, router_id, session_id, access.actor)
        return Envelope(data=Kicked(sessions=count))


def _wanted(users: Sequence[ShownUser], search: str) -> list[ShownUser]:
    return [
        each
        for each in users
        if search in f"{each.name}\n{each.user.profile}\n{each.user.comment}".lower()
    ]
