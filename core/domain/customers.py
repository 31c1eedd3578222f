"""Tenants and the people who buy from them."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from core.kit.msisdn import Msisdn

RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Tenant:
    """An operator's business: its country, currency and time zone shape every screen."""

    id: UUID
    key: str
    name: str
    country: str
    currency: str
    time_zone: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Customer:
    """One person of one tenant, known by the number.

    `pin_set` says whether purchases can be confirmed; the hash itself stays in the store.
    """

    id: UUID
    tenant_id: UUID
    msisdn: Msisdn
    language: str
    status: str
    pin_set: bool
    created_at: dt.datetime

    @property
    def released(self) -> bool:
        """The number is somebody else's now, or may be; wallet and history stay this customer's."""
        return self.status == RELEASED


class CodeAsked(StrEnum):
    """What became of the wish for a one-time code."""

    NEW = "new"
    KNOWN = "known"  # this very code was asked for before, and is good
    OVER = "over"  # it was asked for before, and was used, replaced, or is late: it stays so
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class PinState:
    """What checking a PIN needs: the Argon2id hash, wrong tries so far, and the lock."""

    hash: str | None
    tries: int
    locks: int
    locked_until: dt.datetime | None
