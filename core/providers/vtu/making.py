"""Builds the adapter of a VTU provider as a configuration in the database says."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from core.domain.providers import CREDENTIALS, BadConfiguration, ProviderConfig, UnknownProvider
from core.kit.errors import Problem
from core.kit.expected import in_words
from core.providers.addresses import Reach, reaching
from core.providers.http import also_sending
from core.providers.values import NO_ENVIRONMENT
from core.providers.vtu import VTU_PROVIDERS, OwnedVtuProvider

Makers = Mapping[str, Callable[[Mapping[str, object]], OwnedVtuProvider]]

# What some adapters call a credential that the outside contract knows by another name.
_USER_NAMES = ("user_id", "client_id", "agent_id")
_THEIR_WORDS = {**dict.fromkeys(_USER_NAMES, "username"), "timeout_s": "timeout"}
_CONFIGURED = "configured"


def make(
    config: ProviderConfig,
    *,
    reach: Reach,
    beneath: Mapping[str, object] | None = None,
    makers: Makers = VTU_PROVIDERS,
) -> OwnedVtuProvider:
    """The adapter of `config`, whose clients go no further than `reach`.

    A name that no adapter has is that of a provider which publishes no contract: then `endpoints`
    describes it, where an adapter for such is at hand.

    Args:
        config: What it says is all that the adapter knows: nothing comes from the environment.
        reach: How far its clients may go.
        beneath: Used where the configuration says nothing: the sandbox's made-up keys.
        makers: Adapters by name.

    Raises:
        BadConfiguration: something is missing or wrong, by the contract's own field names.
        UnknownProvider: there is no such adapter.
    """
    name = config.key.provider
    if name in makers and name != _CONFIGURED:
        given = {**NO_ENVIRONMENT, **(beneath or {}), **_settings(config)}
        maker = makers[name]
    elif _CONFIGURED in makers and config.endpoints:
        given = _description(config)
        maker = makers[_CONFIGURED]
    else:
        raise UnknownProvider
    with reaching(reach), also_sending(config.headers):
        try:
            return maker(given)
        except ValidationError as error:
            raise BadConfiguration(_fields(error)) from None
        except Problem as problem:
            wrong = problem.facts.get("wrong")
            if not isinstance(wrong, tuple):
                raise
            raise BadConfiguration({"endpoints": "; ".join(map(str, wrong))}) from None


def _settings(config: ProviderConfig) -> dict[str, object]:
    """For an adapter that knows its provider. `endpoints` are the rest of its settings."""
    kept = {*CREDENTIALS, *NO_ENVIRONMENT, *_THEIR_WORDS, "base_url"}
    extra = {
        name: value
        for name, value in config.endpoints.items()
        if name not in kept and not name.startswith("_")
    }
    known = dict(config.credentials)
    if user := known.get("username"):
        known |= dict.fromkeys(_USER_NAMES, user)
    return {**extra, **known, "base_url": config.base_url, "timeout_s": config.timeout_s}


def _description(config: ProviderConfig) -> dict[str, object]:
    """For the adapter that is told everything."""
    known = config.credentials
    auth = config.endpoints.get("auth")
    secret = known.get("api_key") or known.get("secret_key") or known.get("password")
    proof: dict[str, Any] = dict(auth) if isinstance(auth, Mapping) else {"kind": "none"}
    if secret:
        proof["secret"] = secret
    if user := known.get("username"):
        proof["user"] = user
    return {
        **config.endpoints,
        "auth": proof,
        "name": config.key.provider,
        "base_url": config.base_url,
        "timeout_s": config.timeout_s,
    }


def _fields(error: ValidationError) -> dict[str, str]:
    """What is wrong by field, in the contract's names, without the values."""
    found = {}
    for one in error.errors(include_input=False, include_url=False):
        place = ".".join(str(part) for part in one["loc"]) or "configuration"
        place = _THEIR_WORDS.get(place, place)
        if place not in {*CREDENTIALS, "base_url", "timeout"}:
            place = f"endpoints.{place}"
        found[place] = in_words(one)
    return found
