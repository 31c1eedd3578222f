"""Gift rooms: who wins, who is kept out, and where the money is after each step."""

import asyncio
import datetime as dt
from dataclasses import replace
from typing import cast

import asyncpg
import pytest

from core.domain.gifts import (
    Claimed,
    Claiming,
    ClaimState,
    Door,
    GiftKind,
    GiftTerms,
    Opening,
    PayOut,
    Refusal,
    RoomState,
)
from core.domain.ledger import AccountType
from core.kit.msisdn import Msisdn
from core.ports import Event
from core.store.database import Database
from core.store.gift_shut import SHUT_FOR_S
from core.store.gifts import PgGiftRooms
from tests.fakes.books import Books, open_books
from tests.fakes.gifts import KEYRING, SEED, TERMS, Gifts, open_gifts

DAY_S = 86_400.0


@pytest.fixture
async def gifts(books: Books) -> Gifts:
    return open_gifts(books)


# Opening.


async def test_gift_and_fee_leave_the_wallet_in_one_step(gifts: Gifts) -> None:
    creator = await gifts.person(1, 1_000)
    room = await gifts.opened(creator, 100, 250, 50, fee_minor=20)

    assert await gifts.available(creator) == 580
    assert await gifts.escrow(room) == 400
    assert await gifts.books.posted(AccountType.REVENUE) == 20
    stands = await gifts.stands(room)
    assert (stands.state, stands.total.minor, stands.shares) == (RoomState.OPEN, 400, 3)
    assert (stands.taken, stands.joined, stands.seed) == (0, 0, "")
    assert stands.creator_msisdn == creator.msisdn


async def test_the_same_confirmation_again_is_the_first_room(gifts: Gifts) -> None:
    """Run again it draws another code, token, seed and split: they are not compared."""
    creator = await gifts.person(1, 1_000)
    room = gifts.new(creator, 100, 200)
    again = replace(gifts.new(creator, 150, 150), id=room.id)
    other = replace(gifts.new(creator, 100, 100), id=room.id)

    openings = await asyncio.gather(*(gifts.open(each) for each in (room, room, again)))
    assert sorted(openings) == [Opening.DUPLICATE, Opening.DUPLICATE, Opening.OPENED]
    assert await gifts.open(other) is Opening.CONFLICT
    assert await gifts.available(creator) == 700


async def test_what_cannot_be_opened_leaves_nothing_behind(gifts: Gifts) -> None:
    creator, poor = await gifts.person(1, 1_000), await gifts.person(2, 99)
    taken = await gifts.opened(creator, 100)
    within = GiftTerms(open_max=2, day_max_minor=300)

    assert await gifts.open(gifts.new(poor, 100)) is Opening.INSUFFICIENT
    assert await gifts.open(gifts.new(creator, 900, fee_minor=1)) is Opening.INSUFFICIENT
    assert await gifts.open(gifts.new(creator, 1, code=taken.code)) is Opening.CODE_TAKEN
    assert await gifts.open(gifts.new(creator, 201), within) is Opening.OVER_LIMIT
    await gifts.opened(creator, 100)
    assert await gifts.open(gifts.new(creator, 1), within) is Opening.OVER_LIMIT

    assert await gifts.available(creator) == 800
    assert await gifts.available(poor) == 99


async def test_what_came_back_is_not_given(gifts: Gifts) -> None:
    creator = await gifts.person(1, 1_000)
    await gifts.end(await gifts.opened(creator, 300))

    assert await gifts.open(gifts.new(creator, 300), GiftTerms(open_max=1, day_max_minor=300)) is (
        Opening.OPENED
    )


async def test_a_code_that_was_taken_works_with_another(gifts: Gifts) -> None:
    creator = await gifts.person(1, 1_000)
    first = await gifts.opened(creator, 100)
    second = gifts.new(creator, 100, code=first.code)

    assert await gifts.open(second) is Opening.CODE_TAKEN
    assert await gifts.open(replace(second, code="23456789")) is Opening.OPENED


# Racing.


