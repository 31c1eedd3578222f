"""Figures of different files that must agree."""

from core.app import ORDERS_AT_ONCE
from core.providers.http import CONNECTIONS_MAX


def test_no_order_waits_in_line_for_a_connection() -> None:
    """The wait would count as a provider's silence, and open the circuit of one that is well."""
    assert CONNECTIONS_MAX >= 2 * ORDERS_AT_ONCE
