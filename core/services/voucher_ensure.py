"""Bringing one voucher on one router to where it is desired. Safe to repeat, at any point.

Add first: the name is the key. What an earlier try left, by a reply that was lost, is met as a user
of that name with our mark, and adopted.
"""

from dataclasses import dataclass
from typing import Any

from core.domain.routers import HotspotUser, NewUser, UserChange, UserRef
from core.domain.vouchers import Desired, OnRouter, comment_of, mark_of, wanted_on_router
from core.kit import crash
from core.ports.hotspot import Done, HotspotRouter, Lane, Outcome, Refusal, Refused, Unknown
from core.ports.router_ops import Fared, Task


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a task.

    Attributes:
        refused: The refusal, where that is what became of it.
    """

    fared: Fared
    error: str = ""
    refused: Refused | None = None


_APPLIED = Ended(Fared.APPLIED)
_VANISHED = Ended(Fared.AGAIN, "vanished")  # it was there, and a moment later it was not
_FOREIGN = Ended(Fared.COLLISION, "name_taken")
LOST = "lost"
"""The router has no trace of one that was used: what is left of it is found out by comparing."""
_LOST = Ended(Fared.AGAIN, LOST)
# The account or the way to the router is at fault, not the task: it waits until that is put right.
_NOT_ITS_FAULT = {Refusal.CREDENTIALS, Refusal.UNTRUSTED}


class Ensuring:
    """One task on its router."""

    def __init__(
        self, router: HotspotRouter, server: str, task: Task, code: str, lane: Lane
    ) -> None:
        self._router = router
        self._server = server
        self._task = task
        self._code = code
        self._lane = lane
        self._mark = mark_of(task.voucher_id)

    async def run(self) -> Ended:
        wanted = wanted_on_router(self._task.terms, self._task.base)
        if self._task.desired is Desired.ABSENT or wanted.spent:
            return await self._absent()
        if self._task.used != self._task.base:
            found = await self._router.find_users([self._code], self._lane)
            if not isinstance(found, Done):
                return ended_by(found)
            if not any(self._is_it(user) for user in found.value):
                return _LOST
        ended = await self._present(wanted)
        if ended.fared is Fared.APPLIED and self._task.desired is Desired.DISABLED:
            return ended_by(await self._router.kick(self._code, self._lane))
        return ended

    async def _present(self, wanted: OnRouter) -> Ended:
        if self._task.tries > 1:  # a try that was not answered may have been for want of this
            profile = await self._router.ensure_profile(self._task.terms.profile, self._lane)
            if not isinstance(profile, Done):
                return ended_by(profile)
        added = await self._router.add_user(self._new(wanted), self._lane)
        if isinstance(added, Refused) and added.reason is Refusal.NO_MATCH:
            profile = await self._router.ensure_profile(self._task.terms.profile, self._lane)
            if not isinstance(profile, Done):
                return ended_by(profile)
            added = await self._router.add_user(self._new(wanted), self._lane)
        crash.point("voucher.added")
        if isinstance(added, Refused) and added.reason is Refusal.EXISTS:
            return await self._adopt(wanted)
        ended = ended_by(added)
        if ended.fared is Fared.UNKNOWN:
            seen = await self._adopt(wanted)
            # Not being there yet proves nothing: the order may still be on its way.
            return ended if seen is _VANISHED else seen
        return ended

    async def _adopt(self, wanted: OnRouter) -> Ended:
        """Somebody has the name: us, by this try or an earlier one, or a stranger."""
        found = await self._router.find_users([self._code], self._lane)
        if not isinstance(found, Done):
            # Nothing was changed, and nothing was learned either.
            return Ended(
                Fared.UNKNOWN, _reason(found), found if isinstance(found, Refused) else None
            )
        here = [user for user in found.value if user.server == self._server]
        if not here:
            strangers = any(not user.bears(self._mark) for user in found.value)
            return _FOREIGN if strangers else _VANISHED
        if len(here) > 1:  # no router can have that: nothing of what it says is believed
            return Ended(Fared.UNKNOWN, "garbled")
        [user] = here
        if not user.bears(self._mark):
            return _FOREIGN
        if not differs(user, wanted, self._task.desired):
            return _APPLIED
        return await self._change(wanted)

    async def _change(self, wanted: OnRouter) -> Ended:
        change = UserChange(
            password=self._code,
            profile=wanted.profile,
            comment=comment_of(self._task.voucher_id, self._task.rev),
            uptime_limit_s=wanted.online_limit_s,
            bytes_limit=wanted.data_limit_bytes,
            disabled=self._task.desired is Desired.DISABLED,
        )
        user = self._ref()
        changed = await self._router.change_user(user, change, self._lane)
        if isinstance(changed, Refused) and changed.reason is Refusal.NO_MATCH:
            profile = await self._router.ensure_profile(self._task.terms.profile, self._lane)
            if not isinstance(profile, Done):
                return ended_by(profile)
            changed = await self._router.change_user(user, change, self._lane)
        if isinstance(changed, Refused) and changed.reason is Refusal.MISSING:
            return _VANISHED
        return ended_by(changed)

    async def _absent(self) -> Ended:
        """Gone is gone, whoever took it. A stranger's user of that name is not ours to take."""
        anywhere = UserRef(self._code, "", self._mark)
        removed = await self._router.remove_users([anywhere], self._lane)
        crash.point("voucher.removed")
        return ended_by(removed)

    def _is_it(self, user: HotspotUser) -> bool:
        return user.server == self._server and user.bears(self._mark)

    def _ref(self) -> UserRef:
        return UserRef(self._code, self._server, self._mark)

    def _new(self, wanted: OnRouter) -> NewUser:
        return NewUser(
            name=self._code,
            password=self._code,
            server=self._server,
            profile=wanted.profile,
            comment=comment_of(self._task.voucher_id, self._task.rev),
            uptime_limit_s=wanted.online_limit_s,
            bytes_limit=wanted.data_limit_bytes,
            disabled=self._task.desired is Desired.DISABLED,
        )


def differs(user: HotspotUser, wanted: OnRouter, desired: Desired) -> bool:
    """Whether a user of ours is not as it should be."""
    has = (user.profile, user.uptime_limit_s, user.bytes_limit, user.disabled)
    return has != (
        wanted.profile,
        wanted.online_limit_s,
        wanted.data_limit_bytes,
        desired is Desired.DISABLED,
    )


def ended_by(outcome: Outcome[Any]) -> Ended:
    """What an order's outcome means for its task."""
    match outcome:
        case Done():
            return _APPLIED
        case Unknown(reason):
            return Ended(Fared.UNKNOWN, reason)
        case Refused(Refusal.FOREIGN):
            return _FOREIGN
        case Refused(reason) as refused:
            passes = reason.passes or reason in _NOT_ITS_FAULT
            return Ended(Fared.AGAIN if passes else Fared.BLOCKED, reason.value, refused)


def _reason(outcome: Refused | Unknown) -> str:
    return outcome.reason.value if isinstance(outcome, Refused) else outcome.reason
