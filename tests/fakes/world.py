"""Two processes of Callbox on the same stores, the outside world, and customers with handsets."""

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import asyncpg
import httpx
import msgspec
import redis.asyncio as redis
from argon2 import PasswordHasher

from cli.demo import TENANT
from core.app import Core
from core.domain.circuits import CircuitRules
from core.domain.customers import Customer
from core.domain.ledger import AccountKey, AccountType, Transfer
from core.domain.turns import Channel
from core.flows import all_flows
from core.kit import ids
from core.kit.clock import SystemClock
from core.kit.msisdn import Msisdn, local
from core.ports.hotspot import Lane
from core.providers.hotspot.budget import BudgetRules
from core.providers.hotspot.routeros import RouterOsFleet
from core.providers.hotspot.rules import Rules
from core.services.record import Record
from core.settings import Settings
from core.store.conversations import _key
from core.store.embedded import ServiceUrls
from sandbox.app import create_app as create_sandbox
from sandbox.settings import SandboxSettings
from tests.fakes.kiosk_core import Kiosk, kiosk, working
from tests.fakes.outside import Calls, client
from tests.fakes.paths import Paths
from tests.fakes.phone import Phone
from tests.fakes.serving import serve

PIN, NEW_PIN, WRONG_PIN = "6194", "9573", "4027"
"""Nobody types another, so that they can be looked for wherever they must not be."""

MTN_CODE, NOBODYS_CODE = "62130", "99999"

# Cheap on purpose: the real cost is paid where a test chooses its PIN itself.
PIN_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN)
_RECORDS = msgspec.json.Decoder(Record)
_WAIT_S = 8.0


@dataclass
class Turn:
    """One request and what came back. `text` is all that the session had typed by then."""

    session: str
    text: str
    raw: str


@dataclass
class Message:
    """An SMS that arrived between two turns."""

    text: str


