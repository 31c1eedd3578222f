"""Builds the core: the one package that knows every concrete class."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from core.app import rules
from core.app.chat import CAPABILITIES, SecretPages, Telling, capability_of, wired_chat
from core.app.gift_site import GiftFront, gift_front
from core.app.gifts import gift_pumps
from core.app.giving import Around, gifts_of, giving_pumps, inline_of, sharing_of
from core.app.operators import Operations, operations, talking
from core.app.outside import ALSO_CALLED, Outside, account_names, keys_of, open_model, open_outside
from core.domain.chat import Talk
from core.domain.circuits import CircuitRules
from core.domain.live_chat import Answering
from core.domain.payouts import DuePayout
from core.domain.providers import ProviderConfig
from core.domain.routing import RoutingRules
from core.engine import checks
from core.engine.checks import Severity
from core.engine.flow import Flows
from core.engine.kinds import Locale
from core.engine.machine import Machine
from core.flows import all_flows, announce_latest
from core.jobs.cases import CaseRounds
from core.jobs.reconciling import DailyReconciliation
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock, SystemClock
from core.kit.crypto import Keyring
from core.kit.errors import Fault
from core.kit.texts import Texts
from core.ports import PaymentGateway, Standings, VtuProvider
from core.ports.payouts import PayoutGateway
from core.ports.statements import ReconciliationBook
from core.providers.addresses import Reach, objection, reaching
from core.providers.channels import CHANNEL_TESTS
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.pictures.receipts import DrawnReceipts
from core.providers.vtu import VTU_PROVIDERS
from core.providers.vtu.making import make
from core.services.advice import Advice
from core.services.aftermath import ChatAftermath
from core.services.alerts import AlertDesk
from core.services.assistant import WordsAssistant
from core.services.callbacks import Callbacks
from core.services.cases import CaseDesk, CaseSweep
from core.services.channel_desk import ChannelDesk
from core.services.chat import ChatIngest
from core.services.context import Desk
from core.services.conversations import Conversations, Patience
from core.services.credits import Credits
from core.services.dead_letters import DeadLetters
from core.services.deep_links import DeepLinks
from core.services.floats import Floats
from core.services.funding import Funding
from core.services.gauges import Gauges
from core.services.gauges import Sources as GaugeSources
from core.services.gift_desk import GiftDesk
from core.services.gifts import Gifts
from core.services.health import HealthChecks
from core.services.identities import IdentityDesk
from core.services.linking import Linking
from core.services.live_chat import LiveChats
from core.services.live_provider import OwnedProvider
from core.services.messengers import Messengers
from core.services.order_actions import OrderActions
from core.services.outcomes import Outcomes
from core.services.paying_out import PayingOut
from core.services.payout_desk import PayoutDesk
from core.services.payouts import Payouts
from core.services.people import People
from core.services.pins import PinRules, Pins
from core.services.provider_configs import Noting, ProviderSetup, Sources
from core.services.provider_controls import ProviderControls
from core.services.provider_registry import ProviderRegistry
from core.services.purchases import Purchases
from core.services.reach import ChatReach
from core.services.receipts import Receipts
from core.services.reconciliation import Reconciliation
from core.services.reconciliation_parts import Surroundings
from core.services.review import Review
from core.services.routing import Router
from core.services.sales import Sales
from core.services.shelf import Shelf
from core.services.suspicions import Suspicions
from core.services.tokens import TokenDesk
from core.services.unlocking import Unlocking
from core.services.vending import Vending
from core.services.virtual_accounts import VirtualAccountDesk
from core.services.wallet import Wallet
from core.settings import Settings, admin_token
from core.store.alerts import PgAlerts
from core.store.attempts import PgAttempts
from core.store.backoffice import PgBackoffice
from core.store.cases import PgCases
from core.store.channels import PgChannels
from core.store.circuits import RedisCircuits
from core.store.conversations import Conversations as RedisConversations
from core.store.customers import PgCustomers
from core.store.database import Database
from core.store.deep_links import PgDeepLinks
from core.store.embedded import ServiceUrls
from core.store.gifts import PgGiftRooms
from core.store.health import PgSales, PgStandings
from core.store.identities import PgIdentities
from core.store.inbox import PgInbox
from core.store.intents import PgIntents
from core.store.leases import RedisLeases
from core.store.ledger import PgLedger
from core.store.notice_book import PgNoticeBook
from core.store.notice_fates import PgNoticeFates
from core.store.order_desk import PgOrderDesk
from core.store.orders import PgOrderBook
from core.store.outbox import PgOutbox
from core.store.pace import NoPace, RedisPace
from core.store.payouts import PgPayouts
from core.store.plans import PgPlans
from core.store.provider_configs import PgProviderConfigs
from core.store.reconciliation import PgReconciliations
from core.store.redis_line import Line, open_line
from core.store.tenants import PgTenants
from core.store.tokens import PgTokens
from core.store.unlocks import RedisUnlocks
from core.store.virtual_accounts import PgVirtualAccounts

TEXTS = Path(__file__).parents[1] / "texts"
EXAMPLE_LOCALE = Locale("en", "NG", "NGN", "Africa/Lagos")
"""In whose money and numbers the fit of screens is proven."""

# Nearly all of them wait for a provider: so many a second at a provider that takes one.
ORDERS_AT_ONCE = 2048
Probe = Callable[[], Awaitable[Mapping[str, object]]]


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
    messengers: Messengers
    identities: IdentityDesk
    channel_desk: ChannelDesk
    chat_ingest: ChatIngest
    chat_pump: Pump[Talk]
    unlocking: Unlocking
    aftermath: ChatAftermath
    dead_letters: DeadLetters
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
    gift_rooms: PgGiftRooms
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


@contextlib.asynccontextmanager
async def build(  # noqa: PLR0915 - one line for each part
    settings: Settings,
    urls: ServiceUrls,
    secret: str,
    outside: Outside | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Core]:
    """A core over a migrated database, closed in the end.

    `outside` stands in for the providers that the settings name, `clock` for the machine's.
    """
    clock = clock or SystemClock()
    keyring = Keyring(secret)
    texts = Texts.load(TEXTS)
    flows = all_flows()
    _prove(flows, texts)
    async with contextlib.AsyncExitStack() as stack:
        database = Database(urls.database_url)
        stack.push_async_callback(database.close)
        await database.start()
        line = await stack.enter_async_context(open_line(urls.redis_url))
        store = RedisConversations(line, keyring)
        outside = outside or await open_outside(settings, stack)
        tenants = PgTenants(database)
        channels = PgChannels(database, keyring)
        customers = PgCustomers(database, tenants, clock)
        outbox = PgOutbox(database, keyring, clock)
        intents = PgIntents(database, clock)
        ledger = PgLedger(database, clock)
        stack.push_async_callback(ledger.close)
        orders = PgOrderBook(database, clock)
        stack.push_async_callback(orders.close)

        orders_bell, intents_bell = Bell(), Bell()
        shelf = Shelf(outside.vtu, account_names(settings, outside, keyring))
        watch = _watch(settings, database, shelf, tenants, clock)
        setup = await _setup(
            settings,
            shelf,
            PgProviderConfigs(database, keyring),
            clock,
            watch.checks,
            stack,
        )
        backoffice = PgBackoffice(database, clock)
        outcomes = Outcomes(orders)
        plans = PgPlans(database)
        circuits = await _circuits(settings, line, clock, stack)
        router = await _router(settings, shelf, circuits, watch.standings, plans, clock, stack)
        review = _review(settings, watch, shelf, circuits, clock)
        purchases = Purchases(orders, outcomes, router, rules.terms(settings), clock, orders_bell)
        funding = Funding(
            intents, customers, outside.payments, rules.funding_rules(settings), clock, intents_bell
        )
        stack.push_async_callback(funding.close)
        accounts, accounts_bell = PgVirtualAccounts(database, clock), Bell()
        account_desk = VirtualAccountDesk(
            accounts,
            customers,
            outbox,
            outside.payments,
            rules.account_rules(settings),
            clock,
            accounts_bell,
        )
        stack.push_async_callback(account_desk.close)
        money_out = _money_out(settings, database, outside, keyring, clock)
        rooms = PgGiftRooms(database, keyring, clock)
        stack.push_async_callback(rooms.close)
        gifts = gifts_of(settings, rooms, line, keyring, clock)
        around = Around(settings, tenants, customers, channels, outbox, texts, clock)
        unlocks = RedisUnlocks(line, keyring)
        suspicions = Suspicions(unlocks, watch.alerts, rules.suspicion_rules(settings))
        pins = Pins(
            customers, outbox, keyring, clock, PinRules(), suspicions, on_first=gifts.registered
        )
        identities, messengers = PgIdentities(database), Messengers()
        joining = _joining(
            settings,
            _Stores(database, customers, identities, channels, store, outbox, unlocks),
            pins,
            messengers,
            texts,
            keyring,
            clock,
        )
        sharing = sharing_of(around, joining.links)
        live = talking(database, keyring, texts, clock)
        desk = Desk(
            purchases=purchases,
            wallet=Wallet(ledger, orders, intents, money_out.book),
            funding=funding,
            accounts=account_desk,
            payouts=money_out.payouts,
            pins=pins,
            customers=customers,
            sales=Sales(router, watch.sales),
            advice=Advice(plans, clock),
            linking=joining.linking,
            identities=joining.desk,
            links=joining.links,
            gifts=gifts,
            sharing=sharing,
            live=live.chats,
            clock=clock,
        )
        vending = Vending(
            orders,
            outcomes,
            shelf,
            router,
            circuits,
            keyring,
            clock,
            rules.policy(settings),
            orders_bell,
        )
        order_desk = PgOrderDesk(
            database,
            clock,
            in_flight_s=lambda: settings.lease_margin_s + shelf.timeout_max_s,
            check_in_s=settings.paid_back_every_s,
        )
        order_actions = OrderActions(
            backoffice,
            order_desk,
            vending,
            keyring,
            orders_bell,
            answer_within_s=settings.reconcile_wait_s,
        )
        stack.push_async_callback(order_actions.close)
        cases = PgCases(database, clock)
        case_rounds = CaseRounds(
            CaseSweep(cases, watch.alerts, shelf, clock, rules.case_rules(settings))
        )
        callbacks = Callbacks(
            channels,
            (*outside.payments, *outside.payouts),
            orders,
            funding,
            account_desk,
            money_out.payouts,
            orders_bell,
        )
        surroundings = Surroundings(
            book=PgReconciliations(database, clock),
            ledger=ledger,
            tenants=tenants,
            all_tenants=tenants,
            shelf=shelf,
            gateways=outside.payments,
            hints=callbacks,
            cases=cases,
            alerts=watch.alerts,
            clock=clock,
        )
        reconciliation, daily = _reconciling(settings, surroundings)
        conversations = Conversations(
            Machine(flows, texts),
            store,
            tenants,
            desk,
            texts,
            clock,
            capability_of,
            Patience(wait_s=settings.turn_wait_s, resume_within_s=settings.resume_within_s),
            announce_latest,
            People(customers, identities, clock, texts.languages),
            WordsAssistant(await open_model(stack)),
            joining.links,
        )
        inbox = PgInbox(database, channels, keyring, clock)
        stack.push_async_callback(inbox.close)
        pages = SecretPages(unlocks, channels, customers, base_url=settings.outside_url)
        reach = ChatReach(customers, watch.alerts, clock, joining.desk)
        dead_letters = DeadLetters(PgNoticeBook(database), watch.alerts, clock)
        telling = Telling(
            outbox=outbox,
            fates=PgNoticeFates(database),
            reach=reach,
            dead_letters=dead_letters,
            pace=RedisPace(line, keyring, sms_per_s=settings.sms_per_s)
            if settings.channel_limits
            else NoPace(),
            picturing=Receipts(orders, tenants, customers, texts, DrawnReceipts()),
            sms=outside.sms,
            inline=inline_of(around, gifts, sharing, messengers),
        )
        chat = wired_chat(
            inbox, conversations, texts, clock, pages, telling, messengers, live.chats
        )
        live_pump = live.pump(settings, channels, messengers, chat.aftermath, clock)
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
            conversations=conversations,
            messengers=messengers,
            identities=joining.desk,
            channel_desk=_channel_desk(settings, channels, clock, stack),
            chat_ingest=chat.ingest,
            chat_pump=chat.pump,
            unlocking=chat.unlocking,
            aftermath=chat.aftermath,
            dead_letters=dead_letters,
            leases=RedisLeases(line),
            chat_lag_s=inbox.lag_s,
            live_chats=live.chats,
            live_pump=live_pump,
            operations=operations(
                settings,
                database,
                keyring,
                clock,
                live.book,
                (watch.standings, PgAlerts(database, clock)),
                (order_actions, money_out.desk),
            ),
            callbacks=callbacks,
            shelf=shelf,
            setup=setup,
            router=router,
            purchases=purchases,
            gifts=gifts,
            gift_front=gift_front(
                around, rooms, gifts, sharing, pins, unlocks, line, keyring, ledger
            ),
            controls=ProviderControls(setup, circuits, PgAttempts(database), backoffice),
            plans=plans,
            tokens=TokenDesk(PgTokens(database), clock, admin_token(settings)),
            credits=Credits(ledger, ledger, tenants),
            backoffice=backoffice,
            order_actions=order_actions,
            cases=CaseDesk(cases),
            alerts=watch.alerts,
            gauges=_gauges(watch, circuits, orders),
            standings=watch.standings,
            circuits=circuits,
            reconciliation=reconciliation,
            reconciliations=surroundings.book,
            floats=Floats(ledger, ledger, tenants, shelf, surroundings.book, clock),
            vtu_providers=outside.vtu,
            payment_gateways=outside.payments,
            payout_gateways=outside.payouts,
            payouts=money_out.desk,
            gift_rooms=rooms,
            probes=_probes(database, store, orders, review),
            pumps=(
                Pump(
                    "orders",
                    lambda count: orders.claim(
                        count, settings.lease_margin_s + shelf.timeout_max_s
                    ),
                    vending.see_through,
                    orders_bell,
                    at_once=ORDERS_AT_ONCE,
                ),
                Pump(
                    "notices",
                    lambda count: outbox.due(count, settings.errand_lease_s),
                    chat.notices.send,
                    Bell(),
                    at_once=32,
                ),
                Pump(
                    "health",
                    watch.checks.due,
                    watch.checks.check,
                    Bell(),
                    at_once=16,
                    idle_s=min(10.0, settings.health_check_every_s),
                ),
                Pump(
                    "review",
                    review.due,
                    review.look_over,
                    Bell(),
                    at_once=1,
                    idle_s=min(2.0, settings.health_review_every_s),
                ),
                Pump("cases", case_rounds.due, case_rounds.run, Bell(), at_once=1, idle_s=5.0),
                Pump("reconciliation", daily.due, daily.handle, Bell(), at_once=2, idle_s=60.0),
                Pump(
                    "intents",
                    lambda count: intents.due(count, settings.errand_lease_s),
                    funding.look_after,
                    intents_bell,
                    at_once=16,
                ),
                Pump(
                    "virtual accounts",
                    lambda count: accounts.due(count, settings.errand_lease_s),
                    account_desk.look_after,
                    accounts_bell,
                    at_once=16,
                ),
                money_out.pump,
                *gift_pumps(settings, rooms, keyring, clock),
                *giving_pumps(around, rooms, purchases),
                chat.pump,
                live_pump,
                live.rounds(settings),
            ),
        )


@dataclass(frozen=True, slots=True)
class _Stores:
    """Where it is kept who is who, and where they are."""

    database: Database
    customers: PgCustomers
    identities: PgIdentities
    channels: PgChannels
    conversations: RedisConversations
    outbox: PgOutbox
    unlocks: RedisUnlocks


@dataclass(frozen=True, slots=True)
class _Joining:
    """What links accounts to customers, and parts them."""

    linking: Linking
    desk: IdentityDesk
    links: DeepLinks


def _joining(
    settings: Settings,
    stores: _Stores,
    pins: Pins,
    messengers: Messengers,
    texts: Texts,
    keyring: Keyring,
    clock: Clock,
) -> _Joining:
    desk = IdentityDesk(
        stores.identities,
        stores.customers,
        stores.conversations,
        stores.channels,
        messengers.of,
        texts,
        keyring,
        clock,
    )
    linking = Linking(
        stores.customers,
        stores.identities,
        desk,
        pins,
        stores.unlocks,
        PgCases(stores.database, clock, "customer"),
        clock,
        rules.link_rules(settings),
    )
    links = DeepLinks(
        PgDeepLinks(stores.database, keyring),
        stores.customers,
        linking,
        stores.channels,
        stores.outbox,
        texts,
        keyring,
        clock,
    )
    return _Joining(linking, desk, links)


def _channel_desk(
    settings: Settings, channels: PgChannels, clock: Clock, stack: contextlib.AsyncExitStack
) -> ChannelDesk:
    """Opens channels of every kind but USSD's, whose gateways an edge knows."""
    reach = Reach.PUBLIC_OR_HERE if settings.demo else Reach.PUBLIC
    with reaching(reach):
        tests = {kind: make(settings.outside_url) for kind, make in CHANNEL_TESTS.items()}
    for each in tests.values():
        stack.push_async_callback(each.aclose)
    gateways = {
        "telegram": ("telegram",),
        "whatsapp": ("whatsapp",),
        "callback": (*VTU_PROVIDERS, *PAYMENT_GATEWAYS),
    }
    return ChannelDesk(channels, gateways, clock, lambda url: objection(url, reach), tests)


