"""Backups of routers, and work on many of their users at once."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.domain.hotspot import Router
from core.ports.administration import Event, Paging


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as it is kept.

    Attributes:
        file: Its file on the router, without `.backup`. It is encrypted there.
        password: What opens that file. Not shown to anybody.
        size: Of the file, in bytes.
        text: The configuration as commands, vouchers and secrets left out; None where the router
            lets nobody read files (RouterOS before 7.13).
        note: Why there is no text, or what else is to be known; "" when nothing.
    """

    id: UUID
    tenant_id: UUID
    router_id: UUID
    name: str
    file: str
    password: str = field(repr=False)
    size: int
    version: str
    text: str | None = field(repr=False)
    note: str
    created_at: dt.datetime
    created_by: str


class RouterBackups(Protocol):
    """Backups, what is secret in them sealed."""

    async def add(self, backup: Backup, event: Event) -> None: ...

    async def listed(self, tenant_id: UUID, router_id: UUID, paging: Paging) -> Sequence[Backup]:
        """One page and the row after it, without their texts."""
        ...

    async def count(self, tenant_id: UUID, router_id: UUID) -> int: ...

    async def get(self, tenant_id: UUID, router_id: UUID, backup_id: UUID) -> Backup | None: ...


class BulkKind(StrEnum):
    CREATE = "create"
    REMOVE = "remove"
    ENABLE = "enable"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class BulkUser:
    """One user of a bulk. All but the name is for `CREATE` alone."""

    name: str = field(repr=False)
    password: str = field(default="", repr=False)
    profile: str = "default"
    comment: str = ""
    uptime_limit_s: int = 0
    bytes_limit: int = 0
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Bulk:
    """Something that is done to many users of a router, one after the other, by a worker.

    Attributes:
        state: `waiting`, `running` or `done`.
        done: How many were seen through, well or not; they are the first ones.
        failed: Why some could not be done, by their place from 1: a short stable word.
        tries: Of the one that is next.
    """

    id: UUID
    tenant_id: UUID
    router_id: UUID
    kind: BulkKind
    total: int
    state: str
    done: int
    failed: Mapping[int, str]
    created_at: dt.datetime
    created_by: str
    ended_at: dt.datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True)
class DueBulk:
    """A bulk for one worker, with its router and the users that are still to be done."""

    bulk: Bulk
    router: Router
    left: Sequence[BulkUser]


class RouterBulks(Protocol):
    async def add(self, bulk: Bulk, users: Sequence[BulkUser], event: Event) -> None: ...

    async def get(self, tenant_id: UUID, router_id: UUID, bulk_id: UUID) -> Bulk | None: ...

    async def due(self, count: int, lease_s: float) -> Sequence[DueBulk]: ...

    async def progress(self, bulk: Bulk, again_at: dt.datetime | None) -> None:
        """Keep how far it is; `again_at` is when to go on, None when it is over."""
        ...
