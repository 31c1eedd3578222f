"""Real keys never stand beside the sandbox."""

import pytest

from core.domain.live_keys import beside_sandbox, live_parts, looks_live

HERE = "http://127.0.0.1:8001/paystack"


@pytest.mark.parametrize(
    "key",
    [
        "sk_live_0123",
        "SK_LIVE_0123",
        "pk_live_0123",
        "rk_live_0123",
        "Bearer sk_live_0123",
        "FLWSECK-0123-X",
        "FLWPUBK-0123-X",
        "MK_PROD_0123",
        "whsec_0123",
    ],
)
def test_a_live_key_is_known_by_its_shape(key: str) -> None:
    assert looks_live(key)


@pytest.mark.parametrize(
    "key",
    [
        "sk_test_SIM",
        "FLWSECK_TEST-SIM-X",
        "FLWPUBK_TEST-SIM-X",
        "MK_TEST_SIM",
        "whsec_SIM",
        "SIM-vtpass-key",
        "a phrase with live in it",
        "",
    ],
)
def test_any_other_key_is_not(key: str) -> None:
    assert not looks_live(key)


def test_live_secrets_are_told_by_name_alone() -> None:
    told = live_parts({"api_key": "SIM", "secret_key": "sk_live_0123"})

    assert list(told) == ["secret_key"]
    assert "0123" not in told["secret_key"]


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        pytest.param({"PAYSTACK_SECRET_KEY": "sk_live_0123"}, "PAYSTACK_SECRET_KEY", id="shape"),
        pytest.param({"OTHER": "MK_PROD_0123"}, "OTHER", id="whatever it is called"),
        pytest.param({"PAYSTACK_SECRET_KEY": "sk_test_1"}, "PAYSTACK_BASE_URL", id="real host"),
        pytest.param(
            {"PAYSTACK_BASE_URL": "https://api.paystack.co"}, "PAYSTACK_BASE_URL", id="said so"
        ),
        pytest.param({"PAYSTACK_BASE_URL": "http://[::"}, "PAYSTACK_BASE_URL", id="no address"),
        pytest.param(
            {"PAYSTACK_BASE_URL": "http://127.0.0.1.real.example"}, "PAYSTACK_BASE_URL", id="alike"
        ),
        pytest.param(
            {"PAYSTACK_BASE_URL": HERE, "PAYSTACK_AUTH_URL": "https://auth.real.example"},
            "PAYSTACK_AUTH_URL",
            id="another address",
        ),
    ],
)
def test_what_may_not_stand_there_is_named_and_not_shown(
    variables: dict[str, str], named: str
) -> None:
    told = beside_sandbox(variables, ["paystack"])

    assert told is not None
    assert told.startswith(f"{named}: ")
    assert "0123" not in told


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])
def test_addresses_of_this_machine_may(host: str) -> None:
    assert beside_sandbox({"PAYSTACK_BASE_URL": f"http://{host}:9/x"}, ["paystack"]) is None


def test_with_no_keys_at_all_nothing_is_wrong() -> None:
    assert beside_sandbox({"HOME": "/root"}, []) is None
