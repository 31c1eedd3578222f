"""The order book in Postgres: `core/store/sql/30_order_hold.sql` and its neighbours."""

import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders import (
    Beginning,
    Begun,
    DueOrder,
    NewOrder,
    OrderState,
    OrderView,
    Ruling,
)
from core.domain.vending import Product, Result
from core.kit import crash, ids
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.kit.hand import Hand
from core.kit.msisdn import Msisdn
from core.store.batcher import Batcher, Limits
from core.store.database import Database
from core.store.tables import orders

# Two batches of a kind at once, so that Postgres has the next while this process takes in what came
# of the last; and of a size that some hundred orders in flight make three batches: while one is
# begun and one is ruled upon, one is being asked about.
_LIMITS = Limits(batch_max=96, flushers=2, crowd=48)


# The words are few, and looking one up costs more than having it.
_beginning, _state = cache(Beginning), cache(OrderState)


class UnknownOrder(Fault):
    """A ruling about an order that this tenant does not have."""


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Has the pump of this process see orders through as soon as they are begun.

    `lease_s` is as for `claim`: how long before they come due for others.
    """

    hand: Hand[DueOrder]
    lease_s: Callable[[], float]


class PgOrderBook:
    """See `core.ports.OrderBook`. Begins and rulings are committed in batches."""

    def __init__(self, database: Database, clock: Clock, limits: Limits | None = None) -> None:
        self._database = database
        self._clock = clock
        self._at_once: AtOnce | None = None
        limits = limits or _LIMITS
        # One order per wallet and batch, so that what the wallet has room for is exact.
        self._begins: Batcher[NewOrder, Begun] = Batcher(
            "begins", self._begin, key=lambda order: order.customer_id.int, limits=limits
        )
        self._rulings: Batcher[tuple[object, ...], OrderState] = Batcher(
            "rulings", self._rule, key=lambda ruling: ruling[1], limits=limits
        )

    def hand_over(self, at_once: AtOnce) -> None:
        """From now on what is begun here is seen through here, as far as there is room."""
        self._at_once = at_once

    async def begin(self, order: NewOrder) -> Begun:
        return await self._begins.submit(order)

    async def claim(self, count: int, lease_s: float) -> Sequence[DueOrder]:
        rows = await self._database.call(
            "select * from order_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [_due(row) for row in rows]

    async def rule(self, ruling: Ruling) -> OrderState:
        # The answer's id is made once, so a ruling sent again after a lost connection is known.
        return await self._rulings.submit(_ruling_item(ruling, ids.uuid7()))

    async def hurry(self, provider: str, references: Sequence[str]) -> int:
        [row] = await self._database.call(
            "select order_hurry($1, $2, $3) as known", provider, references, self._clock.now()
        )
        return int(row["known"])

    async def states(self, order_ids: Sequence[UUID]) -> Mapping[UUID, OrderState]:
        rows = await self._database.call("select * from order_states($1)", order_ids)
        return {row["id"]: _state(row["state"]) for row in rows}

    async def find(self, tenant_id: UUID, reference: str) -> OrderView | None:
        return await self._one(tenant_id, orders.c.reference == reference)

    async def get(self, tenant_id: UUID, order_id: UUID) -> OrderView | None:
        return await self._one(tenant_id, orders.c.id == order_id)

    async def latest(self, tenant_id: UUID, customer_id: UUID, count: int) -> Sequence[OrderView]:
        async def read(connection: AsyncConnection) -> list[OrderView]:
            query = (
                select(*VIEW)
                .where(orders.c.tenant_id == tenant_id, orders.c.customer_id == customer_id)
                .order_by(orders.c.created_at.desc())
                .limit(count)
            )
            return [order_view(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def of_tenant(
        self, tenant_id: UUID, *, state: OrderState | None = None, count: int = 20
    ) -> Sequence[OrderView]:
        """A tenant's latest orders, of one state or of all: for operators."""

        async def read(connection: AsyncConnection) -> Sequence[OrderView]:
            query = select(*VIEW).where(orders.c.tenant_id == tenant_id)
            if state is not None:
                query = query.where(orders.c.state == state.value)
            rows = await connection.execute(query.order_by(orders.c.created_at.desc()).limit(count))
            return tuple(order_view(row) for row in rows.mappings())

        return await self._database.in_tenant(tenant_id, read)

    async def lag_s(self) -> float:
        """How long the oldest due order has waited for a worker."""
        [row] = await self._database.call("select order_lag($1) as lag_s", self._clock.now())
        return float(row["lag_s"])

    def waiting(self) -> Mapping[str, int]:
        """How many wait for the next commit in this process."""
        return {"begins": self._begins.waiting, "rulings": self._rulings.waiting}

    async def close(self) -> None:
        await self._begins.close()
        await self._rulings.close()

    async def _one(self, tenant_id: UUID, which: ColumnElement[bool]) -> OrderView | None:
        async def read(connection: AsyncConnection) -> OrderView | None:
            query = select(*VIEW).where(orders.c.tenant_id == tenant_id, which)
            row = (await connection.execute(query)).mappings().one_or_none()
            return order_view(row) if row else None

        return await self._database.in_tenant(tenant_id, read)

    async def _begin(self, batch: Sequence[NewOrder]) -> list[Begun]:
        """In hand they are given here, not by who waits: a buyer may be gone by now."""
        at_once = self._at_once
        if at_once is None or not at_once.hand.promise(len(batch)):
            return await self._begun(batch)
        due: list[DueOrder] = []
        try:
            # Taken before the commit is asked for: whoever compares with it waits long enough.
            sent_at = self._clock.now()
            begun = await self._begun(batch, sent_at, dt.timedelta(seconds=at_once.lease_s()))
            crash.point("order.in_hand")
            due = [
                _taken(order, sent_at)
                for order, each in zip(batch, begun, strict=True)
                if each.result is Beginning.BEGUN
            ]
            return begun
        finally:
            at_once.hand.keep(len(batch), due)

    async def _begun(
        self,
        batch: Sequence[NewOrder],
        sent_at: dt.datetime | None = None,
        lease: dt.timedelta | None = None,
    ) -> list[Begun]:
        [row] = await self._database.call(
            "select * from order_hold($1::order_item[], $2, $3)",
            [_order_item(order) for order in batch],
            sent_at,
            lease,
        )
        return [
            Begun(
                result=_beginning(result),
                order_id=order.id,
                reference=reference,
                state=_state(state) if state else None,
                in_hand=sent_at is not None,
            )
            for order, result, reference, state in zip(batch, *row, strict=True)
        ]

    async def _rule(self, batch: Sequence[tuple[object, ...]]) -> list[OrderState]:
        [row] = await self._database.call(
            "select order_rule($1::ruling_item[], $2) as states", batch, self._clock.now()
        )
        if row["states"] == [None]:
            raise UnknownOrder(str(batch[0][1]))
        return [_state(state) for state in row["states"]]


