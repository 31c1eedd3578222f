"""When an intent is looked at again, and when a link is asked for again."""

import datetime as dt
from dataclasses import replace

import pytest

from core.kit import ids
from core.kit.money import Money
from core.ports import Intent, PaymentState
from core.services.funding import FundingRules

NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
RULES = FundingRules(amount_min_minor=1, amount_max_minor=2)
INTENT = Intent(
    id=ids.uuid7(),
    tenant_id=ids.uuid7(),
    customer_id=ids.uuid7(),
    gateway="paystack",
    reference="CB1",
    amount=Money(500_00, "NGN"),
    state="open",
    url=None,
    checks=1,
    created_at=NOON,
)
PAID = replace(INTENT, state="paid")
DAY_S = 86_400
HALF_AN_HOUR_S = 1800


def after(seconds: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("intent", "found", "age_s", "next_s"),
    [
        pytest.param(INTENT, PaymentState.OPEN, 0, 60, id="new"),
        pytest.param(INTENT, PaymentState.OPEN, 60, 300, id="at the first age"),
        pytest.param(INTENT, PaymentState.DEAD, 61, 300, id="dead: another try may come"),
        pytest.param(INTENT, PaymentState.UNKNOWN, 61, 300, id="not asked, as planned"),
        pytest.param(INTENT, PaymentState.OPEN, 3 * DAY_S, None, id="too old"),
        pytest.param(
            INTENT, PaymentState.UNKNOWN, 9 * DAY_S, 9 * DAY_S + HALF_AN_HOUR_S, id="old, not asked"
        ),
        pytest.param(
            replace(INTENT, checks=40), PaymentState.UNKNOWN, 9 * DAY_S, None, id="looked enough"
        ),
        pytest.param(PAID, PaymentState.OPEN, 0, None, id="paid"),
        pytest.param(PAID, PaymentState.UNKNOWN, 0, 60, id="paid, not asked"),
    ],
)
def test_the_next_look(
    intent: Intent, found: PaymentState, age_s: float, next_s: float | None
) -> None:
    expected = None if next_s is None else after(next_s)
    assert RULES.next_look(intent, found, after(age_s)) == expected


@pytest.mark.parametrize(
    ("age_s", "wait_s"), [(0, 2), (2, 2), (8, 8), (500, 300), (899, 300), (900, None)]
)
def test_a_link_is_asked_for_in_growing_steps_and_then_given_up(
    age_s: float, wait_s: float | None
) -> None:
    expected = None if wait_s is None else after(age_s + wait_s)
    assert RULES.next_link_try(INTENT, after(age_s)) == expected