async def test_shares_are_won_in_order_and_paid_at_once(gifts: Gifts) -> None:
    creator = await gifts.person(1, 1_000)
    room = await gifts.opened(creator, 100, 250)
    first, second, late = [await gifts.person(number) for number in (2, 3, 4)]

    assert await gifts.claim(room, first) == Claimed(Claiming.PAID, 100)
    assert (await gifts.stands(room)).state is RoomState.OPEN
    assert await gifts.claim(room, second) == Claimed(Claiming.PAID, 250)
    assert await gifts.claim(room, late) == Claimed(Claiming.OVER)

    assert [await gifts.available(each) for each in (first, second, late)] == [100, 250, 0]
    assert await gifts.escrow(room) == 0
    stands = await gifts.stands(room)
    assert (stands.state, stands.paid_minor, stands.seed) == (RoomState.COMPLETED, 350, SEED.hex())
    [(text, facts)] = await gifts.told(creator)
    assert text == "notice.gift_completed"
    assert facts == {
        "code": room.code,
        "won": 2,
        "shares": 2,
        "reserved": 0,
        "returned": 0,
        "total": 350,
        "currency": "NGN",
    }


async def test_whoever_won_hears_so_again_and_wins_nothing_more(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 1_000), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    answers = await asyncio.gather(*(gifts.claim(room, winner) for _ in range(5)))

    assert sorted(answer.again for answer in answers) == [False, True, True, True, True]
    assert {(answer.result, answer.amount_minor) for answer in answers} == {(Claiming.PAID, 100)}
    assert await gifts.available(winner) == 100


async def test_the_creator_wins_nothing(gifts: Gifts) -> None:
    creator = await gifts.person(1, 1_000)
    room = await gifts.opened(creator, 100)

    assert (await gifts.claim(room, creator)).result is Claiming.OWN
    await gifts.claim(room, await gifts.person(2))
    await gifts.claim(room, await gifts.person(3))  # now it is known to be shut
    assert (await gifts.claim(room, creator)).result is Claiming.OWN


async def test_a_crowd_races_through_two_processes(gifts: Gifts) -> None:
    """300 people, each asking up to three times, in two stores at once, for 50 shares."""
    creator = await gifts.person(1, 10_000)
    amounts = [number + 1 for number in range(50)]
    room = await gifts.opened(creator, *amounts)
    crowd = [await gifts.person(number) for number in range(2, 302)]
    stores = [Gifts(gifts.books, store) for store in (gifts.rooms, open_gifts(gifts.books).rooms)]

    async def asks(number: int) -> list[Claimed]:
        person, times = crowd[number], 1 + number % 3
        return await asyncio.gather(
            *(stores[(number + time) % 2].claim(room, person) for time in range(times))
        )

    answers = await asyncio.gather(*(asks(number) for number in range(300)))

    won = [each for each in answers if each[0].result is Claiming.PAID]
    assert len(won) == 50
    assert all(len({(one.result, one.amount_minor) for one in each}) == 1 for each in won)
    assert all(sum(not one.again for one in each) == 1 for each in won)
    assert sorted(each[0].amount_minor for each in won) == amounts
    lost = [one.result for each in answers if each not in won for one in each]
    assert set(lost) <= {Claiming.FULL, Claiming.OVER}
    assert sum([await gifts.available(person) for person in crowd]) == sum(amounts)
    assert await gifts.escrow(room) == 0


async def test_claims_of_many_rooms_go_together(gifts: Gifts) -> None:
    creator = await gifts.person(1, 10_000)
    rooms = [await gifts.opened(creator, 1, 2, 3) for _ in range(6)]
    crowd = [await gifts.person(number) for number in range(2, 32)]

    answers = await asyncio.gather(
        *(gifts.claim(rooms[number % 6], person) for number, person in enumerate(crowd))
    )

    for number, room in enumerate(rooms):
        mine = [answer for place, answer in enumerate(answers) if place % 6 == number]
        assert sorted(one.amount_minor for one in mine) == [0, 0, 1, 2, 3]
        assert await gifts.escrow(room) == 0


# Who may join.


async def test_only_listed_numbers_get_in(gifts: Gifts) -> None:
    creator, friend, other = [await gifts.person(number, 500) for number in (1, 2, 3)]
    listed = (friend.msisdn, friend.msisdn, Msisdn("2348039999999"))
    room = await gifts.opened(creator, 100, 100, door=Door.LISTED, listed=listed)

    assert (await gifts.claim(room, other)).result is Claiming.NOT_LISTED
    assert (await gifts.claim(room, friend)).result is Claiming.PAID


