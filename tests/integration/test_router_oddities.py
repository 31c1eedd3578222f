"""What routers, operators and standing workers do to vouchers, and that none is lost or doubled."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator

import pytest

from core.domain.customers import Customer
from core.domain.vouchers import Priority, SaleState, Voucher
from core.ports.router_ops import Compared, Fenced
from core.services.router_delivery import DeliveryRules, RouterDelivery
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.schema import SERVERS, USERS
from sandbox.routeros.tables import Row
from tests.fakes.books import Books
from tests.fakes.vouchers import EVENT, PRICE, VoucherWorld, voucher_world

ADD = "/ip/hotspot/user/add"
FUNDS = 1000_00


@pytest.fixture
async def world(books: Books) -> AsyncIterator[VoucherWorld]:
    async with voucher_world(books) as opened:
        yield opened


async def bought(world: VoucherWorld) -> tuple[Customer, Voucher, Row]:
    """A voucher that works, and its user on the router."""
    customer = await world.books.customer(funds=FUNDS)
    sale = await world.buy(customer)
    voucher = await world.settle(sale.voucher.id)
    [row] = world.users_of(voucher)
    return customer, voucher, row


async def compare(world: VoucherWorld) -> None:
    await world.ops.wake(world.tenant_id, world.site.id)
    await world.work()


async def serve_at(world: VoucherWorld, server: str) -> None:
    """An operator changes the hotspot server in our books."""
    site = await world.sites.get(world.tenant_id, world.site.id)
    assert site is not None
    changed = dataclasses.replace(site, server=server)
    assert await world.sites.change(changed, EVENT, world.books.clock.now())


async def test_the_money_goes_back_for_no_code_that_works_on_another_server(
    world: VoucherWorld,
) -> None:
    customer, voucher, _ = await bought(world)
    await serve_at(world, "hotspot2")

    await world.desk.refund(world.tenant_id, str(voucher.code), reason="no good", actor="test")
    await world.work()

    assert await world.books.money(customer) == (FUNDS, 0)
    assert world.users_of(voucher) == []
    assert world.enter(voucher.code) != ""


async def test_vouchers_move_to_another_server_with_what_is_left_if_that_is_there(
    world: VoucherWorld,
) -> None:
    _, voucher, row = await bought(world)
    row.values["uptime"] = 600
    await serve_at(world, "hotspot2")
    await world.work()

    assert world.users_of(voucher) == [row]  # a slip of the pen takes nothing from anybody
    assert world.enter(voucher.code) == ""
    assert "blocked" in world.alerts.kinds
    box = world.router.box
    there = next(iter(box[SERVERS])).values
    box[SERVERS].put(0.0, **{**there, "name": "hotspot2"})
    await compare(world)
    await compare(world)

    [moved] = world.users_of(voucher)
    assert (moved.values["server"], moved.values["limit-uptime"]) == ("hotspot2", 3000)
    assert (await world.voucher(voucher.id)).used.online_s == 600


async def test_an_odd_user_of_the_operator_spoils_no_comparison(world: VoucherWorld) -> None:
    """A limit that fills all 64 bits: twenty digits."""
    world.add_foreign("staff", comment="mine")
    staff = world.router.box[USERS].keyed("staff", "hotspot1")
    assert staff is not None
    staff.values["limit-bytes-total"] = staff.values["bytes-in"] = 2**64 - 1
    _, voucher, row = await bought(world)

    row.values["uptime"] = 60
    await compare(world)

    assert (await world.voucher(voucher.id)).used.online_s == 60
    assert staff in world.router.box[USERS]


async def test_a_used_one_that_somebody_removed_comes_back_with_what_is_left(
    world: VoucherWorld,
) -> None:
    _, voucher, row = await bought(world)
    code = str(voucher.code)
    row.values["uptime"] = 3000
    await compare(world)
    await world.desk.disable(world.tenant_id, code, actor="test")
    await world.work()
    world.router.box[USERS].drop(row)

    await world.desk.enable(world.tenant_id, code, actor="test")
    await world.work()

    [again] = world.users_of(voucher)
    assert again.values["limit-uptime"] == 600
    assert (await world.voucher(voucher.id)).used.online_s == 3000
    assert world.enter(code) == ""


async def test_a_worker_that_stood_still_puts_no_code_back(world: VoucherWorld) -> None:
    """It has the task in hand, another worker takes the code off, the money goes back."""
    customer = await world.books.customer(funds=FUNDS)
    sale = await world.buy(customer)
    fleet = world.worker.fleet
    hasty = DeliveryRules(lease_s=-1.0)  # its lease is over before it does anything
    delivery = RouterDelivery(world.ops, fleet, world.alerts, world.books.clock, hasty)
    [lease] = await world.ops.claim("slow", 1, 30)

    await delivery.work(lease)

    assert world.on_router() == []
    world.later(1)
    ended = await world.settle(sale.voucher.id)
    await world.check_promise(customer, ended, FUNDS)


async def test_what_a_fenced_worker_did_is_compared_at_once(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=FUNDS)
    sale = await world.buy(customer)
    await world.worker.once()
    world.later(60)
    assert await world.ops.claim("slow", 1, 30) == []  # nothing is due for minutes
    await world.ops.wake(world.tenant_id, world.site.id)
    [slow] = await world.ops.claim("slow", 1, 30)
    world.later(31)
    [quick] = await world.ops.claim("quick", 1, 30)
    now = world.books.clock.now()
    await world.ops.compared(quick, Compared(now), now + dt.timedelta(minutes=10))
    await world.ops.give_back(quick)
    assert await world.ops.claim("third", 1, 30) == []
    with pytest.raises(Fenced):
        await world.ops.take(slow, 1, list(Priority), ())

    await world.worker.delivery.work(slow)

    assert len(await world.ops.claim("third", 1, 30)) == 1
    assert (await world.voucher(sale.voucher.id)).sale_state is SaleState.DELIVERED


async def test_whoever_asks_for_a_comparison_while_one_is_made_gets_another(
    world: VoucherWorld,
) -> None:
    """What it has read already may be older than the reason."""
    [lease] = await world.ops.claim("one", 1, 30)
    started_at = world.books.clock.now()
    world.later(1)
    await world.ops.wake(world.tenant_id, world.site.id)

    for due in (True, False):
        await world.ops.compared(lease, Compared(started_at), started_at + dt.timedelta(minutes=10))
        assert await world.ops.keep(lease, 30) is due
        started_at = world.books.clock.now()


async def test_two_users_of_one_name_stop_no_other_voucher(world: VoucherWorld) -> None:
    """No router can have that; one that says so is not believed, and others are served."""
    await world.stocked(1)  # the router has the profile then
    await world.work()
    customer = await world.books.customer(funds=FUNDS)
    first = await world.buy(customer, key="first")
    code = str(first.voucher.code).encode()
    row = _sentence(b"!re", b"=.id=*9", b"=name=" + code, b"=server=hotspot1", b"=comment=hb1:x")
    twice = row + row + _sentence(b"!done")
    box = world.router.box
    box.mishaps.add(Fault(FaultKind.CUT_AFTER, ADD, times=1))
    box.mishaps.add(Fault(FaultKind.RAW, "/ip/hotspot/user/print", times=1, raw=twice))
    await world.worker.once()

    second = await world.buy(customer, key="second")
    ended = await world.settle(second.voucher.id)

    assert ended.sale_state is SaleState.DELIVERED
    assert (await world.settle(first.voucher.id)).sale_state is SaleState.DELIVERED
    assert await world.books.money(customer) == (FUNDS - 2 * PRICE, 0)


def _sentence(*words: bytes) -> bytes:
    return b"".join(bytes((len(word),)) + word for word in words) + b"\0"
