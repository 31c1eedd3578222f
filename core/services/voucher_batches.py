"""Vouchers in quantity: ordered by operators, made by a worker, a few thousand at a time."""

from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from core.domain.customers import Tenant
from core.domain.hotspot import (
    HOUR_S,
    MIB,
    STANDARD_PROFILES,
    CodeStyle,
    HotspotPlan,
    Router,
    StandardProfile,
    Terms,
)
from core.domain.voucher_codes import new_codes
from core.kit import crash, ids
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.errors import Fault, Problem
from core.kit.msisdn import Msisdn
from core.ports import Customers, Event
from core.ports.hotspot_books import HotspotPlans, RouterBook
from core.ports.vouchers import Batch, VoucherBatches

log = structlog.get_logger()

QUANTITY_MAX = 50_000
CUSTOM = "CUSTOM"
_UNSOLD = {CUSTOM: StandardProfile("Custom", Terms()), **STANDARD_PROFILES}
_TOLD_MAX = 20
_CHUNK = 2000
_TRIES = 3


class UnknownBatch(Problem):
    code = "voucher_batch.unknown"


class BatchKeyUsed(Problem):
    """This idempotency key was used before, for another batch. Nothing was done."""

    code = "voucher_batch.key_used"


class BadBatch(Problem):
    """What was ordered cannot be made; the fact `why` says it in words."""

    code = "voucher.bad_batch"


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """What an operator orders. None leaves a thing as the profile has it.

    Attributes:
        profile: The code of a plan, a standard profile, or `CUSTOM`.
        router_id: Where they are for; needed unless the plan is one router's or only one sells.
        price_minor, currency: What they cost where they are sold; nothing is charged here.
        auto_activate: Put them on the router at once.
        customer_phone: Whose they are; with `send_sms` that number is told the codes.
    """

    quantity: int
    profile: str
    router_id: UUID | None = None
    validity_hours: int | None = None
    price_minor: int | None = None
    data_limit_mb: int | None = None
    currency: str | None = None
    code_prefix: str = ""
    code_style: CodeStyle | None = None
    auto_activate: bool = False
    send_sms: bool = False
    customer_name: str = ""
    customer_phone: Msisdn | None = None


