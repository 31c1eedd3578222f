"""What the two sides of reconciliation share: whom they use, and what they come to."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID
from zoneinfo import ZoneInfo

from core.domain.reconciliation import Difference, Period, Side, period_of
from core.domain.vending import Product
from core.kit.clock import Clock
from core.ports import Alerts, Cases, Ledger, PaymentGateway, Tenants
from core.ports.statements import DayRun, ReconciliationBook
from core.services.shelf import Shelf

MARGIN = dt.timedelta(days=1)
"""How far around the day both sides are read."""


class Hints(Protocol):
    async def take(self, tenant_id: UUID, provider: str, references: Sequence[str]) -> None:
        """Have these references of ours asked about now, by the normal path."""
        ...


class TenantList(Protocol):
    async def keys(self) -> dict[str, UUID]:
        """All tenants, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Compared:
    """What one reading of both sides came to. `why`: something could not be read."""

    lines: int
    matched: int
    differences: Sequence[Difference]
    totals: dict[str, object]
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What reconciliation uses of the rest of the program."""

    book: ReconciliationBook
    ledger: Ledger
    tenants: Tenants
    all_tenants: TenantList
    shelf: Shelf
    gateways: Mapping[str, PaymentGateway]
    hints: Hints
    cases: Cases
    alerts: Alerts
    clock: Clock

    async def period(self, tenant_id: UUID, day: dt.date) -> Period:
        """The day in the tenant's time zone."""
        tenant = await self.tenants.get(tenant_id)
        return period_of(day, ZoneInfo(tenant.time_zone))

    async def is_shared(self, run: DayRun) -> bool:
        """Whether other tenants deal through the same account: the one of our own settings."""
        if len(await self.all_tenants.keys()) <= 1:
            return False
        return run.party.side is Side.PAYMENTS or not any(
            offer.configured
            for product in Product
            for offer in self.shelf.offers(run.tenant_id, product)
            if offer.provider.name == run.party.name
        )

    async def answers_for_strangers(self, run: DayRun) -> bool:
        """Whose matter a line is that is nobody's: of a shared account, the first tenant's."""
        if not await self.is_shared(run):
            return True
        return next(iter((await self.all_tenants.keys()).values()), None) == run.tenant_id
