"""Whose Callbox it is, and the ways by which it is reached."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.customers import Tenant
from core.domain.turns import Channel
from core.ports.administration import Event


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel as operators see it: without its key, which is a secret."""

    id: UUID
    kind: str
    gateway: str
    service_code: str
    active: bool
    created_at: dt.datetime


class TenantBook(Protocol):
    async def create(self, tenant: Tenant, event: Event, at: dt.datetime) -> bool:
        """Write a new tenant and its event, in one commit. False when its key is taken."""
        ...

    async def keys(self) -> dict[str, UUID]:
        """The ids of all tenants by their keys, the oldest first."""
        ...

    async def get(self, tenant_id: UUID) -> Tenant: ...


class ChannelBook(Protocol):
    """Each change with its event, in one commit. Other processes see it within five seconds."""

    async def create(self, channel: Channel, event: Event, at: dt.datetime) -> None: ...

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]:
        """The oldest first, those that are off included."""
        ...

    async def rekey(
        self, tenant_id: UUID, channel_id: UUID, key: str, event: Event, at: dt.datetime
    ) -> bool:
        """Reach it by this key from now on. False when this tenant has no such channel."""
        ...

    async def disable(
        self, tenant_id: UUID, channel_id: UUID, event: Event, at: dt.datetime
    ) -> bool:
        """Reach it no more. False when this tenant has no such channel."""
        ...
