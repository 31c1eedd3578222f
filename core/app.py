"""Builds the core: the one module that knows every concrete class."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.domain.requery import Policy
from core.engine import paging
from core.engine.machine import Machine
from core.flows import all_flows, announce_last_order
from core.jobs.notices import NoticeSender
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock, SystemClock
from core.kit.crypto import Keyring
from core.kit.texts import Texts
from core.ports import PaymentGateway, VtuProvider
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.sms import SMS_SENDERS
from core.providers.vtu import VTU_PROVIDERS
from core.services.callbacks import Callbacks
from core.services.context import Desk
from core.services.conversations import Conversations, Patience
from core.services.funding import Funding, FundingRules
from core.services.outcomes import Outcomes
from core.services.pins import PinRules, Pins
from core.services.purchases import Purchases, Terms
from core.services.shelf import Shelf
from core.services.vending import Vending
from core.services.wallet import Wallet
from core.settings import Settings
from core.store.channels import ChannelBook
from core.store.conversations import ConversationBook
from core.store.customers import CustomerBook
from core.store.database import Database
from core.store.embedded import ServiceUrls
from core.store.intents import IntentBook
from core.store.ledger import LedgerBook
from core.store.orders import Orders
from core.store.outbox import OutboxBook

# A lease outlives the call it is for: provider's timeout, our grace, and the booking of the answer.
_LEASE_MARGIN_S = 15.0
_NOTICE_LEASE_S = 60.0
_INTENT_LEASE_S = 60.0


@dataclass(frozen=True, slots=True)
class Core:
    """The built core, for edges, workers and commands."""

    settings: Settings
    keyring: Keyring
    clock: Clock
    texts: Texts
    database: Database
    store: ConversationBook
    channels: ChannelBook
    customers: CustomerBook
    orders: Orders
    conversations: Conversations
    callbacks: Callbacks
    providers: Mapping[str, VtuProvider]
    gateways: Mapping[str, PaymentGateway]
    pumps: Sequence[Pump[Any]]
