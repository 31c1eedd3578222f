"""Why a voucher does not let somebody in: from the books, and from what its router says now."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from core.domain.hotspot import Router
from core.domain.routers import ActiveSession, HotspotUser
from core.domain.vouchers import Desired, SaleState, Voucher


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
    MISSING = "missing"  # the router does not know it, or not as it should
    OTHER_DEVICE = "other_device"  # as many as may be are logged in with it
    NOT_STARTED = "not_started"  # good, and nobody has used it yet
    GOOD = "good"  # good, and something is left
    UNCLEAR = "unclear"  # the router could not be asked in time


@dataclass(frozen=True, slots=True)
class Witness:
    """What its router said of a voucher. `user` is None where it has none of ours by that name."""

    user: HotspotUser | None
    sessions: tuple[ActiveSession, ...] = ()


def diagnosed(
    voucher: Voucher, router: Router | None, witness: Witness | None, now: dt.datetime
) -> Finding:
    """The first thing that stands in the way. Without a witness the books speak alone."""
    if found := by_the_books(voucher, now):
        return found
    if witness is None:
        away = router is None or not router.status.reachable
        return Finding.OFFLINE if away else Finding.UNCLEAR
    user = witness.user
    if user is None or user.disabled:
        return Finding.MISSING
    if _used_up(user, witness.sessions):
        return Finding.USED_UP
    if len(witness.sessions) >= voucher.terms.shared_users:
        return Finding.OTHER_DEVICE
    used = voucher.first_login_at or user.uptime_s or witness.sessions
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
    terms, left = voucher.terms, voucher.left
    if (terms.online_s and not left.online_s) or (terms.data_bytes and not left.data_bytes):
        return Finding.USED_UP
    return None


_OVER = {
    SaleState.EXHAUSTED: Finding.USED_UP,
    SaleState.EXPIRED: Finding.EXPIRED,
    SaleState.CANCELLED: Finding.INACTIVE,
    SaleState.REFUND_DUE: Finding.TAKEN_BACK,
    SaleState.REFUNDED: Finding.REFUNDED,
}


def _used_up(user: HotspotUser, sessions: tuple[ActiveSession, ...]) -> bool:
    """By the router's own counters, which hold nothing of what runs just now."""
    data = user.bytes_in + user.bytes_out + sum(each.bytes_in + each.bytes_out for each in sessions)
    online_s = user.uptime_s + sum(each.uptime_s for each in sessions)
    return bool(
        (user.bytes_limit and data >= user.bytes_limit)
        or (user.uptime_limit_s and online_s >= user.uptime_limit_s)
    )
