"""Talking to a person: what is said goes both ways, each word once, until somebody ends it."""

import datetime as dt
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from core.domain import voucher_codes
from core.domain.chat import (
    Address,
    ChatMessage,
    Closed,
    Delivery,
    Doing,
    Later,
    Refused,
    Sent,
    Telling,
    Unreachable,
)
from core.domain.live_chat import PROGRAM, Answering, LiveChat, LiveMessage, LiveState, Reached
from core.domain.slips import hidden
from core.domain.turns import Channel
from core.kit import crash
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.kit.msisdn import masked
from core.kit.texts import Texts
from core.ports import Paging
from core.ports.live_chat import Bound, LiveBook, NotBegun, Saying, Wish
from core.services.messengers import Messengers

log = structlog.get_logger()

TEXT_MAX = 3500
"""What one answer may have, in letters: less than any chat channel takes."""

_HOUR = dt.timedelta(hours=1)
_MESSAGES_SHOWN = 500
_HOME = "00"
_AGAIN_AFTER_S = (1, 2, 5, 15, 60, 120, 300, 600)
_TRIES_MAX = 100  # about a day
_PER_ROUND = 100


class UnknownChat(Problem):
    """This tenant has no such chat."""

    code = "chat.unknown"


class ChatOver(Problem):
    """It is closed: nothing more can be said in it."""

    code = "chat.closed"


class ChatTaken(Problem):
    """Somebody else has it. Fact `by` tells who."""

    code = "chat.taken"


class NothingSaid(Problem):
    code = "chat.nothing_said"


class TooLong(Problem):
    """Fact `most` tells how many letters an answer may have."""

    code = "chat.too_long"


class KnownVouchers(Protocol):
    """See `core.ports.vouchers.VoucherBook`."""

    async def known(self, tenant_id: UUID, codes: Collection[str]) -> Collection[str]: ...


class KnownChannels(Protocol):
    async def get(self, channel_id: UUID) -> Channel | None:
        """The channel of an id. Cheap: kept in memory for a few seconds."""
        ...


@dataclass(frozen=True, slots=True)
class LiveRules:
    """When a quiet chat is closed, and how long what was said is kept after the end."""

    idle_s: float = 86_400.0
    kept_s: float = 90 * 86_400.0


class LiveChats:
    """Talks with a person, from the customer's side and from the operators'.

    Keeps `core.services.chat.Persons`. `pushable` tells where somebody can be written to who does
    not ask just now; `an_hour` is how much one customer may say.
    """

    def __init__(
        self,
        book: LiveBook,
        vouchers: KnownVouchers,
        texts: Texts,
        clock: Clock,
        bell: Bell,
        pushable: Callable[[Channel], bool],
        an_hour: int = 60,
    ) -> None:
        self._book = book
        self._vouchers = vouchers
        self._texts = texts
        self._clock = clock
        self._bell = bell
        self._pushable = pushable
        self._an_hour = an_hour

    # The customer's side.

    def possible(self, channel: Channel) -> bool:
        """Whether a person can answer on this channel at all."""
        return self._pushable(channel)

    async def begin(self, wish: Wish) -> LiveChat | NotBegun:
        """From now on what the customer writes is for a person."""
        begun = await self._book.begin(wish, self._clock.now(), self._bound())
        if isinstance(begun, NotBegun):
            log.info("live.not_begun", kind=wish.channel.kind, why=begun.value)
        else:
            log.info("live.begun", kind=wish.channel.kind, chat=begun.code)
        return begun

    async def present(self, to: Address) -> bool:
        return await self._book.present(to)

    async def heard(self, to: Address, message: ChatMessage) -> Reached:
        """Take what the customer wrote."""
        if message.doing is Doing.TEXT and message.text.strip() == _HOME:
            await self.left(to, message)
            return Reached.MENUS
        words = await self._words_of(to.tenant_id, message)
        return await self._book.heard(
            to, message.external_id, words, self._clock.now(), self._bound()
        )

    async def _words_of(self, tenant_id: UUID, message: ChatMessage) -> str:
        """What an operator sees of it: no secret that was typed into the wrong place."""
        match message.doing:
            case Doing.TEXT | Doing.SLIP:
                text = message.text
                if codes := voucher_codes.said_in(text).values():
                    known = await self._vouchers.known(tenant_id, codes)
                    text = voucher_codes.without(text, known)
                return hidden(text)
            case Doing.CONTACT:
                return f"[a contact: {masked(message.msisdn)}]"
            case _:
                return "[something that is no text: a picture, a voice, a place]"

    def _bound(self) -> Bound:
        since = self._clock.now() - _HOUR
        return Bound(
            self._an_hour, since, lambda language: self._texts.get(language, "live.enough")
        )

    async def left(self, to: Address, message: ChatMessage) -> None:
        """The customer went back to the menus."""
        if await self._book.left(to, message.external_id, self._clock.now()):
            log.info("live.left", kind=to.channel.kind)

    # The operators' side.

    async def listed(
        self, tenant_id: UUID, states: Sequence[LiveState], paging: Paging
    ) -> Sequence[LiveChat]:
        return await self._book.listed(tenant_id, states, paging)

    async def count(self, tenant_id: UUID, states: Sequence[LiveState]) -> int:
        return await self._book.count(tenant_id, states)

    async def show(self, tenant_id: UUID, chat_id: UUID) -> tuple[LiveChat, Sequence[LiveMessage]]:
        """Raises `UnknownChat`."""
        chat = await self._book.find(tenant_id, chat_id)
        if chat is None:
            raise UnknownChat
        return chat, await self._book.messages(tenant_id, chat_id, _MESSAGES_SHOWN)

    async def coded(self, tenant_id: UUID, code: str) -> LiveChat:
        """The chat that operators call so. Raises `UnknownChat`."""
        chat = await self._book.by_code(tenant_id, code.strip().lstrip("#").upper())
        if chat is None:
            raise UnknownChat
        return chat

    async def take(
        self, chat: LiveChat, actor: str, operator_chat: int | None, *, over: bool = False
    ) -> LiveChat:
        """Answer it from now on; with `over` also where somebody else has it, who is told.

        Raises:
            ChatOver, ChatTaken: nothing was done.
        """
        now = self._clock.now()
        done = await self._book.take(chat.tenant_id, chat.id, actor, operator_chat, now, over=over)
        found = await self._book.find(chat.tenant_id, chat.id)
        if found is None or found.state is LiveState.CLOSED:
            raise ChatOver
        if not done:
            raise ChatTaken(by=found.taken_by)
        return found

    async def say(
        self,
        chat: LiveChat,
        actor: str,
        text: str,
        *,
        key: str,
        operator_chat: int | None = None,
    ) -> LiveMessage:
        """Tell the customer, once per key. A chat that nobody has taken becomes the speaker's.

        Raises:
            ChatOver, NothingSaid, TooLong: nothing was said.
        """
        said = text.strip()
        if not said:
            raise NothingSaid
        if len(said) > TEXT_MAX:
            raise TooLong(most=TEXT_MAX)
        now = self._clock.now()
        if chat.state is LiveState.WAITING:
            await self._book.take(chat.tenant_id, chat.id, actor, operator_chat, now, over=False)
        kept = await self._book.say(chat.tenant_id, chat.id, Saying(actor, said, key), now)
        if kept is None:
            raise ChatOver
        crash.point("live.said")
        self._bell.ring()
        return kept

    async def close(self, chat: LiveChat, actor: str) -> LiveChat:
        """Hand the customer back to the menus. Closing it again changes nothing."""
        word = Saying(actor, self._texts.get(chat.language, "live.closed"), f"close:{chat.id}")
        if await self._book.close(chat.tenant_id, chat.id, word, self._clock.now()):
            self._bell.ring()
        found = await self._book.find(chat.tenant_id, chat.id)
        if found is None:
            raise UnknownChat
        return found

    async def set_free(self, tenant_id: UUID, *, operator_chat: int) -> None:
        """Nobody reads there any more: others are told that those who were answered there wait."""
        await self._book.set_free(tenant_id, self._clock.now(), operator_chat=operator_chat)

    async def tidy(self, rules: LiveRules) -> None:
        """Close what nobody has said anything in for long, and forget what is old."""
        now = self._clock.now()
        since = now - dt.timedelta(seconds=rules.idle_s)
        for chat in await self._book.idle(since, _PER_ROUND):
            text = self._texts.get(chat.language, "live.idle")
            word = Saying(PROGRAM, text, f"close:{chat.id}")
            if await self._book.close(chat.tenant_id, chat.id, word, now, idle_since=since):
                log.info("live.idle", chat=chat.code)
                self._bell.ring()
        await self._book.prune(now - dt.timedelta(seconds=rules.kept_s), _PER_ROUND)


