"""Looking over how providers do: alerts told once, sales paused and resumed."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from core.domain.providers import ConfigKey
from core.domain.vending import Product
from core.kit.errors import Fault
from core.kit.money import Money
from core.ports import Alert, AlertKind, Paging, VtuProvider
from core.ports.health import AlertRecord
from core.ports.outside import FloatNotTold
from core.services.alerts import AlertDesk
from core.services.gift_answers import SeedAlerts
from core.services.health import HealthChecks
from core.services.review import STUCK_KEY, HealthRules, Review
from core.services.sales import Sales
from core.services.shelf import Offer
from core.store.alerts import PgAlerts
from core.store.embedded import ServiceUrls
from core.store.health import PgSales, PgStandings
from tests.fakes.books import Books
from tests.fakes.gifts import open_gifts
from tests.fakes.sellers import OURS, Seller, Shop, open_shop

RULES = HealthRules(outage_s=600, float_low_minor=20_000_00)
ALL = Paging(100)


class Till(Seller):
    """A seller whose float a test sets; None: it does not answer."""

    naira: int | None = 50_000

    async def float_balance(self) -> Money:
        if self.naira is None:
            raise Fault("it did not answer")
        return Money(self.naira * 100, "NGN")


class Silent(Seller):
    async def float_balance(self) -> Money:
        raise FloatNotTold("it has no way to tell")


@dataclass(frozen=True)
class Watched:
    """A shop, and what keeps an eye on it."""

    shop: Shop
    books: Books
    checks: HealthChecks
    review: Review
    alerts: AlertDesk
    standings: PgStandings
    sales: PgSales

    async def pass_by(self, seconds: float = 0) -> None:
        """So much later, whatever is due to be checked and looked over is."""
        self.books.clock.advance(seconds)
        for account in await self.checks.due(10):
            await self.checks.check(account)
        for tenants in await self.review.due(10):
            await self.review.look_over(tenants)

    async def said(self) -> list[tuple[str, str]]:
        """Every alert ever, in the order of opening, with how it stands."""
        tenant_id = self.books.tenant.id
        found = reversed(await self.alerts.listed(tenant_id, None, ALL))
        return [(alert.key, "closed" if alert.closed_at else "open") for alert in found]

    async def paused(self) -> bool:
        return (self.books.tenant.id, Product.AIRTIME) in await self.standings.paused()


class _Tenants:
    def __init__(self, tenant_id: UUID) -> None:
        self._tenant_id = tenant_id

    async def keys(self) -> Mapping[str, UUID]:
        return {"demo": self._tenant_id}


@pytest.fixture
def first() -> Till:
    return Till("first")


@pytest.fixture
def second() -> Till:
    return Till("second")


@pytest.fixture
async def watched(
    books: Books, services: ServiceUrls, first: Till, second: Till
) -> AsyncIterator[Watched]:
    async with open_shop(books, services.redis_url, first, second) as shop:
        yield watching(shop, books)


def watching(shop: Shop, books: Books) -> Watched:
    standings = PgStandings(books.database, books.clock)
    alerts = AlertDesk(PgAlerts(books.database, books.clock), every_s=0.01)
    seeds = SeedAlerts(open_gifts(books).rooms, alerts)
    sales = PgSales(books.database, books.clock)
    tenants = _Tenants(books.tenant.id)
    shelf = shop.router._shelf
    return Watched(
        shop,
        books,
        HealthChecks(shelf, tenants, standings, books.clock, every_s=300),
        Review(shelf, shop.circuits, standings, sales, alerts, seeds, books.clock, RULES),
        alerts,
        standings,
        sales,
    )


async def test_a_low_float_is_told_once_and_again_only_after_it_was_well(
    watched: Watched, first: Till
) -> None:
    first.naira = 19_999
    with capture_logs() as logs:
        for _ in range(4):
            await watched.pass_by(301)
    assert await watched.said() == [("float_low/first", "open")]
    assert [line["event"] for line in logs if line["event"].startswith("alert.")] == [
        "alert.opened"
    ]

    first.naira = 20_000
    await watched.pass_by(301)
    assert await watched.said() == [("float_low/first", "closed")]

    first.naira = 5
    await watched.pass_by(301)
    assert [state for _, state in await watched.said()] == ["closed", "open"]


async def test_a_refusal_for_want_of_our_money_is_a_low_float(
    books: Books, services: ServiceUrls
) -> None:
    refusing = Till("refusing", answers=(replace(OURS, reason="float_low"),))
    async with open_shop(books, services.redis_url, refusing) as shop:
        watched = watching(shop, books)
        await shop.bought()

        await watched.pass_by()

        assert ("float_low/refusing", "open") in await watched.said()


async def test_an_open_circuit_is_told_of_until_it_closes(watched: Watched, first: Till) -> None:
    first.answers = (OURS,)
    for number in range(5):
        await watched.shop.bought(number + 1)
    await watched.pass_by()
    assert await watched.said() == [("breaker_open/first/airtime", "open")]

    books = watched.books
    [key] = [each for each in await watched.shop.circuits.all() if each.provider == "first"]
    await watched.shop.circuits.reset(key)
    await watched.pass_by(31)

    assert await watched.said() == [("breaker_open/first/airtime", "closed")]
    assert key.tenant_id == books.tenant.id


async def test_an_alert_of_who_is_not_asked_any_more_is_closed(
    watched: Watched, first: Till, second: Till
) -> None:
    first.naira = 1
    await watched.pass_by()
    key = ConfigKey(watched.books.tenant.id, Product.AIRTIME, second.name)
    shelf = watched.shop.router._shelf
    shelf.restock({key: Offer(cast("VtuProvider", second), "v1")})

    await watched.pass_by(31)

    assert await watched.said() == [("float_low/first", "closed")]


async def test_an_outage_pauses_the_sale_after_ten_minutes_and_ends_by_itself(
    watched: Watched, first: Till, second: Till
) -> None:
    """Whoever tried meanwhile is told once; nobody is while it is short."""
    books = watched.books
    customer = await books.customer(1)
    sales = Sales(watched.shop.router, watched.sales)
    first.naira = second.naira = None
    await watched.pass_by()
    await watched.pass_by(590)
    assert not await watched.paused()

    await watched.pass_by(31)
    assert await watched.paused()
    assert await watched.said() == [
        ("provider_down/first", "open"),
        ("provider_down/second", "open"),
        ("outage/airtime", "open"),
    ]
    watched.shop.standings.paused_products = {(books.tenant.id, Product.AIRTIME)}
    await watched.shop.router.refresh()
    for _ in range(3):
        assert not await sales.on_sale(books.tenant, customer, Product.AIRTIME)

    second.naira = 30_000
    await watched.pass_by(61)

    assert not await watched.paused()
    assert await watched.said() == [
        ("provider_down/first", "open"),
        ("provider_down/second", "closed"),
        ("outage/airtime", "closed"),
    ]
    [notice] = await books.outbox.due(10, 60)
    assert (notice.to, notice.text) == (customer.msisdn, "notice.on_sale.airtime")
    # This process has not heard of the end of it yet, and holds nobody up all the same.
    assert await sales.on_sale(books.tenant, customer, Product.AIRTIME)


async def test_who_answers_no_check_is_told_of_though_others_sell(
    watched: Watched, first: Till
) -> None:
    first.naira = None
    await watched.pass_by()
    await watched.pass_by(301)
    assert await watched.said() == [("provider_down/first", "open")]

    first.naira = 30_000
    await watched.pass_by(301)
    assert await watched.said() == [("provider_down/first", "closed")]


async def test_a_short_outage_pauses_nothing(watched: Watched, first: Till, second: Till) -> None:
    first.naira = second.naira = None
    await watched.pass_by()
    await watched.pass_by(500)
    second.naira = 30_000
    await watched.pass_by(61)
    second.naira = None
    await watched.pass_by(301)
    await watched.pass_by(400)

    assert not await watched.paused()


async def test_who_cannot_tell_a_float_is_not_taken_for_dead(
    books: Books, services: ServiceUrls
) -> None:
    async with open_shop(books, services.redis_url, Silent("silent")) as shop:
        watched = watching(shop, books)
        for _ in range(4):
            await watched.pass_by(301)

        assert not await watched.paused()
        assert await watched.said() == []


async def test_scores_rank_providers_for_the_router(
    watched: Watched, first: Till, second: Till
) -> None:
    second.naira = None
    await watched.pass_by()
    await watched.pass_by(31)

    standings = {each.provider: each for each in await watched.standings.all()}
    known = await watched.standings.known(watched.books.tenant.id)
    assert standings["first"].score > 0.5 > standings["second"].score
    assert {key.provider: each.place for key, each in known.items()} == {"first": 1, "second": 2}
    assert standings["first"].float_minor == 50_000_00


async def test_orders_that_no_worker_takes_are_told_of(watched: Watched) -> None:
    books = watched.books
    order = await books.begun(await books.customer(funds=1000))
    await watched.pass_by(90)
    assert await watched.said() == [(STUCK_KEY, "open")]

    await books.claimed(order)
    await watched.pass_by(31)

    assert await watched.said() == [(STUCK_KEY, "closed")]


async def test_one_trouble_is_one_alert_however_many_find_it(watched: Watched) -> None:
    alert = Alert(watched.books.tenant.id, AlertKind.MISMATCH, "mismatch/1", "books differ")

    found = await asyncio.gather(*(watched.alerts.open(alert) for _ in range(8)))

    assert sorted(found) == [False] * 7 + [True]
    assert await watched.alerts.close(alert.tenant_id, alert.key)
    assert not await watched.alerts.close(alert.tenant_id, alert.key)


async def test_alerts_are_followed_as_they_open_and_close(watched: Watched) -> None:
    """By a process of its own; who comes back misses nothing, and is told nothing twice."""
    tenant_id = watched.books.tenant.id
    other = AlertDesk(PgAlerts(watched.books.database, watched.books.clock), every_s=0.01)
    await watched.alerts.open(Alert(tenant_id, AlertKind.STUCK, "before", "it was there before"))
    newest = await other.newest(tenant_id)
    seen: list[AlertRecord] = []

    async def read(count: int, after: int | None) -> None:
        async for record in other.follow(tenant_id, after):
            if record is not None:
                seen.append(record)
            if len(seen) == count:
                return

    async with asyncio.timeout(20):
        await watched.alerts.open(Alert(tenant_id, AlertKind.STUCK, "a", "a"))
        await read(1, newest)
        await watched.alerts.open(Alert(tenant_id, AlertKind.STUCK, "b", "b"))
        await watched.alerts.close(tenant_id, "a")
        await read(3, seen[-1].change)

    assert [(each.key, each.closed_at is None) for each in seen] == [
        ("a", True),
        ("b", True),
        ("a", False),
    ]


async def test_an_alert_is_seen_by_its_own_tenant_alone(
    watched: Watched, owner: asyncpg.Connection
) -> None:
    alert = Alert(watched.books.tenant.id, AlertKind.STUCK, "mine", "mine")
    await watched.alerts.open(alert)

    assert await owner.fetchval("select count(*) from alerts") == 1
    assert await watched.alerts.listed(UUID(int=5), None, ALL) == []
