"""What routers get: each voucher once, whoever works on them, and nobody else's user touched."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.domain.customers import Customer
from core.domain.vouchers import Desired, Priority, SaleState, SyncState
from core.kit import crash
from core.ports import Paging
from core.ports.router_ops import Fared, Fenced, TaskReport
from sandbox.routeros.faults import Fault, FaultKind
from tests.fakes.books import Books
from tests.fakes.vouchers import PRICE, VoucherWorld, voucher_world

ADD = "/ip/hotspot/user/add"
PAGE = Paging()
FUNDS = 1000_00


@pytest.fixture
async def world(books: Books) -> AsyncIterator[VoucherWorld]:
    async with voucher_world(books) as opened:
        yield opened


async def test_six_hundred_at_one_cut_in_two(world: VoucherWorld) -> None:
    """All there, none twice, nobody else's touched."""
    world.add_foreign("guest", "admin-1", comment="theirs")
    await world.stocked(600)
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
    assert sorted(world.names()) == sorted([*codes, "guest", "admin-1", "default-trial"])


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
        await world.stocked(100)
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
    await world.stocked(1)
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
    await world.stocked(1)
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
