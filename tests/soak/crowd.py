"""Customers who buy and buy, on handsets whose gateway repeats itself."""

import asyncio
import contextlib
import random
from collections import Counter
from dataclasses import dataclass, field

import httpx

from tests.e2e.customer import PIN, Customer, Interrupted
from tests.soak.world import SoakWorld

SELLERS = ("vtpass", "clubkonnect", "baxi", "reloadly", "flutterwave_bills", "buypower")
FUNDS_NAIRA = 400_000
# So that the floats of the sellers, a million each, last for some 40,000 orders.
_AMOUNTS_NAIRA = (50, 100)
_REPEATED = 0.05
_TWICE_AT_ONCE = 0.03
_OTHER_PART = 0.02
# What the edge says when a turn failed, and when it took too long.
_APOLOGIES = ("Help code", "This takes longer than usual")

# What providers play, and how often. Seconds are of the scaled-down patience of the soak.
_PARTS = (
    *(("ok", 0.0),) * 8,
    ("ok_slow", 0.5),
    ("accepted_then_ok", 2.0),
    ("accepted_then_fail", 2.0),
    ("refused", 0.0),
    ("refused_html_503", 0.0),
    ("delivered_but_reply_lost", 0.0),
    ("reply_500_no_order", 0.0),
    ("reply_500_with_order", 0.0),
    ("garbage_json", 0.0),
)


@dataclass
class Crowd:
    """Everybody who buys, and what they saw."""

    world: SoakWorld
    chance: random.Random
    seen: Counter[str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)
    killed: int = 0
    customers: list[Customer] = field(default_factory=list)

    async def gather(self, count: int) -> None:
        """Bring customers with money in their wallets and PINs of their own."""
        self.customers = [Customer(self.world) for _ in range(count)]  # type: ignore[arg-type]  # has what a customer needs of a world
        room = asyncio.Semaphore(16)

        async def join(customer: Customer) -> None:
            async with room:
                await customer.fund(FUNDS_NAIRA)
                await customer.buy(50)

        await asyncio.gather(*(join(customer) for customer in self.customers))

    async def buy_until(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            for customer in self.customers:
                group.create_task(self._buys(customer, stop))

    async def _buys(self, customer: Customer, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if self.chance.random() < _OTHER_PART:
                await self._plays(customer)
            try:
                await self._buy_once(customer)
                self.seen["bought"] += 1
            except httpx.TransportError:
                self.seen["line went dead"] += 1
                await asyncio.sleep(self.chance.uniform(0.1, 1.0))
            except Interrupted:
                self.seen["another screen"] += 1
                await asyncio.sleep(self.chance.uniform(0.05, 0.3))

    async def _plays(self, customer: Customer) -> None:
        name, seconds = self.chance.choice(_PARTS)
        with contextlib.suppress(httpx.TransportError):
            provider = self.chance.choice(SELLERS)
            await self.world.scenario(provider, name, customer.msisdn, seconds)

    async def _buy_once(self, customer: Customer) -> None:
        await customer.phone.dial(f"1*{self.chance.randint(*_AMOUNTS_NAIRA)}")
        self._expect(customer, "You pay")
        await self._enter(customer, "1")
        self._expect(customer, "PIN")
        await self._enter(customer, PIN)

    async def _enter(self, customer: Customer, answer: str) -> None:
        """Type it; now and then the gateway sends it again, or twice at once."""
        phone, dice, killed = customer.phone, self.chance.random(), self.killed
        if dice < _TWICE_AT_ONCE:
            phone.text = f"{phone.text}*{answer}"
            first, second = await asyncio.gather(phone.send(), phone.send())
            self.seen["sent twice at once"] += 1
            self._same(first, second, killed)
        elif dice < _TWICE_AT_ONCE + _REPEATED:
            first = await phone.enter(answer)
            second = await phone.send()
            self.seen["repeated"] += 1
            self._same(first, second, killed)
        else:
            await phone.enter(answer)

    def _same(self, first: str, second: str, killed: int) -> None:
        """A repeated turn is answered as before, unless a kill took what was stored.

        An apology is not stored: who repeats themself gets the answer once there is one.
        """
        sorry = any(apology in first + second for apology in _APOLOGIES)
        if first != second and killed == self.killed and not sorry:
            self.seen["repeats answered otherwise"] += 1
            self.strange.append(f"{first!r} then {second!r}")

    def _expect(self, customer: Customer, words: str) -> None:
        if words not in customer.phone.screen or not customer.phone.open:
            raise Interrupted(customer.phone.screen)
