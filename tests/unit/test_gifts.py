"""Gifts as people use them: given once, found by code, opened through a guard, paid with a PIN."""

import datetime as dt
import re
from dataclasses import dataclass, replace
from typing import Any

import pytest

from core.domain.customers import Customer, Tenant
from core.domain.gifts import (
    CODE_LETTERS,
    Claiming,
    Door,
    GiftKind,
    GiftTerms,
    Opening,
    PayOut,
    RoomState,
    Split,
)
from core.kit.clock import SetClock
from core.kit.crypto import Keyring
from core.kit.errors import Fault, Problem
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.services.gift_giving import Giver, OverGiftLimit
from core.services.gift_guard import GiftGuard, GuardRules
from core.services.gift_wishes import BadGift, GiftsOff, GiftWish, fee_of
from core.services.gifts import Gifts, Guest, KeptOut, WrongCodes
from core.services.pins import PinRules, Pins
from core.services.purchases import InsufficientFunds, Terms
from tests.fakes.gift_counts import Counts
from tests.fakes.gift_rooms import Rooms
from tests.fakes.router_office import ToldAlerts
from tests.fakes.stores import AT, TENANT, Letterbox, People, customer

KEYRING = Keyring("a phrase for tests")
AIRTIME = Terms(50_00, 1_000_00, 0, None, 60.0)
GIVER_NUMBER = "2348030000001"


def naira(amount: int) -> Money:
    return Money(amount * 100, "NGN")


WISH = GiftWish(naira(1000), 4)


@dataclass
class World:
    gifts: Gifts
    rooms: Rooms
    counts: Counts
    clock: SetClock
    giver: Giver

    async def open(self, wish: GiftWish = WISH, key: str = "screen 1"):  # type: ignore[no-untyped-def]
        return await self.gifts.open(wish, self.giver, key)


@pytest.fixture
def world() -> World:
    rooms: Any = Rooms()
    clock = SetClock(AT)
    counts = Counts(clock)
    guard = GiftGuard(counts, GuardRules(people_of_device_a_room=2))
    gifts = Gifts(rooms, guard, counts, AIRTIME, KEYRING, clock, ToldAlerts())
    giver = Giver(TENANT, customer(GIVER_NUMBER), TENANT.id, GIVER_NUMBER, "Ada")
    return World(gifts, rooms, counts, clock, giver)


def winner(number: int, *, pin: bool = True) -> Customer:
    made = customer(f"23480312345{number:02d}")
    return replace(made, pin_set=pin, created_at=AT - dt.timedelta(days=9))


async def test_a_room_holds_what_was_confirmed(world: World) -> None:
    wish = replace(WISH, message="For you", lasts=dt.timedelta(hours=2))
    room = await world.open(wish)
    new = world.rooms.new[room.id]

    assert (room.total, room.shares, room.message, room.from_name) == (
        naira(1000), 4, "For you", "Ada",
    )  # fmt: skip
    assert room.expires_at == AT + dt.timedelta(hours=2)
    assert sum(new.amounts_minor) == 1000_00
    assert re.fullmatch(rf"[{CODE_LETTERS}]{{8}}", new.code)
    assert re.fullmatch(r"[\w-]{22}", new.token)
    assert KEYRING.decrypt(new.seed_sealed) not in repr(new)


async def test_the_same_confirmation_gives_once(world: World) -> None:
    first, again = await world.open(), await world.open()
    assert first == again
    assert len(world.rooms.new) == 1
    other = await world.open(key="screen 2")
    assert other.id != first.id


class Overtaken(Gifts):
    """Looked before the other run of the same confirmation was done."""

    async def made(self, tenant: Tenant, customer: Customer, key: str) -> None:
        return None


def overtaken(world: World) -> Gifts:
    guard = GiftGuard(world.counts, GuardRules())
    rooms: Any = world.rooms
    return Overtaken(rooms, guard, world.counts, AIRTIME, KEYRING, world.clock, ToldAlerts())


async def test_two_runs_at_once_of_one_confirmation_are_one_room(world: World) -> None:
    """The one that comes second differs in its code and its seed alone."""
    first = await world.open()

    world.gifts = overtaken(world)
    assert (await world.open()).code == first.code
    with pytest.raises(Fault):
        await world.open(replace(WISH, shares=5))


async def test_a_code_that_is_taken_is_drawn_again(world: World) -> None:
    world.rooms.opening = [Opening.CODE_TAKEN] * 3
    assert (await world.open()).state is RoomState.OPEN
    world.rooms.opening = [Opening.CODE_TAKEN] * 8
    with pytest.raises(Fault):
        await world.open(key="screen 2")


