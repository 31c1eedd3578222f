"""Counters of this process, for Prometheus: what providers answered, how fast, what came of orders.

The labels are few: products, results, and names of providers, of which the first fifty have a label
of their own. No tenant, no customer, no reference.
"""

from functools import cache

from prometheus_client import Counter, Histogram

from core.domain.orders import DueOrder, OrderState
from core.domain.vending import Outcome

OTHERS = "other"
_NAMES_MAX = 50

_ANSWERS = Counter(
    "callbox_vend_answers",
    "Answers of providers, by what was asked (vend, requery) and the class of the answer.",
    ["product", "provider", "asked", "result"],
)
_SECONDS = Histogram(
    "callbox_vend_seconds",
    "From asking a provider to vend to its answer.",
    ["product", "provider"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120),
)
_ORDERS = Counter(
    "callbox_orders", "Orders that came to an end.", ["product", "provider", "result"]
)

# Labels are few, and looking one up by its names costs more than counting.
_answers, _seconds, _orders = cache(_ANSWERS.labels), cache(_SECONDS.labels), cache(_ORDERS.labels)

_named: set[str] = set()


def provider_label(name: str) -> str:
    """The name, or `other` once there are too many: operators choose names freely."""
    if name not in _named and len(_named) >= _NAMES_MAX:
        return OTHERS
    _named.add(name)
    return name


def answered(
    due: DueOrder, outcome: Outcome, state: OrderState, took_s: float, *, vended: bool
) -> None:
    """A provider answered, and the order stands there now."""
    product, provider = due.product, provider_label(due.provider)
    asked = "vend" if vended else "requery"
    _answers(product, provider, asked, outcome.result).inc()
    if vended:
        _seconds(product, provider).observe(took_s)
    if state.final and not due.state.final:
        _orders(product, provider, state).inc()
