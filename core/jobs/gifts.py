"""What gift rooms need that nobody asks for: their end, reservations that lapse, and the lots."""

from collections.abc import Sequence

import structlog

from core.domain import chance
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports.gifts import DueDraw, GiftRooms

log = structlog.get_logger()

_ENDED_AT_ONCE = 100


class GiftEnds:
    """What a pump leases: looking for rooms and reservations whose time is over, all the time."""

    def __init__(self, rooms: GiftRooms, clock: Clock) -> None:
        self._rooms = rooms
        self._clock = clock

    async def due(self, _count: int) -> Sequence[int]:
        """How many were ended, if any; nothing is left to do with them."""
        ended = await self._rooms.expire(_ENDED_AT_ONCE, self._clock.now())
        return (ended,) if ended else ()

    async def note(self, ended: int) -> None:
        log.info("gifts.ended", count=ended)


class GiftDraws:
    """Draws the lots of rooms that are due, by the seed that each was opened with."""

    def __init__(self, rooms: GiftRooms, keyring: Keyring, clock: Clock, *, lease_s: float) -> None:
        self._rooms = rooms
        self._keyring = keyring
        self._clock = clock
        self._lease_s = lease_s

    async def due(self, count: int) -> Sequence[DueDraw]:
        return await self._rooms.due_draws(count, self._lease_s)

    async def draw(self, due: DueDraw) -> None:
        """Give the shares to the lots; where somebody joined since, the lease brings it back."""
        seed = bytes.fromhex(self._keyring.decrypt(due.seed_sealed))
        winners = chance.draw(seed, due.tickets, due.room.shares)
        drawn = await self._rooms.draw(due, winners, self._clock.now())
        log.info("gifts.drawn", room=str(due.room.id), tickets=due.tickets, done=drawn)
