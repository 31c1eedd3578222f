"""Which network a number suggests."""

import pytest

from core.domain.networks import NAMES, networks, suggested
from core.kit.msisdn import Msisdn, parse_msisdn

# First issued by, as at least three published lists agree.
_ISSUED = {
    "mtn": "0703 0704 0706 0803 0806 0810 0813 0814 0816 0903 0906 0913 0916 07025 07026",
    "airtel": "0701 0708 0802 0808 0812 0901 0902 0907 0912",
    "glo": "0705 0805 0807 0811 0815 0905 0915",
    "9mobile": "0809 0817 0818 0908 0909",
}


@pytest.mark.parametrize(
    ("prefix", "network"),
    [(prefix, network) for network, listed in _ISSUED.items() for prefix in listed.split()],
)
def test_a_prefix_suggests_the_network_that_first_issued_it(prefix: str, network: str) -> None:
    number = parse_msisdn(prefix.ljust(11, "1"), "NG")

    assert suggested(number) == network


@pytest.mark.parametrize(
    "msisdn",
    [
        pytest.param("2347071234567", id="0707: sources disagree"),
        pytest.param("2349041234567", id="0904: two voices only"),
        pytest.param("2349111234567", id="0911: two voices only"),
        pytest.param("2347021234567", id="0702 belongs to several"),
        pytest.param("2348041234567", id="0804: gone"),
        pytest.param("233241234567", id="another country"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_no_table_says_is_left_to_the_customer(msisdn: str) -> None:
    assert suggested(Msisdn(msisdn)) is None


def test_every_network_has_a_name() -> None:
    assert set(networks("NG")) == set(NAMES) == set(_ISSUED)
    assert networks("GH") == ()