@dataclass(frozen=True, slots=True)
class _MoneyOut:
    """What takes money out to banks."""

    book: PgPayouts
    payouts: Payouts
    desk: PayoutDesk
    pump: Pump[DuePayout]


def _money_out(
    settings: Settings, database: Database, outside: Outside, keyring: Keyring, clock: Clock
) -> _MoneyOut:
    book, bell = PgPayouts(database, clock), Bell()
    cases = PgCases(database, clock)
    work = PayingOut(book, outside.payouts, cases, keyring, clock, rules.policy(settings))
    lease_s = settings.lease_margin_s + work.timeout_max_s
    return _MoneyOut(
        book=book,
        payouts=Payouts(book, outside.payouts, rules.payout_terms(settings), keyring, clock, bell),
        desk=PayoutDesk(book, keyring),
        pump=Pump(
            "payouts", lambda count: book.claim(count, lease_s), work.see_through, bell, at_once=16
        ),
    )


@dataclass(frozen=True, slots=True)
class _Watch:
    """What keeps an eye on the providers."""

    standings: PgStandings
    sales: PgSales
    alerts: AlertDesk
    checks: HealthChecks


def _watch(
    settings: Settings, database: Database, shelf: Shelf, tenants: PgTenants, clock: Clock
) -> _Watch:
    standings = PgStandings(database, clock)
    every_s = settings.health_check_every_s
    return _Watch(
        standings=standings,
        sales=PgSales(database, clock),
        alerts=AlertDesk(PgAlerts(database, clock)),
        checks=HealthChecks(shelf, tenants, standings, clock, every_s=every_s),
    )


