"""What a day came to, counted in Postgres."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.digests import Sum
from core.domain.payouts import PayoutState
from core.store.database import Database
from core.store.tables import cases, orders, payments_in, payouts


class PgDays:
    """See `core.services.digests.DayBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def orders(self, tenant_id: UUID, since: dt.datetime) -> Sequence[Sum]:
        of = orders.c
        return await self._sums(
            tenant_id,
            select(of.state, func.count(), func.sum(of.amount_minor + of.fee_minor), of.currency)
            .where(of.tenant_id == tenant_id, of.created_at >= since)
            .group_by(of.state, of.currency)
            .order_by(of.state),
        )

    async def money_in(self, tenant_id: UUID, since: dt.datetime) -> Sequence[Sum]:
        of = payments_in.c
        return await self._sums(
            tenant_id,
            select(of.gateway, func.count(), func.sum(of.amount_minor), of.currency)
            .where(of.tenant_id == tenant_id, of.received_at >= since, of.state == "credited")
            .group_by(of.gateway, of.currency)
            .order_by(of.gateway),
        )

    async def money_out(self, tenant_id: UUID, since: dt.datetime) -> Sequence[Sum]:
        of = payouts.c
        return await self._sums(
            tenant_id,
            select(of.gateway, func.count(), func.sum(of.amount_minor), of.currency)
            .where(of.tenant_id == tenant_id, of.settled_at >= since)
            .where(of.state == PayoutState.PAID.value)
            .group_by(of.gateway, of.currency)
            .order_by(of.gateway),
        )

    async def cases(self, tenant_id: UUID) -> Sequence[tuple[str, int]]:
        counted = (
            select(cases.c.kind, func.count())
            .where(cases.c.tenant_id == tenant_id, cases.c.state == "open")
            .group_by(cases.c.kind)
            .order_by(cases.c.kind)
        )

        async def read(connection: AsyncConnection) -> list[tuple[str, int]]:
            return [(kind, count) for kind, count in await connection.execute(counted)]

        return await self._database.in_tenant(tenant_id, read)

    async def _sums(self, tenant_id: UUID, counted: Select[Any]) -> list[Sum]:
        async def read(connection: AsyncConnection) -> list[Sum]:
            return [
                Sum(name, count, int(total), currency)
                for name, count, total, currency in await connection.execute(counted)
            ]

        return await self._database.in_tenant(tenant_id, read)
