"""Many customers at once, with a provider that takes its time: does anybody see another's screen?

Every customer has amounts and numbers that nobody else has, so whatever a screen or a message
shows can be told to be somebody's.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from cli.attached import attached_core
from cli.demo import TENANT
from core.kit.msisdn import Msisdn, local
from core.settings import Settings
from tests.bench.figures import Figure, Report, at_least, at_most, percentile
from tests.bench.programs import everything
from tests.bench.wallets import channel_of, funded
from tests.fakes.phone import Phone

CUSTOMERS = 60
PROVIDER_TAKES_S = 1.5

_PIN = "2583"
_TOLD_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.2
# Number and amount on the review, number and amount in the result or its message.
_OWN_FACTS_EACH = 4
_FACTS = re.compile(r"\b0\d{10}\b|(?<![A-Za-z])N\d[\d,]*\d")


@dataclass
class Person:
    """One customer: what is theirs alone, and what they were shown."""

    index: int
    phone: Phone
    shown: list[str] = field(default_factory=list)
    times_s: list[float] = field(default_factory=list)

    @property
    def msisdn(self) -> Msisdn:
        return _msisdn(self.index)

    @property
    def recipient(self) -> Msisdn:
        return Msisdn(f"2348062{self.index:06d}")

    @property
    def amount(self) -> int:
        """What is bought, in whole naira."""
        return 501 + self.index

    @property
    def own(self) -> frozenset[str]:
        """All that a screen may say of this customer."""
        funds = _funds(self.index)
        money = (funds, self.amount, funds - self.amount)
        numbers = (local(self.msisdn), local(self.recipient))
        return frozenset([*numbers, *(f"N{naira:,}" for naira in money)])

    @property
    def facts_shown(self) -> list[str]:
        return [fact for text in self.shown for fact in _FACTS.findall(text)]

    async def dial(self) -> None:
        await self._timed(self.phone.dial())

    async def enter(self, *answers: str) -> None:
        for answer in answers:
            await self._timed(self.phone.enter(answer))

    async def _timed(self, turn: Awaitable[str]) -> None:
        begun = time.perf_counter()
        self.shown.append(await turn)
        self.times_s.append(time.perf_counter() - begun)


async def measure(home: Path) -> Report:
    async with everything(home) as program:
        await _fund(home)
        limits = httpx.Limits(max_connections=CUSTOMERS)
        async with (
            httpx.AsyncClient(base_url=_at(program.port), timeout=30, limits=limits) as http,
            httpx.AsyncClient(base_url=_at(program.sandbox_port), timeout=30) as control,
        ):
            slow = {"provider": "vtpass", "scenario": "ok_slow", "seconds": PROVIDER_TAKES_S}
            (await control.post("/control/scenarios", json=slow)).raise_for_status()
            people = [Person(index, Phone(http, _msisdn(index))) for index in range(CUSTOMERS)]
            await asyncio.gather(*(_buy(person) for person in people))
            await _read_messages(control, people)
            await asyncio.gather(*(_look(person) for person in people))
            right = [await _delivered_right(control, person) for person in people]
    return _report(people, sum(right))


async def _buy(person: Person) -> None:
    """Airtime for somebody else, with a PIN chosen on the way."""
    await person.dial()
    await person.enter("1", "2", local(person.recipient), str(person.amount), "1", _PIN, _PIN)


async def _look(person: Person) -> None:
    """What is left in the wallet."""
    await person.dial()
    await person.enter("2", "1")


async def _read_messages(control: httpx.AsyncClient, people: Sequence[Person]) -> None:
    """Everybody is told by SMS what became of it; these are shown texts, too."""
    async with asyncio.timeout(_TOLD_WITHIN_S):
        for person in people:
            person.shown.extend(await _messages_to(control, person))


async def _messages_to(control: httpx.AsyncClient, person: Person) -> list[str]:
    while True:
        if sent := await _listed(control, "/control/sms", to=person.msisdn):
            return [message["text"] for message in sent]
        await asyncio.sleep(_LOOK_EVERY_S)


async def _delivered_right(control: httpx.AsyncClient, person: Person) -> bool:
    """One delivery to this customer's number, of this customer's amount."""
    found = await _listed(control, "/control/deliveries", recipient=person.recipient)
    return [float(each["amount"]) for each in found] == [person.amount]


async def _listed(control: httpx.AsyncClient, path: str, **query: str) -> list[dict[str, Any]]:
    reply = await control.get(path, params=query)
    listed: list[dict[str, Any]] = reply.raise_for_status().json()
    return listed


async def _fund(home: Path) -> None:
    async with attached_core(Settings(home=home)) as core:
        channel = await channel_of(core)
        await asyncio.gather(
            *(
                funded(core, TENANT, channel, _msisdn(index), _funds(index) * 100)
                for index in range(CUSTOMERS)
            )
        )


def _at(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _msisdn(index: int) -> Msisdn:
    return Msisdn(f"2348031{index:06d}")


def _funds(index: int) -> int:
    """What a customer begins with, in whole naira."""
    return 10_000 + 100 * index


def _report(people: Sequence[Person], right: int) -> Report:
    everybodys = [fact for person in people for fact in person.own]
    assert len(everybodys) == len(set(everybodys)), "two customers share a fact"
    known = frozenset(everybodys)
    others = [
        fact for person in people for fact in person.facts_shown if fact in known - person.own
    ]
    own = [fact for person in people for fact in person.facts_shown if fact in person.own]
    times_s = sorted(took for person in people for took in person.times_s)
    return Report(
        f"{CUSTOMERS} customers at once, with a provider that takes {PROVIDER_TAKES_S:g} s",
        (
            Figure("screens and messages", sum(len(person.shown) for person in people)),
            Figure("facts in them: one's own", len(own), "", at_least(_OWN_FACTS_EACH * CUSTOMERS)),
            Figure("facts in them: somebody else's", len(others), "", at_most(0)),
            Figure("deliveries of the right amount", right, "", at_least(CUSTOMERS)),
            Figure("any turn, p50", percentile(times_s, 0.5) * 1000, "ms"),
            Figure("any turn, the slowest", times_s[-1] * 1000, "ms"),
        ),
        ("The slowest turns are those that wait for the provider, or for a PIN to be hashed.",),
    )
