"""Lots of gift rooms, airtime that was won, and what operators and creators read."""

import asyncio
import datetime as dt
from dataclasses import replace

import asyncpg
import pytest

from core.domain.gifts import (
    Claimed,
    Claiming,
    ClaimState,
    GiftKind,
    GiftTerms,
    PayOut,
    Refusal,
    RoomState,
)
from core.ports import Event
from core.store.gifts import PgGiftRooms
from tests.fakes.gifts import KEYRING, SEED, TERMS, Gifts

DAY_S = 86_400.0


async def drawn(gifts: Gifts, winners: tuple[int, ...]) -> bool:
    [due] = await gifts.rooms.due_draws(10, 60)
    return await gifts.rooms.draw(due, winners, gifts.books.clock.now())


async def test_lots_are_drawn_once_when_the_seats_are_taken(gifts: Gifts) -> None:
    creator, *crowd = [await gifts.person(number, 500) for number in range(1, 6)]
    room = await gifts.opened(creator, 100, 70, kind=GiftKind.DRAW, seats=3)
    await gifts.registers(2)
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
    await gifts.registers(2)
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
