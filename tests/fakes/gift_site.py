"""The public pages of gifts, on a loopback port, before a house and its people."""

import contextlib
import datetime as dt
import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from bots.gifts.app import routes
from bots.gifts.live import Live, LiveRules
from cli import demo
from cli.processes import gift_site
from core.domain.customers import Customer
from core.domain.gifts import GiftTerms, Room
from core.kit.clock import SetClock
from core.kit.money import Money
from core.kit.msisdn import parse_msisdn
from core.ports import Event
from core.services.gift_giving import Giver
from core.services.gift_pages import PageRules
from core.services.gift_wishes import GiftWish
from core.store.embedded import ServiceUrls
from tests.fakes.chat import PIN_HASH, House, Person, open_house
from tests.fakes.serving import serve

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
QUICK = LiveRules(every_s=0.02, beat_s=0.05, viewers_max=3, rooms_max=2)
GIVER = "2348030000001"
EVERYBODY = PageRules(of_address=10**6, of_room=10**6, of_all=10**6)


@dataclass
class GiftSiteFake:
    """The web application's pages of gifts, a way there, and who gives."""

    house: House
    http: httpx.AsyncClient
    live: Live
    giver: Person
    _given: int = field(default=0)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def number(self) -> str:
        """Nobody's yet, as people type it."""
        return f"0803555{next(self._numbers):04d}"

    async def gives(self, naira: int = 1000, shares: int = 2, **wish: Any) -> Room:
        """A gift of Emeka's, as it is confirmed in a chat."""
        self._given += 1
        core, channel = self.house.core, await self.house.channel()
        giver = Giver(demo.TENANT, self.giver.customer, channel.id, self.giver.identity, "Emeka")
        wished = GiftWish(Money(naira * 100, "NGN"), shares, **wish)
        return await core.gifts.open(wished, giver, f"test {self._given}")

    async def stands(self, room: Room) -> Room:
        found = await self.house.core.gift_rooms.get(room.tenant_id, room.id)
        assert found is not None
        return found

    async def look(self, room: Room) -> httpx.Response:
        return await self.http.get(f"/gift/{room.token}")

    async def posts(self, room: Room, page: httpx.Response, **typed: str) -> httpx.Response:
        """The form of that page, filled in and sent."""
        found = re.search('name="state" value="([^"]+)"', page.text)
        assert found, page.text
        return await self.http.post(f"/gift/{room.token}", data={"state": found[1], **typed})

    async def texts(self, number: str) -> list[str]:
        """What was sent to that number by SMS."""
        await self.house.work()
        to = "234" + number.removeprefix("0")
        return [sms.text for sms in self.house.letters.sent if sms.to == to]

    async def code(self, number: str) -> str:
        """The one that was last sent to that number."""
        texts = await self.texts(number)
        found = re.search(r"\b(\d{6})\b", texts[-1])
        assert found, texts
        return found[1]

    async def proves(self, room: Room, number: str) -> httpx.Response:
        """From the open page to what comes after the right code, from a browser of their own."""
        self.http.cookies.clear()
        asked = await self.posts(room, await self.look(room), number=number)
        return await self.posts(room, asked, code=await self.code(number))

    async def registered(self) -> str:
        """The number of somebody who has a PIN."""
        number = self.number()
        core = self.house.core
        await core.customers.set_pin(await self.customer(number), PIN_HASH, core.clock.now())
        return number

    async def customer(self, number: str) -> Customer:
        msisdn = parse_msisdn(number, demo.TENANT.country)
        return await self.house.core.customers.of_number(demo.TENANT.id, msisdn)


@contextlib.asynccontextmanager
async def open_gift_site(
    urls: ServiceUrls, home: Path, rules: LiveRules = QUICK
) -> AsyncIterator[GiftSiteFake]:
    async with open_house(urls, home, SetClock(MORNING)) as house:
        core = house.core
        core.gift_front.pages._kept_s = 0.0  # what a test has just done shows at once
        core.gift_front.pages._rules = EVERYBODY
        live = Live(core.gift_front.pages.progress, rules)
        async with (
            serve(Starlette(routes=routes(gift_site(core, live)))) as url,
            httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http,
        ):
            terms = GiftTerms(open_max=1_000, day_max_minor=10**12)
            await core.gift_rooms.set_terms(demo.TENANT.id, terms, Event("t", "t", "test", {}))
            giver = await house.person(GIVER, naira=1_000_000)
            with contextlib.closing(live):
                yield GiftSiteFake(house, http, live, giver)
