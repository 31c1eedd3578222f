"""What a dead provider costs the customer: once, one of its timeouts; then nothing.

Two ways to be dead: connections are refused, and connections are never answered. A buyer alone
buys one after the other, from a provider that delivers at once, behind one that is dead.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.customers import Customer
from core.domain.orders import OrderState
from core.domain.providers import ConfigKey
from core.domain.turns import Channel
from core.domain.vending import Outcome, Product, Vend
from core.kit import ids
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import Sms, SmsResult, VtuProvider
from core.providers.vtu import vtpass
from core.services.purchases import Airtime
from core.services.shelf import Offer
from core.settings import Settings
from core.store.embedded import start_services
from core.store.migrations import upgrade
from tests.bench.figures import Figure, Report, at_most, percentile
from tests.bench.wallets import channel_of, funded
from tests.fakes.sellers import Seller

TIMEOUT_S = 2.0
"""The dead provider's. Operators set 5 or more; what is shown is that no more than this is paid."""

ROUNDS = 5
PURCHASES = 40

_AMOUNT_MINOR = 50_00
_WAIT_S = 60.0
_KEY = ConfigKey(demo.TENANT.id, Product.AIRTIME, "vtpass")


class Dead(vtpass.VtPass):
    """A provider whose address nobody answers at. Counts the calls to it."""

    def __init__(self, base_url: str) -> None:
        key = SecretStr("a key")
        super().__init__(
            vtpass.Settings.model_construct(
                base_url=base_url,
                api_key=key,
                public_key=key,
                secret_key=key,
                timeout_s=TIMEOUT_S,
            )
        )
        self.calls = 0

    async def vend(self, vend: Vend) -> Outcome:
        self.calls += 1
        return await super().vend(vend)


class NoSms:
    """Telling is not measured."""

    name = "none"

    async def send(self, sms: Sms) -> SmsResult:
        return SmsResult.RETRY


@dataclass
class Buyer:
    """Buys one after the other, and knows how long each took."""

    core: Core
    channel: Channel
    customer: Customer
    undelivered: int = 0

    async def buy(self, times: int) -> list[float]:
        return [await self._buy() for _ in range(times)]

    async def _buy(self) -> float:
        begun = time.perf_counter()
        purchase = await self.core.purchases.buy(
            Airtime("mtn", self.customer.msisdn, Money(_AMOUNT_MINOR, "NGN"), Money(0, "NGN")),
            key=ids.timed_key(),
            tenant=demo.TENANT,
            customer=self.customer,
            channel_id=self.channel.id,
            identity=self.customer.msisdn,
            until=time.monotonic() + _WAIT_S,
        )
        self.undelivered += purchase.state is not OrderState.DELIVERED
        return time.perf_counter() - begun


@dataclass(frozen=True, slots=True)
class Course:
    """How a dead provider was met: `before` it was there, `while_dying`, and once it rests."""

    before: Sequence[float]
    while_dying: Sequence[float]
    resting: Sequence[float]
    calls_while_resting: int


async def measure(home: Path) -> Report:
    async with start_services(home, throwaway=True) as urls:
        await upgrade(urls.database_url)
        backup = cast("VtuProvider", Seller("backup"))
        settings = Settings(home=home, airtime_day_limit_minor=10**12)
        outside = Outside({"backup": backup}, {}, NoSms())
        async with build(settings, urls, "a benchmark", outside) as core:
            await demo.seed(core)
            async with _buyer(core) as buyer:
                with _refusing() as url:
                    refusing = await _course(buyer, url)
                with _silent() as url:
                    silent = await _course(buyer, url)
    return _report(refusing, silent, buyer.undelivered)


@contextlib.asynccontextmanager
async def _buyer(core: Core) -> AsyncIterator[Buyer]:
    """A buyer, with the workers running."""
    channel = await channel_of(core)
    customer = await funded(core, demo.TENANT, channel, Msisdn("2348031000001"), 10**11)
    [pump] = [pump for pump in core.pumps if pump.name == "orders"]
    working = asyncio.create_task(pump.run())
    try:
        yield Buyer(core, channel, customer)
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def _course(buyer: Buyer, dead_url: str) -> Course:
    """Buy before, while and after a dead provider is found to be dead, in turns."""
    before: list[float] = []
    while_dying: list[float] = []
    resting: list[float] = []
    calls = 0
    for _ in range(ROUNDS):
        dead = Dead(dead_url)
        buyer.core.shelf.restock({})
        before += await buyer.buy(PURCHASES)
        buyer.core.shelf.restock({_KEY: Offer(dead, "dead", priority=1, configured=True)})
        while_dying += await buyer.buy(buyer.core.settings.circuit_failures)
        found_dead = dead.calls
        resting += await buyer.buy(PURCHASES)
        calls += dead.calls - found_dead
        await buyer.core.controls.reset(demo.TENANT.id, "vtpass", Product.AIRTIME, "bench")
        await dead.aclose()
    return Course(sorted(before), sorted(while_dying), sorted(resting), calls)


@contextlib.contextmanager
def _refusing() -> Iterator[str]:
    """An address where nobody listens, and nobody else can: the port is taken, and silent."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextlib.contextmanager
def _silent() -> Iterator[str]:
    """An address that answers no connection: its queue is full, and nobody takes from it."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


def _report(refusing: Course, silent: Course, undelivered: int) -> Report:
    return Report(
        f"Failover from a dead provider, a timeout of {TIMEOUT_S:.0f} s, a buyer alone",
        (
            *_figures("connections refused", refusing),
            *_figures("connections never answered", silent),
            Figure("not delivered", undelivered, "", at_most(0)),
        ),
    )


def _figures(how: str, course: Course) -> Sequence[Figure]:
    usual_s = percentile(course.before, 0.5)
    spread_s = percentile(course.before, 0.99) - usual_s
    worst_s = course.while_dying[-1] - usual_s
    return (
        Figure(f"{how}: usual purchase, p50", usual_s * 1000, "ms"),
        Figure(
            f"{how}: most that a failover costs",
            worst_s * 1000,
            "ms",
            at_most((TIMEOUT_S + max(spread_s, 0.1)) * 1000),
        ),
        Figure(f"{how}: a failover costs, p50", _extra_ms(course.while_dying, usual_s), "ms"),
        Figure(f"{how}: calls while it rests", course.calls_while_resting, "", at_most(0)),
        Figure(
            f"{how}: p50 while it rests / usual",
            percentile(course.resting, 0.5) / usual_s,
            "x",
            at_most(1.1),
        ),
    )


def _extra_ms(times_s: Sequence[float], usual_s: float) -> float:
    return (percentile(times_s, 0.5) - usual_s) * 1000
