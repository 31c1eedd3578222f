"""Whether a provider could deliver now."""

import pytest

from core.domain.circuits import CircuitState
from core.domain.health import Seller, able

LEAST = 50_00


@pytest.mark.parametrize(
    ("seller", "expected"),
    [
        pytest.param(Seller("p"), True, id="unknown"),
        pytest.param(Seller("p", check_well=True), True, id="checked and well"),
        pytest.param(Seller("p", check_well=False), False, id="answers no check"),
        pytest.param(
            Seller("p", check_well=False, recent_well=1), True, id="delivers all the same"
        ),
        pytest.param(Seller("p", CircuitState.OPEN, check_well=True), False, id="circuit open"),
        pytest.param(Seller("p", CircuitState.OPEN, recent_well=9), False, id="open after success"),
        pytest.param(Seller("p", recent_failed=2), True, id="two failures tell little"),
        pytest.param(Seller("p", recent_failed=3, check_well=True), False, id="only failures"),
        pytest.param(
            Seller("p", recent_failed=30, recent_well=1), True, id="one success among them"
        ),
        pytest.param(Seller("p", CircuitState.HALF_OPEN, check_well=True), True, id="half-open"),
        pytest.param(
            Seller("p", CircuitState.HALF_OPEN, check_well=True, recent_failed=1),
            False,
            id="half-open and failed again",
        ),
        pytest.param(Seller("p", float_minor=LEAST - 1), False, id="our money there is spent"),
        pytest.param(Seller("p", float_minor=LEAST), True, id="enough for the smallest order"),
    ],
)
def test_who_could_deliver(seller: Seller, expected: bool) -> None:
    assert able(seller, LEAST) is expected
