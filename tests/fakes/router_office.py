"""Routers that are watched: a real store, simulated routers over real sockets, one clock."""

import datetime as dt
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from core.domain.hotspot import Limits, RouterStatus
from core.domain.hotspot import Router as Site
from core.kit import ids
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports import Alert, Event
from core.ports.router_history import Watched
from core.providers.addresses import Reach
from core.providers.hotspot.budget import OnlyHere
from core.providers.hotspot.routeros import RouterOsFleet, Settings
from core.providers.hotspot.rules import Rules
from core.services.router_watch import RouterWatch, WatchRules
from core.store.database import Database
from core.store.router_history import PgRouterHistory
from core.store.routers import PgRouters
from sandbox.routeros.fleet import Router
from tests.fakes.hotspot import QUICK, access

KEYRING = Keyring("a secret key of a test")
EVENT = Event("test", "test", "test", {})


@dataclass
class ToldAlerts:
    """`core.ports.Alerts`: what was opened and closed, in order."""

    told: list[str] = field(default_factory=list)
    standing: dict[str, Alert] = field(default_factory=dict)

    async def open(self, alert: Alert) -> bool:
        new = alert.key not in self.standing
        if new:
            self.told.append(f"+{alert.kind.value}")
        self.standing.setdefault(alert.key, alert)
        return new

    async def close(self, tenant_id: UUID, key: str) -> bool:
        closed = self.standing.pop(key, None)
        if closed is not None:
            self.told.append(f"-{closed.kind.value}")
        return closed is not None


@dataclass
class ToldDelivery:
    """`core.services.router_watch.Delivery`, told to a test."""

    woken: list[UUID] = field(default_factory=list)
    logins: list[list[str]] = field(default_factory=list)

    async def wake(self, tenant_id: UUID, router_id: UUID) -> None:
        self.woken.append(router_id)

    async def online(self, tenant_id: UUID, router_id: UUID, users: Sequence[str]) -> None:
        self.logins.append(list(users))


@dataclass
class Watching:
    """One process that looks at routers."""

    tenant_id: UUID
    book: PgRouters
    history: PgRouterHistory
    fleet: RouterOsFleet
    watch: RouterWatch
    alerts: ToldAlerts
    delivery: ToldDelivery
    clock: Clock

    async def add(self, router: Router, **different: Any) -> Site:
        site = Site(ids.uuid7(), self.tenant_id, router.name, access(router))
        limits = {name: different.pop(name) for name in list(different) if "max" in name}
        site = replace(site, limits=replace(Limits(), **limits), **different)
        assert await self.book.add(site, EVENT, self.clock.now())
        return site

    async def look(self) -> int:
        """Look at whatever is due; how many those were."""
        await self.watch.due(0)  # rows of new routers
        due = await self.watch.due(1000)
        for each in due:
            await self.watch.look(each)
        return len(due)

    async def site(self, of: Site) -> Site:
        found = await self.book.get(self.tenant_id, of.id)
        assert found is not None
        return found

    async def status(self, of: Site) -> RouterStatus:
        return (await self.site(of)).status

    async def last(self, of: Site) -> Watched:
        found = await self.history.last(self.tenant_id, of.id)
        assert found is not None
        return found


@asynccontextmanager
async def watching(
    database: Database,
    tenant_id: UUID,
    clock: Clock,
    rules: WatchRules | None = None,
    asking: Rules = QUICK,
) -> AsyncIterator[Watching]:
    book = PgRouters(database, KEYRING)
    history = PgRouterHistory(database, book, clock)
    fleet = RouterOsFleet(Settings(), OnlyHere(), clock, Reach.ANYWHERE, asking)
    alerts, delivery = ToldAlerts(), ToldDelivery()
    watch = RouterWatch(book, history, fleet, alerts, delivery, clock, rules or WatchRules())
    try:
        yield Watching(tenant_id, book, history, fleet, watch, alerts, delivery, clock)
    finally:
        await fleet.aclose()


def ago(clock: Clock, **delta: float) -> dt.datetime:
    return clock.now() - dt.timedelta(**delta)
