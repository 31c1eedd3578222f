"""Mobile networks by country, and which of them first issued a number.

A prefix only suggests: numbers have moved between networks since 2013. Source: Nigeria's table is
what at least three of six published lists agree on (libphonenumber's carrier data, two production
systems, three directories), read 2026-11; prefixes with fewer voices are left out, and 0707, on
which sources disagree, as well.
"""

from core.kit.msisdn import Msisdn

NAMES = {"mtn": "MTN", "airtel": "Airtel", "glo": "Glo", "9mobile": "9mobile"}

_BY_COUNTRY: dict[str, tuple[str, ...]] = {"NG": ("mtn", "airtel", "glo", "9mobile")}

_PREFIXES: dict[str, str] = {
    "mtn": "703 704 706 803 806 810 813 814 816 903 906 913 916 7025 7026",
    "airtel": "701 708 802 808 812 901 902 907 912",
    "glo": "705 805 807 811 815 905 915",
    "9mobile": "809 817 818 908 909",
}
_NETWORK_OF = {
    "234" + prefix: network
    for network, prefixes in _PREFIXES.items()
    for prefix in prefixes.split()
}
_LONGEST = max(map(len, _NETWORK_OF))


def networks(country: str) -> tuple[str, ...]:
    """The networks that airtime is sold for in a country, most used first."""
    return _BY_COUNTRY.get(country, ())


def suggested(msisdn: Msisdn) -> str | None:
    """The network that first issued this number, or None when no table says."""
    for length in range(_LONGEST, 0, -1):
        if network := _NETWORK_OF.get(msisdn[:length]):
            return network
    return None
