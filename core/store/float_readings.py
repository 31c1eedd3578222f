"""What providers said of our float, and what our books say happened to it in between."""

import datetime as dt
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.reconciliation import FloatEquation
from core.kit.money import Money
from core.ports.statements import FloatReading
from core.store.database import Database
from core.store.tables import float_readings


class PgFloatReadings:
    """The part of `core.ports.statements.ReconciliationBook` that is about floats."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_reading(self, tenant_id: UUID, reading: FloatReading) -> None:
        row = insert(float_readings).values(
            tenant_id=tenant_id,
            provider=reading.provider,
            at=reading.at,
            balance_minor=reading.balance.minor,
            currency=reading.balance.currency,
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(row.on_conflict_do_nothing())

        await self._database.in_tenant(tenant_id, write)

    async def reading_from(
        self, tenant_id: UUID, provider: str, at: dt.datetime
    ) -> FloatReading | None:
        query = (
            select(float_readings)
            .where(
                float_readings.c.tenant_id == tenant_id,
                float_readings.c.provider == provider,
                float_readings.c.at >= at,
            )
            .order_by(float_readings.c.at)
            .limit(1)
        )

        async def read(connection: AsyncConnection) -> FloatReading | None:
            row = (await connection.execute(query)).mappings().one_or_none()
            if row is None:
                return None
            balance = Money(row["balance_minor"], row["currency"])
            return FloatReading(row["provider"], row["at"], balance)

        return await self._database.in_tenant(tenant_id, read)

    async def float_moved(
        self, tenant_id: UUID, opening: FloatReading, closing: FloatReading
    ) -> FloatEquation:
        asked = {
            "tenant": tenant_id,
            "provider": opening.provider,
            "currency": opening.balance.currency,
            "since": opening.at,
            "until": closing.at,
        }

        async def read(connection: AsyncConnection) -> FloatEquation:
            moved = (await connection.execute(_MOVED, asked)).mappings().one()
            in_flight = await connection.scalar(_IN_FLIGHT, asked)
            return FloatEquation(
                opening=opening.balance.minor,
                closing=closing.balance.minor,
                funding=int(moved["funding"]),
                spent=int(moved["spent"]),
                given_back=int(moved["given_back"]),
                in_flight=int(in_flight or 0),
                currency=opening.balance.currency,
            )

        return await self._database.in_tenant(tenant_id, read)


# A float is what a provider owes us, so that it grows by debits.
_MOVED = text("""
    select
        coalesce(sum(-e.amount_minor) filter (where t.code = 'float_fund'), 0) as funding,
        coalesce(sum(e.amount_minor)
          filter (where t.code <> 'float_fund' and e.amount_minor > 0), 0) as spent,
        coalesce(sum(-e.amount_minor)
          filter (where t.code <> 'float_fund' and e.amount_minor < 0), 0) as given_back
      from accounts a
      join transfers t on a.id in (t.debit_id, t.credit_id)
      cross join lateral (
        select case when t.credit_id = a.id then t.amount_minor else -t.amount_minor end
          as amount_minor
      ) e
      where a.tenant_id = :tenant and a.type = 'float' and a.owner = :provider
        and a.currency = :currency and t.created_at > :since and t.created_at <= :until
""")
# What stood open at either reading may have been charged there and not be booked here, or be booked
# here before the reading showed it.
_IN_FLIGHT = text("""
    select sum(o.amount_minor) from attempts a join orders o on o.id = a.order_id
      where a.tenant_id = :tenant and a.provider = :provider and a.sent_at is not null
        and o.currency = :currency
        and a.created_at > cast(:since as timestamptz) - interval '7 days'
        and ((a.sent_at <= :since and (a.closed_at is null or a.closed_at > :since))
          or (a.sent_at <= :until and (a.closed_at is null or a.closed_at > :until)))
""")
