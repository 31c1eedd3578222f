"""Routers beside the books: resets, strangers, copies, what was used, and what stock there is."""

import dataclasses
from collections.abc import AsyncIterator

import asyncpg
import pytest

from core.domain.hotspot import RouterStatus, Terms
from core.domain.vouchers import SaleState, SyncState, mark_of
from core.kit import ids
from core.ports import Paging
from sandbox.routeros import hotspot as phones
from sandbox.routeros.schema import USERS
from tests.fakes.books import Books
from tests.fakes.hotspot import access
from tests.fakes.vouchers import EVENT, PRICE, VoucherWorld, new_plan, voucher_world

ADD = "/ip/hotspot/user/add"
PAGE = Paging()
FUNDS = 1000_00


@pytest.fixture
async def world(books: Books) -> AsyncIterator[VoucherWorld]:
    async with voucher_world(books) as opened:
        yield opened


async def test_a_reset_router_gets_back_what_is_left_paid_ones_first(books: Books) -> None:
    async with voucher_world(books, pooled=True) as world:
        await world.work()
        customer = await books.customer(funds=FUNDS * 10)
        bought = [await world.buy(customer, key=f"k{n}") for n in range(12)]
        await world.settle(bought[-1].voucher.id)
        used = bought[0].voucher
        assert used.code is not None
        world.router.box[USERS].keyed(used.code, "hotspot1").values["uptime"] = 600  # type: ignore[union-attr]
        await world.ops.wake(world.tenant_id, world.site.id)
        await world.work()
        assert (await world.voucher(used.id)).used.online_s == 600

        await world.router.factory_reset(replaced=True)
        world.router.box.set_up_again()
        asked = len(world.router.box.record.last)
        await world.ops.wake(world.tenant_id, world.site.id)
        await world.work()

        site = await world.sites.get(world.tenant_id, world.site.id)
        assert site is not None
        assert (site.status, site.attention) == (RouterStatus.NEEDS_ATTENTION, "reset")
        assert "reset" in world.alerts.kinds
        [user] = world.users_of(await world.voucher(used.id))
        assert user.values["limit-uptime"] == 3600 - 600
        marks = [row.values["comment"][:16] for row in world.on_router()]
        paid = {mark_of(each.voucher.id) for each in bought}
        assert paid < set(marks)
        adds = [
            word.removeprefix("=comment=")[:16]
            for _, words in list(world.router.box.record.last)[asked:]
            if words[0] == ADD
            for word in words
            if word.startswith("=comment=")
        ]
        firsts = {mark: adds.index(mark) for mark in marks if mark in adds}
        stock = [place for mark, place in firsts.items() if mark not in paid]
        assert max(firsts[mark] for mark in paid) < max(stock)
        # A person has been there: it sells again.
        await world.sites.attended(site, EVENT, books.clock.now())
        again = await world.sites.get(world.tenant_id, world.site.id)
        assert again is not None
        assert again.status is RouterStatus.RECOVERING


async def test_comparing_puts_right_what_somebody_changed(world: VoucherWorld) -> None:
    """A user that was removed, disabled or given more; not one that was never ours."""
    world.add_foreign("guest", comment="hb0:mine")
    await world.stocked(4)
    await world.work()
    users = world.router.box[USERS]
    gone, disabled, richer, _ = world.on_router()
    users.drop(gone)
    disabled.values["disabled"] = True
    richer.values["limit-bytes-total"] = 0
    copied = dict(richer.values, name="copy", password="copy")
    users.put(world.router.box.now_s(), **{k.replace("-", "_"): v for k, v in copied.items()})

    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()

    ours = [row for row in world.on_router() if row.values["name"] != "copy"]
    assert len(ours) == 4
    assert {row.values["limit-bytes-total"] for row in ours} == {1024**3}
    assert not any(row.values["disabled"] for row in ours)
    assert {"guest", "copy"} < set(world.names())


async def test_more_than_a_third_is_not_removed_without_a_person(
    world: VoucherWorld, owner: asyncpg.Connection
) -> None:
    await world.stocked(40)
    await world.work()
    await owner.execute(
        "update vouchers set sale_state = 'cancelled', desired = 'absent', sync_state = 'gone',"
        " maybe_there = false where serial <= 20"
    )  # as when an old backup of the books were restored

    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()

    assert len(world.on_router()) == 40
    assert world.alerts.kinds == {"mass_removal"}
    site, now = world.site, world.books.clock.now
    await world.sites.let_go(site, 19, EVENT, now())  # fewer than they are
    await world.work()
    assert len(world.on_router()) == 40
    world.later(3600)  # an hour is all that it is good for
    await world.sites.let_go(dataclasses.replace(site, tenant_id=ids.uuid7()), 20, EVENT, now())
    await world.ops.wake(world.tenant_id, site.id)
    await world.work()
    assert len(world.on_router()) == 40
    await owner.execute(
        "update vouchers set desired = 'present', sale_state = 'stock',"
        " sync_state = 'confirmed', maybe_there = true where serial <= 15"
    )
    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()
    assert len(world.on_router()) == 35  # a handful is
    assert world.alerts.kinds == set()


