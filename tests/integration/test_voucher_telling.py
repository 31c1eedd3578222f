"""What customers are told of a voucher that was given to somebody else, or taken back."""

from collections.abc import AsyncIterator

import pytest

from core.domain.vouchers import SaleState
from tests.fakes.books import Books
from tests.fakes.vouchers import PRICE, VoucherWorld, voucher_world

FUNDS = 1000_00


@pytest.fixture
async def world(books: Books) -> AsyncIterator[VoucherWorld]:
    async with voucher_world(books) as opened:
        yield opened


async def test_a_code_that_was_given_away_is_told_to_its_new_owner_alone(
    world: VoucherWorld,
) -> None:
    """As when it was bought for a wrong number, and nothing was sent there yet."""
    payer, friend = [await world.books.customer(number, funds=FUNDS) for number in range(2)]
    wrong = await world.books.customer(2)
    sale = await world.buy(payer, recipient=wrong.msisdn)
    assert await world.told(wrong) == {"notice.voucher_activating"}

    code = str(sale.voucher.code)
    await world.desk.transfer(world.tenant_id, code, friend.msisdn, actor="test")
    await world.settle(sale.voucher.id)

    assert await world.told(wrong) == set()
    assert await world.told(friend) == {"notice.voucher_ready"}
    assert await world.told(payer) == {"notice.voucher_given"}

    await world.desk.transfer(world.tenant_id, code, wrong.msisdn, actor="test")
    assert await world.told(friend) == set()
    assert await world.told(wrong) == {"notice.voucher_yours"}


async def test_nobody_is_told_that_it_works_once_it_was_taken_back(world: VoucherWorld) -> None:
    """The SMS may wait for hours."""
    payer, friend = [await world.books.customer(number, funds=FUNDS) for number in range(2)]
    sale = await world.buy(payer, recipient=friend.msisdn)
    await world.settle(sale.voucher.id)
    assert await world.told(friend) == {"notice.voucher_ready"}

    await world.desk.refund(world.tenant_id, str(sale.voucher.code), reason="no good", actor="test")
    assert await world.told(friend) == set()
    ended = await world.settle(sale.voucher.id)

    assert ended.sale_state is SaleState.REFUNDED
    assert await world.told(payer) == {"notice.voucher_refunded"}
    assert await world.told(friend) == {"notice.voucher_withdrawn"}
    assert await world.books.money(payer) == (FUNDS, 0)


async def test_a_customer_takes_back_none_that_began_to_work_meanwhile(
    world: VoucherWorld,
) -> None:
    """It was looked at while it waited; the router confirmed it a moment before the tap."""
    payer = await world.books.customer(funds=FUNDS)
    sale = await world.buy(payer)
    await world.settle(sale.voucher.id)

    answer = await world.book.give_back(
        world.tenant_id, sale.voucher.id, "asked", "customer", waiting=True
    )

    assert answer == "works"
    assert await world.books.money(payer) == (FUNDS - PRICE, 0)
    assert world.enter(sale.voucher.code) == ""
