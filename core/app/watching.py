"""What keeps an eye on providers, and tells how each part is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.app import rules
from core.app.ground import Ground
from core.app.hotspot import Hotspots
from core.app.stores import Stores
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.errors import Fault
from core.services.alerts import AlertDesk
from core.services.gauges import Gauges, Sources
from core.services.gift_answers import SeedAlerts
from core.services.health import HealthChecks
from core.services.review import Review
from core.services.shelf import Shelf
from core.store.alerts import PgAlerts
from core.store.circuits import RedisCircuits
from core.store.gifts import PgGiftRooms
from core.store.health import PgSales, PgStandings

Probe = Callable[[], Awaitable[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Watch:
    """What keeps an eye on the providers."""

    standings: PgStandings
    sales: PgSales
    alerts: AlertDesk
    checks: HealthChecks

    def pump(self, ground: Ground) -> Pump[Any]:
        return Pump(
            "health",
            self.checks.due,
            self.checks.check,
            Bell(),
            at_once=16,
            idle_s=min(10.0, ground.settings.health_check_every_s),
        )


def watch(ground: Ground, kept: Stores, shelf: Shelf) -> Watch:
    database, clock = ground.database, ground.clock
    standings = PgStandings(database, clock)
    every_s = ground.settings.health_check_every_s
    return Watch(
        standings=standings,
        sales=PgSales(database, clock),
        alerts=AlertDesk(PgAlerts(database, clock)),
        checks=HealthChecks(shelf, kept.tenants, standings, clock, every_s=every_s),
    )


def review(
    ground: Ground, watched: Watch, shelf: Shelf, circuits: RedisCircuits, rooms: PgGiftRooms
) -> Review:
    return Review(
        shelf,
        circuits,
        watched.standings,
        watched.sales,
        watched.alerts,
        SeedAlerts(rooms, watched.alerts),
        ground.clock,
        rules.health_rules(ground.settings),
    )


def review_pump(ground: Ground, reviewing: Review) -> Pump[Any]:
    return Pump(
        "review",
        reviewing.due,
        reviewing.look_over,
        Bell(),
        at_once=1,
        idle_s=min(2.0, ground.settings.health_review_every_s),
    )


def gauges(kept: Stores, watched: Watch, circuits: RedisCircuits, sites: Hotspots) -> Gauges:
    standings = watched.standings
    return Gauges(
        Sources(
            standings=standings.everything,
            circuit=circuits.state,
            alerts=standings.alert_counts,
            paused=standings.paused,
            order_lag_s=kept.orders.lag_s,
            notice_lag_s=standings.notice_lag_s,
            ledger_sums=standings.ledger_sums,
            routers=sites.routers.statuses,
            vouchers=sites.book.waiting,
            waiting=kept.orders.waiting,
        )
    )


def probes(ground: Ground, kept: Stores, reviewing: Review) -> Mapping[str, Probe]:
    """How each part is; `worker` is unwell when due orders wait for it."""

    async def ask_database() -> Mapping[str, object]:
        await ground.database.call("select 1")
        return {}

    async def ask_redis() -> Mapping[str, object]:
        await kept.conversations.ping()
        return {}

    async def ask_worker() -> Mapping[str, object]:
        lag_s = await kept.orders.lag_s()
        if lag_s > rules.WORKER_LAG_MAX_S:
            await reviewing.look_for_stuck()  # where no worker runs, nobody else tells of it
            raise Fault(f"orders wait {lag_s:.0f} s for a worker")
        return {"lag_s": round(lag_s, 1)}

    return {"database": ask_database, "redis": ask_redis, "worker": ask_worker}
