"""What is sold at hotspots: `/voucher-plans`."""

import datetime as dt
from dataclasses import replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Told, Words, major
from api.admin.prices import Currency, Price, minor, wrong
from api.admin.resource import resource
from core.domain.hotspot import HOUR_S, MIB, STANDARD_PROFILES, CodeStyle, HotspotPlan, Terms
from core.kit import ids

_MINUTE_S, _KBPS = 60, 1000
_UNITS = {
    "data_limit_mb": ("data_bytes", MIB),
    "online_minutes": ("online_s", _MINUTE_S),
    "validity_hours": ("validity_s", HOUR_S),
    "down_kbps": ("down_bps", _KBPS),
    "up_kbps": ("up_bps", _KBPS),
    "shared_users": ("shared_users", 1),
}
_AS_THEY_ARE = ("name", "router_id", "group", "code_style", "pooled")
_NONE_MEANS_NONE = {"router_id", "ends_at"}
_MOST = 2**31 - 1


class TermsShown(Answer):
    """What a voucher is good for; 0 is without limit.

    `validity_hours` run from the first login, `online_minutes` while somebody is online; `ends_at`
    ends it whatever was used.
    """

    data_limit_mb: float
    online_minutes: float
    validity_hours: float
    ends_at: dt.datetime | None
    down_kbps: float
    up_kbps: float
    shared_users: int


class PlanShown(TermsShown):
    """A plan. `price` 0 is sold to no customer: for operators' own batches."""

    id: UUID
    code: str
    name: str
    price: str
    currency: str
    router_id: UUID | None
    group: str
    code_style: CodeStyle
    pooled: bool
    is_active: bool
    version: int


class PlanBody(BaseModel):
    """What to set; what is left out stays as it is, or as the standard profile of that code has it.

    `pooled`: routers are given a few vouchers before anybody buys, to work while they are away.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: Words | None = Field(None, min_length=1)
    price: Price | None = Field(None, examples=["500.00"])
    currency: Currency | None = None
    data_limit_mb: int | None = Field(None, ge=0, le=_MOST)
    online_minutes: int | None = Field(None, ge=0, le=_MOST)
    validity_hours: int | None = Field(None, ge=0, le=_MOST)
    ends_at: AwareDatetime | None = None
    down_kbps: int | None = Field(None, ge=0, le=_MOST)
    up_kbps: int | None = Field(None, ge=0, le=_MOST)
    shared_users: int | None = Field(None, ge=1)
    router_id: UUID | None = None
    group: Words | None = None
    code_style: CodeStyle | None = None
    pooled: bool | None = None

    def on(self, plan: HotspotPlan) -> HotspotPlan:
        """That plan with what is given here."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        given = {name: v for name, v in given.items() if v is not None or name in _NONE_MEANS_NONE}
        terms = {
            field: given[name] * unit for name, (field, unit) in _UNITS.items() if name in given
        }
        if "ends_at" in given:
            terms["ends_at"] = given["ends_at"]
        currency = self.currency or plan.currency
        price = plan.price_minor
        if self.price is not None:
            price = minor(self.price, currency)
        elif currency != plan.currency:
            raise wrong("price", "is required with another currency")
        return replace(
            plan,
            terms=replace(plan.terms, **terms),
            price_minor=price,
            currency=currency,
            **{name: given[name] for name in _AS_THEY_ARE if name in given},
        )


class NewPlan(PlanBody):
    """`code` is the tenant's own name of it; of a standard profile, a price is all it needs."""

    code: Words = Field(examples=["1GB-DAILY"])
    price: Price = Field(examples=["500.00"])


class ChangedPlan(PlanBody):
    is_active: bool | None = None


def router(core: AdminCore) -> APIRouter:
    routes = resource("/voucher-plans", "vouchers")
    reads = Depends(needing(core, "vouchers:read"))
    writes = Depends(needing(core, "vouchers:write"))
    desk = core.hotspots.plan_desk

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        *,
        active: Annotated[bool, Query(description="Only those that are sold.")] = False,
    ) -> Envelope[list[PlanShown]]:
        """Plans of this tenant, the cheapest first."""
        plans = await desk.listed(access.tenant_id, active=active)
        return Envelope(data=[shown(plan) for plan in plans])

    @routes.post("")
    async def create(body: NewPlan, access: Annotated[Access, writes]) -> Told[PlanShown]:
        """Begin to sell one."""
        tenant = await core.tenants.get(access.tenant_id)
        standard = STANDARD_PROFILES.get(body.code)
        plan = HotspotPlan(
            id=ids.uuid7(),
            tenant_id=tenant.id,
            code=body.code,
            name="" if standard is None else standard.name,
            terms=Terms() if standard is None else standard.terms,
            price_minor=0,
            currency=tenant.currency,
        )
        made = await desk.create(body.on(plan), access.actor)
        return Told(data=shown(made), message="It is sold from now on.")

    @routes.get("/{plan_id}")
    async def show(plan_id: UUID, access: Annotated[Access, reads]) -> Envelope[PlanShown]:
        """One plan."""
        return Envelope(data=shown(await desk.show(access.tenant_id, plan_id)))

    @routes.put("/{plan_id}")
    async def change(
        plan_id: UUID, body: ChangedPlan, access: Annotated[Access, writes]
    ) -> Told[PlanShown]:
        """Sell it otherwise from now on, or again. Vouchers that were sold stay what they are."""
        plan = body.on(await desk.show(access.tenant_id, plan_id))
        if body.is_active is not None:
            plan = replace(plan, active=body.is_active)
        return Told(data=shown(await desk.change(plan, access.actor)), message="It is changed.")

    @routes.delete("/{plan_id}")
    async def withdraw(plan_id: UUID, access: Annotated[Access, writes]) -> Told[PlanShown]:
        """Sell it no more. Vouchers that were sold stay good; it can be switched on again."""
        plan = await desk.withdraw(access.tenant_id, plan_id, access.actor)
        return Told(data=shown(plan), message="It is sold no more.")

    return routes


def terms_fields(terms: Terms) -> dict[str, Any]:
    """As `TermsShown` has them."""
    told = {name: getattr(terms, field) / unit for name, (field, unit) in _UNITS.items()}
    return told | {"ends_at": terms.ends_at}


def shown(plan: HotspotPlan) -> PlanShown:
    return PlanShown(
        id=plan.id,
        code=plan.code,
        name=plan.name,
        price=major(plan.price_minor, plan.currency),
        currency=plan.currency,
        router_id=plan.router_id,
        group=plan.group,
        code_style=plan.code_style,
        pooled=plan.pooled,
        is_active=plan.active,
        version=plan.version,
        **terms_fields(plan.terms),
    )
