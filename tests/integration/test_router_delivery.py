"""What routers get: each voucher once, whoever works on them, and nobody else's user touched."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator

import asyncpg
import pytest

from core.domain.customers import Customer
from core.domain.hotspot import RouterStatus, Terms
from core.domain.vouchers import Desired, Priority, SaleState, SyncState, mark_of
from core.kit import crash
from core.ports import Paging
from core.ports.router_ops import Fared, Fenced, TaskReport
from core.services.voucher_batches import BatchOrder
from sandbox.routeros import hotspot as phones
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.schema import USERS
from tests.fakes.books import Books
from tests.fakes.vouchers import EVENT, PRICE, VoucherWorld, new_plan, voucher_world

ADD = "/ip/hotspot/user/add"
PAGE = Paging()
FUNDS = 1000_00


@pytest.fixture
async def world(books: Books) -> AsyncIterator[VoucherWorld]:
    async with voucher_world(books) as opened:
        yield opened


def foreign(world: VoucherWorld, *names: str, comment: str = "") -> None:
    """Users that the operator made by hand."""
    box = world.router.box
    for name in names:
        told = {"name": name, "password": name, "server": "hotspot1", "comment": comment}
        box[USERS].add(told, box.__getitem__, box.now_s())


def names(world: VoucherWorld) -> list[str]:
    return [row.values["name"] for row in world.router.box[USERS]]


async def made(world: VoucherWorld, quantity: int, **different: object) -> None:
    """So many vouchers of a batch, owed to the router."""
    order = BatchOrder(quantity, "1H", world.site.id, auto_activate=True, **different)  # type: ignore[arg-type]
    await world.batch_desk.generate(world.books.tenant, order, key="batch", actor="test")
    [batch] = await world.batches.due(5, 60)
    await world.batch_desk.fill(batch)


async def test_six_hundred_at_one_cut_in_two(world: VoucherWorld) -> None:
    """All there, none twice, nobody else's touched."""
    foreign(world, "guest", "admin-1", comment="theirs")
    await made(world, 600)
    world.router.box.mishaps.add(Fault(FaultKind.CUT_BEFORE, ADD, chance=0.25))
    world.router.box.mishaps.add(Fault(FaultKind.CUT_AFTER, ADD, chance=0.33))

    for _ in range(40):
        await world.work()
        world.later(60)
        if len(world.on_router()) == 600:
            break
    await world.work()

    batch = (await world.batches.listed(world.tenant_id, PAGE))[0]
    batch_now = await world.batches.get(world.tenant_id, batch.id)
    assert batch_now is not None
    assert (batch_now.made, batch_now.confirmed) == (600, 600)
    codes = [
        str(each.code) for each in await world.batches.codes(world.tenant_id, batch.id, 0, 1000)
    ]
    assert sorted(names(world)) == sorted([*codes, "guest", "admin-1", "default-trial"])


POINTS = [
    "voucher.before_buy",
    "voucher.bought",
    "router.taken",
    "voucher.added",
    "router.asked",
    "router.booked",
    "router.compared",
]


class Died(BaseException):
    """What no code catches: the process is gone."""


async def test_a_death_at_any_point_makes_one_voucher(world: VoucherWorld) -> None:
    """The customer presses again, another worker takes over."""
    for number, point in enumerate(POINTS):
        customer = await world.books.customer(number, funds=FUNDS)
        await world.ops.wake(world.tenant_id, world.site.id)

        def die(passed: str, point: str = point) -> None:
            if passed == point:
                raise Died

        async def live(customer: Customer = customer) -> None:
            await world.buy(customer)
            await world.work()

        with crash.watched(die), pytest.raises(Died):
            await live()
        world.later(31)
        bought = await world.buy(customer)
        ended = await world.settle(bought.voucher.id)

        assert ended.sale_state is SaleState.DELIVERED, point
        await world.check_promise(customer, ended, FUNDS)
    assert len(world.on_router()) == len(POINTS)


async def test_a_death_at_any_point_of_a_refund_pays_back_once(world: VoucherWorld) -> None:
    for number, point in enumerate(["voucher.refund_asked", "router.taken", "voucher.removed"]):
        customer = await world.books.customer(number, funds=FUNDS)
        bought = await world.buy(customer)
        await world.settle(bought.voucher.id)
        code = bought.voucher.code
        assert code is not None

        def die(passed: str, point: str = point) -> None:
            if passed == point:
                raise Died

        async def refund(code: str = code) -> None:
            await world.desk.refund(world.tenant_id, code, reason="no good", actor="test")
            await world.work()

        with crash.watched(die), pytest.raises(Died):
            await refund()
        world.later(31)
        await refund()
        ended = await world.settle(bought.voucher.id)

        assert ended.sale_state is SaleState.REFUNDED, point
        assert await world.books.money(customer) == (FUNDS, 0)
        assert world.enter(code) != ""
    assert world.on_router() == []


async def test_two_workers_never_have_one_router(books: Books) -> None:
    async with voucher_world(books, workers=2) as world:
        await made(world, 100)
        one, other = world.workers
        turns = [worker.once() for _ in range(5) for worker in (one, other)]

        await asyncio.gather(*turns)
        await world.work()

        assert len(world.on_router()) == 100
        assert world.router.box.record.commands[ADD] == 101  # one more for want of the profile


