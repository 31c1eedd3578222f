"""How fast channels are spoken to, counted in Redis for all processes together.

A bucket is one number: when the place after the last one taken would be, if all were spaced evenly
(the generic cell rate algorithm). Redis' own clock rules. Keys carry the channel as their hash tag,
so that a script finds them on one node of a cluster, and a digest of who is written to.

Notices take their places ahead of time, in a lane of their own that is a share of the whole: a
thousand of them come due again one by one, each in its place, and answers pass by.
"""

import hashlib
import time
from typing import Final

import structlog

from core.domain.chat import Address, Later
from core.domain.pacing import Bucket, Limits, a_second, limits_of
from core.domain.turns import Channel
from core.kit.crypto import Keyring
from core.store.redis_line import Broken, Line, Refused, Stalled

log = structlog.get_logger()

# While Redis is away, so long nobody is kept waiting by asking it.
_AWAY_S: Final = 5.0

_COMMON: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local function free(key, room)
  return math.max(now, tonumber(redis.call('GET', key) or 0) - room)
end
local function keep(key, at)
  redis.call('SET', key, string.format('%.3f', at), 'PX', math.ceil(at - now) + 1000)
end
local function take(key, interval, at)
  if interval > 0 then
    keep(key, math.max(tonumber(redis.call('GET', key) or 0), at) + interval)
  end
end
"""

# KEYS: the whole, the person. ARGV: interval and room of each, and the longest wait, all in ms.
_ANSWER: Final = (
    _COMMON
    + """
local at = math.max(free(KEYS[1], ARGV[2]), free(KEYS[2], ARGV[4]))
if at - now <= tonumber(ARGV[5]) then
  take(KEYS[1], tonumber(ARGV[1]), at)
  take(KEYS[2], tonumber(ARGV[3]), at)
end
return math.ceil(at - now)
"""
)

# KEYS: the whole, the person, the lane, the place kept, the pause. ARGV: interval and room of the
# first three.
_NOTICE: Final = (
    _COMMON
    + """
local paused = redis.call('PTTL', KEYS[5])
if paused > 0 then return paused end
local kept = tonumber(redis.call('GET', KEYS[4]) or 0)
if kept == 0 then
  kept = free(KEYS[3], ARGV[6])
  take(KEYS[3], tonumber(ARGV[5]), kept)
end
local whole = free(KEYS[1], ARGV[2])
local at = math.max(kept, whole, free(KEYS[2], ARGV[4]))
if at - now < 1 then
  take(KEYS[1], tonumber(ARGV[1]), now)
  take(KEYS[2], tonumber(ARGV[3]), now)
  redis.call('DEL', KEYS[4])
  return 0
end
if whole > now and kept <= now then
  -- Its place has passed while nobody could leave: the next one after that.
  local next = math.max(whole, free(KEYS[3], ARGV[6]))
  take(KEYS[3], tonumber(ARGV[5]), next)
  at = math.max(at, next)
end
redis.call('SET', KEYS[4], string.format('%.3f', at), 'PX', math.ceil(at - now) + 60000)
return math.ceil(at - now)
"""
)

# KEYS: the bucket. ARGV: its room, and for how long it is empty.
_HOLD: Final = (
    _COMMON
    + """
