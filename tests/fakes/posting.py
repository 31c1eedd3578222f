"""Two processes of Callbox under one roof, and the channels that post to both of them at once.

As Telegram and Meta do on a bad day: what is not acknowledged is posted again, what is acknowledged
now and then too, to whichever process answers; and either process may be killed at any step.
"""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette

from bots import EDGES
from bots.app import routes
from core.app import Core
from core.domain.customers import Customer
from core.domain.turns import Channel
from core.kit import crash
from core.kit.msisdn import Msisdn
from tests.fakes import graph
from tests.fakes.chat import PIN, PIN_HASH, House, Person
from tests.fakes.promises import Died

LEASE_S = 51.0
"""Past the lease of a talk, of an order and of an act that was begun."""

_OK = 200
_ROUNDS_MAX = 30
_ROUNDS_TO_SETTLE = 3
_numbers = itertools.count(1)
_process: ContextVar[int] = ContextVar("process")
Answer = TypeVar("Answer")


class Writing(Protocol):
    """How one channel writes down what one person says, and proves that it is the channel."""

    def posts(self, texts: Sequence[str]) -> list[bytes]:
        """Each body is posted by itself. In the order in which the channel may post them."""
        ...

    def headers(self, channel: Channel, body: bytes) -> dict[str, str]: ...


@dataclass
class ByTelegram:
    """One update a post; those of one chat are posted in order, each once the last was taken."""

    identity: str

    def posts(self, texts: Sequence[str]) -> list[bytes]:
        ada = {"id": int(self.identity), "is_bot": False, "first_name": "Ada"}
        chat = {"id": int(self.identity), "type": "private"}
        return [
            json.dumps(
                {
                    "update_id": next(_numbers),
                    "message": {"message_id": next(_numbers), "date": 1, "chat": chat, "from": ada}
                    | {"text": text},
                }
            ).encode()
            for text in texts
        ]

    def headers(self, channel: Channel, body: bytes) -> dict[str, str]:
        del body
        return {"X-Telegram-Bot-Api-Secret-Token": channel.credentials["webhook_secret"]}


@dataclass
class ByWhatsApp:
    """In any order, several to a post, with statuses beside them; only the times tell the order."""

    identity: str
    msisdn: str
    weather: random.Random
    said_at: int = 1_795_600_000

    def posts(self, texts: Sequence[str]) -> list[bytes]:
        messages = [self._message(text) for text in texts]
        self.weather.shuffle(messages)
        cut = len(messages) // 2
        batches = [messages[:cut], messages[cut:]] if cut else [messages]
        return [json.dumps(graph.payload(self._value(each))).encode() for each in batches]

    def _message(self, text: str) -> dict[str, Any]:
        self.said_at += 1
        who = {"from": self.msisdn, "from_user_id": self.identity}
        more = {**who, "timestamp": str(self.said_at)}
        return graph.says(text, f"wamid.{next(_numbers)}", **more)

    def _value(self, messages: Sequence[object]) -> dict[str, Any]:
        contact = graph.contact(self.identity, self.msisdn)
        read = graph.status("read", "wamid.nobody")
        return graph.value(*messages, contacts=[contact], statuses=[read])

    def headers(self, channel: Channel, body: bytes) -> dict[str, str]:
        return graph.signature(body, channel.credentials["app_secret"])


@dataclass
class Killer:
    """Counts the steps of both processes, and kills whoever takes a fatal one, in its tracks.

    Attributes:
        fatal: Whether so many a passing of a step is the last of whoever takes it.
    """

    fatal: Callable[[str, int], bool] = lambda *_: False
    steps: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    dead: set[int] = field(default_factory=set)

    def __call__(self, name: str) -> None:
        process = _process.get()
        if process in self.dead:
            raise Died(name)  # the dead do nothing more
        self.steps.append(name)
        if self.fatal(name, self.steps.count(name)):
            self.dead.add(process)
            self.deaths.append(name)
            raise Died(name)


