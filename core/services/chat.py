"""Chat: what people write is kept, then taken up in order, once, and answered.

A message is in the inbox before its channel is told that it was taken. Whoever leases the talk runs
the turn, shows the screen, and only then strikes the message out. A crash between any two steps
leaves the message where it was: the turn finds its own result under the same mark, and the screen
is shown.
"""

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import Counter

from core.domain.chat import Address, ChatMessage, Delivery, Doing, Later, Sent, Talk, Telling
from core.domain.display import Screen
from core.domain.live_chat import Reached
from core.domain.slips import hidden, is_slip
from core.domain.turns import Channel, Inbound, Reply
from core.engine.answering import read
from core.kit import crash
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.ports import Busy, Unavailable
from core.ports.chat import Inbox, Messenger, Moment
from core.services.chat_turns import inbound_of
from core.services.messengers import Messengers

log = structlog.get_logger()

_TAKEN = Counter("callbox_chat_messages_total", "Messages by what became of them", ["kind", "how"])

TRIES_MAX = 8
"""Then a message that fails whenever it is taken up is parked, and the next one is taken up."""

# After so many seconds nothing more is begun under one lease: what is left is taken up anew.
_LEASE_USED_S = 25.0
_AGAIN_AFTER_S = (1, 2, 5, 15, 60, 120, 300, 600)
_AWAY_LEAST_S, _AWAY_MOST_S = 1.0, 60.0
# Longer than this, and the customer should see that we are at it.
_AWHILE_S = 0.4
_SECRET_DIGITS = range(3, 9)


class Turns(Protocol):
    """See `core.services.conversations.Conversations`."""

    async def take(self, inbound: Inbound) -> Reply: ...

    async def screen(self, inbound: Inbound) -> Screen | None: ...


class Shows(Protocol):
    """See `core.services.showing.Showing`."""

    async def show(
        self, messenger: Messenger, to: Address, screen: Screen, moment: Moment
    ) -> Delivery: ...


class Persons(Protocol):
    """Operators who talk to customers themselves (`core.services.live_chat.LiveChats`)."""

    async def present(self, to: Address) -> bool:
        """Whether a person is in this talk now."""
        ...

    async def heard(self, to: Address, message: ChatMessage) -> Reached:
        """Take what the customer wrote, where it is for a person."""
        ...

    async def left(self, to: Address, message: ChatMessage) -> None:
        """The customer goes back to the menus, unless this very message asked for a person."""
        ...


