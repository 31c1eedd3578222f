"""Customers and their identities in Postgres. PINs and codes: `core.store.secrets`."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import RELEASED, CodeAsked, Customer, PinState, Tenant
from core.domain.linking import BY_NUMBER, Proof
from core.domain.turns import Channel
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.kit.msisdn import Msisdn
from core.store import secrets
from core.store.database import Database
from core.store.tables import call_requests, customers, identities, orders
from core.store.tenants import PgTenants

LIVING = customers.c.status != RELEASED

_UNREACHABLE = identities.c.unreachable_since
_CALL_AGAIN_AFTER = dt.timedelta(days=1)


class UnknownCustomer(Fault):
    """This tenant has no customer of this id."""


class PgCustomers:
    """See `core.ports.Customers`."""

    def __init__(self, database: Database, tenants: PgTenants, clock: Clock) -> None:
        self._database = database
        self._tenants = tenants
        self._clock = clock

    async def tenant(self, tenant_id: UUID) -> Tenant:
        return await self._tenants.get(tenant_id)

    async def of_number(self, tenant_id: UUID, msisdn: Msisdn, language: str = "") -> Customer:
        tenant = await self.tenant(tenant_id)
        whose = customer_columns().where(
            customers.c.tenant_id == tenant_id, customers.c.msisdn == msisdn, LIVING
        )

        async def find_or_make(connection: AsyncConnection) -> Customer:
            if (found := await one_customer(connection, whose)) is not None:
                return found
            await self._make_person(connection, msisdn, tenant, language)
            made = await one_customer(connection, whose)
            assert made is not None
            return made

        return await self._database.in_tenant(tenant_id, find_or_make)

    async def set_reach(
        self, channel: Channel, identity: str, why: str | None, at: dt.datetime
    ) -> None:
        changed = update(identities).values(
            unreachable_since=None if why is None else func.coalesce(_UNREACHABLE, at),
            unreachable_why=why,
        )
        mine = changed.where(
            identities.c.tenant_id == channel.tenant_id,
            identities.c.kind == channel.kind,
            identities.c.identity == identity,
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(mine)

        await self._database.in_tenant(channel.tenant_id, write)

    async def linked(self, channel: Channel, identity: str) -> Customer | None:
        """In one round trip: every chat that begins, and every effect, asks for it."""
        rows = await self._database.call(
            "select * from channel_customer($1, $2, $3)",
            channel.tenant_id,
            channel.kind,
            identity,
        )
        return Customer(**rows[0]) if rows else None

    async def at(
        self, channel: Channel, identity: str, msisdn: Msisdn, language: str = ""
    ) -> Customer:
        known = _linked(channel, identity)

        async def make(connection: AsyncConnection) -> Customer:
            customer_id = await self._make_person(connection, msisdn, tenant, language)
            await self._write_link(connection, channel, identity, customer_id)
            made = await one_customer(connection, known)
            assert made is not None
            return made

        found = await self.linked(channel, identity)
        if found is not None:
            return found
        tenant = await self.tenant(channel.tenant_id)
        return await self._database.in_tenant(channel.tenant_id, make)

    async def get(self, tenant_id: UUID, customer_id: UUID) -> Customer:
        async def read(connection: AsyncConnection) -> Customer | None:
            return await one_customer(
                connection, customer_columns().where(customers.c.id == customer_id)
            )

        found = await self._database.in_tenant(tenant_id, read)
        if found is None:
            raise UnknownCustomer(str(customer_id))
        return found

    async def pin(self, customer: Customer) -> PinState:
        return await self._database.in_tenant(
            customer.tenant_id, lambda connection: secrets.pin(connection, customer)
        )

    async def take_pin_try(
        self,
        customer: Customer,
        key: str,
        *,
        tries_max: int,
        lock_s: Sequence[int],
        at: dt.datetime,
    ) -> PinState:
        return await self._database.in_tenant(
            customer.tenant_id,
            lambda connection: secrets.take_try(
                connection, customer, key, tries_max=tries_max, lock_s=lock_s, at=at
            ),
        )

    async def clear_pin_tries(self, customer: Customer) -> None:
        await self._database.in_tenant(
            customer.tenant_id, lambda connection: secrets.clear_tries(connection, customer)
        )

    async def set_language(self, customer: Customer, language: str) -> None:
        mine = update(customers).where(customers.c.id == customer.id)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(mine.values(language=language))

        await self._database.in_tenant(customer.tenant_id, write)

    async def set_pin(
        self, customer: Customer, pin_hash: str, at: dt.datetime, *, first: bool = False
    ) -> bool:
        return await self._database.in_tenant(
            customer.tenant_id,
            lambda connection: secrets.set_pin(connection, customer, pin_hash, at, first=first),
        )

    async def saved_numbers(self, customer: Customer, count: int) -> Sequence[tuple[Msisdn, str]]:
        async def read(connection: AsyncConnection) -> list[tuple[Msisdn, str]]:
            # Of the latest hundred orders: a number not bought for since is not "recent" any more.
            latest = (
                select(orders.c.recipient, orders.c.network, orders.c.created_at)
                .where(
                    orders.c.tenant_id == customer.tenant_id,
                    orders.c.customer_id == customer.id,
                )
                .order_by(orders.c.created_at.desc())
                .limit(100)
            )
            seen: dict[Msisdn, str] = {}
            for row in await connection.execute(latest):
                seen.setdefault(Msisdn(row.recipient), row.network)
            return list(seen.items())[:count]

        return await self._database.in_tenant(customer.tenant_id, read)

    async def make_code(
        self,
        customer: Customer,
        purpose: str,
        code_hash: str,
        expires_at: dt.datetime,
        at: dt.datetime,
        *,
        asked_by: str = "",
    ) -> CodeAsked:
        return await self._database.in_tenant(
            customer.tenant_id,
            lambda connection: secrets.make_code(
                connection, customer, purpose, code_hash, expires_at, at, asked_by
            ),
        )

    async def use_code(
        self,
        customer: Customer,
        purpose: str,
        code_hash: str,
        at: dt.datetime,
        *,
        asked_by: str = "",
    ) -> bool:
        return await self._database.in_tenant(
            customer.tenant_id,
            lambda connection: secrets.use_code(
                connection, customer, purpose, code_hash, at, asked_by
            ),
        )

    async def ask_to_be_called(self, customer: Customer, key: str, at: dt.datetime) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            # One request of a customer at a time.
            await secrets.lock(connection, customer)
            query = select(call_requests.c.key).where(
                call_requests.c.customer_id == customer.id,
                call_requests.c.state == "open",
                call_requests.c.asked_at > at - _CALL_AGAIN_AFTER,
            )
            asked = set(await connection.scalars(query))
            if asked:
                return key in asked
            statement = insert(call_requests).values(
                id=ids.uuid7(),
                tenant_id=customer.tenant_id,
                customer_id=customer.id,
                key=key,
                state="open",
                asked_at=at,
            )
            await connection.execute(statement.on_conflict_do_nothing())
            return True

        return await self._database.in_tenant(customer.tenant_id, write)

    async def _make_person(
        self, connection: AsyncConnection, msisdn: Msisdn, tenant: Tenant, language: str
    ) -> UUID:
        """Make customer and wallet, each unless somebody else just did."""
        now = self._clock.now()
        person = insert(customers).values(
            id=ids.uuid7(),
            tenant_id=tenant.id,
            msisdn=msisdn,
            language=language or tenant.language,
            status="active",
            pin_tries=0,
            pin_locks=0,
            created_at=now,
        )
        await connection.execute(person.on_conflict_do_nothing())
        customer_id = await connection.scalar(
            select(customers.c.id).where(
                customers.c.tenant_id == tenant.id, customers.c.msisdn == msisdn, LIVING
            )
        )
        await connection.execute(
            _MAKE_WALLET,
            {"tenant": tenant.id, "owner": str(customer_id), "currency": tenant.currency},
        )
        return UUID(str(customer_id))

    async def _write_link(
        self, connection: AsyncConnection, channel: Channel, identity: str, customer_id: UUID
    ) -> None:
        now = self._clock.now()
        link = insert(identities).values(
            tenant_id=channel.tenant_id,
            kind=channel.kind,
            identity=identity,
            customer_id=customer_id,
            created_at=now,
            linked_at=now,
            proof=(Proof.NETWORK if channel.kind == BY_NUMBER else Proof.CHANNEL).value,
        )
        await connection.execute(link.on_conflict_do_nothing())


_MAKE_WALLET = text(
    "select ledger_accounts(array[row(cast(:tenant as uuid), 'wallet', cast(:owner as text),"
    " cast(:currency as text))::account_key])"
)


def customer_columns() -> Select[tuple[object, ...]]:
    return select(
        customers.c.id,
        customers.c.tenant_id,
        customers.c.msisdn,
        customers.c.language,
        customers.c.status,
        customers.c.pin_hash.is_not(None).label("pin_set"),
        customers.c.created_at,
    )


def _linked(channel: Channel, identity: str) -> Select[tuple[object, ...]]:
    known = customer_columns().join(
        identities,
        (identities.c.customer_id == customers.c.id)
        & (identities.c.tenant_id == customers.c.tenant_id),
    )
    return known.where(
        identities.c.tenant_id == channel.tenant_id,
        identities.c.kind == channel.kind,
        identities.c.identity == identity,
        identities.c.unlinked_at.is_(None),
    )


async def one_customer(
    connection: AsyncConnection, query: Select[tuple[object, ...]]
) -> Customer | None:
    row = (await connection.execute(query)).mappings().one_or_none()
    return Customer(**row) if row else None
