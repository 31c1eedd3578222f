"""Vouchers kept by something else than their router: a RADIUS server that all routers ask."""

import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

from core.domain.vouchers import Desired, SyncState, wanted_on_router
from core.ports.hotspot import Outcome
from core.ports.router_ops import Compared, Expected, RouterLease, Snapshot, Task
from core.ports.voucher_backend import Login, LoginUse, VoucherBackend


def login_of(lease: RouterLease, wanted: Task | Expected, code: str) -> Login:
    return Login(wanted.voucher_id, lease.router_id, wanted.rev, code, wanted.terms, wanted.base)


async def bring(keeper: VoucherBackend, login: Login, desired: Desired) -> Outcome[None]:
    """Bring one voucher to where it is desired."""
    orders = {
        Desired.PRESENT: keeper.put,
        Desired.DISABLED: keeper.disable,
        Desired.ABSENT: keeper.remove,
    }
    return await orders[desired](login)


def counted(
    expected: Sequence[Expected], found: Mapping[UUID, LoginUse], started_at: dt.datetime
) -> Compared:
    """What its counters come to, and what it lost.

    A keeper counts on by itself: what it lost, or keeps in an older way, is put there again, and
    nothing is taken off twice.
    """
    lost, used = [], []
    for one in expected:
        use = found.get(one.voucher_id)
        if use is None or use.stale:
            known = one.sync_state is SyncState.CONFIRMED and one.desired is not Desired.ABSENT
            if known and not one.owed:
                lost.append(one.voucher_id)
        if use is None:
            continue
        logged_in = one.logged_in or use.first_login_at is not None or use.online > 0
        over = wanted_on_router(one.terms, use.used).spent and not use.online
        if over or (use.used, logged_in) != (one.used, one.logged_in):
            used.append(Snapshot(one.voucher_id, use.used, logged_in, over))
    return Compared(started_at, differing=lost, used=used)
