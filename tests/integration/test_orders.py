"""A purchase in the store: held, asked, ruled upon; each step one commit, each once."""

import asyncio
import datetime as dt
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from core.domain.ledger import AccountType
from core.domain.orders import Beginning, NextAttempt, OrderState, Verdict
from core.domain.vending import Result
from core.kit import ids
from core.store.orders import UnknownOrder
from tests.fakes.books import DELIVERED, NOT_FOUND, REFUSED, UNKNOWN, Books, open_books


async def test_beginning_sets_the_price_and_the_fee_aside(books: Books) -> None:
    customer = await books.customer(funds=1000)

    begun = await books.orders.begin(books.order(customer, amount=500, fee=20))

    assert (begun.result, begun.state) == (Beginning.BEGUN, OrderState.HELD)
    assert await books.money(customer) == (480, 520)


async def test_the_same_order_again_is_the_first_one(books: Books) -> None:
    """Also with another reference and at another time: both are made anew by each request."""
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=600)
    again = replace(order, reference="OTHER00000", created_at=order.deadline_at)

    begun = await books.orders.begin(again)

    assert (begun.result, begun.reference) == (Beginning.DUPLICATE, order.reference)
    assert await books.money(customer) == (400, 600)


async def test_the_same_id_with_another_amount_is_a_conflict(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=600)

    begun = await books.orders.begin(replace(order, amount_minor=601))

    assert begun.result is Beginning.CONFLICT
    assert await books.money(customer) == (400, 600)


@pytest.mark.parametrize("funds", [0, 99], ids=["nothing", "one short"])
async def test_too_little_money_leaves_nothing_behind(
    books: Books, owner: asyncpg.Connection, funds: int
) -> None:
    customer = await books.customer(funds=funds)

    begun = await books.orders.begin(books.order(customer, amount=100))

    assert (begun.result, begun.state) == (Beginning.INSUFFICIENT, None)
    assert await owner.fetchval("select count(*) from orders") == 0
    assert await books.orders.claim(10, 60) == []


async def test_ten_orders_at_once_spend_no_more_than_there_is(books: Books) -> None:
    customer = await books.customer(funds=350)

    begun = await asyncio.gather(
        *(books.orders.begin(books.order(customer, amount=100)) for _ in range(10))
    )

    results = [one.result for one in begun]
    assert results.count(Beginning.BEGUN) == 3
    assert results.count(Beginning.INSUFFICIENT) == 7
    assert await books.money(customer) == (50, 300)


