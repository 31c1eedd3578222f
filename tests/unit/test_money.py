"""Money: whole minor units, read as people and systems write them."""

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kit import gsm7
from core.kit.money import BadAmount, Money, from_major, parse_amount, show, to_major

CURRENCIES = ("NGN", "GHS", "KES", "UGX", "ZAR", "XOF", "KWD", "USD")
currencies = st.sampled_from(CURRENCIES)
minors = st.integers(min_value=-(10**15), max_value=10**15)


@pytest.mark.parametrize(
    ("typed", "currency", "minor"),
    [
        pytest.param("500", "NGN", 500_00, id="bare"),
        pytest.param("N500", "NGN", 500_00, id="naira letter"),
        pytest.param("n 500", "NGN", 500_00, id="small letter and a space"),
        pytest.param("\u20a6500", "NGN", 500_00, id="naira sign"),
        pytest.param("#500", "NGN", 500_00, id="hash for naira"),
        pytest.param("=N=500", "NGN", 500_00, id="old typewriter naira"),
        pytest.param("NGN 500", "NGN", 500_00, id="currency code"),
        pytest.param("500 naira", "NGN", 500_00, id="name after"),
        pytest.param("500N", "NGN", 500_00, id="letter after"),
        pytest.param("1,000", "NGN", 1_000_00, id="comma"),
        pytest.param("N 1 000", "NGN", 1_000_00, id="spaces"),
        pytest.param("1\u00a0000", "NGN", 1_000_00, id="pasted no-break space"),
        pytest.param("1,000,000", "NGN", 1_000_000_00, id="a million"),
        pytest.param("1k", "NGN", 1_000_00, id="thousand"),
        pytest.param("2.5K", "NGN", 2_500_00, id="two and a half thousand"),
        pytest.param("1.2345k", "NGN", 1_234_50, id="thousands down to the kobo"),
        pytest.param(" 500.5 ", "NGN", 500_50, id="one decimal"),
        pytest.param("0500", "NGN", 500_00, id="leading zero"),
        pytest.param("500/=", "KES", 500_00, id="shillings, written"),
        pytest.param("KSh500", "KES", 500_00, id="KSh"),
        pytest.param("500ksh", "KES", 500_00, id="ksh after is no thousand"),
        pytest.param("GH\u20b55", "GHS", 5_00, id="cedi sign"),
        pytest.param("500", "XOF", 500, id="no minor unit"),
        pytest.param("1.5k", "XOF", 1_500, id="thousands without a minor unit"),
        pytest.param("1.234", "KWD", 1_234, id="three decimals"),
    ],
)
def test_an_amount_is_read_as_people_type_it(typed: str, currency: str, minor: int) -> None:
    assert parse_amount(typed, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("typed", "currency"),
    [
        pytest.param("", "NGN", id="nothing"),
        pytest.param("N", "NGN", id="sign alone"),
        pytest.param("k", "NGN", id="unit alone"),
        pytest.param("-5", "NGN", id="negative"),
        pytest.param("N-500", "NGN", id="negative behind the sign"),
        pytest.param("+500", "NGN", id="plus"),
        pytest.param("1,00", "NGN", id="comma that separates no thousands"),
        pytest.param("1 2", "NGN", id="two numbers"),
        pytest.param("50.000", "NGN", id="fifty, or fifty thousand"),
        pytest.param("1.005", "NGN", id="finer than a kobo"),
        pytest.param("0.5", "XOF", id="decimals where there are none"),
        pytest.param("1.234567k", "NGN", id="thousands finer than a kobo"),
        pytest.param(".5", "NGN", id="no whole part"),
        pytest.param("1.", "NGN", id="no decimals after the point"),
        pytest.param("1kk", "NGN", id="thousand thousands"),
        pytest.param("1e5", "NGN", id="exponent"),
        pytest.param("1_000", "NGN", id="underscore"),
        pytest.param("NaN", "NGN", id="not a number"),
        pytest.param("\u0663\u0660\u0660", "NGN", id="Arabic digits"),
        pytest.param("\uff11\uff10\uff10", "NGN", id="full-width digits"),
        pytest.param("$500", "NGN", id="another currency's sign"),
        pytest.param("500 USD", "NGN", id="another currency's code"),
        pytest.param("10000000000", "NGN", id="thirteen digits of kobo"),
        pytest.param("500*1", "NGN", id="two answers"),
        pytest.param("9" * 1_000_000, "NGN", id="a million digits"),
        pytest.param("1," * 100_000, "NGN", id="a hundred thousand commas"),
        pytest.param("1" + " " * 100_000 + "x", "NGN", id="a long gap"),
    ],
)
def test_what_is_not_one_amount_is_refused_at_once(typed: str, currency: str) -> None:
    started = time.thread_time()

    with pytest.raises(BadAmount):
        parse_amount(typed, currency)

    assert time.thread_time() - started < 0.1


