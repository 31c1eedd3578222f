"""Money: whole minor units of one currency, never a float."""

import re
from decimal import Decimal
from functools import cache

import msgspec
from babel.numbers import get_currency_precision

from core.kit.errors import Problem

# What a screen shows for a currency whose own sign is not in the GSM-7 alphabet.
_SIGNS = {"NGN": "N", "GHS": "GHS", "KES": "KSh", "UGX": "USh", "TZS": "TSh", "ZAR": "R"}
# What people type besides: `#500` and `500 naira` in Nigeria, `500/=` in East Africa.
_SPOKEN = {
    "NGN": ("\u20a6", "#", "=n=", "naira"),
    "GHS": ("\u20b5", "gh\u20b5", "cedis", "cedi"),
    "KES": ("sh", "/=", "shillings", "bob"),
    "UGX": ("sh", "/=", "shillings"),
    "TZS": ("sh", "/=", "shillings"),
    "ZAR": ("rand",),
}
_TYPED = re.compile(r"([0-9]{1,3}(?:[,\s][0-9]{3})+|[0-9]+)(?:\.([0-9]+))?\s*(k?)")
_WRITTEN = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,18}))?")
_TYPED_CHARS_MAX = 32
# Twelve digits of minor units: far above any order, far below what a bigint column holds.
_MINOR_MAX = 10**12 - 1


class BadAmount(Problem):
    code = "amount.unreadable"


class Money(msgspec.Struct, frozen=True, gc=False):
    """An amount in whole minor units (kobo, pesewa, cent) of one ISO 4217 currency.

    Adding, subtracting or comparing two currencies raises `ValueError`.
    """

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not mix")
        return other.minor


@cache
def decimals(currency: str) -> int:
    """How many digits the minor unit has: 2 for NGN, 0 for XOF, 3 for KWD."""
    return get_currency_precision(currency)


def from_major(text: str | Decimal | int, currency: str) -> Money:
    """Read an amount in major units as other systems write it: `500`, `"500.00"`.

    Raises:
        ValueError: it is not a plain number, is absurdly long, or is finer than the minor unit.
    """
    written = f"{text:f}" if isinstance(text, Decimal) else str(text).strip()
    match = _WRITTEN.fullmatch(written)
    if not match:
        raise ValueError("not an amount")
    minus, whole, fraction = match.groups(default="")
    minor = _minor(whole, fraction.rstrip("0"), decimals(currency))
    return Money(-minor if minus else minor, currency)


def to_major(money: Money) -> str:
    """The amount in major units as other systems read it: `"1250.50"`, no separators."""
    return _written(money, "", always_minor=True)


def parse_amount(text: str, currency: str) -> Money:
    """Read an amount as people type it: `500`, `N500`, `1,000`, `1k`, `2.5k`, `N 1 000`.

    The currency may stand before or after, as its sign, code or name: `500 naira`. More decimals
    than the currency has are refused, since `50.000` means fifty thousand to some.

    Raises:
        BadAmount: it does not read as one amount.
    """
    if len(text) > _TYPED_CHARS_MAX:
        raise BadAmount
    match = _TYPED.fullmatch(_without_currency(text.strip().lower(), currency))
    if not match:
        raise BadAmount
    whole, fraction, thousands = match.groups(default="")
    places = decimals(currency) + (3 if thousands else 0)
    try:
        minor = _minor(re.sub(r"[,\s]", "", whole), fraction, places)
    except ValueError as error:
        raise BadAmount from error
    if minor > _MINOR_MAX:
        raise BadAmount
    return Money(minor, currency)


def show(money: Money) -> str:
    """The amount as a screen shows it, in GSM-7 letters: `N1,250`, `N0.50`, `-N20`."""
    sign = _SIGNS.get(money.currency, money.currency + " ")
    written = _written(Money(abs(money.minor), money.currency), ",", always_minor=False)
    return ("-" if money.minor < 0 else "") + sign + written


def _minor(whole: str, fraction: str, places: int) -> int:
    if len(fraction) > places:
        raise ValueError("finer than the minor unit")
    return int(whole + fraction.ljust(places, "0"))


def _written(money: Money, separator: str, *, always_minor: bool) -> str:
    places = decimals(money.currency)
    major, minor = divmod(abs(money.minor), 10**places)
    whole = f"{major:,}".replace(",", separator)
    fraction = f".{minor:0{places}d}" if places and (minor or always_minor) else ""
    return ("-" if money.minor < 0 else "") + whole + fraction


def _without_currency(typed: str, currency: str) -> str:
    """The number alone, where one of the currency's own signs stands before or after it."""
    for sign in _signs(currency):
        if typed.startswith(sign):
            return typed.removeprefix(sign).lstrip()
        if typed.endswith(sign):
            return typed.removesuffix(sign).rstrip()
    return typed


@cache
def _signs(currency: str) -> tuple[str, ...]:
    """In small letters, longest first: `ngn` must not be read as `n` and a rest."""
    signs = {currency, _SIGNS.get(currency, currency), *_SPOKEN.get(currency, ())}
    return tuple(sorted((sign.lower() for sign in signs), key=len, reverse=True))