async def test_one_order_ten_times_at_once_is_one_order(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = books.order(customer, amount=100)

    begun = await asyncio.gather(*(books.orders.begin(order) for _ in range(10)))

    results = [one.result for one in begun]
    assert results.count(Beginning.BEGUN) == 1
    assert results.count(Beginning.DUPLICATE) == 9
    assert await books.money(customer) == (900, 100)


async def test_a_closed_wallet_buys_nothing(books: Books, owner: asyncpg.Connection) -> None:
    customer = await books.customer(funds=1000)
    await owner.execute("update accounts set closed_at = now() where type = 'wallet'")

    begun = await books.orders.begin(books.order(customer))

    assert begun.result is Beginning.CLOSED


async def test_the_day_limit_counts_what_was_not_given_back(books: Books) -> None:
    """Refunded orders free the limit again; yesterday's do not count."""
    customer = await books.customer(funds=10_000)
    yesterday = replace(books.order(customer, 900), day_limit_minor=1000)
    day = dt.timedelta(days=1)
    await books.orders.begin(
        replace(
            yesterday,
            created_at=yesterday.created_at - day,
            day_starts_at=yesterday.day_starts_at - day,
        )
    )
    refunded = replace(books.order(customer, 900), day_limit_minor=1000)
    await books.orders.begin(refunded)
    await books.claimed(refunded)
    await books.rule(refunded, Verdict.REFUND, REFUSED)
    await books.orders.begin(replace(books.order(customer, 600), day_limit_minor=1000))
    won = replace(books.order(customer, 300), gift_room_id=ids.uuid7())
    await books.orders.begin(won)  # it uses up no limit
    await books.begun(customer, 50)  # while there was no limit: it counts once there is

    def limited(amount: int) -> asyncio.Future[Beginning]:
        async def begin() -> Beginning:
            order = replace(books.order(customer, amount), day_limit_minor=1000)
            return (await books.orders.begin(order)).result

        return asyncio.ensure_future(begin())

    assert await limited(351) is Beginning.OVER_LIMIT
    assert await limited(350) is Beginning.BEGUN
    assert await limited(1) is Beginning.OVER_LIMIT


async def test_the_day_limit_holds_whatever_day_the_wallet_remembers(books: Books) -> None:
    """The sum is remembered for one day; another day's is added up, and so is a changed clock's."""
    customer = await books.customer(funds=10_000)
    midnight = books.order(customer, 1).day_starts_at
    before, after = midnight - dt.timedelta(days=1), midnight + dt.timedelta(hours=1)

    async def begin(amount: int, at: dt.datetime, day_starts_at: dt.datetime) -> Beginning:
        order = replace(
            books.order(customer, amount),
            created_at=at,
            day_starts_at=day_starts_at,
            day_limit_minor=1000,
        )
        return (await books.orders.begin(order)).result

    hour = dt.timedelta(hours=1)
    assert await begin(600, midnight + hour / 2, midnight) is Beginning.BEGUN
    assert await begin(300, midnight + 2 * hour, midnight) is Beginning.BEGUN
    assert await begin(101, midnight + 2 * hour, midnight) is Beginning.OVER_LIMIT
    # In another time zone the day began later, and half of that was yesterday's.
    assert await begin(701, midnight + 3 * hour, after) is Beginning.OVER_LIMIT
    assert await begin(700, midnight + 3 * hour, after) is Beginning.BEGUN
    # One that was made just before midnight comes last.
    assert await begin(1, midnight - hour, before) is Beginning.OVER_LIMIT
    assert await begin(1, midnight + 4 * hour, after) is Beginning.OVER_LIMIT
    assert await begin(1000, after + 24 * hour, after + 24 * hour) is Beginning.BEGUN


@pytest.mark.parametrize("end", [Verdict.REFUND, Verdict.PAY_BACK, Verdict.TAKE_BACK])
async def test_what_came_back_frees_the_limit(books: Books, end: Verdict) -> None:
    customer = await books.customer(funds=10_000)
    order = replace(books.order(customer, 900), day_limit_minor=1000)
    await books.orders.begin(order)
    await books.claimed(order)
    if end is Verdict.TAKE_BACK:
        await books.rule(order, Verdict.CAPTURE, DELIVERED)
    more = replace(books.order(customer, 900), day_limit_minor=1000)
    assert (await books.orders.begin(more)).result is Beginning.OVER_LIMIT

    await books.rule(order, end, REFUSED)

    assert (await books.orders.begin(more)).result is Beginning.BEGUN


async def test_two_at_once_cannot_both_pass_the_day_limit(books: Books) -> None:
    customer = await books.customer(funds=10_000)
    orders = [replace(books.order(customer, 600), day_limit_minor=1000) for _ in range(2)]

    results = await asyncio.gather(*(books.orders.begin(order) for order in orders))

    assert {one.result for one in results} == {Beginning.BEGUN, Beginning.OVER_LIMIT}


async def test_a_claim_marks_an_order_as_sent_once(books: Books) -> None:
    """Leased orders come due again when the lease runs out, and then they may have been sent."""
    customer = await books.customer(funds=1000)
    order = await books.begun(customer)

    first = await books.claimed(order)
    nothing = await books.orders.claim(10, 60)
    books.clock.advance(61)
    second = await books.claimed(order)

    assert first.first_send
    assert nothing == []
    assert not second.first_send
    assert second.sent_at == first.sent_at


async def test_two_workers_never_claim_one_order(books: Books) -> None:
    customers = [await books.customer(number, funds=1000) for number in range(40)]
    begun = await asyncio.gather(*(books.begun(customer) for customer in customers))

    claims = await asyncio.gather(*(books.orders.claim(5, 60) for _ in range(12)))

    claimed = [due.order_id for claim in claims for due in claim]
    assert sorted(claimed) == sorted(order.id for order in begun)


async def test_a_claim_passes_by_what_another_worker_is_busy_with(
    books: Books, owner: asyncpg.Connection
) -> None:
    customer = await books.customer(funds=1000)
    busy, free = await books.begun(customer), await books.begun(customer)

    async with owner.transaction():
        await owner.execute("select 1 from jobs where ref = $1 for update", busy.id)
        due = await asyncio.wait_for(books.orders.claim(10, 60), 5)

    assert [one.order_id for one in due] == [free.id]


async def test_a_delivery_pays_the_provider_and_leaves_us_the_rest(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500, fee=20)
    await books.claimed(order)

    state = await books.rule(order, Verdict.CAPTURE, books.costing(485))

    assert state is OrderState.DELIVERED
    assert await books.money(customer) == (480, 0)
    assert await books.posted(AccountType.FLOAT, "vtpass") == 485
    assert await books.posted(AccountType.REVENUE) == 35


async def test_without_a_stated_cost_the_face_value_is_the_cost(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500, fee=20)
    await books.claimed(order)

    await books.rule(order, Verdict.CAPTURE, DELIVERED)

    assert await books.posted(AccountType.FLOAT, "vtpass") == 500
    assert await books.posted(AccountType.REVENUE) == 20


async def test_a_delivery_that_cost_more_than_its_price_is_our_cost(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500)
    await books.claimed(order)

    await books.rule(order, Verdict.CAPTURE, books.costing(510))

    assert await books.money(customer) == (500, 0)
    assert await books.posted(AccountType.FLOAT, "vtpass") == 510
    assert await books.posted(AccountType.COST) == -10


async def test_a_refund_lets_the_money_go_and_keeps_the_hint(
    books: Books, owner: asyncpg.Connection
) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500)
    await books.claimed(order)

    await books.rule(order, Verdict.REFUND, replace(REFUSED, hint="wrong_network"))

    seen = await books.orders.find(books.tenant.id, order.reference)
    assert seen is not None
    assert (seen.state, seen.hint) == (OrderState.REFUNDED, "wrong_network")
    assert await books.money(customer) == (1000, 0)
    [notice] = await books.outbox.due(10, 60)
    assert notice.text == "notice.refunded"
    assert notice.facts["hint"] == "wrong_network"
    assert notice.to == customer.msisdn


