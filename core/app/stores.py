"""Everything that is kept, in Postgres and in Redis."""

from dataclasses import dataclass

from core.app.ground import Ground
from core.store.backoffice import PgBackoffice
from core.store.cases import PgCases
from core.store.channels import PgChannels
from core.store.conversations import Conversations
from core.store.customers import PgCustomers
from core.store.identities import PgIdentities
from core.store.inbox import PgInbox
from core.store.intents import PgIntents
from core.store.ledger import PgLedger
from core.store.orders import PgOrderBook
from core.store.outbox import PgOutbox
from core.store.plans import PgPlans
from core.store.tenants import PgTenants
from core.store.unlocks import RedisUnlocks
from core.store.virtual_accounts import PgVirtualAccounts


@dataclass(frozen=True, slots=True)
class Stores:
    """Those that more than one part uses."""

    tenants: PgTenants
    channels: PgChannels
    customers: PgCustomers
    identities: PgIdentities
    ledger: PgLedger
    orders: PgOrderBook
    intents: PgIntents
    accounts: PgVirtualAccounts
    outbox: PgOutbox
    inbox: PgInbox
    plans: PgPlans
    cases: PgCases
    backoffice: PgBackoffice
    conversations: Conversations
    unlocks: RedisUnlocks


def stores(ground: Ground) -> Stores:
    database, keyring, clock = ground.database, ground.keyring, ground.clock
    tenants = PgTenants(database)
    channels = PgChannels(database, keyring)
    ledger = PgLedger(database, clock)
    orders = PgOrderBook(database, clock)
    inbox = PgInbox(database, channels, keyring, clock)
    for batching in (ledger, orders, inbox):
        ground.stack.push_async_callback(batching.close)
    return Stores(
        tenants=tenants,
        channels=channels,
        customers=PgCustomers(database, tenants, clock),
        identities=PgIdentities(database),
        ledger=ledger,
        orders=orders,
        intents=PgIntents(database, clock),
        accounts=PgVirtualAccounts(database, clock),
        outbox=PgOutbox(database, keyring, clock),
        inbox=inbox,
        plans=PgPlans(database),
        cases=PgCases(database, clock),
        backoffice=PgBackoffice(database, clock),
        conversations=Conversations(ground.line, keyring),
        unlocks=RedisUnlocks(ground.line, keyring),
    )
