"""A chat without any network: a messenger that keeps what it shows, and people who write."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import redis.asyncio as redis
from argon2 import PasswordHasher

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.chat import Address, ChatMessage, Delivery, Doing, Sent, Telling
from core.domain.customers import Customer
from core.domain.display import Screen
from core.domain.ledger import AccountKey, AccountType, Transfer
from core.domain.turns import Advance, Channel, Inbound, Progress, Unlock
from core.domain.vending import Capabilities, Outcome, Product, Result, Vend
from core.kit import ids
from core.kit.clock import SetClock
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import Sms, SmsResult
from core.ports.chat import Moment
from core.settings import Settings
from core.store.embedded import ServiceUrls

SECRET = "a key for tests and nothing else"
PIN = "6194"
PIN_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PIN)
_ROUNDS_MAX = 40


@dataclass
class Shown:
    """One screen as it reached a person, and what it answered."""

    identity: str
    screen: Screen
    moment: Moment
    message_id: str


class Notebook:
    """A `Messenger` that keeps what it is given.

    `answers` are given to what is shown first, `answers_told` to what is told; then all is sent.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.shown: list[Shown] = []
        self.told: list[tuple[str, str]] = []
        self.tellings: list[tuple[Telling, bool]] = []  # what was told, and whether by template
        self.unsaid: list[str] = []
        self.can_unsay = True
        self.answers: list[Delivery] = []
        self.answers_told: list[Delivery] = []
        self._ids = itertools.count(1)

    async def received(self, channel: Channel, message: ChatMessage) -> None:
        return

    async def show(self, to: Address, screen: Screen, moment: Moment) -> Delivery:
        await asyncio.sleep(0)
        if self.answers:
            return self.answers.pop(0)
        message_id = str(next(self._ids))
        self.shown.append(Shown(to.identity, screen, moment, message_id))
        return Sent(message_id)

    async def tell(self, to: Address, telling: Telling, *, template: bool = False) -> Delivery:
        if self.answers_told:
            return self.answers_told.pop(0)
        self.told.append((to.identity, telling.text))
        self.tellings.append((telling, template))
        return Sent(str(next(self._ids)))

    async def unsay(self, channel: Channel, message: ChatMessage) -> bool:
        self.unsaid.append(message.external_id)
        return self.can_unsay

    async def aclose(self) -> None:
        return

    def bodies(self, identity: str) -> list[str]:
        return [each.screen.body for each in self.shown if each.identity == identity]


class Seller:
    """A VTU provider in memory that counts what it delivered."""

    name = "vtpass"
    capabilities = Capabilities(
        products=frozenset({Product.AIRTIME}), requery_by_reference=True, enforces_unique=True
    )
    timeout_s = 30.0

    def __init__(self) -> None:
        self.delivered: dict[str, Vend] = {}

    def new_reference(self, attempt_id: object, at: object) -> str:
        return str(attempt_id)

    def may_send(self, reference: str, at: object) -> bool:
        return True

    async def vend(self, vend: Vend) -> Outcome:
        self.delivered.setdefault(vend.reference, vend)
        return Outcome(Result.DELIVERED, reason="000", provider_reference=vend.reference)

    async def requery(self, vend: Vend) -> Outcome:
        if vend.reference not in self.delivered:
            return Outcome(Result.NOT_FOUND, reason="015")
        return Outcome(Result.DELIVERED, reason="000", provider_reference=vend.reference)

    async def float_balance(self) -> Money:
        return Money(10**12, "NGN")

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        return ()

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "text/plain", ""

    async def aclose(self) -> None:
        return


class Letters:
    """An SMS sender that keeps what it sends. `answers` are given first, and nothing is sent."""

    name = "letters"

    def __init__(self) -> None:
        self.sent: list[Sms] = []
        self.answers: list[SmsResult] = []

    async def send(self, sms: Sms) -> SmsResult:
        if self.answers:
            return self.answers.pop(0)
        self.sent.append(sms)
        return SmsResult.ACCEPTED


@dataclass(frozen=True, slots=True)
class UnlockCursor:
    """A secret as its page hands it in."""

    unlock: Unlock

    def advance(self, mark: str | None) -> Advance:
        return Advance(Progress.NEW, (self.unlock,), mark or "")


