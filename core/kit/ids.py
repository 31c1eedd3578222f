"""Identifiers: time-ordered for rows, speakable for people, derived for idempotency."""

import datetime as dt
import secrets
import time
import uuid

# Crockford's base 32: no I, L, O, U, so a code survives being read out over the phone.
SPEAKABLE = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LETTERS = 16
_LOW = (1 << 62) - 1
_NAMESPACE = uuid.UUID("6d0f3c58-2f0b-5a41-9d5e-0ca11b0c5000")


def uuid7() -> uuid.UUID:
    """A random identifier that sorts by the time it was made (RFC 9562, version 7)."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(secrets.token_bytes(10))
    high, low = random >> 68, random & _LOW
    return uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def made_at(identifier: uuid.UUID) -> dt.datetime:
    """When a `uuid7` was made."""
    return dt.datetime.fromtimestamp((identifier.int >> 80) / 1000, dt.UTC)


def derived(*parts: str) -> uuid.UUID:
    """The same parts give the same identifier: how a repeated effect finds its first run."""
    return uuid.uuid5(_NAMESPACE, joined(*parts))


def joined(*parts: str) -> str:
    """The parts as one text that no other parts give, whatever characters they hold."""
    return "".join(f"{len(part)}:{part}" for part in parts)


def reference_of(identifier: uuid.UUID, prefix: str) -> str:
    """Letters and digits only, always the same for an identifier: what others know a row by."""
    number, letters = identifier.int, ""
    for _ in range(_REFERENCE_LETTERS):
        number, digit = divmod(number, 32)
        letters += SPEAKABLE[digit]
    return prefix + letters


def speakable(length: int) -> str:
    """A random code from a cryptographic source; each character carries five bits."""
    return "".join(SPEAKABLE[byte & 31] for byte in secrets.token_bytes(length))
