"""Winning shares of a gift room, and refusals of an empty one, beside Postgres's own benchmark.

64 people at a time ask one room of 3,000 shares, as `callbox run` assembles the store: each win is
judged, its claim written, its money moved from escrow to the winner's wallet with both entries, and
all of it on disk before the winner hears. Rooms follow each other, each with other people first.
"""

import asyncio
import datetime as dt
import itertools
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.customers import Customer
from core.domain.gifts import (
    CODE_LENGTH,
    CODE_LETTERS,
    Claiming,
    Door,
    GiftKind,
    GiftTerms,
    NewClaim,
    NewRoom,
    Opening,
    PayOut,
    Split,
)
from core.domain.turns import Channel
from core.kit import ids
from core.settings import Settings
from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import start_services
from core.store.migrations import upgrade
from tests.bench.figures import Figure, Report, at_least, at_most, percentile
from tests.bench.pgbench import PgBench
from tests.bench.purchase import NoSms
from tests.bench.wallets import channel_of, crowd

CLAIMANTS = 64
SHARES = 3_000
ROOMS = 8
LATE = 2_000
REFUSED_S = 4.0
SHARE_MINOR = 10_00
FUNDS_MINOR = 1_000_000_00

_TERMS = GiftTerms(open_max=100, day_max_minor=10**12)


@dataclass
class Tally:
    """What the claimants brought home."""

    seconds: float = 0.0
    wrong: int = 0
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
            channel = await channel_of(core)
            people = await crowd(
                core, urls.database_url, demo.TENANT, SHARES + LATE + 1, FUNDS_MINOR
            )
            creator, winners, late = people[0], people[1 : SHARES + 1], people[SHARES + 1 :]
            rooms = [await _opened(core, channel, creator) for _ in range(ROOMS + 1)]
            tpc_b = [await pgbench.run()]
            await _won(core, rooms[0], winners, Tally())  # to warm up
            won = Tally()
            for room in rooms[1:]:
                await _won(core, room, winners, won)
            refused = await _refused(core, rooms[-1], late)
            tpc_b.append(await pgbench.run())
        engine = owner_engine(urls.database_url)
        broken = await invariants.check(engine)
        await engine.dispose()
    return _report(won, refused, tpc_b, broken)


async def _opened(core: Core, channel: Channel, creator: Customer) -> NewRoom:
    now = core.clock.now()
    room = NewRoom(
        id=ids.uuid7(),
        tenant_id=demo.TENANT.id,
        creator_id=creator.id,
        code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)),
        token=secrets.token_urlsafe(16),
        kind=GiftKind.RACE,
        split=Split.EQUAL,
        pay_out=PayOut.WALLET,
        door=Door.ANYONE,
        amounts_minor=(SHARE_MINOR,) * SHARES,
        fee_minor=0,
        currency=demo.TENANT.currency,
        message="",
        commitment="",
        seed_sealed=core.keyring.encrypt("00" * 32),
        created_at=now,
        expires_at=now + dt.timedelta(days=1),
        channel_id=channel.id,
        identity=creator.msisdn,
    )
    assert await core.gift_rooms.open(room, _TERMS, now) is Opening.OPENED
    return room


async def _won(core: Core, room: NewRoom, people: Sequence[Customer], tally: Tally) -> None:
    """Each of these people wins a share, so many at a time."""
    queue = iter(people)
    begun = time.perf_counter()
    await _crowded(core, room, queue, tally, Claiming.PAID)
    tally.seconds += time.perf_counter() - begun


async def _refused(core: Core, room: NewRoom, people: Sequence[Customer]) -> Tally:
    """People who come too late, again and again for a while."""
    tally = Tally()
    begun = time.perf_counter()
    queue = itertools.takewhile(
        lambda _: time.perf_counter() < begun + REFUSED_S, itertools.cycle(people)
    )
    await _crowded(core, room, queue, tally, Claiming.OVER)
    tally.seconds = time.perf_counter() - begun
    return tally


async def _crowded(
    core: Core, room: NewRoom, queue: Iterator[Customer], tally: Tally, hoped: Claiming
) -> None:
    async def claim_on() -> None:
        for person in queue:
            asked = time.perf_counter()
            claimed = await core.gift_rooms.claim(
                NewClaim(room.id, room.tenant_id, person.id, registered=True, at=core.clock.now())
            )
            tally.times_s.append(time.perf_counter() - asked)
            tally.wrong += claimed.result is not hoped or claimed.again
            await asyncio.sleep(0)  # others have their turn, whoever answers

    async with asyncio.TaskGroup() as group:
        for _ in range(CLAIMANTS):
            group.create_task(claim_on())


def _report(won: Tally, refused: Tally, tpc_b: Sequence[float], broken: Sequence[str]) -> Report:
    reference = sum(tpc_b) / len(tpc_b)
    won.times_s.sort()
    refused.times_s.sort()
    return Report(
        f"A gift room of {SHARES:,} shares, {CLAIMANTS} people at a time, one process",
        (
            Figure("wins", won.per_second, "/s"),
            Figure("  / pgbench", won.per_second / reference, "x", at_least(2.5)),
            Figure("  p50", percentile(won.times_s, 0.5) * 1000, "ms"),
            Figure("  p99", percentile(won.times_s, 0.99) * 1000, "ms"),
            Figure("refusals of an empty room", refused.per_second, "/s"),
            Figure("  / pgbench", refused.per_second / reference, "x", at_least(6)),
            Figure("  p99", percentile(refused.times_s, 0.99) * 1000, "ms"),
            Figure("wrong answers", won.wrong + refused.wrong, "", at_most(0)),
            Figure("rules that the books break", len(broken), "", at_most(0)),
        ),
        (f"pgbench TPC-B-like: {tpc_b[0]:,.0f} before, {tpc_b[1]:,.0f} after.", *broken),
    )
