"""Batches of vouchers in Postgres: `core/store/sql/81_voucher_book.sql` and plain reading."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.vouchers import Voucher
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports import Event, Paging
from core.ports.vouchers import Batch, NewCode
from core.store import voucher_rows
from core.store.database import Database
from core.store.events import add_event
from core.store.hotspot_tables import voucher_batches, vouchers
from core.store.pages import paged
from core.store.voucher_rows import JOINED, batch_of, voucher_of

_AT_ONCE = 2000
_KEPT = [name for name in Batch.__slots__ if name not in {"terms", "confirmed"}]


class PgVoucherBatches:
    """See `core.ports.vouchers.VoucherBatches`."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    async def add(self, batch: Batch, event: Event) -> Batch:
        row = {name: getattr(batch, name) for name in _KEPT}
        row |= {"terms": batch.terms.kept(), "run_at": batch.created_at}
        mine = (
            voucher_batches.c.tenant_id == batch.tenant_id,
            voucher_batches.c.key == batch.key,
        )

        async def write(connection: AsyncConnection) -> Batch:
            new = insert(voucher_batches).values(row).on_conflict_do_nothing()
            if (await connection.execute(new)).rowcount:
                await add_event(connection, batch.tenant_id, event, batch.created_at)
            found = await connection.execute(select(voucher_batches).where(*mine))
            return batch_of(found.mappings().one())

        return await self._database.in_tenant(batch.tenant_id, write)

    async def get(self, tenant_id: UUID, batch_id: UUID) -> Batch | None:
        confirmed = (
            select(func.count())
            .select_from(vouchers)
            .where(vouchers.c.batch_id == batch_id, vouchers.c.sync_state == "confirmed")
        )

        async def read(connection: AsyncConnection) -> Batch | None:
            query = select(voucher_batches).where(voucher_batches.c.id == batch_id)
            row = (await connection.execute(query)).mappings().one_or_none()
            return None if row is None else batch_of(row, await connection.scalar(confirmed) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def listed(self, tenant_id: UUID, paging: Paging) -> Sequence[Batch]:
        query = select(voucher_batches).where(voucher_batches.c.tenant_id == tenant_id)
        wanted = paged(query, voucher_batches, paging)

        async def read(connection: AsyncConnection) -> Sequence[Batch]:
            return [batch_of(row) for row in (await connection.execute(wanted)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def due(self, count: int, lease_s: float) -> Sequence[Batch]:
        rows = await self._database.call(
            "select * from voucher_claim_batches($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [batch_of(dict(row)) for row in rows]

    def seal(self, tenant_id: UUID, codes: Sequence[str]) -> list[NewCode]:
        return voucher_rows.new_codes(self._keyring, tenant_id, codes)

    async def fill(self, batch: Batch, codes: Sequence[NewCode]) -> int:
        [row] = await self._database.call(
            "select voucher_fill_batch($1, $2, $3, $4::voucher_code[], $5) as made",
            batch.id,
            batch.tenant_id,
            batch.made,
            voucher_rows.code_items(codes),
            self._clock.now(),
        )
        return int(row["made"])

    async def activate(self, tenant_id: UUID, batch_id: UUID, actor: str) -> int:
        return await self._all("voucher_activate_batch", tenant_id, batch_id, actor)

    async def void(self, tenant_id: UUID, batch_id: UUID, actor: str) -> int:
        return await self._all("voucher_void_batch", tenant_id, batch_id, actor)

    async def codes(
        self, tenant_id: UUID, batch_id: UUID, after: int, count: int
    ) -> Sequence[Voucher]:
        mine: list[ColumnElement[bool]] = [
            vouchers.c.batch_id == batch_id,
            vouchers.c.serial > after,
        ]
        query = JOINED.where(*mine).order_by(vouchers.c.serial).limit(count)

        async def read(connection: AsyncConnection) -> Sequence[Voucher]:
            rows = (await connection.execute(query)).mappings()
            return [voucher_of(row, self._keyring) for row in rows]

        return await self._database.in_tenant(tenant_id, read)

    async def _all(self, function: str, tenant_id: UUID, batch_id: UUID, actor: str) -> int:
        """A commit for every few: a large batch would take longer than one may."""
        done = 0
        while True:
            [row] = await self._database.call(
                f"select {function}($1, $2, $3, $4, $5) as vouchers",
                tenant_id,
                batch_id,
                actor,
                _AT_ONCE,
                self._clock.now(),
            )
            done += int(row["vouchers"])
            if row["vouchers"] < _AT_ONCE:
                return done