class Aftermath(Protocol):
    """See `core.services.aftermath.ChatAftermath`."""

    async def failed(self, to: Address, delivery: Delivery) -> None: ...


class LiveMail:
    """Sends what operators say to customers: in order, each until the channel took it."""

    def __init__(
        self,
        book: LiveBook,
        channels: KnownChannels,
        messengers: Messengers,
        aftermath: Aftermath,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._book = book
        self._channels = channels
        self._messengers = messengers
        self._aftermath = aftermath
        self._clock = clock
        self._bell = bell

    async def send(self, answering: Answering) -> None:
        """Send one that is leased. A crash before it is noted as sent sends it again."""
        if answering.text is None:
            await self._book.failed(answering, "no present key opens it", self._clock.now())
            return
        channel = await self._channels.get(answering.channel_id)
        if channel is None:
            await self._book.failed(answering, "the channel is gone", self._clock.now())
            return
        messenger = self._messengers.of(channel)
        if messenger is None:
            await self._later(answering, 5.0)
            return
        to = Address(answering.tenant_id, channel, answering.identity)
        delivery = await messenger.tell(to, Telling(f"live:{answering.id}", answering.text))
        crash.point("live.told")
        await self._settle(to, answering, delivery)
        self._bell.ring()  # what comes after it in the same chat waits no longer

    async def _settle(self, to: Address, answering: Answering, delivery: Delivery) -> None:
        now = self._clock.now()
        match delivery:
            case Sent():
                await self._book.sent(answering)
            case Later(after_s=after_s, why=why):
                await self._aftermath.failed(to, delivery)
                if answering.tries >= _TRIES_MAX:
                    await self._book.failed(answering, why, now)
                    return
                patience_s = _AGAIN_AFTER_S[min(answering.tries, len(_AGAIN_AFTER_S)) - 1]
                await self._later(answering, max(after_s, patience_s))
            case Unreachable(why=why):
                await self._aftermath.failed(to, delivery)
                await self._book.failed(answering, why, now)
            case Closed():
                await self._book.failed(answering, "they have not written for a day", now)
            case Refused(why=why):
                await self._aftermath.failed(to, delivery)
                await self._book.failed(answering, why, now)

    async def _later(self, answering: Answering, after_s: float) -> None:
        await self._book.again(answering, self._clock.now() + dt.timedelta(seconds=after_s))
