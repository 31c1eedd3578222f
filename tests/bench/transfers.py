"""Transfers through the ledger, beside Postgres's own benchmark on the same cluster.

Every answer is on disk before its caller goes on. A lone caller is compared with the same database
function called directly, turn about, so that what slows the machine slows both.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.customers import Customer
from core.domain.ledger import AccountKey, AccountType, Posting, Transfer
from core.kit import ids
from core.settings import Settings
from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import start_services
from core.store.migrations import upgrade
from tests.bench.figures import Figure, Report, at_least, at_most, percentile
from tests.bench.pgbench import PgBench
from tests.bench.purchase import NoSms
from tests.bench.wallets import crowd, wallet_of

SECONDS = 5.0
WARM_UP_S = 1.0
CUSTOMERS = 20_000
FUNDS_MINOR = 1_000_000_00
AMOUNT_MINOR = 50_00
LONE_CALLS = 2_000

_CURRENCY = demo.TENANT.currency
_HOT = AccountKey(demo.TENANT.id, AccountType.FLOAT, "bench", _CURRENCY)


@dataclass(frozen=True, slots=True)
class Load:
    """So many callers, between two customers or all to one account; and the ratio to reach."""

    callers: int
    hot: bool
    ratio_min: float

    def __str__(self) -> str:
        return f"{self.callers} callers" + (", one hot account" if self.hot else "")


LOADS = (
    Load(16, hot=False, ratio_min=0.9),
    Load(64, hot=False, ratio_min=2.5),
    Load(256, hot=False, ratio_min=4.0),
    Load(256, hot=True, ratio_min=4.5),
)


@dataclass
class Tally:
    """What the callers brought home."""

    seconds: float = 0.0
    refused: int = 0
    times_s: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return len(self.times_s) / self.seconds


async def measure(home: Path) -> Report:
    async with start_services(home, throwaway=True) as urls:
        await upgrade(urls.database_url)
        pgbench = await PgBench.prepared(urls.database_url)
        async with build(
            Settings(home=home), urls, "a benchmark", Outside({}, {}, NoSms())
        ) as core:
            await demo.seed(core)
            customers = await crowd(core, urls.database_url, demo.TENANT, CUSTOMERS, FUNDS_MINOR)
            tpc_b = [await pgbench.run()]
            tallies = []
            for load in LOADS:
                await _moved(core, load, customers, WARM_UP_S)
                tallies.append(await _moved(core, load, customers, SECONDS))
            tpc_b.append(await pgbench.run())
            lone = await _lone(core, customers)
        engine = owner_engine(urls.database_url)
        broken = await invariants.check(engine)
        await engine.dispose()
    return _report(tallies, tpc_b, lone, broken)


async def _moved(core: Core, load: Load, customers: Sequence[Customer], seconds: float) -> Tally:
    tally = Tally()
    begun = time.perf_counter()

    async def move_on() -> None:
        while (asked := time.perf_counter()) < begun + seconds:
            posting = await core.ledger.post(_transfer(customers, hot=load.hot))
            tally.times_s.append(time.perf_counter() - asked)
            tally.refused += posting is not Posting.POSTED

    async with asyncio.TaskGroup() as group:
        for _ in range(load.callers):
            group.create_task(move_on())
    tally.seconds = time.perf_counter() - begun
    tally.times_s.sort()
    return tally


def _transfer(customers: Sequence[Customer], *, hot: bool = False) -> Transfer:
    payer, payee = random.sample(customers, 2)
    return Transfer(
        ids.uuid7(),
        demo.TENANT.id,
        wallet_of(payer, _CURRENCY),
        _HOT if hot else wallet_of(payee, _CURRENCY),
        AMOUNT_MINOR,
        "bench",
        ids.uuid7(),
    )


@dataclass(frozen=True, slots=True)
class Lone:
    """The p50 of one caller, in seconds: through the ledger, and by the function itself."""

    ledger_s: float
    function_s: float


async def _lone(core: Core, customers: Sequence[Customer]) -> Lone:
    """One call of each after the other, so that both meet the same moments."""
    account_id = await _account_ids(core, customers)
    through_s, direct_s = [], []
    for _ in range(LONE_CALLS):
        begun = time.perf_counter()
        await core.ledger.post(_transfer(customers))
        through_s.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        transfer = _transfer(customers)
        item = (
            transfer.id,
            transfer.tenant_id,
            account_id(transfer.debit),
            account_id(transfer.credit),
            transfer.amount_minor,
            transfer.code,
            transfer.event_id,
            transfer.reverses,
        )
        await core.database.call(
            "select ledger_post($1::ledger_item[], $2) as answers", [item], core.clock.now()
        )
        direct_s.append(time.perf_counter() - begun)
    return Lone(percentile(sorted(through_s), 0.5), percentile(sorted(direct_s), 0.5))


async def _account_ids(core: Core, customers: Sequence[Customer]) -> Callable[[AccountKey], int]:
    names = [wallet_of(customer, _CURRENCY) for customer in customers]
    [row] = await core.database.call(
        "select ledger_accounts($1::account_key[]) as ids",
        [(name.tenant_id, name.type.value, name.owner, name.currency) for name in names],
    )
    return dict(zip(names, row["ids"], strict=True)).__getitem__


def _report(
    tallies: Sequence[Tally], tpc_b: Sequence[float], lone: Lone, broken: Sequence[str]
) -> Report:
    reference = sum(tpc_b) / len(tpc_b)
    loads = itertools.chain.from_iterable(
        _figures(load, tally, reference) for load, tally in zip(LOADS, tallies, strict=True)
    )
    return Report(
        "Transfers through the ledger, one process",
        (
            *loads,
            Figure("a lone caller, p50", lone.ledger_s * 1000, "ms"),
            Figure("  / the function itself", lone.ledger_s / lone.function_s, "x", at_most(1.1)),
            Figure("refused", sum(tally.refused for tally in tallies), "", at_most(0)),
            Figure("rules that the books break", len(broken), "", at_most(0)),
        ),
        (f"pgbench TPC-B-like: {tpc_b[0]:,.0f} before, {tpc_b[1]:,.0f} after.", *broken),
    )


def _figures(load: Load, tally: Tally, reference: float) -> Sequence[Figure]:
    ratio = tally.per_second / reference
    return (
        Figure(f"{load}", tally.per_second, "/s"),
        Figure("  / pgbench", ratio, "x", at_least(load.ratio_min)),
        Figure("  p50", percentile(tally.times_s, 0.5) * 1000, "ms"),
    )
