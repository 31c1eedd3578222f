"""Who may take part in a gift room: doors, quizzes, tenants; and who is told so without asking."""

import asyncio
from dataclasses import replace
from typing import cast

import asyncpg
import pytest

from core.domain.gifts import (
    Claimed,
    Claiming,
    Door,
    GiftKind,
    Opening,
    RoomState,
)
from core.kit.msisdn import Msisdn
from core.ports import Event
from core.store.database import Database
from core.store.gift_shut import SHUT_FOR_S
from tests.fakes.books import open_books
from tests.fakes.gifts import KEYRING, Gifts, open_gifts


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


async def test_a_ticket_for_new_people_is_held_in_one_room(gifts: Gifts) -> None:
    creator, fresh = await gifts.person(1, 1_000), await gifts.person(2)
    draws = [
        await gifts.opened(creator, 100, door=Door.NEW, kind=GiftKind.DRAW, seats=seats)
        for seats in (2, 0, 0)
    ]
    race = await gifts.opened(creator, 100, door=Door.NEW)
    await gifts.claim(await gifts.opened(creator, 100, kind=GiftKind.DRAW), fresh)
    stores = [gifts, open_gifts(gifts.books)]

    answers = await asyncio.gather(
        *(stores[number % 2].claim(room, fresh) for number, room in enumerate(draws))
    )

    assert sorted(each.result for each in answers) == [Claiming.JOINED] + [Claiming.NOT_NEW] * 2
    assert (await gifts.claim(race, fresh)).result is Claiming.NOT_NEW
    [held] = [room for room, each in zip(draws, answers, strict=True) if each.ticket]
    await gifts.freeze(held)
    assert (await gifts.claim(race, fresh)).result is Claiming.NOT_NEW
    assert (await gifts.claim(held, fresh)).again


async def test_who_lost_a_draw_or_whose_draw_was_called_off_is_new_still(gifts: Gifts) -> None:
    creator, other, fresh = [await gifts.person(number, 1_000) for number in (1, 2, 3)]
    called_off = await gifts.opened(creator, 100, door=Door.NEW, kind=GiftKind.DRAW)
    await gifts.claim(called_off, fresh)
    await gifts.end(called_off)
    lost = await gifts.opened(creator, 100, door=Door.NEW, kind=GiftKind.DRAW, seats=2)
    for person in (other, fresh):
        assert (await gifts.claim(lost, person)).result is Claiming.JOINED
    [due] = await gifts.rooms.due_draws(10, 60)
    assert await gifts.rooms.draw(due, (1,), gifts.books.clock.now())
    room = await gifts.opened(creator, 100, 100, door=Door.NEW)

    assert (await gifts.claim(room, fresh)).result is Claiming.PAID
    assert (await gifts.claim(room, other)).result is Claiming.NOT_NEW


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