async def test_who_bought_or_won_before_is_not_new(gifts: Gifts) -> None:
    creator, buyer, winner, fresh = [await gifts.person(number, 500) for number in (1, 2, 3, 4)]
    await gifts.books.begun(buyer)
    before = await gifts.opened(creator, 50)
    await gifts.claim(before, winner)
    room = await gifts.opened(creator, 100, 100, door=Door.NEW)

    assert (await gifts.claim(room, buyer)).result is Claiming.NOT_NEW
    assert (await gifts.claim(room, winner)).result is Claiming.NOT_NEW
    assert (await gifts.claim(room, fresh)).result is Claiming.PAID
    assert (await gifts.claim(room, fresh)).again


async def test_nobody_is_new_in_two_rooms_at_once(gifts: Gifts) -> None:
    creator, fresh = await gifts.person(1, 1_000), await gifts.person(2)
    rooms = [await gifts.opened(creator, 100, door=Door.NEW) for _ in range(4)]
    stores = [gifts, open_gifts(gifts.books)]

    answers = await asyncio.gather(
        *(stores[number % 2].claim(room, fresh) for number, room in enumerate(rooms))
    )

    assert sorted(answer.result for answer in answers) == [Claiming.NOT_NEW] * 3 + [Claiming.PAID]


async def test_rooms_and_people_of_another_tenant_are_no_room(gifts: Gifts) -> None:
    creator, person = await gifts.person(1, 1_000), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    strange = open_gifts(await open_books(gifts.books.database, "stranger"))
    stranger = await strange.person(1, 1_000)
    tenant = strange.books.tenant.id
    event = Event("x", "gift.cancelled", "operator", {})
    now = gifts.books.clock.now()

    assert (await gifts.claim(room, stranger)).result is Claiming.NO_ROOM
    assert (await gifts.claim(room, person, tenant_id=tenant)).result is Claiming.NO_ROOM
    assert (await gifts.claim(room, stranger, tenant_id=tenant)).result is Claiming.NO_ROOM
    assert await strange.open(strange.new(creator, 100)) is Opening.INSUFFICIENT
    assert await gifts.rooms.get(tenant, room.id) is None
    assert await gifts.rooms.by_code(tenant, room.code) is None
    assert await gifts.rooms.end(tenant, room.id, RoomState.CANCELLED, event, now) is None
    assert await gifts.rooms.freeze(tenant, room.id, frozen=True, event=event) is None
    assert await gifts.rooms.registered(tenant, person.id, now) == 0
    assert (await gifts.stands(room)).state is RoomState.OPEN


# Quizzes.


def quiz() -> dict[str, object]:
    return {
        "kind": GiftKind.QUIZ,
        "question": "Capital of Kenya?",
        "answers": ("Mombasa", "Nairobi", "Kisumu"),
        "answer": 2,
    }


async def test_right_answers_win_and_a_wrong_one_is_the_last(gifts: Gifts) -> None:
    creator, right, wrong, late = [await gifts.person(number, 500) for number in (1, 2, 3, 4)]
    room = await gifts.opened(creator, 100, **quiz())

    assert (await gifts.claim(room, right)).result is Claiming.UNANSWERED
    assert (await gifts.claim(room, wrong, answer=1)).result is Claiming.LOST
    assert await gifts.claim(room, wrong, answer=2) == Claimed(Claiming.LOST, again=True)
    assert (await gifts.claim(room, right, answer=2)).result is Claiming.PAID
    assert (await gifts.claim(room, late, answer=2)).result is Claiming.OVER
    assert (await gifts.stands(room)).joined == 2


async def test_the_right_answer_is_nowhere_to_be_read(
    gifts: Gifts, owner: asyncpg.Connection
) -> None:
    creator = await gifts.person(1, 500)
    one = await gifts.opened(creator, 100, **quiz() | {"answer": 1})
    two = await gifts.opened(creator, 100, **quiz() | {"answer": 2})

    shown = [replace(await gifts.stands(room), id=one.id, code="", token="") for room in (one, two)]
    assert shown[0] == shown[1]
    page = await gifts.rooms.by_token(one.token)
    assert page == await gifts.stands(one)
    kept = await owner.fetch("select answer_sealed, events.facts::text from gift_rooms"
        " join events on events.subject = gift_rooms.id::text")  # fmt: skip
    assert {len(row["answer_sealed"]) for row in kept} == {len(KEYRING.encrypt("1"))}
    assert "answer" not in "".join(row["facts"] for row in kept)
    assert "answer=" not in repr(one)


# Winners without a PIN.


