"""Sends what customers are to be told: into the chat it is about, by template, or by SMS.

What is about to be tried is written down before it is, so that a crash never sends a notice by a
second route: it is tried again where it was. That may be a second message there. No channel takes a
key that would keep it from doubling, and none can be asked what it was given. But WhatsApp brings
our key back with each status: what went out is known to have, and is not sent again, if a status
comes before the lease ends. Telegram and SMS tell nothing: there, what was under way when the
process died is sent again.
"""

import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

import structlog
from prometheus_client import Counter

from core.domain.chat import Address, Delivery, Later, Refused, Sent, Telling
from core.domain.notices import PATIENCE_S, Failure, Route, after, route_of, why
from core.domain.turns import Channel
from core.kit import crash, gsm7
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.kit.texts import Texts
from core.ports import Notice, Outbox, Sms, SmsResult, SmsSender
from core.ports.chat import Messenger, Pace, Picturing
from core.services.aftermath import ChatAftermath
from core.services.dead_letters import DeadLetters
from core.services.messengers import Messengers
from core.services.wording import render

log = structlog.get_logger()

_TRIED = Counter(
    "callbox_notices_tried_total", "Notices by route and what became of the try", ["route", "how"]
)

DELIVERED = "notice.delivered"
_VOUCHER_READY = "notice.voucher_ready"
_VOUCHER_WORKS = {_VOUCHER_READY, "notice.voucher_yours"}
_ON_SCREEN_TOO = {DELIVERED, _VOUCHER_READY}

# So long a talk has to show on a screen that an order was delivered: then nothing is left to tell.
_ON_SCREEN_WITHIN = dt.timedelta(seconds=3)
_UNREADABLE = "no present key opens it"
# What is to be waited for less than this is not worth a second look at the queue.
_AT_ONCE_S = 0.001


_AS_DELIVERY: Mapping[SmsResult, Delivery] = {
    SmsResult.ACCEPTED: Sent(),
    SmsResult.REJECTED: Refused("rejected"),
    SmsResult.RETRY: Later(0.0, "no SMS leaves"),
}


@dataclass(frozen=True, slots=True)
class Ways:
    """How notices leave.

    Attributes:
        channel: The channel of an id, or None. Cheap to ask.
    """

    sms: SmsSender
    messengers: Messengers
    channel: Callable[[UUID], Awaitable[Channel | None]]
    pace: Pace
    picturing: Picturing


@dataclass(frozen=True, slots=True)
class _Chat:
    """Where a notice goes, and who takes it there."""

    to: Address
    messenger: Messenger


@dataclass(frozen=True, slots=True)
class _Step:
    """A route to be tried now, and the notice as it stands."""

    route: Route
    notice: Notice


