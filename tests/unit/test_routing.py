"""Who may be asked, and in what order, as tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.domain.circuits import CircuitState
from core.domain.routing import Again, Candidate, PlanOffer, RoutingRules, Sought, choose
from tests.fakes.sellers import capable

RULES = RoutingRules()
A = Candidate("a", capable(), priority=1)
B = Candidate("b", capable(), priority=2)
ORDER = Sought(amount_minor=100)
AFTER_A = replace(ORDER, tried=("a",))


def names(*candidates: Candidate, sought: Sought = ORDER, rules: RoutingRules = RULES) -> str:
    return "".join(one.provider for one in choose(candidates, sought, rules))


@pytest.mark.parametrize(
    ("candidates", "order"),
    [
        pytest.param((B, A), "ab", id="the lower priority first"),
        pytest.param((replace(A, priority=2, score=0.4), B), "ba", id="unknown is the middle"),
        pytest.param((replace(A, priority=2, score=0.6), B), "ab", id="the better score first"),
        pytest.param((replace(A, score=0.1), replace(B, score=0.9)), "ab", id="then the score"),
        pytest.param((replace(A, active=False), B), "b", id="switched off"),
        pytest.param((replace(A, circuit=CircuitState.OPEN), B), "b", id="resting"),
        pytest.param((replace(A, circuit=CircuitState.HALF_OPEN), B), "ab", id="on trial"),
        pytest.param((replace(A, float_minor=99), B), "b", id="too little float"),
        pytest.param((replace(A, float_minor=100), B), "ab", id="just enough float"),
        pytest.param(
            (replace(A, priority=2, score=0.9), replace(B, float_minor=100)),
            "ba",
            id="float known before unknown",
        ),
        pytest.param((), "", id="nobody"),
    ],
)
def test_a_new_order_goes_to(candidates: tuple[Candidate, ...], order: str) -> None:
    assert names(*candidates) == order


def test_one_that_cannot_be_asked_again_may_be_first_but_never_second() -> None:
    blind = replace(B, capabilities=capable(requery=False))

    assert names(A, blind) == "ab"
    assert names(A, blind, sought=AFTER_A) == ""


@pytest.mark.parametrize("again", Again)
def test_one_that_cannot_be_asked_again_is_never_asked_twice(again: Again) -> None:
    blind = replace(A, capabilities=capable(requery=False), retry_attempts=5)

    assert names(blind, sought=replace(AFTER_A, again=again)) == ""


@pytest.mark.parametrize(
    ("tried", "again", "retries", "order"),
    [
        pytest.param(("a",), Again.NEVER, 3, "b", id="never one that was really asked"),
        pytest.param(("a",), Again.RETRY, 0, "b", id="no retries configured"),
        pytest.param(("a",), Again.RETRY, 1, "ab", id="one retry configured"),
        pytest.param(("a", "a"), Again.RETRY, 1, "b", id="the one retry is used up"),
        pytest.param(("a",), Again.RENEW, 0, "ab", id="a reference that was too old"),
        pytest.param(("a", "b"), Again.RETRY, 1, "b", id="only the last may be retried"),
        pytest.param(("a", "b"), Again.NEVER, 1, "", id="both were asked"),
        pytest.param(("c", "c", "c", "c"), Again.RENEW, 1, "", id="four attempts are enough"),
    ],
)
def test_after_an_attempt(tried: tuple[str, ...], again: Again, retries: int, order: str) -> None:
    candidates = (replace(A, retry_attempts=retries), replace(B, retry_attempts=retries))

    assert names(*candidates, sought=replace(ORDER, tried=tried, again=again)) == order


def test_only_a_failover_target_is_second() -> None:
    with_care = replace(B, capabilities=capable(failover_target=False))

    assert names(A, with_care) == "ab"
    assert names(A, with_care, sought=AFTER_A) == ""


PLAN = Sought(amount_minor=1000, plan="mtn-1gb-30d-sme")
AT_900 = PlanOffer("M1", 900)


@pytest.mark.parametrize(
    ("cost_minor", "rules", "order"),
    [
        pytest.param(945, RULES, "b", id="five in a hundred more"),
        pytest.param(946, RULES, "", id="more than that"),
        pytest.param(946, RoutingRules(extra_cost_percent=50), "b", id="unless more may be spent"),
        pytest.param(1000, RoutingRules(extra_cost_percent=50), "b", id="all of the price"),
        pytest.param(1001, RoutingRules(extra_cost_percent=50), "", id="more than the price"),
        pytest.param(
            1001, RoutingRules(extra_cost_percent=50, may_lose=True), "b", id="unless we may lose"
        ),
        pytest.param(None, RULES, "", id="not sold there"),
    ],
)
def test_the_same_plan_elsewhere(cost_minor: int | None, rules: RoutingRules, order: str) -> None:
    first = replace(A, plan=AT_900)
    other = replace(B, plan=PlanOffer("9", cost_minor) if cost_minor else None)

    assert names(first, other, sought=replace(PLAN, tried=("a",)), rules=rules) == order


def test_a_plan_is_bought_only_where_it_is_sold() -> None:
    assert names(A, replace(B, plan=AT_900), sought=PLAN) == "b"


def test_what_the_first_attempt_cost_must_be_known() -> None:
    assert names(replace(B, plan=AT_900), sought=replace(PLAN, tried=("a",))) == ""


def test_the_float_must_cover_what_the_plan_costs() -> None:
    assert names(replace(A, plan=AT_900, float_minor=900), sought=PLAN) == "a"
    assert names(replace(A, plan=AT_900, float_minor=899), sought=PLAN) == ""


CANDIDATES = st.builds(
    Candidate,
    provider=st.sampled_from("abcd"),
    capabilities=st.builds(capable, failover_target=st.booleans(), requery=st.booleans()),
    priority=st.integers(0, 3),
    active=st.booleans(),
    retry_attempts=st.integers(0, 3),
    circuit=st.sampled_from(CircuitState),
    score=st.none() | st.floats(0, 1),
    float_minor=st.none() | st.integers(0, 200),
)


@given(
    candidates=st.lists(CANDIDATES, max_size=4, unique_by=lambda one: one.provider),
    tried=st.lists(st.sampled_from("abcd"), max_size=5).map(tuple),
    again=st.sampled_from(Again),
)
def test_whatever_the_case(
    candidates: list[Candidate], tried: tuple[str, ...], again: Again
) -> None:
    """The promises that keep value from being delivered twice, whoever is there to choose from."""
    chosen = choose(candidates, Sought(100, tried=tried, again=again), RULES)

    assert [one.priority for one in chosen] == sorted(one.priority for one in chosen)
    for one in chosen:
        assert one.active
        assert one.circuit is not CircuitState.OPEN
        assert one.float_minor is None or one.float_minor >= 100
        assert not tried or one.capabilities.requery_by_reference
        assert one.provider not in tried or again is not Again.NEVER
    assert len(tried) < RULES.attempts_max or not chosen
