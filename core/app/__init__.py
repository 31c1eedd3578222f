"""Builds the core: the one package that knows every concrete class."""

import contextlib
import functools
from collections.abc import AsyncIterator
from pathlib import Path

from core.app.chat import CAPABILITIES, answering, capability_of
from core.app.core import Core
from core.app.gifts import gift_front, gift_pumps, rooms
from core.app.ground import Ground
from core.app.hotspot import hotspots
from core.app.money import money_in, money_out
from core.app.operators import operations, talking
from core.app.outside import Outside, open_model, open_outside
from core.app.people import channel_desk, joining
from core.app.reconciling import reconciling
from core.app.routers import routers
from core.app.selling import ORDERS_AT_ONCE, selling
from core.app.stores import stores
from core.app.watching import gauges, probes, review, review_pump
from core.engine import checks
from core.engine.checks import Severity
from core.engine.flow import Flows
from core.engine.kinds import Locale
from core.engine.machine import Machine
from core.flows import all_flows, announce_latest
from core.kit.clock import Clock, SystemClock
from core.kit.crypto import Keyring
from core.kit.errors import Fault
from core.kit.texts import Texts
from core.services.advice import Advice
from core.services.assistant import WordsAssistant
from core.services.cases import CaseDesk
from core.services.context import Desk
from core.services.conversations import Conversations
from core.services.credits import Credits
from core.services.floats import Floats
from core.services.messengers import Messengers
from core.services.people import People
from core.services.provider_controls import ProviderControls
from core.services.sales import Sales
from core.services.tokens import TokenDesk
from core.services.turn import Patience
from core.services.voucher_care import VoucherCare
from core.services.wallet import Wallet
from core.settings import Settings, admin_token
from core.store.attempts import PgAttempts
from core.store.database import Database
from core.store.embedded import ServiceUrls
from core.store.leases import RedisLeases
from core.store.redis_line import open_line
from core.store.tokens import PgTokens

__all__ = ["EXAMPLE_LOCALE", "ORDERS_AT_ONCE", "TEXTS", "Core", "build"]

TEXTS = Path(__file__).parents[1] / "texts"
EXAMPLE_LOCALE = Locale("en", "NG", "NGN", "Africa/Lagos")
"""In whose money and numbers the fit of screens is proven."""


