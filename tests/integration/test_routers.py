"""A tenant's routers as they are kept: secrets sealed, found by what people remember, put right."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from core.domain.hotspot import Limits, Load, Place, RouterStatus
from core.domain.routers import RouterAccess
from core.domain.vouchers import SaleState, SyncState
from core.ports import Paging
from core.ports.hotspot_books import RouterQuery
from core.ports.vouchers import VoucherQuery
from sandbox.routeros.plan import VOUCHERS_NEED
from tests.fakes.books import Books, open_books
from tests.fakes.vouchers import EVENT, VoucherWorld, add_site, voucher_world

ACCESS = RouterAccess("10.8.0.7", "callbox", "router-password", certificate="a certificate")
BY_NAME = Paging(sort_by="name", descending=False)


@pytest.fixture
async def world(books: Books) -> AsyncIterator[VoucherWorld]:
    async with voucher_world(books) as opened:
        yield opened


async def test_a_router_is_kept_sealed_and_found(
    world: VoucherWorld, owner: asyncpg.Connection
) -> None:
    sites, tenant = world.sites, world.tenant_id
    place = Place("Science library", 6.5158, 3.3898)
    limits = Limits(200, 10**8, 90)
    site = await add_site(
        sites, world.books, ACCESS, "Library", place=place, group="campus", limits=limits
    )
    kept = await owner.fetchrow("select * from routers where id = $1", site.id)
    assert kept is not None
    assert "router-password" not in str(dict(kept))

    found = await sites.get(tenant, site.id)
    assert found is not None
    assert (found.access, found.place, found.limits) == (ACCESS, place, limits)
    assert "router-password" not in repr(found)
    assert not await sites.add(replace(site, id=world.plan.id), EVENT, world.books.clock.now())
    for query in (
        RouterQuery(search="science"),
        RouterQuery(search="10.8.0"),
        RouterQuery(group="campus"),
    ):
        assert [each.name for each in await sites.listed(tenant, query, BY_NAME)] == ["Library"]
        assert await sites.count(tenant, query) == 1
    both = await sites.listed(tenant, RouterQuery(status=RouterStatus.ONLINE), BY_NAME)
    assert [each.name for each in both] == ["Library", "Main gate"]
    assert {each.name for each in await sites.all()} == {"Library", "Main gate"}


async def test_what_is_set_and_what_is_found_are_kept_apart(world: VoucherWorld) -> None:
    sites, tenant, now = world.sites, world.tenant_id, world.books.clock.now
    load = Load(7, 10**6, 12, 253, now())
    await sites.measured(world.site, load)
    assert await sites.found(world.site, RouterStatus.OFFLINE, now())
    assert not await sites.found(world.site, RouterStatus.OFFLINE, now())
    assert await sites.change(replace(world.site, name="North gate"), EVENT, now())

    site = await sites.get(tenant, world.site.id)
    assert site is not None
    assert (site.name, site.status, site.load) == ("North gate", RouterStatus.OFFLINE, load)
    await sites.found(site, RouterStatus.NEEDS_ATTENTION, now(), attention="credentials")
    assert not await sites.found(site, RouterStatus.ONLINE, now())  # not by itself
    await sites.attended(site, EVENT, now())
    site = await sites.get(tenant, site.id)
    assert site is not None
    assert (site.status, site.attention) == (RouterStatus.RECOVERING, "")
    assert await sites.found(site, RouterStatus.ONLINE, now())


async def test_a_router_that_answers_after_a_miss_is_worked_on_at_once(
    world: VoucherWorld,
) -> None:
    """However long it would have rested, and though it was never called offline."""
    customer = await world.books.customer(funds=1000_00)
    await world.router.away()
    bought = await world.buy(customer)
    await world.work()
    await world.see(RouterStatus.DEGRADED)
    await world.router.up()
    await world.work()
    resting = await world.voucher(bought.voucher.id)
    await world.see(RouterStatus.ONLINE)
    await world.work()

    assert resting.sale_state is SaleState.SOLD
    assert (await world.voucher(bought.voucher.id)).sale_state is SaleState.DELIVERED


async def test_a_change_has_what_was_blocked_tried_again(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=1000_00)
    world.router.box.permit(VOUCHERS_NEED - {"write"})
    bought = await world.buy(customer)
    await world.work()
    assert (await world.voucher(bought.voucher.id)).sync_state is SyncState.BLOCKED
    at_stake = VoucherQuery(at_stake=True)
    assert await world.book.count(world.tenant_id, at_stake) == 0
    world.later(301)
    [stake] = await world.book.listed(world.tenant_id, at_stake, Paging())
    assert (stake.id, stake.error) == (bought.voucher.id, "permission")
    now = world.books.clock.now()
    assert not await world.sites.remove(world.tenant_id, world.site.id, EVENT, now)

    world.router.box.permit(VOUCHERS_NEED)
    await world.sites.change(world.site, EVENT, now)
    ended = await world.settle(bought.voucher.id)

    await world.check_promise(customer, ended, 1000_00)
    assert await world.book.count(world.tenant_id, at_stake) == 0
    assert not await world.sites.remove(world.tenant_id, world.site.id, EVENT, now)


async def test_a_router_that_owes_nothing_is_forgotten(world: VoucherWorld, books: Books) -> None:
    now, stranger = books.clock.now(), (await open_books(books.database, "stranger")).tenant
    assert not await world.sites.remove(stranger.id, world.site.id, EVENT, now)
    assert await world.sites.get(stranger.id, world.site.id) is None
    assert not await world.sites.change(replace(world.site, tenant_id=stranger.id), EVENT, now)
    await world.ops.wake(stranger.id, world.site.id)
    assert await world.sites.remove(world.tenant_id, world.site.id, EVENT, now)
    assert await world.worker.once() == 0
    assert await world.sites.all() == []
    await add_site(world.sites, books, ACCESS)  # the name is free again
