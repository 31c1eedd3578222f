"""The whole of it: a running core, the outside world on sockets, and customers told by SMS."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cli import demo
from core.app import Core, build
from core.domain.vending import Product
from core.kit.msisdn import Msisdn
from core.ports import Paging
from core.services.sales import Sales
from core.settings import Settings
from core.store.embedded import ServiceUrls
from core.store.health import PgSales
from sandbox.app import create_app as create_sandbox
from sandbox.settings import SandboxSettings
from tests.fakes.kiosk_core import SECRET, working
from tests.fakes.outside import Calls, client
from tests.fakes.serving import serve

MSISDN = Msisdn("2348031112222")
_WAIT_S = 20.0


@dataclass
class Outage:
    """The outside world, of which providers can be put out of order. SMS goes on."""

    inner: ASGIApp
    down: bool = False
    _works: tuple[str, ...] = field(default=("/africastalking", "/control"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.down and scope["type"] == "http" and not scope["path"].startswith(self._works):
            await Response("down", 503)(scope, receive, send)
            return
        await self.inner(scope, receive, send)


@dataclass
class Running:
    core: Core
    outage: Outage
    outside: Calls

    async def alerts(self) -> list[tuple[str, bool]]:
        """Every alert ever, in the order of opening, and whether it is open."""
        found = await self.core.alerts.listed(demo.TENANT.id, None, Paging(100, descending=False))
        return [(alert.key, alert.closed_at is None) for alert in found]

    async def says(self, key: str, *, is_open: bool) -> bool:
        return (key, is_open) in await self.alerts()

    async def until(self, what: Callable[[], Awaitable[bool]]) -> None:
        ends_at = time.monotonic() + _WAIT_S
        while not await what():
            assert time.monotonic() < ends_at, await self.alerts()
            await asyncio.sleep(0.1)

    async def paused(self) -> bool:
        """As a process knows it."""
        return self.core.router.paused(demo.TENANT.id, Product.AIRTIME)


@asynccontextmanager
async def running(urls: ServiceUrls, home: Path, naira: str) -> AsyncIterator[Running]:
    outage = Outage(create_sandbox(SandboxSettings(vtpass_float=naira)))
    async with serve(outage) as sandbox_url, client(sandbox_url) as control:
        settings = Settings(
            home=home,
            sandbox_port=httpx.URL(sandbox_url).port or 0,
            health_check_every_s=0.3,
            health_review_every_s=0.3,
            outage_after_s=1.0,
        )
        async with build(settings, urls, SECRET) as core:
            await demo.seed(core)
            async with working(core):
                yield Running(core, outage, Calls(control, core.clock))


@pytest.fixture
def urls(services: ServiceUrls, database_url: str) -> ServiceUrls:
    return replace(services, database_url=database_url)


async def test_a_low_float_is_one_alert(urls: ServiceUrls, tmp_path: Path) -> None:
    """For all that is bought through the account, however often it is looked at."""
    async with running(urls, tmp_path, "19999.00") as shop:
        await shop.until(lambda: shop.says("float_low/vtpass", is_open=True))
        await asyncio.sleep(1.5)

        keys = [key for key, _ in await shop.alerts()]
        assert keys.count("float_low/vtpass") == 1


async def test_an_outage_pauses_tells_and_ends(urls: ServiceUrls, tmp_path: Path) -> None:
    async with running(urls, tmp_path, "100000.00") as shop:
        core = shop.core
        channel = await core.channels.find("africastalking", "demo")
        assert channel is not None
        customer = await core.customers.at(channel, MSISDN, MSISDN)
        sales = Sales(core.router, PgSales(core.database, core.clock))
        assert await sales.on_sale(demo.TENANT, customer, Product.AIRTIME)

        shop.outage.down = True
        await shop.until(shop.paused)
        await shop.until(lambda: shop.says("outage/airtime", is_open=True))
        assert not await sales.on_sale(demo.TENANT, customer, Product.AIRTIME)

        shop.outage.down = False

        async def told() -> bool:
            return bool(await shop.outside.messages(MSISDN))

        await shop.until(told)
        [message] = await shop.outside.messages(MSISDN)
        assert "available again" in str(message["text"])
        await shop.until(lambda: shop.says("outage/airtime", is_open=False))
        assert await sales.on_sale(demo.TENANT, customer, Product.AIRTIME)
