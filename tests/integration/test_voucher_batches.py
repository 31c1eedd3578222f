"""Batches: ordered once, made whatever dies, owned, told, put on the router, and void."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from core.domain.hotspot import STANDARD_PROFILES, CodeStyle
from core.domain.voucher_codes import typed
from core.domain.vouchers import SaleState, SyncState
from core.kit import crash, ids
from core.kit.crypto import Keyring, Unreadable
from core.kit.msisdn import Msisdn
from core.ports import Event, Paging
from core.ports.vouchers import Batch, VoucherQuery
from core.services.voucher_batches import BadBatch, BatchKeyUsed, BatchOrder
from core.store.vouchers import PgVouchers
from tests.fakes.books import Books, open_books
from tests.fakes.vouchers import VoucherWorld, voucher_world


@pytest.fixture
async def world(books: Books) -> AsyncIterator[VoucherWorld]:
    async with voucher_world(books) as opened:
        yield opened


async def ordered(world: VoucherWorld, key: str = "k", **told: Any) -> Batch:
    order = replace(BatchOrder(5, "1H", world.site.id), **told)
    return await world.batch_desk.generate(world.books.tenant, order, key=key, actor="cli:ada")


async def filled(world: VoucherWorld) -> None:
    for batch in await world.batches.due(5, 60):
        await world.batch_desk.fill(batch)


async def now(world: VoucherWorld, batch: Batch) -> Batch:
    found = await world.batches.get(world.tenant_id, batch.id)
    assert found is not None
    return found


async def test_a_batch_is_made_once_by_its_key_and_found_by_its_codes(
    world: VoucherWorld, owner: asyncpg.Connection
) -> None:
    first = await ordered(world, quantity=2500, code_prefix="BIL")
    again = await ordered(world, quantity=2500, code_prefix="BIL")
    assert again.id == first.id
    await filled(world)

    batch = await now(world, first)
    assert (batch.state, batch.made, batch.confirmed) == ("ready", 2500, 0)
    assert await world.batches.due(5, 60) == []
    sheet = await world.batches.codes(world.tenant_id, first.id, 2490, 100)
    assert [each.serial for each in sheet] == list(range(2491, 2501))
    code = str(sheet[0].code)
    assert code.startswith("BIL")
    assert typed(code) == code
    found = await world.book.by_code(world.tenant_id, code)
    assert found is not None
    assert (found.id, found.sale_state) == (sheet[0].id, SaleState.STOCK)
    query = VoucherQuery(search=code[:5], batch_id=first.id)
    listed = await world.book.listed(world.tenant_id, query, Paging(per_page=50))
    assert found.id in {each.id for each in listed}
    assert {(each.code, each.head) for each in listed} == {(None, code[:5])}
    kept = await owner.fetchrow("select * from vouchers where id = $1", found.id)
    assert kept is not None
    assert code not in str(dict(kept))
    await world.work()
    assert world.on_router() == []  # not before it is activated


async def test_codes_outlive_a_change_of_the_key_and_open_for_no_other_row(
    world: VoucherWorld, owner: asyncpg.Connection
) -> None:
    batch = await ordered(world)
    await filled(world)
    one, other, *_ = await world.batches.codes(world.tenant_id, batch.id, 0, 5)
    rotated = Keyring("a newer key, a test")
    book = PgVouchers(world.books.database, rotated, world.books.clock)
    found = await book.by_code(world.tenant_id, str(one.code))
    assert found == one
    await owner.execute(
        "update vouchers v set code_sealed = o.code_sealed from vouchers o"
        " where v.id = $1 and o.id = $2",
        one.id,
        other.id,
    )
    with pytest.raises(Unreadable):
        await book.get(world.tenant_id, one.id)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"quantity": 0}, "quantity"),
    ({"quantity": 50_001}, "quantity"),
    ({"profile": "NONE"}, "profile"),
    ({"profile": "CUSTOM"}, "data"),
    ({"router_id": ids.uuid7()}, "router"),
    ({"code_prefix": "lower"}, "code_prefix"),
    ({"code_prefix": "B0B"}, "code_prefix"),
    ({"currency": "KES"}, "price"),
    ({"validity_hours": 2**31}, "validity"),
    ({"price_minor": -1}, "price"),
    ({"send_sms": True}, "send_sms"),
]


async def test_what_cannot_be_made_is_refused_in_words(world: VoucherWorld) -> None:
    for told, named in WRONG:
        with pytest.raises(BadBatch) as refused:
            await ordered(world, **told)
        assert str(refused.value.facts["why"]).startswith(named)


async def test_one_that_is_taken_back_while_it_is_made_ends_quietly(world: VoucherWorld) -> None:
    batch = await ordered(world, quantity=2500)
    [leased] = await world.batches.due(5, 60)
    await world.batch_desk.void(world.tenant_id, batch.id, "test")

    assert await world.batch_desk.fill(leased) == 0

    assert ((await now(world, batch)).state, await world.batches.due(5, 60)) == ("void", [])


async def test_a_key_stands_for_one_order_whatever_became_of_its_plan(
    world: VoucherWorld,
) -> None:
    """Whoever orders anything else under it is told, and not that it is being made."""
    plan = world.plan
    first = await ordered(world, quantity=7, auto_activate=True)
    others: tuple[dict[str, Any], ...] = (
        {"quantity": 5000},
        {"code_prefix": "X"},
        {"price_minor": 1},
        {"customer_phone": Msisdn("2348039999999")},
        {"data_limit_mb": 5},
    )
    for other in others:
        with pytest.raises(BatchKeyUsed):
            await ordered(world, **{"quantity": 7, "auto_activate": True, **other})
    event, at = Event("test", "test", "test", {}), world.books.clock.now()
    await world.plans.save(replace(plan, group="elsewhere", price_minor=1), event, at)

    again = await ordered(world, quantity=7, auto_activate=True)

    assert (again.id, again.price_minor) == (first.id, plan.price_minor)


async def test_a_death_while_it_is_made_makes_neither_more_nor_less(world: VoucherWorld) -> None:
    class Died(BaseException): ...

    batch = await ordered(world, quantity=5000)
    for point in ("batch.before_fill", "batch.filled", "batch.filled"):

        def die(passed: str, point: str = point) -> None:
            if passed == point:
                raise Died

        with crash.watched(die), pytest.raises(Died):
            await filled(world)
        world.later(61)
    stale = replace(batch, made=0)
    assert await world.batches.fill(stale, ()) == (await now(world, batch)).made
    await filled(world)
    assert (await now(world, batch)).made == 5000
    query = VoucherQuery(batch_id=batch.id)
    assert await world.book.count(world.tenant_id, query) == 5000


async def test_what_is_given_to_a_customer_is_told_and_put_on_the_router(
    world: VoucherWorld,
) -> None:
    phone = Msisdn("2348039999999")
    batch = await ordered(
        world,
        quantity=2,
        profile="CUSTOM",
        validity_hours=48,
        data_limit_mb=2048,
        code_style=CodeStyle.DIGITS,
        auto_activate=True,
        send_sms=True,
        customer_name="John Doe",
        customer_phone=phone,
    )
    await filled(world)
    await world.work()

    assert (await now(world, batch)).confirmed == 2
    told = await world.books.outbox.due(10, 60)
    assert {notice.to for notice in told} == {phone}
    one, other = await world.batches.codes(world.tenant_id, batch.id, 0, 5)
    assert {str(notice.facts["code"]).replace("-", "") for notice in told} == {one.code, other.code}
    assert (one.terms.validity_s, one.terms.data_bytes) == (48 * 3600, 2048 * 1024**2)
    assert one.sale_state is SaleState.DELIVERED
    assert world.enter(one.code) == ""
    owner = await world.books.customers.of_number(world.tenant_id, phone)
    assert {each.id for each in await world.vouchers.mine(owner, 5)} == {one.id, other.id}


async def test_a_batch_is_activated_and_void_and_what_is_in_use_stays(world: VoucherWorld) -> None:
    batch = await ordered(world)
    await filled(world)
    tenant = world.tenant_id
    assert await world.batches.activate(tenant, batch.id, "cli:ada") == 5
    assert await world.batches.activate(tenant, batch.id, "cli:ada") == 0
    await world.work()
    assert len(world.on_router()) == 5
    row = world.on_router()[0]
    row.values["uptime"] = 60
    await world.ops.wake(tenant, world.site.id)
    await world.work()

    assert await world.batches.void(tenant, batch.id, "cli:ada") == 4
    await world.work()
    assert [each.values["name"] for each in world.on_router()] == [row.values["name"]]
    stays = await world.book.by_code(tenant, row.values["name"])
    assert stays is not None
    assert (stays.sale_state, stays.sync_state) == (SaleState.IN_USE, SyncState.CONFIRMED)


async def test_a_standard_profile_needs_no_plan(world: VoucherWorld) -> None:
    batch = await ordered(world, quantity=1, profile="5GB-WEEKLY", price_minor=500_00)
    await filled(world)
    [voucher] = await world.batches.codes(world.tenant_id, batch.id, 0, 5)
    assert (voucher.plan_code, voucher.price_minor) == ("5GB-WEEKLY", 500_00)
    assert voucher.terms == STANDARD_PROFILES["5GB-WEEKLY"].terms


async def test_one_that_waits_is_put_on_the_router_for_who_is_given_it(
    world: VoucherWorld,
) -> None:
    batch = await ordered(world, quantity=1)
    await filled(world)
    [waits] = await world.batches.codes(world.tenant_id, batch.id, 0, 5)
    await world.desk.transfer(world.tenant_id, str(waits.code), Msisdn("2348037777777"), actor="x")
    await world.work()
    given = await world.voucher(waits.id)
    assert (given.sale_state, given.sync_state) == (SaleState.DELIVERED, SyncState.CONFIRMED)
    assert world.enter(given.code) == ""


async def test_another_tenants_batch_is_out_of_reach(world: VoucherWorld, books: Books) -> None:
    stranger = (await open_books(books.database, "stranger")).tenant.id
    batch = await ordered(world)
    codes = world.batches.seal(stranger, ["ABCDEFGHJK"])
    with pytest.raises(TypeError):
        await world.batches.fill(replace(batch, tenant_id=stranger), codes)
    assert await world.batches.activate(stranger, batch.id, "x") == 0
    assert await world.batches.void(stranger, batch.id, "x") == 0
    assert await world.batches.get(stranger, batch.id) is None
    assert await world.batches.codes(stranger, batch.id, 0, 5) == []


async def test_an_operator_refunds_transfers_and_tells_by_code(world: VoucherWorld) -> None:
    customer = await world.books.customer(funds=1000_00)
    bought = await world.buy(customer)
    await world.settle(bought.voucher.id)
    code, tenant = str(bought.voucher.code), world.tenant_id
    friend = Msisdn("2348038888888")

    await world.desk.resend(tenant, code, key="1")
    await world.desk.resend(tenant, code, key="1")
    await world.desk.transfer(tenant, code, friend, actor="cli:ada")
    assert "notice.voucher_yours" in await world.told(customer)
    for _ in range(2):
        await world.desk.refund(tenant, code, reason="moved away", actor="cli:ada")
    await world.work()
    ended = await world.desk.find(tenant, code)
    assert ended.voucher.sale_state is SaleState.REFUNDED
    assert ended.sale is not None
    assert (ended.sale.state, ended.sale.refund_reason) == ("refunded", "moved away")
    assert await world.books.money(customer) == (1000_00, 0)  # who paid is paid back
    assert "notice.voucher_refunded" in await world.told(customer)
    theirs = await world.books.customers.of_number(tenant, friend)
    assert await world.told(theirs) == {"notice.voucher_withdrawn"}  # its code waited to be told


async def test_no_statement_of_the_money_path_scans_a_table(
    world: VoucherWorld, owner: asyncpg.Connection
) -> None:
    await owner.execute("set enable_seqscan = off")
    one = "'00000000-0000-0000-0000-000000000001'"
    vouchers = "select id from vouchers where "
    ops = f"select * from router_ops where router_id = {one}"
    for query in (
        "select * from voucher_sales where look_at <= now() order by look_at limit 5",
        f"select * from voucher_sales where voucher_id = {one}",
        vouchers + "expires_at <= now() and sale_state in ('stock', 'sold', 'delivered', 'in_use')",
        vouchers + f"router_id = {one} and plan_id = {one}"
        " and sale_state = 'stock' and batch_id is null order by id limit 1",
        vouchers + "code_digest = 'x'",
        vouchers + f"batch_id = {one} and sale_state = 'stock'",
        vouchers + f"owner_id = {one}",
        ops
        + " and kind = 'voucher' and not blocked and priority = any ('{1}') and run_at <= now()",
        "select * from voucher_batches where run_at <= now()",
    ):
        plan = "\n".join(row[0] for row in await owner.fetch("explain " + query))
        assert "Seq Scan" not in plan, plan
