"""The demo's hotspot in a world of conversations: what its router does, and what is kept of it."""

import asyncio
import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import Any

import httpx

from cli.demo import TENANT
from core.domain.hotspot import Limits, Router, RouterStatus
from core.domain.routers import RouterAccess
from core.kit import ids
from core.ports import Event, Paging
from core.ports.hotspot_books import RouterQuery
from tests.fakes.world import PIN, Caller, World

CODE = re.compile(r"(?<!Ref )\b[2-9A-HJKMNP-TV-Z]{10}\b")
_EVENT = Event("test", "test", "test", {})


@dataclass
class Site:
    """One simulated router, and its row."""

    world: World
    name: str
    router: Router

    async def act(self, action: str, **order: object) -> Any:
        """Have something done to it: see `sandbox.routeros.control`."""
        reply = await self.world.control.post(f"/control/routers/{self.name}/{action}", json=order)
        assert reply.status_code == httpx.codes.OK, reply.text
        return reply.json()

    async def enter(self, code: str, mac: str = "02:AA:00:00:00:01") -> bool:
        """A phone logs in, and stays."""
        answer = await self.act("login", code=code, mac=mac)
        return bool(answer["logged_in"])

    async def lets_in(self, code: str) -> None:
        """Wait until it does."""
        async with asyncio.timeout(15):
            while True:
                if await self.enter(code):
                    return
                await asyncio.sleep(0.05)

    async def found(self, status: RouterStatus, since_s: float = 0.0) -> None:
        """What monitoring found, so long ago."""
        now = self.world.main.core.clock.now()
        kept = await self.kept()
        await self.world.main.core.hotspots.routers.found(
            kept, status, now - dt.timedelta(seconds=since_s)
        )

    async def away(self) -> None:
        """Out of reach for ten minutes by now."""
        await self.act("away")
        await self.found(RouterStatus.OFFLINE, 600)

    async def back(self) -> None:
        await self.act("clear")
        await self.found(RouterStatus.ONLINE)

    async def change(self, **fields: Any) -> None:
        """What operators set."""
        core = self.world.main.core
        changed = replace(await self.kept(), **fields)
        assert await core.hotspots.routers.change(changed, _EVENT, core.clock.now())

    async def crowded(self, users: int) -> None:
        """Fifty may be on it, and so many are: seen by the look at it that follows."""
        core = self.world.main.core
        await self.change(limits=Limits(active_users_max=50 if users else None))
        await self.act("crowd", users=users)
        await core.router_office.desk.look_again(TENANT.id, self.router.id)
        async with asyncio.timeout(15):
            while True:
                seen = (await self.kept()).load.active_users
                if users <= seen < users + 50:  # a few have come with a code
                    return
                await asyncio.sleep(0.05)

    async def remove(self) -> None:
        core = self.world.main.core
        assert await core.hotspots.routers.remove(
            TENANT.id, self.router.id, _EVENT, core.clock.now()
        )
        await self.world.control.delete(f"/control/routers/{self.name}")

    async def compared(self, caller: Caller) -> None:
        """Have it compared with the books now, until they know that somebody used the caller's."""
        core, customer = self.world.main.core, await caller.customer()
        await core.hotspots.ops.wake(TENANT.id, self.router.id)
        async with asyncio.timeout(15):
            while True:
                [voucher] = await core.hotspots.vouchers.mine(customer, 1)
                if voucher.first_login_at is not None:
                    return
                await asyncio.sleep(0.05)

    async def kept(self) -> Router:
        found = await self.world.main.core.hotspots.routers.get(TENANT.id, self.router.id)
        assert found is not None
        return found


async def demo_site(world: World) -> Site:
    """The one that the demo sells at."""
    [router] = await world.main.core.hotspots.routers.listed(
        TENANT.id, RouterQuery(search="Callbox Cafe"), Paging(1, 1)
    )
    return Site(world, "demo", router)


async def another_site(world: World, name: str, *, reached: bool = True) -> Site:
    """A second router of the demo's tenant; or one that is out of reach from the start."""
    reply = await world.control.post("/control/routers/", json={"name": "another"})
    assert reply.status_code == httpx.codes.OK, reply.text
    access = RouterAccess("127.0.0.1", "callbox", "SIM-router", reply.json()[0]["port"])
    router = Router(ids.uuid7(), TENANT.id, name, access)
    core, site = world.main.core, Site(world, "another", router)
    if not reached:
        await site.act("away")
    assert await core.hotspots.routers.add(router, _EVENT, core.clock.now())
    if reached:
        await site.back()
    return site


def code_on(caller: Caller) -> str:
    """The code that the handset shows."""
    found = CODE.search(caller.screen)
    assert found is not None, caller.screen
    return found.group()


MONTHLY = "20 GB, 30 days"
"""A plan of the demo that is made when it is paid for, for N4,000."""


async def owner(world: World) -> tuple[Caller, str]:
    """Somebody who has bought a voucher for N300, and its code."""
    caller = await world.caller(1000)
    await caller.dial("7*1")
    await caller.enter("1", "1", PIN)
    caller.sees("Done.")
    return caller, code_on(caller)


async def waiter(world: World, site: Site) -> Caller:
    """Somebody who has paid N4,000 and waits for a place that is away."""
    await site.away()
    caller = await world.caller(5000, at=world.twin)
    await caller.dial("7*1")
    await caller.choose(f"{MONTHLY} N4,000")
    await caller.enter("1", PIN)
    caller.sees("Paid.")
    return caller


async def my_first(caller: Caller) -> None:
    """Look at the first of the caller's own."""
    await caller.menu()
    await caller.enter("7", "3", "1")
