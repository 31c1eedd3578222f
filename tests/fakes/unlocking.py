"""The pages where a PIN is given, on a loopback port, before a house and its people."""

import contextlib
import datetime as dt
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette

from bots.links import Slowness, routes
from core.kit.clock import SetClock
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.fakes.serving import serve

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
WRONG = "2847"
FORM = {"content-type": "application/x-www-form-urlencoded"}
AT_ONCE = Slowness(0.0, 0.0)


@dataclass
class Site:
    """The web application's pages, a way there, and the people of a house."""

    house: House
    http: httpx.AsyncClient

    async def give(self, path: str, pin: str) -> httpx.Response:
        return await self.http.post(path, data={"pin": pin})

    async def settle(self) -> None:
        self.house.clock.advance(2)
        await self.house.work()


@contextlib.asynccontextmanager
async def open_site(urls: ServiceUrls, home: Path) -> AsyncIterator[Site]:
    async with open_house(urls, home, SetClock(MORNING)) as house:
        pages = routes(
            house.core.unlocking,
            house.core.texts,
            outside_url=house.core.settings.outside_url,
            slowness=AT_ONCE,
        )
        async with (
            serve(Starlette(routes=pages)) as url,
            httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http,
        ):
            yield Site(house, http)


def link_of(person: Person) -> str:
    """The path of the link that the person was sent last."""
    mine = [each for each in person.house.notebook.shown if each.identity == person.identity]
    return urlsplit(mine[-1].moment.unlock_url).path


async def asked(person: Person) -> str:
    """On to where the PIN is asked for N500 of airtime; the path of the link."""
    await person.starts("say_airtime")
    await person.says("1")
    await person.says("500")
    await person.presses("pay")
    assert person.screen.out_of_sight
    return link_of(person)


def next_link(page: httpx.Response) -> str:
    found = re.search('action="([^"]+)"', page.text)
    assert found, page.text
    return f"/p/{found[1]}"
