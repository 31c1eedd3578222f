"""Answers are read in every form that people type, and shown in one."""

import msgspec
import pytest

from core.engine.kinds import (
    COUNT,
    DIGITS,
    FLAG,
    MONEY,
    MSISDN,
    OPAQUE,
    TEXT,
    Kind,
    Locale,
    Scalar,
    digits,
    named,
)
from core.engine.kinds import bounded_money as bounded
from core.kit import gsm7
from core.kit.errors import Problem

NIGERIA = Locale("en", "NG", "NGN", "Africa/Lagos")
PRICE = bounded(50_00, 50_000_00)
NETWORK = named("network", {"mtn": "MTN", "9mobile": "9mobile"})
ALL = (MONEY, PRICE, MSISDN, DIGITS, TEXT, COUNT, NETWORK, FLAG, OPAQUE, digits(6, 6))


@pytest.mark.parametrize(
    ("kind", "typed", "value", "shown"),
    [
        (PRICE, "500", 500_00, "N500"),
        (PRICE, "N1,000", 1_000_00, "N1,000"),
        (PRICE, "1k", 1_000_00, "N1,000"),
        (MONEY, "0.50", 50, "N0.50"),
        (MSISDN, "0803 123 4567", "2348031234567", "08031234567"),
        (MSISDN, "+2348031234567", "2348031234567", "08031234567"),
        (DIGITS, "00 12-3", "00123", "00123"),
        (TEXT, "  Ada \n Obi ", "Ada Obi", "Ada Obi"),
        (TEXT, "\u20a6 \u201cAda\u201d", "\u20a6 \u201cAda\u201d", "\u20a6 \u201cAda\u201d"),
        (TEXT, "\u1ecd\u0300 \U0001f389", "\u1ecd\u0300 \U0001f389", "\u1ecd\u0300 \U0001f389"),
        (TEXT, "A\u0300da\u202e\x00", "\u00c0da", "\u00c0da"),
        (COUNT, "1,200", 1200, "1200"),
        (NETWORK, "mtn", "mtn", "MTN"),
        (NETWORK, " MTN ", "mtn", "MTN"),
    ],
)
def test_an_answer_is_read_and_shown(kind: Kind, typed: str, value: Scalar, shown: str) -> None:
    assert kind.parse(typed, NIGERIA) == value
    assert kind.show(value, NIGERIA) == shown


@pytest.mark.parametrize(
    ("kind", "typed", "code", "facts"),
    [
        (PRICE, "10", "amount.too_small", {"min": "N50"}),
        (PRICE, "50001", "amount.too_large", {"max": "N50,000"}),
        (PRICE, "99.50", "amount.not_whole", {}),
        (PRICE, "much", "amount.unreadable", {}),
        (MSISDN, "12", "msisdn.unreadable", {}),
        (digits(6, 6), "12345", "digits.unreadable", {"min": 6, "max": 6}),
        (TEXT, " \n ", "text.empty", {}),
        (TEXT, "x" * 41, "text.too_long", {"max": 40}),
        (TEXT, "\u2026" * 14, "text.too_long", {"max": 40}),
        (COUNT, "many", "count.unreadable", {}),
        (COUNT, "\u00b2", "count.unreadable", {}),
        (NETWORK, "glo", "choice.unknown", {}),
        (OPAQUE, "x", "choice.unknown", {}),
    ],
)
def test_what_cannot_be_taken_says_why(
    kind: Kind, typed: str, code: str, facts: dict[str, object]
) -> None:
    with pytest.raises(Problem) as refused:
        kind.parse(typed, NIGERIA)

    assert refused.value.code == code
    assert refused.value.facts == facts
    assert code in kind.problems or kind is OPAQUE


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_values_are_plain_json_and_plain_letters(kind: Kind) -> None:
    for value in (kind.longest, kind.sample):
        assert msgspec.json.decode(msgspec.json.encode(value)) == value
        assert gsm7.septets(kind.show(value, NIGERIA)) is not None
    assert len(kind.show(kind.longest, NIGERIA)) >= len(kind.show(kind.sample, NIGERIA))


def test_an_opaque_answer_never_shows_itself() -> None:
    assert OPAQUE.show("digest", NIGERIA) == "****"
    assert not OPAQUE.shown
