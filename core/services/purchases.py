"""Buying: from a confirmed screen to held money, and what became of it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import structlog

from core.domain.customers import Customer, Tenant
from core.domain.orders import Beginning, NewOrder, OrderState, OrderView, attempt_id
from core.domain.vending import Product
from core.kit import crash, ids
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.errors import Fault, Problem
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import OrderBook
from core.services.outcomes import Outcomes
from core.services.routing import Choice, Router
from core.services.shelf import NotSold

log = structlog.get_logger()

_REFERENCE_LETTERS = 10  # fifty bits: no two orders of a tenant will ever share one


class InsufficientFunds(Problem):
    code = "wallet.insufficient"


class OverDayLimit(Problem):
    code = "limit.day"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a tenant sells airtime for and how much, in minor units of its currency."""

    amount_min_minor: int
    amount_max_minor: int
    fee_minor: int
    day_limit_minor: int | None
    in_doubt_deadline_s: float


class Airtime(msgspec.Struct, frozen=True, gc=False):
    """What the customer saw and confirmed."""

    network: str
    recipient: Msisdn
    amount: Money
    fee: Money


class Purchase(msgspec.Struct, frozen=True, gc=False):
    """An order with where it stands now. `state` is None while nobody can say."""

    order_id: UUID
    reference: str
    state: OrderState


class Purchases:
    """Holds the money and leaves an order behind; workers see it through."""

    def __init__(
        self,
        orders: OrderBook,
        outcomes: Outcomes,
        router: Router,
        terms: Terms,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._orders = orders
        self._outcomes = outcomes
        self._router = router
        self._terms = terms
        self._clock = clock
        self._bell = bell

    @property
    def terms(self) -> Terms:
        return self._terms

    async def buy(
        self,
        what: Airtime,
        *,
        key: str,
        tenant: Tenant,
        customer: Customer,
        channel_id: UUID,
        identity: str,
        until: float,
        gift_room_id: UUID | None = None,
    ) -> Purchase:
        """Buy once per `key`, and wait for the end of it until `until` (of `time.monotonic`).

        The same key again finds the same order, whatever became of it. What was won in a gift room
        neither meets the customer's limit of a day nor uses any of it up.

        Raises:
            InsufficientFunds, OverDayLimit, NotSold: nothing was done.
            Busy: too many buyers at once; nothing was done.
        """
        now = self._clock.now()
        try:
            choice = await self._router.first(
                tenant.id, Product.AIRTIME, what.amount.minor, what.amount.currency
            )
        except NotSold:
            # The same confirmation may have come before, while it was sold.
            if made := await self.made(key=key, tenant=tenant, customer=customer, until=until):
                return made
            raise
        order = self._new_order(
            what, key, tenant, customer, channel_id, identity, choice, now, gift_room_id
        )
        crash.point("purchase.before_begin")
        begun = await self._orders.begin(order)
        crash.point("purchase.begun")
        if choice.probe is not None and begun.result is not Beginning.BEGUN:
            await self._router.unused(choice)
        match begun.result:
            case Beginning.INSUFFICIENT | Beginning.CLOSED:
                raise InsufficientFunds
            case Beginning.OVER_LIMIT:
                raise OverDayLimit
            case Beginning.CONFLICT:
                raise Fault("one confirmation, two contents")
            case Beginning.BEGUN:
                if not begun.in_hand:
                    self._bell.ring()
            case Beginning.DUPLICATE:
                pass
        state = begun.state or OrderState.HELD
        return await self._awaited(order.id, begun.reference or order.reference, state, until)

    async def made(
        self, *, key: str, tenant: Tenant, customer: Customer, until: float
    ) -> Purchase | None:
        """What `buy` made under this `key`, waited for in the same way, or None: begins nothing."""
        order = await self._orders.get(tenant.id, _order_id(tenant, customer, key))
        if order is None:
            return None
        return await self._awaited(order.id, order.reference, order.state, until)

    async def _awaited(
        self, order_id: UUID, reference: str, state: OrderState, until: float
    ) -> Purchase:
        """With its final state if there is one in time. Not being able to ask is no failure."""
        if not state.final:
            try:
                state = await self._outcomes.wait(order_id, until) or state
            except Exception:
                log.exception("purchase.unwatched")
        return Purchase(order_id, reference, state)

    async def latest(self, tenant_id: UUID, customer_id: UUID) -> Sequence[OrderView]:
        return await self._orders.latest(tenant_id, customer_id, 1)

    async def bought_lately(
        self, tenant_id: UUID, customer_id: UUID, what: Airtime, within_s: float = 120.0
    ) -> OrderView | None:
        """The same airtime for the same number a moment ago, unless its money came back."""
        since = self._clock.now() - dt.timedelta(seconds=within_s)
        for order in await self._orders.latest(tenant_id, customer_id, 5):
            same = (order.recipient, order.amount_minor) == (what.recipient, what.amount.minor)
            if same and order.created_at >= since and order.state is not OrderState.REFUNDED:
                return order
        return None

    def _new_order(
        self,
        what: Airtime,
        key: str,
        tenant: Tenant,
        customer: Customer,
        channel_id: UUID,
        identity: str,
        choice: Choice,
        now: dt.datetime,
        gift_room_id: UUID | None,
    ) -> NewOrder:
        offer = choice.offer
        order_id = _order_id(tenant, customer, key)
        first_id = attempt_id(order_id, 1)
        return NewOrder(
            id=order_id,
            tenant_id=tenant.id,
            customer_id=customer.id,
            reference=ids.speakable(_REFERENCE_LETTERS),
            product=Product.AIRTIME,
            network=what.network,
            recipient=what.recipient,
            amount_minor=what.amount.minor,
            fee_minor=what.fee.minor,
            currency=what.amount.currency,
            channel_id=channel_id,
            identity=identity,
            attempt_id=first_id,
            provider=offer.provider.name,
            via=offer.via,
            provider_reference=offer.provider.new_reference(first_id, now),
            created_at=now,
            deadline_at=now + dt.timedelta(seconds=self._terms.in_doubt_deadline_s),
            day_starts_at=_midnight(tenant.time_zone, int(now.timestamp()) // 60),
            day_limit_minor=self._terms.day_limit_minor if gift_room_id is None else None,
            provider_plan=choice.plan,
            gift_room_id=gift_room_id,
        )


@lru_cache(maxsize=256)
def _midnight(time_zone: str, minute: int) -> dt.datetime:
    """When the day of this minute (since 1970) began there."""
    there = dt.datetime.fromtimestamp(minute * 60, ZoneInfo(time_zone))
    return there.replace(hour=0, minute=0).astimezone(dt.UTC)


def _order_id(tenant: Tenant, customer: Customer, key: str) -> UUID:
    return ids.derived("order", tenant.id, customer.id, key, at=ids.moment(key))
