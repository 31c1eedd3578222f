"""Attempts that are not settled yet, in Postgres."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.vending import Product
from core.store.database import Database
from core.store.tables import attempts, jobs, orders


class PgAttempts:
    """See `core.ports.Attempts`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_at(self, tenant_id: UUID, provider: str, product: Product | None) -> int:
        async def read(connection: AsyncConnection) -> int:
            # Whatever is not settled has a job, and jobs are few.
            query = (
                select(func.count())
                .select_from(jobs)
                .join(attempts, attempts.c.order_id == jobs.c.ref)
                .join(orders, orders.c.id == jobs.c.ref)
                .where(
                    jobs.c.tenant_id == tenant_id,
                    attempts.c.provider == provider,
                    attempts.c.closed_at.is_(None),
                )
            )
            if product is not None:
                query = query.where(orders.c.product == product.value)
            return await connection.scalar(query) or 0

        return await self._database.in_tenant(tenant_id, read)
