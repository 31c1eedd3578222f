"""How an order is sent and asked about: by one reference, through one account, read by no guess."""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

import asyncpg
import pytest

from core.domain.orders import OrderState
from core.domain.providers import ConfigKey
from core.domain.vending import Outcome, Product, Vend
from core.kit.errors import Fault
from core.ports import VtuProvider
from core.services.shelf import Offer
from core.store.embedded import ServiceUrls
from tests.fakes.books import Books
from tests.fakes.sellers import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    NOT_FOUND,
    REVERSED,
    UNKNOWN,
    Seller,
    Shop,
    open_shop,
)


@dataclass
class Breaking(Seller):
    """Delivers, and raises instead of answering: as a breaker around the call may do."""

    error: type[Exception] = Fault

    async def vend(self, vend: Vend) -> Outcome:
        await super().vend(vend)
        raise self.error("whatever broke, broke after the request had left")


@pytest.mark.parametrize("error", [Fault, TimeoutError, ConnectionError, RuntimeError])
async def test_an_error_around_the_call_proves_nothing(
    books: Books, services: ServiceUrls, error: type[Exception]
) -> None:
    """It was delivered for all we know: nobody else is asked, and no money moves until we know."""
    a = Breaking("a", delivers=True, requeried=[UNKNOWN, DELIVERED], error=error)
    async with open_shop(books, services.redis_url, a, Seller("b")) as shop:
        assert await shop.bought() is OrderState.IN_DOUBT
        assert await books.money(await books.customer()) == (1_000_000 - 100, 100)

        await shop.later(5)
        assert (await shop.later(15))[-1] is OrderState.DELIVERED
        assert shop.asked == {"a": 1}


async def test_an_order_is_asked_about_by_the_reference_it_was_sent_under(
    books: Books, services: ServiceUrls, owner: asyncpg.Connection
) -> None:
    """The one that was written down before it was sent."""
    a = Seller("a", [UNKNOWN], requeried=[UNKNOWN, ACCEPTED, DELIVERED])
    async with open_shop(books, services.redis_url, a) as shop:
        await shop.bought()
        for wait_s in (5, 15, 30):
            await shop.later(wait_s)

        [sent] = a.vends
        [order] = await books.orders.of_tenant(books.tenant.id)
        assert {asked.reference for asked in a.requeries} == {sent.reference}
        assert sent.reference == await _kept_reference(owner, order.id)
        assert order.state is OrderState.DELIVERED


async def _kept_reference(owner: asyncpg.Connection, order_id: UUID) -> str:
    found: str = await owner.fetchval(
        "select provider_reference from attempts where order_id = $1", order_id
    )
    return found


def _changes_account(books: Books, shop: Shop, successor: Seller, keeper: "Kept | None") -> None:
    """The tenant's configuration of `a` is another one from now on."""
    shelf = shop.router._shelf
    if keeper is not None:
        shelf.kept_by(keeper)
    key = ConfigKey(books.tenant.id, Product.AIRTIME, "a")
    shelf.restock({key: Offer(cast("VtuProvider", successor), "v2")})


@dataclass
class Kept:
    """Keeps one seller of an earlier version."""

    earlier_one: Seller

    async def earlier(self, key: ConfigKey, via: str) -> VtuProvider | None:
        return cast("VtuProvider", self.earlier_one) if via == "v1" else None


async def test_another_account_cannot_say_that_there_was_no_order(
    books: Books, services: ServiceUrls
) -> None:
    """It never had it. What the old account delivered must not be paid back for that."""
    a = Seller("a", [UNKNOWN], delivers=True)
    successor = Seller("a", requeried=[NOT_FOUND])
    async with open_shop(books, services.redis_url, a) as shop:
        await shop.bought()
        _changes_account(books, shop, successor, keeper=None)

        for wait_s in (5, 120, 300):
            await shop.later(wait_s)

        assert (await shop.later(3600))[-1] is OrderState.IN_DOUBT
        assert successor.requeries
        assert not successor.vends


@pytest.mark.parametrize(
    ("answer", "end"),
    [(DELIVERED, OrderState.DELIVERED), (FAILED, OrderState.REFUNDED)],
    ids=["delivered", "failed"],
)
async def test_another_account_that_knows_the_order_is_believed(
    books: Books, services: ServiceUrls, answer: Outcome, end: OrderState
) -> None:
    """The keys were changed, the account was not; the old keys are good for nothing any more."""
    a = Seller("a", [UNKNOWN], requeried=[UNKNOWN])
    successor = Seller("a", requeried=[answer])
    async with open_shop(books, services.redis_url, a) as shop:
        await shop.bought()
        _changes_account(books, shop, successor, Kept(a))

        assert (await shop.later(5))[-1] is end
        assert a.requeries


async def test_the_account_an_order_went_through_is_asked_first(
    books: Books, services: ServiceUrls
) -> None:
    a = Seller("a", [UNKNOWN], requeried=[DELIVERED])
    successor = Seller("a", requeried=[NOT_FOUND])
    async with open_shop(books, services.redis_url, a) as shop:
        await shop.bought()
        _changes_account(books, shop, successor, Kept(a))

        assert (await shop.later(5))[-1] is OrderState.DELIVERED
        assert not successor.requeries


async def test_an_order_whose_account_is_gone_before_it_was_sent_begins_anew(
    books: Books, services: ServiceUrls
) -> None:
    """Nothing left this machine, so it begins anew with whoever sells now."""
    a, successor = Seller("a"), Seller("a")
    async with open_shop(books, services.redis_url, a) as shop:
        await shop.buy(await shop.customer())
        _changes_account(books, shop, successor, keeper=None)

        assert (await shop.work())[-1] is OrderState.DELIVERED
        assert (len(a.vends), len(successor.vends)) == (0, 1)


async def test_a_signal_that_comes_while_the_last_answer_is_under_way_is_heard(
    books: Books, services: ServiceUrls
) -> None:
    """The provider delivered, and took it back before we had written down that it did."""
    a = Seller("a", [UNKNOWN], requeried=[DELIVERED, REVERSED])
    async with open_shop(books, services.redis_url, a) as shop:
        await shop.bought()
        books.clock.advance(5)
        [due] = await books.orders.claim(100, 120)
        [sent] = a.vends
        await books.orders.hurry("a", [sent.reference])  # while the question is on its way

        assert await shop.vending.see_through(due) is OrderState.DELIVERED
        assert await shop.work() == [OrderState.REFUNDED]
        assert await books.money(await books.customer()) == (1_000_000, 0)
