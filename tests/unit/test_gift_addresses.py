"""Where somebody comes from, as far as what one may do is bounded by it."""

import pytest
from starlette.requests import Request

from bots.forms import network_of


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (("105.112.8.9", 1), "105.112.8.9"),
        (("2c0f:f5c0:1:2:3:4:5:6", 1), "2c0f:f5c0:1:2::/64"),
        (("2c0f:f5c0:1:2:ffff::", 1), "2c0f:f5c0:1:2::/64"),
        (("::ffff:105.112.8.9", 1), "105.112.8.9"),
        (("a socket", 1), "a socket"),
        (None, ""),
    ],
)
def test_one_household_is_one_address(client: tuple[str, int] | None, network: str) -> None:
    request = Request({"type": "http", "headers": [], "client": client})

    assert network_of(request) == network
