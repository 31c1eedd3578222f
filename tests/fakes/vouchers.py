"""Vouchers on a real store and simulated routers over real sockets, with one clock for all."""

import contextlib
import dataclasses
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from core.domain.customers import Customer
from core.domain.hotspot import HotspotPlan, RouterStatus, Terms
from core.domain.hotspot import Router as Site
from core.domain.routers import RouterAccess
from core.domain.vouchers import SaleState, SyncState, Voucher, mark_of
from core.kit import ids
from core.kit.bell import Bell
from core.kit.crypto import Keyring
from core.kit.msisdn import Msisdn
from core.ports import Alert, Event
from core.providers.addresses import Reach
from core.providers.hotspot.budget import OnlyHere
from core.providers.hotspot.routeros import RouterOsFleet, Settings
from core.services.router_delivery import DeliveryRules, RouterDelivery
from core.services.voucher_batches import BatchDesk, BatchOrder
from core.services.voucher_desk import VoucherDesk
from core.services.vouchers import Purchase, SaleRules, Vouchers
from core.store.hotspot_plans import PgHotspotPlans
from core.store.router_ops import PgRouterOps
from core.store.routers import PgRouters
from core.store.voucher_batches import PgVoucherBatches
from core.store.vouchers import PgVouchers
from sandbox.routeros import hotspot
from sandbox.routeros.fleet import Router
from sandbox.routeros.hotspot import Device, NotLetIn
from sandbox.routeros.plan import Plan
from sandbox.routeros.schema import USERS
from sandbox.routeros.tables import Row
from tests.fakes.books import Books
from tests.fakes.hotspot import IMPATIENT, QUICK, access
from tests.fakes.routers import fleet_of

PRICE = 200_00
HOUR = Terms(online_s=3600, data_bytes=1024**3)
EVENT = Event("test", "test", "test", {})
PHONE = "02:AA:00:00:00:01"
LEASE_S = 30.0
_ENDS = ("notice.voucher_ready", "notice.voucher_refunded")


@dataclass
class HeardAlerts:
    """`core.ports.Alerts`, told to a test."""

    standing: dict[str, Alert] = field(default_factory=dict)

    async def open(self, alert: Alert) -> bool:
        new = alert.key not in self.standing
        self.standing.setdefault(alert.key, alert)
        return new

    async def close(self, tenant_id: UUID, key: str) -> bool:
        return self.standing.pop(key, None) is not None

    @property
    def kinds(self) -> set[str]:
        return {key.rsplit(":", 1)[1] for key in self.standing}


@dataclass
class Worker:
    """One process that works on routers."""

    ops: PgRouterOps
    fleet: RouterOsFleet
    delivery: RouterDelivery
    name: str

    async def once(self) -> int:
        """Work on whatever router is due; how many those were."""
        leases = await self.ops.claim(self.name, 100, LEASE_S)
        for lease in leases:
            await self.delivery.work(lease)
        return len(leases)


@dataclass
class VoucherWorld:
    """Everything that a voucher meets. `router` is the simulated one, `site` is its row."""

    books: Books
    router: Router
    site: Site
    plan: HotspotPlan
    book: PgVouchers
    plans: PgHotspotPlans
    sites: PgRouters
    ops: PgRouterOps
    batches: PgVoucherBatches
    vouchers: Vouchers
    desk: VoucherDesk
    batch_desk: BatchDesk
    alerts: HeardAlerts
    workers: list[Worker]

    @property
    def worker(self) -> Worker:
        return self.workers[0]

    @property
    def tenant_id(self) -> UUID:
        return self.books.tenant.id

    async def buy(
        self,
        customer: Customer,
        *,
        key: str = "one",
        plan: HotspotPlan | None = None,
        recipient: Msisdn | None = None,
        agreed: bool = True,
    ) -> Purchase:
        offer = await self.vouchers.offer(plan or self.plan, self.site.id)
        return await self.vouchers.buy(
            offer,
            key=key,
            tenant=self.books.tenant,
            customer=customer,
            channel_id=self.books.channel.id,
            identity=customer.msisdn,
            until=0.0,
            recipient=recipient,
            agreed=agreed,
        )

    async def stocked(self, quantity: int) -> None:
        """So many vouchers of a batch, owed to the router."""
        order = BatchOrder(quantity, self.plan.code, self.site.id, auto_activate=True)
        await self.batch_desk.generate(self.books.tenant, order, key="batch", actor="test")
        [batch] = await self.batches.due(5, 60)
        await self.batch_desk.fill(batch)

    def add_foreign(self, *names: str, comment: str) -> None:
        """Users that the operator made by hand."""
        box = self.router.box
        for name in names:
            told = {"name": name, "password": name, "server": "hotspot1", "comment": comment}
            box[USERS].add(told, box.__getitem__, box.now_s())

    def names(self) -> list[str]:
        """Of all users on the router."""
        return [row.values["name"] for row in self.router.box[USERS]]

    def later(self, seconds: float) -> None:
        self.books.clock.advance(seconds)

    async def work(self, times: int = 50) -> None:
        """Until nothing is due now, or so often."""
        for _ in range(times):
            if not await self.worker.once():
                return

    async def settle(self, voucher_id: UUID, within_s: float = 7200) -> Voucher:
        """Let workers and time go on until money and router agree, or so long has passed."""
        waited = 0.0
        while True:
            await self.work()
            await self.book.turn_over(100)
            await self.work()
            found = await self.voucher(voucher_id)
            if _settled(found) or waited >= within_s:
                return found
            self.later(90)
            waited += 90

    async def voucher(self, voucher_id: UUID) -> Voucher:
        found = await self.book.get(self.tenant_id, voucher_id)
        assert found is not None
        return found

    async def see(self, status: RouterStatus) -> None:
        """What monitoring finds."""
        site = await self.sites.get(self.tenant_id, self.site.id)
        assert site is not None
        await self.sites.found(site, status, self.books.clock.now())

    def on_router(self) -> list[Row]:
        """The router's users that bear our mark."""
        return [row for row in self.router.box[USERS] if _comment(row).startswith("hb1:")]

    def users_of(self, voucher: Voucher) -> list[Row]:
        return [row for row in self.on_router() if _comment(row).startswith(mark_of(voucher.id))]

    def enter(self, code: str | None, mac: str = PHONE) -> str:
        """Log in as a phone does: empty when let in, else why not."""
        assert code is not None
        try:
            hotspot.log_in(self.router.box, Device(mac, code))
        except NotLetIn as reason:
            return str(reason)
        hotspot.log_out(self.router.box, code)
        return ""

    async def told(self, customer: Customer) -> set[str]:
        """The texts that a customer was or will be told."""
        self.later(60)  # those that were looked at before are due again
        notices = await self.books.outbox.due(1000, 60)
        return {notice.text for notice in notices if notice.to == customer.msisdn}

    async def check_promise(self, customer: Customer, voucher: Voucher, funds: int) -> None:
        """Exactly one working voucher and the money taken, or none and the money back."""
        works = self.enter(voucher.code) == ""
        paid = SaleState(voucher.sale_state).paid
        assert len(self.users_of(voucher)) == (1 if works else 0)
        assert works == paid, voucher
        assert await self.books.money(customer) == (funds - (PRICE if paid else 0), 0)
        ends = {"notice.voucher_ready", "notice.voucher_refunded"}
        assert await self.told(customer) & ends == {
            "notice.voucher_ready" if paid else "notice.voucher_refunded"
        }


