"""When a provider gets no new orders because it keeps failing, and how it earns them back.

Pure: a circuit as it stands, what happened, and the time give the circuit as it stands then. Times
are whole milliseconds since 1970 by our own clocks.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from core.domain.vending import Blame, Outcome, Product, Result


class CircuitState(StrEnum):
    CLOSED = "closed"  # orders go through
    OPEN = "open"  # no order goes through
    HALF_OPEN = "half_open"  # one order at a time goes through, to see how it fares


class CircuitKey(NamedTuple):
    """What fails together: what one tenant buys of one provider."""

    tenant_id: UUID
    product: Product
    provider: str


@dataclass(frozen=True, slots=True)
class CircuitRules:
    """How many failures in a row open a circuit, for how long, and what closes it again."""

    failures_to_open: int = 5
    open_s: float = 300.0
    successes_to_close: int = 3


@dataclass(frozen=True, slots=True)
class Circuit:
    """A circuit as it was last changed.

    Attributes:
        failures: In a row, while closed.
        successes: In a row, while half-open.
        since_ms: When it came into this state.
        probe_until_ms: While half-open, until when the one that was let through is waited for.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    successes: int = 0
    since_ms: int = 0
    probe_until_ms: int = 0

    @property
    def at_rest(self) -> bool:
        """Nothing is held against it: it need not be remembered."""
        return self.state is CircuitState.CLOSED and not self.failures


AT_REST = Circuit()


def state_at(circuit: Circuit, rules: CircuitRules, now_ms: int) -> CircuitState:
    """How it stands now: an open one becomes half-open by waiting alone."""
    if circuit.state is CircuitState.OPEN and now_ms >= circuit.since_ms + rules.open_s * 1000:
        return CircuitState.HALF_OPEN
    return circuit.state


def let_through(
    circuit: Circuit, rules: CircuitRules, now_ms: int, probe_s: float
) -> Circuit | None:
    """Let one order through a half-open circuit; None when it is not its turn.

    `probe_s`: how long its outcome is waited for before another may go. A closed circuit lets all
    through and is left as it is.
    """
    state = state_at(circuit, rules, now_ms)
    if state is CircuitState.CLOSED:
        return circuit
    if state is CircuitState.OPEN or now_ms < circuit.probe_until_ms:
        return None
    if circuit.state is CircuitState.OPEN:
        circuit = Circuit(CircuitState.HALF_OPEN, since_ms=now_ms)
    return replace(circuit, probe_until_ms=now_ms + round(probe_s * 1000))


def given_back(circuit: Circuit, probe_until_ms: int) -> Circuit:
    """The order that was let through was never made: the next may go."""
    if circuit.state is CircuitState.HALF_OPEN and circuit.probe_until_ms == probe_until_ms:
        return replace(circuit, probe_until_ms=0)
    return circuit


def after(
    circuit: Circuit, rules: CircuitRules, now_ms: int, *, well: bool, sent_ms: int
) -> Circuit:
    """The circuit once an order sent at `sent_ms` went well or not.

    What was sent before it opened, or before it became half-open, tells nothing of the provider as
    it is now.
    """
    match circuit.state:
        case CircuitState.OPEN:
            return circuit
        case CircuitState.CLOSED if well:
            return AT_REST
        case CircuitState.CLOSED:
            if circuit.failures + 1 >= rules.failures_to_open:
                return Circuit(CircuitState.OPEN, since_ms=now_ms)
            return replace(circuit, failures=circuit.failures + 1)
        case CircuitState.HALF_OPEN:
            if sent_ms < circuit.since_ms:
                return circuit
            if not well:
                return Circuit(CircuitState.OPEN, since_ms=now_ms)
            if circuit.successes + 1 >= rules.successes_to_close:
                return AT_REST
            return replace(circuit, successes=circuit.successes + 1, probe_until_ms=0)


def went_well(outcome: Outcome) -> bool | None:
    """What an answer to a vend says of whoever gave it; None where it says nothing either way.

    A refusal that is the order's own fault comes from a provider that works. One that is ours to
    mend (our float, our keys) would meet the next order as well. That an order failed in the end
    says that it was dealt with, not that the next will be.
    """
    match outcome.result:
        case Result.DELIVERED | Result.ACCEPTED:
            return True
        case Result.REFUSED:
            return not outcome.never_sent and outcome.blame is not Blame.OURS
        case Result.UNKNOWN:
            return False
        case Result.FAILED | Result.REVERSED | Result.NOT_FOUND:
            return None