async def test_waiting_keeps_the_money_held_and_remembers_the_answers(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer)
    await books.claimed(order)

    state = await books.rule(order, Verdict.WAIT, NOT_FOUND, check_in_s=15)
    early = await books.orders.claim(10, 60)
    books.clock.advance(16)
    due = await books.claimed(order)
    await books.rule(order, Verdict.WAIT, UNKNOWN, check_in_s=5)
    books.clock.advance(6)
    later = await books.claimed(order)

    assert state is OrderState.IN_DOUBT
    assert early == []
    assert (due.checks, due.last_result) == (1, Result.NOT_FOUND)
    assert due.not_found_since == books.clock.now() - dt.timedelta(seconds=22)
    assert (later.checks, later.last_result, later.not_found_since) == (2, Result.UNKNOWN, None)
    assert await books.money(customer) == (900, 100)


async def test_another_attempt_is_made_only_when_the_last_is_closed(
    books: Books, owner: asyncpg.Connection
) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer)
    await books.claimed(order)
    following = NextAttempt(ids.uuid7(), "clubkonnect", "second")

    await books.orders.rule(
        replace(books.ruling(order, Verdict.NEXT, REFUSED), next_attempt=following)
    )
    due = await books.claimed(order)
    late = await books.rule(order, Verdict.CAPTURE)  # of the first attempt, which was closed

    assert (due.attempt_number, due.provider, due.first_send) == (2, "clubkonnect", True)
    assert late is OrderState.HELD
    assert await books.money(customer) == (900, 100)
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute(
            "insert into attempts (order_id, number, id, tenant_id, provider, provider_reference,"
            " state, created_at) values ($1, 3, $2, $3, 'other', 'third', 'created', now())",
            order.id,
            ids.uuid7(),
            books.tenant.id,
        )
    await books.rule(order, Verdict.CAPTURE, attempt_id=following.attempt_id)
    assert await books.posted(AccountType.FLOAT, "clubkonnect") == 100


async def test_two_rulings_at_once_leave_one_outcome(
    books: Books, owner: asyncpg.Connection
) -> None:
    """Whoever is first is right; both answers stand in the history."""
    customer = await books.customer(funds=1000)
    for _ in range(10):
        order = await books.begun(customer)
        await books.claimed(order)

        states = await asyncio.gather(
            books.rule(order, Verdict.CAPTURE), books.rule(order, Verdict.REFUND, REFUSED)
        )

        assert states[0] == states[1]
        history = await owner.fetchval("select count(*) from answers where order_id = $1", order.id)
        assert history == 2
        await books.orders.hurry("vtpass", [order.provider_reference])
        books.clock.advance(1)
        if states[0] is OrderState.REFUNDED:
            continue
        await books.rule(order, Verdict.TAKE_BACK, replace(REFUSED, result=Result.REVERSED))
    assert await books.money(customer) == (1000, 0)


async def test_an_order_still_unknown_at_the_deadline_is_paid_back(books: Books) -> None:
    """The provider keeps what it may have delivered; suspense stands for what we cannot know."""
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500, fee=20)
    await books.claimed(order)

    state = await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=3600)

    assert state is OrderState.PAID_BACK
    assert await books.money(customer) == (1000, 0)
    assert await books.posted(AccountType.SUSPENSE) == -520
    assert await books.posted(AccountType.FLOAT, "vtpass") == 520
    books.clock.advance(3601)
    assert (await books.claimed(order)).state is OrderState.PAID_BACK


