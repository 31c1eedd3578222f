"""Customers' bank accounts at payment gateways, in Postgres."""

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import RowMapping, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import Customer
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.ports import BankAccount, NewNotice, Payment, VirtualAccount
from core.store.arrivals import add_event, held_up_facts, payment_item, write_held_up
from core.store.database import Database
from core.store.outbox import add_notice
from core.store.tables import payments_in, virtual_accounts

# The worker's first look at a wish: the turn that wrote it has had its account by then, or died.
_FIRST_CHECK = dt.timedelta(seconds=10)


class PgVirtualAccounts:
    """See `core.ports.VirtualAccountBook`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def want(
        self, customer: Customer, gateway: str, currency: str, at: dt.datetime
    ) -> VirtualAccount:
        account_id = ids.derived(
            "virtual_account", str(customer.tenant_id), str(customer.id), gateway
        )
        wish = {
            "state": "wanted",
            "asked_at": at,
            "used_at": at,
            "seen_until": at,
            "check_at": at + _FIRST_CHECK,
        }
        added = insert(virtual_accounts).values(
            id=account_id,
            tenant_id=customer.tenant_id,
            customer_id=customer.id,
            gateway=gateway,
            reference=ids.reference_of(account_id, "CA"),
            currency=currency,
            **wish,
        )
        again = added.on_conflict_do_update(
            index_elements=[virtual_accounts.c.id],
            set_=wish,
            where=virtual_accounts.c.state == "refused",
        )
        shown = (
            update(virtual_accounts)
            .where(virtual_accounts.c.id == account_id, virtual_accounts.c.state == "open")
            .values(used_at=at, check_at=at + _FIRST_CHECK)
        )

        async def write(connection: AsyncConnection) -> VirtualAccount:
            await connection.execute(again)
            await connection.execute(shown)
            return await _read(connection, account_id)

        return await self._database.in_tenant(customer.tenant_id, write)

    async def opened(
        self, account: VirtualAccount, opened: BankAccount, notice: NewNotice, check_at: dt.datetime
    ) -> VirtualAccount:
        if notice.secret:
            raise Fault("an account number is no secret")
        now = self._clock.now()
        statement = (
            update(virtual_accounts)
            .where(virtual_accounts.c.id == account.id, virtual_accounts.c.state != "open")
            .values(
                state="open",
                reference=opened.reference,
                number=opened.number,
                bank=opened.bank,
                name=opened.name,
                used_at=now,
                check_at=check_at,
            )
        )

        async def write(connection: AsyncConnection) -> VirtualAccount:
            if (await connection.execute(statement)).rowcount:
                await add_notice(connection, notice, notice.facts, now)
                await self._note(connection, account, "account.opened", {"number": opened.number})
            return await _read(connection, account.id)

        return await self._database.in_tenant(account.tenant_id, write)

    async def refuse(
        self, account: VirtualAccount, notice: NewNotice | None, at: dt.datetime
    ) -> bool:
        statement = (
            update(virtual_accounts)
            .where(virtual_accounts.c.id == account.id, virtual_accounts.c.state == "wanted")
            .values(state="refused", check_at=None)
        )

        async def write(connection: AsyncConnection) -> bool:
            if not (await connection.execute(statement)).rowcount:
                return False
            if notice is not None:
                await add_notice(connection, notice, notice.facts, at)
            await self._note(connection, account, "account.refused", {})
            return True

        return await self._database.in_tenant(account.tenant_id, write)

    async def due(self, count: int, lease_s: float) -> Sequence[VirtualAccount]:
        rows = await self._database.call(
            "select * from virtual_account_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [_account(row) for row in rows]

    async def seen(
        self,
        account: VirtualAccount,
        check_at: dt.datetime,
        *,
        until: dt.datetime | None = None,
        used: bool = False,
    ) -> None:
        facts: dict[str, object] = {}
        if until is not None:
            facts["seen_until"] = until
        if used:
            facts["used_at"] = self._clock.now()
        mine = virtual_accounts.c.id == account.id
        unmoved = virtual_accounts.c.check_at.is_not_distinct_from(account.check_at)

        async def write(connection: AsyncConnection) -> None:
            if facts:
                await connection.execute(update(virtual_accounts).where(mine).values(**facts))
            plan = update(virtual_accounts).where(mine, unmoved).values(check_at=check_at)
            await connection.execute(plan)

        await self._database.in_tenant(account.tenant_id, write)

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        [row] = await self._database.call(
            "select virtual_account_hurry($1, $2, $3) as known",
            gateway,
            references,
            self._clock.now(),
        )
        return int(row["known"])

    async def credit(self, account: VirtualAccount, payment: Payment, notice: NewNotice) -> bool:
        now = self._clock.now()
        [row] = await self._database.call(
            "select virtual_account_credit($1::payment_item) as credited",
            payment_item(account.id, account.tenant_id, account.gateway, payment, notice, now),
        )
        return bool(row["credited"])

    async def hold_up(
        self, account: VirtualAccount, payment: Payment, why: str, notice: NewNotice
    ) -> bool:
        now = self._clock.now()
        owner = {
            "gateway": account.gateway,
            "tenant_id": account.tenant_id,
            "customer_id": account.customer_id,
            "account_id": account.id,
        }

        async def write(connection: AsyncConnection) -> bool:
            first = await write_held_up(connection, owner, payment, why, now)
            if first:
                await add_notice(connection, notice, notice.facts, now)
                facts = held_up_facts(payment, why)
                await self._note(connection, account, "account.held_up", facts)
            return first

        return await self._database.in_tenant(account.tenant_id, write)

    async def known(self, account: VirtualAccount, payments: Sequence[Payment]) -> set[str]:
        query = select(payments_in.c.transaction_id).where(
            payments_in.c.gateway == account.gateway,
            payments_in.c.transaction_id.in_([payment.transaction_id for payment in payments]),
        )

        async def read(connection: AsyncConnection) -> set[str]:
            return set(await connection.scalars(query))

        return await self._database.in_tenant(account.tenant_id, read)

    async def _note(
        self,
        connection: AsyncConnection,
        account: VirtualAccount,
        kind: str,
        facts: Mapping[str, object],
    ) -> None:
        subject, now = str(account.id), self._clock.now()
        await add_event(connection, account.tenant_id, subject, kind, "gateway", facts, now)


async def _read(connection: AsyncConnection, account_id: UUID) -> VirtualAccount:
    query = select(virtual_accounts).where(virtual_accounts.c.id == account_id)
    return _account((await connection.execute(query)).mappings().one())


def _account(columns: asyncpg.Record | RowMapping) -> VirtualAccount:
    """From the driver or from SQLAlchemy: both give columns by name."""
    return VirtualAccount(
        id=columns["id"],
        tenant_id=columns["tenant_id"],
        customer_id=columns["customer_id"],
        gateway=columns["gateway"],
        reference=columns["reference"],
        currency=columns["currency"],
        state=columns["state"],
        number=columns["number"] or "",
        bank=columns["bank"] or "",
        name=columns["name"] or "",
        asked_at=columns["asked_at"],
        used_at=columns["used_at"],
        seen_until=columns["seen_until"],
        check_at=columns["check_at"],
    )