VIEW = (
    orders.c.id,
    orders.c.tenant_id,
    orders.c.customer_id,
    orders.c.reference,
    orders.c.product,
    orders.c.network,
    orders.c.recipient,
    orders.c.amount_minor,
    orders.c.fee_minor,
    orders.c.currency,
    orders.c.state,
    orders.c.hint,
    orders.c.created_at,
    orders.c.settled_at,
    orders.c.gift_room_id,
)


def order_view(row: RowMapping | Mapping[str, Any]) -> OrderView:
    """Of a row that has the columns of `VIEW`."""
    values = dict(row)
    values["product"] = Product(row["product"])
    values["recipient"] = Msisdn(row["recipient"])
    values["state"] = OrderState(row["state"])
    return OrderView(**values)


def _order_item(order: NewOrder) -> tuple[object, ...]:
    """The SQL type `order_item`, field by field; what is empty goes as null, which costs less."""
    return (
        order.id,
        order.tenant_id,
        order.customer_id,
        order.reference,
        order.product,
        order.network,
        order.recipient,
        order.amount_minor,
        order.fee_minor,
        order.currency,
        order.channel_id,
        order.identity,
        order.attempt_id,
        order.provider,
        order.provider_reference,
        order.created_at,
        order.deadline_at,
        order.day_starts_at,
        order.day_limit_minor,
        order.plan or None,
        order.account or None,
        order.variant or None,
        order.quantity,
        order.via or None,
        order.provider_plan or None,
        order.gift_room_id,
    )


def _ruling_item(ruling: Ruling, answer_id: UUID) -> tuple[object, ...]:
    """The SQL type `ruling_item`, field by field."""
    outcome, following = ruling.outcome, ruling.next_attempt
    return (
        answer_id,
        ruling.order_id,
        ruling.tenant_id,
        ruling.attempt_id,
        ruling.verdict,
        outcome.result,
        outcome.reason,
        outcome.hint,
        outcome.provider_reference,
        outcome.cost.minor if outcome.cost else None,
        outcome.cost.currency if outcome.cost else None,
        json.dumps(dict(outcome.evidence)) if outcome.evidence else None,
        ruling.check_at,
        following.attempt_id if following else None,
        following.provider if following else None,
        following.provider_reference if following else None,
        following.via if following else None,
        following.provider_plan if following else None,
        ruling.actor,
        outcome.blame,
    )


def _taken(order: NewOrder, sent_at: dt.datetime) -> DueOrder:
    """As `order_claim` would lease it, had it not been begun as sent."""
    return DueOrder(
        order_id=order.id,
        tenant_id=order.tenant_id,
        customer_id=order.customer_id,
        reference=order.reference,
        product=order.product,
        network=order.network,
        recipient=order.recipient,
        amount_minor=order.amount_minor,
        fee_minor=order.fee_minor,
        currency=order.currency,
        state=OrderState.HELD,
        created_at=order.created_at,
        deadline_at=order.deadline_at,
        attempt_id=order.attempt_id,
        attempt_number=1,
        provider=order.provider,
        provider_reference=order.provider_reference,
        first_send=True,
        sent_at=sent_at,
        last_result=None,
        not_found_since=None,
        checks=0,
        plan=order.plan,
        account=order.account,
        variant=order.variant,
        quantity=order.quantity,
        via=order.via,
        provider_plan=order.provider_plan,
        tried=(order.provider,),
    )


def _due(row: asyncpg.Record) -> DueOrder:
    values = dict(row)
    values["product"] = Product(values["product"])
    values["recipient"] = Msisdn(values["recipient"])
    values["state"] = OrderState(values["state"])
    last = values["last_result"]
    values["last_result"] = Result(last) if last else None
    values["tried"] = tuple(values["tried"])
    return DueOrder(**values)