local until_ = now + ARGV[2] + ARGV[1]
keep(KEYS[1], math.max(until_, tonumber(redis.call('GET', KEYS[1]) or 0)))
return 0
"""
)


class _Script:
    def __init__(self, source: str) -> None:
        self.source = source
        self.sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


_ANSWERS, _NOTICES, _HOLDS = _Script(_ANSWER), _Script(_NOTICE), _Script(_HOLD)


class RedisPace:
    """See `core.ports.chat.Pace`. `sms_per_s` is what one SMS sender takes, 0 as much as comes."""

    def __init__(self, line: Line, keyring: Keyring, *, sms_per_s: float) -> None:
        self._line = line
        self._keyring = keyring
        self._sms = Limits(a_second(sms_per_s), Bucket(0))
        self._away_until = 0.0
        self._away = False

    async def answer(self, to: Address, *, within_s: float) -> float:
        limits = limits_of(to.channel)
        keys = self._keys(to)
        waits_ms = await self._run(
            _ANSWERS, keys, *_of(limits.whole), *_of(limits.each), within_s * 1000
        )
        return waits_ms / 1000

    async def notice(self, to: Address, name: str) -> float:
        whole, person = self._keys(to)
        tag = _tag(to.channel)
        keys = (whole, person, f"{tag}:notices", f"{tag}:place:{name}", f"{tag}:paused")
        return await self._place(keys, limits_of(to.channel), limits_of(to.channel).notices)

    async def sms(self, sender: str, name: str) -> float:
        if not self._sms.whole.per_s:
            return 0.0
        tag = f"callbox:pace:{{sms:{sender}}}"
        keys = (tag, f"{tag}:one", f"{tag}:notices", f"{tag}:place:{name}", f"{tag}:paused")
        return await self._place(keys, self._sms, self._sms.whole)

    async def hold(self, to: Address, later: Later) -> None:
        limits = limits_of(to.channel)
        whole, person = self._keys(to)
        if not later.spares:
            return
        of_all = later.spares == "channel"
        key, bucket = (whole, limits.whole) if of_all else (person, limits.each)
        await self._run(_HOLDS, (key,), bucket.room_ms, later.after_s * 1000)

    async def pause(self, channel: Channel, for_s: float) -> None:
        await self._asked("SET", f"{_tag(channel)}:paused", "1", "PX", int(for_s * 1000))

    async def resume(self, channel: Channel) -> None:
        await self._asked("DEL", f"{_tag(channel)}:paused")

    async def _place(self, keys: tuple[str, ...], limits: Limits, lane: Bucket) -> float:
        numbers = (*_of(limits.whole), *_of(limits.each), *_of(lane))
        return await self._run(_NOTICES, keys, *numbers) / 1000

    def _keys(self, to: Address) -> tuple[str, str]:
        tag = _tag(to.channel)
        return tag, f"{tag}:one:{self._keyring.digest('pace', to.identity)}"

    async def _run(self, script: _Script, keys: tuple[str, ...], *numbers: float) -> float:
        arguments: tuple[str | int, ...] = (
            len(keys),
            *keys,
            *(f"{number:.3f}" for number in numbers),
        )
        answer = await self._asked("EVALSHA", script.sha, *arguments, source=script.source)
        return float(answer) if isinstance(answer, int) else 0.0

    async def _asked(self, *words: str | int, source: str = "") -> object:
        """What Redis answers; None while it is away."""
        if time.monotonic() < self._away_until:
            return None
        try:
            try:
                answer: object = await self._line(*words)
            except Refused as error:
                if not source or not str(error).startswith("NOSCRIPT"):
                    raise
                answer = await self._line("EVAL", source, *words[2:])
        except (Broken, Stalled, Refused) as error:
            self._now_away(error)
            return None
        if self._away:
            log.info("pace.counted_again")
            self._away = False
        return answer

    def _now_away(self, error: Exception) -> None:
        self._away_until = time.monotonic() + _AWAY_S
        if not self._away:
            log.warning("pace.not_counted", error=type(error).__name__)
        self._away = True


class NoPace:
    """See `core.ports.chat.Pace`: for channels that are simulated, and take whatever comes."""

    async def answer(self, to: Address, *, within_s: float) -> float:
        del to, within_s
        return 0.0

    async def notice(self, to: Address, name: str) -> float:
        del to, name
        return 0.0

    async def sms(self, sender: str, name: str) -> float:
        del sender, name
        return 0.0

    async def hold(self, to: Address, later: Later) -> None:
        del to, later

    async def pause(self, channel: Channel, for_s: float) -> None:
        del channel, for_s

    async def resume(self, channel: Channel) -> None:
        del channel


def _tag(channel: Channel) -> str:
    return f"callbox:pace:{{{channel.id}}}"


def _of(bucket: Bucket) -> tuple[float, float]:
    return bucket.interval_ms, bucket.room_ms
