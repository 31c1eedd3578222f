"""Kinds of answer: how each is read from what people type, and shown on a screen.

An answer is kept as a plain JSON scalar, so that a conversation survives a deploy; its kind gives
it meaning. A kind also names its longest value, so that the fit of every screen can be proven
before a customer meets it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import TypeAlias

from core.kit import gsm7, money, msisdn
from core.kit.errors import Problem
from core.kit.letters import one_line

Scalar: TypeAlias = str | int | bool | None
"""What an answer is kept as."""

_COUNT_MAX = 999_999
_TEXT_MAX = 40


@dataclass(frozen=True, slots=True)
class Locale:
    """Whose words, numbers and money a screen uses.

    Attributes:
        language: Of the texts, as the catalogue files are named: `en`.
        country: ISO 3166 code in which local numbers are read: `NG`.
        currency: ISO 4217 code of every amount in this conversation: `NGN`.
        time_zone: IANA name: `Africa/Lagos`.
    """

    language: str
    country: str
    currency: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class Kind:
    """What an answer is.

    Attributes:
        parse: Reads what a person typed; raises `Problem` with one of `problems`.
        show: Writes a kept value for a screen.
        longest: The value with the longest `show`, for the fit of screens.
        sample: An ordinary value, for diagrams and rehearsals.
        problems: Every code `parse` may raise: each is a text of the catalogue.
        shown: False for what no screen may ever hold, such as a digest.
    """

    name: str
    parse: Callable[[str, Locale], Scalar]
    show: Callable[[Scalar, Locale], str]
    longest: Scalar
    sample: Scalar
    problems: tuple[str, ...] = ()
    shown: bool = field(default=True)


def bounded_money(minimum: int, maximum: int, *, whole: bool = True) -> Kind:
    """An amount between two bounds, in minor units and inclusive.

    `whole` refuses a fraction of the major unit: nobody sells N99.50 of airtime.

    Problems: `amount.too_small` (fact `min`), `amount.too_large` (fact `max`), `amount.not_whole`,
    and `amount.unreadable`.
    """
    bounds = _Bounds(minimum, maximum, whole)
    return Kind(
        name=f"money {minimum}..{maximum}",
        parse=partial(_read_money, bounds),
        show=_show_money,
        longest=maximum if whole else maximum - 1,
        sample=minimum,
        problems=("amount.unreadable", "amount.too_small", "amount.too_large", "amount.not_whole"),
    )


def digits(least: int, most: int) -> Kind:
    """A code of digits, kept as text: leading zeros count. Problem: `digits.unreadable`."""
    return Kind(
        name=f"digits {least}..{most}",
        parse=partial(_read_digits, least, most),
        show=_as_is,
        longest="8" * most,
        sample="1234567890"[:least].ljust(least, "1"),
        problems=("digits.unreadable",),
    )


def text(longest: int) -> Kind:
    """Words of at most `longest` letters, kept as they were typed.

    A channel that cannot show them all writes them in the nearest letters that it has.

    Problems: `text.empty`, `text.too_long` (fact `max`).
    """
    return Kind(
        name=f"text {longest}",
        parse=partial(_read_text, longest),
        show=_as_is,
        longest="M" * longest,
        sample="Ada",
        problems=("text.empty", "text.too_long"),
    )


def count(least: int, most: int) -> Kind:
    """A whole number between two bounds. Problems: `count.unreadable`, `count.out_of_range`."""
    return Kind(
        name=f"count {least}..{most}",
        parse=partial(_read_count, least, most),
        show=_as_is,
        longest=most,
        sample=least,
        problems=("count.unreadable", "count.out_of_range"),
    )


def named(name: str, labels: Mapping[str, str]) -> Kind:
    """One of a few known values, each with the name people know it by: `mtn` is `MTN`.

    Problem: `choice.unknown`.
    """
    known = dict(labels)
    return Kind(
        name=name,
        parse=partial(_read_named, known),
        show=lambda value, _: known.get(str(value), str(value)),
        longest=max(known, key=lambda value: len(known[value])),
        sample=next(iter(known)),
        problems=("choice.unknown",),
    )


@dataclass(frozen=True, slots=True)
class _Bounds:
    minimum: int
    maximum: int
    whole: bool


def _read_money(bounds: _Bounds, typed: str, locale: Locale) -> int:
    minor = money.parse_amount(typed, locale.currency).minor
    if minor < bounds.minimum:
        raise Problem("amount.too_small", min=_show_money(bounds.minimum, locale))
    if minor > bounds.maximum:
        raise Problem("amount.too_large", max=_show_money(bounds.maximum, locale))
    if bounds.whole and minor % 10 ** money.decimals(locale.currency):
        raise Problem("amount.not_whole")
    return minor


@lru_cache(maxsize=4096)
def _show_money(value: Scalar, locale: Locale) -> str:
    return money.show(money.Money(int(value or 0), locale.currency))


def _any_money(typed: str, locale: Locale) -> int:
    return money.parse_amount(typed, locale.currency).minor


def _read_msisdn(typed: str, locale: Locale) -> str:
    return msisdn.parse_msisdn(typed, locale.country)


@lru_cache(maxsize=4096)
def _shown(value: str, country: str) -> str:
    """Local form at home; a foreign number keeps its country code, or it would be another's."""
    number = msisdn.Msisdn(value)
    return msisdn.local(number) if msisdn.is_of(number, country) else "+" + value