class NoticeSender:
    def __init__(
        self,
        outbox: Outbox,
        ways: Ways,
        aftermath: ChatAftermath,
        dead_letters: DeadLetters,
        texts: Texts,
        clock: Clock,
    ) -> None:
        self._outbox = outbox
        self._ways = ways
        self._aftermath = aftermath
        self._dead_letters = dead_letters
        self._texts = texts
        self._clock = clock
        self._well: set[UUID] = set()  # channels that took the last thing they were given

    async def send(self, notice: Notice) -> None:
        """Send one leased notice, by as many routes as it takes."""
        now = self._clock.now()
        if not notice.readable:
            await self._dead(notice, _UNREADABLE)
            return
        try:
            text = render(self._texts, notice)
        except Fault as fault:
            await self._dead(notice, str(fault))
            return
        chat = await self._chat(notice)
        route = route_of(
            notice.standing, now, by_sms=notice.secret or chat is None, before=notice.route
        )
        if route is Route.CHAT and self._may_be_on_screen(notice, now):
            await self._outbox.put_off(notice, notice.created_at + _ON_SCREEN_WITHIN)
            return
        step: _Step | None = _Step(route, notice)
        while step is not None:
            step = await self._by(step, chat, text)

    async def _by(self, step: _Step, chat: _Chat | None, text: str) -> _Step | None:
        """Try one route. What is to be tried at once after that, or None."""
        route, notice = step.route, step.notice
        wait_s = await self._wait_s(route, notice, chat)
        if wait_s > PATIENCE_S and route is not Route.SMS:
            return _Step(Route.SMS, notice)
        if wait_s > _AT_ONCE_S:
            await self._outbox.put_off(notice, self._in_a(wait_s))
            return None
        begun = await self._begun(route, notice)
        if begun is None:
            return None
        crash.point("notice.before_send")
        delivery = await self._tell(route, begun, chat, text)
        crash.point("notice.sent")
        how = type(delivery).__name__
        _TRIED.labels(route.value, how.lower()).inc()
        log.info(
            "notice.tried", text=notice.text, route=route.value, result=how, tries=notice.tries
        )
        if isinstance(delivery, Sent):
            await self._sent(begun, route, chat, delivery)
            return None
        return await self._failed(begun, route, chat, delivery)

    async def _begun(self, route: Route, notice: Notice) -> Notice | None:
        """Write down what is tried, unless there is nothing else that anybody could try.

        None when the lease ran out meanwhile.
        """
        if route is Route.SMS and notice.route in (None, Route.SMS):
            return replace(notice, route=route, route_tries=notice.route_tries + 1)
        begun = await self._outbox.begin(notice, route, self._clock.now())
        crash.point("notice.begun")
        return begun

    async def _tell(self, route: Route, notice: Notice, chat: _Chat | None, text: str) -> Delivery:
        if route is Route.SMS or chat is None:
            sms = Sms(to=notice.to, text=gsm7.plain(text))
            return _AS_DELIVERY[await self._ways.sms.send(sms)]
        template = route is Route.TEMPLATE
        picture = None if template else await self._picture(notice)
        telling = Telling(notice.try_key, text, picture, template_facts=(text,))
        return await chat.messenger.tell(chat.to, telling, template=template)

    async def _picture(self, notice: Notice) -> bytes | None:
        """What goes with its words, if anything."""
        picturing, facts = self._ways.picturing, notice.facts
        if notice.text == DELIVERED and "reference" in facts:
            return await picturing.receipt(notice.tenant_id, str(facts["reference"]))
        if notice.text in _VOUCHER_WORKS and "voucher" in facts:
            return await picturing.login(notice.tenant_id, UUID(str(facts["voucher"])))
        return None

    async def _sent(self, notice: Notice, route: Route, chat: _Chat | None, sent: Sent) -> None:
        now = self._clock.now()
        name = sent.message_id if route is not Route.SMS else ""
        failed = await self._outbox.sent(notice, now, route=route, sent_as=name)
        crash.point("notice.marked")
        if chat is None or route is Route.SMS:
            return
        if failed is not None:
            await self._aftermath.failed_later(chat.to.channel, failed)
        if chat.to.channel.id not in self._well:
            await self._aftermath.well(chat.to.channel)
            self._well.add(chat.to.channel.id)

    async def _failed(
        self, notice: Notice, route: Route, chat: _Chat | None, failed: Failure
    ) -> _Step | None:
        """Draw the consequences, and say what is to be tried at once."""
        if chat is not None and route is not Route.SMS:
            if isinstance(failed, Refused):
                self._well.discard(chat.to.channel.id)
            await self._aftermath.failed(chat.to, failed)
        again = after(route, failed, notice.standing.kind, notice.route_tries)
        if again is None:
            await self._dead(notice, why(failed))
            return None
        if again.after_s == 0:
            return _Step(again.route, notice)
        await self._outbox.retry(notice, self._in_a(again.after_s))
        return None

    async def _wait_s(self, route: Route, notice: Notice, chat: _Chat | None) -> float:
        """How long the channel is to be spared."""
        if route is Route.SMS or chat is None:
            return await self._ways.pace.sms(self._ways.sms.name, str(notice.id))
        return await self._ways.pace.notice(chat.to, str(notice.id))

    async def _chat(self, notice: Notice) -> _Chat | None:
        """The chat that the matter began in, where this process can speak to it."""
        if notice.secret or not notice.standing.reachable or notice.channel_id is None:
            return None
        channel = await self._ways.channel(notice.channel_id)
        messenger = self._ways.messengers.of(channel) if channel is not None else None
        if channel is None or messenger is None or channel.tenant_id != notice.tenant_id:
            return None
        return _Chat(Address(notice.tenant_id, channel, notice.identity), messenger)

    def _may_be_on_screen(self, notice: Notice, now: dt.datetime) -> bool:
        """A talk that waited for this may be about to show it: see `Outbox.seen`."""
        fresh = now < notice.created_at + _ON_SCREEN_WITHIN
        return notice.text in _ON_SCREEN_TOO and notice.route is None and fresh

    async def _dead(self, notice: Notice, reason: str) -> None:
        await self._dead_letters.given_up(notice, reason)
        crash.point("notice.dead")
        await self._outbox.give_up(notice, reason, self._clock.now())

    def _in_a(self, seconds: float) -> dt.datetime:
        return self._clock.now() + dt.timedelta(seconds=seconds)
