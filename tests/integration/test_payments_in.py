"""Money in: exactly what was paid, to whom it was meant for, once."""

import asyncio
import datetime as dt
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from core.domain.customers import Customer
from core.domain.ledger import AccountType
from core.kit import ids
from core.kit.money import Money
from core.ports import Intent, NewNotice, Payment
from tests.fakes.books import Books, open_books


async def test_the_same_intent_again_is_the_first_one(books: Books) -> None:
    customer = await books.customer()

    intent = await opened(books, customer)
    again = await opened(books, customer, intent_id=intent.id, amount=700)

    assert again == intent
    assert await books.intents.by_reference("paystack", intent.reference) == intent
    assert await books.intents.by_reference("paystack", "unknown") is None


async def test_a_payment_is_credited_once_whoever_brings_it(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)

    done = await asyncio.gather(*(credited(books, intent, 500) for _ in range(10)))

    assert done.count(True) == 1
    assert await books.money(customer) == (500, 0)
    [notice] = await books.outbox.due(10, 60)
    assert notice.text == "notice.funded"


@pytest.mark.parametrize("paid", [300, 900], ids=["less than meant", "more than meant"])
async def test_what_was_paid_is_credited_not_what_was_meant(books: Books, paid: int) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)

    await credited(books, intent, paid)

    assert await books.money(customer) == (paid, 0)


async def test_the_gateways_fee_is_ours(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)

    await credited(books, intent, 500, fee=7)

    assert await books.money(customer) == (500, 0)
    assert await books.posted(AccountType.FEES, "paystack") == -7
    assert await books.posted(AccountType.CLEARING, "paystack") == -493


async def test_two_payments_under_one_reference_are_both_credited(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)

    assert await credited(books, intent, 500, transaction="one")
    assert await credited(books, intent, 500, transaction="two")

    assert await books.money(customer) == (1000, 0)


async def test_late_money_is_still_the_customers(books: Books) -> None:
    """An expired intent is looked at again when a webhook names it."""
    customer = await books.customer()
    intent = await opened(books, customer)
    await books.intents.check_again(intent, None)
    books.clock.advance(86_400)
    assert await books.intents.due(10, 60) == []

    assert await books.intents.hurry("paystack", [intent.reference, "unknown"]) == 1
    [due] = await books.intents.due(10, 60)
    await credited(books, due, 500)

    assert due.state == "expired"
    assert await books.money(customer) == (500, 0)


async def test_a_credit_leaves_the_next_look_to_who_asked(books: Books) -> None:
    """More may have been told than this one payment; the lease brings back what a crash lost."""
    customer = await books.customer()
    await opened(books, customer)
    books.clock.advance(11)
    [leased] = await books.intents.due(10, 60)

    await credited(books, leased, 500)
    assert await books.intents.due(10, 60) == []
    books.clock.advance(61)
    [again] = await books.intents.due(10, 60)

    assert (again.id, again.state) == (leased.id, "paid")
    await books.intents.check_again(again, None)
    books.clock.advance(3600)
    assert await books.intents.due(10, 60) == []


async def test_an_intent_is_paid_once_as_much_came_as_was_asked_for(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)

    states = []
    for transaction, amount in (("one", 200), ("two", 299), ("three", 1), ("four", 5)):
        await credited(books, intent, amount, transaction=transaction)
        seen = await books.intents.by_reference("paystack", intent.reference)
        assert seen is not None
        states.append(seen.state)

    assert states == ["part_paid", "part_paid", "paid", "paid"]
    assert await books.money(customer) == (505, 0)
    assert await books.intents.unpaid(customer, books.clock.now()) == []


