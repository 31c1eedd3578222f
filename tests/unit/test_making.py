"""From a configuration to an adapter: fields in the adapter's words, nothing from elsewhere."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import cast
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field

from core.domain.providers import BadConfiguration, ConfigKey, ProviderConfig, UnknownProvider
from core.domain.vending import Product
from core.kit.errors import Problem
from core.providers.addresses import Reach
from core.providers.values import NO_ENVIRONMENT
from core.providers.vtu import OwnedVtuProvider
from core.providers.vtu.making import make

CONFIG = ProviderConfig(
    key=ConfigKey(UUID(int=1), Product.AIRTIME, "acme"),
    base_url="https://acme.test/api",
    timeout_s=45,
    retry_attempts=0,
    priority=1,
    active=True,
    updated_at=dt.datetime(2026, 3, 2, tzinfo=dt.UTC),
    updated_by="test",
    credentials={"api_key": "key", "username": "user"},
)


class Recorder:
    """In an adapter's place: keeps what it was given."""

    def __init__(self) -> None:
        self.given: Mapping[str, object] = {}

    def __call__(self, given: Mapping[str, object]) -> OwnedVtuProvider:
        self.given = given
        return cast("OwnedVtuProvider", self)


def given_to(name: str, config: ProviderConfig, **beneath: object) -> Mapping[str, object]:
    recorder = Recorder()
    make(config, reach=Reach.PUBLIC, beneath=beneath, makers={name: recorder})
    return recorder.given


def test_an_adapter_gets_its_settings_and_is_kept_from_the_environment() -> None:
    given = given_to("acme", CONFIG)

    assert given.items() >= NO_ENVIRONMENT.items()
    assert (given["base_url"], given["timeout_s"]) == ("https://acme.test/api", 45)
    assert (given["api_key"], given["user_id"], given["client_id"]) == ("key", "user", "user")


def test_endpoints_are_further_settings_and_never_replace_what_has_a_field() -> None:
    endpoints = {
        "auth_url": "https://auth.acme.test",
        "base_url": "https://elsewhere.test",
        "api_key": "another",
        "timeout_s": 500,
        "_env_prefix": "VTPASS_",
    }

    given = given_to("acme", replace(CONFIG, endpoints=endpoints))

    assert given["auth_url"] == "https://auth.acme.test"
    assert (given["base_url"], given["api_key"]) == ("https://acme.test/api", "key")
    assert (given["timeout_s"], given["_env_prefix"]) == (45, NO_ENVIRONMENT["_env_prefix"])


def test_what_lies_beneath_fills_only_what_is_not_said() -> None:
    given = given_to("acme", CONFIG, api_key="sandbox", secret_key="sandbox")

    assert (given["api_key"], given["secret_key"]) == ("key", "sandbox")


def test_a_name_that_no_adapter_has_is_described_by_its_endpoints() -> None:
    described = {"auth": {"kind": "bearer"}, "orders": {"airtime": {"path": "/buy"}}}

    given = given_to("configured", replace(CONFIG, endpoints=described))

    assert given == {
        "name": "acme",
        "base_url": "https://acme.test/api",
        "timeout_s": 45,
        "auth": {"kind": "bearer", "secret": "key", "user": "user"},
        "orders": {"airtime": {"path": "/buy"}},
    }


def test_where_nothing_can_be_described_the_name_is_unknown() -> None:
    with pytest.raises(UnknownProvider):
        given_to("another", CONFIG)


def test_what_an_adapter_misses_is_told_in_the_contracts_words() -> None:
    class Settings(BaseModel):
        model_config = ConfigDict(hide_input_in_errors=True)
        client_secret: str
        user_id: str = Field(max_length=2)

    def picky(given: Mapping[str, object]) -> OwnedVtuProvider:
        return cast("OwnedVtuProvider", Settings.model_validate(given))

    with pytest.raises(BadConfiguration) as caught:
        make(CONFIG, reach=Reach.PUBLIC, makers={"acme": picky})

    assert caught.value.fields == {
        "endpoints.client_secret": "is required",
        "username": "should have 2 characters at most",
    }


def test_what_a_description_lacks_is_told_too() -> None:
    class Wrong(Problem):
        code = "provider.bad_configuration"

    def picky(_: Mapping[str, object]) -> OwnedVtuProvider:
        raise Wrong(wrong=("orders: Field required", "answer: Field required"))

    described = replace(CONFIG, endpoints={"orders": {}})
    with pytest.raises(BadConfiguration, match="endpoints: orders: Field required; answer"):
        make(described, reach=Reach.PUBLIC, makers={"configured": picky})
