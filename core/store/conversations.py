"""Where each person is in a conversation: in Redis, one key per person and channel.

A value is eight bytes of version and then the record, so that a script can compare the version
without reading the rest. Keys carry a digest of the identity: a dump of this Redis is no directory
of customers. The part in braces keeps a person's keys on one node of a Redis Cluster.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, TypeVar
from uuid import UUID

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from core.kit.crypto import Keyring
from core.ports import Stored, Unavailable

TIMEOUT_S = 1.0
"""A customer is waiting: past this an edge says so politely."""

CONNECTIONS_MAX = 64
"""Turns at once in one process that wait for Redis; one more waits for a connection."""

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


@asynccontextmanager
async def open_redis(
    url: str, *, connections_max: int = CONNECTIONS_MAX
) -> AsyncIterator["redis.Redis"]:
    """A client whose pool is made now and closed at the end.

    It has no time limits and no retries of its own: both cost a third of a call, and only the
    caller knows what may be sent twice. RESP 2 is the cheaper one to read.
    """
    pool = redis.BlockingConnectionPool.from_url(
        url,
        max_connections=connections_max,
        timeout=None,
        protocol=2,
        socket_timeout=None,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )
    client = redis.Redis.from_pool(pool)
    try:
        yield client
    finally:
        await client.aclose()


class Conversations:
    """The `ConversationStore` of a running system.

    Losing a race, a conversation that expired and one that was never there are all ordinary; only
    a Redis that cannot be reached in `timeout_s` is `Unavailable`.
    """

    def __init__(
        self, client: "redis.Redis", keyring: Keyring, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._command: Callable[..., Awaitable[Any]] = client.execute_command
        self._timeout_s = timeout_s
        # A turn asks for one key twice; digests would be a tenth of its time.
        self._key = lru_cache(_KEYS_CACHED)(
            lambda channel_id, identity: _key(keyring, channel_id, identity)
        )

    async def ping(self) -> None:
        """Raises `Unavailable` when Redis does not answer."""
        await self._asked(lambda: self._command("PING"))

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

    async def _asked(
        self, call: Callable[[], Awaitable[T]], *, again: Callable[[], Awaitable[T]] | None = None
    ) -> T:
        """Run `call` in time; and `again`, once, where its connection breaks under it."""
        try:
            async with asyncio.timeout(self._timeout_s):
                try:
                    return await call()
                except RedisConnectionError:
                    return await (again or call)()
        except TimeoutError as error:
            raise Unavailable("Redis does not answer in time") from error
        except RedisError as error:
            raise Unavailable(f"Redis is in trouble: {type(error).__name__}") from error

    async def _get(self, key: str) -> bytes | None:
        value: bytes | None = await self._command("GET", key)
        return value

    async def _swap(self, key: str, before: bytes, value: bytes, ttl_s: int) -> bool:
        arguments = (1, key, before, value, ttl_s)
        try:
            swapped = await self._command("EVALSHA", _SWAP_SHA, *arguments)
        except NoScriptError:
            swapped = await self._command("EVAL", _SWAP, *arguments)
        return bool(swapped == 1)

    async def _swap_again(self, key: str, before: bytes, value: bytes, ttl_s: int) -> bool:
        """The first try may have swapped before its connection broke: then our value is there."""
        return await self._swap(key, before, value, ttl_s) or await self._get(key) == value


def _key(keyring: Keyring, channel_id: UUID, identity: str) -> str:
    return f"callbox:conversation:{{{channel_id}:{keyring.digest('conversation', identity)}}}"


def _version(number: int) -> bytes:
    return number.to_bytes(_VERSION_BYTES, "big")
