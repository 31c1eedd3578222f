"""Notices: told at least once, doubled never, secrets not kept."""

import asyncpg

from core.domain.customers import Customer
from core.ports import NewNotice
from tests.fakes.books import Books


async def test_a_notice_is_leased_with_whom_to_tell(books: Books) -> None:
    customer = await books.customer()
    await books.outbox.add(notice(customer), books.clock.now())

    [due] = await books.outbox.due(10, 60)
    leased = await books.outbox.due(10, 60)
    books.clock.advance(61)
    [again] = await books.outbox.due(10, 60)

    assert (due.to, due.language, due.text) == (customer.msisdn, "en", "notice.hello")
    assert due.facts == {"name": "Ada", "count": 2}
    assert leased == []
    assert again.id == due.id


async def test_the_same_key_is_one_notice(books: Books) -> None:
    customer = await books.customer()
    for _ in range(3):
        await books.outbox.add(notice(customer), books.clock.now())
    await books.outbox.add(notice(customer, key="other"), books.clock.now())

    assert len(await books.outbox.due(10, 60)) == 2


async def test_a_failed_try_comes_due_when_it_was_put_off_to(books: Books) -> None:
    customer = await books.customer()
    await books.outbox.add(notice(customer), books.clock.now())
    [due] = await books.outbox.due(10, 600)

    books.clock.advance(15)
    await books.outbox.retry(due, books.clock.now())
    [again] = await books.outbox.due(10, 600)

    assert (due.tries, again.tries) == (0, 1)


async def test_what_was_sent_or_given_up_never_comes_due(books: Books) -> None:
    customer = await books.customer()
    for key in ("one", "two"):
        await books.outbox.add(notice(customer, key=key), books.clock.now())
    first, second = await books.outbox.due(10, 60)

    await books.outbox.sent(first, books.clock.now())
    await books.outbox.retry(first, books.clock.now())  # a late answer of another sender
    await books.outbox.give_up(second, "rejected", books.clock.now())
    books.clock.advance(3600)

    assert await books.outbox.due(10, 60) == []


async def test_a_secret_is_sealed_and_wiped_once_told(
    books: Books, owner: asyncpg.Connection
) -> None:
    customer = await books.customer()
    secret = NewNotice(
        "code", books.tenant.id, customer.id, "notice.code", {"code": "493021"}, secret=True
    )

    await books.outbox.add(secret, books.clock.now())
    kept = await owner.fetchval("select facts::text from notices")
    [due] = await books.outbox.due(10, 60)
    await books.outbox.sent(due, books.clock.now())

    assert "493021" not in kept
    assert due.facts == {"code": "493021"}
    assert await owner.fetchval("select facts::text from notices") == "{}"


def notice(customer: Customer, key: str = "hello") -> NewNotice:
    facts: dict[str, str | int] = {"name": "Ada", "count": 2}
    return NewNotice(key, customer.tenant_id, customer.id, "notice.hello", facts)