async def test_a_worker_that_stood_still_books_nothing(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=FUNDS)
    bought = await world.buy(customer)
    [slow] = await world.ops.claim("slow", 1, 30)
    [task] = await world.ops.take(slow, 1, list(Priority), ())
    assert await world.ops.claim("other", 1, 30) == []

    world.later(31)
    [quick] = await world.ops.claim("other", 1, 30)

    assert quick.fence > slow.fence
    report = TaskReport(task, Fared.APPLIED)
    for refused in (
        world.ops.report(slow, [report]),
        world.ops.take(slow, 1, list(Priority), ()),
        world.ops.keep(slow, 30),
    ):
        with pytest.raises(Fenced):
            await refused
    assert (await world.voucher(bought.voucher.id)).sale_state is SaleState.SOLD
    await world.ops.give_back(slow)  # changes nothing
    assert await world.ops.claim("third", 1, 30) == []
    await world.ops.give_back(quick)
    ended = await world.settle(bought.voucher.id)
    await world.check_promise(customer, ended, FUNDS)


async def test_a_refund_and_a_late_confirmation_end_as_one(world: VoucherWorld) -> None:
    """Whichever is booked first: never the money and a working code."""
    for number in range(6):
        customer = await world.books.customer(number, funds=FUNDS)
        bought = await world.buy(customer)
        world.later(1801)

        await asyncio.gather(world.worker.once(), world.book.turn_over(10))
        ended = await world.settle(bought.voucher.id)

        await world.check_promise(customer, ended, FUNDS)


async def test_what_may_be_there_is_taken_off_before_the_money_goes_back(
    world: VoucherWorld,
) -> None:
    """And where the router does not come, it is void on contact."""
    await made(world, 1)
    await world.work()
    customer = await world.books.customer(funds=FUNDS)
    world.router.box.mishaps.add(Fault(FaultKind.CUT_AFTER, ADD))
    world.router.box.mishaps.add(Fault(FaultKind.CUT_BEFORE, "/ip/hotspot/user/print"))
    bought = await world.buy(customer)
    await world.work()
    assert len(world.on_router()) == 2  # it works, and nobody here knows
    await world.router.away()
    world.later(1801)
    await world.book.turn_over(10)

    due = await world.voucher(bought.voucher.id)
    assert (due.sale_state, due.desired) == (SaleState.REFUND_DUE, Desired.ABSENT)
    assert await world.books.money(customer) == (FUNDS - PRICE, PRICE)
    await world.work()
    world.later(121)
    await world.book.turn_over(10)
    assert (await world.voucher(bought.voucher.id)).sale_state is SaleState.REFUNDED
    assert await world.books.money(customer) == (FUNDS, 0)

    world.router.box.mishaps.clear()
    others = [await world.buy(customer, key=f"k{number}") for number in range(3)]
    await world.router.up()
    await world.ops.wake(world.tenant_id, world.site.id)
    before = world.router.box.record.total
    await world.worker.once()
    assert world.users_of(due) == []
    assert len(world.on_router()) == 1 + len(others)
    assert world.enter(due.code) != ""
    asked = [words[0] for _, words in list(world.router.box.record.last)[before:]]
    assert asked.index("/ip/hotspot/user/remove") < asked.index(ADD)


async def test_a_login_proves_what_no_reply_told(world: VoucherWorld) -> None:
    await made(world, 1)
    await world.work()
    customer = await world.books.customer(funds=FUNDS)
    world.router.box.mishaps.add(Fault(FaultKind.CUT_AFTER, ADD))
    world.router.box.mishaps.add(Fault(FaultKind.CUT_BEFORE, "/ip/hotspot/user/print"))
    bought = await world.buy(customer)
    await world.work()
    assert (await world.voucher(bought.voucher.id)).sync_state is SyncState.UNKNOWN

    names = [str(bought.voucher.code), "guest"]
    await world.ops.online(world.books.channel.id, world.site.id, names)  # no tenant of ours
    assert (await world.voucher(bought.voucher.id)).sale_state is SaleState.SOLD
    await world.ops.online(world.tenant_id, world.site.id, names)

    assert (await world.voucher(bought.voucher.id)).sale_state is SaleState.IN_USE
    assert await world.books.money(customer) == (FUNDS - PRICE, 0)
    assert "notice.voucher_ready" in await world.told(customer)
    world.router.box.mishaps.clear()
    world.later(1801)
    ended = await world.settle(bought.voucher.id)
    assert ended.sale_state is SaleState.IN_USE
    await world.check_promise(customer, ended, FUNDS)


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
    foreign(world, "guest", comment="hb0:mine")
    await made(world, 4)
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
    assert {"guest", "copy"} < set(names(world))


async def test_more_than_a_third_is_not_removed_without_a_person(
    world: VoucherWorld, owner: asyncpg.Connection
) -> None:
    await made(world, 40)
    await world.work()
    await owner.execute(
        "update vouchers set sale_state = 'cancelled', desired = 'absent', sync_state = 'gone',"
        " maybe_there = false where serial <= 20"
    )  # as when an old backup of the books were restored

    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()

    assert len(world.on_router()) == 40
    assert world.alerts.kinds == {"mass_removal"}
    await owner.execute(
        "update vouchers set desired = 'present', sale_state = 'stock',"
        " sync_state = 'confirmed', maybe_there = true where serial <= 15"
    )
    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()
    assert len(world.on_router()) == 35  # a handful is
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
