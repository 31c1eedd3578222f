"""How providers are reached: `/configuration/api/{service}/{provider}`.

Secrets go in, never out.
"""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Told
from api.admin.resource import resource
from core.domain.providers import (
    CREDENTIALS,
    PRIORITY_MAX,
    RETRY_ATTEMPTS_MAX,
    TIMEOUT_S,
    ProviderConfig,
    UnknownProvider,
)
from core.domain.vending import Product
from core.kit import masking
from core.kit.expected import shaped
from core.services.provider_configs import Change

_NAME = shaped(r"^[a-z][a-z0-9_]{1,30}$", "should be a name in small letters, like vtpass")
ProviderName = Annotated[str, Path(pattern=_NAME)]

_SET = "[set]"
# Headers that are shown only as set: their names say so, or their values look like a key.
_SECRET_HEADER = re.compile(
    r"key|token|secret|auth|pass|cookie|signature|credential|session", re.IGNORECASE
)
_KEY_CHARS_MIN = 16


class ConfigurationBody(BaseModel):
    """What to set. What is left out stays as it is; an empty credential is taken away."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    base_url: str = Field(max_length=500)
    api_key: SecretStr | None = None
    public_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    username: SecretStr | None = None
    password: SecretStr | None = None
    webhook_key: SecretStr | None = None
    timeout: float | None = Field(None, ge=TIMEOUT_S[0], le=TIMEOUT_S[1])
    retry_attempts: int | None = Field(None, ge=0, le=RETRY_ATTEMPTS_MAX)
    endpoints: dict[str, Any] | None = None
    headers: dict[str, SecretStr] | None = None
    priority: int | None = Field(None, ge=0, le=PRIORITY_MAX)
    is_active: bool | None = None

    def change(self) -> Change:
        given = {name: getattr(self, name) for name in CREDENTIALS}
        return Change(
            base_url=self.base_url.rstrip("/"),
            timeout_s=self.timeout,
            retry_attempts=self.retry_attempts,
            priority=self.priority,
            active=self.is_active,
            endpoints=self.endpoints,
            headers=_plain(self.headers) if self.headers is not None else None,
            credentials=_plain({name: value for name, value in given.items() if value is not None}),
        )


class Configuration(Answer):
    """A configuration without its secrets.

    `credentials` names those that are set. `configured` is false for a provider of the program's
    own settings that this tenant has not configured.
    """

    service: Product
    provider: str
    base_url: str | None
    credentials: list[str]
    timeout: float
    retry_attempts: int
    endpoints: dict[str, Any]
    headers: dict[str, str]
    priority: int
    is_active: bool
    configured: bool
    version: int
    updated_at: dt.datetime | None
    updated_by: str | None


def router(core: AdminCore) -> APIRouter:
    routes = resource("/configuration/api", "configuration")
    reads = Depends(needing(core, "configuration:read"))
    writes = Depends(needing(core, "configuration:write"))

    @routes.get("/{service}/{provider}")
    async def show(
        service: Product, provider: ProviderName, access: Annotated[Access, reads]
    ) -> Envelope[Configuration]:
        """How this tenant reaches a provider for one service."""
        key = core.setup.key(access.tenant_id, service, provider)
        config = await core.setup.find(key)
        if config is not None:
            return Envelope(data=shown(config))
        for one in await core.setup.listed(access.tenant_id):
            if (one.service, one.offer.provider.name) == (service, key.provider):
                return Envelope(
                    data=Configuration(
                        service=service,
                        provider=key.provider,
                        base_url=core.setup.base_url(key.provider),
                        credentials=[],
                        timeout=one.offer.provider.timeout_s,
                        retry_attempts=one.offer.retry_attempts,
                        endpoints={},
                        headers={},
                        priority=one.offer.priority,
                        is_active=one.offer.active,
                        configured=False,
                        version=0,
                        updated_at=None,
                        updated_by=None,
                    )
                )
        raise UnknownProvider

    @routes.put("/{service}/{provider}")
    async def put(
        service: Product,
        provider: ProviderName,
        body: ConfigurationBody,
        access: Annotated[Access, writes],
    ) -> Told[Configuration]:
        """Set how this tenant reaches a provider; every process follows within five seconds."""
        key = core.setup.key(access.tenant_id, service, provider)
        config = await core.setup.put(key, body.change(), access.actor)
        return Told(data=shown(config), message="In force in every process within five seconds.")

    return routes


def shown(config: ProviderConfig) -> Configuration:
    """A configuration as it may be shown."""
    endpoints = masking.value_of("endpoints", config.endpoints)
    assert isinstance(endpoints, dict)
    return Configuration(
        service=config.key.service,
        provider=config.key.provider,
        base_url=config.base_url,
        credentials=sorted(config.credentials),
        timeout=config.timeout_s,
        retry_attempts=config.retry_attempts,
        endpoints=endpoints,
        headers={name: _safe(name, value) for name, value in config.headers.items()},
        priority=config.priority,
        is_active=config.active,
        configured=True,
        version=config.version,
        updated_at=config.updated_at,
        updated_by=config.updated_by,
    )


def _safe(name: str, value: str) -> str:
    looks_like_a_key = len(value) >= _KEY_CHARS_MIN and " " not in value
    return _SET if _SECRET_HEADER.search(name) or looks_like_a_key else value


def _plain(secrets: Mapping[str, SecretStr]) -> dict[str, str]:
    return {name: secret.get_secret_value().strip() for name, secret in secrets.items()}
