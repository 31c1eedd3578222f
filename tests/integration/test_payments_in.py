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
    assert await books.posted(AccountType.FEES, "paystack") == 7
    assert await books.posted(AccountType.CLEARING, "paystack") == -507


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


async def test_a_paid_intent_is_checked_no_more(books: Books) -> None:
    """Nor after a webhook that comes again, once it has been looked at."""
    customer = await books.customer()
    intent = await opened(books, customer)
    await credited(books, intent, 500)
    await books.intents.check_again(intent, books.clock.now())  # by a sweeper that came second
    assert await books.intents.due(10, 60) == []

    await books.intents.hurry("paystack", [intent.reference])
    [due] = await books.intents.due(10, 60)
    assert not await credited(books, due, 500)
    books.clock.advance(3600)

    assert await books.intents.due(10, 60) == []


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
    await books.intents.mismatch(intent, dollars, "currency")

    assert await books.money(customer) == (0, 0)
    assert await owner.fetchval("select state from payments_in") == "mismatch"


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

    assert [(one.reference, one.amount.minor, one.paid) for one in arrivals] == [
        (awaited.reference, 800, False),
        (paid.reference, 450, True),
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


def notice(intent: Intent) -> NewNotice:
    return NewNotice("fund", intent.tenant_id, intent.customer_id, "notice.funded", {"amount": 500})
