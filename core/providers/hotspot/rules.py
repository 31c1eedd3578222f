"""How a router is spoken to: connections, patience, requests. Seconds unless a name says more."""

from dataclasses import dataclass, field

from core.domain.circuits import CircuitRules
from core.providers.hotspot.budget import BudgetRules
from core.providers.hotspot.replies import LARGE, PROBE, SMALL, Bounds


@dataclass(frozen=True, slots=True)
class Rules:
    """The defaults are those of production.

    Attributes:
        connections_max: To one router; all but one of them for what is not paid, and
            `connections_bulk` for what can wait: its requests of a minute need no more. RouterOS
            lets in 20 in all, other processes' among them.
        idle_s: How long one is kept that nobody uses; `age_s` how long at all.
        probe_after_s: One that was idle for so long is asked something harmless first: a network
            may have forgotten it.
        within_s: How long one order or question may take in all; `within_large_s` a large one.
        attempts: Of what is safe to repeat; `backoff_s` before the second, twice that before the
            third.
        barred_s: How long nobody is asked again that refused our password.
        keep_s: How long what was read counts as fresh.
    """

    connections_max: int = 10
    connections_bulk: int = 2
    idle_s: float = 300.0
    age_s: float = 3600.0
    probe_after_s: float = 45.0
    connect_s: float = 5.0
    within_s: float = 20.0
    within_large_s: float = 75.0
    attempts: int = 3
    backoff_s: float = 0.25
    barred_s: float = 60.0
    keep_s: float = 30.0
    small: Bounds = SMALL
    large: Bounds = LARGE
    probe: Bounds = PROBE
    budget: BudgetRules = field(default_factory=BudgetRules)
    circuit: CircuitRules = field(default_factory=lambda: circuit_of(30.0))


def circuit_of(open_s: float) -> CircuitRules:
    """Five failures in a row leave a router alone for so long; one answer has it asked again."""
    return CircuitRules(failures_to_open=5, open_s=open_s, successes_to_close=1)