def _review(
    settings: Settings, watch: _Watch, shelf: Shelf, circuits: RedisCircuits, clock: Clock
) -> Review:
    looks = rules.health_rules(settings)
    return Review(shelf, circuits, watch.standings, watch.sales, watch.alerts, clock, looks)


def _gauges(watch: _Watch, circuits: RedisCircuits, orders: PgOrderBook) -> Gauges:
    standings = watch.standings
    return Gauges(
        GaugeSources(
            standings=standings.everything,
            circuit=circuits.state,
            alerts=standings.alert_counts,
            paused=standings.paused,
            order_lag_s=orders.lag_s,
            notice_lag_s=standings.notice_lag_s,
            ledger_sums=standings.ledger_sums,
            waiting=orders.waiting,
        )
    )


def _reconciling(
    settings: Settings, surroundings: Surroundings
) -> tuple[Reconciliation, DailyReconciliation]:
    """What compares a day when it is asked to, and what asks it to every day."""
    lease_s = settings.reconcile_lease_s
    reconciliation = Reconciliation(
        surroundings, pause_s=1 / settings.reconcile_asks_per_s, lease_s=lease_s
    )
    daily = DailyReconciliation(
        reconciliation,
        surroundings.book,
        surroundings.tenants,
        surroundings.all_tenants,
        surroundings.clock,
        at=settings.reconcile_at,
        lease_s=lease_s,
    )
    return reconciliation, daily


