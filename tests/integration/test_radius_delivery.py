"""A voucher is bought, kept by FreeRADIUS, used there, and paid back from there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from core.app import build
from core.domain.vouchers import Desired, SaleState, SyncState, Usage
from core.providers.hotspot import freeradius
from core.services.router_delivery import DeliveryRules, RouterDelivery
from core.settings import BadSettings, Settings
from core.store.embedded import ServiceUrls
from tests.fakes.books import Books
from tests.fakes.database import connect, copied
from tests.fakes.radius import Radius, radius
from tests.fakes.vouchers import LEASE_S, PRICE, VoucherWorld, Worker, voucher_world

pytestmark = pytest.mark.radius


@pytest.fixture(scope="module")
async def server(
    services: ServiceUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Radius]:
    async for url in copied(services, "template1"):
        async with radius(url, tmp_path_factory.mktemp("radius")) as running:
            yield running


@pytest.fixture
async def world(books: Books, server: Radius) -> AsyncIterator[VoucherWorld]:
    """Its one worker keeps vouchers in RADIUS; the simulated router is asked nothing."""
    keeper = freeradius.FreeRadius(freeradius.Settings(database_url=server.database_url))
    async with voucher_world(books) as opened:
        rules = DeliveryRules(lease_s=LEASE_S)
        fleet = opened.worker.fleet
        delivery = RouterDelivery(opened.ops, fleet, opened.alerts, books.clock, rules, keeper)
        opened.workers[:] = [Worker(opened.ops, fleet, delivery, "worker")]
        yield opened
    await keeper.aclose()


@pytest.fixture
async def tables(server: Radius) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(server.database_url)
    yield connection
    await connection.close()


async def compared(world: VoucherWorld) -> None:
    world.later(601)
    await world.work()


async def test_it_works_is_counted_and_is_put_back_when_it_was_lost(
    world: VoucherWorld, server: Radius, tables: asyncpg.Connection
) -> None:
    customer = await world.books.customer(funds=PRICE)
    bought = (await world.buy(customer)).voucher
    code = str(bought.code)
    before = await server.login(code)
    await world.work()
    works = await world.voucher(bought.id)
    after = await server.login(code)

    await server.account(code, "s1", "Start")
    await server.account(code, "s1", "Stop", Acct_Session_Time=600, Acct_Output_Octets=5000)
    await compared(world)
    used = await world.voucher(bought.id)
    for table in ("radcheck", "radreply", "radusergroup"):
        await tables.execute(f"delete from {table} where username = $1", code)
    await compared(world)
    again = await server.login(code)

    assert (before.accepted, after.accepted) == (False, True)
    assert (works.sale_state, works.sync_state) == (SaleState.DELIVERED, SyncState.CONFIRMED)
    assert world.on_router() == []
    assert (used.sale_state, used.used) == (SaleState.IN_USE, Usage(600, 5000))
    assert again.attributes["Session-Timeout"] == "3000"


async def test_used_up_is_over(world: VoucherWorld, server: Radius) -> None:
    bought = (await world.buy(await world.books.customer(funds=PRICE))).voucher
    await world.work()
    code = str(bought.code)
    await server.account(code, "s1", "Start")
    await server.account(code, "s1", "Stop", Acct_Session_Time=3600)

    await compared(world)
    await compared(world)

    assert (await world.voucher(bought.id)).sale_state is SaleState.EXHAUSTED
    assert not (await server.login(code)).accepted


async def test_paid_back_only_once_it_is_let_in_no_more(
    world: VoucherWorld, server: Radius
) -> None:
    customer = await world.books.customer(funds=PRICE)
    bought = (await world.buy(customer)).voucher
    code = str(bought.code)
    await world.work()
    await world.desk.disable(world.tenant_id, code, actor="test")
    await world.work()
    disabled = await server.login(code)

    await world.desk.refund(world.tenant_id, code, reason="test", actor="test")
    asked = await world.books.money(customer)
    await world.work()

    refunded = await world.voucher(bought.id)
    assert not disabled.accepted
    assert asked == (0, 0)
    assert (refunded.sale_state, refunded.desired) == (SaleState.REFUNDED, Desired.ABSENT)
    assert await world.books.money(customer) == (PRICE, 0)
    assert not (await server.login(code)).accepted


async def test_a_missing_database_stops_the_start_with_one_line(
    services: ServiceUrls, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FREERADIUS_DATABASE_URL", raising=False)
    settings = Settings(home=tmp_path, sandbox_port=1, vouchers_by="radius")
    urls = replace(services, database_url=database_url)

    with pytest.raises(BadSettings, match=r"^FREERADIUS_DATABASE_URL: "):
        async with build(settings, urls, "a secret key of a test"):
            pass