async def test_an_operator_lets_them_go_once(
    world: VoucherWorld, owner: asyncpg.Connection
) -> None:
    await world.stocked(60)
    await world.work()
    forgotten = (
        "update vouchers set sale_state = 'cancelled', desired = 'absent', sync_state = 'gone',"
        " maybe_there = false where serial between $1 and $2"
    )
    await owner.execute(forgotten, 1, 20)
    await world.sites.let_go(world.site, 20, EVENT, world.books.clock.now())
    await world.work()
    first, alerts = len(world.on_router()), world.alerts.kinds

    world.later(60)
    await owner.execute(forgotten, 21, 40)
    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()

    assert (first, alerts) == (40, set())
    assert len(world.on_router()) == 40
    assert world.alerts.kinds == {"mass_removal"}


async def test_a_refused_password_is_told_by_monitoring_alone(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=FUNDS)
    changed = dataclasses.replace(world.site, access=access(world.router, password="changed"))
    await world.sites.change(changed, EVENT, world.books.clock.now())
    await world.buy(customer)
    await world.work()

    assert world.on_router() == []
    assert world.alerts.kinds == set()


async def test_validity_begins_with_the_first_login_and_ends_it(world: VoucherWorld) -> None:
    day = new_plan(world.books, "DAY", terms=Terms(validity_s=86_400))
    plan = await world.plans.save(day, EVENT, world.books.clock.now())
    customer = await world.books.customer(funds=FUNDS)
    bought = await world.buy(customer, plan=plan)
    ended = await world.settle(bought.voucher.id)
    world.later(86_400 * 3)
    assert world.enter(ended.code) == ""
    phones.log_in(world.router.box, phones.Device("02:AA:00:00:00:02", str(ended.code)))
    world.later(60)
    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()
    using = await world.voucher(ended.id)
    assert using.sale_state is SaleState.IN_USE
    assert using.first_login_at is not None
    assert using.expires_at is not None
    assert (using.expires_at - using.first_login_at).total_seconds() == 86_400
    assert using.used.online_s >= 60

    world.later(86_400)
    await world.book.turn_over(10)
    await world.work()
    over = await world.voucher(ended.id)
    assert (over.sale_state, over.sync_state) == (SaleState.EXPIRED, SyncState.GONE)
    assert world.enter(over.code) != ""
    assert len(world.router.box["/ip/hotspot/active"].rows) == 0
    assert await world.books.money(customer) == (FUNDS - PRICE, 0)


async def test_a_voucher_that_is_used_up_is_over(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=FUNDS)
    bought = await world.buy(customer)
    await world.settle(bought.voucher.id)
    [user] = world.on_router()
    user.values["bytes-in"] = 1024**3
    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()
    over = await world.voucher(bought.voucher.id)
    assert (over.sale_state, over.sync_state) == (SaleState.EXHAUSTED, SyncState.GONE)
    assert over.left.data_bytes == 0


async def test_a_power_cut_that_gives_time_back_is_honoured(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=FUNDS)
    bought = await world.buy(customer)
    await world.settle(bought.voucher.id)
    phones.log_in(world.router.box, phones.Device("02:AA:00:00:00:02", str(bought.voucher.code)))
    world.later(700)
    await world.work()
    assert (await world.voucher(bought.voucher.id)).used.online_s == 700
    await world.router.power_cut()
    world.later(700)
    await world.work()
    after = await world.voucher(bought.voucher.id)
    assert after.used.online_s == 0
    assert after.sale_state is SaleState.IN_USE
    assert world.enter(after.code) == ""


async def test_disabled_is_put_out_and_enabled_is_let_in(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=FUNDS)
    bought = await world.buy(customer)
    ended = await world.settle(bought.voucher.id)
    code = str(ended.code)
    phones.log_in(world.router.box, phones.Device("02:AA:00:00:00:02", code))
    await world.desk.disable(world.tenant_id, code.lower(), actor="test")
    await world.work()
    assert len(world.router.box["/ip/hotspot/active"].rows) == 0
    assert world.enter(code) != ""
    await world.desk.enable(world.tenant_id, code, actor="test")
    await world.work()
    assert world.enter(code) == ""


async def test_stock_follows_what_is_sold_and_what_is_changed(books: Books) -> None:
    async with voucher_world(books, pooled=True) as world:
        await world.work()
        assert len(world.on_router()) == 10
        customer = await books.customer(funds=FUNDS * 100)
        for number in range(12):
            await world.buy(customer, key=f"k{number}")
            await world.work()
        assert len(world.on_router()) == 12 + 12  # as many as were sold in two hours
        dearer = dataclasses.replace(world.plan, price_minor=PRICE * 2)
        await world.plans.save(dearer, EVENT, books.clock.now())
        await world.work()
        stock = await world.book.stock(dataclasses.replace(dearer, version=world.plan.version + 1))
        assert stock == {world.site.id: 12}
        assert await world.book.stock(world.plan) == {}
        assert len(world.on_router()) == 12 + 12