@pytest.mark.parametrize(
    ("opening", "problem"),
    [(Opening.INSUFFICIENT, InsufficientFunds), (Opening.OVER_LIMIT, OverGiftLimit)],
)
async def test_what_the_store_refuses_is_told(
    world: World, opening: Opening, problem: type[Problem]
) -> None:
    world.rooms.opening = [opening]
    with pytest.raises(problem):
        await world.open()


QUIZ = replace(WISH, kind=GiftKind.QUIZ, question="2+2?", answers=("3", "4"), answer=2)
DRAW = replace(WISH, kind=GiftKind.DRAW)


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (replace(WISH, total=naira(99)), "amount.too_small"),
        (replace(WISH, total=naira(100_001)), "amount.too_large"),
        (replace(WISH, shares=0), "count.out_of_range"),
        (replace(WISH, shares=1001), "count.out_of_range"),
        (replace(WISH, lasts=dt.timedelta(minutes=59)), "gift.time_unreadable"),
        (replace(WISH, lasts=dt.timedelta(days=8)), "gift.time_unreadable"),
        (replace(WISH, door=Door.LISTED), "gift.numbers_unreadable"),
        (replace(QUIZ, question=""), "gift.quiz_unfinished"),
        (replace(QUIZ, answers=("4",)), "gift.quiz_unfinished"),
        (replace(QUIZ, answer=3), "gift.quiz_unfinished"),
        (replace(QUIZ, answer=0), "gift.quiz_unfinished"),
        (replace(DRAW, draw_after=dt.timedelta(days=2)), "gift.draw_late"),
        (replace(DRAW, seats=3), "gift.few_seats"),
        (replace(WISH, pay_out=PayOut.AIRTIME, shares=21), "gift.airtime_least"),
        (
            replace(WISH, pay_out=PayOut.AIRTIME, total=Money(1000_50, "NGN")),
            "amount.not_whole",
        ),
        (replace(WISH, pay_out=PayOut.AIRTIME, total=naira(1200)), "gift.airtime_most"),
    ],
)
async def test_what_cannot_be_given_like_that(world: World, wish: GiftWish, code: str) -> None:
    with pytest.raises(BadGift) as problem:
        await world.open(wish)
    assert problem.value.code == code
    assert world.rooms.new == {}


@pytest.mark.parametrize(
    "wish",
    [
        QUIZ,
        DRAW,
        replace(DRAW, seats=4),
        replace(DRAW, draw_after=dt.timedelta(days=1)),
        replace(WISH, door=Door.LISTED, listed=(Msisdn("2348031234567"),)),
        replace(WISH, pay_out=PayOut.AIRTIME, shares=20),
        replace(WISH, pay_out=PayOut.AIRTIME, total=naira(1200), split=Split.EQUAL),
        replace(WISH, shares=1),
    ],
)
async def test_what_can(world: World, wish: GiftWish) -> None:
    assert (await world.open(wish)).kind is wish.kind


async def test_nobody_gives_where_gifts_are_off(world: World) -> None:
    world.rooms.rules = GiftTerms(on=False)
    with pytest.raises(GiftsOff):
        await world.open()


def test_the_fee_comes_on_top_and_is_never_rounded_up() -> None:
    assert fee_of(GiftTerms(fee_basis_points=150), 999) == 14
    assert fee_of(GiftTerms(), 10_000_00) == 0


@pytest.mark.parametrize("split", list(Split))
@pytest.mark.parametrize(("total", "shares"), [(1000, 20), (1000, 7), (1000, 3), (151, 3)])
async def test_each_share_of_airtime_can_be_bought(
    world: World, split: Split, total: int, shares: int
) -> None:
    room = await world.open(GiftWish(naira(total), shares, split=split, pay_out=PayOut.AIRTIME))
    amounts = world.rooms.new[room.id].amounts_minor
    assert sum(amounts) == total * 100
    assert all(amount >= 50_00 and amount % 100 == 0 for amount in amounts)
    if split is Split.EQUAL:
        assert max(amounts) - min(amounts) <= 100


# Opening one.


async def test_winners_are_paid_with_a_pin_and_reserved_without(world: World) -> None:
    room = await world.open()
    with_pin, without = winner(1), winner(2, pin=False)

    assert (await world.gifts.claim(room, Guest(with_pin))).result is Claiming.PAID
    reserved = await world.gifts.claim(room, Guest(without))
    assert reserved.result is Claiming.RESERVED
    standing = await world.gifts.standing(room, without)
    assert standing is not None
    assert (standing.result, standing.again) == (Claiming.RESERVED, True)

    assert await world.gifts.registered(without) == 1
    assert await world.gifts.registered(without) == 0
    standing = await world.gifts.standing(room, without)
    assert standing is not None
    assert standing.result is Claiming.PAID


