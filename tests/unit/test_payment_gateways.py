"""Which payment gateways collect, and in which order."""

import pytest

from core.app.outside import collecting as _collecting
from core.settings import BadSettings, Settings


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLBOX_PAYMENT_GATEWAYS", raising=False)


def test_those_with_keys_collect_in_the_order_of_the_registry() -> None:
    assert _collecting(Settings()) == ("paystack", "flutterwave", "monnify", "stripe")


def test_the_setting_says_who_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others come last: what was begun with them is still seen through."""
    monkeypatch.setenv("CALLBOX_PAYMENT_GATEWAYS", " Monnify, stripe,monnify")

    assert _collecting(Settings()) == ("monnify", "stripe", "paystack", "flutterwave")


@pytest.mark.parametrize(
    ("environment", "named", "said"),
    [
        ("demo", "paypal", "no gateway 'paypal'"),
        ("production", "monnify", "monnify has no key"),
    ],
)
def test_a_gateway_that_cannot_collect_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, environment: str, named: str, said: str
) -> None:
    monkeypatch.setenv("CALLBOX_ENV", environment)
    monkeypatch.setenv("CALLBOX_PAYMENT_GATEWAYS", named)

    with pytest.raises(BadSettings, match=said):
        _collecting(Settings())
