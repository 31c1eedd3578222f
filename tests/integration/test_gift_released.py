"""Gifts and people whose number was released: nothing is won into a wallet that nobody opens."""

import datetime as dt

import pytest

from core.domain.customers import Customer
from core.domain.gifts import Claim, Claiming, ClaimState, GiftKind, NewRoom, PayOut, RoomState
from core.ports import Event
from core.store.identities import PgIdentities
from tests.fakes.gifts import Gifts

DAYS_2 = 48 * 3600.0


async def released(gifts: Gifts, person: Customer) -> None:
    event = Event("x", "customer.released", "operator", {"reason": "another person's now"})
    store, now = PgIdentities(gifts.books.database), gifts.books.clock.now()
    assert await store.release(person, event, now) is not None


async def claim_of(gifts: Gifts, room: NewRoom, person: Customer) -> Claim:
    found = await gifts.rooms.mine_in(room.tenant_id, room.id, person.id)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", list(GiftKind))
async def test_who_was_released_opens_nothing(gifts: Gifts, kind: GiftKind) -> None:
    creator, gone = await gifts.person(1, 500), await gifts.person(2)
    quiz = {"question": "Where?", "answers": ("Aba", "Jos"), "answer": 2}
    room = await gifts.opened(creator, 100, kind=kind, **(quiz if kind is GiftKind.QUIZ else {}))
    await released(gifts, gone)

    told = await gifts.claim(room, gone, answer=2 if kind is GiftKind.QUIZ else 0)

    assert told.result is Claiming.NO_ROOM
    assert (await gifts.stands(room)).joined == 0


@pytest.mark.parametrize("pay_out", list(PayOut))
async def test_lots_of_who_was_released_go_back_to_the_giver(gifts: Gifts, pay_out: PayOut) -> None:
    creator, gone, stays, loser = [await gifts.person(number, 500) for number in (1, 2, 3, 4)]
    for number in (2, 3, 4):
        await gifts.registers(number)
    room = await gifts.opened(creator, 100, 70, kind=GiftKind.DRAW, seats=3, pay_out=pay_out)
    for person in (gone, stays, loser):
        await gifts.claim(room, person)
    await released(gifts, gone)

    [due] = await gifts.rooms.due_draws(10, 60)
    assert await gifts.rooms.draw(due, (1, 2), gifts.books.clock.now())

    stands = await gifts.stands(room)
    assert (stands.state, stands.paid_minor, stands.returned_minor) == (RoomState.EXPIRED, 70, 100)
    assert (stands.taken, stands.reserved_minor) == (1, 0)
    assert await gifts.escrow(room) == 0
    assert [await gifts.available(each) for each in (creator, gone, stays)] == [430, 500, 570]
    lapsed = await claim_of(gifts, room, gone)
    assert (lapsed.state, lapsed.amount_minor) == (ClaimState.LAPSED, 100)
    assert (await claim_of(gifts, room, loser)).state is ClaimState.LOST
    assert await gifts.told(gone) == []
    assert len(await gifts.rooms.due_airtime(10, 60)) == (pay_out is PayOut.AIRTIME)
    won = await gifts.rooms.winners(room.tenant_id, room.id, 10)
    assert [each.ticket for each in won] == [2]


async def test_a_share_that_waits_is_not_fetched_and_goes_back_in_time(gifts: Gifts) -> None:
    creator, gone = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, expires_at=gifts.books.clock.now() + dt.timedelta(3))
    assert (await gifts.claim(room, gone, registered=False)).result is Claiming.RESERVED
    await gifts.registers(2)
    await released(gifts, gone)

    assert (await gifts.claim(room, gone)).result is Claiming.NO_ROOM
    assert await gifts.rooms.unfetched(10) == []
    assert await gifts.rooms.registered(room.tenant_id, gone.id, gifts.books.clock.now()) == 0
    await gifts.freeze(room)
    await gifts.freeze(room, frozen=False)
    gifts.books.clock.advance(DAYS_2 - 1)
    assert await gifts.rooms.due_reminders(10, 60) == []
    assert (await claim_of(gifts, room, gone)).state is ClaimState.RESERVED
    gifts.books.clock.advance(1)
    await gifts.expire()

    assert (await claim_of(gifts, room, gone)).state is ClaimState.LAPSED
    assert await gifts.available(gone) == 0
    heir = await gifts.books.customer(2)
    assert heir.id != gone.id
    assert (await gifts.claim(room, heir)).result is Claiming.PAID
