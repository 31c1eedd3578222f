"""Why a voucher does not let somebody in: from the books, and from what its router says now."""

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum

from core.domain.hotspot import Router
from core.domain.vouchers import Desired, SaleState, Usage, Voucher


class Finding(StrEnum):
    """What is the matter with a voucher."""

    ACTIVATING = "activating"  # paid, and the router has not confirmed it yet
    TAKEN_BACK = "taken_back"  # off the router first, then the money goes back
    REFUNDED = "refunded"
    USED_UP = "used_up"
    EXPIRED = "expired"
    BLOCKED = "blocked"  # an operator has disabled it
    INACTIVE = "inactive"  # printed, and not switched on by whoever sells it; or taken back unsold
    OFFLINE = "offline"  # its router is away
    MISSING = "missing"  # the router does not know it
    OTHER_DEVICE = "other_device"  # as many as may be are logged in with it
    NOT_STARTED = "not_started"  # good, and nobody has used it yet
    GOOD = "good"  # good, and something is left
    UNCLEAR = "unclear"  # the router could not be asked in time


@dataclass(frozen=True, slots=True)
class Witness:
    """What its router says of a voucher, or whoever else lets it in.

    Attributes:
        known: It would let it in.
        used: What it counted, running sessions included.
        online: Devices that are logged in with it now.
    """

    known: bool
    used: Usage = field(default_factory=Usage)
    online: int = 0


def diagnosed(
    voucher: Voucher, router: Router | None, witness: Witness | None, now: dt.datetime
) -> Finding:
    """The first thing that stands in the way. Without a witness the books speak alone."""
    if found := by_the_books(voucher, now):
        return found
    if witness is None:
        away = router is None or not router.status.reachable
        return Finding.OFFLINE if away else Finding.UNCLEAR
    if not witness.known:
        return Finding.MISSING
    if _spent(voucher, witness.used):
        return Finding.USED_UP
    if witness.online >= voucher.terms.shared_users:
        return Finding.OTHER_DEVICE
    used = voucher.first_login_at or witness.used.online_s or witness.online
    return Finding.GOOD if used else Finding.NOT_STARTED


def by_the_books(voucher: Voucher, now: dt.datetime) -> Finding | None:
    """What needs no router to be known."""
    if found := _OVER.get(voucher.sale_state):
        return found
    if voucher.desired is Desired.DISABLED:
        return Finding.BLOCKED
    if voucher.desired is Desired.ABSENT:
        return Finding.INACTIVE
    if voucher.sale_state is SaleState.SOLD:
        return Finding.ACTIVATING
    if voucher.expires_at is not None and voucher.expires_at <= now:
        return Finding.EXPIRED
    return Finding.USED_UP if _spent(voucher, voucher.used) else None


_OVER = {
    SaleState.EXHAUSTED: Finding.USED_UP,
    SaleState.EXPIRED: Finding.EXPIRED,
    SaleState.CANCELLED: Finding.INACTIVE,
    SaleState.REFUND_DUE: Finding.TAKEN_BACK,
    SaleState.REFUNDED: Finding.REFUNDED,
}


def _spent(voucher: Voucher, used: Usage) -> bool:
    terms = voucher.terms
    return bool(
        (terms.data_bytes and used.data_bytes >= terms.data_bytes)
        or (terms.online_s and used.online_s >= terms.online_s)
    )