async def test_paid_back_and_then_proven_delivered_is_our_loss(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500)
    await books.claimed(order)
    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=1)

    state = await books.rule(order, Verdict.BOOK_LOSS)
    again = await books.rule(order, Verdict.BOOK_LOSS)

    assert state is again is OrderState.PAID_BACK
    assert await books.money(customer) == (1000, 0)
    assert await books.posted(AccountType.SUSPENSE) == 0
    assert await books.posted(AccountType.LOSS) == -500
    books.clock.advance(7200)
    assert await books.orders.claim(10, 60) == []


async def test_paid_back_and_then_proven_not_delivered_clears_suspense(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500)
    await books.claimed(order)
    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=1)

    await books.rule(order, Verdict.CLEAR, NOT_FOUND)

    assert await books.posted(AccountType.SUSPENSE) == 0
    assert await books.posted(AccountType.FLOAT, "vtpass") == 0
    assert await books.posted(AccountType.LOSS) == 0


async def test_a_delivery_after_the_refund_is_our_loss_once(
    books: Books, owner: asyncpg.Connection
) -> None:
    """The customer keeps both; the provider's signal has the order looked at again."""
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500)
    await books.claimed(order)
    await books.rule(order, Verdict.REFUND, REFUSED)

    assert await books.orders.hurry("vtpass", [order.provider_reference, "unknown"]) == 1
    due = await books.claimed(order)
    state = await books.rule(order, Verdict.CAPTURE, books.costing(480))
    again = await books.rule(order, Verdict.CAPTURE, books.costing(480))

    assert (due.state, due.first_send) == (OrderState.REFUNDED, False)
    assert state is again is OrderState.REFUNDED
    assert await books.money(customer) == (1000, 0)
    assert await books.posted(AccountType.LOSS) == -480
    assert await owner.fetchval("select count(*) from jobs") == 0
    assert await owner.fetchval("select count(*) from events where kind like '%late%'") == 1


async def test_a_reversal_after_the_delivery_gives_the_money_back_once(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500, fee=20)
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE, books.costing(485))
    await books.orders.hurry("vtpass", [order.provider_reference])
    await books.claimed(order)
    reversed_ = replace(REFUSED, result=Result.REVERSED)

    states = await asyncio.gather(
        *(books.rule(order, Verdict.TAKE_BACK, reversed_) for _ in range(3))
    )

    assert set(states) == {OrderState.REFUNDED}
    assert await books.money(customer) == (1000, 0)
    assert await books.posted(AccountType.FLOAT, "vtpass") == 0
    assert await books.posted(AccountType.REVENUE) == 0


async def test_a_final_order_with_nothing_new_only_loses_its_job(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer)
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE)
    await books.orders.hurry("vtpass", [order.provider_reference])
    await books.claimed(order)

    state = await books.rule(order, Verdict.KEEP)

    books.clock.advance(3600)
    assert state is OrderState.DELIVERED
    assert await books.orders.claim(10, 60) == []
    assert await books.money(customer) == (900, 0)


async def test_a_signal_during_an_answer_has_the_order_asked_again_at_once(books: Books) -> None:
    """The answer under way may be older than the signal."""
    customer = await books.customer(funds=1000)
    order = await books.begun(customer)
    await books.claimed(order)

    await books.orders.hurry("vtpass", [order.provider_reference])
    await books.rule(order, Verdict.WAIT, UNKNOWN, check_in_s=600)

    assert not (await books.claimed(order)).first_send


async def test_every_final_state_tells_the_customer_once(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500, fee=20)
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE)
    await books.rule(order, Verdict.CAPTURE)

    [notice] = await books.outbox.due(10, 60)

    assert notice.text == "notice.delivered"
    assert notice.facts == {
        "reference": order.reference,
        "amount": 500,
        "fee": 20,
        "currency": "NGN",
        "recipient": customer.msisdn,
        "network": "mtn",
        "product": "airtime",
    }


async def test_a_notice_of_the_release_before_brings_its_own_facts(
    books: Books, owner: asyncpg.Connection
) -> None:
    order = await books.begun(await books.customer(funds=1000))
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE)
    await owner.execute("""update notices set order_id = null, facts = '{"reference": "THEN"}'""")

    [notice] = await books.outbox.due(10, 60)

    assert notice.facts == {"reference": "THEN"}


