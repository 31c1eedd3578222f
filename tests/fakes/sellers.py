"""A shop whose providers answer as they are told, over a real store."""

import datetime as dt
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from core.domain.circuits import CircuitRules
from core.domain.customers import Customer
from core.domain.orders import OrderState
from core.domain.providers import ConfigKey
from core.domain.requery import Policy
from core.domain.routing import RoutingRules
from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit import ids
from core.kit.bell import Bell
from core.kit.crypto import Keyring
from core.kit.money import Money
from core.ports import Standing, VtuProvider
from core.services.outcomes import Outcomes
from core.services.purchases import Airtime, Purchase, Purchases, Terms
from core.services.routing import Router
from core.services.shelf import Offer, Shelf
from core.services.vending import Vending
from core.store.circuits import RedisCircuits
from core.store.plans import PgPlans
from core.store.redis_line import open_line
from tests.fakes.books import Books

DELIVERED = Outcome(Result.DELIVERED, reason="ok")
ACCEPTED = Outcome(Result.ACCEPTED, reason="pending")
FAILED = Outcome(Result.FAILED, reason="failed")
REVERSED = Outcome(Result.REVERSED, reason="reversed")
OURS = Outcome(Result.REFUSED, reason="low_float", blame=Blame.OURS)
THEIRS = Outcome(Result.REFUSED, reason="bad_number", blame=Blame.ORDER)
UNSENT = Outcome(Result.REFUSED, reason="not_sent", blame=Blame.OURS, never_sent=True)
UNKNOWN = Outcome(Result.UNKNOWN, reason="timeout")
NOT_FOUND = Outcome(Result.NOT_FOUND, reason="none")

_TERMS = Terms(
    amount_min_minor=1,
    amount_max_minor=10**9,
    fee_minor=0,
    day_limit_minor=None,
    in_doubt_deadline_s=86_400.0,
)


def capable(*, failover_target: bool = True, requery: bool = True) -> Capabilities:
    return Capabilities(
        products=frozenset(Product),
        requery_by_reference=requery,
        enforces_unique=True,
        processing_max_s=60.0,
        failover_target=failover_target and requery,
    )


@dataclass
class Seller:
    """A provider that gives `answers` in turn to vends, the last one over and over.

    What it says when it is asked again is `requeried`, in the same way. It keeps the references of
    all vends, of requeries, and of what it really delivered; `delivers` has it deliver whatever it
    answers.
    """

    name: str
    answers: Sequence[Outcome] = (DELIVERED,)
    requeried: Sequence[Outcome] = (NOT_FOUND,)
    capabilities: Capabilities = field(default_factory=capable)
    delivers: bool = False
    stale: bool = False
    timeout_s: float = 30.0
    vends: list[Vend] = field(default_factory=list)
    requeries: list[Vend] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        return f"{self.name}{attempt_id.hex}"

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        stale, self.stale = self.stale, False
        return not stale

    async def vend(self, vend: Vend) -> Outcome:
        self.vends.append(vend)
        answer = self.answers[min(len(self.vends), len(self.answers)) - 1]
        if self.delivers or answer.result is Result.DELIVERED:
            self.delivered.append(vend.reference)
        return answer

    async def requery(self, vend: Vend) -> Outcome:
        self.requeries.append(vend)
        return self.requeried[min(len(self.requeries), len(self.requeried)) - 1]

    async def float_balance(self) -> Money:
        return Money(10**9, "NGN")

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        return ()

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "text/plain", ""


@dataclass
class Told:
    """Standings as a test sets them."""

    standings: list[Standing] = field(default_factory=list)
    paused_products: set[tuple[UUID, Product]] = field(default_factory=set)

    async def all(self) -> Sequence[Standing]:
        return self.standings

    async def paused(self) -> Collection[tuple[UUID, Product]]:
        return self.paused_products


@dataclass(frozen=True)
class Shop:
    """One tenant that buys airtime of these sellers, the first of them first."""

    books: Books
    sellers: Mapping[str, Seller]
    circuits: RedisCircuits
    standings: Told
    router: Router
    purchases: Purchases
    vending: Vending

    async def customer(self, number: int = 1) -> Customer:
        return await self.books.customer(number, funds=1_000_000)

    async def buy(self, customer: Customer, key: str | None = None) -> Purchase:
        return await self.purchases.buy(
            Airtime("mtn", customer.msisdn, Money(100, "NGN"), Money(0, "NGN")),
            key=key or ids.uuid7().hex,
            tenant=self.books.tenant,
            customer=customer,
            channel_id=self.books.channel.id,
            identity=customer.msisdn,
            until=time.monotonic(),
        )

    async def work(self) -> list[OrderState]:
        """See through what is due, and what comes due by that; answers the states on the way."""
        states: list[OrderState] = []
        while due := await self.books.orders.claim(100, 120):
            states += [await self.vending.see_through(one) for one in due]
        return states

    async def bought(self, number: int = 1) -> OrderState:
        """Buy, work off all that is due, and answer where the order stands."""
        await self.buy(await self.customer(number))
        return (await self.work())[-1]

    async def later(self, seconds: float) -> list[OrderState]:
        self.books.clock.advance(seconds)
        return await self.work()

    @property
    def asked(self) -> Counter[str]:
        """How many vends each seller got."""
        return Counter({name: len(one.vends) for name, one in self.sellers.items() if one.vends})

    @property
    def deliveries(self) -> int:
        return sum(len(one.delivered) for one in self.sellers.values())


@asynccontextmanager
async def open_shop(
    books: Books,
    redis_url: str,
    *sellers: Seller,
    retry_attempts: int = 0,
    circuit: CircuitRules | None = None,
    rules: RoutingRules | None = None,
) -> AsyncIterator[Shop]:
    shelf = Shelf({})
    shelf.restock(
        {
            ConfigKey(books.tenant.id, Product.AIRTIME, one.name): Offer(
                cast("VtuProvider", one), "v1", place, retry_attempts=retry_attempts
            )
            for place, one in enumerate(sellers)
        }
    )
    async with open_line(redis_url) as line:
        told, bell, outcomes = Told(), Bell(), Outcomes(books.orders)
        circuits = RedisCircuits(line, circuit or CircuitRules(), books.clock)
        plans = PgPlans(books.database)
        router = Router(shelf, circuits, told, plans, rules or RoutingRules(), books.clock)
        vending = Vending(
            books.orders,
            outcomes,
            shelf,
            router,
            circuits,
            Keyring("a test"),
            books.clock,
            Policy(),
            bell,
        )
        purchases = Purchases(books.orders, outcomes, router, _TERMS, books.clock, bell)
        named = {one.name: one for one in sellers}
        yield Shop(books, named, circuits, told, router, purchases, vending)
