"""The statement: whatever moved the money of a customer has a line."""

from core.domain.customers import Customer
from core.domain.ledger import AccountType, Transfer
from core.kit import ids
from core.services.wallet import Line, Wallet
from core.store.database import Database, owner_engine
from core.store.payouts import PgPayouts
from core.store.vouchers import PgVouchers
from tests.fakes.books import Books, open_books
from tests.fakes.gifts import KEYRING, Gifts
from tests.fakes.kinds import untold


async def lines(books: Books, customer: Customer, count: int = 5) -> list[Line]:
    payouts = PgPayouts(books.database, books.clock)
    vouchers = PgVouchers(books.database, KEYRING, books.clock)
    wallet = Wallet(books.ledger, books.orders, books.intents, payouts, vouchers)
    return await wallet.statement(books.tenant, customer, count)


async def told(books: Books, customer: Customer) -> list[tuple[str, str, int]]:
    return [(line.what, line.state, line.amount.minor) for line in await lines(books, customer)]


async def moved(books: Books, customer: Customer, minor: int, code: str) -> None:
    """From outside, or out of the wallet where it is negative."""
    sides = [books.account(AccountType.WORLD), books.wallet(customer)]
    debit, credit = sides if minor > 0 else reversed(sides)
    await books.ledger.post(
        Transfer(ids.uuid7(), books.tenant.id, debit, credit, abs(minor), code, ids.uuid7())
    )


async def test_a_gift_that_is_given_won_and_comes_back_has_its_lines(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 1_000), await gifts.person(2)
    room = await gifts.opened(creator, 100, 200, fee_minor=20)
    await gifts.claim(room, winner)
    await gifts.end(room)

    assert await told(gifts.books, creator) == [
        ("gift_back", "in", 200),
        ("gift_fee", "out", 20),
        ("gift", "out", 300),
        ("other", "in", 1_000),
    ]
    assert await told(gifts.books, winner) == [("gift_won", "in", 100)]


async def test_what_a_book_of_its_own_tells_of_is_not_told_twice(books: Books) -> None:
    customer = await books.customer(funds=1_000)
    await books.begun(customer, 100)
    await moved(books, customer, 50, "fund")
    await moved(books, customer, 30, "credit")

    found = await told(books, customer)

    assert sorted(found) == [
        ("airtime", "pending", 100),
        ("credit", "in", 30),
        ("other", "in", 1_000),
    ]


async def test_money_of_a_kind_that_nobody_thought_of_is_told_all_the_same(books: Books) -> None:
    """A customer sees the amount; whoever made the kind finds its words missing in the tests."""
    customer = await books.customer(funds=1_000)
    await moved(books, customer, -70, "test")

    assert (await told(books, customer))[0] == ("other", "out", 70)


async def test_the_latest_come_first_and_no_more_than_asked_for(books: Books) -> None:
    customer = await books.customer()
    for minor in range(1, 8):
        await moved(books, customer, minor, "test")

    found = await lines(books, customer, 3)

    assert [line.amount.minor for line in found] == [7, 6, 5]


async def test_a_kind_of_transfer_without_words_is_found(
    database: Database, database_url: str
) -> None:
    """The same search looks back on every test of the store and of conversations."""
    books = await open_books(database)
    customer = await books.customer(funds=1_000)
    await moved(books, customer, 5, "lottery")
    await moved(books, customer, -5, "credit")

    engine = owner_engine(database_url)
    assert await untold(engine) == ["credit out", "lottery in"]
    await engine.dispose()