@dataclass
class House:
    """Processes of Callbox over the same stores, and what reaches people. `cores` may be killed."""

    clock: SetClock
    notebook: Notebook
    seller: Seller
    letters: Letters
    cores: list[Core] = field(default_factory=list)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @property
    def core(self) -> Core:
        return self.cores[0]

    async def channel(self) -> Channel:
        found = await self.core.channels.find(self.notebook.kind, "demo")
        assert found is not None
        return found

    async def person(self, msisdn: str, naira: int = 0) -> "Person":
        """A customer who is linked, with a PIN and so much in the wallet."""
        identity = f"id-{ids.uuid7()}"
        customer = await self.core.customers.at(await self.channel(), identity, Msisdn(msisdn))
        await self.core.customers.set_pin(customer, PIN_HASH, self.clock.now())
        if naira:
            await self.give(customer, naira)
        return Person(self, identity, customer)

    async def give(self, customer: Customer, naira: int) -> None:
        world = AccountKey(demo.TENANT.id, AccountType.WORLD, "", "NGN")
        wallet = AccountKey(demo.TENANT.id, AccountType.WALLET, str(customer.id), "NGN")
        await self.core.ledger.post(
            Transfer(ids.uuid7(), demo.TENANT.id, world, wallet, naira * 100, "test", ids.uuid7())
        )

    async def work(self, core: Core | None = None) -> None:
        """Have everything done that is due now: talks, then orders and notices."""
        core = core or self.core
        for _ in range(_ROUNDS_MAX):
            busy = False
            for pump in core.pumps:
                if pump.name not in ("chat", "orders", "notices", "answers"):
                    continue
                items = await pump.lease(64)
                busy = busy or bool(items)
                await asyncio.gather(*(pump.handle(item) for item in items))
            if not busy:
                return
        raise AssertionError("there is no end of work")

    def message_id(self) -> str:
        return f"u{next(self._ids)}"


@dataclass
class Person:
    """Somebody who writes."""

    house: House
    identity: str
    customer: Customer
    name: str = "Ada Obi"

    def message(self, doing: Doing, text: str = "", **more: object) -> ChatMessage:
        made = ChatMessage(self.house.message_id(), self.identity, doing, text=text, name=self.name)
        return replace(made, **more)  # type: ignore[arg-type]

    async def sends(self, *messages: ChatMessage) -> None:
        await self.house.core.chat_ingest.take(await self.house.channel(), messages)

    async def says(self, text: str) -> str:
        await self.sends(self.message(Doing.TEXT, text))
        await self.house.work()
        return self.screen.body

    async def presses(self, key: str, on: Screen | None = None) -> str:
        screen = on or self.screen
        press = self.message(Doing.PRESS, key=key, turn=screen.turn, talk=screen.talk)
        await self.sends(press)
        await self.house.work()
        return self.screen.body

    async def starts(self, payload: str = "") -> str:
        await self.sends(self.message(Doing.START, payload))
        await self.house.work()
        return self.screen.body

    async def unlocks(self, digits: str = PIN, on: Screen | None = None) -> str:
        """Through the page: the turn runs at once, and the chat is nudged."""
        screen = on or self.screen
        channel = await self.house.channel()
        cursor = UnlockCursor(Unlock(digits, screen.turn, screen.talk))
        now = self.house.clock.now()
        await self.house.core.conversations.take(
            Inbound(channel, self.identity, "", cursor, now, name=self.name)
        )
        await self.nudged()
        return self.screen.body

    async def nudged(self) -> None:
        """Nobody wrote, and the person is shown where they are."""
        channel = await self.house.channel()
        to = Address(channel.tenant_id, channel, self.identity)
        await self.house.core.chat_ingest.nudge(to, self.house.message_id())
        await self.house.work()

    @property
    def screens(self) -> list[str]:
        return self.house.notebook.bodies(self.identity)

    @property
    def screen(self) -> Screen:
        mine = [each for each in self.house.notebook.shown if each.identity == self.identity]
        return mine[-1].screen

    async def money(self) -> tuple[int, int]:
        wallet = AccountKey(
            demo.TENANT.id, AccountType.WALLET, str(self.customer.id), demo.TENANT.currency
        )
        balance = await self.house.core.ledger.balance(wallet)
        return balance.available_minor // 100, balance.held_minor // 100


@contextlib.asynccontextmanager
async def open_house(
    urls: ServiceUrls, home: Path, clock: SetClock, kind: str = "telegram", processes: int = 1
) -> AsyncIterator[House]:
    """So many processes, none of which works by itself: `House.work` does.

    Databases are made for each test and Redis is not: what others counted there is forgotten.
    """
    async with redis.from_url(urls.redis_url) as client:
        await client.flushdb()
    house = House(clock, Notebook(kind), Seller(), Letters())
    settings = Settings(
        home=home,
        turn_wait_s=0.0,
        requery_after_s=(1.0,),
        channel_limits=False,
        database_connections=4,
    )
    outside = Outside({"vtpass": house.seller}, {}, house.letters)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(processes):
            core = await stack.enter_async_context(build(settings, urls, SECRET, outside, clock))
            core.messengers.bring([house.notebook])
            house.cores.append(core)
        await demo.seed(house.core)
        yield house
