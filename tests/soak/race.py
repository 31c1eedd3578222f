"""Many race for the shares of one gift room, over three channels at once; again with a kill.

`make race PEOPLE=5000`: each asks one to three times through the real HTTP endpoints of a
`callbox run`. In the end exactly as many have won as there are shares, the sums add up to the kobo,
nobody has won twice, and everybody was told the truth. It prints how long losers waited for their
answer at the rate that the machine sustains.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import aiohttp
import asyncpg

from cli.attached import attached_core
from cli.demo import TENANT
from core.app import Core
from core.domain.gifts import GiftTerms, Room
from core.domain.linking import Proof
from core.kit import logging
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import Event
from core.services.gift_giving import Giver
from core.services.gift_wishes import GiftWish
from core.settings import Settings
from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import join_services
from tests.bench.figures import percentile
from tests.bench.wallets import channel_of, crowd, funded
from tests.e2e.program import HASTE, Process, free_port, home_folder
from tests.fakes.database import connect
from tests.fakes.serving import serve
from tests.fakes.world import PIN_HASH
from tests.soak.racers import (
    ByTelegram,
    ByUssd,
    ByWhatsApp,
    Channel,
    Chats,
    Racer,
    identity_on_telegram,
)

SHARES = 100
LOSERS_P99_S = 1.0
_TOTAL_MINOR = 50_000_00
_UP_WITHIN_S = 60.0
_LINKED_AT_ONCE = 8
_ASKS_MAX = 3


@dataclass
class Race:
    """What came of one race. `wrong` is what must not be."""

    people: int
    seconds: float = 0.0
    answers: int = 0
    killed: bool = False
    waits_s: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def losers_p99_s(self) -> float:
        return percentile(sorted(self.waits_s), 0.99)

    def __str__(self) -> str:
        kill = ", with the process killed in the middle" if self.killed else ""
        return (
            f"{self.people} people for {SHARES} shares{kill}: {self.answers} results in"
            f" {self.seconds:.1f} s, {self.answers / self.seconds:.0f} a second; losers waited"
            f" {percentile(sorted(self.waits_s), 0.5) * 1000:.0f} ms at p50,"
            f" {self.losers_p99_s * 1000:.0f} ms at p99"
        )


@dataclass
class Course:
    """A running Callbox, whose chats end here."""

    home: Path
    callbox: Process
    url: str
    chats: Chats

    async def up(self) -> None:
        async with asyncio.timeout(_UP_WITHIN_S), aiohttp.ClientSession() as http:
            while True:
                assert self.callbox.running, self.callbox.log.read_text()[-3000:]
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{self.url}/health") as reply:
                        if reply.status == 200:
                            return
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def course() -> AsyncIterator[Course]:
    with home_folder() as home:
        home.mkdir(parents=True)
        chats, port = Chats(), free_port()
        async with serve(chats.app()) as outside:
            env = {
                **HASTE,
                "CALLBOX_HOME": str(home),
                "CALLBOX_PORT": str(port),
                "CALLBOX_SANDBOX": "off",
                "CALLBOX_SANDBOX_PORT": outside.rsplit(":", 1)[1],
                "CALLBOX_LOG_JSON": "true",
                "CALLBOX_LOG_LEVEL": "WARNING",
                # The chats are simulated, and here people type faster than any channel takes it.
                "CALLBOX_CHANNEL_LIMITS": "false",
            }
            made = Course(
                home, Process("run", env, home / "callbox.log"), f"http://127.0.0.1:{port}", chats
            )
            await made.callbox.start()
            try:
                await made.up()
                yield made
            finally:
                await made.callbox.stop()


@dataclass
class Field:
    """Who races, and for what."""

    room: Room
    racers: Sequence[Racer]


async def lined_up(core: Core, database_url: str, people: int) -> Field:
    """So many people, a third on each channel, half of them with a PIN; and a room of somebody."""
    customers = await crowd(core, database_url, TENANT, people + 1, 0)
    racers = customers[:-1]
    await _pins(database_url, [each.id for each in racers[::2]])
    telegram = await core.channels.find("telegram", "demo")
    assert telegram is not None
    linking, room_for = core.conversations._desk.linking, asyncio.Semaphore(_LINKED_AT_ONCE)

    async def linked(msisdn: Msisdn) -> None:
        async with room_for:
            name = identity_on_telegram(msisdn)
            await linking.join(telegram, name, msisdn, Proof.CHANNEL, over=False)

    await asyncio.gather(*(linked(each.msisdn) for each in racers[1::3]))
    channel = await channel_of(core)
    terms = GiftTerms(total_max_minor=10**10, day_max_minor=10**10)
    event = Event(str(TENANT.id), "gift.terms", "test", {})
    await core.gift_rooms.set_terms(TENANT.id, terms, event)
    giver = await funded(core, TENANT, channel, customers[-1].msisdn, _TOTAL_MINOR)
    room = await core.gifts.open(
        GiftWish(Money(_TOTAL_MINOR, "NGN"), SHARES),
        Giver(TENANT, giver, channel.id, giver.msisdn, "Ada"),
        "the race",
    )
    return Field(room, [Racer(each.msisdn) for each in racers])


async def run(
    at: Course, field_: Field, *, at_once: int, kill: bool, chance: random.Random
) -> Race:
    race = Race(len(field_.racers), killed=kill)
    connector = aiohttp.TCPConnector(limit=at_once * 2)
    timeout = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        ways = [kind(http, at.url, at.chats) for kind in (ByUssd, ByTelegram, ByWhatsApp)]
        lane, middle = asyncio.Semaphore(at_once), asyncio.Event()
        done = 0

        async def runs(racer: Racer, way: Channel) -> None:
            nonlocal done
            for _ in range(chance.randint(1, _ASKS_MAX)):
                async with lane:
                    await way.ask(racer, field_.room.code)
                done += 1
                if done >= SHARES // 2:
                    middle.set()

        async def killed_in_the_middle() -> None:
            await middle.wait()
            await at.callbox.kill()
            await at.callbox.start()
            await at.up()
            await _leases_ended(at.home)

        began = time.perf_counter()
        starters = [
            runs(racer, ways[place % len(ways)]) for place, racer in enumerate(field_.racers)
        ]
        chance.shuffle(starters)
        await asyncio.gather(*starters, *([killed_in_the_middle()] if kill else []))
        race.seconds = time.perf_counter() - began
    race.answers = done
    for racer in field_.racers:
        if not racer.won_minor:
            race.waits_s += racer.waits_s
    return race


async def judged(database_url: str, field_: Field) -> list[str]:
    """What is wrong, in words; nothing where every promise was kept."""
    wrong = [f"{racer.msisdn}: {each}" for racer in field_.racers for each in racer.strange]
    owner = await connect(database_url)
    rows = await owner.fetch(
        "select c.msisdn, k.state, k.amount_minor from gift_claims k"
        " join customers c on c.id = k.customer_id where k.room_id = $1",
        field_.room.id,
    )
    wallets = await owner.fetch(
        "select c.msisdn, a.posted_minor from accounts a join customers c on c.id::text = a.owner"
        " where a.type = 'wallet' and a.posted_minor <> 0 and c.id <> $1",
        field_.room.creator_id,
    )
    [room] = await owner.fetch("select * from gift_rooms where id = $1", field_.room.id)
    [escrow] = await owner.fetch(
        "select posted_minor from accounts where type = 'escrow' and owner = $1",
        str(field_.room.id),
    )
    await owner.close()
    won = {row["msisdn"]: row["amount_minor"] for row in rows}
    paid = {row["msisdn"]: row["amount_minor"] for row in rows if row["state"] == "paid"}
    held = {row["msisdn"]: row["amount_minor"] for row in rows if row["state"] == "reserved"}
    wrong += _sums(won, paid, held, room, escrow["posted_minor"])
    if {row["msisdn"]: row["posted_minor"] for row in wallets} != paid:
        wrong.append("wallets do not hold what was paid")
    for racer in field_.racers:
        told = set(racer.won_minor)
        if told and told != {won.get(racer.msisdn)}:
            wrong.append(f"{racer.msisdn} was told {told} and has {won.get(racer.msisdn)}")
        if racer.msisdn in won and not told:
            wrong.append(f"{racer.msisdn} has won and was never told")
        if told and racer.lost:
            wrong.append(f"{racer.msisdn} was told of a win and of a loss")
    engine = owner_engine(database_url)
    wrong += [str(each) for each in await invariants.check(engine)]
    await engine.dispose()
    return wrong


def _sums(
    won: dict[str, int],
    paid: dict[str, int],
    held: dict[str, int],
    room: asyncpg.Record,
    escrow_minor: int,
) -> list[str]:
    found = []
    if len(won) != SHARES or len(paid) + len(held) != SHARES:
        found.append(f"{len(won)} have won, {len(paid)} were paid and {len(held)} wait")
    if Counter(won.values()) != Counter(room["amounts_minor"]):
        found.append("what was won is not what there was to win")
    if sum(won.values()) != _TOTAL_MINOR or room["paid_minor"] != sum(paid.values()):
        found.append(f"{sum(won.values())} was won of {_TOTAL_MINOR}")
    if escrow_minor != sum(held.values()):
        found.append(f"{escrow_minor} is in escrow and {sum(held.values())} waits")
    return found


async def _leases_ended(home: Path) -> None:
    """As if the minute had passed after which another worker takes up what the dead one had."""
    async with join_services(home) as urls:
        owner = await connect(urls.database_url)
        await owner.execute("update talks set leased_until = now() where leased_until > now()")
        await owner.close()


async def _pins(database_url: str, ids: list[UUID]) -> None:
    owner = await connect(database_url)
    await owner.execute(
        "update customers set pin_hash = $2 where id = any ($1::uuid[])", ids, PIN_HASH
    )
    await owner.close()


async def race(people: int, *, at_once: int, kill: bool, seed: int) -> Race:
    """From an empty machine to the verdict."""
    async with course() as at:
        async with (
            attached_core(Settings(home=at.home, sandbox_port=9)) as core,
            join_services(at.home) as urls,
        ):
            field_ = await lined_up(core, urls.database_url, people)
        ran = await run(at, field_, at_once=at_once, kill=kill, chance=random.Random(seed))
        async with join_services(at.home) as urls:
            ran.wrong = await judged(urls.database_url, field_)
    return ran


def main() -> int:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--people", type=int, default=5000)
    reader.add_argument("--at-once", type=int, default=12)
    reader.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = reader.parse_args()
    logging.configure(json=False, level="WARNING")
    bad = False
    for kill in (False, True):
        ran = asyncio.run(
            race(arguments.people, at_once=arguments.at_once, kill=kill, seed=arguments.seed)
        )
        print(f"{ran}; seed {arguments.seed}", flush=True)
        for line in ran.wrong[:20]:
            print(f"  WRONG: {line}")
        slow = not kill and ran.losers_p99_s >= LOSERS_P99_S
        if slow:
            print(f"  TOO SLOW: losers wait {LOSERS_P99_S:g} s at most at p99")
        bad = bad or bool(ran.wrong) or slow
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
