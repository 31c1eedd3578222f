"""Plans and their offers in Postgres."""

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.plans import Plan, PlanListing
from core.domain.routing import PlanOffer
from core.ports import Event
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import orders, plan_offers, plans

_PLAN = tuple(plans.c[name] for name in Plan.__slots__)
_PLAN_KEY = ("tenant_id", "id")
_OFFER_KEY = ("tenant_id", "plan", "provider")


class PgPlans:
    """See `core.ports.Plans`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def offers(self, tenant_id: UUID, plan: str) -> Mapping[str, PlanOffer]:
        async def read(connection: AsyncConnection) -> Mapping[str, PlanOffer]:
            here = and_(
                plans.c.tenant_id == plan_offers.c.tenant_id, plans.c.id == plan_offers.c.plan
            )
            query = (
                select(plan_offers.c.provider, plan_offers.c.code, plan_offers.c.cost_minor)
                .join(plans, here)
                .where(plans.c.tenant_id == tenant_id, plans.c.id == plan, plans.c.active)
            )
            rows = await connection.execute(query)
            return {row.provider: PlanOffer(row.code, row.cost_minor) for row in rows}

        return await self._database.in_tenant(tenant_id, read)

    async def listed(self, tenant_id: UUID) -> Sequence[PlanListing]:
        async def read(connection: AsyncConnection) -> Sequence[PlanListing]:
            sold: defaultdict[str, dict[str, PlanOffer]] = defaultdict(dict)
            for row in await connection.execute(
                select(plan_offers).where(plan_offers.c.tenant_id == tenant_id)
            ):
                sold[row.plan][row.provider] = PlanOffer(row.code, row.cost_minor)
            query = (
                select(*_PLAN)
                .where(plans.c.tenant_id == tenant_id)
                .order_by(plans.c.network, plans.c.size_mb, plans.c.validity_days, plans.c.id)
            )
            rows = (await connection.execute(query)).mappings()
            return [PlanListing(Plan(**row), sold[row["id"]]) for row in rows]

        return await self._database.in_tenant(tenant_id, read)

    async def bought(
        self, tenant_id: UUID, customer_id: UUID, since: dt.datetime
    ) -> Mapping[str, int]:
        """Megabytes that this customer was delivered since then, by network."""
        here = and_(plans.c.tenant_id == orders.c.tenant_id, plans.c.id == orders.c.plan)
        query = (
            select(plans.c.network, func.sum(plans.c.size_mb))
            .select_from(orders.join(plans, here))
            .where(
                orders.c.tenant_id == tenant_id,
                orders.c.customer_id == customer_id,
                orders.c.created_at >= since,
                orders.c.product == "data",
                orders.c.state == "delivered",
            )
            .group_by(plans.c.network)
        )

        async def read(connection: AsyncConnection) -> Mapping[str, int]:
            return {network: int(size) for network, size in await connection.execute(query)}

        return await self._database.in_tenant(tenant_id, read)

    async def save(
        self, tenant_id: UUID, listings: Sequence[PlanListing], event: Event, at: dt.datetime
    ) -> None:
        async def write(connection: AsyncConnection) -> None:
            for listing in listings:
                await _write(connection, tenant_id, listing, at)
            await add_event(connection, tenant_id, event, at)

        await self._database.in_tenant(tenant_id, write)


async def _write(
    connection: AsyncConnection, tenant_id: UUID, listing: PlanListing, at: dt.datetime
) -> None:
    plan = {name: getattr(listing.plan, name) for name in Plan.__slots__}
    await connection.execute(
        insert(plans)
        .values(tenant_id=tenant_id, **plan)
        .on_conflict_do_update(index_elements=_PLAN_KEY, set_=plan)
    )
    for provider, offer in listing.offers.items():
        sold = {"code": offer.code, "cost_minor": offer.cost_minor, "fetched_at": at}
        await connection.execute(
            insert(plan_offers)
            .values(tenant_id=tenant_id, plan=listing.plan.id, provider=provider, **sold)
            .on_conflict_do_update(index_elements=_OFFER_KEY, set_=sold)
        )
