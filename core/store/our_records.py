"""What our books say of a day with a party: attempts and payments, as they are compared."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Select, and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.reconciliation import OurRecord, OurState, Side
from core.domain.vending import Product, Vend
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports.statements import AskedAttempt, Party
from core.store.database import Database
from core.store.tables import attempts, orders, payments_in

_ORDER = ("product", "network", "recipient", "amount_minor", "currency", "account", "variant")


class PgOurRecords:
    """The reading half of `core.ports.statements.ReconciliationBook`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def attempts(
        self, tenant_id: UUID, provider: str, since: dt.datetime, until: dt.datetime
    ) -> Sequence[AskedAttempt]:
        of_time = and_(attempts.c.created_at >= since, attempts.c.created_at < until)
        return await self._attempts(tenant_id, provider, of_time)

    async def attempts_named(
        self, tenant_id: UUID, provider: str, references: Sequence[str]
    ) -> Sequence[AskedAttempt]:
        return await self._attempts(
            tenant_id, provider, attempts.c.provider_reference.in_(references)
        )

    async def payments(
        self, tenant_id: UUID, gateway: str, since: dt.datetime, until: dt.datetime
    ) -> Sequence[OurRecord]:
        of_time = and_(payments_in.c.received_at >= since, payments_in.c.received_at < until)
        return await self._payments(tenant_id, gateway, of_time)

    async def payments_named(
        self, tenant_id: UUID, gateway: str, transactions: Sequence[str]
    ) -> Sequence[OurRecord]:
        return await self._payments(
            tenant_id, gateway, payments_in.c.transaction_id.in_(transactions)
        )

    async def owners(self, party: Party, references: Sequence[str]) -> dict[str, UUID]:
        rows = await self._database.call(
            "select * from reconciliation_owners($1, $2, $3)",
            party.side.value,
            party.name,
            list(references),
        )
        return {row["reference"]: row["tenant_id"] for row in rows}

    async def parties_of(
        self, tenant_id: UUID, since: dt.datetime, until: dt.datetime
    ) -> Sequence[Party]:
        asked = (
            select(attempts.c.provider)
            .where(
                attempts.c.tenant_id == tenant_id,
                attempts.c.created_at >= since,
                attempts.c.created_at < until,
            )
            .distinct()
        )
        paid = (
            select(payments_in.c.gateway)
            .where(
                payments_in.c.tenant_id == tenant_id,
                payments_in.c.received_at >= since,
                payments_in.c.received_at < until,
            )
            .distinct()
        )

        async def read(connection: AsyncConnection) -> list[Party]:
            providers = await connection.scalars(asked)
            gateways = await connection.scalars(paid)
            return [
                *(Party(Side.VENDS, name) for name in sorted(providers)),
                *(Party(Side.PAYMENTS, name) for name in sorted(gateways)),
            ]

        return await self._database.in_tenant(tenant_id, read)

    async def _attempts(
        self, tenant_id: UUID, provider: str, chosen: ColumnElement[bool]
    ) -> list[AskedAttempt]:
        query = _sent().where(
            attempts.c.tenant_id == tenant_id, attempts.c.provider == provider, chosen
        )

        async def read(connection: AsyncConnection) -> list[AskedAttempt]:
            return [_attempt(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def _payments(
        self, tenant_id: UUID, gateway: str, chosen: ColumnElement[bool]
    ) -> list[OurRecord]:
        query = select(payments_in).where(
            payments_in.c.tenant_id == tenant_id, payments_in.c.gateway == gateway, chosen
        )

        async def read(connection: AsyncConnection) -> list[OurRecord]:
            return [_payment(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(tenant_id, read)


def _sent() -> Select[tuple[object, ...]]:
    """Attempts that may have left this machine, beside their orders."""
    return (
        select(
            attempts.c.provider_reference,
            attempts.c.their_reference,
            attempts.c.via,
            attempts.c.plan,
            attempts.c.result,
            attempts.c.cost_minor,
            attempts.c.created_at,
            attempts.c.sent_at,
            attempts.c.closed_at,
            orders.c.reference,
            orders.c.quantity,
            *(orders.c[name] for name in _ORDER),
        )
        .select_from(attempts.join(orders, orders.c.id == attempts.c.order_id))
        .where(attempts.c.sent_at.is_not(None))
    )


def _attempt(row: RowMapping) -> AskedAttempt:
    product = Product(row["product"])
    cost = row["cost_minor"]
    return AskedAttempt(
        record=OurRecord(
            reference=row["provider_reference"],
            subject=row["reference"],
            state=_state(row),
            at=row["sent_at"],
            their_reference=row["their_reference"],
            amount=None if cost is None else Money(cost, row["currency"]),
        ),
        product=product,
        via=row["via"],
        vend=Vend(
            reference=row["provider_reference"],
            product=product,
            network=row["network"],
            recipient=Msisdn(row["recipient"]),
            amount=Money(row["amount_minor"], row["currency"]),
            created_at=row["created_at"],
            plan=row["plan"],
            account=row["account"],
            variant=row["variant"],
            quantity=row["quantity"],
            provider_reference=row["their_reference"] or "",
        ),
    )


def _state(row: RowMapping) -> OurState:
    """What became of the attempt itself: its order may have been delivered by another one."""
    if row["closed_at"] is None:
        return OurState.OPEN
    return OurState.DONE if row["result"] == "delivered" else OurState.UNDONE


def _payment(row: RowMapping) -> OurRecord:
    fee = row["fee_minor"]
    return OurRecord(
        reference=row["reference"],
        subject=row["transaction_id"],
        state=OurState.DONE,
        at=row["paid_at"] or row["received_at"],
        their_reference=row["transaction_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        fee=None if fee is None else Money(fee, row["currency"]),
    )
