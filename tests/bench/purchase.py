"""Whole purchases, beside Postgres's own benchmark on the same cluster, before and after.

In one process: hold, order, attempt and job begun; claimed; a provider that answers at once;
ruled, captured and the notice written; and the buyer told. Nothing is switched off for it: every
begin and every ruling is on disk before anybody goes on.
"""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from cli import demo
from core.app import Core, Outside, build
from core.domain.customers import Customer
from core.domain.orders import OrderState
from core.domain.turns import Channel
from core.domain.vending import Capabilities, Outcome, Product, Result, Vend
from core.jobs.workers import Pump
from core.kit import ids
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import Sms, SmsResult
from core.services.outcomes import Outcomes
from core.services.purchases import Airtime, Purchases, Terms
from core.services.shelf import Shelf
from core.settings import Settings
from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import start_services
from core.store.migrations import upgrade
from tests.bench.figures import Figure, Report, at_least, at_most, percentile
from tests.bench.pgbench import PgBench
from tests.bench.wallets import channel_of, funded

IN_FLIGHT = 256
SECONDS = 8.0
AMOUNT_MINOR = 50_00
FUNDS_MINOR = 1_000_000_00

_WAIT_S = 30.0
_TERMS = Terms(
    amount_min_minor=AMOUNT_MINOR,
    amount_max_minor=AMOUNT_MINOR,
    fee_minor=0,
    day_limit_minor=FUNDS_MINOR,
    in_doubt_deadline_s=24 * 3600.0,
)


class AtOnce:
    """A provider that delivers before it could be asked twice."""

    name = "vtpass"
    capabilities = Capabilities(
        products=frozenset({Product.AIRTIME}), requery_by_reference=True, enforces_unique=True
    )
    timeout_s = 30.0

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        return attempt_id.hex

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        return True

    async def vend(self, vend: Vend) -> Outcome:
        return Outcome(Result.DELIVERED, reason="000", provider_reference=vend.reference)

    async def requery(self, vend: Vend) -> Outcome:
        return await self.vend(vend)

    async def float_balance(self) -> Money:
        return Money(0, "NGN")

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        return ()

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "text/plain", ""


class NoSms:
    """Notices are written and stay where they are: telling them is not measured."""

    name = "none"

    async def send(self, sms: Sms) -> SmsResult:
        return SmsResult.RETRY


@dataclass
class Tally:
    """What the buyers brought home."""

    seconds: float = 0.0
    undelivered: int = 0
    times_s: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.times_s) / self.seconds


async def measure(home: Path) -> Report:
    async with start_services(home, throwaway=True) as urls:
        await upgrade(urls.database_url)
        pgbench = await PgBench.prepared(urls.database_url)
        outside = Outside({AtOnce.name: AtOnce()}, {}, NoSms())
        async with build(Settings(home=home), urls, "a benchmark", outside) as core:
            await demo.seed(core)
            channel = await channel_of(core)
            customers = await _customers(core, channel)
            before = await pgbench.run()
            async with _working(core) as pump:
                purchases = Purchases(
                    core.orders,
                    Outcomes(core.orders),
                    Shelf(core.vtu_providers),
                    _TERMS,
                    core.clock,
                    pump.bell,
                )
                tally = await _bought(purchases, channel, customers)
            after = await pgbench.run()
        engine = owner_engine(urls.database_url)
        broken = await invariants.check(engine)
        await engine.dispose()
    return _report(tally, (before, after), broken)


async def _customers(core: Core, channel: Channel) -> Sequence[Customer]:
    """One for each purchase in flight, with money for hours."""
    return await asyncio.gather(
        *(
            funded(core, demo.TENANT, channel, Msisdn(f"2348031{index:06d}"), FUNDS_MINOR)
            for index in range(IN_FLIGHT)
        )
    )


@contextlib.asynccontextmanager
async def _working(core: Core) -> AsyncIterator[Pump[object]]:
    """The pump of orders, at work."""
    [pump] = [pump for pump in core.pumps if pump.name == "orders"]
    task = asyncio.create_task(pump.run())
    try:
        yield pump
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _bought(purchases: Purchases, channel: Channel, customers: Sequence[Customer]) -> Tally:
    tally = Tally()
    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for customer in customers:
            group.create_task(_buy_on(purchases, channel, customer, begun + SECONDS, tally))
    tally.seconds = time.perf_counter() - begun
    tally.times_s.sort()
    return tally


async def _buy_on(
    purchases: Purchases, channel: Channel, customer: Customer, until: float, tally: Tally
) -> None:
    """One purchase after the other, each once the one before has come to its end."""
    what = Airtime("mtn", customer.msisdn, Money(AMOUNT_MINOR, "NGN"), Money(0, "NGN"))
    while (begun := time.perf_counter()) < until:
        purchase = await purchases.buy(
            what,
            key=ids.uuid7().hex,
            tenant=demo.TENANT,
            customer=customer,
            channel_id=channel.id,
            identity=customer.msisdn,
            until=time.monotonic() + _WAIT_S,
        )
        tally.times_s.append(time.perf_counter() - begun)
        tally.undelivered += purchase.state is not OrderState.DELIVERED


def _report(tally: Tally, tpc_b: tuple[float, float], broken: Sequence[str]) -> Report:
    reference = sum(tpc_b) / len(tpc_b)
    return Report(
        f"Whole purchases in one process, {IN_FLIGHT} in flight",
        (
            Figure("purchases", tally.per_second, "/s"),
            Figure("pgbench TPC-B-like, before and after", reference, "/s"),
            Figure(
                "purchases / pgbench",
                tally.per_second / reference,
                "x",
                at_least(1.7, binding=False),
            ),
            Figure("purchase, p50", percentile(tally.times_s, 0.5) * 1000, "ms"),
            Figure("purchase, p99", percentile(tally.times_s, 0.99) * 1000, "ms"),
            Figure("not delivered", tally.undelivered, "", at_most(0)),
            Figure("rules that the books break", len(broken), "", at_most(0)),
        ),
        (f"pgbench: {tpc_b[0]:,.0f} before, {tpc_b[1]:,.0f} after.", *broken),
    )
