"""Whose Callbox it is, and the ways by which it is reached."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from core.domain.customers import Tenant
from core.domain.turns import Channel
from core.ports.administration import Event, Paging


@dataclass(frozen=True, slots=True)
class ChannelRecord:
    """A channel as operators see it: without its key, which is a secret.

    `credentials` names those that are set.
    """

    id: UUID
    kind: str
    gateway: str
    service_code: str
    active: bool
    created_at: dt.datetime
    settings: Mapping[str, object] = field(default_factory=dict)
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChannelQuery:
    """`search` is a part of a service code, or of a gateway's name."""

    search: str = ""
    kind: str | None = None
    active: bool | None = None


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

    async def listed(
        self, tenant_id: UUID, query: ChannelQuery, paging: Paging
    ) -> Sequence[ChannelRecord]: ...

    async def count(self, tenant_id: UUID, query: ChannelQuery) -> int: ...

    async def of_kind(self, kind: str) -> Sequence[Channel]:
        """All channels of a kind that are on, of all tenants."""
        ...

    async def find_one(
        self, tenant_id: UUID, channel_id: UUID
    ) -> tuple[ChannelRecord, Channel] | None:
        """A channel of this tenant, on or off."""
        ...

    async def alter(
        self,
        tenant_id: UUID,
        channel_id: UUID,
        altered: Callable[[Channel], Channel],
        event: Event,
        at: dt.datetime,
        *,
        active: bool | None,
    ) -> bool:
        """Put what `altered` makes of it in its place, one change after the other.

        `active` switches it; None leaves that as it is.

        What `altered` raises goes on, and nothing is changed. False when this tenant has no such
        channel.
        """
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


@dataclass(frozen=True, slots=True)
class Probed:
    """What came of a harmless question.

    Attributes:
        facts: What was answered that helps an operator; no secrets.
        why: What is wrong, or what is still to be done, in words; "" when all is well.
    """

    ok: bool
    why: str = ""
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)


class ChannelTest(Protocol):
    """Asks a messenger or a gateway whether a channel would work."""

    async def probe(self, channel: Channel) -> Probed:
        """Ask, and change nothing there. Raises for nothing outside."""
        ...

    async def aclose(self) -> None: ...
