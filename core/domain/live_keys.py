"""What must never stand beside the sandbox: keys that move real money, and the hosts they open.

Sources: how Paystack and Stripe (`sk_live_`, `rk_live_`), Flutterwave (`FLWSECK-` where its test
keys have `FLWSECK_TEST-`) and Monnify (`MK_PROD_`) begin their keys. The other providers' keys tell
nothing, so there the address decides: the sandbox is on this machine and nowhere else.
"""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

_LIVE = re.compile(r"(sk|pk|rk)_live_|FLW(SECK|PUBK)-|MK_PROD_", re.IGNORECASE)
# A webhook secret of Stripe's looks alike in test and live mode: only made-up ones say otherwise.
_EITHER = re.compile(r"whsec_(?!.*(sim|test))", re.IGNORECASE)
_HERE = "should be an address of this machine while the sandbox is on (CALLBOX_SANDBOX=off ends it)"
_KEY = "looks like a live key, and the sandbox is on (CALLBOX_SANDBOX=off ends it)"


def looks_live(value: str) -> bool:
    """Whether a credential has the shape of one that moves real money."""
    bare = value.strip().removeprefix("Bearer ").strip()
    return bool(_LIVE.match(bare) or _EITHER.match(bare))


def live_parts(secrets: Mapping[str, str]) -> Mapping[str, str]:
    """Those of these secrets that look live, by name, and what is wrong; never what they are."""
    return {name: _KEY for name, value in secrets.items() if looks_live(value)}


def beside_sandbox(environment: Mapping[str, str], adapters: Iterable[str]) -> str | None:
    """The first variable that may not stand beside the sandbox, and why; None when all may.

    Args:
        environment: All variables.
        adapters: The names of the adapters that keys in the environment are for. Each needs its
            base URL there too: an adapter's own default is its real host.
    """
    for name, value in sorted(environment.items()):
        if looks_live(value):
            return f"{name}: {_KEY}"
    for adapter in adapters:
        variable = f"{adapter.upper()}_BASE_URL"
        if not _is_here(environment.get(variable, "")):
            return f"{variable}: {_HERE}"
        other = f"{adapter.upper()}_AUTH_URL"
        if other in environment and not _is_here(environment[other]):
            return f"{other}: {_HERE}"
    return None


def _is_here(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
