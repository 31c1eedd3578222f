"""What becomes of identities: looked at, taken off, and left behind when a number changes hands.

An identity that is taken off acts no more: its conversations are forgotten, and whatever is under
way there finds the customer gone before its next effect.
"""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.chat import Address, Moved, Telling
from core.domain.customers import Customer
from core.domain.linking import BY_NUMBER, Identity
from core.domain.turns import Channel
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn
from core.kit.texts import Texts
from core.ports import (
    ChannelRecord,
    ConversationStore,
    Customers,
    Event,
    Unavailable,
)
from core.ports.chat import Messenger
from core.ports.identities import Identities

log = structlog.get_logger()

# Its names belong together: the user id and the number of one account.
_SEVERAL_NAMES = frozenset({"whatsapp"})
_HANDLE_LETTERS = 10


class UnknownIdentity(Problem):
    """This customer is not known by that name there, or by several that look like it."""

    code = "identity.unknown"


class IdentityOfNumber(Problem):
    """The number itself cannot be taken off: it can only be released."""

    code = "identity.of_number"


class AlreadyReleased(Problem):
    """The number was given free before."""

    code = "customer.released"


class ReasonNeeded(Problem):
    code = "customer.reason_needed"


class ChannelsOfTenant(Protocol):
    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]: ...

    async def get(self, channel_id: UUID) -> Channel | None: ...


@dataclass(frozen=True, slots=True)
class Account:
    """A linked account as its owner sees it. `handle` stands for it where its name must not."""

    handle: str
    identity: Identity

    @property
    def kind(self) -> str:
        return self.identity.kind


