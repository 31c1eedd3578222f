"""Hotspot routers: who looks at them, and what operators do about them."""

import contextlib
from dataclasses import dataclass
from typing import Any

from core.app import rules
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports import Alerts, Backoffice
from core.ports.hotspot import HotspotRouters, RouterRequests
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
from core.settings import Settings
from core.store.database import Database
from core.store.router_history import PgRouterHistory
from core.store.router_ops import PgRouterOps
from core.store.router_upkeep import PgRouterBackups, PgRouterBulks
from core.store.routers import PgRouters

_KIND = "routeros"
_WATCHED_AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Routers:
    """`fleet` is the workers' way to routers, the office has one of its own."""

    fleet: HotspotRouters
    book: PgRouters
    office: RouterOffice
    pumps: tuple[Pump[Any], ...]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What routers need of the rest."""

    settings: Settings
    database: Database
    keyring: Keyring
    requests: RouterRequests
    alerts: Alerts
    backoffice: Backoffice
    clock: Clock


def open_routers(around: Surroundings, stack: contextlib.AsyncExitStack) -> Routers:
    """Nothing is connected to until somebody asks; all of it is closed when the stack ends."""
    settings, database, clock = around.settings, around.database, around.clock
    book = PgRouters(database, around.keyring)
    history = PgRouterHistory(database, book, clock)
    fleet = _fleet(around, {}, stack)
    # Operators' own way, of one connection to a router: workers have the rest.
    by_hand = _fleet(around, {"connections": 1}, stack)
    desk = RouterDesk(book, history, by_hand, around.alerts, clock)
    bulks = PgRouterBulks(database, book, around.keyring, clock)
    backups = PgRouterBackups(database, around.keyring)
    office = RouterOffice(
        desk=desk,
        figures=RouterFigures(history, clock),
        control=RouterControl(desk, by_hand, around.backoffice),
        backups=RouterBackupDesk(desk, by_hand, backups, around.backoffice, clock),
        bulks=RouterBulkDesk(desk, fleet, bulks, clock),
        imports=RouterImport(desk),
    )

    ops = PgRouterOps(database, around.keyring, clock)
    watch = RouterWatch(
        book, history, fleet, around.alerts, ops.wake, clock, rules.watch_rules(settings)
    )
    return Routers(
        fleet,
        book,
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


def _fleet(
    around: Surroundings, given: dict[str, object], stack: contextlib.AsyncExitStack
) -> HotspotRouters:
    reach = Reach.PUBLIC_OR_HERE if around.settings.demo else Reach.PUBLIC
    fleet = HOTSPOT_ROUTERS[_KIND](given, around.requests, around.clock, reach)
    stack.push_async_callback(fleet.aclose)
    return fleet
