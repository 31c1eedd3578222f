"""Identifiers: time-ordered for rows, speakable for people, derived for idempotency.

Rows of a moment that stand together in an index are written for a fraction of what it costs to put
each anywhere. So what is derived may be given the time that its origin carries (`moment`).
"""

import datetime as dt
import hashlib
import os
import re
import secrets
import time
import uuid
from functools import lru_cache

import msgspec
from asyncpg.pgproto import pgproto

# Crockford's base 32: no I, L, O, U, so a code survives being read out over the phone.
SPEAKABLE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTER_OF = bytes(ord(SPEAKABLE[byte & 31]) for byte in range(256))
_DIGIT_OF = str.maketrans(SPEAKABLE, "0123456789abcdefghijklmnopqrstuv")  # what `int` reads
_TIME_LETTERS, _RANDOM_LETTERS = 10, 8
_TIMED_KEY = re.compile(rf"[0-7][{SPEAKABLE}]{{{_TIME_LETTERS + _RANDOM_LETTERS - 1}}}(?=:|\Z)")
_REFERENCE_LETTERS = 16
_NAMESPACE = uuid.UUID("6d0f3c58-2f0b-5a41-9d5e-0ca11b0c5000").bytes
_TIMED = (7, 8)  # the versions of ours that begin with a time
# Where an identifier says of which version and variant it is (RFC 9562).
_VERSION_5, _VERSION_7, _VERSION_8 = (version << 76 | 0b10 << 62 for version in (5, 7, 8))
_NOT_STAMP = ~(0xF << 76 | 0b11 << 62)


class _Randomness:
    """Random bytes, ten at a time, many drawn at once: each drawing is a call of the system.

    None is given twice, whichever thread asks; a forked process begins with none.
    """

    _WIDTH, _AT_ONCE = 10, 128

    def __init__(self) -> None:
        self._drawn: list[bytes] = []
        os.register_at_fork(after_in_child=self._drawn.clear)

    def next(self) -> bytes:
        while True:
            try:
                return self._drawn.pop()
            except IndexError:
                many = secrets.token_bytes(self._WIDTH * self._AT_ONCE)
                self._drawn += [
                    many[at : at + self._WIDTH] for at in range(0, len(many), self._WIDTH)
                ]


_randomness = _Randomness()


def uuid7() -> uuid.UUID:
    """A random identifier that sorts by the time it was made (RFC 9562, version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    return _stamped(milliseconds << 80 | int.from_bytes(_randomness.next()), _VERSION_7)


def timed_key() -> str:
    """A random key that sorts by the time it was made: 18 letters of `SPEAKABLE`.

    A button of a chat has 64 bytes for it and what else it says.
    """
    return _lettered(time.time_ns() // 1_000_000) + speakable(_RANDOM_LETTERS)


@lru_cache(maxsize=16)
def _lettered(milliseconds: int) -> str:
    letters = ""
    for _ in range(_TIME_LETTERS):
        milliseconds, digit = divmod(milliseconds, 32)
        letters = SPEAKABLE[digit] + letters
    return letters


def moment(origin: uuid.UUID | str) -> int | None:
    """The time that an identifier carries, or a `timed_key` alone or before a colon; else None.

    In milliseconds since 1970.
    """
    if isinstance(origin, str):
        if _TIMED_KEY.match(origin) is None:
            return None
        return int(origin[:_TIME_LETTERS].translate(_DIGIT_OF), 32)
    number = origin.int
    return number >> 80 if number >> 76 & 0xF in _TIMED else None


def made_at(identifier: uuid.UUID) -> dt.datetime:
    """When a `uuid7` was made."""
    return dt.datetime.fromtimestamp((identifier.int >> 80) / 1000, dt.UTC)


def derived(*parts: str | uuid.UUID, at: int | None = None) -> uuid.UUID:
    """The same parts give the same identifier: how a repeated effect finds its first run.

    As `uuid.uuid5` would make it of the parts `joined`, which takes twice as long. With `at`, the
    `moment` of what it is derived from, it sorts by that (version 8: 74 bits are of the parts).
    """
    named = _NAMESPACE + joined(*parts).encode()
    if at is None:
        digest = hashlib.sha1(named, usedforsecurity=False).digest()[:16]
        return _stamped(int.from_bytes(digest), _VERSION_5)
    digest = hashlib.blake2b(named, digest_size=10).digest()
    return _stamped(at << 80 | int.from_bytes(digest), _VERSION_8)


def joined(*parts: str | uuid.UUID) -> str:
    """The parts as one text that no other parts give, whatever characters they hold."""
    return "".join(
        [
            f"{len(part)}:{part}" if isinstance(part, str) else f"36:{msgspec.to_builtins(part)}"
            for part in parts
        ]
    )


def reference_of(identifier: uuid.UUID, prefix: str) -> str:
    """Letters and digits only, always the same for an identifier: what others know a row by."""
    number, letters = identifier.int, ""
    for _ in range(_REFERENCE_LETTERS):
        number, digit = divmod(number, 32)
        letters += SPEAKABLE[digit]
    return prefix + letters


def speakable(length: int) -> str:
    """A random code from a cryptographic source; each character carries five bits."""
    drawn = _randomness.next()
    while len(drawn) < length:
        drawn += _randomness.next()
    return drawn[:length].translate(_LETTER_OF).decode()


def _stamped(number: int, stamp: int) -> uuid.UUID:
    """What stands where version and variant belong makes way for them.

    It is a `uuid.UUID` of the driver's kind, as what comes from the database is: cheaper to make,
    to compare and to send. SQLAlchemy infers no type from it.
    """
    return pgproto.UUID((number & _NOT_STAMP | stamp).to_bytes(16))
