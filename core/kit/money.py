"""Money: whole minor units of one currency, never a float."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel.numbers import get_currency_precision

from core.kit.errors import Problem

# What a screen shows for a currency whose own sign is not in the GSM-7 alphabet.
_SIGNS = {"NGN": "N", "GHS": "GHS", "KES": "KSh", "UGX": "USh", "TZS": "TSh", "ZAR": "R"}
_AMOUNT = re.compile(
    r"(?P<sign>\D*?)\s*(?P<number>(?:\d{1,3}(?:[,\s]\d{3})+|\d+)(?:\.\d+)?)\s*(?P<unit>k)?",
    re.IGNORECASE | re.ASCII,
)
# Twelve digits of minor units: far above any order, far below what a bigint column holds.
_DIGITS_MAX = 12


class BadAmount(Problem):
    code = "amount.unreadable"


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount in whole minor units (kobo, pesewa, cent) of one ISO 4217 currency."""

    minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other.minor


@cache
def decimals(currency: str) -> int:
    """How many digits the minor unit has: 2 for NGN, 0 for XOF."""
    return get_currency_precision(currency)


def from_major(text: str | Decimal | int, currency: str) -> Money:
    """Read an amount in major units as other systems write it: `500`, `"500.00"`.

    Raises:
        ValueError: it is not a number, or is finer than the minor unit.
    """
    try:
        scaled = Decimal(str(text).strip()).scaleb(decimals(currency))
    except ArithmeticError as error:
        raise ValueError("not an amount") from error
    if not scaled.is_finite() or scaled != int(scaled):
        raise ValueError("not a whole number of minor units")
    return Money(int(scaled), currency)


def to_major(money: Money) -> str:
    """The amount in major units as other systems read it: `"1250.50"`, no separators."""
    places = decimals(money.currency)
    return f"{Decimal(money.minor).scaleb(-places):.{places}f}"


def parse_amount(text: str, currency: str) -> Money:
    """Read an amount as people type it: `500`, `N500`, `1,000`, `1k`, `2.5k`, `N 1 000`.

    Raises:
        BadAmount: it does not read as one amount.
    """
    match = _AMOUNT.fullmatch(text.strip())
    signs = {"", "#", "\u20a6", "\u20b5", currency.lower(), _SIGNS.get(currency, "").lower()}
    if not match or match["sign"].lower() not in signs:
        raise BadAmount
    number = Decimal(re.sub(r"[,\s]", "", match["number"]))
    if match["unit"]:
        number *= 1000
    try:
        money = from_major(number, currency)
    except ValueError as error:
        raise BadAmount from error
    if len(str(money.minor)) > _DIGITS_MAX:
        raise BadAmount
    return money


def show(money: Money) -> str:
    """The amount as a screen shows it, in GSM-7 letters: `N1,250`, `N0.50`, `-N20`."""
    sign = _SIGNS.get(money.currency, money.currency + " ")
    places = decimals(money.currency)
    major = Decimal(abs(money.minor)).scaleb(-places)
    whole = major == major.to_integral_value()
    number = f"{major:,.0f}" if whole else f"{major:,.{places}f}"
    return ("-" if money.minor < 0 else "") + sign + number
