"""What waits unsold: kept of what can be sold, given to whoever gets it, and never quietly lost."""

import dataclasses
import datetime as dt

import asyncpg
import pytest

from core.domain.hotspot import RouterStatus
from core.domain.vouchers import Priority, SaleState, SyncState
from core.ports import Paging
from core.services.vouchers import NotSoldHere, SiteAway
from tests.fakes.books import Books
from tests.fakes.vouchers import EVENT, VoucherWorld, voucher_world

ADD = "/ip/hotspot/user/add"
FUNDS = 1000_00


async def hours_go_by(world: VoucherWorld, count: int) -> None:
    for _ in range(count):
        world.later(3601)
        await world.book.turn_over(100)
        await world.work()


async def test_none_is_kept_of_a_plan_that_has_ended(books: Books) -> None:
    """It would end at once, be removed and be made again: at each comparison, for ever."""
    async with voucher_world(books, pooled=True) as world:
        ends_at = books.clock.now() + dt.timedelta(hours=1)
        ending = dataclasses.replace(
            world.plan, terms=dataclasses.replace(world.plan.terms, ends_at=ends_at)
        )
        plan = await world.plans.save(ending, EVENT, books.clock.now())
        await world.work()
        assert len(world.on_router()) == 10
        offer = await world.vouchers.offer(plan, world.site.id)
        await hours_go_by(world, 2)
        made = world.router.box.record.commands[ADD]

        await hours_go_by(world, 3)

        assert world.router.box.record.commands[ADD] == made
        assert world.on_router() == []
        customer = await books.customer(funds=FUNDS)
        with pytest.raises(NotSoldHere):
            await world.vouchers.buy(
                offer,
                key="late",
                tenant=books.tenant,
                customer=customer,
                channel_id=books.channel.id,
                identity=customer.msisdn,
                until=0.0,
            )
        assert await books.money(customer) == (FUNDS, 0)


async def test_what_a_router_has_is_no_promise_once_it_is_away_for_a_day(books: Books) -> None:
    """It may be stolen: whoever buys there agrees to wait, and has the money back."""
    async with voucher_world(books, pooled=True) as world:
        await world.work()
        customer = await books.customer(funds=FUNDS)
        await world.router.away()
        await world.see(RouterStatus.OFFLINE)
        world.later(24 * 3600 + 1)

        with pytest.raises(SiteAway):
            await world.buy(customer, agreed=False)
        bought = await world.buy(customer, agreed=True)
        ended = await world.settle(bought.voucher.id)

        assert bought.voucher.sale_state is SaleState.SOLD
        assert ended.sale_state is SaleState.REFUNDED
        assert await books.money(customer) == (FUNDS, 0)


async def test_a_card_whose_code_is_taken_waits_for_a_person(books: Books) -> None:
    """It may be in somebody's hand by now: it is not dropped as one that nobody saw."""
    async with voucher_world(books) as world:
        await world.stocked(1)
        [batch] = await world.batches.listed(world.tenant_id, Paging())
        [card] = await world.batches.codes(world.tenant_id, batch.id, 0, 5)
        world.add_foreign(str(card.code), comment="theirs")

        await world.work()

        found = await world.voucher(card.id)
        assert (found.sale_state, found.sync_state) == (SaleState.STOCK, SyncState.BLOCKED)
        assert "blocked" in world.alerts.kinds
        world.router.box["/ip/hotspot/user"].clear()
        await world.ops.wake(world.tenant_id, world.site.id)
        await world.work()
        assert world.enter(card.code) == ""


async def test_one_that_is_given_to_somebody_passes_all_that_nobody_waits_for(
    books: Books, owner: asyncpg.Connection
) -> None:
    async with voucher_world(books) as world:
        await world.stocked(30)
        [batch] = await world.batches.listed(world.tenant_id, Paging())
        *_, last = await world.batches.codes(world.tenant_id, batch.id, 0, 50)
        customer = await books.customer()

        await world.desk.transfer(world.tenant_id, str(last.code), customer.msisdn, actor="test")

        first = "select subject, priority from router_ops order by priority, run_at limit 1"
        row = await owner.fetchrow(first)
        assert row is not None
        assert (row["subject"], row["priority"]) == (last.id, Priority.PAID)
