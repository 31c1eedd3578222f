"""What an answer means for an order, as a table."""

import datetime as dt
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.orders import DueOrder, OrderState, Verdict
from core.domain.requery import ACCOUNT_GONE, GRACE_S, STALE_REFERENCE, Policy, decide
from core.domain.routing import Again
from core.domain.vending import Blame, Outcome, Product, Result
from core.kit.msisdn import Msisdn

NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
POLICY = Policy()
QUARANTINE_S = 120.0
RELEASING = {Verdict.REFUND, Verdict.NEXT}


def due(
    *,
    state: OrderState = OrderState.HELD,
    first_send: bool = True,
    sent_s_ago: float = 0,
    not_found_s_ago: float | None = None,
    checks: int = 0,
    deadline_in_s: float = 86_400,
) -> DueOrder:
    def ago(seconds: float) -> dt.datetime:
        return NOW - dt.timedelta(seconds=seconds)

    return DueOrder(
        order_id=UUID(int=1),
        tenant_id=UUID(int=2),
        customer_id=UUID(int=3),
        reference="ABC",
        product=Product.AIRTIME,
        network="mtn",
        recipient=Msisdn("2348031234567"),
        amount_minor=500_00,
        fee_minor=0,
        currency="NGN",
        state=state,
        created_at=ago(sent_s_ago),
        deadline_at=ago(-deadline_in_s),
        attempt_id=UUID(int=4),
        attempt_number=1,
        provider="vtpass",
        provider_reference="202603011200abc",
        first_send=first_send,
        sent_at=ago(sent_s_ago),
        last_result=None,
        not_found_since=None if not_found_s_ago is None else ago(not_found_s_ago),
        checks=checks,
    )


def ruled(order: DueOrder, result: Result, *, vended: bool, blame: Blame = Blame.NONE) -> Verdict:
    outcome = Outcome(result, reason="test", blame=blame)
    return decide(
        order,
        outcome,
        vended=vended,
        quarantine_s=QUARANTINE_S,
        policy=POLICY,
        asked_at=NOW,
        now=NOW,
    ).verdict


@pytest.mark.parametrize(
    ("order", "result", "vended", "verdict"),
    [
        pytest.param(due(), Result.DELIVERED, True, Verdict.CAPTURE, id="delivered at once"),
        pytest.param(due(), Result.REFUSED, True, Verdict.REFUND, id="refused the first call"),
        pytest.param(due(), Result.FAILED, True, Verdict.REFUND, id="failed"),
        pytest.param(due(), Result.REVERSED, True, Verdict.REFUND, id="reversed at once"),
        pytest.param(due(), Result.ACCEPTED, True, Verdict.WAIT, id="accepted"),
        pytest.param(due(), Result.UNKNOWN, True, Verdict.WAIT, id="a timeout is no failure"),
        pytest.param(
            due(first_send=False), Result.REFUSED, False, Verdict.WAIT,
            id="a refused requery says nothing of the vend",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=5), Result.NOT_FOUND, False, Verdict.WAIT,
            id="not found at once may still be on its way",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=300), Result.NOT_FOUND, False, Verdict.WAIT,
            id="not found once",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=300, not_found_s_ago=30), Result.NOT_FOUND, False,
            Verdict.WAIT, id="not found twice too close together",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=90, not_found_s_ago=70), Result.NOT_FOUND, False,
            Verdict.WAIT, id="not found twice within the quarantine",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=300, not_found_s_ago=70), Result.NOT_FOUND, False,
            Verdict.REFUND, id="not found twice after the quarantine",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=90_000, deadline_in_s=-1), Result.UNKNOWN, False,
            Verdict.PAY_BACK, id="unknown at the deadline",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=90_000, deadline_in_s=-1), Result.DELIVERED, False,
            Verdict.CAPTURE, id="delivered after the deadline but before pay back",
        ),
        pytest.param(
            due(state=OrderState.PAID_BACK, first_send=False), Result.DELIVERED, False,
            Verdict.BOOK_LOSS, id="delivered after it was paid back",
        ),
        pytest.param(
            due(state=OrderState.PAID_BACK, first_send=False), Result.FAILED, False,
            Verdict.CLEAR, id="failed after it was paid back",
        ),
        pytest.param(
            due(state=OrderState.PAID_BACK, first_send=False), Result.UNKNOWN, False,
            Verdict.WAIT, id="still unknown after it was paid back",
        ),
        pytest.param(
            due(state=OrderState.DELIVERED, first_send=False), Result.REVERSED, False,
            Verdict.TAKE_BACK, id="reversed after delivery",
        ),
        pytest.param(
            due(state=OrderState.DELIVERED, first_send=False), Result.DELIVERED, False,
            Verdict.KEEP, id="delivered stays delivered",
        ),
        pytest.param(
            due(state=OrderState.DELIVERED, first_send=False), Result.UNKNOWN, False,
            Verdict.WAIT, id="a late signal is asked about until the answer is clear",
        ),
        pytest.param(
            due(state=OrderState.DELIVERED, first_send=False), Result.FAILED, False,
            Verdict.WAIT, id="failed after delivery is a contradiction",
        ),
        pytest.param(
            due(state=OrderState.DELIVERED, first_send=False, deadline_in_s=-200_000),
            Result.UNKNOWN, False,
            Verdict.KEEP, id="a late signal is not asked about for ever",
        ),
        pytest.param(
            due(state=OrderState.REFUNDED, first_send=False), Result.DELIVERED, False,
            Verdict.CAPTURE, id="delivered after the refund is our loss and is booked",
        ),
        pytest.param(
            due(state=OrderState.REFUNDED, first_send=False), Result.FAILED, False,
            Verdict.KEEP, id="refunded stays refunded",
        ),
    ],
)  # fmt: skip
def test_a_verdict_follows_from_order_and_answer(
    order: DueOrder, result: Result, vended: bool, verdict: Verdict
) -> None:
    assert ruled(order, result, vended=vended) is verdict