def _show_msisdn(value: Scalar, locale: Locale) -> str:
    return _shown(str(value), locale.country)


def _read_digits(least: int, most: int, typed: str, _: Locale) -> str:
    kept = re.sub(r"[\s\-.]", "", typed)
    if not (kept.isascii() and kept.isdigit() and least <= len(kept) <= most):
        raise Problem("digits.unreadable", min=least, max=most)
    return kept


def _read_text(longest: int, typed: str, _: Locale) -> str:
    kept = one_line(typed)
    if not kept:
        raise Problem("text.empty")
    if max(len(kept), len(gsm7.plain(kept))) > longest:
        raise Problem("text.too_long", max=longest)
    return kept


def _read_count(least: int, most: int, typed: str, _: Locale) -> int:
    kept = re.sub(r"[\s,]", "", typed)
    if not (kept.isascii() and kept.isdigit() and len(kept) <= len(str(_COUNT_MAX))):
        raise Problem("count.unreadable")
    if not least <= int(kept) <= most:
        raise Problem("count.out_of_range", min=least, max=most)
    return int(kept)


def _read_named(labels: Mapping[str, str], typed: str, _: Locale) -> str:
    wanted = typed.strip().casefold()
    for value, label in labels.items():
        if wanted in (value.casefold(), label.casefold()):
            return value
    raise Problem("choice.unknown")


def _refuse(_: str, __: Locale) -> Scalar:
    raise Problem("choice.unknown")


def _as_is(value: Scalar, _: Locale) -> str:
    return str(value)


MONEY = Kind(
    name="money",
    parse=_any_money,
    show=_show_money,
    longest=99_999_999_99,
    sample=1_250_00,
    problems=("amount.unreadable",),
)
"""Any amount, in whole minor units of the locale's currency."""

MSISDN = Kind(
    name="msisdn",
    parse=_read_msisdn,
    show=_show_msisdn,
    longest="2348031234567",
    sample="2348031234567",
    problems=("msisdn.unreadable",),
)
"""A mobile number: kept as networks write it, shown as people do."""

DIGITS = digits(1, 20)
TEXT = text(_TEXT_MAX)
COUNT = count(0, _COUNT_MAX)

FLAG = Kind("flag", _refuse, _as_is, longest=False, sample=False, shown=False)
"""Yes or no, for a flow to branch on."""

OPAQUE = Kind("opaque", _refuse, lambda _, __: "****", longest="****", sample="****", shown=False)
"""A digest or a reference that only functions read: no screen may show it."""
