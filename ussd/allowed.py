"""The addresses that a channel takes requests from, where its settings list any."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache

import structlog

log = structlog.get_logger()

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_allowed(settings: Mapping[str, object], address: str | None) -> bool:
    """May this address use the channel? Yes where `allowed_ips` is absent.

    `allowed_ips` is a list of addresses and networks (`["198.51.100.7", "203.0.113.0/24"]`). What
    cannot be read allows nobody: a slip in a guard must not open the gate.
    """
    listed = settings.get("allowed_ips")
    if listed is None:
        return True
    if address is None or not isinstance(listed, list | tuple):
        return False
    try:
        caller = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(caller, ipaddress.IPv6Address) and caller.ipv4_mapped:
        caller = caller.ipv4_mapped
    return any(caller in network for network in _networks(tuple(map(str, listed))))


@lru_cache(maxsize=256)
def _networks(listed: tuple[str, ...]) -> tuple[_Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in listed)
    except ValueError:
        log.warning("ussd.allowed_ips_unreadable", listed=listed)
        return ()
