"""A person's way to orders in Postgres: `core/store/sql/46_order_actions.sql`, and reading."""

import datetime as dt
import json
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, and_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.orders import FINAL, DueOrder, OrderState
from core.domain.vending import Product, Result
from core.kit import ids
from core.kit.clock import Clock
from core.kit.msisdn import Msisdn
from core.ports.desk import Acted, Answer, HandAction, Past, Said, Waiting
from core.store.database import Database
from core.store.orders import VIEW, order_view
from core.store.tables import attempts, events, jobs, orders

_LAST = and_(attempts.c.order_id == orders.c.id, attempts.c.number == orders.c.attempt_number)


class PgOrderDesk:
    """See `core.ports.desk.OrderDesk`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        in_flight_s: Callable[[], float],
        check_in_s: float,
    ) -> None:
        """Over one database.

        `in_flight_s`: how long after sending, without any answer, a request may be on its way.
        `check_in_s`: how long at most until somebody asks about an order that a person paid back.
        """
        self._database = database
        self._clock = clock
        self._in_flight_s = in_flight_s
        self._check_in = dt.timedelta(seconds=check_in_s)

    async def act(self, action: HandAction) -> Acted | None:
        rows = await self._database.call(
            "select * from order_act($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
            action.tenant_id,
            action.reference,
            action.action.value,
            action.learned.value if action.learned else None,
            action.key,
            action.content,
            action.actor,
            json.dumps(dict(action.facts)),
            ids.uuid7(),
            dt.timedelta(seconds=self._in_flight_s()),
            self._check_in,
            self._clock.now(),
        )
        if not rows:
            return None
        [row] = rows
        answer, state = Answer(row["answer"]), OrderState(row["state"])
        return Acted(answer, row["step"], state, repeated=row["repeated"])

    async def asked(self, tenant_id: UUID, reference: str) -> DueOrder | None:
        async def read(connection: AsyncConnection) -> DueOrder | None:
            query = _DUE.where(orders.c.tenant_id == tenant_id, orders.c.reference == reference)
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                return None
            tried = select(attempts.c.provider).where(attempts.c.order_id == row["order_id"])
            providers = await connection.scalars(tried.order_by(attempts.c.number))
            return _due(row, tuple(providers))

        return await self._database.in_tenant(tenant_id, read)

    async def last_said(self, tenant_id: UUID, order_id: UUID) -> Said | None:
        async def read(connection: AsyncConnection) -> Said | None:
            row = (await connection.execute(_SAID, {"id": order_id})).mappings().one_or_none()
            return Said(Result(row["result"]), row["reason"], row["at"]) if row else None

        return await self._database.in_tenant(tenant_id, read)

    async def waiting(self, tenant_id: UUID, count: int) -> Sequence[Waiting]:
        async def read(connection: AsyncConnection) -> list[Waiting]:
            query = _WAITING.where(orders.c.tenant_id == tenant_id).limit(count)
            return [_waiting(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def history(self, tenant_id: UUID, order_id: UUID) -> Sequence[Past]:
        async def read(connection: AsyncConnection) -> list[Past]:
            query = (
                select(*(events.c[name] for name in _PAST))
                .where(events.c.tenant_id == tenant_id, events.c.subject == str(order_id))
                .order_by(events.c.id)
            )
            past = [Past(**row) for row in (await connection.execute(query)).mappings()]
            # What a worker captured is told by its answer alone.
            if not any(each.kind == "order.delivered" for each in past):
                captured = (await connection.execute(_CAPTURED, {"id": order_id})).mappings()
                past += [_captured(order_id, row) for row in captured]
            return sorted(past, key=lambda each: each.at)

        return await self._database.in_tenant(tenant_id, read)


_PAST = ("subject", "kind", "actor", "facts", "at")

_SAID = text("""
    select result, reason, at from answers where order_id = :id order by id desc limit 1
""")

_CAPTURED = text("""
    select a.reason, t.provider, a.at from answers a
      join attempts t on t.order_id = a.order_id and t.id = a.attempt_id
      where a.order_id = :id and a.step = 'capture'
""")

_DUE = (
    select(
        orders.c.id.label("order_id"),
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
        orders.c.created_at,
        orders.c.deadline_at,
        orders.c.plan,
        orders.c.account,
        orders.c.variant,
        orders.c.quantity,
        attempts.c.id.label("attempt_id"),
        attempts.c.number.label("attempt_number"),
        attempts.c.provider,
        attempts.c.provider_reference,
        attempts.c.sent_at,
        attempts.c.result.label("last_result"),
        attempts.c.not_found_since,
        attempts.c.checks,
        attempts.c.via,
        attempts.c.their_reference,
        attempts.c.plan.label("provider_plan"),
    )
    .select_from(orders.join(attempts, _LAST))
    .where(attempts.c.sent_at.is_not(None))
)

# Only orders under way have jobs, which are few: no reading through all that ever ended.
_WAITING = (
    select(
        *VIEW,
        attempts.c.provider.label("asked_last"),
        attempts.c.result,
        attempts.c.reason,
        attempts.c.checks,
        attempts.c.sent_at,
        jobs.c.run_at.label("check_at"),
    )
    .select_from(jobs.join(orders, orders.c.id == jobs.c.ref).join(attempts, _LAST))
    .where(orders.c.state.in_(sorted(state.value for state in set(OrderState) - FINAL)))
    .order_by(orders.c.created_at, orders.c.id)
)


def _captured(order_id: UUID, row: RowMapping) -> Past:
    facts = {"reason": row["reason"], "provider": row["provider"]}
    return Past(str(order_id), "order.delivered", "worker", facts, row["at"])


def _due(row: RowMapping, tried: tuple[str, ...]) -> DueOrder:
    values: dict[str, Any] = dict(row)
    values["product"] = Product(row["product"])
    values["recipient"] = Msisdn(row["recipient"])
    values["state"] = OrderState(row["state"])
    values["last_result"] = Result(row["last_result"]) if row["last_result"] else None
    return DueOrder(**values, first_send=False, tried=tried)


def _waiting(row: RowMapping) -> Waiting:
    view = {column.name: row[column.name] for column in VIEW}
    return Waiting(
        order=order_view(view),
        provider=row["asked_last"],
        result=row["result"],
        reason=row["reason"],
        checks=row["checks"],
        sent_at=row["sent_at"],
        check_at=row["check_at"],
    )