@dataclass
class Pair:
    """The two processes, each with its own door for what is posted."""

    house: House
    doors: Sequence[httpx.AsyncClient]
    killer: Killer = field(default_factory=Killer)

    async def each(self, do: Callable[[int], Coroutine[Any, Any, Answer]]) -> list[Answer | None]:
        """Both at once; None of whoever dies of it. Then the dead stand up again."""

        async def alive(process: int) -> Answer | None:
            _process.set(process)
            try:
                return await do(process)
            except Died:
                return None

        with crash.watched(self.killer):
            answers = await asyncio.gather(*(alive(each) for each in range(len(self.doors))))
        self.killer.dead.clear()
        return answers

    async def delivered(self, writing: Writing, bodies: Sequence[bytes]) -> None:
        """Every body to both at once, until one of them takes it; and once more all of them."""
        channel = await self.house.channel()

        async def post(process: int, body: bytes) -> bool:
            headers = writing.headers(channel, body)
            reply = await self.doors[process].post(
                f"/{channel.kind}/{channel.key}", content=body, headers=headers
            )
            return reply.status_code == _OK

        for body in (*bodies, *bodies):
            for _ in range(_ROUNDS_MAX):
                if any(await self.each(lambda process, body=body: post(process, body))):  # type: ignore[misc]
                    break
            else:
                raise AssertionError("nobody takes it")

    async def works(self) -> None:
        """Both do what is due, at once, until nothing is; what the dead held is taken up later."""
        for _ in range(_ROUNDS_MAX):
            steps = len(self.killer.steps)
            died = None in await self.each(self._work)
            if not died and len(self.killer.steps) == steps:
                return
            self.house.clock.advance(LEASE_S if died else 2)
        raise AssertionError("there is no end of work")

    async def settles(self) -> None:
        """A while passes, in which everybody who is asked what became of an order is asked."""
        for _ in range(_ROUNDS_TO_SETTLE):
            self.house.clock.advance(LEASE_S)
            await self.works()

    async def _work(self, process: int) -> bool:
        core: Core = self.house.cores[process]
        for pump in core.pumps:
            if pump.name not in ("chat", "orders", "notices", "answers"):
                continue
            for item in await pump.lease(64):
                await pump.handle(item)
        return True

    async def gives_pin(self, person: Person) -> None:
        """On the page, twice at once. Who is asked in the chat again gives it again."""
        for _ in range(_ROUNDS_MAX):
            if not person.screen.out_of_sight:
                return
            token = self._link(person)
            await self.each(lambda process, token=token: self._give(process, token))  # type: ignore[misc]
            await self.settles()
        raise AssertionError("no end of PINs")

    async def _give(self, process: int, token: str) -> bool:
        await self.house.cores[process].unlocking.give(token, PIN)
        return True

    def _link(self, person: Person) -> str:
        shown = [each for each in self.house.notebook.shown if each.identity == person.identity]
        return urlsplit(shown[-1].moment.unlock_url).path.rsplit("/", 1)[1]

    async def person(self, weather: random.Random, naira: int) -> tuple[Person, Writing]:
        """Somebody new, known to the channel and to us."""
        kind, number = self.house.notebook.kind, next(_numbers)
        msisdn = f"23480312{number:05d}"
        identity = f"NG.{number}" if kind == "whatsapp" else str(5_000_000 + number)
        core = self.house.core
        customer: Customer = await core.customers.at(
            await self.house.channel(), identity, Msisdn(msisdn)
        )
        await core.customers.set_pin(customer, PIN_HASH, self.house.clock.now())
        await self.house.give(customer, naira)
        writing: Writing = (
            ByWhatsApp(identity, msisdn, weather) if kind == "whatsapp" else ByTelegram(identity)
        )
        return Person(self.house, identity, customer), writing


@asynccontextmanager
async def pair(house: House) -> AsyncIterator[Pair]:
    """Doors for a house of two."""
    async with AsyncExitStack() as stack:
        doors = []
        for core in house.cores:
            edges = {kind: make() for kind, make in EDGES.items()}
            ways = routes(edges, core.channels, core.chat_ingest, core.aftermath)
            inside = httpx.ASGITransport(app=Starlette(routes=ways))
            client = httpx.AsyncClient(transport=inside, base_url="http://callbox")
            doors.append(await stack.enter_async_context(client))
        yield Pair(house, doors)
