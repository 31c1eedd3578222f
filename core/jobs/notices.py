"""Sends what customers are to be told."""

import datetime as dt

import structlog

from core.kit import crash
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.kit.money import Money, show
from core.kit.msisdn import Msisdn, local
from core.kit.texts import Texts
from core.ports import Notice, Outbox, Sms, SmsResult, SmsSender

log = structlog.get_logger()

# After each failed try, in seconds; then it is given up and an operator sees it.
_RETRY_AFTER_S = (5, 15, 60, 300, 900, 3600, 3600, 3600)


class NoticeSender:
    def __init__(self, outbox: Outbox, sms: SmsSender, texts: Texts, clock: Clock) -> None:
        self._outbox = outbox
        self._sms = sms
        self._texts = texts
        self._clock = clock

    async def send(self, notice: Notice) -> None:
        """Send one leased notice. A crash before it is marked sent sends it again."""
        now = self._clock.now()
        try:
            text = render(self._texts, notice)
        except Fault as fault:
            await self._outbox.give_up(notice, str(fault), now)
            return
        crash.point("notice.before_send")
        result = await self._sms.send(Sms(to=notice.to, text=text))
        crash.point("notice.sent")
        log.info("notice.tried", text=notice.text, result=result.value, tries=notice.tries)
        now = self._clock.now()
        match result:
            case SmsResult.ACCEPTED:
                await self._outbox.sent(notice, now)
            case SmsResult.REJECTED:
                await self._outbox.give_up(notice, "rejected", now)
            case SmsResult.RETRY:
                await self._later(notice, now)

    async def _later(self, notice: Notice, now: dt.datetime) -> None:
        if notice.tries >= len(_RETRY_AFTER_S):
            await self._outbox.give_up(notice, "tries used up", now)
            return
        await self._outbox.retry(notice, now + dt.timedelta(seconds=_RETRY_AFTER_S[notice.tries]))


def render(texts: Texts, notice: Notice) -> str:
    """The notice's text in the customer's language, in letters every handset shows."""
    facts = dict(notice.facts)
    currency = str(facts.get("currency", ""))
    for name in ("amount", "fee", "total"):
        if name in facts:
            facts[name] = show(Money(int(facts[name]), currency))
    if "recipient" in facts:
        facts["recipient"] = local(Msisdn(str(facts["recipient"])))
    if "network" in facts:
        facts["network"] = texts.get(notice.language, f"network.{facts['network']}")
    key = notice.text
    hint = facts.get("hint")
    if hint and texts.has(f"{key}.{hint}"):
        key = f"{key}.{hint}"
    return texts.get(notice.language, key, **facts)
