"""What somebody wants to give, whether it can be given like that, and how it is split."""

import datetime as dt
from dataclasses import dataclass, field

from core.domain import chance
from core.domain.gifts import ANSWERS_MAX, Door, GiftKind, GiftTerms, PayOut, Split
from core.kit.errors import Problem
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.services.purchases import Terms

LASTS_MIN, LASTS_MAX = dt.timedelta(hours=1), dt.timedelta(days=7)

_ANSWERS_MIN = 2
_MAJOR = 100


class GiftsOff(Problem):
    """Nobody can give now."""

    code = "gift.off"


class BadGift(Problem):
    """It cannot be given like that: `code` says why, in words that tell what would do."""


@dataclass(frozen=True, slots=True)
class GiftWish:
    """What somebody wants to give. `total` is without the fee; `answer` counts from 1."""

    total: Money
    shares: int
    kind: GiftKind = GiftKind.RACE
    split: Split = Split.RANDOM
    pay_out: PayOut = PayOut.WALLET
    door: Door = Door.ANYONE
    message: str = ""
    lasts: dt.timedelta = dt.timedelta(days=1)
    listed: tuple[Msisdn, ...] = ()
    question: str = ""
    answers: tuple[str, ...] = ()
    answer: int = field(default=0, repr=False)
    draw_after: dt.timedelta | None = None
    seats: int = 0


def fee_of(terms: GiftTerms, total_minor: int) -> int:
    """What comes on top, in minor units: a fraction of one is not taken."""
    return total_minor * terms.fee_basis_points // 10_000


def check(wish: GiftWish, terms: GiftTerms, airtime: Terms) -> None:
    """Raises `GiftsOff` or `BadGift` when it cannot be given, or not like that."""
    if not terms.on:
        raise GiftsOff
    _check_amount(wish, terms)
    if not LASTS_MIN <= wish.lasts <= LASTS_MAX:
        raise BadGift("gift.time_unreadable")
    if wish.door is Door.LISTED and not wish.listed:
        raise BadGift("gift.numbers_unreadable")
    if wish.kind is GiftKind.QUIZ:
        _check_quiz(wish)
    if wish.kind is GiftKind.DRAW:
        _check_draw(wish)
    if wish.pay_out is PayOut.AIRTIME:
        _check_airtime(wish, airtime)


@dataclass(frozen=True, slots=True)
class Grain:
    """What a share holds at least, and what it is a multiple of, in minor units."""

    floor_minor: int = 1
    unit_minor: int = 1


def grain(pay_out: PayOut, airtime: Terms) -> Grain:
    """Airtime is sold in whole units and no less than so much."""
    if pay_out is PayOut.AIRTIME:
        return Grain(_whole(airtime.amount_min_minor), _MAJOR)
    return Grain()


def amounts(total: int, shares: int, split: Split, seed: bytes, grain: Grain) -> tuple[int, ...]:
    """What each share holds, in the order in which they are won; equal parts, to one unit."""
    floor, unit = grain.floor_minor, grain.unit_minor
    if split is Split.RANDOM:
        return chance.split(total, shares, seed, floor=floor, unit=unit)
    each, rest = divmod(total // unit, shares)
    return tuple((each + (place < rest)) * unit for place in range(shares))


def _whole(minor: int) -> int:
    return -(-minor // _MAJOR) * _MAJOR


def _check_amount(wish: GiftWish, terms: GiftTerms) -> None:
    total, currency = wish.total.minor, wish.total.currency
    if total < terms.total_min_minor:
        raise BadGift("amount.too_small", min=Money(terms.total_min_minor, currency))
    if total > terms.total_max_minor:
        raise BadGift("amount.too_large", max=Money(terms.total_max_minor, currency))
    if not 1 <= wish.shares <= terms.shares_max:
        raise BadGift("count.out_of_range", min=1, max=terms.shares_max)
    if total < wish.shares:
        raise BadGift("count.out_of_range", min=1, max=total)


def _check_quiz(wish: GiftWish) -> None:
    several = _ANSWERS_MIN <= len(wish.answers) <= ANSWERS_MAX
    if not (wish.question and several and 1 <= wish.answer <= len(wish.answers)):
        raise BadGift("gift.quiz_unfinished")


def _check_draw(wish: GiftWish) -> None:
    if wish.draw_after is not None and wish.draw_after > wish.lasts:
        raise BadGift("gift.draw_late")
    if wish.seats and wish.seats < wish.shares:
        raise BadGift("gift.few_seats", min=wish.shares)


def _check_airtime(wish: GiftWish, airtime: Terms) -> None:
    """Each share can be bought: whole units, the least at least, the most at most."""
    least, most = _whole(airtime.amount_min_minor), airtime.amount_max_minor
    total, shares, currency = wish.total.minor, wish.shares, wish.total.currency
    if total % _MAJOR:
        raise BadGift("amount.not_whole")
    if total < least * shares:
        raise BadGift("gift.airtime_least", min=Money(least * shares, currency))
    equal = wish.split is Split.EQUAL
    largest = -(-total // shares) if equal else total - least * (shares - 1)
    if largest > most:
        raise BadGift("gift.airtime_most", max=Money(most, currency))
