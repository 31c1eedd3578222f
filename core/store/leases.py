"""Leases in Redis: one key each, which holds its holder and ends by itself.

A lease is prolonged and given back by scripts that look first whose it is: a process that was
stopped for longer than its lease must not end the one that another has taken meanwhile.
"""

from collections.abc import Awaitable
from typing import Final, TypeVar

from core.ports import Unavailable
from core.store.redis_line import Broken, Line, Refused, Stalled

# KEYS: the lease. ARGV: its holder, and for how many milliseconds.
_TAKE: Final = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 1 end
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""
# KEYS: the lease. ARGV: who gives it back.
_GIVE_BACK: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""

T = TypeVar("T")


class RedisLeases:
    """See `core.ports.leases.Leases`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    async def take(self, what: str, holder: str, for_s: float) -> bool:
        for_ms = max(1, round(for_s * 1000))
        taken: int = await _asked(self._line("EVAL", _TAKE, 1, _key(what), holder, for_ms))
        return taken == 1

    async def give_back(self, what: str, holder: str) -> None:
        await _asked(self._line("EVAL", _GIVE_BACK, 1, _key(what), holder))


async def _asked(call: Awaitable[T]) -> T:
    try:
        return await call
    except (Broken, Stalled, Refused) as error:
        raise Unavailable(f"Redis: {error}") from error


def _key(what: str) -> str:
    return f"callbox:lease:{what}"
