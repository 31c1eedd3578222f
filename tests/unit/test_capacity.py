"""When a router fills up, by a straight line, and how that is said."""

import datetime as dt

import pytest

from core.domain.capacity import DAYS_MIN, Outlook, Peak, forecast, in_words

MONDAY = dt.date(2026, 3, 2)


def days(*values: float, step: int = 1) -> list[Peak]:
    return [
        Peak(MONDAY + dt.timedelta(days=number * step), value)
        for number, value in enumerate(values)
    ]


def test_what_grows_evenly_reaches_its_limit_on_a_day() -> None:
    told = forecast(days(10, 12, 14, 16, 18, 20), 30)

    assert (told.outlook, told.a_day, told.days_left, told.fit) == (Outlook.FILLING, 2, 5, 1)
    assert told.on == MONDAY + dt.timedelta(days=10)


def test_missing_days_and_their_order_do_not_matter() -> None:
    even = forecast(days(10, 12, 14, 16, 18, step=2), 30)
    assert forecast(list(reversed(days(10, 12, 14, 16, 18, step=2))), 30) == even
    assert even.a_day == 1


def test_a_noisy_line_says_how_well_it_fits() -> None:
    told = forecast(days(10, 20, 11, 22, 12, 24, 13), 100)
    assert told.outlook is Outlook.FILLING
    assert 0 < told.fit < 0.5


@pytest.mark.parametrize(
    ("values", "limit", "outlook"),
    [
        ((5, 5, 5, 5, 5), None, Outlook.UNLIMITED),
        ((1,) * (DAYS_MIN - 1), 10, Outlook.TOO_EARLY),
        ((), 10, Outlook.TOO_EARLY),
        ((5, 5, 5, 5, 5), 10, Outlook.STEADY),
        ((9, 8, 7, 6, 5), 10, Outlook.STEADY),
        ((5, 5.001, 5.002, 5.003, 5.004), 10, Outlook.STEADY),
        ((9, 10), 10, Outlook.FULL),
    ],
)
def test_where_there_is_no_day_to_tell(
    values: tuple[float, ...], limit: float | None, outlook: Outlook
) -> None:
    told = forecast(days(*values), limit)
    assert told.outlook is outlook
    assert (told.days_left is not None) == (outlook is Outlook.FULL)


def test_it_is_said_plainly() -> None:
    told = forecast(days(10, 12, 14, 16, 18, 20), 30)
    assert in_words("active users", told, "30") == (
        "By a straight line through the busiest moment of each of 6 days, active users reach 30 "
        "around 2026-03-12, in 5 days."
    )
    assert "within a year" in in_words("active users", forecast(days(5, 5, 5, 5, 5), 9), "9")
    assert in_words("active users", forecast(days(5), 9), "9") == (
        "1 day of active users seen so far: a forecast needs 5 at least."
    )
    soon = in_words("active users", forecast(days(10, 12, 14, 16, 18), 19), "19")
    assert soon.endswith(", in 1 day.")
    assert "No limit" in in_words("active users", forecast(days(5), None), "")
    assert "was reached" in in_words("active users", forecast(days(9), 9), "9")
