"""A paid voucher works, or the money is back, whatever the router does; and the customer knows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from core.app import TEXTS
from core.domain.hotspot import Limits, Load, RouterStatus
from core.domain.ledger import AccountType
from core.domain.vouchers import SaleState, Selling, SyncState
from core.kit.errors import Fault
from core.kit.msisdn import Msisdn
from core.kit.texts import Texts
from core.services.purchases import InsufficientFunds
from core.services.vouchers import NotSoldHere, SiteAway, SiteFull
from core.services.wording import render
from sandbox.routeros.faults import Fault as Mishap
from sandbox.routeros.faults import FaultKind
from sandbox.routeros.plan import VOUCHERS_NEED
from sandbox.routeros.schema import PROFILES
from tests.fakes.books import Books, open_books
from tests.fakes.vouchers import (
    EVENT,
    PRICE,
    VoucherWorld,
    add_site,
    new_plan,
    voucher_world,
)

ADD = "/ip/hotspot/user/add"
FUNDS = 1000_00
World = VoucherWorld


@pytest.fixture
async def world(books: Books) -> AsyncIterator[World]:
    async with voucher_world(books) as opened:
        yield opened


def meets(kind: FaultKind, times: int | None = 1) -> Callable[[World], Awaitable[None]]:
    async def play(world: World) -> None:
        world.router.box.mishaps.add(Mishap(kind, ADD, times=times))

    return play


async def nothing(_world: World) -> None: ...


async def goes_away(world: World) -> None:
    await world.router.away()
    await world.see(RouterStatus.OFFLINE)


async def may_not_write(world: World) -> None:
    world.router.box.permit(VOUCHERS_NEED - {"write"})


async def has_no_profile(world: World) -> None:
    world.router.box[PROFILES].clear()


async def is_held_by_device_mode(world: World) -> None:
    words = "failure: not allowed by device-mode"
    world.router.box.mishaps.add(Mishap(FaultKind.TRAP, ADD, words=words))


async def reboots(world: World) -> None:
    await world.router.reboot()


async def is_reset(world: World) -> None:
    await world.router.factory_reset()


Play = Callable[[World], Awaitable[None]]
WORKS, BACK = True, False
# What the router does when somebody pays, what is done about it later, and how it ends.
STORIES: dict[str, tuple[Play, Play, bool]] = {
    "online": (nothing, nothing, WORKS),
    "offline, and back": (goes_away, lambda world: world.router.up(), WORKS),
    "offline for good": (goes_away, nothing, BACK),
    "cut before it did it": (meets(FaultKind.CUT_BEFORE), nothing, WORKS),
    "cut after it did it": (meets(FaultKind.CUT_AFTER), nothing, WORKS),
    "cut within its reply": (meets(FaultKind.CUT_MIDWAY), nothing, WORKS),
    "no reply": (meets(FaultKind.STALL), nothing, WORKS),
    "noise": (meets(FaultKind.GARBAGE), nothing, WORKS),
    "never a reply": (meets(FaultKind.CUT_AFTER, None), nothing, WORKS),
    "always cut before": (meets(FaultKind.CUT_BEFORE, None), nothing, BACK),
    "rebooted": (reboots, nothing, WORKS),
    "no permission": (may_not_write, nothing, BACK),
    "no profile": (has_no_profile, nothing, WORKS),
    "device-mode": (is_held_by_device_mode, nothing, BACK),
    "reset, without its hotspot": (is_reset, nothing, BACK),
}


async def test_one_working_voucher_or_the_money_back(books: Books) -> None:
    """One customer and one router for each story; the promise is checked for all of them."""
    revenue = 0
    for number, (story, (before, after, works)) in enumerate(STORIES.items()):
        async with voucher_world(books, name=story) as world:
            customer = await books.customer(number, funds=FUNDS)
            await before(world)

            bought = await world.buy(customer)
            assert bought.voucher.sale_state is SaleState.SOLD, story
            assert await books.money(customer) == (FUNDS - PRICE, PRICE), story
            assert await world.told(customer) == {"notice.voucher_activating"}, story
            await world.work()
            world.later(300)
            await after(world)
            ended = await world.settle(bought.voucher.id)

            assert ended.code == bought.voucher.code  # one that was shown is never changed
            assert ended.sale_state.paid is works, (story, ended)
            if story == "reset, without its hotspot":
                world.router.box.set_up_again()
            await world.check_promise(customer, ended, FUNDS)
            revenue += PRICE if works else 0
            assert await books.posted(AccountType.REVENUE) == revenue, story
            await world.sites.remove(world.tenant_id, world.site.id, EVENT, books.clock.now())


async def test_what_is_refused_is_told_to_operators_and_tried_again_when_they_say(
    world: World,
) -> None:
    customer = await world.books.customer(funds=FUNDS)
    await may_not_write(world)
    bought = await world.buy(customer)
    await world.work()

    blocked = await world.voucher(bought.voucher.id)
    assert (blocked.sync_state, blocked.error) == (SyncState.BLOCKED, "permission")
    assert world.alerts.kinds == {"blocked"}
    tried = world.router.box.record.commands[ADD]
    world.later(120)
    await world.work()
    assert world.router.box.record.commands[ADD] == tried  # not blindly

    world.router.box.permit(VOUCHERS_NEED)
    await world.ops.wake(world.tenant_id, world.site.id)
    ended = await world.settle(bought.voucher.id)
    await world.check_promise(customer, ended, FUNDS)
    assert ended.sale_state is SaleState.DELIVERED
    world.later(600)
    await world.work()
    assert world.alerts.kinds == set()


async def test_the_same_confirmation_is_one_sale(world: World) -> None:
    customer = await world.books.customer(funds=FUNDS)

    first, *others = await asyncio.gather(*(world.buy(customer) for _ in range(5)))
    ended = await world.settle(first.voucher.id)
    again = await world.buy(customer)

    assert {each.voucher.id for each in (*others, again)} == {first.voucher.id}
    assert len(world.on_router()) == 1
    await world.check_promise(customer, ended, FUNDS)


async def test_too_little_money_and_a_changed_plan_leave_nothing_behind(world: World) -> None:
    poor = await world.books.customer(1, funds=PRICE - 1)
    with pytest.raises(InsufficientFunds):
        await world.buy(poor)
    rich = await world.books.customer(2, funds=FUNDS)
    shown = await world.vouchers.offer(world.plan, world.site.id)
    await world.plans.save(replace(world.plan, price_minor=1), EVENT, world.books.clock.now())
    with pytest.raises(NotSoldHere):
        await world.vouchers.buy(
            shown,
            key="one",
            tenant=world.books.tenant,
            customer=rich,
            channel_id=world.books.channel.id,
            identity="x",
            until=0.0,
        )
    assert await world.books.money(poor) == (PRICE - 1, 0)
    assert await world.books.money(rich) == (FUNDS, 0)
    await world.work()
    assert world.on_router() == []


async def test_a_voucher_for_another_number_is_told_there_and_paid_here(world: World) -> None:
    customer = await world.books.customer(1, funds=FUNDS)
    friend = Msisdn("2348037654321")
    bought = await world.buy(customer, recipient=friend)
    await world.settle(bought.voucher.id)

    told = await world.books.outbox.due(10, 60)
    assert {(notice.text, notice.to) for notice in told} == {
        ("notice.voucher_ready", friend),  # that it is activating is overtaken
        ("notice.voucher_given", customer.msisdn),
    }
    texts = Texts.load(TEXTS)
    said = {notice.text: render(texts, notice) for notice in told}
    assert "for 08037654321, who has the code. You paid N200." in said["notice.voucher_given"]
    assert str(bought.voucher.code) not in said["notice.voucher_given"]
    told = [notice for notice in told if notice.to == friend]
    assert all(str(bought.voucher.code) in said[notice.text] for notice in told)
    code = bought.voucher.code
    assert code is not None
    assert {str(notice.facts["code"]).replace("-", "") for notice in told} == {code}
    assert told[0].facts["link"] == f"http://wifi.lan/login?username={code}&password={code}"
    owner = await world.books.customers.of_number(world.tenant_id, friend)
    [theirs] = await world.vouchers.mine(owner, 5)
    assert theirs.code == code
    assert await world.vouchers.mine(customer, 5) == []
    assert await world.books.money(customer) == (FUNDS - PRICE, 0)


async def test_a_site_that_is_away_sells_only_what_it_has_or_to_who_agrees(books: Books) -> None:
    async with voucher_world(books, pooled=True) as world:
        rich = await books.customer(1, funds=FUNDS * 10)
        await world.work()
        assert (await world.vouchers.offer(world.plan, world.site.id)).selling is Selling.READY
        await goes_away(world)
        world.later(121)
        for number in range(10):  # what it has, it sells; each works where it stands
            bought = await world.buy(rich, key=f"k{number}", agreed=False)
            assert bought.voucher.sale_state is SaleState.DELIVERED
        with pytest.raises(SiteAway):
            await world.buy(rich, key="one more", agreed=False)
        waits = await world.buy(rich, key="one more", agreed=True)
        assert waits.voucher.sale_state is SaleState.SOLD
        await world.router.up()
        await world.see(RouterStatus.ONLINE)
        ended = await world.settle(waits.voucher.id)
        assert ended.sale_state is SaleState.DELIVERED
        assert world.enter(ended.code) == ""


async def test_many_who_buy_at_once_get_one_each(books: Books) -> None:
    async with voucher_world(books, pooled=True) as world:
        await world.work()
        crowd = [await books.customer(number, funds=FUNDS) for number in range(14)]
        bought = await asyncio.gather(*(world.buy(customer) for customer in crowd))

        assert len({each.voucher.id for each in bought}) == 14
        from_stock = [each for each in bought if each.voucher.sale_state is SaleState.DELIVERED]
        assert 1 <= len(from_stock) <= 10
        for customer, each in zip(crowd, bought, strict=True):
            ended = await world.settle(each.voucher.id)
            await world.check_promise(customer, ended, FUNDS)
        assert await books.posted(AccountType.REVENUE) == 14 * PRICE


async def test_a_full_site_sells_elsewhere_in_its_group_or_not_at_all(world: World) -> None:

    now = world.books.clock.now()
    full = replace(world.site, group="campus", limits=Limits(active_users_max=50))
    await world.sites.change(full, EVENT, now)
    await world.sites.measured(full, Load(active_users=45, at=now))
    customer = await world.books.customer(funds=FUNDS)
    with pytest.raises(SiteFull):
        await world.buy(customer)
    other = await add_site(world.sites, world.books, world.site.access, "Back gate", group="campus")
    offer = await world.vouchers.offer(world.plan, world.site.id)
    assert (offer.router.id, offer.selling) == (other.id, Selling.SOON)


async def test_another_tenants_plan_router_or_customer_buys_nothing(
    world: World, books: Books
) -> None:
    stranger = await open_books(books.database, "stranger")
    thief = await stranger.customer(funds=FUNDS)
    theirs = await world.plans.save(new_plan(stranger), EVENT, books.clock.now())
    offer = await world.vouchers.offer(world.plan, world.site.id)
    for plan in (world.plan, theirs):
        with pytest.raises((NotSoldHere, Fault)):
            await world.vouchers.buy(
                replace(offer, plan=plan),
                key="one",
                tenant=stranger.tenant,
                customer=thief,
                channel_id=stranger.channel.id,
                identity="x",
                until=0.0,
            )
    assert await stranger.money(thief) == (FUNDS, 0)
    mine = await books.customer(2, funds=FUNDS)
    bought = await world.buy(mine)
    tenant = stranger.tenant.id
    assert await world.book.get(tenant, bought.voucher.id) is None
    assert bought.voucher.code is not None
    assert await world.book.by_code(tenant, bought.voucher.code) is None
    assert await world.book.give_back(tenant, bought.voucher.id, "x", "x") == "unknown"
    assert not await world.book.hand_over(tenant, bought.voucher.id, thief.id, "x")
    assert not await world.book.hand_over(world.tenant_id, bought.voucher.id, thief.id, "x")
