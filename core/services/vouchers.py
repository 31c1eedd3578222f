"""Buying a hotspot voucher: what is offered where, and from a confirmed choice to a code."""

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from core.domain.customers import Customer, Tenant
from core.domain.hotspot import HotspotPlan, Router, RouterStatus
from core.domain.voucher_codes import new_codes
from core.domain.vouchers import SaleState, Selling, Voucher, selling_of
from core.kit import crash, ids
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.errors import Fault, Problem
from core.kit.msisdn import Msisdn
from core.ports import Customers
from core.ports.hotspot_books import HotspotPlans, RouterBook
from core.ports.vouchers import Bought, Buying, NewCode, NewSale, VoucherBook
from core.services.purchases import InsufficientFunds

log = structlog.get_logger()

_REFERENCE_LETTERS = 10
_LOOK_EVERY_S = 0.1
_CODE_TRIES = 3
_LATELY = 10


class NotSoldHere(Problem):
    """The plan is not sold there now, or changed since it was shown. Nothing was done."""

    code = "voucher.not_sold"


class SiteFull(Problem):
    """Too many are online there. Nothing was done."""

    code = "voucher.full"


class SiteAway(Problem):
    """The router is away: sold only to who agrees to wait. Facts: `since`. Nothing was done."""

    code = "voucher.away"


@dataclass(frozen=True, slots=True)
class SaleRules:
    """How vouchers are sold.

    Attributes:
        refund_after_s: A voucher that does not work by then is taken back and paid back.
        unproven: Whether a router sells that was never reached: only where vouchers are kept
            elsewhere, so that nobody need reach it.
    """

    refund_after_s: float = 1800.0
    unproven: bool = False


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan at a router, and what a customer is told of it before paying."""

    plan: HotspotPlan
    router: Router
    selling: Selling


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was bought, with its code.

    Attributes:
        voucher: Its `sale_state` tells where it stands: SOLD is paid and activating, DELIVERED
            works, REFUND_DUE and REFUNDED tell of the money.
        router: Where it works; None where that was removed since.
    """

    reference: str
    voucher: Voucher
    router: Router | None


