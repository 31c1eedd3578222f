"""Hotspot routers: who looks at them, and what operators do about them."""

from dataclasses import dataclass
from typing import Any

from core.app import rules
from core.app.ground import Ground
from core.app.hotspot import Hotspots
from core.app.stores import Stores
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.ports import Alerts
from core.ports.hotspot import HotspotRouters
from core.providers.addresses import Reach
from core.providers.hotspot import HOTSPOT_ROUTERS
from core.services.router_backups import RouterBackupDesk
from core.services.router_bulks import RouterBulkDesk
from core.services.router_control import RouterControl
from core.services.router_desk import RouterDesk
from core.services.router_figures import RouterFigures
from core.services.router_import import RouterImport
from core.services.router_watch import RouterWatch
from core.services.routers import RouterOffice
from core.store.router_history import PgRouterHistory
from core.store.router_requests import RedisRouterRequests
from core.store.router_upkeep import PgRouterBackups, PgRouterBulks

_WATCHED_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Routers:
    """What operators do, and what workers do for it.

    Attributes:
        by_hand: The way of whoever waits for a router: operators, and customers whose voucher does
            not work.
    """

    by_hand: HotspotRouters
    office: RouterOffice
    pumps: tuple[Pump[Any], ...]


def routers(ground: Ground, kept: Stores, sites: Hotspots, alerts: Alerts) -> Routers:
    """Nothing is connected to until somebody asks."""
    settings, database = ground.settings, ground.database
    keyring, clock = ground.keyring, ground.clock
    history = PgRouterHistory(database, sites.routers, clock)
    # Operators' own way: one connection to a router, as what they ask is never paid for. Workers
    # have the rest; requests are counted for both together.
    reach = Reach.PUBLIC_OR_HERE if settings.demo else Reach.PUBLIC
    requests = RedisRouterRequests(ground.line)
    by_hand = HOTSPOT_ROUTERS["routeros"]({"connections": 2}, requests, clock, reach)
    ground.stack.push_async_callback(by_hand.aclose)
    desk = RouterDesk(sites.routers, history, by_hand, alerts, clock)
    bulks = PgRouterBulks(database, sites.routers, keyring, clock)
    backups = PgRouterBackups(database, keyring)
    office = RouterOffice(
        desk=desk,
        figures=RouterFigures(history, clock),
        control=RouterControl(desk, by_hand, kept.backoffice, clock),
        backups=RouterBackupDesk(desk, by_hand, backups, kept.backoffice, clock),
        bulks=RouterBulkDesk(desk, sites.fleet, bulks, clock),
        imports=RouterImport(desk),
    )
    watch = RouterWatch(
        sites.routers,
        history,
        sites.fleet,
        alerts,
        sites.ops,
        clock,
        rules.watch_rules(settings),
    )
    return Routers(
        by_hand,
        office,
        (
            Pump(
                "router watch",
                watch.due,
                watch.look,
                Bell(),
                at_once=_WATCHED_AT_ONCE,
                idle_s=min(0.5, settings.router_watch_every_s / 10),
            ),
            Pump(
                "router bulks",
                office.bulks.due,
                office.bulks.work_off,
                Bell(),
                at_once=4,
                idle_s=1.0,
            ),
        ),
    )