async def test_an_open_intent_comes_due_again_and_again(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    assert await books.intents.due(10, 60) == []
    books.clock.advance(11)

    [due] = await books.intents.due(10, 60)
    leased = await books.intents.due(10, 60)
    await books.intents.check_again(due, books.clock.now() + dt.timedelta(seconds=300))
    books.clock.advance(301)
    [later] = await books.intents.due(10, 60)

    assert leased == []
    assert (due.id, later.id, later.checks) == (intent.id, intent.id, 2)


async def test_a_payment_in_another_currency_moves_nothing(
    books: Books, owner: asyncpg.Connection
) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    dollars = Payment("tx", intent.reference, Money(500, "USD"))

    with pytest.raises(asyncpg.RaiseError):
        await books.intents.credit(intent, dollars, notice(intent))
    told = [await books.intents.hold_up(intent, dollars, "currency", notice(intent))]
    told.append(await books.intents.hold_up(intent, dollars, "currency", notice(intent)))

    assert told == [True, False]
    assert await books.money(customer) == (0, 0)
    assert await owner.fetchval("select state from payments_in") == "mismatch"
    [event] = await owner.fetch("select kind, actor, facts->>'currency' from events")
    assert tuple(event) == ("intent.held_up", "gateway", "USD")
    assert len(await books.outbox.due(10, 60)) == 1
    await books.intents.check_again(intent, None)
    [arrival] = await books.intents.latest(customer, 5)
    assert (arrival.state, arrival.amount) == ("held_up", Money(500, "USD"))


async def test_a_second_payment_in_another_currency_leaves_a_paid_intent_paid(
    books: Books,
) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    await credited(books, intent, 500)

    dollars = Payment("tx2", intent.reference, Money(500, "USD"))
    await books.intents.hold_up(intent, dollars, "currency", replace(notice(intent), key="2"))

    seen = await books.intents.by_reference("paystack", intent.reference)
    assert seen is not None
    assert seen.state == "paid"
    assert {one.state for one in await books.intents.latest(customer, 5)} == {"paid", "held_up"}


@pytest.mark.parametrize("currency", ["NGN", "USD"], ids=["credited", "held up"])
async def test_a_webhook_during_the_booking_is_heard(books: Books, currency: str) -> None:
    """It may speak of a second payment, which the look under way has not seen."""
    customer = await books.customer()
    await opened(books, customer)
    books.clock.advance(11)
    [leased] = await books.intents.due(10, 60)

    await books.intents.hurry("paystack", [leased.reference])
    payment = Payment("tx", leased.reference, Money(500, currency))
    if currency == "NGN":
        await books.intents.credit(leased, payment, notice(leased))
    else:
        await books.intents.hold_up(leased, payment, "currency", notice(leased))

    assert len(await books.intents.due(10, 60)) == 1


@pytest.mark.parametrize("later_s", [300, None], ids=["planned", "let go"])
async def test_a_webhook_during_a_look_outlives_the_plan_that_the_look_makes(
    books: Books, later_s: float | None
) -> None:
    customer = await books.customer()
    await opened(books, customer)
    books.clock.advance(11)
    [leased] = await books.intents.due(10, 60)

    await books.intents.hurry("paystack", [leased.reference])
    plan = None if later_s is None else books.clock.now() + dt.timedelta(seconds=later_s)
    await books.intents.check_again(leased, plan)

    [again] = await books.intents.due(10, 60)
    assert (again.id, again.state) == (leased.id, "open")


async def test_a_paid_intent_that_was_looked_at_stays_paid_and_is_let_go(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    await credited(books, intent, 500)
    await books.intents.hurry("paystack", [intent.reference])
    [leased] = await books.intents.due(10, 60)

    await books.intents.check_again(leased, None)
    books.clock.advance(3600)

    assert await books.intents.due(10, 60) == []
    seen = await books.intents.by_reference("paystack", intent.reference)
    assert seen is not None
    assert seen.state == "paid"


async def test_a_replaced_intent_is_shown_once_and_still_paid(books: Books) -> None:
    customer = await books.customer()
    first = await opened(books, customer)
    plan = books.clock.now() + dt.timedelta(seconds=300)

    second = await replaced(books, first, plan)
    again = await replaced(books, first, plan)  # after a commit whose answer was lost

    assert second is not None
    assert second == again == replace(first, id=second.id, reference=second.reference)
    assert [one.reference for one in await books.intents.latest(customer, 5)] == [second.reference]
    assert await books.intents.unpaid(customer, books.clock.now()) == [second]
    books.clock.advance(301)
    old = {one.id: one for one in await books.intents.due(10, 60)}[first.id]
    assert await credited(books, old, 500)
    assert await books.money(customer) == (500, 0)


@pytest.mark.parametrize("meanwhile", ["linked", "paid"])
async def test_an_intent_with_a_link_or_a_payment_is_not_replaced(
    books: Books, meanwhile: str
) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    if meanwhile == "linked":
        await books.intents.set_url(intent, "https://pay.example/1", None)
    else:
        await credited(books, intent, 500)
    before = await books.intents.by_reference("paystack", intent.reference)

    assert await replaced(books, intent, None) is None
    assert not await books.intents.give_up(intent, replace(notice(intent), key="no"), None)

    assert await books.intents.by_reference("paystack", intent.reference) == before


async def test_no_link_is_told_of_an_intent_that_ended(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    await replaced(books, intent, None)

    link = replace(notice(intent), key="link", text="notice.pay_link")
    assert not await books.intents.set_url(intent, "https://pay.example/1", link)

    assert await books.outbox.due(10, 60) == []


async def test_a_payment_under_another_reference_or_tenant_moves_nothing(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    stranger = await open_books(books.database, "stranger")

    for wrong in (
        replace(intent, tenant_id=stranger.tenant.id),
        replace(intent, gateway="flutterwave"),
        replace(intent, id=ids.uuid7()),
    ):
        with pytest.raises(asyncpg.RaiseError):
            await credited(books, wrong, 500)
    payment = Payment("tx", "another", Money(500, "NGN"))
    with pytest.raises(asyncpg.RaiseError):
        await books.intents.credit(intent, payment, notice(intent))

    assert await books.money(customer) == (0, 0)


async def test_the_link_is_kept_and_told_once(books: Books) -> None:
    customer = await books.customer()
    intent = await opened(books, customer)
    link = replace(notice(intent), key="link", text="notice.pay_link")

    for _ in range(2):
        await books.intents.set_url(intent, "https://pay.example/1", link)

    seen = await books.intents.by_reference("paystack", intent.reference)
    assert seen is not None
    assert seen.url == "https://pay.example/1"
    assert len(await books.outbox.due(10, 60)) == 1


async def test_arrivals_show_what_came_and_what_is_awaited(books: Books) -> None:
    customer = await books.customer()
    paid = await opened(books, customer)
    await credited(books, paid, 450)
    books.clock.advance(60)
    awaited = await opened(books, customer, amount=800)

    arrivals = await books.intents.latest(customer, 5)

    assert [(one.reference, one.amount.minor, one.state) for one in arrivals] == [
        (awaited.reference, 800, "awaited"),
        (paid.reference, 450, "paid"),
    ]


async def opened(
    books: Books, customer: Customer, *, amount: int = 500, intent_id: UUID | None = None
) -> Intent:
    made = intent_id or ids.uuid7()
    return await books.intents.open(
        intent_id=made,
        customer=customer,
        gateway="paystack",
        reference=f"CB{made.hex}",
        amount=Money(amount, "NGN"),
        channel_id=books.channel.id,
        identity=customer.msisdn,
        at=books.clock.now(),
    )


async def credited(
    books: Books, intent: Intent, paid: int, *, fee: int | None = None, transaction: str = "tx"
) -> bool:
    payment = Payment(
        transaction,
        intent.reference,
        Money(paid, "NGN"),
        paid_at=books.clock.now(),
        fee=None if fee is None else Money(fee, "NGN"),
    )
    return await books.intents.credit(
        intent, payment, replace(notice(intent), key=f"fund:{transaction}")
    )


async def replaced(books: Books, intent: Intent, check_at: dt.datetime | None) -> Intent | None:
    made = ids.derived("second", str(intent.id))
    return await books.intents.replace(
        intent,
        intent_id=made,
        gateway=intent.gateway,
        reference=f"CB{made.hex}",
        check_at=check_at,
    )


def notice(intent: Intent) -> NewNotice:
    return NewNotice("fund", intent.tenant_id, intent.customer_id, "notice.funded", {"amount": 500})
