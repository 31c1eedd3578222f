"""Scores: what each part is worth, and that little knowledge decides little."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.scoring import NEUTRAL, Samples, ranked, score, success_rate, uptime

MANY = 100_000


def busy(
    *,
    failed: int = 0,
    unreadable: int = 0,
    p95_ms: float = 500.0,
    checks_down: int = 0,
) -> Samples:
    """So many vends and checks that the neutral ones before them do not matter."""
    return Samples(
        vends=MANY,
        delivered=MANY - failed,
        failed=failed,
        unreadable=unreadable,
        p95_ms=p95_ms,
        checks=MANY,
        checks_well=MANY - checks_down,
    )


def test_who_is_unknown_is_neutral() -> None:
    assert score(Samples()) == pytest.approx(NEUTRAL)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        pytest.param(busy(), 1.0, id="perfect"),
        pytest.param(busy(failed=MANY), 0.6, id="delivers nothing"),
        pytest.param(busy(p95_ms=30_000), 0.7, id="half a minute"),
        pytest.param(busy(p95_ms=300_000), 0.7, id="slower than slow is no worse"),
        pytest.param(busy(p95_ms=30_000**0.5 * 1000**0.5), 0.85, id="halfway, by the logarithm"),
        pytest.param(busy(checks_down=MANY), 0.8, id="answers no check"),
        pytest.param(busy(unreadable=MANY), 0.9, id="answers nobody can read"),
        pytest.param(
            busy(failed=MANY, unreadable=MANY, p95_ms=60_000, checks_down=MANY), 0.0, id="hopeless"
        ),
    ],
)
def test_each_part_has_its_weight(samples: Samples, expected: float) -> None:
    assert score(samples) == pytest.approx(expected, abs=0.001)


def test_one_lucky_order_does_not_beat_a_long_record() -> None:
    lucky = Samples(vends=1, delivered=1, p95_ms=300)
    proven = busy(failed=MANY // 20, p95_ms=2_000)

    assert score(lucky) < score(proven)
    assert score(lucky) > NEUTRAL


def test_what_a_provider_still_works_on_counts_neither_way() -> None:
    at_work = Samples(vends=10, delivered=5, p95_ms=1000)

    assert success_rate(at_work) == 1.0
    assert success_rate(Samples(vends=3)) is None
    assert uptime(Samples()) is None


@given(
    delivered=st.integers(0, 1000),
    failed=st.integers(0, 1000),
    unreadable=st.integers(0, 1000),
    p95_ms=st.floats(0, 1e9),
    well=st.integers(0, 300),
    down=st.integers(0, 300),
)
def test_a_score_is_between_none_and_all(
    delivered: int, failed: int, unreadable: int, p95_ms: float, well: int, down: int
) -> None:
    vends = delivered + failed
    samples = Samples(
        vends, delivered, failed, min(unreadable, vends), p95_ms if vends else None,
        well + down, well,
    )  # fmt: skip
    worse = Samples(
        vends + 1, delivered, failed + 1, min(unreadable, vends) + 1, 1e9, well + down + 1, well
    )

    assert 0 <= score(samples) <= 1
    assert score(worse) < score(samples)


def test_the_best_comes_first_and_names_decide_between_equals() -> None:
    assert ranked([("baxi", 0.5), ("vtpass", 0.9), ("airvend", 0.5)]) == {
        "vtpass": 1,
        "airvend": 2,
        "baxi": 3,
    }