@contextlib.asynccontextmanager
async def build(
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
    flows, texts = _conversations()
    async with contextlib.AsyncExitStack() as stack:
        database = Database(urls.database_url, connections=settings.database_connections)
        stack.push_async_callback(database.close)
        await database.start()
        line = await stack.enter_async_context(open_line(urls.redis_url))
        outside = outside or await open_outside(settings, stack)
        keyring = Keyring(secret)
        ground = Ground(settings, keyring, clock, texts, database, line, outside, stack)
        yield await _built(ground, Machine(flows, texts))


async def _built(ground: Ground, machine: Machine) -> Core:
    settings, clock, texts = ground.settings, ground.clock, ground.texts
    database, outside = ground.database, ground.outside
    kept = stores(ground)
    sales = await selling(ground, kept)
    coming, going = money_in(ground, kept), money_out(ground, kept)
    messengers = Messengers()
    giving = rooms(ground, sales.watch.alerts)
    reviewing = review(ground, sales.watch, sales.shelf, sales.circuits, giving.book)
    joined = joining(ground, kept, messengers, sales.watch.alerts, giving.gifts)
    front = gift_front(ground, kept, giving, joined, messengers, sales.watch.alerts)
    books = reconciling(ground, kept, sales, coming, going)
    alerts = sales.watch.alerts
    sites = hotspots(ground, kept, alerts)
    live = talking(ground, sites.book)
    watched = routers(ground, kept, sites, alerts)
    desk = Desk(
        purchases=sales.purchases,
        wallet=Wallet(kept.ledger, kept.orders, kept.intents, going.book, sites.book),
        funding=coming.funding,
        accounts=coming.accounts,
        payouts=going.payouts,
        pins=joined.pins,
        customers=kept.customers,
        sales=Sales(sales.router, sales.watch.sales),
        advice=Advice(kept.plans, clock),
        linking=joined.linking,
        identities=joined.desk,
        links=joined.links,
        gifts=giving.gifts,
        sharing=front.sharing,
        live=live.chats,
        vouchers=sites.vouchers,
        care=VoucherCare(
            sites.book,
            sites.routers,
            watched.by_hand,
            sites.keeper,
            sites.ops,
            kept.customers,
            clock,
        ),
        clock=clock,
    )
    conversations = Conversations(
        machine,
        kept.conversations,
        kept.tenants,
        desk,
        texts,
        clock,
        capability_of,
        Patience(wait_s=settings.turn_wait_s, resume_within_s=settings.resume_within_s),
        announce_latest,
        People(kept.customers, kept.identities, clock, texts.languages),
        WordsAssistant(await open_model(ground.stack)),
        joined.links,
    )
    chat = answering(
        ground,
        kept,
        conversations,
        messengers,
        joined,
        alerts,
        live.chats,
        front.inline,
        sites.logins,
    )
    live_pump = live.pump(ground, kept, messengers, chat.aftermath)
    return Core(
        settings=settings,
        keyring=ground.keyring,
        clock=clock,
        texts=texts,
        database=database,
        channels=kept.channels,
        tenants=kept.tenants,
        customers=kept.customers,
        ledger=kept.ledger,
        orders=kept.orders,
        conversations=conversations,
        messengers=messengers,
        identities=joined.desk,
        channel_desk=channel_desk(ground, kept),
        chat_ingest=chat.ingest,
        chat_pump=chat.pump,
        unlocking=chat.unlocking,
        aftermath=chat.aftermath,
        dead_letters=chat.dead_letters,
        parked=chat.parked,
        leases=RedisLeases(ground.line),
        chat_lag_s=kept.inbox.lag_s,
        live_chats=live.chats,
        live_pump=live_pump,
        operations=operations(ground, live.book, sales, going.desk),
        callbacks=books.callbacks,
        shelf=sales.shelf,
        setup=sales.setup,
        router=sales.router,
        purchases=sales.purchases,
        gifts=giving.gifts,
        gift_rooms=giving.book,
        gift_front=front,
        controls=ProviderControls(
            sales.setup, sales.circuits, PgAttempts(database), kept.backoffice
        ),
        plans=kept.plans,
        tokens=TokenDesk(PgTokens(database), clock, admin_token(settings)),
        credits=Credits(kept.ledger, kept.ledger, kept.tenants),
        backoffice=kept.backoffice,
        order_actions=sales.order_actions,
        cases=CaseDesk(kept.cases),
        alerts=alerts,
        gauges=gauges(kept, sales.watch, sales.circuits, sites),
        standings=sales.watch.standings,
        circuits=sales.circuits,
        reconciliation=books.comparing,
        reconciliations=books.book,
        floats=Floats(kept.ledger, kept.ledger, kept.tenants, sales.shelf, books.book, clock),
        vtu_providers=outside.vtu,
        payment_gateways=outside.payments,
        payout_gateways=outside.payouts,
        payouts=going.desk,
        hotspots=sites,
        router_office=watched.office,
        probes=probes(ground, kept, reviewing),
        pumps=(
            sales.pump,
            chat.notices,
            chat.forgetting,
            sales.watch.pump(ground),
            review_pump(ground, reviewing),
            *books.pumps,
            *coming.pumps,
            going.pump,
            *gift_pumps(ground, kept, giving, sales.purchases, front.sharing, sales.watch.alerts),
            chat.pump,
            live_pump,
            live.rounds(settings),
            *sites.pumps,
            *watched.pumps,
        ),
    )


@functools.cache
def _conversations() -> tuple[Flows, Texts]:
    """Every conversation with its words, none of which strands a customer. Raises `Fault`."""
    flows, texts = all_flows(), Texts.load(TEXTS)
    found = checks.check(flows, texts, tuple(CAPABILITIES.values()), EXAMPLE_LOCALE)
    wrong = [str(finding) for finding in found if finding.severity is Severity.ERROR]
    if wrong:
        raise Fault("conversations are not sound:\n  " + "\n  ".join(wrong))
    return flows, texts
