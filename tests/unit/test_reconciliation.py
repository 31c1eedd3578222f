"""What counts as a difference between our books and somebody's statement."""

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.reconciliation import (
    DifferenceKind,
    FloatEquation,
    LineState,
    OurRecord,
    OurState,
    Side,
    StatementLine,
    compare,
    period_of,
)
from core.kit.money import Money

LAGOS = ZoneInfo("Africa/Lagos")
DAY = dt.date(2026, 3, 2)
PERIOD = period_of(DAY, LAGOS)
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=LAGOS)
KIND = DifferenceKind


def naira(minor: int) -> Money:
    return Money(minor, "NGN")


def record(reference: str = "A1", state: OurState = OurState.DONE, minor: int = 97) -> OurRecord:
    return OurRecord(reference, f"ORDER{reference}", state, NOON, f"T{reference}", naira(minor))


def line(
    reference: str = "A1", state: LineState = LineState.DONE, minor: int = 97
) -> StatementLine:
    return StatementLine(f"T{reference}", reference, state, naira(minor), at=NOON)


VENDS = [
    pytest.param(OurState.DONE, LineState.DONE, None, id="delivered on both sides"),
    pytest.param(OurState.UNDONE, LineState.FAILED, None, id="failed on both sides"),
    pytest.param(OurState.UNDONE, LineState.REVERSED, None, id="taken back on both sides"),
    pytest.param(OurState.OPEN, LineState.OPEN, None, id="open on both sides"),
    pytest.param(
        OurState.UNDONE, LineState.DONE, KIND.DEBIT_WITHOUT_DELIVERY, id="charged, and refunded"
    ),
    pytest.param(
        OurState.DONE, LineState.FAILED, KIND.DELIVERY_WITHOUT_DEBIT, id="captured, failed there"
    ),
    pytest.param(
        OurState.DONE, LineState.REVERSED, KIND.DELIVERY_WITHOUT_DEBIT, id="captured, reversed"
    ),
    pytest.param(OurState.OPEN, LineState.DONE, KIND.STATE_DIFFERS, id="in doubt, delivered there"),
    pytest.param(OurState.OPEN, LineState.FAILED, KIND.STATE_DIFFERS, id="in doubt, failed there"),
    pytest.param(OurState.DONE, LineState.OPEN, KIND.STATE_DIFFERS, id="captured, open there"),
    pytest.param(OurState.DONE, LineState.UNKNOWN, KIND.STATE_DIFFERS, id="a word not promised"),
    pytest.param(OurState.UNDONE, LineState.OPEN, KIND.STATE_DIFFERS, id="refunded, open there"),
]


@pytest.mark.parametrize(("ours", "theirs", "kind"), VENDS)
def test_a_vend_is_judged_by_both_sides(
    ours: OurState, theirs: LineState, kind: DifferenceKind | None
) -> None:
    found = compare(Side.VENDS, [record(state=ours)], [line(state=theirs)], PERIOD)

    assert [each.kind for each in found.differences] == ([kind] if kind else [])
    assert found.matched == (0 if kind else 1)


@pytest.mark.parametrize(
    ("side", "ours", "kind"),
    [
        pytest.param(Side.VENDS, OurState.DONE, KIND.DELIVERY_WITHOUT_DEBIT, id="a captured vend"),
        pytest.param(Side.VENDS, OurState.OPEN, KIND.UNKNOWN_TO_THEM, id="a vend in doubt"),
        pytest.param(Side.VENDS, OurState.UNDONE, None, id="a refunded vend"),
        pytest.param(Side.PAYMENTS, OurState.DONE, KIND.UNKNOWN_TO_THEM, id="a payment"),
    ],
)
def test_what_they_do_not_list(side: Side, ours: OurState, kind: DifferenceKind | None) -> None:
    found = compare(side, [record(state=ours)], [], PERIOD)

    assert [each.kind for each in found.differences] == ([kind] if kind else [])


def test_only_what_is_in_doubt_here_mends_itself() -> None:
    open_here = compare(
        Side.VENDS, [record(state=OurState.OPEN)], [line(state=LineState.DONE)], PERIOD
    )
    open_there = compare(Side.VENDS, [record()], [line(state=LineState.OPEN)], PERIOD)

    assert [each.mends_itself for each in open_here.differences] == [True]
    assert [each.mends_itself for each in open_there.differences] == [False]


def test_a_cost_that_differs() -> None:
    [found] = compare(Side.VENDS, [record(minor=97)], [line(minor=98)], PERIOD).differences

    assert (found.kind, found.ours, found.theirs) == (KIND.AMOUNT_DIFFERS, naira(97), naira(98))


def test_a_cost_that_nobody_told_us_is_not_compared() -> None:
    untold = replace(record(), amount=None)

    assert compare(Side.VENDS, [untold], [line()], PERIOD).differences == ()


def test_a_fee_that_differs_is_told_with_both_fees() -> None:
    ours = replace(record(), fee=naira(1))
    theirs = replace(line(), fee=naira(2))

    [found] = compare(Side.PAYMENTS, [ours], [theirs], PERIOD).differences

    assert found.kind is KIND.AMOUNT_DIFFERS
    assert (found.facts["our_fee_minor"], found.facts["their_fee_minor"]) == (1, 2)


