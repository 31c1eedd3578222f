"""Builds the core: the one module that knows every concrete class."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from core.domain.providers import ProviderConfig
from core.domain.requery import Policy
from core.engine import checks, paging
from core.engine.checks import Severity
from core.engine.flow import Flows
from core.engine.kinds import Locale
from core.engine.machine import Machine
from core.flows import all_flows, announce_latest
from core.jobs.notices import NoticeSender
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock, SystemClock
from core.kit.crypto import Keyring
from core.kit.errors import Fault
from core.kit.texts import Texts
from core.ports import PaymentGateway, SmsSender, VtuProvider
from core.providers.addresses import Reach, objection
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.sms import SMS_SENDERS
from core.providers.vtu import VTU_PROVIDERS
from core.providers.vtu.making import make
from core.services.callbacks import Callbacks
from core.services.context import Desk
from core.services.conversations import Conversations, Patience
from core.services.credits import Credits
from core.services.funding import Funding, FundingRules
from core.services.live_provider import OwnedProvider
from core.services.order_actions import OrderActions
from core.services.outcomes import Outcomes
from core.services.pins import PinRules, Pins
from core.services.provider_configs import ProviderSetup, Sources
from core.services.provider_registry import ProviderRegistry
from core.services.purchases import Purchases, Terms
from core.services.shelf import Shelf
from core.services.tokens import TokenDesk
from core.services.vending import Vending
from core.services.wallet import Wallet
from core.settings import Settings, admin_token, bad_setting
from core.store.backoffice import PgBackoffice
from core.store.channels import PgChannels
from core.store.conversations import Conversations as RedisConversations
from core.store.customers import PgCustomers
from core.store.database import Database
from core.store.embedded import ServiceUrls
from core.store.intents import PgIntents
from core.store.ledger import PgLedger
from core.store.orders import PgOrderBook
from core.store.outbox import PgOutbox
from core.store.provider_configs import PgProviderConfigs
from core.store.redis_line import open_line
from core.store.tenants import PgTenants
from core.store.tokens import PgTokens

TEXTS = Path(__file__).parent / "texts"
EXAMPLE_LOCALE = Locale("en", "NG", "NGN", "Africa/Lagos")
"""In whose money and numbers the fit of screens is proven."""

_WORKER_LAG_MAX_S = 60.0
_NAMES = (*VTU_PROVIDERS, *PAYMENT_GATEWAYS, *SMS_SENDERS)

Probe = Callable[[], Awaitable[Mapping[str, object]]]

# How the demo's providers are reached: the sandbox on this machine, with its made-up keys.
_DEMO_KEYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "vtpass": (
        "/vtpass/api",
        {"api_key": "SIM-vtpass-key", "public_key": "PK_SIM", "secret_key": "SK_SIM"},
    ),
    "paystack": ("/paystack", {"secret_key": "sk_test_SIM"}),
    "africastalking": ("/africastalking", {"api_key": "SIM-at-key", "username": "sandbox"}),
}


# What the outside contract calls a provider whose own name is taken by a payment gateway.
_ALSO_CALLED: Mapping[str, str] = {"flutterwave": "flutterwave_bills"}


@dataclass(frozen=True, slots=True)
class Core:
    """The built core, for edges, workers and commands."""

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
    callbacks: Callbacks
    shelf: Shelf
    setup: ProviderSetup
    tokens: TokenDesk
    credits: Credits
    backoffice: PgBackoffice
    order_actions: OrderActions
    vtu_providers: Mapping[str, VtuProvider]
    payment_gateways: Mapping[str, PaymentGateway]
    probes: Mapping[str, Probe]
    pumps: Sequence[Pump[Any]]

    def vtu_provider(self, tenant_id: UUID, name: str) -> VtuProvider | None:
        """The provider of this name that this tenant buys from, as it is configured now."""
        return self.shelf.named(tenant_id, name)

    @property
    def with_sandbox(self) -> bool:
        return self.settings.with_sandbox


@dataclass(frozen=True, slots=True)
class Outside:
    """Whoever sells to us, collects for us and carries our words, by name."""

    vtu: Mapping[str, VtuProvider]
    payments: Mapping[str, PaymentGateway]
    sms: SmsSender


@contextlib.asynccontextmanager
async def build(
    settings: Settings, urls: ServiceUrls, secret: str, outside: Outside | None = None
) -> AsyncIterator[Core]:
    """A core over a migrated database, closed in the end.

    `outside` stands in for the providers that the settings name.
    """
    clock = SystemClock()
    keyring = Keyring(secret)
    texts = Texts.load(TEXTS)
    flows = all_flows()
    _prove(flows, texts)
    async with contextlib.AsyncExitStack() as stack:
        database = Database(urls.database_url)
        stack.push_async_callback(database.close)
        await database.start()
        store = RedisConversations(
            await stack.enter_async_context(open_line(urls.redis_url)), keyring
        )
        outside = outside or await _outside(settings, stack)
        tenants = PgTenants(database)
        channels = PgChannels(database)
        customers = PgCustomers(database, tenants, clock)
        outbox = PgOutbox(database, keyring, clock)
        intents = PgIntents(database, clock)
        ledger = PgLedger(database, clock)
        stack.push_async_callback(ledger.close)
        orders = PgOrderBook(database, clock)
        stack.push_async_callback(orders.close)

        orders_bell, intents_bell = Bell(), Bell()
        shelf = Shelf(outside.vtu, _accounts(settings, outside, keyring))
        setup = await _setup(settings, shelf, PgProviderConfigs(database, keyring), clock, stack)
        backoffice = PgBackoffice(database, clock)
        outcomes = Outcomes(orders)
        purchases = Purchases(orders, outcomes, shelf, _terms(settings), clock, orders_bell)
        funding = Funding(
            intents, customers, outside.payments, _funding_rules(settings), clock, intents_bell
        )
        stack.push_async_callback(funding.close)
        desk = Desk(
            purchases=purchases,
            wallet=Wallet(ledger, orders, intents),
            funding=funding,
            pins=Pins(customers, outbox, keyring, clock, PinRules()),
            customers=customers,
            clock=clock,
        )
        vending = Vending(orders, outcomes, shelf, keyring, clock, _policy(settings))
        notices = NoticeSender(outbox, outside.sms, texts, clock)
        yield Core(
            settings=settings,
            keyring=keyring,
            clock=clock,
            texts=texts,
            database=database,
            channels=channels,
            tenants=tenants,
            customers=customers,
            ledger=ledger,
            orders=orders,
            conversations=Conversations(
                Machine(flows, texts),
                store,
                tenants,
                desk,
                texts,
                clock,
                {"ussd": paging.USSD},
                Patience(wait_s=settings.turn_wait_s, resume_within_s=settings.resume_within_s),
                announce_latest,
            ),
            callbacks=Callbacks(channels, tuple(outside.payments), orders, funding, orders_bell),
            shelf=shelf,
            setup=setup,
            tokens=TokenDesk(PgTokens(database), clock, admin_token(settings)),
            credits=Credits(ledger, ledger, tenants),
            backoffice=backoffice,
            order_actions=OrderActions(backoffice, orders, orders_bell),
            vtu_providers=outside.vtu,
            payment_gateways=outside.payments,
            probes=_probes(database, store, orders),
            pumps=(
                Pump(
                    "orders",
                    lambda count: orders.claim(
                        count, settings.lease_margin_s + shelf.timeout_max_s
                    ),
                    vending.see_through,
                    orders_bell,
                    at_once=256,
                ),
                Pump(
                    "notices",
                    lambda count: outbox.due(count, settings.errand_lease_s),
                    notices.send,
                    Bell(),
                    at_once=32,
                ),
                Pump(
                    "intents",
                    lambda count: intents.due(count, settings.errand_lease_s),
                    funding.look_after,
                    intents_bell,
                    at_once=16,
                ),
            ),
        )


def _prove(flows: Flows, texts: Texts) -> None:
    """Refuse to start with a conversation that could strand a customer. Raises `Fault`."""
    found = checks.check(flows, texts, (paging.USSD,), EXAMPLE_LOCALE)
    wrong = [str(finding) for finding in found if finding.severity is Severity.ERROR]
    if wrong:
        raise Fault("conversations are not sound:\n  " + "\n  ".join(wrong))


def _probes(
    database: Database, store: RedisConversations, orders: PgOrderBook
) -> Mapping[str, Probe]:
    """How each part is; `worker` is unwell when due orders wait for it."""

    async def ask_database() -> Mapping[str, object]:
        await database.call("select 1")
        return {}

    async def ask_redis() -> Mapping[str, object]:
        await store.ping()
        return {}

    async def ask_worker() -> Mapping[str, object]:
        lag_s = await orders.lag_s()
        if lag_s > _WORKER_LAG_MAX_S:
            raise Fault(f"orders wait {lag_s:.0f} s for a worker")
        return {"lag_s": round(lag_s, 1)}

    return {"database": ask_database, "redis": ask_redis, "worker": ask_worker}


async def _setup(
    settings: Settings,
    shelf: Shelf,
    configs: PgProviderConfigs,
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> ProviderSetup:
    """The tenants' own providers on the shelf, kept as the database says until the stack ends."""
    reach = Reach.PUBLIC_OR_HERE if settings.demo else Reach.PUBLIC

    def made(config: ProviderConfig) -> OwnedProvider:
        return make(config, reach=reach, beneath=_given(settings, config.key.provider))

    registry = ProviderRegistry(shelf, configs, made)
    stack.push_async_callback(registry.aclose)
    await registry.refresh()
    following = asyncio.create_task(registry.follow(), name="providers")
    stack.push_async_callback(_ended, following)
    also_called = {name: own for name, own in _ALSO_CALLED.items() if own in VTU_PROVIDERS}
    sources = Sources(
        make=made,
        objection=lambda url: objection(url, reach),
        base_url=lambda name: (_given(settings, name) or {}).get("base_url"),
        also_called=also_called,
    )
    return ProviderSetup(configs, registry, shelf, sources, clock)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _outside(settings: Settings, stack: contextlib.AsyncExitStack) -> Outside:
    """The adapters that the settings name; those with no keys are left out."""
    vtu = {}
    for name, make_provider in VTU_PROVIDERS.items():
        if (given := _given(settings, name)) is not None:
            with _naming_variables(name):
                vtu[name] = provider = make_provider(given)
            stack.push_async_callback(provider.aclose)
    payments = {}
    for name, make_gateway in PAYMENT_GATEWAYS.items():
        if (given := _given(settings, name)) is not None:
            with _naming_variables(name):
                payments[name] = gateway = make_gateway(given)
            stack.push_async_callback(gateway.aclose)
    with _naming_variables("africastalking"):
        sender = SMS_SENDERS["africastalking"](_given(settings, "africastalking") or {})
    stack.push_async_callback(sender.aclose)
    return Outside(vtu, payments, sender)


