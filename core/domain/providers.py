"""How a tenant reaches and ranks the providers it buys from."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from core.domain.vending import Product
from core.kit.errors import Problem

CREDENTIALS = ("api_key", "public_key", "secret_key", "username", "password", "webhook_key")
"""What a provider may know us by. Which of them it wants is its adapter's to say."""

TIMEOUT_S = (5, 120)
RETRY_ATTEMPTS_MAX = 10
PRIORITY_DEFAULT = 100
PRIORITY_MAX = 10_000


class BadConfiguration(Problem):
    """What is wrong with a configuration, by field, in words that quote no value."""

    code = "configuration.invalid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields=fields)
        self.fields = fields

    def __str__(self) -> str:
        return "; ".join(f"{field}: {what}" for field, what in self.fields.items())


class UnknownProvider(Problem):
    """Nobody of this name sells this, and no adapter could be made for them."""

    code = "provider.unknown"


class ConfigKey(NamedTuple):
    """Names one configuration: what a tenant buys of whom."""

    tenant_id: UUID
    service: Product
    provider: str


@dataclass(frozen=True, slots=True)
class ProviderConfig:
    """One configuration as it stands.

    Attributes:
        credentials, headers: Secret; they are sealed at rest and leave through no answer or log.
        endpoints: What else the adapter's own settings take: further addresses, codes, fields.
        priority: Lower is asked first.
        version: Grows by one with each change, from 1.
    """

    key: ConfigKey
    base_url: str
    timeout_s: float
    retry_attempts: int
    priority: int
    active: bool
    updated_at: dt.datetime
    updated_by: str
    version: int = 1
    endpoints: Mapping[str, object] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
