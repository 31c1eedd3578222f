"""Money that customers mean to pay in, and payments that came, in Postgres."""

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
from sqlalchemy import RowMapping, case, func, literal, select, union_all, update
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import Customer
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.kit.money import Money
from core.ports import Arrival, Intent, NewNotice, Payment
from core.store.arrivals import add_event, held_up_facts, payment_item, write_held_up
from core.store.database import Database
from core.store.outbox import add_notice
from core.store.tables import payment_intents, payments_in

# The sweeper's first look at an intent: the turn that wrote it has opened its checkout by then, or
# died before.
_FIRST_CHECK = dt.timedelta(seconds=10)


class PgIntents:
    """See `core.ports.Intents`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open(
        self,
        *,
        intent_id: UUID,
        customer: Customer,
        gateway: str,
        reference: str,
        amount: Money,
        channel_id: UUID,
        identity: str,
        at: dt.datetime,
    ) -> Intent:
        async def write(connection: AsyncConnection) -> Intent:
            statement = insert(payment_intents).values(
                id=intent_id,
                tenant_id=customer.tenant_id,
                customer_id=customer.id,
                gateway=gateway,
                reference=reference,
                amount_minor=amount.minor,
                currency=amount.currency,
                channel_id=channel_id,
                identity=identity,
                state="open",
                checks=0,
                check_at=at + _FIRST_CHECK,
                created_at=at,
            )
            await connection.execute(
                statement.on_conflict_do_nothing(index_elements=[payment_intents.c.id])
            )
            query = select(payment_intents).where(payment_intents.c.id == intent_id)
            return _intent((await connection.execute(query)).mappings().one())

        return await self._database.in_tenant(customer.tenant_id, write)

    async def unpaid(self, customer: Customer, since: dt.datetime) -> Sequence[Intent]:
        query = (
            select(payment_intents)
            .where(
                payment_intents.c.tenant_id == customer.tenant_id,
                payment_intents.c.customer_id == customer.id,
                payment_intents.c.state == "open",
                payment_intents.c.created_at >= since,
            )
            .order_by(payment_intents.c.created_at.desc())
        )

        async def read(connection: AsyncConnection) -> list[Intent]:
            return [_intent(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.in_tenant(customer.tenant_id, read)

    async def set_url(self, intent: Intent, url: str, notice: NewNotice | None) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            statement = (
                update(payment_intents)
                .where(payment_intents.c.id == intent.id, payment_intents.c.state == "open")
                .values(url=url)
            )
            if not (await connection.execute(statement)).rowcount:
                return False
            if notice is not None:
                await add_notice(connection, notice, notice.facts, self._now())
            return True

        if notice is not None and notice.secret:
            raise Fault("a payment link is no secret")
        return await self._database.in_tenant(intent.tenant_id, write)

    async def replace(
        self,
        intent: Intent,
        *,
        intent_id: UUID,
        gateway: str,
        reference: str,
        check_at: dt.datetime | None,
    ) -> Intent | None:
        async def write(connection: AsyncConnection) -> Intent | None:
            if await self._end_without_link(connection, intent, check_at):
                copy = _copied(
                    intent,
                    id=intent_id,
                    gateway=gateway,
                    reference=reference,
                    url=None,
                    checks=0,
                    check_at=intent.check_at,
                    ended_at=None,
                    state="open",
                )
                await connection.execute(copy)
                await self._note(connection, intent, "intent.replaced", {"by": reference})
            query = select(payment_intents).where(
                payment_intents.c.id == intent_id, payment_intents.c.state == "open"
            )
            row = (await connection.execute(query)).mappings().one_or_none()
            return _intent(row) if row else None

        return await self._database.in_tenant(intent.tenant_id, write)

    async def give_up(
        self, intent: Intent, notice: NewNotice, check_at: dt.datetime | None
    ) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            if not await self._end_without_link(connection, intent, check_at):
                return False
            await add_notice(connection, notice, notice.facts, self._now())
            await self._note(connection, intent, "intent.given_up", {})
            return True

        return await self._database.in_tenant(intent.tenant_id, write)

    async def by_reference(self, gateway: str, reference: str) -> Intent | None:
        rows = await self._database.call(
            "select * from intent_by_reference($1, $2)", gateway, reference
        )
        return _intent(rows[0]) if rows else None

    async def due(self, count: int, lease_s: float) -> Sequence[Intent]:
        rows = await self._database.call(
            "select * from intent_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._now(),
        )
        return [_intent(row) for row in rows]

    async def check_again(self, intent: Intent, at: dt.datetime | None) -> None:
        changes: dict[str, object] = {"check_at": at}
        if at is None:
            changes |= _closed(self._now())

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                update(payment_intents)
                .where(
                    payment_intents.c.id == intent.id,
                    payment_intents.c.check_at.is_not_distinct_from(intent.check_at),
                )
                .values(**changes)
            )

        await self._database.in_tenant(intent.tenant_id, write)

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        [row] = await self._database.call(
            "select intent_hurry($1, $2, $3) as known", gateway, references, self._now()
        )
        return int(row["known"])

    async def latest(self, customer: Customer, count: int) -> Sequence[Arrival]:
        came = (
            select(
                payments_in.c.reference,
                payments_in.c.amount_minor,
                payments_in.c.currency,
                case((payments_in.c.state == "credited", "paid"), else_="held_up").label("state"),
                payments_in.c.received_at.label("at"),
            )
            .where(
                payments_in.c.tenant_id == customer.tenant_id,
                payments_in.c.customer_id == customer.id,
            )
            .order_by(payments_in.c.received_at.desc())
            .limit(count)
        )
        awaited = (
            select(
                payment_intents.c.reference,
                payment_intents.c.amount_minor,
                payment_intents.c.currency,
                literal("awaited").label("state"),
                payment_intents.c.created_at.label("at"),
            )
            .where(
                payment_intents.c.tenant_id == customer.tenant_id,
                payment_intents.c.customer_id == customer.id,
                payment_intents.c.state == "open",
            )
            .order_by(payment_intents.c.created_at.desc())
            .limit(count)
        )
        both = union_all(came.subquery().select(), awaited.subquery().select()).subquery()
        query = select(both).order_by(both.c.at.desc()).limit(count)

        async def read(connection: AsyncConnection) -> list[Arrival]:
            return [
                Arrival(row.reference, Money(row.amount_minor, row.currency), row.state, row.at)
                for row in await connection.execute(query)
            ]

        return await self._database.in_tenant(customer.tenant_id, read)

    async def credit(self, intent: Intent, payment: Payment, notice: NewNotice) -> bool:
        [row] = await self._database.call(
            "select intent_credit($1::payment_item) as credited",
            payment_item(intent.id, intent.tenant_id, intent.gateway, payment, notice, self._now()),
        )
        return bool(row["credited"])

    async def hold_up(self, intent: Intent, payment: Payment, why: str, notice: NewNotice) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            first = await write_held_up(
                connection,
                {
                    "gateway": intent.gateway,
                    "tenant_id": intent.tenant_id,
                    "customer_id": intent.customer_id,
                    "intent_id": intent.id,
                },
                payment,
                why,
                self._now(),
            )
            if first:
                await add_notice(connection, notice, notice.facts, self._now())
                facts = held_up_facts(payment, why)
                await self._note(connection, intent, "intent.held_up", facts, "gateway")
            return first

        return await self._database.in_tenant(intent.tenant_id, write)

    async def _end_without_link(
        self, connection: AsyncConnection, intent: Intent, check_at: dt.datetime | None
    ) -> bool:
        """Expire an intent unless a link or a payment has come, or somebody else was first."""
        done = await connection.execute(
            update(payment_intents)
            .where(
                payment_intents.c.id == intent.id,
                payment_intents.c.state == "open",
                payment_intents.c.url.is_(None),
            )
            .values(state="expired", check_at=check_at, ended_at=self._now())
        )
        return bool(done.rowcount)

    async def _note(
        self,
        connection: AsyncConnection,
        intent: Intent,
        kind: str,
        facts: Mapping[str, object],
        actor: str = "worker",
    ) -> None:
        await add_event(
            connection, intent.tenant_id, str(intent.id), kind, actor, facts, self._now()
        )

    def _now(self) -> dt.datetime:
        return self._clock.now()


def _closed(at: dt.datetime) -> dict[str, object]:
    """An intent that is awaited no more; a paid one stays paid."""
    state = payment_intents.c.state
    return {
        "state": case((state == "open", "expired"), else_=state),
        "ended_at": func.coalesce(payment_intents.c.ended_at, at),
    }


def _copied(intent: Intent, **changes: object) -> Insert:
    """The intent's row once more, with these columns changed."""
    columns = [
        literal(changes[column.name], column.type) if column.name in changes else column
        for column in payment_intents.c
    ]
    row = select(*columns).where(payment_intents.c.id == intent.id)
    return insert(payment_intents).from_select([column.name for column in payment_intents.c], row)


def _intent(columns: asyncpg.Record | RowMapping) -> Intent:
    """From the driver or from SQLAlchemy: both give columns by name."""
    return Intent(
        id=columns["id"],
        tenant_id=columns["tenant_id"],
        customer_id=columns["customer_id"],
        gateway=columns["gateway"],
        reference=columns["reference"],
        amount=Money(columns["amount_minor"], columns["currency"]),
        state=columns["state"],
        url=columns["url"],
        checks=columns["checks"],
        created_at=columns["created_at"],
        check_at=columns["check_at"],
        channel_id=columns["channel_id"],
        identity=columns["identity"],
    )