@contextlib.contextmanager
def _naming_variables(adapter: str) -> Iterator[None]:
    """Have a wrong setting of an adapter stop the start with one clear line as any other does."""
    try:
        yield
    except ValidationError as error:
        raise bad_setting(error, f"{adapter.upper()}_") from None


def _given(settings: Settings, name: str) -> Mapping[str, str] | None:
    """What to build an adapter from: the environment alone, or the sandbox in demo, or nothing."""
    if any(_means(variable, name) for variable in os.environ):
        return {}
    if not settings.demo or name not in _DEMO_KEYS:
        return None
    path, keys = _DEMO_KEYS[name]
    return {"base_url": settings.sandbox_url + path, **keys}


def _means(variable: str, name: str) -> bool:
    """Whether a variable is a key of that adapter, and not of one whose name begins alike."""
    if not (variable.startswith(f"{name.upper()}_") and variable.endswith("_KEY")):
        return False
    longer = (other for other in _NAMES if other.startswith(f"{name}_"))
    return not any(variable.startswith(f"{other.upper()}_") for other in longer)


def _accounts(settings: Settings, outside: Outside, keyring: Keyring) -> Mapping[str, str]:
    """Names our account at each provider by what it is reached with, which the name hides."""
    return {
        name: "s" + keyring.digest(name, *_reached_with(settings, name)) for name in outside.vtu
    }


def _reached_with(settings: Settings, name: str) -> Iterator[str]:
    for field, value in sorted((_given(settings, name) or {}).items()):
        yield f"{field}={value}"
    for variable, value in sorted(os.environ.items()):
        if variable.startswith(f"{name.upper()}_") and "TIMEOUT" not in variable:
            yield f"{variable}={value}"


def _terms(settings: Settings) -> Terms:
    return Terms(
        amount_min_minor=settings.airtime_min_minor,
        amount_max_minor=settings.airtime_max_minor,
        fee_minor=settings.airtime_fee_minor,
        day_limit_minor=settings.airtime_day_limit_minor,
        in_doubt_deadline_s=settings.in_doubt_deadline_s,
    )


def _funding_rules(settings: Settings) -> FundingRules:
    return FundingRules(
        amount_min_minor=settings.fund_min_minor,
        amount_max_minor=settings.fund_max_minor,
        checks_after_s=settings.fund_checks_after_s,
    )


def _policy(settings: Settings) -> Policy:
    return Policy(
        schedule_s=settings.requery_after_s,
        not_found_apart_s=settings.not_found_apart_s,
        settle_s=settings.settle_s,
        paid_back_every_s=settings.paid_back_every_s,
        send_within_s=settings.send_within_s,
    )
