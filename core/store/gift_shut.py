"""Rooms that have nothing to give: most who come late are refused without asking the database."""

import datetime as dt
import time
from dataclasses import dataclass
from uuid import UUID

from core.domain.gifts import Claimed, Claiming, NewClaim
from core.kit.clock import Clock
from core.store.database import Database

SHUT_FOR_S = 1.0
_PEOPLE_MAX = 20_000
_ROOMS_MAX = 1_000
_NOBODY: frozenset[UUID] = frozenset()


@dataclass(frozen=True, slots=True)
class _Shut:
    """A refusal of anybody but `people`, who have an answer of their own.

    Attributes:
        until_s: By the monotonic clock.
        until: No reservation may lapse before; a share could come back then. None: none is open.
    """

    tenant_id: UUID
    refusal: Claimed
    joined: int
    people: frozenset[UUID]
    until_s: float
    until: dt.datetime | None


class ShutRooms:
    """What full and ended rooms answer for a second at most.

    Exact but for what somebody does to the room itself within that second, like cancelling it: no
    share comes back before its reservation ends, and while none does nobody can join.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._rooms: dict[UUID, _Shut] = {}

    def refusal(self, claim: NewClaim) -> Claimed | None:
        """The answer to somebody who never joined a room that is known to be shut; else None."""
        shut = self._rooms.get(claim.room_id)
        if (
            shut is None
            or claim.customer_id in shut.people
            or claim.tenant_id != shut.tenant_id
            or not self._holds(shut)
        ):
            return None
        return shut.refusal

    async def learn(self, room_id: UUID) -> None:
        """Look at a room that refused somebody, unless it is known to be shut."""
        known = self._rooms.get(room_id)
        if known is not None and self._holds(known):
            return
        until_s = time.monotonic() + SHUT_FOR_S
        rows = await self._database.call(
            "select * from gift_shut($1, $2, $3)",
            room_id,
            -1 if known is None else known.joined,
            _PEOPLE_MAX,
        )
        self._rooms.pop(room_id, None)
        if not rows or rows[0]["result"] is None:
            return
        row = rows[0]
        people = known.people if known is not None else _NOBODY
        if row["people"] is not None:
            people = frozenset(row["people"])
        elif known is None or known.joined != row["joined"]:
            return
        while len(self._rooms) >= _ROOMS_MAX:
            del self._rooms[next(iter(self._rooms))]
        self._rooms[room_id] = _Shut(
            row["tenant_id"],
            Claimed(Claiming(row["result"])),
            row["joined"],
            people,
            until_s,
            row["until"],
        )

    def _holds(self, shut: _Shut) -> bool:
        if time.monotonic() >= shut.until_s:
            return False
        return shut.until is None or self._clock.now() < shut.until
