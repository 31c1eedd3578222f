"""Hotspot vouchers: codes in quantity, a full router compared with the books, and who goes first.

The router is simulated in this process, at 20 ms, behind real sockets and the real limits of
requests; its own work is a part of what is measured.
"""

import asyncio
import time
from pathlib import Path
from uuid import UUID

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.hotspot import HotspotPlan, Router, RouterStatus, Terms
from core.domain.routers import RouterAccess
from core.domain.vouchers import SaleState, comment_of
from core.kit import ids
from core.kit.msisdn import Msisdn
from core.ports import Event
from core.services.voucher_batches import BatchOrder
from core.settings import Settings
from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import start_services
from core.store.migrations import upgrade
from sandbox.routeros.fleet import Router as Simulated
from sandbox.routeros.plan import ACCOUNT, PASSWORD, Plan
from sandbox.routeros.schema import PROFILES, USERS
from tests.bench.figures import Figure, Report, at_least, at_most, percentile
from tests.bench.purchase import NoSms
from tests.bench.wallets import channel_of, funded
from tests.fakes.database import connect
from tests.fakes.routers import fleet_of

CODES = 40_000
USERS_ON_ROUTER = 5_000
BULK = 400
BOUGHT = 12
DELAY_S = 0.02
ROUNDS = 5

_EVENT = Event("bench", "bench", "bench", {})
_TERMS = Terms(1024**3, online_s=3600)


async def measure(home: Path) -> Report:
    async with start_services(home, throwaway=True) as urls:
        await upgrade(urls.database_url)
        outside = Outside({}, {}, NoSms())
        async with (
            build(Settings(home=home), urls, "a benchmark", outside) as core,
            fleet_of(Plan("full", delay_s=DELAY_S), Plan("busy", delay_s=DELAY_S)) as [full, busy],
        ):
            await demo.seed(core)
            plan = await _plan(core)
            per_s = await _codes(core, await _site(core, full, "codes"))
            compared_s = await _compared(
                core, await _site(core, full, "full"), full, urls.database_url
            )
            overtaken_s = await _overtaken(core, await _site(core, busy, "busy"), plan)
        engine = owner_engine(urls.database_url)
        broken = await invariants.check(engine)
        await engine.dispose()
    return Report(
        "Hotspot vouchers, one process",
        (
            Figure("codes made, sealed and stored", per_s, "/s", at_least(20_000)),
            Figure(
                f"{USERS_ON_ROUTER} users read and compared, p50",
                percentile(compared_s, 0.5),
                "s",
                at_most(1.5),
            ),
            Figure("a paid voucher beside a bulk job, p50", percentile(overtaken_s, 0.5), "s"),
            Figure("  slowest", overtaken_s[-1], "s", at_most(2.0)),
            Figure("rules that the books break", len(broken), "", at_most(0)),
        ),
        broken,
    )


async def _codes(core: Core, site: Router) -> float:
    batch = await _ordered(core, site, CODES, activate=False)
    [due] = await core.hotspots.batches.due(1, 60)
    begun = time.perf_counter()
    made = await core.hotspots.batch_desk.fill(due)
    seconds = time.perf_counter() - begun
    assert (due.id, made) == (batch, CODES)
    return CODES / seconds


async def _compared(core: Core, site: Router, router: Simulated, url: str) -> list[float]:
    """A router that has what it should have, but for ten."""
    batch = await _ordered(core, site, USERS_ON_ROUTER, activate=False)
    [due] = await core.hotspots.batches.due(1, 60)
    await core.hotspots.batch_desk.fill(due)
    owner = await connect(url)
    await owner.execute(
        "update vouchers set desired = 'present', sync_state = 'confirmed', applied_rev = 1,"
        " maybe_there = true where batch_id = $1",
        batch,
    )
    await owner.execute("analyze vouchers")
    await owner.close()
    vouchers = await core.hotspots.batches.codes(demo.TENANT.id, batch, 0, USERS_ON_ROUTER)
    profile = _TERMS.profile
    router.box[PROFILES].put(0, name=profile.name, shared_users="1", rate_limit="")
    for voucher in vouchers:
        router.box[USERS].put(
            0,
            name=voucher.code,
            password=voucher.code,
            server="hotspot1",
            profile=profile.name,
            comment=comment_of(voucher.id, 1),
            limit_uptime=_TERMS.online_s,
            limit_bytes_total=_TERMS.data_bytes,
        )
    ops, [routers, *_] = core.hotspots.ops, core.hotspots.pumps
    taken = []
    for _ in range(ROUNDS):
        await ops.wake(demo.TENANT.id, site.id)
        leases = [lease for lease in await routers.lease(10) if lease.router_id == site.id]
        begun = time.perf_counter()
        await routers.handle(leases[0])
        taken.append(time.perf_counter() - begun)
    return sorted(taken)


async def _overtaken(core: Core, site: Router, plan: HotspotPlan) -> list[float]:
    """How long each of some customers waits while a batch is being put on the same router."""
    channel = await channel_of(core)
    number = Msisdn("2348035550001")
    customer = await funded(core, demo.TENANT, channel, number, 1_000_000_00)
    await _ordered(core, site, BULK, activate=True)
    [due] = await core.hotspots.batches.due(1, 60)
    await core.hotspots.batch_desk.fill(due)
    routers = asyncio.create_task(core.hotspots.pumps[0].run())
    await asyncio.sleep(0.2)  # it is under way, and has not used up its requests of the minute
    waited = []
    for bought in range(BOUGHT):
        offer = await core.hotspots.vouchers.offer(plan, site.id)
        begun = time.perf_counter()
        purchase = await core.hotspots.vouchers.buy(
            offer,
            key=f"bench {bought}",
            tenant=demo.TENANT,
            customer=customer,
            channel_id=channel.id,
            identity=number,
            until=time.monotonic() + 30,
        )
        waited.append(time.perf_counter() - begun)
        assert purchase.voucher.sale_state is SaleState.DELIVERED
    routers.cancel()
    await asyncio.gather(routers, return_exceptions=True)
    return sorted(waited)


async def _plan(core: Core) -> HotspotPlan:
    plan = HotspotPlan(
        ids.uuid7(), demo.TENANT.id, "BENCH", "Bench", _TERMS, 100_00, "NGN", pooled=False
    )
    return await core.hotspots.plans.save(plan, _EVENT, core.clock.now())


async def _site(core: Core, router: Simulated, name: str) -> Router:
    access = RouterAccess("127.0.0.1", ACCOUNT, PASSWORD, router.port)
    site = Router(ids.uuid7(), demo.TENANT.id, name, access, status=RouterStatus.ONLINE)
    await core.hotspots.routers.add(site, _EVENT, core.clock.now())
    return site


async def _ordered(core: Core, site: Router, quantity: int, *, activate: bool) -> UUID:
    order = BatchOrder(quantity, "BENCH", site.id, auto_activate=activate)
    desk = core.hotspots.batch_desk
    return (await desk.generate(demo.TENANT, order, key=site.name, actor="bench")).id