def _settled(voucher: Voucher) -> bool:
    if voucher.sale_state is SaleState.REFUNDED:
        return voucher.sync_state is SyncState.GONE
    return voucher.sale_state.paid and voucher.sync_state is SyncState.CONFIRMED


def _comment(row: Row) -> str:
    return str(row.values["comment"] or "")


@contextlib.asynccontextmanager
async def voucher_world(
    books: Books, *, workers: int = 1, pooled: bool = False, name: str = "Main gate", **told: Any
) -> AsyncIterator[VoucherWorld]:
    """`name`: of the site; `told`: of the simulated router."""
    async with fleet_of(dataclasses.replace(Plan("r1"), **told), clock=books.clock) as [router]:
        keyring, clock, alerts = Keyring("a test"), books.clock, HeardAlerts()
        database = books.database
        book = PgVouchers(database, keyring, clock)
        plans, sites = PgHotspotPlans(database), PgRouters(database, keyring)
        ops = PgRouterOps(database, keyring, clock)
        batches = PgVoucherBatches(database, keyring, clock)
        site = await add_site(sites, books, access(router), name)
        plan = await plans.save(new_plan(books, pooled=pooled), EVENT, clock.now())
        fleets = [_fleet(books) for _ in range(workers)]
        try:
            yield VoucherWorld(
                books=books,
                router=router,
                site=site,
                plan=plan,
                book=book,
                plans=plans,
                sites=sites,
                ops=ops,
                batches=batches,
                vouchers=Vouchers(book, plans, sites, books.customers, clock, Bell(), SaleRules()),
                desk=VoucherDesk(book, ops, books.customers),
                batch_desk=BatchDesk(batches, plans, sites, books.customers, clock, Bell()),
                alerts=alerts,
                workers=[
                    Worker(
                        ops,
                        fleet,
                        RouterDelivery(ops, fleet, alerts, clock, DeliveryRules(lease_s=LEASE_S)),
                        f"worker {place}",
                    )
                    for place, fleet in enumerate(fleets)
                ],
            )
        finally:
            for fleet in fleets:
                await fleet.aclose()


def new_plan(books: Books, code: str = "1H", **different: Any) -> HotspotPlan:
    told = HotspotPlan(
        id=ids.uuid7(),
        tenant_id=books.tenant.id,
        code=code,
        name=f"Plan {code}",
        terms=HOUR,
        price_minor=PRICE,
        currency=books.tenant.currency,
        pooled=False,
    )
    return dataclasses.replace(told, **different)


async def add_site(
    sites: PgRouters, books: Books, reached: RouterAccess, name: str = "Main gate", **told: Any
) -> Site:
    site = Site(
        id=ids.uuid7(),
        tenant_id=books.tenant.id,
        name=name,
        access=reached,
        login_url="http://wifi.lan/login",
        status=RouterStatus.ONLINE,
        **told,
    )
    now = books.clock.now()
    assert await sites.add(site, EVENT, now)
    if site.status.reachable:
        await sites.found(site, site.status, now)
    return site


def _fleet(books: Books) -> RouterOsFleet:
    rules = dataclasses.replace(QUICK, small=IMPATIENT)
    return RouterOsFleet(Settings(), OnlyHere(), books.clock, Reach.ANYWHERE, rules)


def soon(seconds: float = 5.0) -> float:
    return time.monotonic() + seconds
