"""Who a customer is, and how PINs and codes are counted."""

import asyncio
import datetime as dt

import pytest

from core.domain.customers import CodeAsked, Customer, PinState
from core.kit import ids
from core.kit.msisdn import Msisdn
from tests.fakes.books import Books, open_books

LOCKS = (900, 3600)


async def test_a_first_sight_makes_one_customer_with_a_wallet(books: Books) -> None:
    """Also when ten requests of one person arrive at once."""
    number = Msisdn("2348031234567")

    seen = await asyncio.gather(
        *(books.customers.at(books.channel, number, number) for _ in range(10))
    )

    assert len({one.id for one in seen}) == 1
    assert seen[0].msisdn == number
    assert not seen[0].pin_set
    assert await books.money(seen[0]) == (0, 0)
    assert await books.customers.get(books.tenant.id, seen[0].id) == seen[0]


async def test_one_number_at_two_tenants_is_two_customers(books: Books) -> None:
    other = await open_books(books.database, "other")
    number = Msisdn("2348031234567")

    here = await books.customers.at(books.channel, number, number)
    there = await other.customers.at(other.channel, number, number)

    assert here.id != there.id


async def test_tries_count_once_per_key(books: Books) -> None:
    customer = await books.customer()
    await books.customers.set_pin(customer, "hash", books.clock.now())

    first = await take(books, customer, "turn-1")
    again = await take(books, customer, "turn-1")
    second = await take(books, customer, "turn-2")

    assert (first.tries, again.tries, second.tries) == (1, 1, 2)
    assert second.hash == "hash"
    assert (await books.customers.pin(customer)).tries == 2


async def test_the_last_try_sets_the_lock_and_may_still_be_right(books: Books) -> None:
    customer = await books.customer()
    for number in range(2):
        await take(books, customer, f"wrong-{number}")

    third = await take(books, customer, "third")
    fourth = await take(books, customer, "fourth")

    assert (third.tries, third.locked_until) == (3, books.clock.now() + dt.timedelta(seconds=900))
    assert fourth.tries > 3
    assert fourth.locked_until == third.locked_until


async def test_guessing_in_parallel_gains_nothing(books: Books) -> None:
    """Of twenty tries at once, three may be compared."""
    customer = await books.customer()

    states = await asyncio.gather(*(take(books, customer, f"g{n}") for n in range(20)))

    assert sorted(state.tries for state in states)[:4] == [1, 2, 3, 4]
    assert sum(state.tries <= 3 for state in states) == 3


async def test_locks_grow_and_the_right_pin_ends_them(books: Books) -> None:
    customer = await books.customer()
    locks = []
    for lock in range(3):
        state = [await take(books, customer, f"{lock}-{number}") for number in range(3)][-1]
        assert state.locked_until is not None
        locks.append((state.locked_until - books.clock.now()).total_seconds())
        books.clock.advance(locks[-1] + 1)

    await books.customers.clear_pin_tries(customer)

    assert locks == [900, 3600, 3600]
    assert await books.customers.pin(customer) == PinState(None, 0, 0, None)


async def test_a_code_is_right_once_and_in_time(books: Books) -> None:
    customer = await books.customer()
    now = books.clock.now()
    await make_code(books, customer, "right")

    late = await books.customers.use_code(
        customer, "pin_reset", "right", now + dt.timedelta(minutes=10)
    )
    other = await books.customers.use_code(customer, "other", "right", now)
    results = await asyncio.gather(
        *(books.customers.use_code(customer, "pin_reset", "right", now) for _ in range(5))
    )

    assert not late
    assert not other
    assert sorted(results) == [False, False, False, False, True]


async def test_wrong_codes_end_a_code(books: Books) -> None:
    customer = await books.customer()
    now = books.clock.now()
    await make_code(books, customer, "right")

    for _ in range(3):
        assert not await books.customers.use_code(customer, "pin_reset", "wrong", now)

    assert not await books.customers.use_code(customer, "pin_reset", "right", now)


