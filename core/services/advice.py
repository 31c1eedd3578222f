"""Advice on data plans, from what a customer bought."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.advice import MONTH_DAYS, Usage, best_plan, in_words
from core.domain.customers import Customer, Tenant
from core.domain.networks import suggested
from core.domain.plans import Plan, PlanListing
from core.kit.clock import Clock

# What is assumed of somebody who never bought data from us.
_TO_BEGIN_WITH_MB = 1000


class Catalogue(Protocol):
    async def listed(self, tenant_id: UUID) -> Sequence[PlanListing]: ...

    async def bought(
        self, tenant_id: UUID, customer_id: UUID, since: dt.datetime
    ) -> Mapping[str, int]:
        """Megabytes that this customer was sold since then, by network."""
        ...


@dataclass(frozen=True, slots=True)
class Advised:
    """The plan, its size in words, and what was used in a month in words, or ""."""

    plan: Plan
    size: str
    used: str


class Advice:
    def __init__(self, plans: Catalogue, clock: Clock) -> None:
        self._plans = plans
        self._clock = clock

    async def best(self, tenant: Tenant, customer: Customer) -> Advised | None:
        """The plan that fits what was used lately; None where none is sold that could."""
        since = self._clock.now() - dt.timedelta(days=MONTH_DAYS)
        bought = await self._plans.bought(tenant.id, customer.id, since)
        listed = [listing.plan for listing in await self._plans.listed(tenant.id)]
        if bought:
            network, used_mb = max(bought.items(), key=lambda each: each[1])
        else:
            network, used_mb = suggested(customer.msisdn) or "", 0
        usage = Usage(network, used_mb or _TO_BEGIN_WITH_MB, MONTH_DAYS)
        plan = best_plan(listed, usage)
        if plan is None:
            return None
        return Advised(plan, in_words(plan.size_mb), in_words(used_mb) if used_mb else "")
