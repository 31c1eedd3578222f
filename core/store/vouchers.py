"""Vouchers and their sales in Postgres: `core/store/sql/80_vouchers.sql` and plain reading."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.hotspot import HotspotPlan
from core.domain.vouchers import Desired, SaleState, Voucher
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports import Paging
from core.ports.vouchers import Bought, Buying, NewCode, NewSale, SaleView, VoucherQuery
from core.store import voucher_rows
from core.store.database import Database
from core.store.hotspot_tables import voucher_sales, vouchers
from core.store.voucher_rows import JOINED, SOLD, voucher_of

_AT_STAKE_AFTER = dt.timedelta(minutes=5)
_OVER = [state.value for state in SaleState if state.over]


class PgVouchers:
    """See `core.ports.vouchers.VoucherBook`."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        *,
        void_after_s: float = 120.0,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock
        self._void_after = dt.timedelta(seconds=void_after_s)

    def seal(self, tenant_id: UUID, codes: Sequence[str]) -> list[NewCode]:
        return voucher_rows.new_codes(self._keyring, tenant_id, codes)

    async def buy(self, sale: NewSale) -> Bought:
        [row] = await self._database.call(
            "select * from voucher_buy($1::voucher_sale_item)", _item(sale)
        )
        return Bought(Buying(row["result"]), row["voucher_id"], row["reference"])

    async def stock(self, plan: HotspotPlan) -> Mapping[UUID, int]:
        columns = vouchers.c
        query = (
            select(columns.router_id, func.count().label("stock"))
            .where(
                columns.tenant_id == plan.tenant_id,
                columns.plan_id == plan.id,
                columns.plan_version == plan.version,
                columns.sale_state == SaleState.STOCK.value,
                columns.batch_id.is_(None),
                columns.desired == Desired.PRESENT.value,
                columns.sync_state == "confirmed",
                columns.first_login_at.is_(None),
            )
            .group_by(columns.router_id)
        )

        async def read(connection: AsyncConnection) -> Mapping[UUID, int]:
            return {row.router_id: row.stock for row in await connection.execute(query)}

        return await self._database.in_tenant(plan.tenant_id, read)

    async def get(self, tenant_id: UUID, voucher_id: UUID) -> Voucher | None:
        found = await self._read(tenant_id, JOINED.where(vouchers.c.id == voucher_id))
        return found[0] if found else None

    async def by_code(self, tenant_id: UUID, code: str) -> Voucher | None:
        digests = voucher_rows.digests(self._keyring, tenant_id, code)
        found = await self._read(tenant_id, JOINED.where(vouchers.c.code_digest.in_(digests)))
        return found[0] if found else None

    async def known(self, tenant_id: UUID, codes: Collection[str]) -> Collection[str]:
        kept = {
            digest: code
            for code in codes
            for digest in voucher_rows.digests(self._keyring, tenant_id, code)
        }
        query = select(vouchers.c.code_digest).where(vouchers.c.code_digest.in_(kept))

        async def read(connection: AsyncConnection) -> Collection[str]:
            return {kept[digest] for digest in await connection.scalars(query)}

        return await self._database.in_tenant(tenant_id, read)

    async def of_customer(self, tenant_id: UUID, owner_id: UUID, count: int) -> Sequence[Voucher]:
        query = JOINED.where(vouchers.c.owner_id == owner_id)
        query = query.order_by(vouchers.c.sale_state.in_(_OVER), vouchers.c.id.desc()).limit(count)
        return await self._read(tenant_id, query)

    async def listed(
        self, tenant_id: UUID, query: VoucherQuery, paging: Paging
    ) -> Sequence[Voucher]:
        wanted = JOINED.where(self._which(tenant_id, query))
        wanted = wanted.order_by(vouchers.c.id.desc() if paging.descending else vouchers.c.id)
        wanted = wanted.limit(paging.per_page + 1).offset((paging.page - 1) * paging.per_page)
        return await self._read(tenant_id, wanted, with_codes=False)

    async def count(self, tenant_id: UUID, query: VoucherQuery) -> int:
        counted = select(func.count()).select_from(vouchers).where(self._which(tenant_id, query))

        async def read(connection: AsyncConnection) -> int:
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def by_reference(self, tenant_id: UUID, reference: str) -> Voucher | None:
        found = await self._read(tenant_id, JOINED.where(voucher_sales.c.reference == reference))
        return found[0] if found else None

    async def sale(self, tenant_id: UUID, voucher_id: UUID) -> SaleView | None:
        return await self._sale(tenant_id, voucher_sales.c.voucher_id == voucher_id)

    async def sale_of(self, tenant_id: UUID, sale_id: UUID) -> SaleView | None:
        return await self._sale(tenant_id, voucher_sales.c.id == sale_id)

    async def sales_of(
        self, tenant_id: UUID, customer_id: UUID, count: int
    ) -> Sequence[tuple[SaleView, str]]:
        query = SOLD.where(voucher_sales.c.customer_id == customer_id)
        query = query.order_by(voucher_sales.c.created_at.desc()).limit(count)

        async def read(connection: AsyncConnection) -> Sequence[tuple[SaleView, str]]:
            rows = (await connection.execute(query)).mappings()
            return [(voucher_rows.sale_of(row), row["plan_name"]) for row in rows]

        return await self._database.in_tenant(tenant_id, read)

    async def want(self, tenant_id: UUID, voucher_id: UUID, desired: Desired, actor: str) -> bool:
        return bool(await self._ask("voucher_want", tenant_id, voucher_id, desired.value, actor))

    async def give_back(
        self, tenant_id: UUID, voucher_id: UUID, reason: str, actor: str, *, waiting: bool = False
    ) -> str:
        answer = await self._ask(
            *("voucher_give_back", tenant_id, voucher_id, reason, actor, waiting),
            self._void_after,
        )
        return str(answer)

    async def hand_over(
        self,
        tenant_id: UUID,
        voucher_id: UUID,
        owner_id: UUID,
        actor: str,
        *,
        unused_of: UUID | None = None,
    ) -> bool:
        answer = await self._ask(
            "voucher_hand_over", tenant_id, voucher_id, owner_id, actor, unused_of
        )
        return bool(answer)

    async def tell(self, tenant_id: UUID, voucher_id: UUID, key: str) -> bool:
        return bool(await self._ask("voucher_tell", tenant_id, voucher_id, key))

    async def turn_over(self, count: int) -> int:
        return int(str(await self._ask("voucher_turn_over", count, self._void_after)))

    async def waiting(self) -> Mapping[str, int]:
        """Paid ones of all tenants, counted by what they wait for: `activation` or `refund`."""
        rows = await self._database.call("select * from voucher_waiting()")
        return {row["waits"]: row["vouchers"] for row in rows}

    async def _ask(self, function: str, *arguments: object) -> object:
        """A function of the store, whose last argument is the time."""
        places = ", ".join(f"${place + 1}" for place in range(len(arguments) + 1))
        [row] = await self._database.call(
            f"select {function}({places}) as answer",
            *arguments,
            self._clock.now(),
        )
        return row["answer"]

    async def _sale(self, tenant_id: UUID, which: ColumnElement[bool]) -> SaleView | None:
        query = SOLD.where(which)

        async def read(connection: AsyncConnection) -> SaleView | None:
            row = (await connection.execute(query)).mappings().one_or_none()
            return None if row is None else voucher_rows.sale_of(row)

        return await self._database.in_tenant(tenant_id, read)

    def _which(self, tenant_id: UUID, query: VoucherQuery) -> ColumnElement[bool]:
        return voucher_rows.which(tenant_id, query, self._clock.now() - _AT_STAKE_AFTER)

    async def _read(
        self, tenant_id: UUID, query: Select[tuple[object, ...]], *, with_codes: bool = True
    ) -> list[Voucher]:
        keyring = self._keyring if with_codes else None

        async def read(connection: AsyncConnection) -> list[Voucher]:
            rows = (await connection.execute(query)).mappings()
            return [voucher_of(row, keyring) for row in rows]

        return await self._database.in_tenant(tenant_id, read)


def _item(sale: NewSale) -> tuple[object, ...]:
    """The SQL type `voucher_sale_item`."""
    fresh = sale.fresh
    return (
        sale.id,
        sale.tenant_id,
        sale.customer_id,
        sale.owner_id,
        sale.reference,
        sale.plan_id,
        sale.plan_version,
        sale.router_id,
        sale.price_minor,
        sale.currency,
        fresh.id,
        fresh.digest,
        fresh.sealed,
        fresh.head,
        fresh.chars,
        sale.stock_only,
        sale.channel_id,
        sale.identity,
        sale.created_at,
        sale.refund_at,
    )