class Caller(Phone):
    """A customer with a handset, at one process of Callbox; remembers all that was shown."""

    def __init__(self, world: "World", at: Kiosk, msisdn: str, network_code: str) -> None:
        super().__init__(at.http, msisdn)
        self.world = world
        self.network_code = network_code
        self.log: list[Turn | Message] = []
        self._read: set[int] = set()

    @property
    def number(self) -> str:
        """As screens show it: `08031234567`."""
        return local(Msisdn(self.msisdn))

    def at(self, other: Kiosk) -> "Caller":
        """The same handset in the same session, served by another process."""
        moved = Caller(self.world, other, self.msisdn, self.network_code)
        moved.session, moved.text, moved.open = self.session, self.text, self.open
        moved.screen, moved.log = self.screen, self.log
        return moved

    def body(self) -> bytes:
        fields = {
            "sessionId": self.session,
            "phoneNumber": "+" + self.msisdn,
            "networkCode": self.network_code,
            "serviceCode": self.service_code,
            "text": self.text,
        }
        return urlencode(fields).encode()

    def show(self, raw: str) -> str:
        self.log.append(Turn(self.session, self.text, raw))
        return super().show(raw)

    async def post(self, session: str, text: str) -> str:
        """Send any request of this handset, beside what is shown; answers the raw reply."""
        reply = await self._http.post(
            "/ussd/africastalking/demo",
            content=Phone.body(_Request(self, session, text)),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        assert reply.status_code == 200
        return reply.text

    async def menu(self) -> str:
        """Dial and go to the main menu, past any offer to go on."""
        await self.dial()
        if "2. Main menu" in self.screen:
            await self.enter("2")
        return self.screen

    async def customer(self) -> Customer:
        return await self.world.customer(self.msisdn)

    async def money(self) -> tuple[int, int]:
        """Available and held, in naira."""
        customer = await self.customer()
        balance = await self.world.main.core.ledger.balance(_wallet(customer))
        return balance.available_minor // 100, balance.held_minor // 100

    async def orders(self) -> list[str]:
        """The states of this customer's orders, newest first."""
        customer = await self.customer()
        found = await self.world.main.core.orders.latest(TENANT.id, customer.id, 20)
        return [order.state.value for order in found]

    async def sms(self, *words: str) -> str:
        """Wait for a message, unread yet, that holds all these words; answer its text."""
        ends_at = time.monotonic() + _WAIT_S
        while time.monotonic() < ends_at:
            for place, message in enumerate(await self.world.outside.messages(self.msisdn)):
                text = str(message["text"])
                if place not in self._read and all(word in text for word in words):
                    self._read.add(place)
                    self.log.append(Message(text))
                    return text
            await asyncio.sleep(0.03)
        raise AssertionError(f"no SMS with {words}")


class _Request(Phone):
    """The fields of one request, as a phone would send it."""

    def __init__(self, caller: Caller, session: str, text: str) -> None:
        self.msisdn, self.service_code = caller.msisdn, caller.service_code
        self.session, self.text = session, text


@dataclass
class World:
    """What a test of conversations finds. `twin` answers sooner while an order is under way.

    Attributes:
        secrets: One-time codes that were sent: no record may hold them.
        numbers: Everybody's, in international form.
    """

    main: Kiosk
    twin: Kiosk
    outside: Calls
    paths: Paths
    urls: ServiceUrls
    control: httpx.AsyncClient
    secrets: set[str] = field(default_factory=set)
    numbers: list[str] = field(default_factory=list)
    _count: "itertools.count[int]" = field(default_factory=lambda: itertools.count(10_001))

    def number(self, prefix: str = "234803") -> str:
        """A number that nobody has used yet: an MTN one, unless its prefix says otherwise."""
        made = f"{prefix}{next(self._count):0{13 - len(prefix)}d}"
        self.numbers.append(made)
        return made

    async def caller(
        self,
        naira: int = 0,
        *,
        pin: bool = True,
        prefix: str = "234803",
        network_code: str = MTN_CODE,
        at: Kiosk | None = None,
    ) -> Caller:
        """A new customer with so much in the wallet and, unless told otherwise, the PIN set."""
        caller = Caller(self, at or self.main, self.number(prefix), network_code)
        if naira or pin:
            customer = await caller.customer()
            if naira:
                await self.give(customer, naira)
            if pin:
                core = self.main.core
                await core.customers.set_pin(customer, PIN_HASH, core.clock.now())
        return caller

    async def customer(self, msisdn: str) -> Customer:
        return await self.main.core.customers.at(await self.channel(), msisdn, Msisdn(msisdn))

    async def channel(self) -> Channel:
        found = await self.main.core.channels.find("africastalking", "demo")
        assert found is not None
        return found

    async def give(self, customer: Customer, naira: int) -> None:
        world = AccountKey(TENANT.id, AccountType.WORLD, "", TENANT.currency)
        transfer = Transfer(
            ids.uuid7(), TENANT.id, world, _wallet(customer), naira * 100, "test", ids.uuid7()
        )
        await self.main.core.ledger.post(transfer)

    async def take(self, customer: Customer, naira: int) -> None:
        """It is spent elsewhere."""
        world = AccountKey(TENANT.id, AccountType.WORLD, "", TENANT.currency)
        transfer = Transfer(
            ids.uuid7(), TENANT.id, _wallet(customer), world, naira * 100, "test", ids.uuid7()
        )
        await self.main.core.ledger.post(transfer)

    async def plays(self, scenario: str, recipient: str, **more: object) -> None:
        """Have the provider play that part for orders to this number."""
        await self.outside.play("vtpass", scenario, recipient=local(Msisdn(recipient)), **more)

    async def delivered(self, recipient: str) -> list[str]:
        """What really reached this number, in naira."""
        found = await self.outside.deliveries(local(Msisdn(recipient)))
        return [str(each["amount"]) for each in found]

    # What is kept between two turns.

    async def kept(self, caller: Caller) -> tuple[Record, int]:
        """The stored conversation and its version."""
        store = self.main.core.conversations._store
        stored = await store.load((await self.channel()).id, caller.msisdn)
        assert stored is not None
        return _RECORDS.decode(stored.record), stored.version

    async def keep(self, caller: Caller, record: bytes | Record, version: int) -> None:
        """Put something else in its place, as an older release may have left it."""
        written = record if isinstance(record, bytes) else msgspec.json.encode(record)
        store = self.main.core.conversations._store
        channel = await self.channel()
        assert await store.save(
            channel.id, caller.msisdn, written, version_before=version, ttl_s=600
        )

    async def forget(self, caller: Caller) -> None:
        """The store has lost this conversation."""
        key = _key(self.main.core.keyring, (await self.channel()).id, caller.msisdn)
        async with redis.Redis.from_url(self.urls.redis_url) as store:
            assert await store.delete(key) == 1

    async def time_passes(self, caller: Caller, seconds: float) -> None:
        """The customer's last turn was so long ago."""
        record, version = await self.kept(caller)
        record.touched_at -= seconds
        record.acting_at -= seconds if record.acting_at else 0.0
        await self.keep(caller, record, version)

    async def code_of(self, text: str) -> str:
        """The one-time code in an SMS, looked for everywhere from now on."""
        found = re.search(r"\b[0-9]{6}\b", text)
        assert found is not None
        self.secrets.add(found.group())
        return found.group()


@contextlib.asynccontextmanager
async def open_world(urls: ServiceUrls, home: Path) -> AsyncIterator[World]:
    sandbox = SandboxSettings(duplicate_window_s=0.0, webhook_backoff_s=(0.1, 0.5), tick_s=0.05)
    paths = Paths(all_flows())
    async with contextlib.AsyncExitStack() as stack:
        sandbox_url = await stack.enter_async_context(serve(create_sandbox(sandbox)))
        control = await stack.enter_async_context(client(sandbox_url))
        [router] = (await control.get("/control/routers/")).json()
        settings = _settings(home, sandbox_url, router["port"])
        main = await stack.enter_async_context(kiosk(settings, urls, paths))
        hasty = settings.model_copy(update={"turn_wait_s": 0.3})
        twin = await stack.enter_async_context(kiosk(hasty, urls, paths))
        for each in (main, twin):
            _unhurried(each.core)
        await stack.enter_async_context(working(main.core))
        sandbox.paystack_webhook_url = f"{main.url}/callbacks/paystack/demo"
        sandbox.flutterwave_webhook_url = f"{main.url}/callbacks/flutterwave/demo"
        sandbox.monnify_webhook_url = f"{main.url}/callbacks/monnify/demo"
        sandbox.stripe_webhook_url = f"{main.url}/callbacks/stripe/demo"
        sandbox.vtpass_webhook_url = f"{main.url}/callbacks/vtpass/demo"
        sandbox.whatsapp_webhook_url = f"{main.url}/whatsapp/demo"
        webhook = {"url": f"{main.url}/telegram/demo", "secret_token": "SIM-telegram-secret"}
        set_webhook = f"/telegram/bot{sandbox.telegram_token}/setWebhook"
        (await control.post(set_webhook, json=webhook)).raise_for_status()
        yield World(main, twin, Calls(control, SystemClock()), paths, urls, control)


def _unhurried(core: Core) -> None:
    """One router for all tests: it is asked as often as they like, and never left alone long."""
    rules = Rules(
        budget=BudgetRules(ceilings=dict.fromkeys(Lane, 100_000)),
        circuit=CircuitRules(failures_to_open=5, open_s=0.2, successes_to_close=1),
    )
    for fleet in (core.hotspots.fleet, core.conversations._desk.care._fleet):
        assert isinstance(fleet, RouterOsFleet)
        fleet._rules = rules


def _settings(home: Path, sandbox_url: str, router_port: int) -> Settings:
    """The demo's, but for the waits: nothing here takes minutes."""
    return Settings(
        home=home,
        sandbox_port=httpx.URL(sandbox_url).port or 0,
        sandbox_router_port=router_port,
        router_watch_every_s=5.0,
        turn_wait_s=5.0,  # less than an effect may take at all
        turn_deadline_s=15.0,
        airtime_day_limit_minor=20_000_00,
        requery_after_s=(0.3, 0.5, 1.0),
        fund_checks_after_s=(2.0, 60.0),
        health_review_every_s=3600.0,  # a test pauses and resumes sales itself
        circuit_failures=1000,  # one provider for all tests: what one breaks, the next needs
        channel_limits=False,  # nobody waits a second for each screen
        attempts_max=1,  # what that provider does to an order is what becomes of it
    )


def _wallet(customer: Customer) -> AccountKey:
    return AccountKey(TENANT.id, AccountType.WALLET, str(customer.id), TENANT.currency)


async def texts_in(connection: asyncpg.Connection) -> AsyncIterator[tuple[str, str]]:
    """Every value of every column that can hold words, as (table.column, value)."""
    columns = await connection.fetch(
        "select table_name, column_name from information_schema.columns"
        " where table_schema = 'public' and data_type in"
        " ('text', 'character varying', 'json', 'jsonb', 'bytea', 'ARRAY')"
    )
    for table, column in columns:
        query = f'select distinct "{column}"::text as value from "{table}"'
        for row in await connection.fetch(query):
            if row["value"] is not None:
                yield f"{table}.{column}", row["value"]
