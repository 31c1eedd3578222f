"""Chance done again from the seed: what was fair is, and what was not is found out."""

from dataclasses import replace

import pytest

from core.domain import chance
from core.domain.gifts import Claim, GiftKind, PayOut, Room, RoomState, Split
from core.services.gift_checking import replay
from tests.unit.test_gift_pictures import AT, ROOM, sight

SEED = bytes(range(32))
OVER = replace(
    ROOM,
    state=RoomState.COMPLETED,
    shares=4,
    seed=SEED.hex(),
    commitment=chance.commitment(SEED),
)
DRAWN = replace(OVER, kind=GiftKind.DRAW, joined=9, drawn_at=AT)
SHARES = chance.split(OVER.total.minor, 4, SEED)
TICKETS = chance.draw(SEED, 9, 4)


def won(room: Room, *amounts: int, tickets: tuple[int, ...] = ()) -> list[Claim]:
    claims = sight(len(amounts)).winners
    tickets = tickets or (0,) * len(amounts)
    return [
        replace(claim, amount_minor=amount, ticket=ticket)
        for claim, amount, ticket in zip(claims, amounts, tickets, strict=True)
    ]


def test_what_was_paid_by_the_seed_is_fair() -> None:
    told = replay(OVER, won(OVER, *SHARES))

    assert (told.fair, told.amounts_minor, told.tickets) == (True, SHARES, ())


def test_shares_that_nobody_won_are_missing_without_harm() -> None:
    assert replay(OVER, won(OVER, SHARES[2])).fair
    assert replay(OVER, []).fair


@pytest.mark.parametrize(
    "amounts",
    [(SHARES[0] + 1,), (SHARES[0], SHARES[0])],
    ids=["another amount", "one share twice"],
)
def test_other_amounts_are_found_out(amounts: tuple[int, ...]) -> None:
    told = replay(OVER, won(OVER, *amounts))

    assert (told.seal, told.paid, told.fair) == (True, False, False)


def test_another_seed_than_the_sealed_one_is_found_out() -> None:
    other = replace(OVER, commitment=chance.commitment(bytes(32)))

    assert not replay(other, won(OVER, *SHARES)).seal


def test_a_draw_gives_each_share_to_its_very_ticket() -> None:
    told = replay(DRAWN, won(DRAWN, *SHARES, tickets=TICKETS))
    assert (told.fair, told.tickets) == (True, TICKETS)

    [loser, *_] = sorted({*range(1, 10)} - {*TICKETS})
    swapped = (*TICKETS[:3], loser)
    assert not replay(DRAWN, won(DRAWN, *SHARES, tickets=swapped)).fair


def test_airtime_is_split_as_it_was_when_the_room_opened() -> None:
    """Whatever is the least that is sold by now."""
    shares = chance.split(OVER.total.minor, 4, SEED, floor=100_00, unit=100)
    airtime = replace(OVER, pay_out=PayOut.AIRTIME, floor_minor=100_00, unit_minor=100)

    told = replay(airtime, won(airtime, *shares))

    assert (told.fair, told.amounts_minor) == (True, shares)
    assert not replay(replace(airtime, floor_minor=50_00), won(airtime, *shares)).fair


def test_equal_parts_need_no_chance() -> None:
    equal = replace(OVER, split=Split.EQUAL)
    assert replay(equal, []).amounts_minor == (1250_00,) * 4
