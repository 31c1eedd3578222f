"""Farms of accounts are kept out; friends, and those who ask again, are not."""

import datetime as dt
from dataclasses import dataclass, replace

import pytest

from core.domain.customers import Customer
from core.domain.gifts import Door, GiftKind, PayOut, Room, RoomState, Split
from core.kit.clock import SetClock
from core.kit.ids import derived
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.services.gift_guard import GiftGuard, GuardRules, KeptOut, Seen
from tests.fakes.gift_counts import Counts
from tests.fakes.stores import AT, TENANT, customer

RULES = GuardRules(
    rooms_an_hour=3,
    of_one_giver_a_day=2,
    people_of_device_a_room=2,
    people_of_device_a_day=3,
    people_of_address_a_room=4,
    people_of_address_a_day=5,
    newcomers_a_minute=2,
)


def room(number: int = 1, giver: int = 1) -> Room:
    return Room(
        id=derived("room", str(number)),
        tenant_id=TENANT.id,
        creator_id=derived("giver", str(giver)),
        creator_msisdn=Msisdn("2348030000001"),
        code="23456789",
        token="t",
        kind=GiftKind.RACE,
        split=Split.EQUAL,
        pay_out=PayOut.WALLET,
        door=Door.ANYONE,
        state=RoomState.OPEN,
        total=Money(1000_00, "NGN"),
        shares=10,
        taken=0,
        joined=0,
        paid_minor=0,
        returned_minor=0,
        reserved_minor=0,
        fee_minor=0,
        message="",
        from_name="",
        question="",
        answers=(),
        commitment="",
        seed="",
        created_at=AT,
        expires_at=AT + dt.timedelta(days=1),
        ended_at=None,
        draw_at=None,
        seats=0,
        drawn_at=None,
        floor_minor=1,
        unit_minor=1,
    )


def somebody(number: int) -> Customer:
    return customer(f"23480312345{number:02d}")


@dataclass
class Gate:
    guard: GiftGuard
    counts: Counts
    clock: SetClock

    async def why(self, at: Room, seen: Seen) -> str | None:
        out: KeptOut | None = await self.guard.keeps_out(at, seen)
        return out.why if out else None


@pytest.fixture
def gate() -> Gate:
    clock = SetClock(AT)
    counts = Counts(clock)
    return Gate(GiftGuard(counts, RULES), counts, clock)


async def test_one_person_tries_so_many_rooms_an_hour(gate: Gate) -> None:
    ada = Seen(somebody(1))
    for number in range(3):
        assert await gate.why(room(number), ada) is None
    assert await gate.why(room(3), ada) == "hurry"
    assert await gate.why(room(3), Seen(somebody(2))) is None

    gate.clock.advance(3601)
    assert await gate.why(room(3), ada) is None


async def test_who_asks_again_and_again_counts_once(gate: Gate) -> None:
    for _ in range(20):
        assert await gate.why(room(), Seen(somebody(1), device="phone")) is None


async def test_winning_of_one_giver_ends_for_the_day(gate: Gate) -> None:
    ada = somebody(1)
    for number in range(2):
        assert await gate.why(room(number), Seen(ada)) is None
        await gate.guard.took_part(room(number), ada)

    assert await gate.why(room(5), Seen(ada)) == "same_giver"
    assert await gate.why(room(5, giver=2), Seen(ada)) is None
    assert await gate.why(room(5), Seen(somebody(2))) is None


async def test_one_device_in_one_room_and_in_a_day(gate: Gate) -> None:
    people = [Seen(somebody(number), device="phone") for number in range(4)]
    assert await gate.why(room(1), people[0]) is None
    assert await gate.why(room(1), people[1]) is None
    assert await gate.why(room(1), people[2]) == "device_room"
    assert await gate.why(room(2), people[2]) is None
    assert await gate.why(room(2), people[3]) == "device_day"
    assert await gate.why(room(1), replace(people[3], device="other")) is None


async def test_where_no_device_is_known_its_address_is_counted(gate: Gate) -> None:
    people = [Seen(somebody(number), address="10.0.0.1") for number in range(6)]
    for each in people[:4]:
        assert await gate.why(room(1), each) is None
    assert await gate.why(room(1), people[0]) is None
    assert await gate.why(room(1), people[4]) == "address_room"
    assert await gate.why(room(2), people[4]) is None
    assert await gate.why(room(2), people[5]) == "address_day"
    assert await gate.why(room(1), replace(people[5], device="phone")) is None
    assert await gate.why(room(1), replace(people[5], address="10.0.0.2")) is None


async def test_new_accounts_in_a_rush_from_one_device_or_address(gate: Gate) -> None:
    new = [Seen(somebody(number), address="10.0.0.1", newcomer=True) for number in range(3)]
    assert await gate.why(room(), new[0]) is None
    assert await gate.why(room(), new[1]) is None
    assert await gate.why(room(), new[2]) == "newcomers"
    assert await gate.why(room(), replace(new[2], newcomer=False)) is None

    gate.clock.advance(120)
    assert await gate.why(room(), new[2]) is None


async def test_people_who_dial_are_told_apart_by_their_number_alone(gate: Gate) -> None:
    for number in range(50):
        assert await gate.why(room(), Seen(somebody(number), newcomer=True)) is None


async def test_where_nobody_can_count_everybody_is_let_in(gate: Gate) -> None:
    gate.counts.away = True
    for number in range(9):
        assert await gate.why(room(number), Seen(somebody(1), device="phone")) is None
    await gate.guard.took_part(room(), somebody(1))


async def test_an_operator_reads_why_and_how_many(gate: Gate) -> None:
    for number in range(3):
        await gate.why(room(number), Seen(somebody(1)))
    out = await gate.guard.keeps_out(room(9), Seen(somebody(1)))
    assert out == KeptOut("hurry", {"count": 4, "most": 3})