@given(st.text(max_size=40), currencies)
def test_any_text_is_an_amount_or_a_problem(typed: str, currency: str) -> None:
    try:
        money = parse_amount(typed, currency)
    except BadAmount:
        return
    assert 0 <= money.minor < 10**12
    assert money.currency == currency


@given(st.integers(min_value=0, max_value=10**12 - 1), currencies)
def test_what_a_screen_shows_can_be_typed_back(minor: int, currency: str) -> None:
    assert parse_amount(show(Money(minor, currency)), currency) == Money(minor, currency)


@given(minors, currencies)
def test_major_units_make_the_round_trip(minor: int, currency: str) -> None:
    assert from_major(to_major(Money(minor, currency)), currency) == Money(minor, currency)


@given(minors, currencies)
def test_a_screen_can_show_any_amount_in_gsm7(minor: int, currency: str) -> None:
    assert gsm7.septets(show(Money(minor, currency))) is not None


@pytest.mark.parametrize(
    ("money", "shown", "written"),
    [
        pytest.param(Money(1_250_00, "NGN"), "N1,250", "1250.00", id="whole naira"),
        pytest.param(Money(50, "NGN"), "N0.50", "0.50", id="kobo only"),
        pytest.param(Money(-20_05, "NGN"), "-N20.05", "-20.05", id="negative"),
        pytest.param(Money(-50, "NGN"), "-N0.50", "-0.50", id="less than one, negative"),
        pytest.param(Money(1_250, "XOF"), "XOF 1,250", "1250", id="no minor unit"),
        pytest.param(Money(1_005, "KWD"), "KWD 1.005", "1.005", id="three decimals"),
        pytest.param(
            Money(10**29 + 1, "NGN"),
            "N1,000,000,000,000,000,000,000,000,000.01",
            "1000000000000000000000000000.01",
            id="more digits than a decimal context keeps",
        ),
    ],
)
def test_an_amount_is_written_for_screens_and_for_systems(
    money: Money, shown: str, written: str
) -> None:
    assert (show(money), to_major(money)) == (shown, written)


@pytest.mark.parametrize(
    ("given_as", "minor"),
    [
        pytest.param("500", 500_00, id="text"),
        pytest.param(500, 500_00, id="whole number"),
        pytest.param(Decimal("5E+2"), 500_00, id="decimal with an exponent"),
        pytest.param("500.00000000", 500_00, id="zeros beyond the minor unit"),
        pytest.param("-0.50", -50, id="negative"),
    ],
)
def test_other_systems_amounts_are_read(given_as: str | int | Decimal, minor: int) -> None:
    assert from_major(given_as, "NGN") == Money(minor, "NGN")


@pytest.mark.parametrize(
    "given_as",
    [
        "",
        "abc",
        "1,000",
        "NaN",
        "Infinity",
        "1e3",
        "1_000",
        "\u0661",
        "0.005",
        "9" * 30,
        "1.",
        ".5",
    ],
)
def test_other_systems_nonsense_is_refused(given_as: str) -> None:
    with pytest.raises(ValueError, match=r"amount|minor unit"):
        from_major(given_as, "NGN")


def test_two_currencies_never_mix() -> None:
    naira, cedi = Money(1, "NGN"), Money(1, "GHS")

    for mixing in (
        lambda: naira + cedi,
        lambda: naira - cedi,
        lambda: naira < cedi,
        lambda: naira <= cedi,
        lambda: naira > cedi,
        lambda: naira >= cedi,
    ):
        with pytest.raises(ValueError, match="do not mix"):
            mixing()
    assert naira != cedi


def test_one_currency_adds_subtracts_and_compares() -> None:
    small, large = Money(1, "NGN"), Money(3, "NGN")

    assert small + large == Money(4, "NGN")
    assert small - large == Money(-2, "NGN")
    assert small < large
    assert large > small
    assert small <= small  # noqa: PLR0124 - the bound itself
    assert max(small, large) == large
