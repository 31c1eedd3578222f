"""Hotspot plans and routers, as operators keep them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.hotspot import HotspotPlan, Load, Router, RouterStatus
from core.ports.administration import Event, Paging


class HotspotPlans(Protocol):
    """What a tenant sells at its hotspots."""

    async def save(self, plan: HotspotPlan, event: Event, at: dt.datetime) -> HotspotPlan:
        """Make it, or change the one of its code; as it is kept, with its version.

        Vouchers that wait unsold for a plan whose terms or price changed are taken back.
        """
        ...

    async def listed(self, tenant_id: UUID, *, active: bool = False) -> Sequence[HotspotPlan]:
        """All of a tenant's, cheapest first; `active`: only those that are sold."""
        ...

    async def get(self, tenant_id: UUID, plan_id: UUID) -> HotspotPlan | None: ...

    async def by_code(self, tenant_id: UUID, code: str) -> HotspotPlan | None: ...


@dataclass(frozen=True, slots=True)
class RouterQuery:
    """Which routers; empty fields are no condition. `search` is in name, host or location."""

    search: str = ""
    status: RouterStatus | None = None
    group: str = ""


class RouterBook(Protocol):
    """A tenant's routers. Passwords are kept encrypted."""

    async def add(self, router: Router, event: Event, at: dt.datetime) -> bool:
        """False where the tenant has one of that name, or had this very one."""
        ...

    async def change(self, router: Router, event: Event, at: dt.datetime) -> bool:
        """Keep what operators set (not status, load, serial); what was blocked is tried again.

        False where there is no such one, or another has the name.
        """
        ...

    async def remove(self, tenant_id: UUID, router_id: UUID, event: Event, at: dt.datetime) -> bool:
        """Forget it. False where somebody paid for a voucher there that is not over yet."""
        ...

    async def get(self, tenant_id: UUID, router_id: UUID) -> Router | None: ...

    async def listed(self, tenant_id: UUID, query: RouterQuery, paging: Paging) -> Sequence[Router]:
        """One page and the row after it. Sorted by `name`, `status`, `seen_at` or `created_at`."""
        ...

    async def count(self, tenant_id: UUID, query: RouterQuery) -> int: ...

    async def selling(self, tenant_id: UUID) -> Sequence[Router]:
        """Those that sell, by name."""
        ...

    async def all(self) -> Sequence[Router]:
        """Every tenant's, for monitoring."""
        ...

    async def found(
        self, router: Router, status: RouterStatus, at: dt.datetime, *, attention: str = ""
    ) -> bool:
        """What a look at it came to; true when the status changed.

        One that became reachable is worked on at once, and compared. NEEDS_ATTENTION stays until
        it is found ONLINE with `attention` cleared by `attended`.
        """
        ...

    async def attended(self, router: Router, event: Event, at: dt.datetime) -> None:
        """A person put it right: it is RECOVERING, and what was blocked is tried again."""
        ...

    async def measured(self, router: Router, load: Load) -> None: ...
