"""How gift rooms end: shares that wait for a PIN, expiry, cancelling, freezing."""

import asyncio
import datetime as dt
from dataclasses import replace

import pytest

from core.domain.gifts import (
    Claimed,
    Claiming,
    RoomState,
)
from tests.fakes.gifts import Gifts

DAY_S = 86_400.0


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
    assert ended[0] == "notice.gift_expired.waits"
    assert ended[1] | {"won": 1, "shares": 2, "returned": 70, "reserved": 100} == ended[1]
    facts = {"code": room.code, "amount": 100, "currency": "NGN"}
    assert returned == ("notice.gift_returned", facts)


async def test_a_winner_with_a_pin_is_paid_rather_than_lapsed(gifts: Gifts) -> None:
    """The process that set the PIN died before it told the rooms of it."""
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    await gifts.claim(room, winner, registered=False)
    await gifts.registers(2)
    gifts.books.clock.advance(3 * DAY_S)

    await gifts.expire()
    assert await gifts.available(winner) == 100
    assert (await gifts.stands(room)).state is RoomState.COMPLETED


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
    await gifts.registers(2)

    await gifts.freeze(room, frozen=False)

    assert await gifts.available(winner) == 100


async def test_an_operator_may_cancel_what_is_frozen(gifts: Gifts) -> None:
    creator = await gifts.person(1, 500)
    room = await gifts.opened(creator, 100)
    await gifts.freeze(room)

    assert (await gifts.end(room)).state is RoomState.CANCELLED
    assert (await gifts.freeze(room, frozen=False)).state is RoomState.CANCELLED
    assert await gifts.available(creator) == 500
