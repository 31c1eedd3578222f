"""Orders that the process which begins them sees through at once, past the queue."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from core.domain.orders import Beginning, DueOrder
from core.kit.hand import Hand
from core.store.database import Database
from core.store.orders import AtOnce, PgOrderBook
from tests.fakes.books import Books
from tests.integration.test_order_batches import Breaking

_LEASE_S = 45.0


@dataclass
class Taking:
    """Takes what comes while it has room, as a pump at work does."""

    room: int = 8
    taken: list[DueOrder] = field(default_factory=list)

    def has_room(self, count: int) -> bool:
        return count <= self.room

    def take(self, item: DueOrder) -> None:
        self.taken.append(item)

    def left(self) -> None:
        pass


def _book(books: Books, pump: Taking | None, database: Database | None = None) -> PgOrderBook:
    hand = Hand[DueOrder]()
    hand.served_by(pump)
    book = PgOrderBook(database or books.database, books.clock)
    book.hand_over(AtOnce(hand, lambda: _LEASE_S))
    return book


async def _due(books: Books) -> Sequence[DueOrder]:
    return await books.orders.claim(10, _LEASE_S)


async def test_an_order_in_hand_is_as_a_claim_would_lease_it(books: Books) -> None:
    customer = await books.customer(funds=1000)
    pump = Taking()
    begun = await _book(books, pump).begin(books.order(customer))
    assert (begun.result, begun.in_hand) == (Beginning.BEGUN, True)
    [taken] = pump.taken

    second = books.order(customer)
    await books.orders.begin(second)
    [claimed] = await _due(books)  # the one in hand is nobody else's

    assert (
        replace(
            claimed,
            order_id=taken.order_id,
            reference=taken.reference,
            attempt_id=taken.attempt_id,
            provider_reference=taken.provider_reference,
        )
        == taken
    )


async def test_one_whose_process_dies_is_asked_about_and_never_sent_again(books: Books) -> None:
    customer = await books.customer(funds=1000)
    pump = Taking()
    await _book(books, pump).begin(books.order(customer))
    sent_at = books.clock.now()

    books.clock.advance(_LEASE_S - 1)
    assert not await _due(books)
    books.clock.advance(1)
    [found] = await _due(books)

    assert not found.first_send
    assert found.sent_at == sent_at
    assert found.created_at + dt.timedelta(seconds=_LEASE_S) == books.clock.now()


async def test_without_a_pump_or_room_it_waits_for_any_worker(books: Books) -> None:
    customer = await books.customer(funds=1000)
    for pump in (None, Taking(room=0)):
        begun = await _book(books, pump).begin(books.order(customer))

        [claimed] = await _due(books)
        assert not begun.in_hand
        assert (claimed.order_id, claimed.first_send) == (begun.order_id, True)


async def test_only_what_was_begun_is_taken(books: Books) -> None:
    customer = await books.customer(funds=1000)
    pump = Taking()
    book, order = _book(books, pump), books.order(customer)
    await book.begin(order)
    books.clock.advance(0.001)

    assert (await book.begin(order)).result is Beginning.DUPLICATE
    too_dear = await book.begin(books.order(customer, amount=5000))

    assert too_dear.result is Beginning.INSUFFICIENT
    assert [taken.order_id for taken in pump.taken] == [order.id]


async def test_a_buyer_who_left_meanwhile_has_it_seen_through_all_the_same(books: Books) -> None:
    customer = await books.customer(funds=1000)
    pump = Taking()
    book, order = _book(books, pump), books.order(customer)
    buying = asyncio.create_task(book.begin(order))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # by now its batch is under way
    buying.cancel()
    await book.close()

    assert [taken.order_id for taken in pump.taken] == [order.id]


async def test_one_whose_answer_was_lost_after_the_commit_is_seen_through_all_the_same(
    books: Books, database_url: str
) -> None:
    customer = await books.customer(funds=1000)
    pump, database = Taking(), Breaking(database_url)
    book, order = _book(books, pump, database), books.order(customer)
    database.breaks_at = "order_hold"
    begun = await book.begin(order)
    books.clock.advance(0.001)
    again = await book.begin(order)
    await database.close()

    assert (begun.result, again.result) == (Beginning.BEGUN, Beginning.DUPLICATE)
    assert [taken.order_id for taken in pump.taken] == [order.id]
