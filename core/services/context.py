"""What a step of a conversation may know and call."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.customers import Customer, Tenant
from core.domain.turns import Channel
from core.engine.kinds import Locale, Scalar
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.kit.texts import Texts
from core.ports import Customers
from core.services.advice import Advice
from core.services.deep_links import DeepLinks
from core.services.funding import Funding
from core.services.gift_sharing import GiftSharing
from core.services.gifts import Gifts
from core.services.identities import IdentityDesk
from core.services.linking import Linking
from core.services.live_chat import LiveChats
from core.services.payouts import Payouts
from core.services.pins import Pins
from core.services.purchases import Purchases
from core.services.sales import Sales
from core.services.virtual_accounts import VirtualAccountDesk
from core.services.voucher_care import VoucherCare
from core.services.vouchers import Vouchers
from core.services.wallet import Wallet


@dataclass(frozen=True, slots=True)
class Desk:
    """The use cases, as the flows find them."""

    purchases: Purchases
    wallet: Wallet
    funding: Funding
    accounts: VirtualAccountDesk
    payouts: Payouts
    pins: Pins
    customers: Customers
    sales: Sales
    advice: Advice
    linking: Linking
    identities: IdentityDesk
    links: DeepLinks
    gifts: Gifts
    sharing: GiftSharing
    live: LiveChats
    vouchers: Vouchers
    care: VoucherCare
    clock: Clock


@dataclass(frozen=True, slots=True)
class Context:
    """One customer at one step.

    Attributes:
        key: The idempotency key of this step: the same whenever the step is run again.
        lapsed: This step was begun a while ago and its end never kept: find out what came of it,
            but begin nothing that the customer may long have given up on.
        until: When the customer must have an answer, in seconds of `time.monotonic`.
        network_hint: The mobile network that the gateway named, if it did.
        known: The customer, once somebody vouched for their number.
        name: What the person goes by on this channel, or "".
        mark: Names the request that this step answers.
    """

    desk: Desk
    tenant: Tenant
    known: Customer | None
    channel: Channel
    identity: str
    locale: Locale
    texts: Texts
    answers: Mapping[str, Scalar]
    key: str
    until: float
    lapsed: bool
    network_hint: str | None
    name: str = ""
    mark: str = ""

    @property
    def customer(self) -> Customer:
        """Who this is. Strangers meet no flow that asks."""
        if self.known is None:
            raise Fault("a stranger was taken for a customer")
        return self.known


def locale_of(tenant: Tenant, language: str) -> Locale:
    """How a tenant's customer who reads that language is spoken to."""
    return Locale(language, tenant.country, tenant.currency, tenant.time_zone)
