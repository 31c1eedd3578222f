"""Whole purchases, beside Postgres's own benchmark on the same cluster, before and after.

As `callbox run` assembles them, in one process: hold, order, attempt and job begun; claimed; the
provider asked; ruled, captured and the notice written; and the buyer told. Nothing is switched off
for it: every begin, every "about to send" and every ruling is on disk before anybody goes on.
"""

import asyncio
import contextlib
import datetime as dt
import itertools
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.customers import Customer
from core.domain.orders import OrderState
from core.domain.turns import Channel
from core.domain.vending import Capabilities, Outcome, Product, Result, Vend
from core.kit import collector, ids
from core.kit.money import Money
from core.ports import Sms, SmsResult
from core.services.purchases import Airtime
from core.settings import Settings
from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import start_services
from core.store.migrations import upgrade
from tests.bench.figures import Figure, Report, at_least, at_most, percentile
from tests.bench.pgbench import PgBench
from tests.bench.wallets import channel_of, crowd

SECONDS = 8.0
WARM_UP_S = 2.0
AMOUNT_MINOR = 50_00
FUNDS_MINOR = 1_000_000_00
CUSTOMERS = 20_000

_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """So many purchases in flight, at a provider that takes so long; and the ratio to reach."""

    in_flight: int
    delay_s: float
    ratio_min: float

    def __str__(self) -> str:
        slow = f", provider takes {self.delay_s * 1000:.0f} ms" if self.delay_s else ""
        return f"{self.in_flight:,} in flight{slow}"


LOADS = (Load(256, 0.0, 1.7), Load(1024, 0.2, 0.9))


class Delivering:
    """A provider that delivers whatever it is asked for, after `delay_s`."""

    name = "vtpass"
    capabilities = Capabilities(
        products=frozenset({Product.AIRTIME}), requery_by_reference=True, enforces_unique=True
    )
    timeout_s = 30.0
    delay_s = 0.0

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        return attempt_id.hex

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        return True

    async def vend(self, vend: Vend) -> Outcome:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
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
    provider = Delivering()
    tallies = []
    async with start_services(home, throwaway=True) as urls:
        await upgrade(urls.database_url)
        pgbench = await PgBench.prepared(urls.database_url)
        outside = Outside({provider.name: provider}, {}, NoSms())
        async with build(Settings(home=home), urls, "a benchmark", outside) as core:
            await demo.seed(core)
            shop = Shop(
                core,
                await channel_of(core),
                itertools.cycle(
                    await crowd(core, urls.database_url, demo.TENANT, CUSTOMERS, FUNDS_MINOR)
                ),
            )
            async with _working(core):
                tpc_b = [await pgbench.run()]
                for load in LOADS:
                    provider.delay_s = load.delay_s
                    await shop.sell(load.in_flight, WARM_UP_S)
                    tallies.append(await shop.sell(load.in_flight, SECONDS))
                    tpc_b.append(await pgbench.run())
        engine = owner_engine(urls.database_url)
        broken = await invariants.check(engine)
        await engine.dispose()
    return _report(tallies, tpc_b, broken)


@contextlib.asynccontextmanager
async def _working(core: Core) -> AsyncIterator[None]:
    """The pump of orders, at work in a process that has started."""
    [pump] = [pump for pump in core.pumps if pump.name == "orders"]
    collector.settle()
    task = asyncio.create_task(pump.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@dataclass(frozen=True)
class Shop:
    """Sells to one customer after the other."""

    core: Core
    channel: Channel
    customers: Iterator[Customer]

    async def sell(self, in_flight: int, seconds: float) -> Tally:
        tally = Tally()
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(in_flight):
                group.create_task(self._sell_on(begun + seconds, tally))
        tally.seconds = time.perf_counter() - begun
        tally.times_s.sort()
        return tally

    async def _sell_on(self, until: float, tally: Tally) -> None:
        """One purchase after the other, each once the one before has come to its end."""
        while (begun := time.perf_counter()) < until:
            customer = next(self.customers)
            purchase = await self.core.purchases.buy(
                Airtime("mtn", customer.msisdn, Money(AMOUNT_MINOR, "NGN"), Money(0, "NGN")),
                key=ids.timed_key(),
                tenant=demo.TENANT,
                customer=customer,
                channel_id=self.channel.id,
                identity=customer.msisdn,
                until=time.monotonic() + _WAIT_S,
            )
            tally.times_s.append(time.perf_counter() - begun)
            tally.undelivered += purchase.state is not OrderState.DELIVERED


def _report(tallies: Sequence[Tally], tpc_b: Sequence[float], broken: Sequence[str]) -> Report:
    """Each load beside the mean of the runs of pgbench before and after it."""
    references = [(before + after) / 2 for before, after in itertools.pairwise(tpc_b)]
    figures = [
        figure
        for load, tally, reference in zip(LOADS, tallies, references, strict=True)
        for figure in _figures(load, tally, reference)
    ]
    undelivered = sum(tally.undelivered for tally in tallies)
    return Report(
        "Whole purchases in one process",
        (
            *figures,
            Figure("not delivered", undelivered, "", at_most(0)),
            Figure("rules that the books break", len(broken), "", at_most(0)),
        ),
        (f"pgbench TPC-B-like, around them: {', '.join(f'{tps:,.0f}' for tps in tpc_b)}.", *broken),
    )


def _figures(load: Load, tally: Tally, reference: float) -> Sequence[Figure]:
    ratio = tally.per_second / reference
    return (
        Figure(f"{load}", tally.per_second, "/s"),
        Figure("  / pgbench", ratio, "x", at_least(load.ratio_min, binding=False)),
        Figure("  p50", percentile(tally.times_s, 0.5) * 1000, "ms"),
        Figure("  p99", percentile(tally.times_s, 0.99) * 1000, "ms"),
    )
