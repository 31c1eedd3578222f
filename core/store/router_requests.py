"""How often a router was asked lately, counted in Redis for all processes together.

A router's requests are a sorted set by the time at which they left, by Redis' own clock. Unlike
the pace of channels there is no even spacing: a hundred may leave at once, and then none until the
first of them is a minute old.
"""

import time
from itertools import count
from typing import Final

import structlog

from core.kit.ids import uuid7
from core.store.redis_line import Broken, Line, Refused, Stalled

log = structlog.get_logger()

# While Redis is away, so long nobody is kept waiting by asking it.
_AWAY_S: Final = 5.0

# KEYS: the router's requests. ARGV: a name for this one, the most there may be, and of how many ms.
_TAKE: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local most, window = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
local over = redis.call('ZCARD', KEYS[1]) - most
if over < 0 then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  redis.call('PEXPIRE', KEYS[1], window)
  return 0
end
local last = redis.call('ZRANGE', KEYS[1], over, over, 'WITHSCORES')
return math.max(1, tonumber(last[2]) + window - now)
"""


class RedisRouterRequests:
    """See `core.ports.hotspot.RouterRequests`."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._here = uuid7().hex
        self._numbers = count()
        self._away_until = 0.0
        self._away = False

    async def take(self, router: str, most: int, window_s: float) -> float:
        if time.monotonic() < self._away_until:
            return 0.0
        name = f"{self._here}:{next(self._numbers)}"
        key = f"callbox:router:{{{router}}}:requests"
        window_ms = round(window_s * 1000)
        try:
            wait_ms: int = await self._line("EVAL", _TAKE, 1, key, name, most, window_ms)
        except (Broken, Stalled, Refused) as error:
            self._now_away(error)
            return 0.0
        if self._away:
            log.info("router_requests.counted_again")
            self._away = False
        return wait_ms / 1000

    def _now_away(self, error: Exception) -> None:
        self._away_until = time.monotonic() + _AWAY_S
        if not self._away:
            log.warning("router_requests.not_counted", error=type(error).__name__)
        self._away = True