async def test_whoever_is_kept_out_is_written_down(world: World) -> None:
    room = await world.open()
    for number in range(2):
        await world.gifts.claim(room, Guest(winner(number), device="phone"))

    with pytest.raises(KeptOut):
        await world.gifts.claim(room, Guest(winner(3), device="phone"))

    [refusal] = world.rooms.refused
    assert (refusal.room_id, refusal.customer_id) == (room.id, winner(3).id)
    assert (refusal.why, refusal.facts) == ("device_room", {"count": 3, "most": 2})
    assert await world.gifts.standing(room, winner(3)) is None


async def test_nobody_who_has_won_is_kept_out_later(world: World) -> None:
    room = await world.open()
    ada = winner(1)
    won = await world.gifts.claim(room, Guest(ada, device="her phone"))
    for number in range(2, 4):
        await world.gifts.claim(room, Guest(winner(number), device="a farm's phone"))
    with pytest.raises(KeptOut):
        await world.gifts.claim(room, Guest(winner(4), device="a farm's phone"))

    again = await world.gifts.claim(room, Guest(ada, device="a farm's phone"))
    assert (again.result, again.amount_minor) == (Claiming.PAID, won.amount_minor)
    assert again.again
    assert [each.customer_id for each in world.rooms.refused] == [winner(4).id]


@pytest.mark.parametrize(
    ("age", "pin", "new"),
    [
        (dt.timedelta(minutes=-5), False, True),
        (dt.timedelta(minutes=-5), True, False),
        (dt.timedelta(minutes=5), False, False),
    ],
)
async def test_who_came_by_this_gift_is_known(
    world: World, age: dt.timedelta, pin: bool, new: bool
) -> None:
    """They turned up after it was opened, just now, and have no PIN yet."""
    room = await world.open()
    world.clock.advance(600)
    person = replace(winner(1, pin=pin), created_at=AT - age)
    await world.gifts.claim(room, Guest(person))
    assert [each.new_here for each in world.rooms.kept[room.id]] == [new]


# Guessing.


async def test_five_wrong_codes_and_then_a_wait(world: World) -> None:
    room = await world.open()
    thief = winner(1)
    for wrong in ("22222222", "33333333", "44444444", "55555555", "66666666"):
        assert await world.gifts.find(TENANT.id, wrong, thief) is None
    asked = world.rooms.asked
    with pytest.raises(WrongCodes):
        await world.gifts.find(TENANT.id, room.code, thief)
    assert world.rooms.asked == asked  # nobody looked: right and wrong are answered alike

    assert await world.gifts.find(TENANT.id, room.code, winner(2)) == room
    world.clock.advance(601)
    assert await world.gifts.find(TENANT.id, room.code, thief) == room


async def test_the_same_slip_again_is_one(world: World) -> None:
    room = await world.open()
    for _ in range(9):
        assert await world.gifts.find(TENANT.id, "22222222", winner(1)) is None
    assert await world.gifts.find(TENANT.id, room.code, winner(1)) == room


async def test_right_codes_count_for_nothing_and_a_lost_counter_keeps_nobody_out(
    world: World,
) -> None:
    room = await world.open()
    for _ in range(9):
        assert await world.gifts.find(TENANT.id, room.code, winner(1)) == room
    world.counts.away = True
    for _ in range(9):
        assert await world.gifts.find(TENANT.id, "22222222", winner(1)) is None
    assert await world.gifts.find(TENANT.id, room.code, winner(1)) == room


# One's own.


async def test_only_the_creator_ends_a_room(world: World) -> None:
    room = await world.open()
    assert await world.gifts.cancel(winner(1), room.code, "k") is None
    assert world.rooms.states[room.id] is RoomState.OPEN

    ended = await world.gifts.cancel(world.giver.customer, room.code, "k")
    assert ended is not None
    assert (ended.state, ended.returned_minor) == (RoomState.CANCELLED, 1000_00)


# The PIN.


async def test_the_first_pin_pays_and_a_later_one_does_not(world: World) -> None:
    room = await world.open()
    people, heard = People(), []

    async def heed(customer: Customer) -> int:
        heard.append(customer.id)
        return await world.gifts.registered(customer)

    pins = Pins(people, Letterbox(), KEYRING, world.clock, PinRules(), on_first=heed)
    person = winner(1, pin=False)
    await world.gifts.claim(room, Guest(person))

    assert await pins.set(person, "7391", first=True)
    assert await pins.set(person, "9573", first=True) is False
    assert await pins.set(person, "9573")
    assert heard == [person.id]
    standing = await world.gifts.standing(room, person)
    assert standing is not None
    assert standing.result is Claiming.PAID


async def test_a_pin_is_set_whatever_becomes_of_what_waited_for_it(world: World) -> None:
    async def breaks(_: Customer) -> None:
        raise RuntimeError("broken on purpose")

    people = People()
    pins = Pins(people, Letterbox(), KEYRING, world.clock, PinRules(), on_first=breaks)
    assert await pins.set(winner(1), "7391", first=True)
    assert await pins.is_set(winner(1))
