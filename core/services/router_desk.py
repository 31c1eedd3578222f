"""What operators do with their routers' records: add, change, remove, look, test."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict
from uuid import UUID

from core.domain.hotspot import Router, RouterStatus
from core.domain.router_watch import KINDS
from core.domain.routers import RouterAccess
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Alerts, Event, Paging
from core.ports.hotspot import Examination, HotspotRouters
from core.ports.hotspot_books import RouterBook, RouterQuery
from core.ports.router_history import RouterHistory
from core.services.router_faults import faults
from core.services.router_words import of_forbidden

_PORTS = {False: 8728, True: 8729}
_NO_PORT = 0
_LIMITS = ("active_users_max", "bandwidth_max_bps", "addresses_used_max_percent")
_PLACE = ("location", "latitude", "longitude")
_ACCESS = ("host", "port", "username", "password", "tls", "certificate")
_OWN = ("name", "server", "login_url", "group", "selling")
_SECRET = ("password", "certificate")
_OF_ANOTHER_HOST = "was given for another host: give it again"


class UnknownRouter(Problem):
    code = "router.unknown"


class RouterNameTaken(Problem):
    code = "router.name_taken"


class RouterOwesVouchers(Problem):
    """Somebody paid for a code there that is not used up."""

    code = "router.owes_vouchers"


class NotConfirmed(Problem):
    """What was to be typed was not."""

    code = "router.not_confirmed"


class BadRouter(Problem):
    """`fields` says what is wrong, field by field."""

    code = "router.invalid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields=dict(fields))
        self.fields = fields


class RouterFields(TypedDict, total=False):
    """What is to be set of a router; what is not there stays as it is."""

    name: str
    host: str
    port: int
    username: str
    password: str
    tls: bool
    certificate: str
    server: str
    login_url: str
    location: str
    latitude: float | None
    longitude: float | None
    group: str
    active_users_max: int | None
    bandwidth_max_bps: int | None
    addresses_used_max_percent: int
    selling: bool


@dataclass(frozen=True, slots=True)
class Tested:
    """An examination, and how long it took."""

    examination: Examination
    elapsed_ms: int


class RouterDesk:
    """Each change is written down with who made it. Passwords go in and never come out."""

    def __init__(
        self,
        book: RouterBook,
        history: RouterHistory,
        routers: HotspotRouters,
        alerts: Alerts,
        clock: Clock,
    ) -> None:
        self._book = book
        self._history = history
        self._routers = routers
        self._alerts = alerts
        self._clock = clock

    async def add(self, tenant_id: UUID, wanted: RouterFields, actor: str) -> Router:
        """A new router. Monitoring looks at it within seconds.

        Raises:
            BadRouter: a field is wrong or missing; nothing was made.
            RouterNameTaken: the tenant has one of that name.
        """
        router = _new(tenant_id, wanted)
        event = _event(router.id, "router.added", actor, wanted)
        if not await self._book.add(router, event, self._clock.now()):
            raise RouterNameTaken
        return router

    async def remark(self, router: Router) -> str:
        """What is known to stand in the way before it is looked at; "" for nothing."""
        access = router.access
        return of_forbidden(access.host) if await self._routers.forbids(access) else ""

    async def check(self, tenant_id: UUID, wanted: RouterFields) -> None:
        """Whether it could be added now. Raises as `add` does."""
        router = _new(tenant_id, wanted)
        with contextlib.suppress(UnknownRouter):
            await self.named(tenant_id, router.name)
            raise RouterNameTaken

    async def change(
        self, tenant_id: UUID, router_id: UUID, wanted: RouterFields, actor: str
    ) -> Router:
        """Set what is wanted.

        Raises:
            UnknownRouter: there is none of this id.
            BadRouter: a field is wrong, or the password would go to another host than it was
                given for; nothing was changed.
            RouterNameTaken: the tenant has another of that name.
        """
        before = await self.show(tenant_id, router_id)
        router = _changed(before, wanted)
        wrong = faults(router)
        if router.access.host != before.access.host and "password" not in wanted:
            wrong |= {"password": _OF_ANOTHER_HOST}
        if wrong:
            raise BadRouter(wrong)
        event = _event(router_id, "router.changed", actor, wanted)
        now = self._clock.now()
        if not await self._book.change(router, event, now):
            await self.show(tenant_id, router_id)  # removed meanwhile, or else the name
            raise RouterNameTaken
        if router.access != before.access:
            await self._routers.forget(router_id)
            await self.look_again(tenant_id, router_id)
        return await self.show(tenant_id, router_id)

    async def remove(self, tenant_id: UUID, router_id: UUID, actor: str) -> None:
        """Forget a router. What stands on it stays there.

        Raises:
            UnknownRouter: there is none of this id.
            RouterOwesVouchers: somebody paid for a code there that is not over.
        """
        await self.show(tenant_id, router_id)
        event = Event(subject(router_id), "router.removed", actor, {})
        if not await self._book.remove(tenant_id, router_id, event, self._clock.now()):
            raise RouterOwesVouchers
        await self._routers.forget(router_id)
        for kind in KINDS:
            await self._alerts.close(tenant_id, alert_key(router_id, kind))

    async def attended(self, tenant_id: UUID, router_id: UUID, actor: str) -> Router:
        """Somebody put it right: it is looked at, compared, and worked on again.

        Raises:
            UnknownRouter: there is none of this id.
        """
        router = await self.show(tenant_id, router_id)
        if router.status is RouterStatus.NEEDS_ATTENTION:
            facts: dict[str, object] = {"was": router.attention}
            event = Event(subject(router_id), "router.attended", actor, facts)
            await self._book.attended(router, event, self._clock.now())
            await self.look_again(tenant_id, router_id)
        return await self.show(tenant_id, router_id)

    async def let_go(
        self, tenant_id: UUID, router_id: UUID, users: int, confirmed: str, actor: str
    ) -> None:
        """Let so many of our users be removed from it at once, as they are no vouchers any more.

        An alert told how many those are; are they more by then, none is removed. Good for an hour
        and for one time. `confirmed` is the router's name, typed by whoever wants this.

        Raises:
            UnknownRouter: there is none of this id.
            NotConfirmed: that is not its name.
        """
        router = await self.show(tenant_id, router_id)
        if confirmed != router.name:
            raise NotConfirmed
        event = Event(subject(router_id), "router.let_go", actor, {"users": users})
        await self._book.let_go(router, users, event, self._clock.now())

    async def look_again(self, tenant_id: UUID, router_id: UUID) -> None:
        """Have monitoring look at it now."""
        await self._history.look_at(tenant_id, router_id, self._clock.now())

    async def show(self, tenant_id: UUID, router_id: UUID) -> Router:
        """Raises `UnknownRouter`."""
        found = await self._book.get(tenant_id, router_id)
        if found is None:
            raise UnknownRouter
        return found

    async def named(self, tenant_id: UUID, name: str) -> Router:
        """Raises `UnknownRouter`."""
        rows = await self._book.listed(tenant_id, RouterQuery(search=name), Paging(100))
        for router in rows:
            if router.name == name:
                return router
        raise UnknownRouter

    async def listed(self, tenant_id: UUID, query: RouterQuery, paging: Paging) -> Sequence[Router]:
        """One page and the row after it."""
        return await self._book.listed(tenant_id, query, paging)

    async def count(self, tenant_id: UUID, query: RouterQuery) -> int:
        return await self._book.count(tenant_id, query)

    async def test(self, tenant_id: UUID, router_id: UUID) -> Tested:
        """Examine a router step by step, on a connection of its own.

        Raises:
            UnknownRouter: there is none of this id.
        """
        router = await self.show(tenant_id, router_id)
        return await self._examined(router.id, router.access)

    async def test_unsaved(self, tenant_id: UUID, wanted: RouterFields) -> Tested:
        """Examine what is not kept yet, and keep nothing of it.

        Raises:
            BadRouter: a field that says how it is reached is wrong.
        """
        router = _changed(_bare(tenant_id), wanted)
        if wrong := {name: what for name, what in faults(router).items() if name in _ACCESS}:
            raise BadRouter(wrong)
        access = router.access
        # Whoever tests the same place again and again asks it no more often than one may.
        place = ids.derived("router-test", str(tenant_id), access.host, str(access.port))
        try:
            return await self._examined(place, access)
        finally:
            await self._routers.forget(place)

    async def _examined(self, router_id: UUID, access: RouterAccess) -> Tested:
        started = asyncio.get_running_loop().time()
        examination = await self._routers.of(router_id, access).examine()
        elapsed_s = asyncio.get_running_loop().time() - started
        return Tested(examination, round(elapsed_s * 1000))


def subject(router_id: UUID) -> str:
    """As events name it."""
    return f"router/{router_id}"


def alert_key(router_id: UUID, kind: str) -> str:
    return f"{kind}/{router_id}"


def _new(tenant_id: UUID, wanted: RouterFields) -> Router:
    """Raises `BadRouter`."""
    router = _changed(_bare(tenant_id), wanted)
    if wrong := faults(router):
        raise BadRouter(wrong)
    return router


def _bare(tenant_id: UUID) -> Router:
    return Router(ids.uuid7(), tenant_id, "", RouterAccess("", "", "", port=_NO_PORT))


def _changed(router: Router, wanted: RouterFields) -> Router:
    """With what is wanted. Without a port it is the API's own, plain or with TLS."""
    access = replace(router.access, **_of(wanted, _ACCESS))
    before = router.access
    if "port" not in wanted and before.port in {_NO_PORT, _PORTS[before.tls]}:
        access = replace(access, port=_PORTS[access.tls])
    return replace(
        router,
        access=access,
        place=replace(router.place, **_of(wanted, _PLACE)),
        limits=replace(router.limits, **_of(wanted, _LIMITS)),
        **_of(wanted, _OWN),
    )


def _of(wanted: RouterFields, names: Sequence[str]) -> dict[str, Any]:
    given: Mapping[str, Any] = {**wanted}
    return {name: given[name] for name in names if name in given}


def _event(router_id: UUID, kind: str, actor: str, wanted: RouterFields) -> Event:
    """What was set, for the audit; of secrets only which."""
    facts: dict[str, object] = {
        name: value for name, value in wanted.items() if name not in _SECRET
    }
    if secret := sorted(name for name in _SECRET if name in wanted):
        facts["secrets"] = secret
    return Event(subject(router_id), kind, actor, facts)
