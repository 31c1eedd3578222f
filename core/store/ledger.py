"""The ledger in Postgres: `core/store/sql/20_ledger.sql` called in batches."""

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.ledger import AccountKey, Balance, Movement, Posting, Transfer
from core.kit.clock import Clock
from core.ports import Event
from core.store.batcher import Batcher, Limits
from core.store.database import Database
from core.store.tables import accounts, entries, transfers

_IDS_KEPT_MAX = 200_000
_LOOKED_BACK_MAX = 500
# What a batch costs beside its items is what this process needs for some thirty answers.
_LIMITS = Limits(crowd=28, split_min=28)


class _Item(NamedTuple):
    """The SQL type `ledger_item`, field by field."""

    id: UUID
    tenant_id: UUID
    debit_id: int
    credit_id: int
    amount_minor: int
    code: str
    event_id: UUID
    reverses: UUID | None


class PgLedger:
    """See `core.ports.Ledger`. Account ids never change, so they are remembered by name."""

    def __init__(self, database: Database, clock: Clock, limits: Limits | None = None) -> None:
        self._database = database
        self._clock = clock
        self._ids: dict[AccountKey, int] = {}
        self._accounts: Batcher[AccountKey, int] = Batcher(
            "accounts", self._find_accounts, limits=limits or _LIMITS
        )
        self._transfers: Batcher[_Item, Posting] = Batcher(
            "transfers", self._post, key=lambda item: item.id, limits=limits or _LIMITS
        )

    async def post(self, transfer: Transfer) -> Posting:
        if _spans_currencies(transfer):
            return Posting.FOREIGN
        return await self._transfers.submit(await self._item(transfer))

    async def adjust(self, transfer: Transfer, event: Event) -> Posting:
        """See `core.ports.Adjustments`."""
        if _spans_currencies(transfer):
            return Posting.FOREIGN
        [row] = await self._database.call(
            "select ledger_adjust($1::ledger_item, $2, $3, $4, $5, $6) as answer",
            await self._item(transfer),
            event.subject,
            event.kind,
            event.actor,
            json.dumps(dict(event.facts)),
            self._clock.now(),
        )
        return Posting(row["answer"])

    async def balance(self, account: AccountKey) -> Balance:
        async def read(connection: AsyncConnection) -> Balance:
            query = select(accounts.c.posted_minor, accounts.c.held_minor).where(*_named(account))
            row = (await connection.execute(query)).one_or_none()
            posted, held = (row.posted_minor, row.held_minor) if row else (0, 0)
            return Balance(posted, held, account.currency)

        return await self._database.in_tenant(account.tenant_id, read)

    async def latest(
        self, account: AccountKey, count: int, *, apart_from: Collection[str]
    ) -> Sequence[Movement]:
        """See `core.ports.Ledger`. Nobody is made to wait for more than the last few hundred."""
        last = (
            select(entries.c.version, entries.c.transfer_id, entries.c.amount_minor)
            .where(
                entries.c.account_id
                == select(accounts.c.id).where(*_named(account)).scalar_subquery()
            )
            .order_by(entries.c.version.desc())
            .limit(_LOOKED_BACK_MAX)
            .subquery()
        )
        query = (
            select(
                last.c.transfer_id, transfers.c.code, last.c.amount_minor, transfers.c.created_at
            )
            .join(transfers, transfers.c.id == last.c.transfer_id)
            .where(transfers.c.code.not_in(apart_from))
            .order_by(last.c.version.desc())
            .limit(count)
        )

        async def read(connection: AsyncConnection) -> Sequence[Movement]:
            return tuple(Movement(*row) for row in await connection.execute(query))

        return await self._database.in_tenant(account.tenant_id, read)

    async def close(self) -> None:
        await self._accounts.close()
        await self._transfers.close()

    async def _item(self, transfer: Transfer) -> _Item:
        return _Item(
            transfer.id,
            transfer.tenant_id,
            await self._account_id(transfer.debit),
            await self._account_id(transfer.credit),
            transfer.amount_minor,
            transfer.code,
            transfer.event_id,
            transfer.reverses,
        )

    async def _account_id(self, account: AccountKey) -> int:
        known = self._ids.get(account)
        if known is None:
            known = await self._accounts.submit(account)
            if len(self._ids) >= _IDS_KEPT_MAX:
                self._ids.clear()
            self._ids[account] = known
        return known

    async def _find_accounts(self, keys: Sequence[AccountKey]) -> list[int]:
        items = [(key.tenant_id, key.type.value, key.owner, key.currency) for key in keys]
        [row] = await self._database.call("select ledger_accounts($1::account_key[]) as ids", items)
        return list(row["ids"])

    async def _post(self, items: Sequence[_Item]) -> list[Posting]:
        [row] = await self._database.call(
            "select ledger_post($1::ledger_item[], $2) as answers", items, self._clock.now()
        )
        return [Posting(answer) for answer in row["answers"]]


def _named(account: AccountKey) -> tuple[ColumnElement[bool], ...]:
    return (
        accounts.c.tenant_id == account.tenant_id,
        accounts.c.type == account.type.value,
        accounts.c.owner == account.owner,
        accounts.c.currency == account.currency,
    )


def _spans_currencies(transfer: Transfer) -> bool:
    return transfer.debit.currency != transfer.credit.currency