class Vouchers:
    """Hotspot vouchers as customers buy them."""

    def __init__(
        self,
        book: VoucherBook,
        plans: HotspotPlans,
        routers: RouterBook,
        customers: Customers,
        clock: Clock,
        bell: Bell,
        rules: SaleRules,
    ) -> None:
        self._book = book
        self._plans = plans
        self._routers = routers
        self._customers = customers
        self._clock = clock
        self._bell = bell
        self._rules = rules

    @property
    def refund_after_s(self) -> float:
        return self._rules.refund_after_s

    async def places(self, tenant_id: UUID) -> Sequence[Router]:
        """Where something can be bought at all, by name."""
        return [each for each in await self._routers.selling(tenant_id) if self._may_sell(each)]

    async def places_for(self, customer: Customer) -> Sequence[Router]:
        """The same, but where the customer had a voucher last comes first."""
        places = await self.places(customer.tenant_id)
        had = await self._book.of_customer(customer.tenant_id, customer.id, _LATELY)
        last = max(had, key=lambda voucher: voucher.sold_at or voucher.created_at, default=None)
        return sorted(places, key=lambda place: last is None or place.id != last.router_id)

    def why_nothing(self, router: Router) -> str:
        """Why a router sells nothing at all now, for its operators; "" where it does."""
        if not router.selling:
            return "It is set not to sell."
        if not self._may_sell(router):
            return "It was never reached. It sells once it has answered: test it."
        if router.status is RouterStatus.NEEDS_ATTENTION:
            return "It needs a person: do what its remedy says."
        return "It is near one of its limits." if router.full else ""

    def _may_sell(self, router: Router) -> bool:
        return router.proven or self._rules.unproven

    async def plan(self, tenant_id: UUID, plan_id: UUID) -> HotspotPlan:
        """One that was shown a moment ago, as it is now.

        Raises:
            NotSoldHere: there is none any more.
        """
        plan = await self._plans.get(tenant_id, plan_id)
        if plan is None:
            raise NotSoldHere
        return plan

    async def offers(self, tenant_id: UUID, router: Router) -> Sequence[Offer]:
        """What is sold at a router or, where that is full or shut, at another of its group.

        Cheapest first. Those that are not sold now are among them, and say so.
        """
        plans = await self._plans.listed(tenant_id, active=True)
        sold = [plan for plan in plans if plan.price_minor > 0 and plan.sold_at(router)]
        return [await self._offer(plan, router) for plan in sold]

    async def offer(self, plan: HotspotPlan, router_id: UUID, *, exactly: bool = False) -> Offer:
        """One plan at one router, or at another of its group; `exactly`, there and nowhere else.

        Raises:
            NotSoldHere: there is no such router.
        """
        router = await self._routers.get(plan.tenant_id, router_id)
        if router is None or not plan.sold_at(router):
            raise NotSoldHere
        return await self._offer(plan, router, exactly=exactly)

    async def buy(
        self,
        offer: Offer,
        *,
        key: str,
        tenant: Tenant,
        customer: Customer,
        channel_id: UUID,
        identity: str,
        until: float,
        recipient: Msisdn | None = None,
        agreed: bool = False,
    ) -> Purchase:
        """Buy what was offered, once per `key`, and wait for it to work until `until` (monotonic).

        The same key again finds the same sale, whatever became of it. `recipient`: whose it is to
        be, where not the customer's own; that number is told the code. `agreed`: the customer knows
        that the router is away, and waits.

        Raises:
            InsufficientFunds, NotSoldHere, SiteFull, SiteAway: nothing was done.
        """
        sale_id = ids.derived("voucher", str(tenant.id), str(customer.id), key)
        if earlier := await self._made(tenant.id, sale_id):
            return await self._awaited(tenant.id, earlier, until)
        now = await self._offer(offer.plan, offer.router, exactly=True)
        _check(now, agreed=agreed)
        owner = customer
        if recipient is not None and recipient != customer.msisdn:
            owner = await self._customers.of_number(tenant.id, recipient)
        crash.point("voucher.before_buy")
        bought = await self._sold(
            NewSale(
                id=sale_id,
                tenant_id=tenant.id,
                customer_id=customer.id,
                owner_id=owner.id,
                reference=ids.speakable(_REFERENCE_LETTERS),
                plan_id=offer.plan.id,
                plan_version=offer.plan.version,
                router_id=offer.router.id,
                price_minor=offer.plan.price_minor,
                currency=offer.plan.currency,
                fresh=self._fresh(offer.plan),
                stock_only=now.selling is Selling.READY and not now.router.status.reachable,
                channel_id=channel_id,
                identity=identity,
                created_at=self._clock.now(),
                refund_at=self._clock.now() + dt.timedelta(seconds=self._rules.refund_after_s),
            ),
            offer.plan,
        )
        crash.point("voucher.bought")
        match bought.result:
            case Buying.INSUFFICIENT | Buying.CLOSED:
                raise InsufficientFunds
            case Buying.CHANGED | Buying.NO_STOCK:
                raise NotSoldHere
            case Buying.CONFLICT | Buying.COLLISION:
                raise Fault(f"voucher sale: {bought.result.value}")
            case Buying.SOLD:
                self._bell.ring()
            case Buying.DUPLICATE:
                pass
        assert bought.voucher_id is not None
        return await self._awaited(tenant.id, bought.voucher_id, until)

    async def made(
        self, *, key: str, tenant: Tenant, customer: Customer, until: float
    ) -> Purchase | None:
        """What `buy` made under this `key`, waited for alike, or None: begins nothing."""
        sale_id = ids.derived("voucher", str(tenant.id), str(customer.id), key)
        voucher_id = await self._made(tenant.id, sale_id)
        return None if voucher_id is None else await self._awaited(tenant.id, voucher_id, until)

    async def mine(self, customer: Customer, count: int) -> Sequence[Voucher]:
        """A customer's vouchers with their codes, the good ones first."""
        return await self._book.of_customer(customer.tenant_id, customer.id, count)

    async def resend(self, customer: Customer, voucher_id: UUID, key: str) -> bool:
        """Tell the code again, once per key. False for what is over, or somebody else's."""
        voucher = await self._book.get(customer.tenant_id, voucher_id)
        if voucher is None or voucher.owner_id != customer.id:
            return False
        return await self._book.tell(customer.tenant_id, voucher_id, key)

    async def _sold(self, sale: NewSale, plan: HotspotPlan) -> Bought:
        """A fresh code that somebody has already is left for another."""
        bought = await self._book.buy(sale)
        for _ in range(_CODE_TRIES):
            if bought.result is not Buying.COLLISION:
                break
            bought = await self._book.buy(replace(sale, fresh=self._fresh(plan)))
        return bought

    def _fresh(self, plan: HotspotPlan) -> NewCode:
        [code] = self._book.seal(plan.tenant_id, new_codes(1, plan.code_style))
        return code

    async def _offer(self, plan: HotspotPlan, router: Router, *, exactly: bool = False) -> Offer:
        """At this router; `exactly`, or at the first of its group that sells where it does not."""
        stock, now = await self._book.stock(plan), self._clock.now()

        def at(one: Router) -> Offer:
            over = plan.terms.ends_at is not None and plan.terms.ends_at <= now
            selling = selling_of(one, stock.get(one.id, 0), now)
            return Offer(plan, one, selling if self._may_sell(one) and not over else Selling.CLOSED)

        if exactly:
            fresh = await self._routers.get(plan.tenant_id, router.id)
            if fresh is None:
                raise NotSoldHere
            return at(fresh)
        here = at(router)
        if not router.group or here.selling in _WELL:
            return here
        others = await self._routers.selling(plan.tenant_id)
        near = (at(one) for one in others if one.group == router.group and plan.sold_at(one))
        return next((offer for offer in near if offer.selling in _WELL), here)

    async def _made(self, tenant_id: UUID, sale_id: UUID) -> UUID | None:
        sale = await self._book.sale_of(tenant_id, sale_id)
        return None if sale is None else sale.voucher_id

    async def _awaited(self, tenant_id: UUID, voucher_id: UUID, until: float) -> Purchase:
        """As it stands once it works, or at `until`."""
        while True:
            voucher = await self._book.get(tenant_id, voucher_id)
            assert voucher is not None
            if voucher.sale_state is not SaleState.SOLD or time.monotonic() >= until:
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        router = await self._routers.get(tenant_id, voucher.router_id)
        return Purchase(voucher.reference or "", voucher, router)


_WELL = (Selling.READY, Selling.SOON)


def _check(offer: Offer, *, agreed: bool) -> None:
    match offer.selling:
        case Selling.CLOSED:
            raise NotSoldHere
        case Selling.FULL:
            raise SiteFull
        case Selling.CONSENT if not agreed:
            raise SiteAway(since=offer.router.status_since)
        case _:
            pass
