"""The built core, for edges, workers and commands."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from core.app.gifts import GiftFront
from core.app.hotspot import Hotspots
from core.app.operators import Operations
from core.app.watching import Probe
from core.domain.chat import Talk
from core.domain.live_chat import Answering
from core.jobs.workers import Pump
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.texts import Texts
from core.ports import PaymentGateway, VtuProvider
from core.ports.payouts import PayoutGateway
from core.ports.statements import ReconciliationBook
from core.services.aftermath import ChatAftermath
from core.services.alerts import AlertDesk
from core.services.callbacks import Callbacks
from core.services.cases import CaseDesk
from core.services.channel_desk import ChannelDesk
from core.services.chat import ChatIngest
from core.services.conversations import Conversations
from core.services.credits import Credits
from core.services.dead_letters import DeadLetters
from core.services.floats import Floats
from core.services.gauges import Gauges
from core.services.gift_desk import GiftDesk
from core.services.gifts import Gifts
from core.services.identities import IdentityDesk
from core.services.live_chat import LiveChats
from core.services.messengers import Messengers
from core.services.order_actions import OrderActions
from core.services.parked import ParkedMessages
from core.services.payout_desk import PayoutDesk
from core.services.provider_configs import ProviderSetup
from core.services.provider_controls import ProviderControls
from core.services.purchases import Purchases
from core.services.reconciliation import Reconciliation
from core.services.routers import RouterOffice
from core.services.routing import Router
from core.services.shelf import Shelf
from core.services.tokens import TokenDesk
from core.services.unlocking import Unlocking
from core.settings import Settings
from core.store.backoffice import PgBackoffice
from core.store.channels import PgChannels
from core.store.circuits import RedisCircuits
from core.store.customers import PgCustomers
from core.store.database import Database
from core.store.gifts import PgGiftRooms
from core.store.health import PgStandings
from core.store.leases import RedisLeases
from core.store.ledger import PgLedger
from core.store.orders import PgOrderBook
from core.store.plans import PgPlans
from core.store.tenants import PgTenants


@dataclass(frozen=True, slots=True)
class Core:
    """Every part that somebody outside the core uses."""

    settings: Settings
    keyring: Keyring
    clock: Clock
    texts: Texts
    database: Database
    channels: PgChannels
    tenants: PgTenants
    customers: PgCustomers
    ledger: PgLedger
    orders: PgOrderBook
    conversations: Conversations
    messengers: Messengers
    identities: IdentityDesk
    channel_desk: ChannelDesk
    chat_ingest: ChatIngest
    chat_pump: Pump[Talk]
    unlocking: Unlocking
    aftermath: ChatAftermath
    dead_letters: DeadLetters
    parked: ParkedMessages
    leases: RedisLeases
    chat_lag_s: Callable[[], Awaitable[float]]
    live_chats: LiveChats
    live_pump: Pump[Answering]
    operations: Operations
    callbacks: Callbacks
    shelf: Shelf
    setup: ProviderSetup
    router: Router
    purchases: Purchases
    gifts: Gifts
    gift_rooms: PgGiftRooms
    gift_front: GiftFront
    controls: ProviderControls
    plans: PgPlans
    tokens: TokenDesk
    credits: Credits
    backoffice: PgBackoffice
    order_actions: OrderActions
    cases: CaseDesk
    alerts: AlertDesk
    gauges: Gauges
    standings: PgStandings
    circuits: RedisCircuits
    reconciliation: Reconciliation
    reconciliations: ReconciliationBook
    floats: Floats
    vtu_providers: Mapping[str, VtuProvider]
    payment_gateways: Mapping[str, PaymentGateway]
    payout_gateways: Mapping[str, PayoutGateway]
    payouts: PayoutDesk
    hotspots: Hotspots
    router_office: RouterOffice
    probes: Mapping[str, Probe]
    pumps: Sequence[Pump[Any]]

    def vtu_provider(self, tenant_id: UUID, name: str) -> VtuProvider | None:
        """The provider of this name that this tenant buys from, as it is configured now."""
        return self.shelf.named(tenant_id, name)

    @property
    def gift_desk(self) -> GiftDesk:
        return self.gift_front.desk

    @property
    def with_sandbox(self) -> bool:
        return self.settings.with_sandbox

    @property
    def phone_url(self) -> str:
        return f"{self.settings.sandbox_url}/phone" if self.with_sandbox else ""
