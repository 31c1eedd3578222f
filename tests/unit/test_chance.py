"""Chance is fair, within stated bounds, and anybody can do it again from the seed.

The seeds are fixed, so a bound that holds today holds for ever. A bound is passed by chance once in
a thousand correct procedures: it is the quantile 0.999 of what a fair one gives.
"""

import hashlib
import hmac
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from math import comb
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.chance import SEED_BYTES, _Numbers, commitment, draw, new_seed, split

SEED = bytes(range(32))
# Quantile 0.999 of chi square, by degrees of freedom.
BOUNDS = {3: 16.27, 4: 18.47, 9: 27.88, 19: 43.82, 20: 45.31, 59: 98.32, 99: 148.23}


def seeds(count: int) -> Iterable[bytes]:
    return (hashlib.sha256(b"seed %d" % number).digest() for number in range(count))


def chi_square(seen: Mapping[Any, int], expected: Mapping[Any, float]) -> float:
    assert seen.keys() <= expected.keys()
    return sum((seen.get(one, 0) - hoped) ** 2 / hoped for one, hoped in expected.items())


def even(what: Iterable[Any], count: int) -> dict[Any, float]:
    outcomes = list(what)
    return dict.fromkeys(outcomes, count / len(outcomes))


def test_every_way_to_split_is_equally_likely() -> None:
    """8 in three parts of at least 1: 21 ways, which settles marginals and exchangeability both."""
    ways = [way for way in itertools.product(range(1, 7), repeat=3) if sum(way) == 8]
    seen = Counter(split(8, 3, seed) for seed in seeds(21_000))

    assert len(ways) == 21
    assert chi_square(seen, even(ways, 21_000)) < BOUNDS[20]


