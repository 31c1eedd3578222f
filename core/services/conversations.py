"""Takes one request through the conversation to one reply, exactly once.

The engine decides, this runs: it loads where the person is, lets the pure machine step, runs the
effect the machine asks for, and keeps the result together with the reply, in one write that fails
if anybody else was first. Before an effect runs, "about to" is kept; whoever finds that later runs
the effect again under the same key and gets the first run's result.
"""

import asyncio
import time
import weakref
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec
import structlog

from core.domain.customers import Customer, Tenant
from core.domain.display import Screen
from core.domain.turns import Advance, Channel, Inbound, Progress, Reply, SessionEnd
from core.engine.kinds import Locale
from core.engine.machine import Effect, Machine
from core.engine.paging import Capability
from core.kit.clock import Clock
from core.kit.texts import Texts
from core.ports import Busy, ConversationStore, Tenants
from core.ports.chat import Assistant, Proposal
from core.ports.identities import StartWords
from core.services.context import Context, Desk, locale_of
from core.services.door import Door
from core.services.greeting import greeting
from core.services.people import People
from core.services.record import Estranged, Overtaken, Record
from core.services.turn import Patience, Turn

log = structlog.get_logger()

Capabilities = Callable[[Channel], Capability]
"""What a channel can show."""


@dataclass(frozen=True, slots=True)
class News:
    """A line about what was bought or paid in last. `key` is another one when it stands anew."""

    key: str
    text: str


Announce = Callable[[Context, str], Awaitable[News | None]]
"""What is told to somebody who comes back soon after it, but for what the last key told them."""

_CONFLICTS_MAX = 20
_TTL_S = 24 * 3600


