"""Hotspot plans as operators keep them; each change with who made it."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from core.domain.hotspot import HotspotPlan
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Event
from core.ports.hotspot_books import HotspotPlans, RouterBook


class UnknownPlan(Problem):
    code = "voucher_plan.unknown"


class PlanExists(Problem):
    """The tenant has one of that code, in use or withdrawn: change that one."""

    code = "voucher_plan.exists"


class BadPlan(Problem):
    """What was given makes no plan; the fact `why` says it in words."""

    code = "voucher_plan.invalid"


class PlanDesk:
    def __init__(self, plans: HotspotPlans, routers: RouterBook, clock: Clock) -> None:
        self._plans = plans
        self._routers = routers
        self._clock = clock

    async def listed(self, tenant_id: UUID, *, active: bool = False) -> Sequence[HotspotPlan]:
        """All of a tenant's, cheapest first; `active`: only those that are sold."""
        return await self._plans.listed(tenant_id, active=active)

    async def show(self, tenant_id: UUID, plan_id: UUID) -> HotspotPlan:
        """One plan.

        Raises:
            UnknownPlan
        """
        plan = await self._plans.get(tenant_id, plan_id)
        if plan is None:
            raise UnknownPlan
        return plan

    async def create(self, plan: HotspotPlan, actor: str) -> HotspotPlan:
        """Begin to sell it.

        Raises:
            PlanExists, BadPlan
        """
        if await self._plans.by_code(plan.tenant_id, plan.code) is not None:
            raise PlanExists
        return await self._saved(plan, "voucher_plan.created", actor)

    async def change(self, plan: HotspotPlan, actor: str) -> HotspotPlan:
        """Sell it as it is given from now on; vouchers that were sold stay what they are.

        Raises:
            UnknownPlan, BadPlan
        """
        kept = await self.show(plan.tenant_id, plan.id)
        if plan.code != kept.code:
            raise BadPlan(why="code: cannot be changed")
        return await self._saved(plan, "voucher_plan.changed", actor)

    async def withdraw(self, tenant_id: UUID, plan_id: UUID, actor: str) -> HotspotPlan:
        """Sell it no more. Vouchers that were sold stay good.

        Raises:
            UnknownPlan
        """
        plan = replace(await self.show(tenant_id, plan_id), active=False)
        return await self._saved(plan, "voucher_plan.withdrawn", actor)

    async def _saved(self, plan: HotspotPlan, kind: str, actor: str) -> HotspotPlan:
        if plan.wrong is not None:
            raise BadPlan(why=plan.wrong)
        if plan.router_id is not None:
            router = await self._routers.get(plan.tenant_id, plan.router_id)
            if router is None:
                raise BadPlan(why="router_id: there is no such router")
        facts = {
            "code": plan.code,
            "price_minor": plan.price_minor,
            "currency": plan.currency,
            "active": plan.active,
            **plan.terms.kept(),
        }
        event = Event(plan.code, kind, actor, facts)
        return await self._plans.save(plan, event, self._clock.now())
