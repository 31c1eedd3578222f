"""How fast channels let themselves be spoken to.

Telegram (core.telegram.org/bots/faq, November 2026): some 30 messages a second by one bot, one a
second in one chat, short bursts allowed. WhatsApp (Cloud API, throughput and pair limits, November
2026): 80 a second by one number, and to one person one in six seconds, 45 of them ahead of time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.turns import Channel


@dataclass(frozen=True, slots=True)
class Bucket:
    """So many a second, and so many at once after a rest. `per_s` 0: no limit."""

    per_s: float
    burst: int = 1

    @property
    def interval_ms(self) -> float:
        return 1000 / self.per_s if self.per_s else 0.0

    @property
    def room_ms(self) -> float:
        """How far ahead of time places may be taken."""
        return (self.burst - 1) * self.interval_ms


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a channel as a whole, and of each person on it."""

    whole: Bucket
    each: Bucket

    @property
    def notices(self) -> Bucket:
        """What notices may take of the whole: people who wait for an answer go before."""
        return Bucket(self.whole.per_s * _NOTICES_SHARE, self.whole.burst)


_NOTICES_SHARE = 2 / 3
_AT_ONCE_SHARE = 1 / 8
_NONE = Bucket(0)


def a_second(most: float) -> Bucket:
    """A bucket that gives no more than that in any second, the few that leave at once included."""
    at_once = int(most * _AT_ONCE_SHARE)
    return Bucket(most - at_once, at_once) if at_once else Bucket(most)


_LIMITS: Mapping[str, Limits] = {
    "telegram": Limits(a_second(30), Bucket(1, burst=3)),
    "whatsapp": Limits(a_second(80), Bucket(1 / 6, burst=45)),
}


def limits_of(channel: Channel) -> Limits:
    """Those of a channel; its setting `messages_per_s` is for numbers and bots with others."""
    limits = _LIMITS.get(channel.kind, Limits(_NONE, _NONE))
    own = channel.settings.get("messages_per_s")
    if isinstance(own, int | float) and not isinstance(own, bool) and own > 0:
        return Limits(a_second(float(own)), limits.each)
    return limits
