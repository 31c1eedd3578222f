"""When a circuit opens, whom it lets through, and what closes it."""

import pytest

from core.domain.circuits import (
    AT_REST,
    Circuit,
    CircuitRules,
    CircuitState,
    after,
    given_back,
    let_through,
    state_at,
    went_well,
)
from core.domain.vending import Outcome
from tests.fakes.sellers import (
    ACCEPTED,
    DELIVERED,
    FAILED,
    NOT_FOUND,
    OURS,
    REVERSED,
    THEIRS,
    UNKNOWN,
    UNSENT,
)

RULES = CircuitRules()
OPENED = Circuit(CircuitState.OPEN, since_ms=1_000)
OPEN_MS = 300_000
TRIAL = Circuit(CircuitState.HALF_OPEN, since_ms=OPEN_MS)


def told(circuit: Circuit, outcomes: str, now_ms: int = 10**6, sent_ms: int = 10**6) -> Circuit:
    """The circuit after these outcomes, `+` for well and `-` for not."""
    for outcome in outcomes:
        circuit = after(circuit, RULES, now_ms, well=outcome == "+", sent_ms=sent_ms)
    return circuit


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("----", CircuitState.CLOSED),
        ("-----", CircuitState.OPEN),
        ("----+----", CircuitState.CLOSED),
        ("----+-----", CircuitState.OPEN),
        ("-----+++", CircuitState.OPEN),
    ],
)
def test_five_failures_in_a_row_open_it(outcomes: str, state: CircuitState) -> None:
    assert told(AT_REST, outcomes).state is state


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        ("++", CircuitState.HALF_OPEN),
        ("+++", CircuitState.CLOSED),
        ("-", CircuitState.OPEN),
        ("++-", CircuitState.OPEN),
    ],
)
def test_on_trial_three_successes_close_it_and_one_failure_opens_it(
    outcomes: str, state: CircuitState
) -> None:
    assert told(TRIAL, outcomes).state is state


def test_what_was_sent_before_the_trial_tells_nothing() -> None:
    assert told(TRIAL, "-", sent_ms=OPEN_MS - 1) == TRIAL
    assert told(TRIAL, "+", sent_ms=OPEN_MS - 1) == TRIAL


def test_it_rests_for_five_minutes() -> None:
    assert state_at(OPENED, RULES, 1_000 + OPEN_MS - 1) is CircuitState.OPEN
    assert state_at(OPENED, RULES, 1_000 + OPEN_MS) is CircuitState.HALF_OPEN


def test_on_trial_one_at_a_time_goes_through() -> None:
    start = 1_000 + OPEN_MS
    assert let_through(OPENED, RULES, start - 1, 60) is None

    trial = let_through(OPENED, RULES, start, 60)
    assert trial is not None
    assert let_through(trial, RULES, start + 59_999, 60) is None
    assert let_through(trial, RULES, start + 60_000, 60) is not None
    well = after(trial, RULES, start + 500, well=True, sent_ms=start)
    assert let_through(well, RULES, start + 501, 60) is not None


def test_a_turn_that_nobody_used_is_the_next_ones() -> None:
    trial = let_through(OPENED, RULES, 10**6, 60)
    assert trial is not None

    assert let_through(given_back(trial, trial.probe_until_ms), RULES, 10**6, 60) is not None
    assert given_back(trial, trial.probe_until_ms - 1) == trial


def test_a_closed_one_lets_everybody_through() -> None:
    assert let_through(AT_REST, RULES, 0, 60) == AT_REST


@pytest.mark.parametrize(
    ("outcome", "well"),
    [
        pytest.param(DELIVERED, True, id="delivered"),
        pytest.param(ACCEPTED, True, id="accepted"),
        pytest.param(THEIRS, True, id="the customer's mistake"),
        pytest.param(OURS, False, id="our float is empty"),
        pytest.param(UNSENT, False, id="nobody there"),
        pytest.param(UNKNOWN, False, id="no answer"),
        pytest.param(FAILED, None, id="failed in the end"),
        pytest.param(REVERSED, None, id="taken back"),
        pytest.param(NOT_FOUND, None, id="never heard of it"),
    ],
)
def test_what_an_answer_says_of_a_provider(outcome: Outcome, well: bool | None) -> None:
    assert went_well(outcome) is well
