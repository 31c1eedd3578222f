"""Which provider an order goes to, and which one may be asked after another: the rules.

Pure. Whether an earlier attempt is proven not to have happened is decided before, in
`core.domain.requery`: here it is only asked who may be next.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from core.domain.circuits import CircuitState
from core.domain.vending import Capabilities


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """How far a failover may go.

    Attributes:
        attempts_max: Attempts of one order, the first included.
        extra_cost_percent: How much more than at the first provider the same plan may cost.
        may_lose: Whether it may cost more than the customer pays.
    """

    attempts_max: int = 4
    extra_cost_percent: float = 5.0
    may_lose: bool = False


@dataclass(frozen=True, slots=True)
class PlanOffer:
    """A plan of ours as one provider sells it: under its own code, at its own price."""

    code: str
    cost_minor: int


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """A provider of the product that an order is for.

    Attributes:
        priority: Lower is asked first.
        active: Takes new orders; one that is drained does not.
        retry_attempts: How often it may be asked again when a request provably never left.
        circuit: As it stands now.
        score: 0 to 1, how well it has been doing; None where nothing is known.
        float_minor: Our money there, in the order's currency; None where it is not known.
        plan: The order's plan as it is sold there; None where the order has no plan, or it has not.
    """

    provider: str
    capabilities: Capabilities
    priority: int
    active: bool = True
    retry_attempts: int = 0
    circuit: CircuitState = CircuitState.CLOSED
    score: float | None = None
    float_minor: int | None = None
    plan: PlanOffer | None = None


class Again(StrEnum):
    """Whether the provider that was just asked may be asked once more."""

    NEVER = "never"  # it was really asked
    RETRY = "retry"  # the request never left: as often as its configuration says
    RENEW = "renew"  # we never tried: the reference had grown too old, or the account was changed


class Sought(msgspec.Struct, frozen=True, gc=False):
    """The order to be placed.

    Attributes:
        amount_minor: What the customer pays for the value: the face value, or the plan's price.
        plan: Our own name of the plan, or empty.
        tried: The providers of all attempts so far, in order, each proven not to have happened.
        again: Whether the last of them may be asked again.
    """

    amount_minor: int
    plan: str = ""
    tried: tuple[str, ...] = ()
    again: Again = Again.NEVER


_SCORE_UNKNOWN = 0.5


def choose(
    candidates: Iterable[Candidate], sought: Sought, rules: RoutingRules
) -> tuple[Candidate, ...]:
    """Those that may be asked, best first: by priority, then float known to be enough, then score.

    One that is half-open is among them: whether it is its turn is to be asked before it is used.
    """
    if len(sought.tried) >= rules.attempts_max:
        return ()
    known = tuple(candidates)
    cost_max = _cost_max(known, sought, rules)
    fit = (one for one in known if _takes(one, sought, cost_max) and _may_be_next(one, sought))
    return tuple(sorted(fit, key=_rank))


def _takes(one: Candidate, sought: Sought, cost_max: float) -> bool:
    """Whether it could serve this order now, as if nobody had been asked before."""
    if not one.active or one.circuit is CircuitState.OPEN:
        return False
    cost_minor = sought.amount_minor
    if sought.plan:
        if one.plan is None or one.plan.cost_minor > cost_max:
            return False
        cost_minor = one.plan.cost_minor
    return one.float_minor is None or one.float_minor >= cost_minor


def _may_be_next(one: Candidate, sought: Sought) -> bool:
    """Whether it may be asked after those that were tried.

    A provider that cannot be asked about our reference is never second: should its answer be lost,
    nobody could tell whether the customer has got the value.
    """
    if not sought.tried:
        return True
    if not one.capabilities.requery_by_reference or not one.capabilities.client_reference:
        return False
    times = sought.tried.count(one.provider)
    if not times:
        return one.capabilities.failover_target
    if one.provider != sought.tried[-1]:
        return False
    match sought.again:
        case Again.NEVER:
            return False
        case Again.RETRY:
            return times <= one.retry_attempts
        case Again.RENEW:
            return True


def _cost_max(known: tuple[Candidate, ...], sought: Sought, rules: RoutingRules) -> float:
    """The most that the plan may cost; nothing at all where the first attempt's cost is unknown."""
    if not sought.tried:
        return math.inf
    first = next((one.plan for one in known if one.provider == sought.tried[0]), None)
    if first is None:
        return -math.inf
    cost_max = first.cost_minor * (100 + rules.extra_cost_percent) / 100
    return cost_max if rules.may_lose else min(cost_max, sought.amount_minor)


def _rank(one: Candidate) -> tuple[int, bool, float]:
    score = _SCORE_UNKNOWN if one.score is None else one.score
    return one.priority, one.float_minor is None, -score
