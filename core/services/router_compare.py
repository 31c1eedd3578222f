"""Comparing what is on a router with the books. Pure: users and books in, differences out."""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from core.domain.routers import ActiveSession, HotspotUser, UserRef
from core.domain.vouchers import (
    MARK,
    Desired,
    SyncState,
    Usage,
    is_ours,
    mark_of,
    wanted_on_router,
)
from core.ports.router_ops import Compared, Expected, Snapshot
from core.services.voucher_ensure import differs

_MARK_CHARS = len(MARK) + 12
# So many of our users must be gone at once before a router counts as reset.
_RESET_MIN = 20
# No more than this part of our users is removed without a person; a handful always is.
_REMOVED_MAX = 0.3
_REMOVED_ALWAYS = 10


@dataclass(frozen=True, slots=True)
class OnTheRouter:
    """What was read of a router, in this order, after `started_at`."""

    started_at: dt.datetime
    serial: str
    users: Sequence[HotspotUser]
    sessions: Sequence[ActiveSession]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be booked, and what people should know.

    Attributes:
        foreign: Users that are not ours: never touched.
        strays: Users with a mark that the books do not know there: never touched either.
        rolled_back: Vouchers whose counters went back, as after a power cut: what is left on the
            router is honoured.
        held_back: Users that should go, but are too many to take without a person.
        copies: Users of ours on another hotspot server than vouchers are made for, of which the
            right one is there as well: they are to go.
    """

    booked: Compared
    foreign: int = 0
    strays: int = 0
    rolled_back: int = 0
    held_back: int = 0
    copies: Sequence[UserRef] = ()


def unexpected(users: Sequence[HotspotUser], expected: Sequence[Expected]) -> list[str]:
    """The names of users that bear our mark, and of whose voucher we do not expect it."""
    marks = {mark_of(one.voucher_id) for one in expected}
    return [
        user.name for user in users if is_ours(user) and user.comment[:_MARK_CHARS] not in marks
    ]


def misplaced(users: Sequence[HotspotUser], server: str) -> bool:
    """Some of ours are on another hotspot server than vouchers are made for."""
    return any(is_ours(user) and user.server != server for user in users)


def compare(
    expected: Sequence[Expected],
    found: OnTheRouter,
    server: str,
    serial_before: str,
    code_of: Callable[[Expected], str | None],
    let_go: int = 0,
) -> Comparison:
    """Each voucher beside its user. `code_of` opens a voucher's code; None where nobody can.

    `let_go`: how many users may be removed at once because an operator said so.
    """
    by_mark = {mark_of(one.voucher_id): one for one in expected}
    apart = _told_apart(found.users, by_mark, server, code_of)
    running = _running(found.sessions)
    all_in_all = _Differences()
    for one in expected:
        if one.voucher_id in apart.unreadable:
            continue
        user, others = apart.theirs.get(one.voucher_id), apart.elsewhere[one.voucher_id]
        if user is not None:
            all_in_all.there(one, user, running[user.name], others)
        elif others:
            all_in_all.elsewhere(one, others[0], running[others[0].name])
        elif one.desired is not Desired.ABSENT:
            all_in_all.nowhere(one)
    theirs, lost = len(apart.theirs), all_in_all.lost
    held_back = _too_many(len(all_in_all.extra), theirs, let_go)
    replaced = bool(serial_before) and found.serial not in ("", serial_before)
    return Comparison(
        Compared(
            started_at=found.started_at,
            missing=all_in_all.missing,
            differing=all_in_all.differing,
            extra=() if held_back else all_in_all.extra,
            used=all_in_all.used,
            serial=found.serial or serial_before,
            reset=bool(lost) and not theirs and (replaced or lost > _RESET_MIN),
        ),
        apart.foreign,
        apart.strays,
        all_in_all.rolled_back,
        held_back,
        all_in_all.copies,
    )


@dataclass(slots=True)
class _Differences:
    """What a comparison comes to, voucher by voucher."""

    missing: list[UUID] = field(default_factory=list)
    differing: list[UUID] = field(default_factory=list)
    extra: list[UUID] = field(default_factory=list)
    used: list[Snapshot] = field(default_factory=list)
    copies: list[UserRef] = field(default_factory=list)
    lost: int = 0
    rolled_back: int = 0

    def there(
        self, one: Expected, user: HotspotUser, running: Usage, others: Sequence[HotspotUser]
    ) -> None:
        mark = mark_of(one.voucher_id)
        self.copies += [UserRef(other.name, other.server, mark) for other in others]
        snapshot = _snapshot(one, user, running)
        self.rolled_back += snapshot.used.online_s < one.used.online_s
        if snapshot.over or (snapshot.used, snapshot.logged_in) != (one.used, one.logged_in):
            self.used.append(snapshot)
        if one.owed:
            return
        if one.desired is Desired.ABSENT:
            self.extra.append(one.voucher_id)
        elif differs(user, wanted_on_router(one.terms, one.base), one.desired):
            self.differing.append(one.voucher_id)

    def elsewhere(self, one: Expected, user: HotspotUser, running: Usage) -> None:
        """It was made while our hotspot server had another name: what it counted there counts."""
        if one.owed:
            return
        if one.desired is Desired.ABSENT:
            self.extra.append(one.voucher_id)
            return
        snapshot = _snapshot(one, user, running)
        self.used.append(snapshot)
        if not snapshot.over:
            self.missing.append(one.voucher_id)

    def nowhere(self, one: Expected) -> None:
        self.lost += one.sync_state is SyncState.CONFIRMED
        if wanted_on_router(one.terms, one.used).spent:
            self.used.append(Snapshot(one.voucher_id, one.used, one.logged_in, over=True))
        elif one.sync_state is not SyncState.BLOCKED:
            self.missing.append(one.voucher_id)


@dataclass(slots=True)
class _Apart:
    """Users by whose they are: ours by voucher, on the right server and elsewhere, and others."""

    theirs: dict[UUID, HotspotUser] = field(default_factory=dict)
    elsewhere: defaultdict[UUID, list[HotspotUser]] = field(
        default_factory=lambda: defaultdict(list)
    )
    unreadable: set[UUID] = field(default_factory=set)
    foreign: int = 0
    strays: int = 0


def _told_apart(
    users: Sequence[HotspotUser],
    by_mark: Mapping[str, Expected],
    server: str,
    code_of: Callable[[Expected], str | None],
) -> _Apart:
    """A copy that somebody made of a user has its comment as well, but not its name."""
    apart = _Apart()
    for user in users:
        if not is_ours(user):
            apart.foreign += 1
            continue
        one = by_mark.get(user.comment[:_MARK_CHARS])
        code = None if one is None else code_of(one)
        if one is not None and code is None:
            apart.unreadable.add(one.voucher_id)
        elif one is None or user.name != code:
            apart.strays += 1
        elif user.server == server:
            apart.theirs[one.voucher_id] = user
        else:
            apart.elsewhere[one.voucher_id].append(user)
    return apart


def _running(sessions: Sequence[ActiveSession]) -> Mapping[str, Usage]:
    """What sessions under way have used, by user: it reaches the user's counters at their end."""
    sums: defaultdict[str, Usage] = defaultdict(Usage)
    for session in sessions:
        before = sums[session.user]
        sums[session.user] = Usage(
            before.online_s + max(1, session.uptime_s),
            before.data_bytes + session.bytes_in + session.bytes_out,
        )
    return sums


def _snapshot(one: Expected, user: HotspotUser, running: Usage) -> Snapshot:
    counted = Usage(
        one.base.online_s + user.uptime_s, one.base.data_bytes + user.bytes_in + user.bytes_out
    )
    used = Usage(counted.online_s + running.online_s, counted.data_bytes + running.data_bytes)
    over = wanted_on_router(one.terms, counted).spent
    return Snapshot(one.voucher_id, used, one.logged_in or used != one.base, over)


def _too_many(extra: int, ours: int, let_go: int) -> int:
    return extra if extra > max(_REMOVED_ALWAYS, ours * _REMOVED_MAX, let_go) else 0
