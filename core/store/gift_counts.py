"""How many different things were seen in a time: sets in Redis that end by themselves.

Keys and members are keyed digests: who dumps this Redis learns no number and no code.
"""

from typing import Final

from core.kit.crypto import Keyring
from core.ports import Unavailable
from core.store.redis_line import Broken, Line, Refused, Stalled

# KEYS: the set. ARGV: the member, and seconds until counting begins anew.
_DISTINCT: Final = """
local added = redis.call('SADD', KEYS[1], ARGV[1])
local count = redis.call('SCARD', KEYS[1])
if added == 1 and count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return count
"""


class RedisGiftCounts:
    """See `core.services.gift_guard.Counts`."""

    def __init__(self, line: Line, keyring: Keyring) -> None:
        self._line = line
        self._keyring = keyring

    async def distinct(self, what: str, whose: str, item: str, within_s: int) -> int:
        member = self._keyring.digest("counted", what, item)
        return await self._asked("EVAL", _DISTINCT, 1, self._key(what, whose), member, within_s)

    async def counted(self, what: str, whose: str) -> int:
        return await self._asked("SCARD", self._key(what, whose))

    def _key(self, what: str, whose: str) -> str:
        return f"callbox:counted:{{{self._keyring.digest('counted', what, whose)}}}"

    async def _asked(self, *words: str | int) -> int:
        try:
            count: int = await self._line(*words)
        except (Broken, Stalled, Refused) as error:
            raise Unavailable(f"Redis: {error}") from error
        return count
