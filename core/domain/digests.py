"""A day of a tenant's business, told in one message."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sum:
    """So many of something, and how much money in all."""

    name: str
    count: int
    total_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Rate:
    """How many vends of a provider ended well, of those that ended; our customers' faults aside."""

    provider: str
    product: str
    delivered: int
    ended: int


@dataclass(frozen=True, slots=True)
class Float:
    """Our money at a provider, as it was last told."""

    provider: str
    minor: int
    currency: str
    at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened since `since`, and how things stand.

    Attributes:
        orders: By state.
        money_in: Payments that were credited, by gateway.
        money_out: Payouts that were paid, by gateway.
        cases: Open ones, by kind.
        alerts: How many are open.
    """

    since: dt.datetime
    until: dt.datetime
    orders: Sequence[Sum]
    money_in: Sequence[Sum]
    money_out: Sequence[Sum]
    rates: Sequence[Rate]
    floats: Sequence[Float]
    cases: Sequence[tuple[str, int]]
    alerts: int
    chats_waiting: int