def test_one_share_has_the_distribution_that_is_promised() -> None:
    """Each of five places by itself, 100 units among them, in ten bins of about one weight."""
    units, shares, count = 100, 5, 4_000
    chances = [
        comb(units - k + shares - 2, shares - 2) / comb(units + shares - 1, shares - 1)
        for k in range(units + 1)
    ]
    assert sum(chances) == pytest.approx(1)
    bins = [min(9, int(10 * sum(chances[:k]))) for k in range(units + 1)]
    expected: dict[int, float] = {}
    for k, chance in enumerate(chances):
        expected[bins[k]] = expected.get(bins[k], 0) + chance * count
    splits = [split(units * 50 + shares * 100, shares, seed, 100, 50) for seed in seeds(count)]

    for place in range(shares):
        seen = Counter(bins[(parts[place] - 100) // 50] for parts in splits)
        assert chi_square(seen, expected) < BOUNDS[9], place


def test_no_place_is_better_than_another() -> None:
    """The luckiest share, and the poorest, stand at each place equally often."""
    best, worst = Counter[int](), Counter[int]()
    count = 0
    for seed in seeds(5_000):
        parts = split(1_000_000, 5, seed)
        if len(set(parts)) == 5:
            count += 1
            best[parts.index(max(parts))] += 1
            worst[parts.index(min(parts))] += 1

    assert count > 4_900
    assert chi_square(best, even(range(5), count)) < BOUNDS[4]
    assert chi_square(worst, even(range(5), count)) < BOUNDS[4]


def test_a_rest_that_is_no_unit_goes_to_any_share() -> None:
    places = Counter[int]()
    for seed in seeds(4_000):
        parts = split(4 * 100 + 7 * 100 + 3, 4, seed, 100, 100)
        [place] = [place for place, part in enumerate(parts) if part % 100]
        places[place] += 1

    assert chi_square(places, even(range(4), 4_000)) < BOUNDS[3]


def test_every_outcome_of_a_draw_is_equally_likely() -> None:
    """Two winners of five tickets, in order: 20 outcomes; three of five: 60."""
    for winners, outcomes in ((2, 20), (3, 60)):
        seen = Counter(draw(seed, 5, winners) for seed in seeds(12_000))
        expected = even(itertools.permutations(range(1, 6), winners), 12_000)
        assert len(expected) == outcomes
        assert chi_square(seen, expected) < BOUNDS[outcomes - 1]


def test_every_ticket_of_many_wins_equally_often() -> None:
    """10 of 100, so a ticket's wins vary by p(1 - p) and lack one degree of freedom."""
    count, chance = 5_000, 0.1
    wins = Counter(ticket for seed in seeds(count) for ticket in draw(seed, 100, 10))

    spread = sum((wins[ticket] - count * chance) ** 2 for ticket in range(1, 101))
    assert spread / (count * chance * (1 - chance)) * 99 / 100 < BOUNDS[99]


def test_numbers_are_not_folded_over() -> None:
    """Modulo 3 * 2**62 alone, the lower third would come up half of the time."""
    numbers = _Numbers(SEED, b"draw")
    low = sum(numbers.below(3 * 2**62) < 2**62 for _ in range(9_000))

    assert abs(low - 3_000) < 3.3 * (9_000 * 1 / 3 * 2 / 3) ** 0.5


@given(st.integers(1, 60), st.integers(0, 5), st.integers(1, 7), st.integers(0, 500), st.binary())
def test_nothing_is_lost_and_nobody_gets_less_than_the_floor(
    shares: int, floor: int, unit: int, spare: int, seed: bytes
) -> None:
    parts = split(shares * floor + spare, shares, seed, floor, unit)

    assert len(parts) == shares
    assert sum(parts) == shares * floor + spare
    assert min(parts) >= floor
    assert sum((part - floor) % unit != 0 for part in parts) <= 1
    assert split(shares * floor + spare, shares, seed, floor, unit) == parts


@given(st.integers(0, 200), st.integers(0, 200), st.binary())
def test_winners_are_different_tickets_of_the_room(tickets: int, winners: int, seed: bytes) -> None:
    drawn = draw(seed, tickets, winners)

    assert len(drawn) == len(set(drawn)) == min(tickets, winners)
    assert set(drawn) <= set(range(1, tickets + 1))


@pytest.mark.parametrize(("total", "shares", "floor"), [(2, 3, 1), (0, 1, 1), (5, 0, 1), (9, 2, 5)])
def test_too_little_for_everybody_is_refused(total: int, shares: int, floor: int) -> None:
    with pytest.raises(ValueError, match="not enough"):
        split(total, shares, SEED, floor)


def test_a_seed_is_new_and_its_commitment_is_plain_sha_256() -> None:
    assert len(new_seed()) == SEED_BYTES
    assert new_seed() != new_seed()
    assert commitment(b"abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_whoever_follows_the_description_gets_the_same() -> None:
    """Written from the description alone, by other means: no iterator, no set, no swap."""

    def numbers(purpose: str) -> list[int]:
        text = "".join(
            hmac.new(SEED, purpose.encode() + bytes(7) + bytes([i]), hashlib.sha256).hexdigest()
            for i in range(8)
        )
        return [int(text[k : k + 16], 16) for k in range(0, len(text), 16)]

    source = numbers("split")
    cuts: list[int] = []
    for j in range(90, 94):  # 100 in 5 shares of at least 2: 90 are left, cut at 4 of 94 places
        taken = source.pop(0) % (j + 1)
        cuts.append(j if taken in cuts else taken)
    cuts.sort()
    units = [cuts[0], *(b - a - 1 for a, b in itertools.pairwise(cuts)), 93 - cuts[-1]]
    assert split(100, 5, SEED, 2) == tuple(2 + part for part in units)

    source, left, drawn = numbers("draw"), list(range(1, 11)), []
    for place in range(4):
        other = source.pop(0) % (10 - place)
        drawn.append(left[other])
        left[other] = left[0]
        left = left[1:]
    assert draw(SEED, 10, 4) == tuple(drawn)
    assert (split(100, 5, SEED, 2), draw(SEED, 10, 4)) == ((24, 48, 8, 4, 16), (5, 8, 7, 9))
