"""The alphabet of a USSD screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kit import gsm7


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("CON Pay N500?\n1. Yes", 20, id="a screen"),
        pytest.param("@\u00a3$\u00e9\u00e0\u0394", 6, id="letters of the default alphabet"),
        pytest.param("[1]", 5, id="brackets cost two each"),
        pytest.param("\u20ac^{}\\~|\f", 16, id="the rest of the extension table"),
        pytest.param("\u20a6500", None, id="the naira sign is in no table"),
        pytest.param("\u00e7", None, id="only the capital has a cedilla"),
        pytest.param("`", None, id="no grave accent alone"),
        pytest.param("\x1b", None, id="the escape is no letter"),
        pytest.param("\U0001f600", None, id="emoji"),
    ],
)
def test_a_text_costs_its_septets(text: str, cost: int | None) -> None:
    assert gsm7.septets(text) == cost


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("\u20a6500", "N500", id="naira"),
        pytest.param(
            "\u2018a\u2019 \u201cb\u201d \u2013 \u2014 \u2026",
            "'a' \"b\" - - ...",
            id="typographic",
        ),
        pytest.param("1\u202f000\u00a0x", "1 000 x", id="narrow and no-break spaces"),
        pytest.param("Ad\u00e9b\u00e1y\u1ecd\u0300", "Ad\u00e9bayo", id="Yoruba accents"),
        pytest.param("\u0199asa \u0253 \u0257", "kasa b d", id="Hausa hooks"),
        pytest.param("Fran\u00e7ais", "Francais", id="cedilla"),
        pytest.param("a\u200bb\ufeff", "ab", id="no width"),
        pytest.param("\u00bd", "?", id="a half is not twelve"),
        pytest.param("\u0639 \u4f60", "? ?", id="letters of other scripts"),
        pytest.param("Hi \U0001f600 you \u2764\ufe0f\U0001f44b\U0001f3fd!", "Hi you !", id="emoji"),
        pytest.param("1. \U0001f389\n2. Yes", "1.\n2. Yes", id="emoji alone on a line"),
        pytest.param("[ok] {x}", "[ok] {x}", id="what fits stays"),
    ],
)
def test_signs_of_no_handset_get_plain_letters(text: str, plain: str) -> None:
    assert gsm7.plain(text) == plain


@given(st.text())
def test_plain_text_always_has_a_cost_and_stays_plain(text: str) -> None:
    plain = gsm7.plain(text)

    assert gsm7.septets(plain) is not None
    assert gsm7.plain(plain) == plain


def test_what_a_handset_loses_is_told_to_who_writes_texts() -> None:
    assert gsm7.foreign("\u20a6 Ad\u00e9 \u1ecd\u0300") == ""
    assert gsm7.foreign("Hi \U0001f600 \u4f60") == "\U0001f600\u4f60"