async def registers(gifts: Gifts, number: int) -> None:
    person = gifts.people[number]
    assert await gifts.books.customers.set_pin(person, "a hash", gifts.books.clock.now())


async def test_a_share_waits_for_whoever_must_register_first(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    until_then = gifts.books.clock.now() + dt.timedelta(hours=48)

    won = await gifts.claim(room, winner, registered=False)
    assert won == Claimed(Claiming.RESERVED, 100, reserved_until=until_then)
    assert await gifts.claim(room, winner, registered=False) == replace(won, again=True)
    assert (await gifts.claim(room, await gifts.person(3))).result is Claiming.FULL
    assert await gifts.escrow(room) == 100

    now = gifts.books.clock.now()
    assert await gifts.rooms.registered(room.tenant_id, winner.id, now) == 1
    assert await gifts.rooms.registered(room.tenant_id, winner.id, now) == 0
    assert await gifts.available(winner) == 100
    assert (await gifts.stands(room)).state is RoomState.COMPLETED
    assert (await gifts.claim(room, winner)).result is Claiming.PAID


async def test_one_who_comes_back_registered_is_paid(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    await gifts.claim(room, winner, registered=False)

    assert await gifts.claim(room, winner) == Claimed(Claiming.PAID, 100, again=True)
    assert await gifts.available(winner) == 100


async def test_a_share_that_lapses_may_be_won_again_at_once(gifts: Gifts) -> None:
    """Even by somebody who was refused a moment ago without the database being asked."""
    creator, slow, quick, late = [await gifts.person(number, 500) for number in (1, 2, 3, 4)]
    room = await gifts.opened(
        creator, 100, 70, expires_at=gifts.books.clock.now() + dt.timedelta(days=7)
    )
    await gifts.claim(room, slow, registered=False)
    await gifts.claim(room, quick)
    assert (await gifts.claim(room, late)).result is Claiming.FULL
    gifts.books.clock.advance(2 * DAY_S)

    assert await gifts.expire() == 1
    assert await gifts.claim(room, late) == Claimed(Claiming.PAID, 100)
    assert await gifts.claim(room, slow) == Claimed(Claiming.LAPSED, 100, again=True)
    assert (await gifts.stands(room)).state is RoomState.COMPLETED
    assert await gifts.told(slow) == [
        ("notice.gift_lapsed", {"code": room.code, "amount": 100, "currency": "NGN"})
    ]


async def test_after_the_end_a_lapsed_share_goes_back(gifts: Gifts) -> None:
    creator, slow = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, 70)
    await gifts.claim(room, slow, registered=False)
    gifts.books.clock.advance(DAY_S)
    assert await gifts.expire() == 1
    assert (await gifts.stands(room)).returned_minor == 70
    assert await gifts.escrow(room) == 100

    gifts.books.clock.advance(DAY_S)
    assert await gifts.expire() == 1
    assert await gifts.expire() == 0
    assert await gifts.available(creator) == 500
    assert await gifts.escrow(room) == 0
    ended, returned = await gifts.told(creator)
    assert ended[0] == "notice.gift_expired"
    assert ended[1] | {"won": 1, "shares": 2, "returned": 70, "reserved": 100} == ended[1]
    facts = {"code": room.code, "amount": 100, "currency": "NGN"}
    assert returned == ("notice.gift_returned", facts)


async def test_a_winner_with_a_pin_is_paid_rather_than_lapsed(gifts: Gifts) -> None:
    """The process that set the PIN died before it told the rooms of it."""
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    await gifts.claim(room, winner, registered=False)
    await registers(gifts, 2)
    gifts.books.clock.advance(3 * DAY_S)

    await gifts.expire()
    assert await gifts.available(winner) == 100
    assert (await gifts.stands(room)).state is RoomState.COMPLETED


# The end.


async def test_a_room_expires_once_and_the_rest_goes_back(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, 70, 30, fee_minor=5)
    await gifts.claim(room, winner)
    gifts.books.clock.advance(DAY_S)

    assert (await gifts.claim(room, await gifts.person(3))).result is Claiming.OVER
    assert sorted(await asyncio.gather(*(gifts.expire() for _ in range(4)))) == [0, 0, 0, 1]
    assert (await gifts.stands(room)).state is RoomState.EXPIRED
    assert await gifts.available(creator) == 395
    assert (await gifts.claim(room, winner)).result is Claiming.PAID


@pytest.mark.parametrize(("actor", "told"), [("operator", 1), ("customer", 0)])
async def test_a_cancelled_room_gives_back_once(gifts: Gifts, actor: str, told: int) -> None:
    creator = await gifts.person(1, 500)
    room = await gifts.opened(creator, 100, 70)
    await gifts.claim(room, await gifts.person(2))

    ends = await asyncio.gather(*(gifts.end(room, actor=actor) for _ in range(3)))

    assert {ended.state for ended in ends} == {RoomState.CANCELLED}
    assert await gifts.available(creator) == 400
    assert (await gifts.end(room, RoomState.EXPIRED)).state is RoomState.CANCELLED
    assert len(await gifts.told(creator)) == told


async def test_a_frozen_room_stands_still(gifts: Gifts) -> None:
    creator, slow, late = [await gifts.person(number, 500) for number in (1, 2, 3)]
    room = await gifts.opened(creator, 100, 70)
    await gifts.claim(room, slow, registered=False)
    gifts.books.clock.advance(DAY_S / 2)
    assert (await gifts.freeze(room)).state is RoomState.FROZEN

    gifts.books.clock.advance(3 * DAY_S)
    assert (await gifts.claim(room, late)).result is Claiming.FROZEN
    assert (await gifts.claim(room, slow)).result is Claiming.RESERVED
    assert await gifts.rooms.registered(room.tenant_id, slow.id, gifts.books.clock.now()) == 0
    assert await gifts.expire() == 0
    assert await gifts.escrow(room) == 170

    assert (await gifts.freeze(room, frozen=False)).state is RoomState.OPEN
    assert await gifts.expire() == 1  # the room; the reservation has its time still
    gifts.books.clock.advance(DAY_S)
    assert await gifts.rooms.registered(room.tenant_id, slow.id, gifts.books.clock.now()) == 1
    assert await gifts.escrow(room) == 0


async def test_who_registered_while_it_was_frozen_is_paid_when_it_opens(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    await gifts.claim(room, winner, registered=False)
    await gifts.freeze(room)
    await registers(gifts, 2)

    await gifts.freeze(room, frozen=False)

    assert await gifts.available(winner) == 100


async def test_an_operator_may_cancel_what_is_frozen(gifts: Gifts) -> None:
    creator = await gifts.person(1, 500)
    room = await gifts.opened(creator, 100)
    await gifts.freeze(room)

    assert (await gifts.end(room)).state is RoomState.CANCELLED
    assert (await gifts.freeze(room, frozen=False)).state is RoomState.CANCELLED
    assert await gifts.available(creator) == 500


# Draws.


async def drawn(gifts: Gifts, winners: tuple[int, ...]) -> bool:
    [due] = await gifts.rooms.due_draws(10, 60)
    return await gifts.rooms.draw(due, winners, gifts.books.clock.now())


async def test_lots_are_drawn_once_when_the_seats_are_taken(gifts: Gifts) -> None:
    creator, *crowd = [await gifts.person(number, 500) for number in range(1, 6)]
    room = await gifts.opened(creator, 100, 70, kind=GiftKind.DRAW, seats=3)
    await registers(gifts, 2)
    for ticket, person in enumerate(crowd[:3], 1):
        assert await gifts.claim(room, person) == Claimed(Claiming.JOINED, ticket=ticket)
        assert len(await gifts.rooms.due_draws(10, 0)) == (ticket == 3)
    assert (await gifts.claim(room, crowd[3])).result is Claiming.FULL

    [due] = await gifts.rooms.due_draws(10, 60)
    assert (due.tickets, KEYRING.decrypt(due.seed_sealed), due.room.seed) == (3, SEED.hex(), "")
    assert await gifts.rooms.due_draws(10, 60) == []
    now = gifts.books.clock.now()
    draws = await asyncio.gather(*(gifts.rooms.draw(due, (3, 1), now) for _ in range(3)))
    assert sorted(draws) == [False, False, True]

    stands = await gifts.stands(room)
    assert (stands.state, stands.seed) == (RoomState.COMPLETED, SEED.hex())
    facts = {"code": room.code, "currency": "NGN"}
    assert await gifts.told(crowd[0]) == [("notice.gift_drawn_won", facts | {"amount": 70})]
    assert await gifts.told(crowd[2]) == [("notice.gift_drawn_reserved", facts | {"amount": 100})]
    assert await gifts.told(crowd[1]) == [("notice.gift_drawn_lost", facts | {"amount": 0})]
    assert await gifts.available(crowd[0]) == 570
    assert await gifts.escrow(room) == 100
    assert await gifts.claim(room, crowd[1]) == Claimed(Claiming.LOST, ticket=2, again=True)


async def test_a_draw_with_few_tickets_gives_the_rest_back(gifts: Gifts) -> None:
    creator, only = await gifts.person(1, 500), await gifts.person(2)
    await registers(gifts, 2)
    draw_at = gifts.books.clock.now() + dt.timedelta(hours=2)
    room = await gifts.opened(creator, 100, 70, kind=GiftKind.DRAW, draw_at=draw_at)
    await gifts.claim(room, only)
    assert await gifts.rooms.due_draws(10, 60) == []
    gifts.books.clock.advance(7_200)

    assert (await gifts.claim(room, await gifts.person(3))).result is Claiming.OVER
    assert await drawn(gifts, (1,))
    assert (await gifts.stands(room)).state is RoomState.EXPIRED
    assert (await gifts.available(creator), await gifts.available(only)) == (400, 100)


async def test_a_draw_that_nobody_joined_ends_at_its_time(gifts: Gifts) -> None:
    creator = await gifts.person(1, 500)
    room = await gifts.opened(creator, 100, kind=GiftKind.DRAW)
    gifts.books.clock.advance(DAY_S)

    assert await gifts.expire() == 0
    assert await drawn(gifts, ())
    assert (await gifts.stands(room)).state is RoomState.EXPIRED
    assert await gifts.available(creator) == 500


async def test_lots_wait_while_the_room_is_frozen_or_somebody_joins(gifts: Gifts) -> None:
    creator, one = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, kind=GiftKind.DRAW, seats=1)
    await gifts.claim(room, one)
    [due] = await gifts.rooms.due_draws(10, 0)
    now = gifts.books.clock.now()

    assert not await gifts.rooms.draw(replace(due, tickets=2), (1,), now)
    await gifts.freeze(room)
    assert not await gifts.rooms.draw(due, (1,), now)
    assert await gifts.rooms.due_draws(10, 0) == []
    await gifts.freeze(room, frozen=False)
    with pytest.raises(asyncpg.RaiseError, match="lots"):
        await gifts.rooms.draw(due, (2,), now)
    assert await gifts.rooms.draw(due, (1,), now)


async def test_tickets_of_a_cancelled_draw_are_over(gifts: Gifts) -> None:
    creator, person = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, kind=GiftKind.DRAW)
    await gifts.claim(room, person)
    await gifts.end(room)

    assert (await gifts.claim(room, person)).result is Claiming.OVER


