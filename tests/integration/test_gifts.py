"""Gift rooms: funded in one step, raced for, and who wins what."""

import asyncio
from dataclasses import replace

from core.domain.gifts import (
    Claimed,
    Claiming,
    GiftTerms,
    Opening,
    RoomState,
)
from core.domain.ledger import AccountType
from tests.fakes.gifts import SEED, Gifts, open_gifts


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