async def test_a_notice_tells_nothing_of_another_tenants_order(
    books: Books, owner: asyncpg.Connection
) -> None:
    order = await books.begun(await books.customer(funds=1000))
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE)
    stranger = await open_books(books.database, "stranger")
    theirs = await stranger.begun(await stranger.customer(funds=1000))
    await owner.execute("update notices set order_id = $1", theirs.id)

    [notice] = await books.outbox.due(10, 60)

    assert notice.facts == {}


async def test_a_ruling_of_another_tenant_changes_nothing(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer)
    due = await books.claimed(order)
    stranger = await open_books(books.database, "stranger")

    with pytest.raises(UnknownOrder):
        await books.orders.rule(
            replace(books.ruling(order, Verdict.REFUND), tenant_id=stranger.tenant.id)
        )

    assert (await books.orders.states([order.id]))[order.id] is OrderState.HELD
    assert due.tenant_id == books.tenant.id


async def test_an_order_that_the_database_refuses_does_not_fail_its_neighbours(
    books: Books,
) -> None:
    """A provider reference used twice breaks the batch; the others are begun one by one."""
    customers = [await books.customer(number, funds=1000) for number in range(5)]
    first = await books.begun(customers[0])
    orders = [books.order(customer) for customer in customers]
    orders[2] = replace(orders[2], provider_reference=first.provider_reference)

    results = await asyncio.gather(
        *(books.orders.begin(order) for order in orders), return_exceptions=True
    )

    assert isinstance(results[2], asyncpg.UniqueViolationError)
    others = [one for number, one in enumerate(results) if number != 2]
    assert all(getattr(one, "result", None) is Beginning.BEGUN for one in others)


async def test_the_latest_orders_come_first(books: Books) -> None:
    customer = await books.customer(funds=1000)
    made = []
    for _ in range(3):
        made.append(await books.begun(customer))
        books.clock.advance(60)

    latest = await books.orders.latest(books.tenant.id, customer.id, 2)

    assert [view.id for view in latest] == [made[2].id, made[1].id]
    assert await books.orders.get(books.tenant.id, made[0].id) is not None
    assert await books.customers.saved_numbers(customer, 3) == [(customer.msisdn, "mtn")]


async def test_a_signal_about_an_order_whose_loss_is_booked_ends_by_itself(books: Books) -> None:
    """Nothing is left to be learnt: it must not be asked about for ever."""
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500)
    await books.claimed(order)
    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=1)
    await books.rule(order, Verdict.BOOK_LOSS)
    await books.orders.hurry("vtpass", [order.provider_reference])
    await books.claimed(order)

    await books.rule(order, Verdict.WAIT, UNKNOWN, check_in_s=1)

    books.clock.advance(7200)
    assert await books.orders.claim(10, 60) == []


async def test_a_delivery_after_suspense_was_cleared_is_our_loss(books: Books) -> None:
    customer = await books.customer(funds=1000)
    order = await books.begun(customer, amount=500)
    await books.claimed(order)
    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=1)
    await books.rule(order, Verdict.CLEAR, NOT_FOUND)

    for _ in range(2):
        await books.rule(order, Verdict.BOOK_LOSS, books.costing(490))

    assert await books.posted(AccountType.LOSS) == -490
    assert await books.posted(AccountType.SUSPENSE) == 0


async def test_what_belongs_to_an_order_sorts_by_its_time(
    books: Books, owner: asyncpg.Connection
) -> None:
    order_id = ids.derived("order", at=ids.moment(ids.uuid7()))

    made = await owner.fetchrow(
        "select order_leg_id($1, 'sale') as leg, order_leg_id($1, 'margin') as other,"
        " order_notice_id($2, $1, 'delivered') as notice",
        order_id,
        books.tenant.id,
    )

    assert made is not None
    assert len({*made.values(), order_id}) == 4
    assert {each.int >> 80 for each in made.values()} == {ids.moment(order_id)}


async def test_what_belongs_to_an_order_of_before_has_the_ids_that_it_had(
    books: Books, owner: asyncpg.Connection
) -> None:
    """A loss that was booked under them must be found, and nobody be told twice."""
    order_id = UUID("ebdf2675-e085-5f49-9ece-7e35c89447c7")

    made = await owner.fetchrow(
        "select order_leg_id($1, 'book_loss') as leg,"
        " md5('leg:' || $1::uuid::text || ':book_loss')::uuid as leg_before,"
        " order_notice_id($2, $1, 'delivered') as notice,"
        " notice_id($2, 'order:' || $1::uuid::text || ':delivered') as notice_before",
        order_id,
        books.tenant.id,
    )

    assert made is not None
    assert made["leg"] == made["leg_before"]
    assert made["notice"] == made["notice_before"]
