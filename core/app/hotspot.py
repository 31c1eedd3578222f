"""Hotspots: what is sold there, and what brings it to the routers."""

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from core.app import rules
from core.app.ground import Ground
from core.app.stores import Stores
from core.jobs.routers import batch_pump, router_pump, voucher_clock
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.ports import Alerts
from core.ports.hotspot import HotspotRouters
from core.ports.voucher_backend import VoucherBackend
from core.providers.addresses import Reach
from core.providers.hotspot import HOTSPOT_ROUTERS, freeradius
from core.providers.pictures.logins import DrawnLogins
from core.providers.pictures.sheets import PrintedSheets
from core.services.login_pictures import LoginPictures
from core.services.router_delivery import RouterDelivery
from core.services.voucher_batches import BatchDesk
from core.services.voucher_desk import VoucherDesk
from core.services.voucher_plans import PlanDesk
from core.services.voucher_sheets import VoucherSheets
from core.services.vouchers import Vouchers
from core.settings import bad_setting
from core.store.hotspot_plans import PgHotspotPlans
from core.store.router_ops import PgRouterOps
from core.store.router_requests import RedisRouterRequests
from core.store.routers import PgRouters
from core.store.voucher_batches import PgVoucherBatches
from core.store.vouchers import PgVouchers


@dataclass(frozen=True, slots=True)
class Hotspots:
    """Plans, routers and vouchers.

    Attributes:
        fleet: The routers themselves. Only workers may ask them: each has one worker by its lease.
        keeper: Who keeps vouchers instead of the routers, where somebody does.
    """

    plans: PgHotspotPlans
    routers: PgRouters
    book: PgVouchers
    ops: PgRouterOps
    batches: PgVoucherBatches
    vouchers: Vouchers
    desk: VoucherDesk
    batch_desk: BatchDesk
    plan_desk: PlanDesk
    sheets: VoucherSheets
    logins: LoginPictures
    fleet: HotspotRouters
    keeper: VoucherBackend | None
    pumps: tuple[Pump[Any], ...]


def hotspots(ground: Ground, kept: Stores, alerts: Alerts) -> Hotspots:
    settings, database = ground.settings, ground.database
    keyring, clock = ground.keyring, ground.clock
    plans, routers = PgHotspotPlans(database), PgRouters(database, keyring)
    book = PgVouchers(database, keyring, clock, void_after_s=settings.voucher_void_after_s)
    ops = PgRouterOps(database, keyring, clock)
    batches = PgVoucherBatches(database, keyring, clock)
    reach = Reach.PUBLIC_OR_HERE if settings.demo else Reach.PUBLIC
    fleet = HOTSPOT_ROUTERS["routeros"]({}, RedisRouterRequests(ground.line), clock, reach)
    ground.stack.push_async_callback(fleet.aclose)
    work, orders = Bell(), Bell()
    delivery_rules = rules.delivery_rules(settings)
    keeper = _keeper(ground)
    delivery = RouterDelivery(ops, fleet, alerts, clock, delivery_rules, keeper)
    batch_desk = BatchDesk(batches, plans, routers, kept.customers, clock, orders)
    return Hotspots(
        plans=plans,
        routers=routers,
        book=book,
        ops=ops,
        batches=batches,
        vouchers=Vouchers(
            book,
            plans,
            routers,
            kept.customers,
            clock,
            work,
            rules.voucher_rules(settings),
        ),
        desk=VoucherDesk(book, ops, kept.customers),
        batch_desk=batch_desk,
        plan_desk=PlanDesk(plans, routers, clock),
        sheets=VoucherSheets(
            batches, routers, kept.tenants, ground.texts, PrintedSheets(), kept.backoffice
        ),
        logins=LoginPictures(
            book, routers, kept.customers, kept.tenants, ground.texts, DrawnLogins()
        ),
        fleet=fleet,
        keeper=keeper,
        pumps=(
            router_pump(ops, delivery, delivery_rules, work),
            voucher_clock(book),
            batch_pump(batches, batch_desk, orders),
        ),
    )


def _keeper(ground: Ground) -> VoucherBackend | None:
    """Who keeps vouchers instead of the routers, where somebody does."""
    if ground.settings.vouchers_by == "routers":
        return None
    try:
        given = freeradius.Settings()
    except ValidationError as error:
        raise bad_setting(error, "FREERADIUS_") from None
    keeper = freeradius.FreeRadius(given)
    ground.stack.push_async_callback(keeper.aclose)
    return keeper
