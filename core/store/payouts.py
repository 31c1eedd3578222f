"""Payouts in Postgres: `core/store/sql/50_payouts.sql` and plain reading."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import Customer
from core.domain.payouts import (
    DuePayout,
    NewPayout,
    PayoutBeginning,
    PayoutBegun,
    PayoutRuling,
    PayoutState,
    PayoutView,
    Settlement,
)
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.store.database import Database
from core.store.tables import payouts

_SHOWN = tuple(payouts.c[name] for name in PayoutView.__slots__)
_ITEM = tuple(NewPayout.__slots__)


class UnknownPayout(Fault):
    """A ruling about a payout that this tenant does not have."""


class PgPayouts:
    """See `core.ports.PayoutBook`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def begin(self, payout: NewPayout) -> PayoutBegun:
        [row] = await self._database.call(
            "select * from payout_begin($1::payout_item)", _item(payout)
        )
        return PayoutBegun(
            result=PayoutBeginning(row["result"]),
            reference=row["reference"],
            state=PayoutState(row["state"]) if row["state"] else None,
        )

    async def claim(self, count: int, lease_s: float) -> Sequence[DuePayout]:
        rows = await self._database.call(
            "select * from payout_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [_due(dict(row)) for row in rows]

    async def rule(self, ruling: PayoutRuling) -> PayoutState:
        outcome = ruling.outcome
        # The answer's id is made once, so a ruling sent again after a lost connection is known.
        [row] = await self._database.call(
            "select payout_rule($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) as state",
            ruling.id,
            ruling.tenant_id,
            ids.uuid7(),
            ruling.verdict.value,
            outcome.result.value,
            outcome.reason,
            outcome.hint,
            outcome.provider_reference,
            outcome.cost.minor if outcome.cost else 0,
            ruling.check_at,
            self._clock.now(),
        )
        if row["state"] is None:
            raise UnknownPayout(str(ruling.id))
        return PayoutState(row["state"])

    async def settle(self, settlement: Settlement) -> str:
        [row] = await self._database.call(
            "select payout_settle($1, $2, $3, $4, $5, $6, $7) as answer",
            settlement.id,
            settlement.tenant_id,
            settlement.paid,
            settlement.evidence,
            settlement.actor,
            settlement.key,
            self._clock.now(),
        )
        return str(row["answer"])

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        [row] = await self._database.call(
            "select payout_hurry($1, $2, $3) as known", gateway, references, self._clock.now()
        )
        return int(row["known"])

    async def states(self, payout_ids: Sequence[UUID]) -> Mapping[UUID, PayoutState]:
        rows = await self._database.call("select * from payout_states($1)", payout_ids)
        return {row["id"]: PayoutState(row["state"]) for row in rows}

    async def get(self, tenant_id: UUID, payout_id: UUID) -> PayoutView | None:
        found = await self._read(tenant_id, 1, payouts.c.id == payout_id)
        return found[0] if found else None

    async def find(self, tenant_id: UUID, reference: str) -> PayoutView | None:
        found = await self._read(tenant_id, 1, payouts.c.reference == reference)
        return found[0] if found else None

    async def latest(self, customer: Customer, count: int) -> Sequence[PayoutView]:
        return await self._read(customer.tenant_id, count, payouts.c.customer_id == customer.id)

    async def of_tenant(
        self, tenant_id: UUID, *, state: PayoutState | None = None, count: int = 20
    ) -> Sequence[PayoutView]:
        which = () if state is None else (payouts.c.state == state.value,)
        return await self._read(tenant_id, count, *which)

    async def _read(
        self, tenant_id: UUID, count: int, *which: ColumnElement[bool]
    ) -> list[PayoutView]:
        query = (
            select(*_SHOWN)
            .where(payouts.c.tenant_id == tenant_id, *which)
            .order_by(payouts.c.created_at.desc())
            .limit(count)
        )

        async def read(connection: AsyncConnection) -> list[PayoutView]:
            return [_view(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)


def _item(payout: NewPayout) -> tuple[object, ...]:
    """The SQL type `payout_item`, whose fields are those of `NewPayout` in their order."""
    return tuple(getattr(payout, name) for name in _ITEM)


def _due(row: dict[str, Any]) -> DuePayout:
    return DuePayout(**{**row, "state": PayoutState(row["state"])})


def _view(row: RowMapping) -> PayoutView:
    return PayoutView(**{**row, "state": PayoutState(row["state"])})
