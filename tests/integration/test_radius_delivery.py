"""A voucher is bought, kept by FreeRADIUS, used there, and paid back from there."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from core.app import build
from core.domain.voucher_codes import new_codes
from core.domain.vouchers import Desired, SaleState, SyncState, Usage
from core.kit import ids
from core.ports.hotspot import Done
from core.ports.voucher_backend import Login
from core.providers.hotspot.freeradius import FreeRadius
from core.services.router_delivery import DeliveryRules, RouterDelivery
from core.settings import BadSettings, Settings
from core.store.embedded import ServiceUrls
from tests.fakes.books import Books
from tests.fakes.radius import HERE, Radius
from tests.fakes.vouchers import (
    EVENT,
    HOUR,
    LEASE_S,
    PRICE,
    VoucherWorld,
    Worker,
    new_plan,
    voucher_world,
)

pytestmark = pytest.mark.radius


@pytest.fixture
async def world(books: Books, keeper: FreeRadius) -> AsyncIterator[VoucherWorld]:
    """Its one worker keeps vouchers in RADIUS; the simulated router is asked nothing."""
    async with voucher_world(books) as opened:
        rules = DeliveryRules(lease_s=LEASE_S)
        fleet = opened.worker.fleet
        delivery = RouterDelivery(opened.ops, fleet, opened.alerts, books.clock, rules, keeper)
        opened.workers[:] = [Worker(opened.ops, fleet, delivery, "worker")]
        yield opened


async def compared(world: VoucherWorld) -> None:
    world.later(601)
    await world.work()


async def test_it_works_is_counted_and_is_put_back_when_it_was_lost(
    world: VoucherWorld, server: Radius, tables: asyncpg.Connection
) -> None:
    customer = await world.books.customer(funds=PRICE)
    bought = (await world.buy(customer)).voucher
    code = str(bought.code)
    before = await server.login(code, at=world.site.id)
    await world.work()
    works = await world.voucher(bought.id)
    after = await server.login(code, at=world.site.id)

    await server.account(code, "s1", "Start")
    await server.account(code, "s1", "Stop", Acct_Session_Time=600, Acct_Output_Octets=5000)
    await compared(world)
    used = await world.voucher(bought.id)
    for table in ("radcheck", "radreply", "radusergroup"):
        await tables.execute(f"delete from {table} where username = $1", code)
    await compared(world)
    again = await server.login(code, at=world.site.id)

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
    assert not (await server.login(code, at=world.site.id)).accepted


async def test_paid_back_only_once_it_is_let_in_no_more(
    world: VoucherWorld, server: Radius
) -> None:
    customer = await world.books.customer(funds=PRICE)
    bought = (await world.buy(customer)).voucher
    code = str(bought.code)
    await world.work()
    await world.desk.disable(world.tenant_id, code, actor="test")
    await world.work()
    disabled = await server.login(code, at=world.site.id)

    await world.desk.refund(world.tenant_id, code, reason="test", actor="test")
    asked = await world.books.money(customer)
    await world.work()

    refunded = await world.voucher(bought.id)
    assert not disabled.accepted
    assert asked == (0, 0)
    assert (refunded.sale_state, refunded.desired) == (SaleState.REFUNDED, Desired.ABSENT)
    assert await world.books.money(customer) == (PRICE, 0)
    assert not (await server.login(code, at=world.site.id)).accepted


async def test_what_was_kept_before_logins_had_a_place_is_given_one(
    world: VoucherWorld, server: Radius, tables: asyncpg.Connection
) -> None:
    bought = (await world.buy(await world.books.customer(funds=PRICE))).voucher
    await world.work()
    code = str(bought.code)
    await tables.execute(
        "delete from radcheck where username = $1 and attribute = 'NAS-Identifier'", code
    )
    before = await server.login(code)

    await compared(world)

    assert before.accepted
    assert not (await server.login(code)).accepted
    assert (await server.login(code, at=world.site.id)).accepted
    assert (await world.voucher(bought.id)).sync_state is SyncState.CONFIRMED


async def test_who_is_second_to_a_code_gets_the_money_back_and_the_first_goes_on(
    world: VoucherWorld, server: Radius, keeper: FreeRadius
) -> None:
    customer = await world.books.customer(funds=PRICE)
    bought = (await world.buy(customer)).voucher
    code = str(bought.code)
    await others(keeper, code)

    await world.work()
    waits = await world.voucher(bought.id)
    told = world.alerts.kinds
    settled = await world.settle(bought.id)

    assert (waits.sale_state, waits.sync_state) == (SaleState.SOLD, SyncState.BLOCKED)
    assert (waits.error, told) == ("name_taken", {"blocked"})
    assert settled.sale_state is SaleState.REFUNDED
    assert await world.books.money(customer) == (PRICE, 0)
    assert "notice.voucher_refunded" in await world.told(customer)
    assert (await server.login(code)).accepted
    assert not (await server.login(code, at=world.site.id)).accepted


async def test_a_code_in_stock_that_another_tenant_has_makes_way_for_a_new_one(
    books: Books, world: VoucherWorld, server: Radius, keeper: FreeRadius
) -> None:
    """Nobody has seen it: whoever buys is given one that works."""
    plan = await world.plans.save(new_plan(books, "POOLED", pooled=True), EVENT, books.clock.now())
    [lease] = await world.ops.claim("stocks", 1, LEASE_S)
    [refill] = await world.ops.refills(lease)
    codes = new_codes(refill.missing)
    await world.ops.refill(lease, refill, world.ops.seal(world.tenant_id, codes))
    await world.ops.give_back(lease)
    await others(keeper, codes[0])

    await world.work()
    sold = [
        (await world.buy(await books.customer(n, funds=PRICE), plan=plan)).voucher.id
        for n in range(len(codes))
    ]
    await world.work()
    bought = [await world.voucher(each) for each in sold]

    assert codes[0] not in {each.code for each in bought}
    assert {each.sale_state for each in bought} == {SaleState.DELIVERED}
    for each in bought:
        assert (await server.login(str(each.code), at=world.site.id)).accepted
    assert (await server.login(codes[0])).accepted


async def others(keeper: FreeRadius, code: str) -> None:
    """Another tenant's voucher of the same code, good at the hotspot `HERE`."""
    assert await keeper.put(Login(ids.uuid7(), HERE, 1, code, HOUR)) == Done(None)


async def test_a_missing_database_stops_the_start_with_one_line(
    services: ServiceUrls, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FREERADIUS_DATABASE_URL", raising=False)
    settings = Settings(home=tmp_path, sandbox_port=1, vouchers_by="radius")
    urls = replace(services, database_url=database_url)

    with pytest.raises(BadSettings, match=r"^FREERADIUS_DATABASE_URL: "):
        async with build(settings, urls, "a secret key of a test"):
            pass
