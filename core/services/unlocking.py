"""The secret that a chat must not see: asked for on a page of its own, and taken there as a turn.

A page is opened by a token, good for one answer to one screen. A wrong answer leads to the next
screen of the same talk, and so to another token: how many wrong ones there may be is for the
conversation to say. The chat is nudged before the turn begins, so that it shows what came of it
even if nobody is left to tell; and at once when the turn is over.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote
from uuid import UUID

import structlog

from core.domain.chat import Address
from core.domain.display import Screen
from core.domain.turns import Advance, Channel, Inbound, Progress, Reply, Unlock
from core.domain.unlocking import Asking, Given, Gone, KeptPass, Opened, Pass, TooMany
from core.kit import crash
from core.kit.clock import Clock
from core.ports import Customers
from core.ports.chat import Unlocks

log = structlog.get_logger()

GOOD_FOR_S = 120
"""How long a link may wait for its answer."""

_NUDGE_AFTER_S = 10.0


class Turns(Protocol):
    """See `core.services.conversations.Conversations`."""

    async def take(self, inbound: Inbound) -> Reply: ...

    async def screen(self, inbound: Inbound) -> Screen | None: ...


class Chats(Protocol):
    """See `core.services.chat.ChatIngest`."""

    async def nudge(self, to: Address, key: str, *, after_s: float = 0.0) -> None: ...

    async def hurry(self, to: Address) -> None: ...


class KnownChannels(Protocol):
    async def get(self, channel_id: UUID) -> Channel | None:
        """The channel of an id. Cheap: kept in memory for a few seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Tries:
    """How often the same may be done within `within_s` seconds.

    Attributes:
        by_token: One link be opened or answered.
        by_person: One person answer.
        by_address: One address ask for what is not there.
    """

    within_s: int = 600
    by_token: int = 40
    by_person: int = 20
    by_address: int = 30


@dataclass(frozen=True, slots=True)
class UnlockCursor:
    """A secret is no message of the chat's: what the chat brought last stays known."""

    unlock: Unlock

    def advance(self, mark: str | None) -> Advance:
        return Advance(Progress.NEW, (self.unlock,), mark or "")


class Unlocking:
    """Makes the links, and serves whoever follows them."""

    def __init__(
        self,
        unlocks: Unlocks,
        turns: Turns,
        chats: Chats,
        channels: KnownChannels,
        customers: Customers,
        clock: Clock,
        *,
        base_url: str,
        tries: Tries | None = None,
    ) -> None:
        self._unlocks = unlocks
        self._turns = turns
        self._chats = chats
        self._channels = channels
        self._customers = customers
        self._clock = clock
        self._base_url = base_url.rstrip("/")
        self._tries = tries or Tries()

    async def url(self, to: Address, screen: Screen) -> str:
        """Where the secret is given that this screen asks for.

        Raises:
            Unavailable: the store is down.
        """
        customer = await self._customers.linked(to.channel, to.identity)
        token = await self._issue(to, screen, customer.language if customer else "en")
        return f"{self._base_url}/p/{token}"

    async def look(self, token: str) -> Opened:
        """What the page shows to who opens it. Looking uses nothing up.

        Raises:
            Unavailable: the store is down.
        """
        kept = await self._unlocks.find(token)
        return None if kept is None else await self._look(token, kept)

    async def give(self, token: str, digits: str) -> Opened:
        """Take the secret, and what the page shows next.

        Raises:
            Unavailable, Busy: it was not taken, or nobody can say; the chat will tell.
        """
        kept = await self._unlocks.find(token)
        if kept is None:
            return None
        opened = await self._look(token, kept)
        channel = await self._channel(kept.what)
        if not isinstance(opened, Asking) or channel is None:
            return opened
        held = kept.what
        whose = f"{held.channel_id}:{held.identity}"
        if await self._too_often("person", whose, self._tries.by_person):
            return TooMany(held.language)
        to = Address(held.tenant_id, channel, held.identity)
        await self._chats.nudge(to, f"unlock:{kept.name}", after_s=_NUDGE_AFTER_S)
        crash.point("unlock.nudged")
        if not await self._unlocks.use(kept.name):
            return Gone(held.language, chat_link(channel))
        reply = await self._turns.take(self._inbound(to, Unlock(digits, held.turn, held.talk)))
        crash.point("unlock.taken")
        await self._show_in_the_chat(to)
        if reply.screen is None or not reply.screen.out_of_sight:
            return Given(held.language, chat_link(channel))
        fresh = await self._issue(to, reply.screen, held.language)
        return _asking(fresh, held.language, reply.screen)

    async def strangers_try(self, address: str) -> int:
        """Somebody asked for what is not there: how often this address did so lately.

        Beyond `Tries.by_address` they need not be answered.
        """
        return await self._unlocks.count("address", address, self._tries.within_s)

    @property
    def tries(self) -> Tries:
        return self._tries

    async def _issue(self, to: Address, screen: Screen, language: str) -> str:
        until = self._clock.now() + dt.timedelta(seconds=GOOD_FOR_S)
        return await self._unlocks.issue(
            Pass(
                to.tenant_id,
                to.channel.id,
                to.identity,
                screen.talk,
                screen.turn,
                until,
                language,
            )
        )

    async def _look(self, token: str, kept: KeptPass) -> Opened:
        held = kept.what
        channel = await self._channel(held)
        if channel is None:
            return None
        if await self._too_often("token", kept.name, self._tries.by_token):
            return TooMany(held.language)
        gone = Gone(held.language, chat_link(channel))
        if kept.used or held.until <= self._clock.now():
            return gone
        to = Address(held.tenant_id, channel, held.identity)
        unlock = Unlock("", held.turn, held.talk)
        screen = await self._turns.screen(self._inbound(to, unlock))
        if screen is None or not screen.out_of_sight:
            return gone
        if (screen.talk, screen.turn) != (held.talk, held.turn):
            return gone
        return _asking(token, held.language, screen)

    async def _channel(self, held: Pass) -> Channel | None:
        channel = await self._channels.get(held.channel_id)
        return channel if channel is not None and channel.tenant_id == held.tenant_id else None

    async def _too_often(self, what: str, whose: str, most: int) -> bool:
        return await self._unlocks.count(what, whose, self._tries.within_s) > most

    async def _show_in_the_chat(self, to: Address) -> None:
        """The turn is kept: what fails here costs the chat some seconds and nothing else."""
        try:
            await self._chats.hurry(to)
        except Exception as error:  # noqa: BLE001 - whatever it is, the secret was taken
            log.warning("unlock.not_hurried", why=type(error).__name__)

    def _inbound(self, to: Address, unlock: Unlock) -> Inbound:
        return Inbound(
            channel=to.channel,
            identity=to.identity,
            session_id="",
            cursor=UnlockCursor(unlock),
            received_at=self._clock.now(),
        )


def _asking(token: str, language: str, screen: Screen) -> Asking:
    return Asking(token, language, screen.notice, screen.text, screen.digits)


def chat_link(channel: Channel) -> str:
    """Where a browser finds the chat again; "" where nobody told us.

    A channel's setting `chat_link` goes before what can be made of its `username` or `number`.
    """
    settings: Mapping[str, object] = channel.settings
    link = str(settings.get("chat_link") or "")
    if link.startswith(("https://", "http://")):
        return link
    if channel.kind == "telegram" and (username := settings.get("username")):
        return f"https://t.me/{quote(str(username), safe='')}"
    digits = "".join(each for each in str(settings.get("number") or "") if each in "0123456789")
    return f"https://wa.me/{digits}" if channel.kind == "whatsapp" and digits else ""
