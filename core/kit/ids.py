"""Identifiers: time-ordered for rows, speakable for people, derived for idempotency."""

import datetime as dt
import hashlib
import os
import secrets
import time
import uuid

import msgspec

# Crockford's base 32: no I, L, O, U, so a code survives being read out over the phone.
SPEAKABLE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LETTER_OF = bytes(ord(SPEAKABLE[byte & 31]) for byte in range(256))
_REFERENCE_LETTERS = 16
_NAMESPACE = uuid.UUID("6d0f3c58-2f0b-5a41-9d5e-0ca11b0c5000").bytes
# Where an identifier says of which version and variant it is (RFC 9562).
_STAMP = 0xF << 76 | 0b11 << 62


class _Randomness:
    """Random bytes for `uuid7`, many drawn at once: each drawing is a call of the system.

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
    return _stamped(milliseconds << 80 | int.from_bytes(_randomness.next()), version=7)


def made_at(identifier: uuid.UUID) -> dt.datetime:
    """When a `uuid7` was made."""
    return dt.datetime.fromtimestamp((identifier.int >> 80) / 1000, dt.UTC)


def derived(*parts: str | uuid.UUID) -> uuid.UUID:
    """The same parts give the same identifier: how a repeated effect finds its first run.

    As `uuid.uuid5` would make it of the parts `joined`, which takes twice as long.
    """
    named = _NAMESPACE + joined(*parts).encode()
    digest = hashlib.sha1(named, usedforsecurity=False).digest()
    return _stamped(int.from_bytes(digest[:16]), version=5)


def joined(*parts: str | uuid.UUID) -> str:
    """The parts as one text that no other parts give, whatever characters they hold."""
    texts = [part if isinstance(part, str) else msgspec.to_builtins(part) for part in parts]
    return "".join([f"{len(text)}:{text}" for text in texts])


def reference_of(identifier: uuid.UUID, prefix: str) -> str:
    """Letters and digits only, always the same for an identifier: what others know a row by."""
    number, letters = identifier.int, ""
    for _ in range(_REFERENCE_LETTERS):
        number, digit = divmod(number, 32)
        letters += SPEAKABLE[digit]
    return prefix + letters


def speakable(length: int) -> str:
    """A random code from a cryptographic source; each character carries five bits."""
    return secrets.token_bytes(length).translate(_LETTER_OF).decode()


def _stamped(number: int, *, version: int) -> uuid.UUID:
    """What stands where version and variant belong makes way for them."""
    stamped = number & ~_STAMP | version << 76 | 0b10 << 62
    return msgspec.convert(stamped.to_bytes(16), uuid.UUID)
