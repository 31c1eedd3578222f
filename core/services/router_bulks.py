"""Many hotspot users at once: kept, and worked off by a worker, in the lane that can wait.

What is done is remembered user by user, so a worker that dies goes on where it was. A user that is
found made after its reply was lost counts as made.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from uuid import UUID

import structlog

from core.domain.routers import NewUser, UserChange, UserRef
from core.domain.vouchers import is_ours
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Event
from core.ports.hotspot import (
    Done,
    HotspotRouter,
    HotspotRouters,
    Lane,
    Outcome,
    Refusal,
    Refused,
    Unknown,
)
from core.ports.router_upkeep import Bulk, BulkKind, BulkUser, DueBulk, RouterBulks
from core.services.router_control import refuse_mark
from core.services.router_desk import RouterDesk, subject

log = structlog.get_logger()
T = TypeVar("T")

USERS_MAX = 2000
LEASE_S = 300.0
"""Within this a worker shows progress, or another one goes on."""

_TRIES_MAX = 8
_KEPT_EVERY = 10
_PAUSE_S = (2.0, 5.0, 15.0, 30.0, 60.0)


class UnknownBulk(Problem):
    code = "router.bulk_unknown"


class BadBulk(Problem):
    """`fields` says what is wrong."""

    code = "router.bulk_invalid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields=dict(fields))
        self.fields = fields


@dataclass(frozen=True, slots=True)
class _One:
    """What became of one user. `failed` is a short word; `again`: nobody knows or it passes."""

    failed: str = ""
    again: bool = False


class RouterBulkDesk:
    def __init__(
        self, desk: RouterDesk, routers: HotspotRouters, bulks: RouterBulks, clock: Clock
    ) -> None:
        self._desk = desk
        self._routers = routers
        self._bulks = bulks
        self._clock = clock

    async def begin(
        self,
        tenant_id: UUID,
        router_id: UUID,
        kind: BulkKind,
        users: Sequence[BulkUser],
        actor: str,
    ) -> Bulk:
        """Keep it, for a worker to do.

        Raises:
            UnknownRouter: there is none of this id.
            BadBulk: too many users, or two of one name; nothing was kept.
            BadUser: one would look like a voucher.
        """
        await self._desk.show(tenant_id, router_id)
        if not 1 <= len(users) <= USERS_MAX:
            raise BadBulk({"users": f"should be 1 to {USERS_MAX}"})
        if len({user.name for user in users}) < len(users):
            raise BadBulk({"users": "should have a name of its own each"})
        for user in users:
            refuse_mark(user.comment)
        bulk = Bulk(
            id=ids.uuid7(),
            tenant_id=tenant_id,
            router_id=router_id,
            kind=kind,
            total=len(users),
            state="waiting",
            done=0,
            failed={},
            created_at=self._clock.now(),
            created_by=actor,
        )
        facts: dict[str, object] = {"kind": kind.value, "users": len(users)}
        event = Event(subject(router_id), "router.bulk_begun", actor, facts)
        await self._bulks.add(bulk, users, event)
        return bulk

    async def show(self, tenant_id: UUID, router_id: UUID, bulk_id: UUID) -> Bulk:
        """Raises `UnknownBulk`."""
        found = await self._bulks.get(tenant_id, router_id, bulk_id)
        if found is None:
            raise UnknownBulk
        return found

    async def due(self, count: int) -> Sequence[DueBulk]:
        return await self._bulks.due(count, LEASE_S)

    async def work_off(self, due: DueBulk) -> None:
        """Go on where it was, until it is done or the router has to be waited for."""
        bulk, router = due.bulk, due.router
        asked = self._routers.of(router.id, router.access)
        for place, user in enumerate(due.left, bulk.done + 1):
            one = await _do(asked, bulk, user, router.server)
            if one.again and bulk.tries + 1 < _TRIES_MAX:
                await self._later(replace(bulk, tries=bulk.tries + 1))
                return
            failed = {**bulk.failed, place: one.failed} if one.failed else bulk.failed
            bulk = replace(bulk, done=place, failed=failed, tries=0)
            if place % _KEPT_EVERY == 0 and place < bulk.total:
                lease = dt.timedelta(seconds=LEASE_S)
                await self._bulks.progress(bulk, self._clock.now() + lease)
        await self._bulks.progress(bulk, None)
        log.info(
            "router.bulk_done", router=str(router.id), bulk=str(bulk.id), failed=len(bulk.failed)
        )

    async def _later(self, bulk: Bulk) -> None:
        pause_s = _PAUSE_S[min(bulk.tries, len(_PAUSE_S)) - 1]
        await self._bulks.progress(bulk, self._clock.now() + dt.timedelta(seconds=pause_s))


async def _do(asked: HotspotRouter, bulk: Bulk, user: BulkUser, server: str) -> _One:
    if bulk.kind is BulkKind.CREATE:
        return await _create(asked, user, server, tried=bulk.tries > 0)
    found = await asked.find_users([user.name], Lane.BULK)
    if not isinstance(found, Done):
        return _came_to(found)
    if not found.value:
        return _One("" if bulk.kind is BulkKind.REMOVE else "missing")
    if any(is_ours(each) for each in found.value):
        return _One("voucher")
    ref = UserRef(user.name, found.value[0].server, "")
    if bulk.kind is BulkKind.REMOVE:
        return _came_to(await asked.remove_users([ref], Lane.BULK))
    change = UserChange(disabled=bulk.kind is BulkKind.DISABLE)
    return _came_to(await asked.change_user(ref, change, Lane.BULK))


async def _create(asked: HotspotRouter, user: BulkUser, server: str, *, tried: bool) -> _One:
    made = await asked.add_user(
        NewUser(
            user.name,
            user.password,
            server,
            user.profile,
            user.comment,
            user.uptime_limit_s,
            user.bytes_limit,
            user.disabled,
        ),
        Lane.BULK,
    )
    if tried and isinstance(made, Refused) and made.reason is Refusal.EXISTS:
        # Our own, of which the reply was lost, if it is as it was to be.
        found = await asked.find_users([user.name], Lane.BULK)
        if not isinstance(found, Done):
            return _came_to(found)
        alike = any(
            (each.server, each.profile, each.comment) == (server, user.profile, user.comment)
            for each in found.value
        )
        return _One() if alike else _One(Refusal.EXISTS.value)
    return _came_to(made)


def _came_to(outcome: Outcome[T]) -> _One:
    match outcome:
        case Done():
            return _One()
        case Refused(reason=reason):
            return _One(reason.value, again=reason.passes)
        case Unknown(reason=word):
            return _One(f"in_doubt:{word}", again=True)