async def test_a_new_code_replaces_the_old_one_until_too_many_were_asked_for(
    books: Books,
) -> None:
    """The same request again is the same code and counts once."""
    customer = await books.customer()
    now = books.clock.now()

    assert await make_code(books, customer, "one") is CodeAsked.NEW
    assert await make_code(books, customer, "one") is CodeAsked.KNOWN
    assert await make_code(books, customer, "two") is CodeAsked.NEW
    assert not await books.customers.use_code(customer, "pin_reset", "one", now)
    assert await make_code(books, customer, "three") is CodeAsked.NEW
    assert await make_code(books, customer, "four") is CodeAsked.TOO_MANY
    books.clock.advance(31 * 60)
    assert await make_code(books, customer, "five") is CodeAsked.NEW


@pytest.mark.parametrize("ends", ["used", "wrong", "replaced", "late"])
async def test_a_code_that_is_over_never_comes_back(books: Books, ends: str) -> None:
    customer = await books.customer()
    now = books.clock.now()
    await make_code(books, customer, "one")
    match ends:
        case "used":
            assert await books.customers.use_code(customer, "pin_reset", "one", now)
        case "wrong":
            for _ in range(3):
                await books.customers.use_code(customer, "pin_reset", "wrong", now)
        case "replaced":
            await make_code(books, customer, "two")
        case "late":
            books.clock.advance(11 * 60)

    assert await make_code(books, customer, "one") is CodeAsked.OVER
    later = books.clock.now()
    assert not await books.customers.use_code(customer, "pin_reset", "one", later)


async def test_what_strangers_ask_for_and_type_touches_no_code_of_others(books: Books) -> None:
    customer = await books.customer()
    now = books.clock.now()
    assert await make_code(books, customer, "mine") is CodeAsked.NEW

    theirs = [await make_code(books, customer, f"s{n}", "stranger") for n in range(4)]
    for guess in ("wrong", "mine", "mine", "mine", "s2", "s2"):
        used = await books.customers.use_code(
            customer, "pin_reset", guess, now, asked_by="stranger"
        )
        assert not used

    assert theirs == [CodeAsked.NEW] * 3 + [CodeAsked.TOO_MANY]
    assert await make_code(books, customer, "mine") is CodeAsked.KNOWN
    assert await make_code(books, customer, "another") is CodeAsked.NEW
    assert await books.customers.use_code(customer, "pin_reset", "another", now)


async def test_one_number_is_sent_so_many_codes_however_many_ask(books: Books) -> None:
    customer = await books.customer()

    asked = [await make_code(books, customer, f"c{n}", f"stranger {n}") for n in range(11)]
    elsewhere = await books.customers.make_code(
        customer, "other", "c", books.clock.now() + dt.timedelta(minutes=10), books.clock.now()
    )

    assert asked == [CodeAsked.NEW] * 9 + [CodeAsked.TOO_MANY] * 2
    assert elsewhere is CodeAsked.NEW


async def test_one_wish_to_be_called_a_day(books: Books) -> None:
    customer = await books.customer()
    ask = books.customers.ask_to_be_called
    now = books.clock.now()

    assert await ask(customer, "first", now)
    assert await ask(customer, "first", now)
    assert not await ask(customer, "second", now)
    assert await ask(customer, "third", now + dt.timedelta(days=1))


async def take(books: Books, customer: Customer, key: str) -> PinState:
    return await books.customers.take_pin_try(
        customer, key, tries_max=3, lock_s=LOCKS, at=books.clock.now()
    )


async def make_code(
    books: Books, customer: Customer, code_hash: str, asked_by: str = ""
) -> CodeAsked:
    now = books.clock.now()
    return await books.customers.make_code(
        customer, "pin_reset", code_hash, now + dt.timedelta(minutes=10), now, asked_by=asked_by
    )


async def test_a_second_identity_of_one_number_is_the_same_customer(books: Books) -> None:
    """The number is the person."""
    number = Msisdn("2348031234567")

    by_number = await books.customers.at(books.channel, number, number)
    by_handle = await books.customers.at(books.channel, str(ids.uuid7()), number)

    assert by_handle.id == by_number.id