class Parking(Protocol):
    """See `core.services.parked.ParkedMessages`."""

    async def parked(self, tenant_id: UUID, channel: str, why: str) -> None:
        """Tell operators of a message that nothing becomes of."""
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Whom a chat needs around it.

    Attributes:
        unlock_url: Where the secret is given that a screen asks for.
        unsaid: The words for a secret that was typed and could not be deleted.
        slipped: What is said to somebody who wrote a secret among other words: by whether their
            message was deleted.
        reached: What is said after that, where the rest of it reached operators.
        parked: What is said to somebody whose message is given up.
    """

    turns: Turns
    persons: Persons
    parking: Parking
    showing: Shows
    unlock_url: Callable[[Address, Screen], Awaitable[str]]
    unsaid: str
    slipped: Mapping[bool, str]
    reached: str
    parked: str


class _NotNow(Exception):
    """The channel asks for patience."""

    def __init__(self, later: Later) -> None:
        super().__init__(later.why)
        self.after_s = later.after_s


class ChatIngest:
    """Takes what edges were sent. When `take` returns, nothing can be lost any more."""

    def __init__(self, inbox: Inbox, clock: Clock, bell: Bell) -> None:
        self._inbox = inbox
        self._clock = clock
        self._bell = bell

    async def take(self, channel: Channel, messages: Sequence[ChatMessage]) -> None:
        """Keep them, in order; those that are known already change nothing.

        A secret among other words is kept nowhere, not even here.

        Raises:
            Unavailable, Busy: nothing is promised; the channel should deliver them again.
        """
        kept = [_without_slips(message) for message in messages]
        fresh = await self._inbox.put(channel, kept, self._clock.now())
        crash.point("chat.kept")
        _TAKEN.labels(channel.kind, "new").inc(fresh)
        _TAKEN.labels(channel.kind, "known").inc(len(messages) - fresh)
        if fresh:
            self._bell.ring()

    async def nudge(self, to: Address, key: str, *, after_s: float = 0.0) -> None:
        """Have the person shown where they stand, after what waits and not before that time."""
        now = self._clock.now()
        message = ChatMessage(f"nudge:{key}", to.identity, Doing.NUDGE)
        at = now + dt.timedelta(seconds=after_s)
        await self._inbox.put(to.channel, [message], now, not_before=at)
        if not after_s:
            self._bell.ring()

    async def hurry(self, to: Address) -> None:
        """What waits for this person waits no longer."""
        await self._inbox.hurry(to.channel, to.identity)
        self._bell.ring()


class ChatDesk:
    """Answers people, one talk at a time, each by one worker at a time."""

    def __init__(
        self,
        inbox: Inbox,
        messengers: Messengers,
        surroundings: Surroundings,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._inbox = inbox
        self._messengers = messengers
        self._around = surroundings
        self._clock = clock
        self._bell = bell

    async def see_through(self, talk: Talk) -> None:
        """Answer what waits in a leased talk, in order, and give it back."""
        messenger = self._messengers.of(talk.channel)
        if messenger is None or not talk.messages:
            again_at = self._in_a(60 if messenger is None else 0)
            await self._inbox.release(talk, again_at=again_at, counted=False)
            return
        to = Address(talk.channel.tenant_id, talk.channel, talk.identity)
        shown, more = talk.last_shown, False
        until = time.monotonic() + _LEASE_USED_S
        for place, message in enumerate(talk.messages, start=1):
            last = place == len(talk.messages)
            if time.monotonic() > until:
                more = await self._inbox.release(talk)
                break
            try:
                slip = message.doing is Doing.SLIP
                deleted = slip and await messenger.unsay(to.channel, message)
                # What came before in this lease may have called a person in, or sent them away.
                person = talk.with_person if place == 1 else await self._around.persons.present(to)
                reached = await self._reached(to, message) if person else Reached.MENUS
                if slip:
                    await self._warn(messenger, to, message, reached, deleted=deleted)
                fresh = None
                if reached is Reached.MENUS:
                    fresh = await self._take_up(messenger, to, message, shown)
            except (_NotNow, Unavailable, Busy) as error:
                again_at = self._when_well(talk, error)
                await self._inbox.release(talk, again_at=again_at, counted=False)
                return
            except Exception as error:
                log.exception("chat.message_failed", kind=talk.channel.kind, tries=talk.tries)
                if talk.tries < TRIES_MAX or place > 1:
                    await self._inbox.release(talk, again_at=self._after_try(talk.tries))
                    return
                more = await self._park(messenger, talk, message, type(error).__name__, last=last)
                continue
            crash.point("chat.shown")
            shown = fresh if fresh is not None else shown
            more = await self._inbox.answered(talk, message, fresh, last=last)
            _TAKEN.labels(talk.channel.kind, "answered").inc()
            crash.point("chat.answered")
        if more:
            self._bell.ring()

    async def _park(
        self, messenger: Messenger, talk: Talk, message: ChatMessage, why: str, *, last: bool
    ) -> bool:
        """Give it up, and say so to its writer, if that can be done, and to operators."""
        to = Address(talk.channel.tenant_id, talk.channel, talk.identity)
        try:
            telling = Telling(f"parked:{message.external_id}", self._around.parked)
            await messenger.tell(to, telling)
        except Exception:
            log.exception("chat.parked_untold", kind=talk.channel.kind)
        await self._around.parking.parked(to.tenant_id, talk.channel.kind, why)
        _TAKEN.labels(talk.channel.kind, "parked").inc()
        crash.point("chat.parking")
        return await self._inbox.park(talk, message, why, last=last)

    def _when_well(self, talk: Talk, error: Exception) -> dt.datetime:
        """When to try again what is no message's fault.

        While a store of ours is away, the longer somebody waits, the less often it is tried.
        """
        if isinstance(error, _NotNow):
            return self._in_a(error.after_s)
        log.warning("chat.not_now", kind=talk.channel.kind, why=str(error))
        waited_s = (self._clock.now() - talk.heard_at).total_seconds()
        return self._in_a(min(max(waited_s / 4, _AWAY_LEAST_S), _AWAY_MOST_S))

    def _in_a(self, seconds: float) -> dt.datetime:
        return self._clock.now() + dt.timedelta(seconds=seconds)

    def _after_try(self, tries: int) -> dt.datetime:
        return self._in_a(_AGAIN_AFTER_S[min(tries, len(_AGAIN_AFTER_S)) - 1])

    async def _take_up(
        self, messenger: Messenger, to: Address, message: ChatMessage, shown: str
    ) -> str | None:
        """Run the turn of one message and show its screen; what it is called there.

        None when nothing new is shown.
        """
        inbound = inbound_of(to, message, self._clock.now())
        await self._out_of_the_chat(messenger, to, inbound, message)
        async with _Awhile(messenger, to.channel, message):
            reply = await self._around.turns.take(inbound)
        crash.point("chat.turned")
        if reply.screen is None:
            return None
        moment = Moment(
            answering=message if message.doing is not Doing.NUDGE else None,
            last_shown=shown,
            unlock_url=await self._unlock_url(to, reply.screen),
        )
        delivery = await self._around.showing.show(messenger, to, reply.screen, moment)
        if isinstance(delivery, Later):
            raise _NotNow(delivery)
        return delivery.message_id if isinstance(delivery, Sent) else None

    async def _reached(self, to: Address, message: ChatMessage) -> Reached:
        """Whom it reaches in a talk with a person."""
        match message.doing:
            case Doing.TEXT | Doing.SLIP | Doing.CONTACT | Doing.OTHER:
                return await self._around.persons.heard(to, message)
            case Doing.PRESS | Doing.COMMAND | Doing.START:
                await self._around.persons.left(to, message)
        return Reached.MENUS

    async def _out_of_the_chat(
        self, messenger: Messenger, to: Address, inbound: Inbound, message: ChatMessage
    ) -> None:
        """A secret that was typed is deleted before anything is done with it."""
        if message.doing is not Doing.TEXT or not _may_be_secret(message.text):
            return
        screen = await self._around.turns.screen(inbound)
        if screen is None or not screen.secret:
            return
        if not await messenger.unsay(to.channel, message):
            telling = Telling(f"unsay:{message.external_id}", self._around.unsaid)
            await messenger.tell(to, telling)

    async def _warn(
        self,
        messenger: Messenger,
        to: Address,
        message: ChatMessage,
        reached: Reached,
        *,
        deleted: bool,
    ) -> None:
        """Somebody wrote a secret among other words: they are told what became of it."""
        words = self._around.slipped[deleted]
        if reached is Reached.OPERATORS:
            words = f"{words} {self._around.reached}"
        await messenger.tell(to, Telling(f"slip:{message.external_id}", words))
        crash.point("chat.warned")

    async def _unlock_url(self, to: Address, screen: Screen) -> str:
        return await self._around.unlock_url(to, screen) if screen.out_of_sight else ""


class _Awhile:
    """Tells the person that we are at it, if the answer takes a moment."""

    def __init__(self, messenger: Messenger, channel: Channel, message: ChatMessage) -> None:
        self._messenger, self._channel, self._message = messenger, channel, message
        self._telling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(_AWHILE_S, self._tell)

    def _tell(self) -> None:
        telling = self._messenger.received(self._channel, self._message)
        self._telling = asyncio.ensure_future(telling)

    async def __aexit__(self, *_: object) -> None:
        self._timer.cancel()
        if self._telling is not None:
            await asyncio.gather(self._telling, return_exceptions=True)


def _without_slips(message: ChatMessage) -> ChatMessage:
    if message.doing is not Doing.TEXT or not is_slip(message.text):
        return message
    return replace(message, doing=Doing.SLIP, text=hidden(message.text))


def _may_be_secret(text: str) -> bool:
    digits = "".join(read(text).text.split())
    return digits.isdecimal() and len(digits) in _SECRET_DIGITS