@pytest.mark.parametrize(
    "order",
    [
        pytest.param(
            due(first_send=False, sent_s_ago=QUARANTINE_S + 5, not_found_s_ago=70),
            id="asked within the quarantine",
        ),
        pytest.param(
            due(first_send=False, sent_s_ago=300, not_found_s_ago=POLICY.not_found_apart_s + 5),
            id="asked too close to the first",
        ),
    ],
)
def test_not_found_proves_nothing_of_what_came_after_the_question(order: DueOrder) -> None:
    outcome = Outcome(Result.NOT_FOUND, reason="test")
    decisions = [
        decide(
            order, outcome, vended=False, quarantine_s=QUARANTINE_S, policy=POLICY,
            asked_at=NOW - dt.timedelta(seconds=late_s), now=NOW,
        )
        for late_s in (0, 10)
    ]  # fmt: skip
    assert [decision.verdict for decision in decisions] == [Verdict.REFUND, Verdict.WAIT]
    assert decisions[1].check_at == NOW + dt.timedelta(seconds=1)


def test_the_quarantine_counts_all_that_may_keep_an_order_under_way() -> None:
    policy = Policy(send_within_s=10)
    assert policy.quarantine_s(30, 120) == 10 + 30 + GRACE_S + 120
    assert Policy(send_within_s=10, settle_s=2).quarantine_s(30, 120) == 10 + 30 + GRACE_S + 2


@given(
    result=st.sampled_from([Result.UNKNOWN, Result.ACCEPTED]),
    vended=st.booleans(),
    first_send=st.booleans(),
    sent_s_ago=st.floats(0, 100_000),
    checks=st.integers(0, 1000),
    deadline_in_s=st.floats(-100, 86_400),
)
def test_doubt_never_lets_the_money_go_as_a_refund(
    result: Result,
    vended: bool,
    first_send: bool,
    sent_s_ago: float,
    checks: int,
    deadline_in_s: float,
) -> None:
    order = due(
        first_send=first_send, sent_s_ago=sent_s_ago, checks=checks, deadline_in_s=deadline_in_s
    )
    assert ruled(order, result, vended=vended) not in RELEASING


@given(checks=st.integers(0, 1000), sent_s_ago=st.floats(0, 3600))
def test_waiting_always_ends(checks: int, sent_s_ago: float) -> None:
    order = due(first_send=False, sent_s_ago=sent_s_ago, checks=checks)
    outcome = Outcome(Result.UNKNOWN, reason="test")
    decision = decide(
        order,
        outcome,
        vended=False,
        quarantine_s=QUARANTINE_S,
        policy=POLICY,
        asked_at=NOW,
        now=NOW,
    )
    assert decision.check_at is not None
    assert NOW < decision.check_at <= order.deadline_at


def test_a_provider_that_names_a_wait_is_asked_then() -> None:
    outcome = Outcome(Result.ACCEPTED, reason="test", check_after_s=20)
    decision = decide(
        due(), outcome, vended=True, quarantine_s=QUARANTINE_S, policy=POLICY, asked_at=NOW, now=NOW
    )
    assert decision.check_at == NOW + dt.timedelta(seconds=20)


def test_an_order_that_is_wrong_itself_is_tried_nowhere_else() -> None:
    outcome = Outcome(Result.REFUSED, reason="test", blame=Blame.ORDER)
    decision = decide(
        due(), outcome, vended=True, quarantine_s=QUARANTINE_S, policy=POLICY, asked_at=NOW, now=NOW
    )
    assert not decision.elsewhere


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        pytest.param(STALE_REFERENCE, Again.RENEW, id="nobody was asked: too old"),
        pytest.param(ACCOUNT_GONE, Again.RENEW, id="nobody was asked: no account"),
        pytest.param(
            Outcome(Result.REFUSED, "not_sent", blame=Blame.OURS, never_sent=True),
            Again.RETRY,
            id="the request never left",
        ),
        pytest.param(
            Outcome(Result.REFUSED, "018", blame=Blame.OURS), Again.NEVER, id="they refused"
        ),
        pytest.param(Outcome(Result.FAILED, "016"), Again.NEVER, id="it failed there"),
    ],
)
def test_the_same_provider_is_asked_again_only_where_it_was_not_asked(
    outcome: Outcome, again: Again
) -> None:
    decision = decide(
        due(), outcome, vended=True, quarantine_s=QUARANTINE_S, policy=POLICY, asked_at=NOW, now=NOW
    )

    assert (decision.verdict, decision.elsewhere, decision.again) == (Verdict.REFUND, True, again)


def test_past_the_deadline_nobody_else_is_asked() -> None:
    late = due(deadline_in_s=0)
    refused = Outcome(Result.REFUSED, "018", blame=Blame.OURS)
    decision = decide(
        late, refused, vended=True, quarantine_s=QUARANTINE_S, policy=POLICY, asked_at=NOW, now=NOW
    )

    assert (decision.verdict, decision.elsewhere) == (Verdict.REFUND, False)
