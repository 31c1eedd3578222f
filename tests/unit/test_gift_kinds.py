"""What people type about gifts, read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.kinds import Kind, Locale
from core.flows.gift_kinds import ANSWERS, CODE, HOURS, NUMBERS, several
from core.kit.errors import Problem

NIGERIA = Locale("en", "NG", "NGN", "Africa/Lagos")


def read(kind: Kind, typed: str) -> object:
    """What it is kept as, or the code of the problem."""
    try:
        return kind.parse(typed, NIGERIA)
    except Problem as problem:
        return kind.problems[kind.problems.index(problem.code)]


@pytest.mark.parametrize(
    ("typed", "hours"),
    [
        ("2h", 2),
        ("3d", 72),
        ("1", 1),
        ("12 hours", 12),
        ("2 Days", 48),
        ("168h", 168),
        ("7d", 168),
        ("1D", 24),
    ],
)
def test_a_time_is_hours_or_days(typed: str, hours: int) -> None:
    assert read(HOURS, typed) == hours


@pytest.mark.parametrize("typed", ["0", "0h", "8d", "169", "2w", "h", "", "two", "-1", "1.5h"])
def test_other_times_are_asked_for_again(typed: str) -> None:
    assert read(HOURS, typed) == "gift.time_unreadable"


@pytest.mark.parametrize(("hours", "shown"), [(1, "1h"), (24, "1d"), (36, "36h"), (168, "7d")])
def test_a_time_is_shown_as_it_may_be_typed(hours: int, shown: str) -> None:
    assert HOURS.show(hours, NIGERIA) == shown
    assert read(HOURS, shown) == hours


@pytest.mark.parametrize("typed", ["23456789", "2345 6789", " 2345-6789 ", "2345.6789"])
def test_a_code_may_be_typed_in_groups(typed: str) -> None:
    assert read(CODE, typed) == "23456789"


@pytest.mark.parametrize("typed", ["2345678", "234567892", "23456781", "2345678a", "", "1" * 8])
def test_what_no_code_looks_like_is_not_looked_up(typed: str) -> None:
    assert read(CODE, typed) == "gift.code_unreadable"


@pytest.mark.parametrize(
    "typed",
    [
        "08031234567 08051234567",
        "08031234567,08051234567",
        "08031234567\n08051234567",
        "0803 123 4567 0805 123 4567",
        "+234 803 123 4567; +2348051234567",
        "8031234567, 00234 805 123 4567",
        "2348031234567 0805-123-4567",
        "08031234567 08051234567 08031234567",
    ],
)
def test_several_numbers_in_any_form(typed: str) -> None:
    assert read(NUMBERS, typed) == "2348031234567 2348051234567"
    assert NUMBERS.show("2348031234567 2348051234567", NIGERIA) == "2"


@pytest.mark.parametrize("typed", ["", ",", "my friends", "0803", "08031234567 and Ada", "+44"])
def test_numbers_that_cannot_all_be_read_are_asked_for_again(typed: str) -> None:
    """A friend who is left out by mistake would be turned away."""
    assert read(NUMBERS, typed) == "gift.numbers_unreadable"


def test_answers_stand_between_commas() -> None:
    kept = read(ANSWERS, " Lagos ,Abuja, Port Harcourt,")
    assert several(str(kept)) == ("Lagos", "Abuja", "Port Harcourt")
    assert several("") == ()


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("Lagos", "gift.answers_count"),
        ("1,2,3,4,5", "gift.answers_count"),
        ("yes, YES", "gift.answers_alike"),
        ("x" * 21 + ",y", "text.too_long"),
    ],
)
def test_answers_that_make_no_quiz(typed: str, why: str) -> None:
    assert read(ANSWERS, typed) == why


@given(st.text(max_size=200))
def test_nothing_that_is_typed_breaks_a_kind(typed: str) -> None:
    for kind in (ANSWERS, CODE, HOURS, NUMBERS):
        kept = read(kind, typed)
        if kept not in kind.problems:
            kind.show(kept, NIGERIA)  # type: ignore[arg-type]  # a scalar, as it was read