# Airtime.


async def test_airtime_needs_no_pin_and_is_ordered_once(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, pay_out=PayOut.AIRTIME)

    assert (await gifts.claim(room, winner, registered=False)).result is Claiming.PAID
    assert await gifts.available(winner) == 100
    [due] = await gifts.rooms.due_airtime(10, 60)
    assert (due.customer_id, due.amount_minor, due.currency) == (winner.id, 100, "NGN")
    assert (due.channel_id, due.identity) == (gifts.books.channel.id, winner.msisdn)
    assert await gifts.rooms.due_airtime(10, 60) == []
    gifts.books.clock.advance(61)
    assert await gifts.rooms.due_airtime(10, 60) == [due]

    await gifts.rooms.airtime_ordered(due, "AT123")
    await gifts.rooms.airtime_ordered(due, "another")
    gifts.books.clock.advance(61)
    assert await gifts.rooms.due_airtime(10, 60) == []
    [claim] = await gifts.rooms.claims(room.tenant_id, room.id, 10)
    assert claim.order_reference == "AT123"


# Answers that the database is not asked for.


class _Counting:
    """The database, and how often claims were sent to it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.claims = 0

    async def call(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        self.claims += "gift_claim(" in query
        return await self._database.call(query, *arguments)


async def test_a_shut_room_refuses_without_asking_for_a_second_at_most(
    gifts: Gifts, monkeypatch: pytest.MonkeyPatch
) -> None:
    creator, winner, slow = [await gifts.person(number, 500) for number in (1, 2, 3)]
    room = await gifts.opened(creator, 100, 70)
    await gifts.claim(room, winner)
    await gifts.claim(room, slow, registered=False)
    crowd = [await gifts.person(number) for number in range(4, 24)]
    now_s = 0.0
    monkeypatch.setattr("core.store.gift_shut.time.monotonic", lambda: now_s)
    counting = _Counting(gifts.books.database)
    here = open_gifts(replace(gifts.books, database=cast("Database", counting)))

    for person in crowd:
        assert (await here.claim(room, person)).result is Claiming.FULL
    assert counting.claims == 1
    assert (await here.claim(room, winner)).result is Claiming.PAID
    assert (await here.claim(room, slow, registered=False)).result is Claiming.RESERVED
    assert (await here.claim(room, creator)).result is Claiming.OWN
    assert counting.claims == 4

    await gifts.end(room)  # in another process
    now_s = SHUT_FOR_S - 0.01
    assert (await here.claim(room, crowd[0])).result is Claiming.FULL
    now_s = SHUT_FOR_S
    assert (await here.claim(room, crowd[0])).result is Claiming.OVER
    assert (await here.claim(room, crowd[1])).result is Claiming.OVER
    assert counting.claims == 5


# Reading.


async def test_rooms_and_their_people_as_they_are_listed(gifts: Gifts) -> None:
    creator, *crowd = [await gifts.person(number, 500) for number in range(1, 5)]
    ended = await gifts.opened(creator, 50)
    await gifts.claim(ended, crowd[0])
    gifts.books.clock.advance(60)
    room = await gifts.opened(creator, 100, 70)
    gifts.books.clock.advance(60)
    for person in crowd[:2]:
        await gifts.claim(room, person, new_here=person is crowd[0], registered=person is crowd[1])
    tenant = room.tenant_id

    assert [each.id for each in await gifts.rooms.mine(tenant, creator.id, 5)] == [
        room.id,
        ended.id,
    ]
    first, second = await gifts.rooms.claims(tenant, room.id, 5)
    assert (first.msisdn, first.state, first.ticket, first.new_here) == (
        crowd[0].msisdn, ClaimState.RESERVED, 1, True,
    )  # fmt: skip
    assert await gifts.rooms.claims(tenant, room.id, 5, after=1) == [second]
    assert await gifts.rooms.mine_in(tenant, room.id, crowd[1].id) == second
    assert await gifts.rooms.mine_in(tenant, room.id, crowd[2].id) is None

    async def listed(state: RoomState | None = None, search: str = "") -> tuple[list[object], int]:
        rooms, count = await gifts.rooms.listed(
            tenant, state=state, search=search, count=1, offset=0
        )
        return [each.id for each in rooms], count

    assert await listed() == ([room.id], 2)
    assert await listed(RoomState.COMPLETED) == ([ended.id], 1)
    assert await listed(search=ended.code) == ([ended.id], 1)
    assert await listed(search="0803000") == ([room.id], 2)
    assert await listed(search="5555555555") == ([], 0)
    figures = await gifts.rooms.figures(tenant, ended.created_at, gifts.books.clock.now())
    assert (figures.rooms, figures.creators, figures.given_minor) == (2, 1, 220)
    assert (figures.joined, figures.shares, figures.won, figures.brought) == (3, 3, 3, 1)
    assert (figures.paid_minor, figures.returned_minor, figures.currency) == (120, 0, "NGN")


async def test_terms_and_refusals_are_kept(gifts: Gifts) -> None:
    creator, person = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    tenant, now = room.tenant_id, gifts.books.clock.now()
    refusal = Refusal(room.id, person.id, "one_device", {"people": 4}, now)
    event = Event("gift_terms", "gift_terms.set", "admin", {"fee": 150})

    assert await gifts.rooms.terms(tenant) == GiftTerms()
    changed = replace(TERMS, fee_basis_points=150, on=False)
    for terms in (TERMS, changed):
        await gifts.rooms.set_terms(tenant, terms, event)
        assert await gifts.rooms.terms(tenant) == terms
    await gifts.rooms.refuse(tenant, refusal)
    assert await gifts.rooms.refusals(tenant, room.id, 5) == [refusal]


async def test_a_seed_that_no_key_opens_is_not_shown(gifts: Gifts) -> None:
    creator = await gifts.person(1, 500)
    room = await gifts.opened(creator, 100, seed_sealed="spoilt")
    await gifts.end(room)

    assert (await gifts.stands(room)).seed == ""
    assert isinstance(gifts.rooms, PgGiftRooms)