class BatchDesk:
    """Takes orders, and makes what was ordered."""

    def __init__(
        self,
        batches: VoucherBatches,
        plans: HotspotPlans,
        routers: RouterBook,
        customers: Customers,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._batches = batches
        self._plans = plans
        self._routers = routers
        self._customers = customers
        self._clock = clock
        self._bell = bell

    async def generate(self, tenant: Tenant, order: BatchOrder, *, key: str, actor: str) -> Batch:
        """Order a batch, once per `key`; it is made in the background.

        The same order under the same key again answers with the batch as it stands, whatever has
        become of plan and router since.

        Raises:
            BadBatch, BatchKeyUsed
        """
        if why := _wrong(order):
            raise BadBatch(why=why)
        owner_id = None
        if order.customer_phone is not None:
            owner_id = (await self._customers.of_number(tenant.id, order.customer_phone)).id
        batch_id = ids.derived("voucher batch", str(tenant.id), key)
        kept = await self._batches.get(tenant.id, batch_id)
        if kept is None:
            kept = await self._ordered(tenant, order, batch_id, owner_id, key=key, actor=actor)
        if not _is_of(order, owner_id, kept):
            raise BatchKeyUsed
        return kept

    async def _ordered(
        self,
        tenant: Tenant,
        order: BatchOrder,
        batch_id: UUID,
        owner_id: UUID | None,
        *,
        key: str,
        actor: str,
    ) -> Batch:
        """As it is kept: another's, where somebody was quicker with this key."""
        plan = await self._plan(tenant, order)
        terms, style = _terms(plan, order), order.code_style or plan.code_style
        if why := terms.wrong:
            raise BadBatch(why=why)
        if order.currency not in (None, plan.currency) and order.price_minor is None:
            raise BadBatch(why="price: is required with another currency")
        router = await self._router(plan, order.router_id)
        batch = Batch(
            id=batch_id,
            tenant_id=tenant.id,
            key=key,
            router_id=router.id,
            plan_id=plan.id if plan.active else None,
            plan_code=plan.code,
            plan_name=plan.name,
            terms=terms,
            price_minor=plan.price_minor if order.price_minor is None else order.price_minor,
            currency=order.currency or plan.currency,
            quantity=order.quantity,
            code_style=style.value,
            code_prefix=order.code_prefix,
            activate=order.auto_activate,
            send=order.send_sms,
            owner_id=owner_id,
            customer_name=order.customer_name,
            created_by=actor,
            created_at=self._clock.now(),
        )
        facts = {"quantity": order.quantity, "profile": order.profile, "key": key}
        kept = await self._batches.add(
            batch, Event(str(batch_id), "voucher_batch.ordered", actor, facts)
        )
        self._bell.ring()
        return kept

    async def show(self, tenant_id: UUID, batch_id: UUID) -> Batch:
        """As it stands now.

        Raises:
            UnknownBatch
        """
        batch = await self._batches.get(tenant_id, batch_id)
        if batch is None:
            raise UnknownBatch
        return batch

    async def activate(self, tenant_id: UUID, batch_id: UUID, actor: str) -> Batch:
        """Have the router take all that wait.

        Raises:
            UnknownBatch
        """
        await self.show(tenant_id, batch_id)
        await self._batches.activate(tenant_id, batch_id, actor)
        return await self.show(tenant_id, batch_id)

    async def void(self, tenant_id: UUID, batch_id: UUID, actor: str) -> Batch:
        """Take all back that nobody has.

        Raises:
            UnknownBatch
        """
        await self.show(tenant_id, batch_id)
        await self._batches.void(tenant_id, batch_id, actor)
        return await self.show(tenant_id, batch_id)

    async def fill(self, batch: Batch) -> int:
        """Make all that is missing of a batch, unless it is taken back; how many there are then."""
        made, tries = batch.made, 0
        while made < batch.quantity and tries < _TRIES:
            count = min(_CHUNK, batch.quantity - made)
            codes = new_codes(count, CodeStyle(batch.code_style), batch.code_prefix)
            sealed = self._batches.seal(batch.tenant_id, codes)
            crash.point("batch.before_fill")
            now = await self._batches.fill(replace(batch, made=made), sealed)
            crash.point("batch.filled")
            tries = tries + 1 if now == made else 0
            made = now
            if tries and (await self.show(batch.tenant_id, batch.id)).state != batch.state:
                break
        if tries == _TRIES:
            raise Fault(f"batch {batch.id}: nothing can be added to it")
        log.info("batch.filled", batch=str(batch.id), made=made)
        return made

    async def _plan(self, tenant: Tenant, order: BatchOrder) -> HotspotPlan:
        """The tenant's plan of that code, a standard profile that it does not sell, or none."""
        if plan := await self._plans.by_code(tenant.id, order.profile):
            return plan
        profile = _UNSOLD.get(order.profile)
        if profile is None:
            raise BadBatch(why=f"profile: there is no {order.profile}")
        return HotspotPlan(
            id=ids.uuid7(),
            tenant_id=tenant.id,
            code=order.profile,
            name=profile.name,
            terms=profile.terms,
            price_minor=0,
            currency=tenant.currency,
            active=False,
        )

    async def _router(self, plan: HotspotPlan, router_id: UUID | None) -> Router:
        """The one that is named, or the only one that there is for this plan."""
        named = router_id or plan.router_id
        if named is None:
            selling = await self._routers.selling(plan.tenant_id)
            there = [router for router in selling if plan.sold_at(router)]
            router = there[0] if len(there) == 1 else None
        else:
            router = await self._routers.get(plan.tenant_id, named)
        if router is None:
            raise BadBatch(why="router_id: is required, of a router that there is")
        if not plan.sold_at(router):
            raise BadBatch(why=f"router_id: {plan.code} is not sold at {router.name}")
        return router


def _wrong(order: BatchOrder) -> str | None:
    """What is wrong with an order, in words, or None."""
    if not 1 <= order.quantity <= QUANTITY_MAX:
        return f"quantity: should be 1 to {QUANTITY_MAX}"
    if order.price_minor is not None and order.price_minor < 0:
        return "price: should not be below zero"
    if order.send_sms and order.customer_phone is None:
        return "send_sms: needs customer_phone"
    if order.send_sms and order.quantity > _TOLD_MAX:
        return f"send_sms: at most {_TOLD_MAX} vouchers"
    try:
        new_codes(1, prefix=order.code_prefix)
    except ValueError:
        return "code_prefix: should be up to 8 capital letters and digits, without 0 and 1"
    return None


def _is_of(order: BatchOrder, owner_id: UUID | None, batch: Batch) -> bool:
    """Whether a batch is what is ordered. What is left out was the plan's own then."""
    exactly = (
        (order.quantity, batch.quantity),
        (order.profile, batch.plan_code),
        (order.code_prefix, batch.code_prefix),
        (order.send_sms, batch.send),
        (owner_id, batch.owner_id),
        (order.customer_name, batch.customer_name),
    )
    where_given = (
        (order.router_id, batch.router_id),
        (order.price_minor, batch.price_minor),
        (order.currency, batch.currency),
        (order.code_style, batch.code_style),
        (order.validity_hours, batch.terms.validity_s / HOUR_S),
        (order.data_limit_mb, batch.terms.data_bytes / MIB),
        (order.auto_activate or None, batch.activate),  # it may have been activated since
    )
    return all(asked == kept for asked, kept in exactly) and all(
        asked is None or asked == kept for asked, kept in where_given
    )


def _terms(plan: HotspotPlan, order: BatchOrder) -> Terms:
    terms = plan.terms
    if order.validity_hours is not None:
        terms = replace(terms, validity_s=order.validity_hours * HOUR_S)
    if order.data_limit_mb is not None:
        terms = replace(terms, data_bytes=order.data_limit_mb * MIB)
    return terms
