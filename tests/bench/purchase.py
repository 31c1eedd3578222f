"""Whole purchases, beside Postgres's own benchmark on the same cluster, before and after each.

As `callbox run` assembles them, in one process: hold, order, attempt and job begun; claimed; the
provider asked; ruled, captured and the notice written; and the buyer told. Nothing is switched off
for it: every begin, every "about to send" and every ruling is on disk before anybody goes on.

What a machine and its Postgres can do changes by a third from one moment to the next: so there are
several rounds, and of each figure the one in the middle counts.
"""

import asyncio
import contextlib
import datetime as dt
import itertools
import statistics
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

ROUNDS = 3
SECONDS = 6.0
WARM_UP_S = 2.0
AMOUNT = Money(50_00, demo.TENANT.currency)
FEE = Money(0, demo.TENANT.currency)
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
    """What the buyers brought home between two moments of `time.perf_counter`.

    `reference`: what pgbench did then, a second.
    """

    since: float
    until: float
    reference: float = 0.0
    undelivered: int = 0
    times_s: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.times_s) / (self.until - self.since)


async def measure(home: Path) -> Report:
    provider = Delivering()
    tallies: dict[Load, list[Tally]] = {load: [] for load in LOADS}
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
                for load in LOADS * ROUNDS:
                    provider.delay_s = load.delay_s
                    tally = await shop.sell(load.in_flight, SECONDS)
                    tpc_b.append(await pgbench.run())
                    tally.reference = statistics.mean(tpc_b[-2:])
                    tallies[load].append(tally)
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
        """What is sold in so many seconds with so many in flight from the first to the last.

        They start one after the other, over the first half of the warm-up, as buyers do; and none
        stops before the time is over. What was begun before the time and ends in it counts, what
        ends after it does not.
        """
        since = time.perf_counter() + WARM_UP_S
        tally = Tally(since, since + seconds)
        async with asyncio.TaskGroup() as group:
            for nth in range(in_flight):
                start_s = WARM_UP_S / 2 * nth / in_flight
                group.create_task(self._sell_on(start_s, tally))
        tally.times_s.sort()
        return tally

    async def _sell_on(self, start_s: float, tally: Tally) -> None:
        """One purchase after the other, each once the one before has come to its end."""
        await asyncio.sleep(start_s)
        while (begun := time.perf_counter()) < tally.until:
            customer = next(self.customers)
            purchase = await self.core.purchases.buy(
                Airtime("mtn", customer.msisdn, AMOUNT, FEE),
                key=ids.timed_key(),
                tenant=demo.TENANT,
                customer=customer,
                channel_id=self.channel.id,
                identity=customer.msisdn,
                until=time.monotonic() + _WAIT_S,
            )
            tally.undelivered += purchase.state is not OrderState.DELIVERED
            ended = time.perf_counter()
            if tally.since <= ended < tally.until:
                tally.times_s.append(ended - begun)


def _report(
    tallies: Mapping[Load, Sequence[Tally]], tpc_b: Sequence[float], broken: Sequence[str]
) -> Report:
    figures = [figure for load in LOADS for figure in _figures(load, tallies[load])]
    undelivered = sum(tally.undelivered for each in tallies.values() for tally in each)
    return Report(
        "Whole purchases in one process",
        (
            *figures,
            Figure("not delivered", undelivered, "", at_most(0)),
            Figure("rules that the books break", len(broken), "", at_most(0)),
        ),
        (f"pgbench TPC-B-like, around them: {', '.join(f'{tps:,.0f}' for tps in tpc_b)}.", *broken),
    )


def _figures(load: Load, rounds: Sequence[Tally]) -> Iterator[Figure]:
    per_second = statistics.median(tally.per_second for tally in rounds)
    ratio = statistics.median(tally.per_second / tally.reference for tally in rounds)
    target = at_least(load.ratio_min, binding=False)
    times_s = sorted(itertools.chain.from_iterable(tally.times_s for tally in rounds))
    yield Figure(f"{load}", per_second, "/s")
    yield Figure("  / pgbench", ratio, "x", target)
    if load.delay_s:
        # Waiting for the provider alone allows no more, however fast the machine and its pgbench.
        most = load.in_flight / load.delay_s
        yield Figure(f"  / {most:,.0f} /s, the most there can be", per_second / most, "x", target)
    yield Figure("  p50", percentile(times_s, 0.5) * 1000, "ms")
    yield Figure("  p99", percentile(times_s, 0.99) * 1000, "ms")
