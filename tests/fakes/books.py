"""A tenant with money in its wallets: what the sentences of the store's tests leave out."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from msgspec.structs import replace

from core.domain.customers import Customer, Tenant
from core.domain.ledger import AccountKey, AccountType, Posting, Transfer
from core.domain.orders import DueOrder, NewOrder, OrderState, Ruling, Verdict, attempt_id
from core.domain.turns import Channel
from core.domain.vending import Outcome, Product, Result
from core.kit import ids
from core.kit.clock import SetClock
from core.kit.crypto import Keyring
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.store.channels import PgChannels
from core.store.customers import PgCustomers
from core.store.database import Database
from core.store.intents import PgIntents
from core.store.ledger import PgLedger
from core.store.orders import PgOrderBook
from core.store.outbox import PgOutbox
from core.store.tenants import PgTenants
from core.store.virtual_accounts import PgVirtualAccounts

NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
DELIVERED = Outcome(Result.DELIVERED, reason="000")
REFUSED = Outcome(Result.REFUSED, reason="016")
UNKNOWN = Outcome(Result.UNKNOWN, reason="timeout")
NOT_FOUND = Outcome(Result.NOT_FOUND, reason="015")


@dataclass(frozen=True, slots=True)
class Books:
    """One tenant's side of the store, at noon of some day."""

    database: Database
    tenant: Tenant
    channel: Channel
    clock: SetClock
    ledger: PgLedger
    orders: PgOrderBook
    customers: PgCustomers
    intents: PgIntents
    accounts: PgVirtualAccounts
    outbox: PgOutbox

    def wallet(self, customer: Customer) -> AccountKey:
        return self.account(AccountType.WALLET, str(customer.id))

    def account(self, kind: AccountType, owner: str = "") -> AccountKey:
        return AccountKey(self.tenant.id, kind, owner, self.tenant.currency)

    async def customer(self, number: int = 1, funds: int = 0) -> Customer:
        """A customer with `funds` in the wallet, from outside."""
        msisdn = Msisdn(f"234803{number:07d}")
        customer = await self.customers.at(self.channel, msisdn, msisdn)
        if funds:
            await self.move(self.account(AccountType.WORLD), self.wallet(customer), funds)
        return customer

    async def move(self, debit: AccountKey, credit: AccountKey, amount: int) -> Posting:
        return await self.ledger.post(self.transfer(debit, credit, amount))

    def transfer(self, debit: AccountKey, credit: AccountKey, amount: int) -> Transfer:
        return Transfer(ids.uuid7(), self.tenant.id, debit, credit, amount, "test", ids.uuid7())

    def order(self, customer: Customer, amount: int = 100, fee: int = 0) -> NewOrder:
        order_id, now = ids.uuid7(), self.clock.now()
        return NewOrder(
            id=order_id,
            tenant_id=self.tenant.id,
            customer_id=customer.id,
            reference=ids.speakable(10),
            product=Product.AIRTIME,
            network="mtn",
            recipient=customer.msisdn,
            amount_minor=amount,
            fee_minor=fee,
            currency=self.tenant.currency,
            channel_id=self.channel.id,
            identity=customer.msisdn,
            attempt_id=attempt_id(order_id, 1),
            provider="vtpass",
            provider_reference=f"ref{order_id.hex}",
            created_at=now,
            deadline_at=now + dt.timedelta(hours=24),
            day_starts_at=now.replace(hour=0),
        )

    async def begun(self, customer: Customer, amount: int = 100, fee: int = 0) -> NewOrder:
        order = self.order(customer, amount, fee)
        await self.orders.begin(order)
        return order

    async def claimed(self, order: NewOrder) -> DueOrder:
        """The order, leased; fails when it is not due."""
        due = await self.orders.claim(100, 60)
        [found] = [one for one in due if one.order_id == order.id]
        return found

    async def rule(
        self,
        order: NewOrder,
        verdict: Verdict,
        outcome: Outcome = DELIVERED,
        check_in_s: float | None = None,
        attempt_id: UUID | None = None,
    ) -> OrderState:
        return await self.orders.rule(self.ruling(order, verdict, outcome, check_in_s, attempt_id))

    def ruling(
        self,
        order: NewOrder,
        verdict: Verdict,
        outcome: Outcome = DELIVERED,
        check_in_s: float | None = None,
        attempt_id: UUID | None = None,
    ) -> Ruling:
        wait = None if check_in_s is None else dt.timedelta(seconds=check_in_s)
        return Ruling(
            order_id=order.id,
            tenant_id=order.tenant_id,
            attempt_id=attempt_id or order.attempt_id,
            outcome=outcome,
            verdict=verdict,
            check_at=None if wait is None else self.clock.now() + wait,
        )

    async def money(self, customer: Customer) -> tuple[int, int]:
        """Available and held, in minor units."""
        balance = await self.ledger.balance(self.wallet(customer))
        return balance.available_minor, balance.held_minor

    async def posted(self, kind: AccountType, owner: str = "") -> int:
        return (await self.ledger.balance(self.account(kind, owner))).posted_minor

    def costing(self, minor: int) -> Outcome:
        return replace(DELIVERED, cost=Money(minor, self.tenant.currency))


async def open_books(database: Database, key: str = "demo", currency: str = "NGN") -> Books:
    """Write a tenant and its channel, and open the store for it."""
    clock = SetClock(NOON)
    tenant = Tenant(ids.uuid7(), key, key.title(), "NG", currency, "Africa/Lagos")
    channel = Channel(ids.uuid7(), tenant.id, "ussd", "africastalking", key, "*347*100#")
    tenants = PgTenants(database)
    await tenants.ensure(tenant, NOON)
    await PgChannels(database, Keyring("a key for tests")).ensure(channel, NOON)
    return Books(
        database=database,
        tenant=tenant,
        channel=channel,
        clock=clock,
        ledger=PgLedger(database, clock),
        orders=PgOrderBook(database, clock),
        customers=PgCustomers(database, tenants, clock),
        intents=PgIntents(database, clock),
        accounts=PgVirtualAccounts(database, clock),
        outbox=PgOutbox(database, Keyring("a test"), clock),
    )