class IdentityDesk:
    def __init__(
        self,
        identities: Identities,
        customers: Customers,
        conversations: ConversationStore,
        channels: ChannelsOfTenant,
        messenger_of: Callable[[Channel], Messenger | None],
        texts: Texts,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._identities = identities
        self._customers = customers
        self._conversations = conversations
        self._channels = channels
        self._messenger_of = messenger_of
        self._texts = texts
        self._keyring = keyring
        self._clock = clock

    async def of(self, customer: Customer) -> Sequence[Identity]:
        return await self._identities.of(customer)

    async def living(self, tenant_id: UUID, msisdn: Msisdn) -> Customer | None:
        """Whose number this is now, if anybody's."""
        return await self._identities.living(tenant_id, msisdn)

    async def accounts(self, customer: Customer) -> Sequence[Account]:
        """Chat accounts that are linked, each once, the oldest first."""
        found: list[Account] = []
        for each in await self._identities.of(customer):
            if each.kind == BY_NUMBER:
                continue
            again = each.kind in _SEVERAL_NAMES and any(one.kind == each.kind for one in found)
            if not again:
                found.append(Account(self._handle(customer, each), each))
        return found

    async def remove(
        self, customer: Customer, handle: str, *, here: tuple[UUID, str], key: str
    ) -> bool:
        """Take an account off, as its owner wants it. False when it was taken off before.

        The conversation `here` (channel and identity) goes on to its end: it is the one in which
        this is asked for.
        """
        for account in await self.accounts(customer):
            if account.handle == handle:
                names = await self._names(customer, account.identity)
                await self._take_off(customer, names, "customer", {"key": key}, spare=here)
                return True
        return False

    async def unlink(
        self, customer: Customer, kind: str, name: str, *, reason: str, actor: str
    ) -> Sequence[Identity]:
        """Take an identity off, for an operator. `name` in full, or masked as it is shown.

        Raises:
            IdentityOfNumber: it is the number itself.
            UnknownIdentity: there is none like it, or there are several.
        """
        if kind == BY_NUMBER:
            raise IdentityOfNumber
        known = await self._identities.of(customer)
        found = [each for each in known if each.kind == kind and name in (each.name, each.shown)]
        if len(found) != 1:
            raise UnknownIdentity
        names = await self._names(customer, found[0])
        return await self._take_off(customer, names, actor, {"reason": reason})

    async def release(self, customer: Customer, *, reason: str, actor: str) -> Sequence[Identity]:
        """Give the number free. The customer keeps wallet and history, and nobody inherits them.

        Raises:
            ReasonNeeded: nobody said why.
            AlreadyReleased: that was done before.
        """
        words = reason.strip()
        if not words:
            raise ReasonNeeded
        known = await self._identities.of(customer)
        facts = {"reason": words, "identities": [f"{each.kind} {each.shown}" for each in known]}
        event = Event(f"customer/{customer.id}", "customer.released", actor, facts)
        gone = await self._identities.release(customer, event, self._clock.now())
        if gone is None:
            raise AlreadyReleased
        log.info("customer.released", customer=str(customer.id), identities=len(gone))
        await self._forget(customer.tenant_id, gone)
        return gone

    async def moved(self, channel: Channel, moved: Moved) -> None:
        """The channel says that who answered to this name answers to another one now.

        It says so several times, and late: what was linked since is not what it speaks of.
        """
        customer = await self._customers.linked(channel, moved.identity)
        if customer is None:
            return
        now = self._clock.now()
        second = min(moved.at or int(now.timestamp()), int(now.timestamp()))
        before = dt.datetime.fromtimestamp(second + 1, dt.UTC)
        event = await self._unlinking(
            customer, [(channel.kind, moved.identity)], channel.kind, {"why": "moved"}
        )
        gone = await self._identities.moved(customer, channel, moved, before, event, now)
        log.info("identity.moved", customer=str(customer.id), identities=len(gone))
        await self._forget(customer.tenant_id, gone)

    async def parted(self, customer: Customer, gone: Sequence[Identity], text: str) -> None:
        """These were taken off just now: their talks are forgotten, and they are told."""
        await self._forget(customer.tenant_id, gone)
        await self._tell(customer, gone, text)

    async def _names(self, customer: Customer, identity: Identity) -> list[tuple[str, str]]:
        """All names of that account."""
        if identity.kind not in _SEVERAL_NAMES:
            return [(identity.kind, identity.name)]
        known = await self._identities.of(customer)
        return [(each.kind, each.name) for each in known if each.kind == identity.kind]

    async def _take_off(
        self,
        customer: Customer,
        names: Collection[tuple[str, str]],
        actor: str,
        why: dict[str, str],
        *,
        spare: tuple[UUID, str] | None = None,
    ) -> Sequence[Identity]:
        event = await self._unlinking(customer, names, actor, why)
        gone = await self._identities.unlink(customer, list(names), event, self._clock.now())
        log.info("identity.unlinked", customer=str(customer.id), identities=len(gone))
        await self._forget(customer.tenant_id, gone, spare=spare)
        return gone

    async def _unlinking(
        self,
        customer: Customer,
        names: Collection[tuple[str, str]],
        actor: str,
        why: dict[str, str],
    ) -> Event:
        known = [each for each in await self._identities.of(customer) if _is_one(each, names)]
        facts = {**why, "identities": [f"{each.kind} {each.shown}" for each in known]}
        return Event(f"customer/{customer.id}", "identity.unlinked", actor, facts)

    async def _forget(
        self,
        tenant_id: UUID,
        gone: Sequence[Identity],
        *,
        spare: tuple[UUID, str] | None = None,
    ) -> None:
        """No talk of theirs goes on. One that cannot be forgotten now still finds nobody there."""
        for channel in await self._channels.of_tenant(tenant_id):
            for each in gone:
                if each.kind != channel.kind or (channel.id, each.name) == spare:
                    continue
                try:
                    await self._conversations.forget(channel.id, each.name)
                except Unavailable:
                    log.warning("conversation.not_forgotten", channel=str(channel.id))

    async def _tell(self, customer: Customer, gone: Sequence[Identity], text: str) -> None:
        """Best effort: a chat that cannot be written to misses nothing that an SMS does not say."""
        words = self._texts.get(customer.language, text)
        for record in await self._channels.of_tenant(customer.tenant_id):
            channel = await self._channels.get(record.id)
            messenger = self._messenger_of(channel) if channel and record.active else None
            if channel is None or messenger is None:
                continue
            for each in gone:
                if each.kind == channel.kind:
                    to = Address(customer.tenant_id, channel, each.name)
                    await messenger.tell(
                        to, Telling(f"parted:{self._handle(customer, each)}", words)
                    )

    def _handle(self, customer: Customer, identity: Identity) -> str:
        made = self._keyring.digest("identity", str(customer.id), identity.kind, identity.name)
        return made[:_HANDLE_LETTERS]


def _is_one(identity: Identity, names: Collection[tuple[str, str]]) -> bool:
    return (identity.kind, identity.name) in names