class Conversations:
    """The one place where requests become turns."""

    def __init__(
        self,
        machine: Machine,
        store: ConversationStore,
        tenants: Tenants,
        desk: Desk,
        texts: Texts,
        clock: Clock,
        capabilities: Capabilities,
        patience: Patience,
        announce: Announce,
        people: People,
        assistant: Assistant | None = None,
        start_words: StartWords | None = None,
    ) -> None:
        self._people = people
        self._start_words = start_words
        self._assistant = assistant
        self._machine = machine
        self._store = store
        self._tenants = tenants
        self._desk = desk
        self._texts = texts
        self._clock = clock
        self._capabilities = capabilities
        self._patience = patience
        self._announce = announce
        self._decoder = msgspec.json.Decoder(Record)
        self._encoder = msgspec.json.Encoder()
        self._locks: weakref.WeakValueDictionary[tuple[UUID, str], asyncio.Lock] = (
            weakref.WeakValueDictionary()
        )

    async def take(self, inbound: Inbound) -> Reply:
        """Answer a request. The same request again, or at once, gets the same reply.

        Raises:
            Unavailable: the conversation store is down; nothing was done.
            Busy: too many at once for one person.
        """
        place = (inbound.channel.id, inbound.identity)
        lock = self._locks.setdefault(place, asyncio.Lock())
        anew = False
        async with lock:
            for _ in range(_CONFLICTS_MAX):
                try:
                    return await Turn(self, inbound, anew=anew).take()
                except Overtaken:
                    continue
                except Estranged:
                    anew = True
        raise Busy("one conversation, too many writers")

    async def screen(self, inbound: Inbound) -> Screen | None:
        """Where the person stands, with nothing done; None where that is nowhere, or under way.

        Raises:
            Unavailable: the conversation store is down.
        """
        record, _ = await self.load(inbound)
        if record is None or record.conversation.state == "acting":
            return None
        tenant = await self.tenant(inbound.channel.tenant_id)
        capability = self.capability(inbound.channel)
        locale = locale_of(tenant, record.language)
        return self._machine.redisplay(record.conversation, locale, capability).screen

    async def session_ended(self, channel: Channel, session_id: str, how: SessionEnd) -> None:
        """Only worth a line in the log: it may be late, doubled or lost, so nothing hangs on it."""
        log.info("session.ended", channel=str(channel.id), session=session_id, how=how.value)

    # What a turn needs of its parent.

    @property
    def machine(self) -> Machine:
        return self._machine

    @property
    def patience(self) -> Patience:
        return self._patience

    def now(self) -> float:
        return self._clock.now().timestamp()

    def capability(self, channel: Channel) -> Capability:
        return self._capabilities(channel)

    async def tenant(self, tenant_id: UUID) -> Tenant:
        return await self._tenants.get(tenant_id)

    @property
    def people(self) -> People:
        return self._people

    def door(self, capability: Capability) -> Door:
        return Door(self._machine, capability, self._assistant)

    def language(self, tenant: Tenant, hint: str) -> str:
        """The language of somebody of whom nothing else is known."""
        return hint if hint in self._texts.languages else tenant.language

    def greeting(self, inbound: Inbound, locale: Locale) -> str:
        return greeting(self._texts, locale, inbound.name, self._clock.now())

    async def proposal(
        self, text: str, tenant: Tenant, customer_id: UUID, language: str
    ) -> Proposal | None:
        """What free words seem to ask for."""
        if self._assistant is None:
            return None
        customer = await self._desk.customers.get(tenant.id, customer_id)
        return await self._assistant.propose(
            text, tenant=tenant, customer=customer, language=language
        )

    async def followed(
        self, inbound: Inbound, advance: Advance, customer: Customer | None, language: str
    ) -> Proposal | None:
        """Where a link leads that carried a word of its own into a chat."""
        word = advance.inputs[0] if advance.inputs else None
        begins = advance.progress is Progress.BEGIN and isinstance(word, str)
        if self._start_words is None or not begins or self.capability(inbound.channel).sessions:
            return None
        assert isinstance(word, str)
        if self._machine.knows(word):
            return None
        return await self._start_words.follow(inbound, word, advance.mark, customer, language)

    async def load(self, inbound: Inbound) -> tuple[Record | None, int | None]:
        stored = await self._store.load(inbound.channel.id, inbound.identity)
        if stored is None:
            return None, None
        try:
            return self._decoder.decode(stored.record), stored.version
        except msgspec.DecodeError:
            log.warning("conversation.unreadable", channel=str(inbound.channel.id))
            return None, stored.version

    async def save(self, inbound: Inbound, record: Record, version: int | None) -> int:
        """Keep it, or find that somebody else was first."""
        kept = await self._store.save(
            inbound.channel.id,
            inbound.identity,
            self._encoder.encode(record),
            version_before=version,
            ttl_s=_TTL_S,
        )
        if not kept:
            raise Overtaken
        return (version or 0) + 1

    async def context(
        self,
        inbound: Inbound,
        tenant: Tenant,
        locale: Locale,
        record: Record,
        effect: Effect,
    ) -> Context:
        """What an effect may know. Raises `Estranged`."""
        known = await self._people.still(inbound, record.customer)
        if record.customer is not None and known is None:
            raise Estranged
        return Context(
            desk=self._desk,
            tenant=tenant,
            known=known,
            channel=inbound.channel,
            identity=inbound.identity,
            locale=locale,
            texts=self._texts,
            answers=effect.answers,
            key=effect.key,
            until=time.monotonic() + self._patience.wait_s,
            lapsed=record.lapsed,
            network_hint=inbound.network_hint or record.network_hint,
            name=inbound.name,
            mark=record.mark,
        )

    async def news(
        self, inbound: Inbound, tenant: Tenant, locale: Locale, record: Record
    ) -> str | None:
        """The line for somebody who comes back after paying, once."""
        effect = Effect.nothing(record.conversation)
        context = await self.context(inbound, tenant, locale, record, effect)
        found = await self._announce(context, record.told)
        if found is None or found.key == record.told:
            return None
        record.told = found.key
        return found.text
