"""A voucher between a customer's money and a router: two axes that are never mixed.

Whether it was sold says nothing about whether the router has it, and the other way round. What is
wanted of the router is a third thing: `desired`, with a revision that counts its changes.
"""

import datetime as dt
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from uuid import UUID

from core.domain.hotspot import Router, RouterStatus, Terms
from core.domain.routers import HotspotUser

MARK = "hb1:"
"""How comments of our users on a router begin; whoever's does not is somebody else's."""


class SaleState(StrEnum):
    """Where it stands with whoever pays for it."""

    STOCK = "stock"
    RESERVED = "reserved"  # kept for somebody who is about to pay
    SOLD = "sold"  # paid; the router has not confirmed it yet: it is activating
    DELIVERED = "delivered"  # paid, and it works
    IN_USE = "in_use"  # somebody logged in with it
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"
    CANCELLED = "cancelled"  # never sold, and never will be
    REFUND_DUE = "refund_due"  # it is taken off the router first, then the money goes back
    REFUNDED = "refunded"

    @property
    def over(self) -> bool:
        return self in _OVER

    @property
    def paid(self) -> bool:
        """Somebody paid for it and may expect it to work."""
        return self in _PAID


_OVER = {
    SaleState.EXHAUSTED,
    SaleState.EXPIRED,
    SaleState.CANCELLED,
    SaleState.REFUND_DUE,
    SaleState.REFUNDED,
}
_PAID = {SaleState.SOLD, SaleState.DELIVERED, SaleState.IN_USE}


class SyncState(StrEnum):
    """Where it stands with the router."""

    PENDING = "pending"
    PUSHING = "pushing"
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"  # it was asked for, and no answer came: it may be there
    BLOCKED = "blocked"  # the router refuses; it takes a person
    REMOVING = "removing"
    GONE = "gone"


class Desired(StrEnum):
    PRESENT = "present"
    DISABLED = "disabled"
    ABSENT = "absent"


class Priority(IntEnum):
    """What a router is asked for first. The first three have a lane of their own."""

    VOID = 0  # the money went back already: before anything else
    PAID = 1
    REVOKE = 2
    REFILL = 3
    BULK = 4


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used in all, as far as we saw. A running session counts when it is told of."""

    online_s: int = 0
    data_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Voucher:
    """One voucher as people look at it.

    Attributes:
        code: Whole, for who may see it; lists have `head` and `code_chars` instead, and no code.
        terms: Those it was made with; `plan_code` and `plan_name` likewise.
        owner_id: The customer whose it is; None while nobody has it.
        reference: Of its sale; None when it was not bought by a customer.
        base: What was used before the router's counters began; `used` is all.
        batch_id: Of the batch that operators sell themselves, on cards; None when it is of none.
        desired_rev, applied_rev: What is wanted last, and what the router last had.
        error: Why the router does not have it, a short stable word; "" when nothing is wrong.
    """

    id: UUID
    tenant_id: UUID
    router_id: UUID
    plan_code: str
    plan_name: str
    terms: Terms
    price_minor: int
    currency: str
    head: str
    code_chars: int
    sale_state: SaleState
    sync_state: SyncState
    desired: Desired
    desired_rev: int
    applied_rev: int
    created_at: dt.datetime
    used: Usage = field(default_factory=Usage)
    base: Usage = field(default_factory=Usage)
    code: str | None = field(default=None, repr=False)
    owner_id: UUID | None = None
    batch_id: UUID | None = None
    serial: int | None = None
    reference: str | None = None
    sold_at: dt.datetime | None = None
    first_login_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    observed_at: dt.datetime | None = None
    error: str = ""

    def is_for(self, customer_id: UUID) -> bool:
        """This customer may be told of it: its owner; of a card that nobody owns, whoever asks.

        What waits unsold on a router is in nobody's hands, so nobody may ask about it.
        """
        return self.owner_id == customer_id or (self.owner_id is None and self.batch_id is not None)

    @property
    def left(self) -> Usage:
        """Time and data left; 0 of what has no limit or is used up. See `terms` for which."""
        return Usage(
            max(0, self.terms.online_s - self.used.online_s),
            max(0, self.terms.data_bytes - self.used.data_bytes),
        )


def mark_of(voucher_id: UUID) -> str:
    """What tells our user from others on a router: the voucher's random half, no secret."""
    return MARK + voucher_id.hex[-12:]


def comment_of(voucher_id: UUID, rev: int) -> str:
    """The comment of its user. ASCII, and no number or code: comments are in every export."""
    return f"{mark_of(voucher_id)}:r{rev}"


def is_ours(user: HotspotUser) -> bool:
    return user.bears(MARK)


@dataclass(frozen=True, slots=True)
class OnRouter:
    """The user that a router should have. Limits are what is left of the voucher's terms.

    Attributes:
        spent: Nothing is left: it must not be made again, as a limit of 0 would be none at all.
    """

    profile: str
    online_limit_s: int
    data_limit_bytes: int
    spent: bool


def wanted_on_router(terms: Terms, base: Usage) -> OnRouter:
    """`base` is what was used before the router's own counters began."""
    online_s, data = terms.online_s - base.online_s, terms.data_bytes - base.data_bytes
    spent = (terms.online_s > 0 >= online_s) or (terms.data_bytes > 0 >= data)
    return OnRouter(
        terms.profile.name,
        online_s if terms.online_s else 0,
        data if terms.data_bytes else 0,
        spent,
    )


class Selling(StrEnum):
    """What a customer is told before paying, by how the router is."""

    READY = "ready"  # works at once
    SOON = "soon"  # activates within minutes
    CONSENT = "consent"  # the router is away: it works when that is back; may be given back before
    FULL = "full"  # too many are on it
    CLOSED = "closed"  # not sold here now

    @property
    def sells(self) -> bool:
        return self in {Selling.READY, Selling.SOON, Selling.CONSENT}


SHORT_ABSENCE = dt.timedelta(minutes=2)
"""A router that is away for less is expected back at once."""

STOCK_ABSENCE = dt.timedelta(days=1)
"""One out of our reach may serve whoever is there; after so long nobody knows whether it does."""


def selling_of(router: Router, stock: int, now: dt.datetime) -> Selling:
    """How a plan sells at a router that has `stock` of it, confirmed and unsold."""
    if not router.selling or router.status is RouterStatus.NEEDS_ATTENTION:
        return Selling.CLOSED
    if router.full:
        return Selling.FULL
    if router.status.reachable:
        return Selling.READY if stock else Selling.SOON
    away = dt.timedelta.max if router.status_since is None else now - router.status_since
    if stock and away <= STOCK_ABSENCE:
        return Selling.READY
    return Selling.SOON if away <= SHORT_ABSENCE else Selling.CONSENT