def test_an_order_that_they_delivered_twice() -> None:
    twice = [line(), replace(line(), their_reference="another")]

    [found] = compare(Side.VENDS, [record()], twice, PERIOD).differences

    assert found.kind is KIND.DUPLICATE
    assert found.facts["theirs"] == ["TA1", "another"]


def test_a_line_that_two_pages_show_is_one_line() -> None:
    found = compare(Side.VENDS, [record()], [line(), line()], PERIOD)

    assert (found.lines, found.matched, found.differences) == (1, 1, ())


def test_a_line_without_our_reference_is_known_by_theirs() -> None:
    found = compare(Side.VENDS, [record()], [replace(line(), our_reference=None)], PERIOD)

    assert (found.matched, found.strangers) == (1, ())


def test_two_payments_under_one_reference_are_two() -> None:
    first = record()
    second = replace(first, their_reference="T2", subject="second", amount=naira(50))
    lines = [line(), replace(line(minor=50), their_reference="T2")]

    found = compare(Side.PAYMENTS, [first, second], lines, PERIOD)

    assert (found.matched, found.differences, found.strangers) == (2, (), ())


def test_a_stranger_is_a_line_that_meets_no_record() -> None:
    stranger = line("B2")

    assert compare(Side.VENDS, [record()], [line(), stranger], PERIOD).strangers == (stranger,)


@pytest.mark.parametrize("state", [LineState.FAILED, LineState.REVERSED])
def test_a_try_that_came_to_nothing_is_no_stranger(state: LineState) -> None:
    assert compare(Side.VENDS, [], [line(state=state)], PERIOD).strangers == ()


def test_a_second_before_midnight_here_and_after_it_there_is_no_difference() -> None:
    """On neither day: the statement of each is read with the night around it."""
    ours = replace(record(), at=PERIOD.until - dt.timedelta(seconds=1))
    theirs = replace(line(), at=PERIOD.until + dt.timedelta(seconds=1))
    next_day = period_of(DAY + dt.timedelta(days=1), LAGOS)

    for period in (PERIOD, next_day):
        found = compare(Side.VENDS, [ours], [theirs], period)
        assert (found.differences, found.strangers) == ((), ())


def test_a_day_is_the_tenants() -> None:
    assert PERIOD.since == dt.datetime(2026, 3, 1, 23, tzinfo=dt.UTC)
    assert PERIOD.until == dt.datetime(2026, 3, 2, 23, tzinfo=dt.UTC)


def test_a_day_on_which_clocks_change_has_no_gap() -> None:
    zone = ZoneInfo("Europe/London")
    days = [dt.date(2026, 3, 28) + dt.timedelta(days=number) for number in range(3)]
    periods = [period_of(day, zone) for day in days]

    assert periods[0].until == periods[1].since
    assert periods[1].until == periods[2].since
    assert (periods[1].until - periods[1].since) == dt.timedelta(hours=23)


def equation(closing: int, in_flight: int = 0) -> FloatEquation:
    return FloatEquation(
        opening=1000,
        closing=closing,
        funding=500,
        spent=300,
        given_back=100,
        in_flight=in_flight,
        currency="NGN",
    )


def test_a_float_that_moved_as_our_books_say() -> None:
    assert equation(1300).difference("vtpass") is None


def test_a_float_with_less_in_it_than_our_books_say() -> None:
    found = equation(1200).difference("vtpass")

    assert found is not None
    assert (found.kind, found.ours, found.theirs) == (KIND.FLOAT_DIFFERS, naira(1300), naira(1200))
    assert found.facts["gap_minor"] == -100


def test_what_was_under_way_may_explain_a_gap() -> None:
    assert equation(1200, in_flight=100).difference("vtpass") is None
    assert equation(1200, in_flight=99).difference("vtpass") is not None


REFERENCES = st.lists(st.text("ABC123", min_size=1, max_size=4), unique=True, max_size=12)


@given(references=REFERENCES, extra=REFERENCES)
def test_sides_that_say_the_same_never_differ(references: list[str], extra: list[str]) -> None:
    """Whatever strangers there are besides, each is told, and none is anybody's difference."""
    ours = [record(reference) for reference in references]
    unknown = [line(reference) for reference in extra if reference not in references]

    found = compare(Side.VENDS, ours, [*map(line, references), *unknown], PERIOD)

    assert found.differences == ()
    assert found.matched == len(references)
    assert set(found.strangers) == set(unknown)


@given(references=REFERENCES, lost=st.sets(st.integers(0, 11)))
def test_every_line_that_is_missing_is_one_difference(
    references: list[str], lost: set[int]
) -> None:
    ours = [record(reference) for reference in references]
    kept = [line(name) for place, name in enumerate(references) if place not in lost]

    found = compare(Side.VENDS, ours, kept, PERIOD)

    gone = {name for place, name in enumerate(references) if place in lost}
    assert {each.our_reference for each in found.differences} == gone
    assert found.matched + len(found.differences) == len(references)
