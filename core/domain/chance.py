"""Chance that anybody can check: what a room's seed decides, done again from the seed alone.

A seed is 32 secret bytes. Its SHA-256, in hex, is published when a room opens and cannot be made
to fit another seed; the seed itself is published, in hex, when the room ends. Whoever has it can do
the split and the draw again, by this procedure:

**Numbers.** For a purpose, `split` or `draw` in ASCII, block `i` (from 0) is
`HMAC-SHA256(key=seed, message=purpose + i as 8 bytes, big-endian)`. Each block is four whole
numbers below 2**64, of 8 bytes each, big-endian; the blocks follow each other. *A number below n*
is the next of these that is below `2**64 - 2**64 % n`, modulo `n`; those that are not are passed
over, so that every result is equally likely.

**Split.** `total` in `shares` parts, each of `floor` at least and, where it can be, a multiple of
`unit` above that. Set `floor` apart for each; what is left is so many units and a rest smaller than
one. Among all ways to deal the units out to the shares, each is equally likely: of the numbers from
0 to `units + shares - 2`, `shares - 1` different ones are chosen as cuts, by Floyd's method: for
each `j` from `units` upwards, `shares - 1` times, take a number below `j + 1`, or `j` itself where
that is chosen already. In rising order, what lies between two cuts (and before the first, and after
the last) are the units of each share in turn. A rest goes to the share of a number below `shares`,
counted from 0, which is taken after all others.

So every share has the same distribution, whatever its place: `k` of `u` units with the probability
`C(u - k + shares - 2, shares - 2) / C(u + shares - 1, shares - 1)`; on average, an equal part.

**Draw.** The tickets 1 to `tickets` in rising order; for each place `i` from 0, as many as there
are winners, the ticket there changes places with the one at `i` + a number below `tickets - i`
(Fisher-Yates). The tickets at the first places are the winners, the first share for the first.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from itertools import pairwise

SEED_BYTES = 32

_NUMBER_BYTES = 8
_NUMBERS = 2 ** (8 * _NUMBER_BYTES)


def new_seed() -> bytes:
    """A seed that nobody can guess."""
    return secrets.token_bytes(SEED_BYTES)


def commitment(seed: bytes) -> str:
    """What is published of a seed while it is secret: SHA-256, in hex."""
    return hashlib.sha256(seed).hexdigest()


def split(total: int, shares: int, seed: bytes, floor: int = 1, unit: int = 1) -> tuple[int, ...]:
    """Deal `total` out at random, all ways to do it equally likely; in minor units.

    Raises:
        ValueError: there are no shares, or not `floor` for each.
    """
    units, rest = divmod(total - shares * floor, unit)
    if shares < 1 or floor < 0 or units < 0:
        raise ValueError(f"{total} is not enough for {shares} shares of {floor}")
    numbers = _Numbers(seed, b"split")
    cuts: set[int] = set()
    for highest in range(units, units + shares - 1):
        cut = numbers.below(highest + 1)
        cuts.add(highest if cut in cuts else cut)
    edges = (-1, *sorted(cuts), units + shares - 1)
    parts = [floor + unit * (after - before - 1) for before, after in pairwise(edges)]
    if rest:
        parts[numbers.below(shares)] += rest
    return tuple(parts)


def draw(seed: bytes, tickets: int, winners: int) -> tuple[int, ...]:
    """The tickets that win, in the order of the shares; all of them where there are no more."""
    numbers = _Numbers(seed, b"draw")
    lots = list(range(1, tickets + 1))
    drawn = min(winners, tickets)
    for place in range(drawn):
        other = place + numbers.below(tickets - place)
        lots[place], lots[other] = lots[other], lots[place]
    return tuple(lots[:drawn])


class _Numbers:
    """The numbers of one seed for one purpose, in order."""

    def __init__(self, seed: bytes, purpose: bytes) -> None:
        self._numbers = _stream(seed, purpose)

    def below(self, bound: int) -> int:
        fair = _NUMBERS - _NUMBERS % bound
        return next(number for number in self._numbers if number < fair) % bound


def _stream(seed: bytes, purpose: bytes) -> Iterator[int]:
    block = 0
    while True:
        made = hmac.digest(seed, purpose + block.to_bytes(8, "big"), hashlib.sha256)
        for start in range(0, len(made), _NUMBER_BYTES):
            yield int.from_bytes(made[start : start + _NUMBER_BYTES], "big")
        block += 1
