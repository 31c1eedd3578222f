"""Where each person is in a conversation: in Redis, one key per person and channel.

A value is eight bytes of version and then the record, so that a script can compare the version
without reading the rest. Keys carry a digest of the identity: a dump of this Redis is no directory
of customers. The part in braces keeps a person's keys on one node of a Redis Cluster.
"""

import hashlib
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import TypeVar
from uuid import UUID

from core.kit.crypto import Keyring
from core.ports import Stored, Unavailable
from core.store.redis_line import Broken, Line, Refused, Stalled

_VERSION_BYTES = 8
_KEYS_CACHED = 4096

# KEYS: the conversation. ARGV: version before ("" when there was none), the new value, seconds.
_SWAP = b"""
if redis.call('GETRANGE', KEYS[1], 0, 7) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
return 1
"""
_SWAP_SHA = hashlib.sha1(_SWAP, usedforsecurity=False).hexdigest()

T = TypeVar("T")


class Conversations:
    """The `ConversationStore` of a running system.

    Losing a race, a conversation that expired and one that was never there are all ordinary; only
    a Redis that cannot be reached is `Unavailable`.
    """

    def __init__(self, line: Line, keyring: Keyring) -> None:
        self._line = line
        # A turn asks for one key twice; digests would be a tenth of its time.
        self._key = lru_cache(_KEYS_CACHED)(
            lambda channel_id, identity: _key(keyring, channel_id, identity)
        )

    async def ping(self) -> None:
        """Raises `Unavailable` when Redis does not answer."""
        await self._asked(lambda: self._line("PING"))

    async def load(self, channel_id: UUID, identity: str) -> Stored | None:
        """What was kept last, or None."""
        key = self._key(channel_id, identity)
        value = await self._asked(lambda: self._get(key))
        if value is None or len(value) < _VERSION_BYTES:
            return None
        return Stored(value[_VERSION_BYTES:], int.from_bytes(value[:_VERSION_BYTES], "big"))

    async def save(
        self,
        channel_id: UUID,
        identity: str,
        record: bytes,
        *,
        version_before: int | None,
        ttl_s: int,
    ) -> bool:
        """Keep `record` as version `version_before + 1` (1 where there was none) for `ttl_s`.

        False, and nothing changed, when what is kept now is not `version_before`.
        """
        key = self._key(channel_id, identity)
        before = b"" if version_before is None else _version(version_before)
        value = _version((version_before or 0) + 1) + record
        return await self._asked(
            lambda: self._swap(key, before, value, ttl_s),
            again=lambda: self._swap_again(key, before, value, ttl_s),
        )

    async def forget(self, channel_id: UUID, identity: str) -> None:
        """Keep nothing more of it. Who is at it has loaded a version that is gone now."""
        key = self._key(channel_id, identity)
        await self._asked(lambda: self._line("DEL", key))

    async def _asked(
        self, call: Callable[[], Awaitable[T]], *, again: Callable[[], Awaitable[T]] | None = None
    ) -> T:
        """What `call` gives; or `again`, once, where the connection breaks under it.

        Redis may have restarted since the last call, and only the next one finds out.
        """
        try:
            try:
                return await call()
            except Broken:
                return await (again or call)()
        except (Broken, Stalled, Refused) as error:
            raise Unavailable(f"Redis: {error}") from error

    async def _get(self, key: str) -> bytes | None:
        value: bytes | None = await self._line("GET", key)
        return value

    async def _swap(self, key: str, before: bytes, value: bytes, ttl_s: int) -> bool:
        arguments = (1, key, before, value, ttl_s)
        try:
            swapped = await self._line("EVALSHA", _SWAP_SHA, *arguments)
        except Refused as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            swapped = await self._line("EVAL", _SWAP, *arguments)
        return bool(swapped == 1)

    async def _swap_again(self, key: str, before: bytes, value: bytes, ttl_s: int) -> bool:
        """The first try may have swapped before its connection broke: then our value is there."""
        return await self._swap(key, before, value, ttl_s) or await self._get(key) == value


def _key(keyring: Keyring, channel_id: UUID, identity: str) -> str:
    return f"callbox:conversation:{{{channel_id}:{keyring.digest('conversation', identity)}}}"


def _version(number: int) -> bytes:
    return number.to_bytes(_VERSION_BYTES, "big")
