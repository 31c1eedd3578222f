"""Passes to pages where a secret is given: in Redis, under a digest of their token.

Who dumps this Redis learns no token, no identity and no secret: the token is kept nowhere, and
what a pass says is sealed. The part in braces keeps a pass and its mark of use on one node of a
Redis Cluster.
"""

import datetime as dt
import secrets
from collections.abc import Awaitable
from typing import Final, TypeVar
from uuid import UUID

import msgspec

from core.domain.unlocking import KeptPass, Pass
from core.kit.crypto import Keyring, Unreadable
from core.ports import Unavailable
from core.store.redis_line import Broken, Line, Refused, Stalled

# 24 random bytes, as 32 letters of URLs.
_TOKEN_BYTES: Final = 24
_TOKEN_CHARS: Final = 32
# Longer than any pass is good for: who comes late is told so in their own language.
_KEPT_S: Final = 900

# KEYS: the counter. ARGV: seconds until it begins anew.
_COUNT: Final = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""

T = TypeVar("T")


class _Sealed(msgspec.Struct):
    tenant: UUID
    channel: UUID
    identity: str
    talk: str
    turn: int
    until: dt.datetime
    language: str


class RedisUnlocks:
    """See `core.ports.chat.Unlocks`."""

    def __init__(self, line: Line, keyring: Keyring) -> None:
        self._line = line
        self._keyring = keyring

    async def issue(self, wanted: Pass) -> str:
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        sealed = _Sealed(
            wanted.tenant_id,
            wanted.channel_id,
            wanted.identity,
            wanted.talk,
            wanted.turn,
            wanted.until,
            wanted.language,
        )
        value = self._keyring.encrypt(msgspec.json.encode(sealed).decode())
        await _asked(self._line("SET", _pass(self._name(token)), value, "EX", _KEPT_S))
        return token

    async def find(self, token: str) -> KeptPass | None:
        if len(token) != _TOKEN_CHARS or not token.isascii():
            return None
        name = self._name(token)
        value, used = await _asked(self._line("MGET", _pass(name), _used(name)))
        opened = self._opened(value) if value is not None else None
        if opened is None:
            return None
        return KeptPass(
            name,
            Pass(
                opened.tenant,
                opened.channel,
                opened.identity,
                opened.talk,
                opened.turn,
                opened.until,
                opened.language,
            ),
            used=used is not None,
        )

    async def use(self, name: str) -> bool:
        # Not asked a second time when the connection breaks: the first try may have used it.
        answer = await _asked(self._line("SET", _used(name), "1", "NX", "EX", _KEPT_S))
        return answer is not None

    async def count(self, what: str, whose: str, within_s: int) -> int:
        key = f"callbox:tries:{{{self._keyring.digest('tries', what, whose)}}}"
        count: int = await _asked(self._line("EVAL", _COUNT, 1, key, within_s))
        return count

    def _name(self, token: str) -> str:
        return self._keyring.digest("unlock", token)

    def _opened(self, value: bytes) -> _Sealed | None:
        """What no present key opens is no pass any more: keys may have been changed."""
        try:
            return msgspec.json.decode(self._keyring.decrypt(value.decode()), type=_Sealed)
        except (Unreadable, UnicodeError, msgspec.DecodeError):
            return None


async def _asked(call: Awaitable[T]) -> T:
    try:
        return await call
    except (Broken, Stalled, Refused) as error:
        raise Unavailable(f"Redis: {error}") from error


def _pass(name: str) -> str:
    return f"callbox:unlock:{{{name}}}"


def _used(name: str) -> str:
    return f"callbox:unlock:{{{name}}}:used"