def _prove(flows: Flows, texts: Texts) -> None:
    """Refuse to start with a conversation that could strand a customer. Raises `Fault`."""
    found = checks.check(flows, texts, tuple(CAPABILITIES.values()), EXAMPLE_LOCALE)
    wrong = [str(finding) for finding in found if finding.severity is Severity.ERROR]
    if wrong:
        raise Fault("conversations are not sound:\n  " + "\n  ".join(wrong))


def _probes(
    database: Database, store: RedisConversations, orders: PgOrderBook, review: Review
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
        if lag_s > rules.WORKER_LAG_MAX_S:
            await review.look_for_stuck()  # where no worker runs, nobody else tells of it
            raise Fault(f"orders wait {lag_s:.0f} s for a worker")
        return {"lag_s": round(lag_s, 1)}

    return {"database": ask_database, "redis": ask_redis, "worker": ask_worker}


async def _setup(
    settings: Settings,
    shelf: Shelf,
    configs: PgProviderConfigs,
    clock: Clock,
    noting: Noting,
    stack: contextlib.AsyncExitStack,
) -> ProviderSetup:
    """The tenants' own providers on the shelf, kept as the database says until the stack ends."""
    reach = Reach.PUBLIC_OR_HERE if settings.demo else Reach.PUBLIC

    def made(config: ProviderConfig) -> OwnedProvider:
        return make(config, reach=reach, beneath=keys_of(settings, config.key.provider))

    registry = ProviderRegistry(shelf, configs, made)
    stack.push_async_callback(registry.aclose)
    await registry.refresh()
    following = asyncio.create_task(registry.follow(), name="providers")
    stack.push_async_callback(_ended, following)
    also_called = {name: own for name, own in ALSO_CALLED.items() if own in VTU_PROVIDERS}
    sources = Sources(
        make=made,
        objection=lambda url: objection(url, reach),
        base_url=lambda name: (keys_of(settings, name) or {}).get("base_url"),
        also_called=also_called,
        beside_sandbox=settings.with_sandbox,
    )
    return ProviderSetup(configs, registry, shelf, sources, clock, noting)


async def _circuits(
    settings: Settings, line: Line, clock: Clock, stack: contextlib.AsyncExitStack
) -> RedisCircuits:
    """Circuits as all processes see them, followed until the stack ends."""
    rules = CircuitRules(
        failures_to_open=settings.circuit_failures,
        open_s=settings.circuit_open_s,
        successes_to_close=settings.circuit_successes,
    )
    circuits = RedisCircuits(line, rules, clock)
    await circuits.refresh()
    following = asyncio.create_task(circuits.follow(), name="circuits")
    stack.push_async_callback(_ended, following)
    return circuits


async def _router(
    settings: Settings,
    shelf: Shelf,
    circuits: RedisCircuits,
    standings: Standings,
    plans: PgPlans,
    clock: Clock,
    stack: contextlib.AsyncExitStack,
) -> Router:
    """A router that keeps up with how providers are doing until the stack ends."""
    rules = RoutingRules(
        attempts_max=settings.attempts_max,
        extra_cost_percent=settings.failover_extra_cost_percent,
        may_lose=settings.failover_may_lose,
    )
    router = Router(shelf, circuits, standings, plans, rules, clock)
    await router.refresh()
    following = asyncio.create_task(router.follow(), name="standings")
    stack.push_async_callback(_ended, following)
    return router


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
