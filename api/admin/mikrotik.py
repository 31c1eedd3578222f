"""What is on a router itself: `/mikrotik/{id}`.

Statistics and interfaces are what monitoring read within half a minute, with their age. Users,
sessions and traffic are asked for now: by this process, over one connection at most.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Told, Words
from api.admin.router_shapes import Figures, figures
from core.domain.routers import NewUser, UserChange
from core.ports.router_upkeep import Bulk, BulkKind, BulkUser
from core.services.router_bulks import USERS_MAX
from core.services.router_control import ShownSession, ShownUser

_Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f]+$")]
_Limit = Annotated[int, Field(ge=0)]


class InterfaceShown(Answer):
    """Bytes are since the router started."""

    name: str
    kind: str
    running: bool
    disabled: bool
    mac: str
    rx_bytes: int
    tx_bytes: int
    comment: str


class Interfaces(Answer):
    measured_at: dt.datetime | None
    age_s: int | None
    interfaces: list[InterfaceShown]


class TrafficShown(Answer):
    interface: str
    rx_bps: int
    tx_bps: int


class UserBody(BaseModel):
    """A hotspot user made by hand; limits of 0 are none."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: _Name
    password: SecretStr = Field(SecretStr(""), max_length=64)
    profile: _Name = "default"
    comment: Words = ""
    uptime_limit_s: _Limit = 0
    bytes_limit: _Limit = 0
    disabled: bool = False

    def bulk(self) -> BulkUser:
        return BulkUser(
            self.name,
            self.password.get_secret_value(),
            self.profile,
            self.comment,
            self.uptime_limit_s,
            self.bytes_limit,
            self.disabled,
        )


class UserChangeBody(BaseModel):
    """What to set. What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: SecretStr | None = Field(None, max_length=64)
    profile: _Name | None = None
    comment: Words | None = None
    uptime_limit_s: _Limit | None = None
    bytes_limit: _Limit | None = None
    disabled: bool | None = None


class BulkBody(BaseModel):
    """What to do to many: `create` takes `users`, the others take `names`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    action: BulkKind
    users: list[UserBody] = Field([], max_length=USERS_MAX)
    names: list[_Name] = Field([], max_length=USERS_MAX)


class UserShown(Answer):
    """`is_voucher`: one of ours, by the beginning of its code; it is changed as a voucher."""

    name: str
    is_voucher: bool
    server: str
    profile: str
    comment: str
    disabled: bool
    uptime_limit_s: int
    bytes_limit: int
    uptime_s: int
    bytes_used: int


class Users(Answer):
    """`stale` is true while the router is away: then this is what it last had."""

    read_at: dt.datetime
    stale: bool
    total: int
    users: list[UserShown]


class SessionShown(Answer):
    """`id` is good for as long as the session lasts."""

    id: str
    user: str
    server: str
    address: str
    mac: str
    login_by: str
    uptime_s: int
    time_left_s: int | None
    bytes_in: int
    bytes_out: int


class Kicked(Answer):
    sessions: int


class BulkShown(Answer):
    """How far it is: `done` of `total`; `failed` says why by the place in the list, from 1."""

    id: UUID
    action: BulkKind
    status: str
    total: int
    done: int
    failed: dict[int, str]
    created_at: dt.datetime
    created_by: str
    ended_at: dt.datetime | None


def router(core: AdminCore) -> APIRouter:
    routes = APIRouter(prefix="/mikrotik/{router_id}", tags=["mikrotik"])
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
        interface: Annotated[list[_Name], Query(min_length=1, max_length=20)],
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
        router_id: UUID, interface: _Name, access: Annotated[Access, maintains]
    ) -> Told[None]:
        """Enable an interface."""
        await control.switch(access.tenant_id, router_id, interface, access.actor, enabled=True)
        return Told(data=None, message=f"{interface} is enabled.")

    @routes.post("/interfaces/{interface}/disable")
    async def disable(
        router_id: UUID,
        interface: _Name,
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
                users=[_user(each) for each in found[start : start + per_page]],
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
        router_id: UUID, name: _Name, body: UserChangeBody, access: Annotated[Access, writes]
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
        router_id: UUID, name: _Name, access: Annotated[Access, writes]
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
        return Told(data=_bulk(bulk), message="It is begun.")

    @routes.get("/users/bulk/{bulk_id}")
    async def show_bulk(
        router_id: UUID, bulk_id: UUID, access: Annotated[Access, reads]
    ) -> Envelope[BulkShown]:
        """How far a bulk is."""
        return Envelope(data=_bulk(await office.bulks.show(access.tenant_id, router_id, bulk_id)))


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
        return Envelope(data=[_session(each) for each in found])

    @routes.delete("/active/{session_id}")
    async def kick(
        router_id: UUID, session_id: _Name, access: Annotated[Access, writes]
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


def _user(shown: ShownUser) -> UserShown:
    user = shown.user
    return UserShown(
        name=shown.name,
        is_voucher=shown.voucher,
        server=user.server,
        profile=user.profile,
        comment=user.comment,
        disabled=user.disabled,
        uptime_limit_s=user.uptime_limit_s,
        bytes_limit=user.bytes_limit,
        uptime_s=user.uptime_s,
        bytes_used=user.bytes_in + user.bytes_out,
    )


def _session(shown: ShownSession) -> SessionShown:
    session = shown.session
    fields = {name: getattr(session, name) for name in SessionShown.model_fields if name != "user"}
    return SessionShown(**fields, user=shown.user)


def _bulk(bulk: Bulk) -> BulkShown:
    return BulkShown(
        id=bulk.id,
        action=bulk.kind,
        status=bulk.state,
        total=bulk.total,
        done=bulk.done,
        failed=dict(bulk.failed),
        created_at=bulk.created_at,
        created_by=bulk.created_by,
        ended_at=bulk.ended_at,
    )
