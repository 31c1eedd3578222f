"""One provider after another: only where nothing can have been delivered before."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.circuits import CircuitKey, CircuitRules, CircuitState
from core.domain.orders import OrderState, Ruling
from core.domain.routing import RoutingRules
from core.domain.vending import Outcome, Product, Result
from core.kit import ids
from core.ports import Standing
from core.services.purchases import InsufficientFunds
from core.services.routing import Paused
from core.services.shelf import NotSold
from core.store import invariants
from core.store.database import Database, owner_engine
from core.store.embedded import ServiceUrls
from tests.fakes.books import Books, open_books
from tests.fakes.depth import examples
from tests.fakes.sellers import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    NOT_FOUND,
    OURS,
    REVERSED,
    THEIRS,
    UNKNOWN,
    UNSENT,
    Seller,
    capable,
    open_shop,
)

QUARANTINE_S = 106.0  # ten to send, thirty to answer and five more, sixty on its way inside


@pytest.mark.parametrize("outcome", [OURS, UNSENT, FAILED, REVERSED], ids=lambda one: one.reason)
async def test_what_is_proven_not_to_have_happened_goes_to_the_next(
    books: Books, services: ServiceUrls, outcome: Outcome
) -> None:
    async with open_shop(books, services.redis_url, Seller("a", [outcome]), Seller("b")) as shop:
        assert await shop.bought() is OrderState.DELIVERED

        assert shop.asked == {"a": 1, "b": 1}
        assert shop.deliveries == 1
        assert shop.sellers["b"].vends[0].reference != shop.sellers["a"].vends[0].reference
        assert await books.money(await books.customer()) == (1_000_000 - 100, 0)


@pytest.mark.parametrize("outcome", [UNKNOWN, ACCEPTED], ids=lambda one: one.reason)
async def test_what_may_have_happened_goes_nowhere_else(
    books: Books, services: ServiceUrls, outcome: Outcome
) -> None:
    a = Seller("a", [outcome], requeried=[UNKNOWN, OURS, UNSENT, ACCEPTED])
    async with open_shop(books, services.redis_url, a, Seller("b")) as shop:
        assert await shop.bought() is OrderState.IN_DOUBT
        for _ in range(8):
            await shop.later(3600)

        assert shop.asked == {"a": 1}
        assert len(a.requeries) == 8


async def test_an_order_that_is_wrong_itself_goes_nowhere_else(
    books: Books, services: ServiceUrls
) -> None:
    async with open_shop(books, services.redis_url, Seller("a", [THEIRS]), Seller("b")) as shop:
        assert await shop.bought() is OrderState.REFUNDED
        assert shop.asked == {"a": 1}


async def test_not_found_is_believed_after_the_quarantine_and_twice(
    books: Books, services: ServiceUrls
) -> None:
    async with open_shop(books, services.redis_url, Seller("a", [UNKNOWN]), Seller("b")) as shop:
        assert await shop.bought() is OrderState.IN_DOUBT
        assert await shop.later(5) == [OrderState.IN_DOUBT]
        assert shop.asked == {"a": 1}
        assert len(shop.sellers["a"].requeries) == 1

        assert await shop.later(QUARANTINE_S) == [OrderState.IN_DOUBT, OrderState.DELIVERED]
        assert shop.asked == {"a": 1, "b": 1}


async def test_one_that_cannot_be_asked_again_is_never_second(
    books: Books, services: ServiceUrls
) -> None:
    blind = Seller("b", capabilities=capable(requery=False))
    async with open_shop(books, services.redis_url, Seller("a", [OURS]), blind) as shop:
        assert await shop.bought() is OrderState.REFUNDED
        assert shop.asked == {"a": 1}


async def test_all_are_tried_once_and_then_the_money_goes_back(
    books: Books, services: ServiceUrls, owner: asyncpg.Connection
) -> None:
    sellers = [Seller(name, [OURS]) for name in "abcdef"]
    async with open_shop(books, services.redis_url, *sellers) as shop:
        assert await shop.bought() is OrderState.REFUNDED

        assert shop.asked == {"a": 1, "b": 1, "c": 1, "d": 1}
        assert await books.money(await books.customer()) == (1_000_000, 0)
    attempts = await owner.fetch("select number, provider, state from attempts order by number")
    assert [tuple(row) for row in attempts] == [
        (number, name, "closed") for number, name in enumerate("abcd", 1)
    ]
    assert await owner.fetchval("select count(*) from notices") == 1


async def test_how_many_attempts_there_may_be_is_a_rule(
    books: Books, services: ServiceUrls
) -> None:
    sellers = [Seller(name, [OURS]) for name in "abc"]
    rules = RoutingRules(attempts_max=2)
    async with open_shop(books, services.redis_url, *sellers, rules=rules) as shop:
        assert await shop.bought() is OrderState.REFUNDED
        assert shop.asked == {"a": 1, "b": 1}


async def test_what_never_left_is_sent_again_as_often_as_configured(
    books: Books, services: ServiceUrls
) -> None:
    a, b = Seller("a", [UNSENT]), Seller("b")
    async with open_shop(books, services.redis_url, a, b, retry_attempts=2) as shop:
        assert await shop.bought() is OrderState.DELIVERED

        assert shop.asked == {"a": 3, "b": 1}
        assert len({vend.reference for vend in a.vends}) == 3


async def test_a_refusal_is_not_sent_again(books: Books, services: ServiceUrls) -> None:
    a, b = Seller("a", [OURS, DELIVERED]), Seller("b")
    async with open_shop(books, services.redis_url, a, b, retry_attempts=2) as shop:
        assert await shop.bought() is OrderState.DELIVERED
        assert shop.asked == {"a": 1, "b": 1}


async def test_a_reference_that_grew_too_old_is_renewed_at_the_same_provider(
    books: Books, services: ServiceUrls
) -> None:
    a = Seller("a", stale=True)
    async with open_shop(books, services.redis_url, a, Seller("b")) as shop:
        assert await shop.bought() is OrderState.DELIVERED
        assert shop.asked == {"a": 1}


async def test_after_the_deadline_nobody_else_is_asked(books: Books, services: ServiceUrls) -> None:
    a = Seller("a", [UNKNOWN], requeried=[UNKNOWN, FAILED])
    async with open_shop(books, services.redis_url, a, Seller("b")) as shop:
        await shop.bought()
        await shop.later(86_400)

        assert await shop.later(3600) == [OrderState.PAID_BACK]
        assert shop.asked == {"a": 1}


async def test_five_failures_open_the_circuit_and_then_no_call_reaches_the_provider(
    books: Books, services: ServiceUrls
) -> None:
    a = Seller("a", [UNSENT])
    async with open_shop(books, services.redis_url, a, Seller("b")) as shop:
        for number in range(1, 9):
            assert await shop.bought(number) is OrderState.DELIVERED

        assert shop.asked == {"a": 5, "b": 8}


async def test_whoever_learns_of_a_failure_finds_it_counted(
    books: Books, services: ServiceUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule, found = books.orders.rule, list[CircuitState]()
    async with open_shop(
        books, services.redis_url, Seller("a", [UNSENT]), circuit=CircuitRules(failures_to_open=1)
    ) as shop:
        key = CircuitKey(books.tenant.id, Product.AIRTIME, "a")

        async def ruled(ruling: Ruling) -> OrderState:
            found.append(shop.circuits.state(key))
            return await rule(ruling)

        monkeypatch.setattr(books.orders, "rule", ruled)
        assert await shop.bought() is OrderState.REFUNDED

    assert found == [CircuitState.OPEN]


async def test_an_open_circuit_does_not_keep_us_from_asking_about_old_orders(
    books: Books, services: ServiceUrls
) -> None:
    a = Seller("a", [UNKNOWN], requeried=[DELIVERED])
    async with open_shop(books, services.redis_url, a) as shop:
        for number in range(1, 6):
            assert await shop.bought(number) is OrderState.IN_DOUBT
        with pytest.raises(NotSold):
            await shop.buy(await shop.customer(6))

        assert await shop.later(5) == [OrderState.DELIVERED] * 5


async def test_on_trial_one_order_goes_and_the_others_go_elsewhere(
    books: Books, services: ServiceUrls
) -> None:
    a = Seller("a", [UNSENT] * 5 + [DELIVERED])
    async with open_shop(books, services.redis_url, a, Seller("b")) as shop:
        for number in range(1, 6):
            await shop.bought(number)
        books.clock.advance(CircuitRules().open_s)

        customers = [await shop.customer(number) for number in range(6, 16)]
        await asyncio.gather(*(shop.buy(customer) for customer in customers))
        assert set(await shop.work()) == {OrderState.DELIVERED}

        assert shop.asked == {"a": 6, "b": 14}


async def test_an_order_that_was_not_made_leaves_its_turn_to_the_next(
    books: Books, services: ServiceUrls
) -> None:
    a = Seller("a", [UNSENT] * 5 + [DELIVERED])
    async with open_shop(books, services.redis_url, a) as shop:
        for number in range(1, 6):
            assert await shop.bought(number) is OrderState.REFUNDED
        books.clock.advance(CircuitRules().open_s)

        with pytest.raises(InsufficientFunds):
            await shop.buy(await books.customer(6))
        assert await shop.bought(7) is OrderState.DELIVERED


async def test_the_same_confirmation_finds_its_order_though_nothing_is_sold_any_more(
    books: Books, services: ServiceUrls
) -> None:
    async with open_shop(books, services.redis_url, Seller("a", [UNKNOWN])) as shop:
        customer = await shop.customer()
        first = await shop.buy(customer, "confirmed")
        await shop.work()
        shop.standings.paused_products.add((books.tenant.id, Product.AIRTIME))
        await shop.router.refresh()

        again = await shop.buy(customer, "confirmed")
        assert (again.order_id, again.state) == (first.order_id, OrderState.IN_DOUBT)
        with pytest.raises(Paused):
            await shop.buy(customer, "another")


async def test_a_paused_sale_still_sees_its_orders_through(
    books: Books, services: ServiceUrls
) -> None:
    async with open_shop(books, services.redis_url, Seller("a", [OURS]), Seller("b")) as shop:
        await shop.buy(await shop.customer())
        shop.standings.paused_products.add((books.tenant.id, Product.AIRTIME))
        await shop.router.refresh()

        assert (await shop.work())[-1] is OrderState.DELIVERED


async def test_the_float_counts_while_its_reading_is_fresh(
    books: Books, services: ServiceUrls
) -> None:
    async with open_shop(books, services.redis_url, Seller("a"), Seller("b")) as shop:
        low = Standing(books.tenant.id, Product.AIRTIME, "a", 0.9, 99, "NGN", books.clock.now())
        shop.standings.standings.append(low)
        await shop.router.refresh()
        await shop.bought(1)
        shop.standings.standings[:] = [replace(low, float_currency="GHS")]
        await shop.router.refresh()
        await shop.bought(2)
        shop.standings.standings[:] = [low]
        await shop.router.refresh()
        books.clock.advance(3600)
        await shop.bought(3)

        assert shop.asked == {"a": 2, "b": 1}


async def test_an_order_has_one_open_attempt_whoever_writes(
    books: Books, services: ServiceUrls, owner: asyncpg.Connection
) -> None:
    async with open_shop(books, services.redis_url, Seller("a")) as shop:
        await shop.buy(await shop.customer())

        with pytest.raises(asyncpg.UniqueViolationError, match="attempts_one_open"):
            await owner.execute(
                "insert into attempts (order_id, number, id, tenant_id, provider,"
                " provider_reference, state, created_at) select order_id, 2, gen_random_uuid(),"
                " tenant_id, 'b', 'another', 'created', created_at from attempts"
            )


ANSWERS = st.sampled_from(
    [DELIVERED, ACCEPTED, FAILED, REVERSED, OURS, THEIRS, UNSENT, UNKNOWN, NOT_FOUND]
)
# What may still be said of a vend that was delivered, or may be, without a lie.
HONEST = {
    True: st.sampled_from([DELIVERED, ACCEPTED, UNKNOWN]),
    False: st.sampled_from([FAILED, REVERSED, OURS, UNSENT, UNKNOWN, NOT_FOUND, ACCEPTED]),
}


@st.composite
def sellers(draw: st.DrawFn, name: str) -> Seller:
    """Anybody who tells no lies: an answer may be lost, but a denial is true."""
    answer = draw(ANSWERS)
    delivers = answer.result in {Result.UNKNOWN, Result.ACCEPTED} and draw(st.booleans())
    delivered = delivers or answer.result is Result.DELIVERED
    return Seller(
        name,
        [answer],
        requeried=draw(st.lists(HONEST[delivered], min_size=1, max_size=5)),
        capabilities=capable(failover_target=draw(st.booleans()), requery=draw(st.booleans())),
        delivers=delivers,
        stale=draw(st.booleans()),
    )


def test_whatever_providers_answer_nothing_is_delivered_twice(
    database_url: str, services: ServiceUrls
) -> None:
    """And it is paid for if and only if it was delivered, or given back in the end."""
    with asyncio.Runner() as runner:
        database = Database(database_url, connections=2)
        runner.run(database.start())

        @settings(max_examples=examples(40), deadline=None, derandomize=True)
        @given(three=st.tuples(*map(sellers, "abc")), retries=st.integers(0, 2))
        def lives_through(three: tuple[Seller, Seller, Seller], retries: int) -> None:
            runner.run(_lives_through(database, services, three, retries))

        lives_through()
        assert runner.run(_broken_rules(database_url)) == []
        runner.run(database.close())


async def _lives_through(
    database: Database, services: ServiceUrls, three: tuple[Seller, ...], retries: int
) -> None:
    books = await open_books(database, ids.speakable(10))
    async with open_shop(books, services.redis_url, *three, retry_attempts=retries) as shop:
        customer = await shop.customer()
        await shop.buy(customer)
        await shop.work()
        for pause_s in (5, 60, 120, 600, 3600, 86_400, 3600):
            await shop.later(pause_s)
        [order] = await books.orders.latest(books.tenant.id, customer.id, 1)
        money = await books.money(customer)
    await books.orders.close()
    await books.ledger.close()

    assert shop.deliveries <= 1
    assert order.state.final
    paid = order.state is OrderState.DELIVERED
    assert not paid or shop.deliveries == 1
    assert order.state is not OrderState.REFUNDED or shop.deliveries == 0
    assert money == (1_000_000 - 100 * paid, 0)


async def _broken_rules(database_url: str) -> list[str]:
    engine = owner_engine(database_url)
    broken = await invariants.check(engine)
    await engine.dispose()
    return list(broken)
