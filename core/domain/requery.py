"""What an answer means for an order: the rules that keep value from being delivered twice.

Pure: an order as it stands, one answer, the time, and the policy give one verdict.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol, assert_never

import msgspec

from core.domain.orders import OrderState, Verdict
from core.domain.routing import Again
from core.domain.vending import Blame, Outcome, Result

STALE_REFERENCE = Outcome(
    Result.REFUSED, reason="stale_reference", blame=Blame.OURS, never_sent=True
)
"""Nobody was asked: the reference had waited until the provider would not take it any more."""
ACCOUNT_GONE = Outcome(Result.REFUSED, reason="account_gone", blame=Blame.OURS, never_sent=True)
"""Nobody was asked: nothing is known any more of the account that was to be."""
GRACE_S = 5.0
"""Past a provider's own timeout, for its adapter to answer rather than be cut off."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient to be, in seconds.

    Attributes:
        schedule_s: Waits between requeries; the last is repeated until the deadline.
        not_found_apart_s: Two NOT_FOUND answers must lie this far apart to be believed.
        settle_s: How long a request may still be under way inside a provider, on top of our own
            timeout; None takes each provider's own figure.
        paid_back_every_s: How often to ask about an order that was paid back.
        late_every_s, late_for_s: How often, and how long past its deadline, to ask about a final
            order that a signal came for.
        send_within_s: How long after "about to send" was asked to be committed a request may still
            leave. Past that nobody else can tell that it has not left yet.
    """

    schedule_s: tuple[float, ...] = (5, 15, 30, 60, 120, 300, 600, 1200, 900)
    not_found_apart_s: float = 60.0
    settle_s: float | None = None
    paid_back_every_s: float = 3600.0
    late_every_s: float = 300.0
    late_for_s: float = 2 * 86_400.0
    send_within_s: float = 10.0

    def quarantine_s(self, timeout_s: float, processing_max_s: float) -> float:
        """How long after "about to send" it proves nothing that a provider knows of no such order.

        The request may leave late, be prepared until it is cut off, and then be under way inside.
        """
        settle_s = processing_max_s if self.settle_s is None else self.settle_s
        return self.send_within_s + timeout_s + GRACE_S + settle_s

    def wait_s(self, checks: int) -> float:
        """The wait after the given number of requeries."""
        return self.schedule_s[min(checks, len(self.schedule_s) - 1)]


class Doubt(Protocol):
    """As much of an order, or of a payout, as these rules look at: see `DueOrder`."""

    @property
    def state(self) -> OrderState: ...
    @property
    def first_send(self) -> bool: ...
    @property
    def sent_at(self) -> dt.datetime: ...
    @property
    def not_found_since(self) -> dt.datetime | None: ...
    @property
    def checks(self) -> int: ...
    @property
    def deadline_at(self) -> dt.datetime: ...


class Decision(msgspec.Struct, frozen=True, gc=False):
    """A verdict, and when to ask again where it needs that.

    `elsewhere`: the order itself is fine and the attempt is proven not to have happened, so
    another provider may be asked; `again`: whether the same one may be.
    """

    verdict: Verdict
    check_at: dt.datetime | None = None
    elsewhere: bool = False
    again: Again = Again.NEVER


def decide(
    due: Doubt,
    outcome: Outcome,
    *,
    vended: bool,
    quarantine_s: float,
    policy: Policy,
    asked_at: dt.datetime,
    now: dt.datetime,
) -> Decision:
    """Rule on one answer.

    Args:
        due: The order as it was leased.
        outcome: The answer.
        vended: The answer is the vend's own; False for a requery.
        quarantine_s: How long after sending "no such order" proves nothing.
        policy: How patient to be.
        asked_at: The time of the question: "no such order" says nothing of what came after it.
        now: The time of the answer.
    """
    meaning = _meaning(
        due, outcome, vended=vended, quarantine_s=quarantine_s, policy=policy, asked_at=asked_at
    )
    if due.state in {OrderState.DELIVERED, OrderState.REFUNDED}:
        return _late(due, meaning, policy, now)
    if due.state is OrderState.PAID_BACK:
        return _after_pay_back(meaning, policy, now)
    match meaning:
        case Result.DELIVERED:
            return Decision(Verdict.CAPTURE)
        case Result.REFUSED | Result.FAILED | Result.REVERSED | Result.NOT_FOUND:
            elsewhere = outcome.blame is not Blame.ORDER and now < due.deadline_at
            return Decision(Verdict.REFUND, elsewhere=elsewhere, again=_again(outcome))
        case Result.ACCEPTED | Result.UNKNOWN:
            return _wait(due, outcome, quarantine_s=quarantine_s, policy=policy, now=now)
        case _:
            assert_never(meaning)


def _again(outcome: Outcome) -> Again:
    if outcome in (STALE_REFERENCE, ACCOUNT_GONE):
        return Again.RENEW
    return Again.RETRY if outcome.never_sent else Again.NEVER


def _meaning(
    due: Doubt,
    outcome: Outcome,
    *,
    vended: bool,
    quarantine_s: float,
    policy: Policy,
    asked_at: dt.datetime,
) -> Result:
    """The class of the answer, once what it does not prove is taken off it."""
    if outcome.result is Result.REFUSED and not (vended and due.first_send):
        return Result.UNKNOWN  # It refused this call; an earlier one may have been served.
    if outcome.result is Result.NOT_FOUND:
        settled = asked_at >= due.sent_at + dt.timedelta(seconds=quarantine_s)
        apart = dt.timedelta(seconds=policy.not_found_apart_s)
        twice = due.not_found_since is not None and asked_at >= due.not_found_since + apart
        return Result.NOT_FOUND if settled and twice else Result.UNKNOWN
    return outcome.result


def _wait(
    due: Doubt, outcome: Outcome, *, quarantine_s: float, policy: Policy, now: dt.datetime
) -> Decision:
    if now >= due.deadline_at:
        return Decision(Verdict.PAY_BACK, now + dt.timedelta(seconds=policy.paid_back_every_s))
    if outcome.result is Result.NOT_FOUND:
        since = due.not_found_since or now
        check_at = max(
            due.sent_at + dt.timedelta(seconds=quarantine_s),
            since + dt.timedelta(seconds=policy.not_found_apart_s),
            now + dt.timedelta(seconds=1),
        )
    else:
        wait_s = outcome.check_after_s or policy.wait_s(due.checks)
        check_at = now + dt.timedelta(seconds=wait_s)
    return Decision(Verdict.WAIT, min(check_at, max(due.deadline_at, now)))


def _late(due: Doubt, meaning: Result, policy: Policy, now: dt.datetime) -> Decision:
    """A final order is looked at again because a signal came late: only a clear answer ends that.

    FAILED of what was delivered is a contradiction, and no clear answer.
    """
    if due.state is OrderState.DELIVERED and meaning is Result.REVERSED:
        return Decision(Verdict.TAKE_BACK)
    if due.state is OrderState.REFUNDED and meaning is Result.DELIVERED:
        return Decision(Verdict.CAPTURE)
    agrees = (
        meaning is Result.DELIVERED
        if due.state is OrderState.DELIVERED
        else meaning in {Result.REFUSED, Result.FAILED, Result.REVERSED, Result.NOT_FOUND}
    )
    if agrees or now >= due.deadline_at + dt.timedelta(seconds=policy.late_for_s):
        return Decision(Verdict.KEEP)
    return Decision(Verdict.WAIT, now + dt.timedelta(seconds=policy.late_every_s))


def _after_pay_back(meaning: Result, policy: Policy, now: dt.datetime) -> Decision:
    match meaning:
        case Result.DELIVERED:
            return Decision(Verdict.BOOK_LOSS)
        case Result.REFUSED | Result.FAILED | Result.REVERSED | Result.NOT_FOUND:
            return Decision(Verdict.CLEAR)
        case Result.ACCEPTED | Result.UNKNOWN:
            return Decision(Verdict.WAIT, now + dt.timedelta(seconds=policy.paid_back_every_s))
        case _:
            assert_never(meaning)
