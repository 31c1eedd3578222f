"""Many buy while everything is killed, cut and delayed; in the end every promise must hold.

`make soak MINUTES=20`. Real edges and workers, real Postgres and Valkey, the sandbox behind a bad
line. It ends when both counts are reached, fails when the minutes are over before, and fails when
any promise is broken.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator

from sqlalchemy import text

from core.store.database import owner_engine
from tests.e2e.program import Process, home_folder
from tests.soak.crowd import Crowd
from tests.soak.story import stories
from tests.soak.verdict import judge, settled, tally
from tests.soak.world import SoakWorld, standing

WILD = 0.06
_VICTIMS = ("web",) * 7 + ("worker",) * 9 + ("postgres",) * 2 + ("valkey",) * 2
_TELL_EVERY_S = 15.0
_COUNT = text("select count(*) from orders")


class Killer:
    """Kills one process after the other until `stop`, and starts again whatever does not run.

    As in service: one that found no Postgres when it started has ended by itself.
    """

    def __init__(self, world: SoakWorld, crowd: Crowd, chance: random.Random) -> None:
        self.killed: Counter[str] = Counter()
        self._world = world
        self._crowd = crowd
        self._chance = chance
        self._starting: dict[Process, asyncio.Task[None]] = {}

    async def kill_until(self, stop: asyncio.Event, pause_s: float, kills: int) -> None:
        while not stop.is_set() and self.killed.total() < kills:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(
                    stop.wait(), self._chance.uniform(0.5 * pause_s, 1.5 * pause_s)
                )
                return
            await self._kill(self._chance.choice(_VICTIMS))
            self._supervise()

    async def back_up(self) -> None:
        """Everything that was killed runs again."""
        await asyncio.gather(*self._starting.values())
        for process in self._world.processes:
            if not process.running:
                await process.start()

    async def _kill(self, victim: str) -> None:
        if victim in {"postgres", "valkey"}:
            self._world.kill_server(victim)
        else:
            group = self._world.webs if victim == "web" else self._world.workers
            up = [process for process in group if process.running]
            if not up:
                return
            process = self._chance.choice(up)
            await process.kill()
        self._crowd.killed += 1
        self.killed[victim] += 1

    def _supervise(self) -> None:
        for process in self._world.processes:
            under_way = self._starting.get(process)
            if not process.running and (under_way is None or under_way.done()):
                self._starting[process] = asyncio.create_task(self._again(process))

    async def _again(self, process: Process) -> None:
        await asyncio.sleep(self._chance.uniform(0, 0.5))
        await process.start()


async def soak(arguments: argparse.Namespace) -> int:
    chance = random.Random(arguments.seed)
    began = time.monotonic()
    with home_folder() as home:
        async with standing(home, chance) as world:
            crowd = Crowd(world, chance)
            await crowd.gather(arguments.customers)
            print(f"{arguments.customers} customers have money and a PIN; seed {arguments.seed}")
            killer = Killer(world, crowd, chance)
            deadline = began + arguments.minutes * 60
            world.line.wild = WILD
            pause_s = 0.8 * (deadline - time.monotonic()) / arguments.kills
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(crowd.buy_until(stop))
                group.create_task(killer.kill_until(stop, pause_s, arguments.kills))
                async for orders in _counted(world, killer):
                    enough = orders >= arguments.orders and killer.killed.total() >= arguments.kills
                    if enough or time.monotonic() > deadline:
                        stop.set()
                        break
            world.line.wild = 0.0
            await killer.back_up()
            left = await settled(world)
            verdict = await judge(world)
            told = await stories(world, verdict.wrong)
    orders = sum(verdict.states.values())
    print(f"orders: {orders:,} ({tally(verdict.states)})")
    print(f"attempts: {tally(verdict.attempts)}; real deliveries: {verdict.deliveries:,}")
    print(f"refunded after: {tally(verdict.refunds)}")
    print(f"kills: {killer.killed.total()} ({tally(killer.killed)})")
    print(f"bad line: {tally(world.line.mischief)}")
    print(f"customers saw: {tally(crowd.seen)}")
    print(f"took {(time.monotonic() - began) / 60:.1f} minutes")
    failures = [*verdict.broken, *crowd.strange[:3]]
    failures += [f"still under way at the end: {one}" for one in left]
    if orders < arguments.orders or killer.killed.total() < arguments.kills:
        failures.append(f"too few: asked for {arguments.orders} orders, {arguments.kills} kills")
    for line in told:
        print(line)
    for failure in failures:
        print(f"BROKEN: {failure}")
    print("FAILED" if failures else "every promise was kept")
    return 1 if failures else 0


async def _counted(world: SoakWorld, killer: Killer) -> AsyncIterator[int]:
    """The number of orders, every few seconds, told to whoever watches."""
    engine = owner_engine(world.urls.database_url)
    orders, told = 0, time.monotonic()
    try:
        while True:
            await asyncio.sleep(1)
            with contextlib.suppress(Exception):  # Postgres was killed just now
                async with engine.connect() as connection:
                    orders = int(await connection.scalar(_COUNT) or 0)
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                print(f"{orders:,} orders, {killer.killed.total()} kills", flush=True)
            yield orders
    finally:
        await engine.dispose()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--customers", type=int, default=150)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    return asyncio.run(soak(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
