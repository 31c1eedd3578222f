"""What gift rooms need that nobody asks for: their end, reservations that lapse, and the lots."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from core.domain import chance
from core.domain.gifts import Room, seed_alert
from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.ports import Alert, AlertKind, Alerts
from core.ports.gifts import DueDraw, GiftRooms

log = structlog.get_logger()

_ENDED_AT_ONCE = 100
_AGAIN_FIRST_S, _AGAIN_MOST_S = 60.0, 3600.0


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


@dataclass(frozen=True, slots=True)
class _Stuck:
    """A room whose seed was not to be opened, and how long that was put off last."""

    room: Room
    wait_s: float


class GiftDraws:
    """Draws the lots of rooms that are due, by the seed that each was opened with.

    A seed that no key opens is one alert, until it is opened or the room is cancelled. It is tried
    again after a minute, then after twice as long each time, up to an hour.
    """

    def __init__(
        self,
        rooms: GiftRooms,
        keyring: Keyring,
        alerts: Alerts,
        clock: Clock,
        *,
        lease_s: float,
    ) -> None:
        self._rooms = rooms
        self._keyring = keyring
        self._alerts = alerts
        self._stuck: dict[UUID, _Stuck] = {}
        self._clock = clock
        self._lease_s = lease_s

    async def due(self, count: int) -> Sequence[DueDraw]:
        for stuck in tuple(self._stuck.values()):
            room = await self._rooms.get(stuck.room.tenant_id, stuck.room.id)
            if room is None or room.state.final:
                await self._well(stuck.room)
        return await self._rooms.due_draws(count, self._lease_s)

    async def draw(self, due: DueDraw) -> None:
        """Give the shares to the lots; where somebody joined since, the lease brings it back."""
        try:
            seed = bytes.fromhex(self._keyring.decrypt(due.seed_sealed))
        except Unreadable:
            await self._put_off(due)
            return
        winners = chance.draw(seed, due.tickets, due.room.shares)
        drawn = await self._rooms.draw(due, winners, self._clock.now())
        log.info("gifts.drawn", room=str(due.room.id), tickets=due.tickets, done=drawn)
        await self._well(due.room)

    async def _well(self, room: Room) -> None:
        self._stuck.pop(room.id, None)
        await self._alerts.close(room.tenant_id, seed_alert(room))

    async def _put_off(self, due: DueDraw) -> None:
        room, before = due.room, self._stuck.get(due.room.id)
        wait_s = min(2 * before.wait_s, _AGAIN_MOST_S) if before else _AGAIN_FIRST_S
        self._stuck[room.id] = _Stuck(room, wait_s)
        again = self._clock.now() + dt.timedelta(seconds=wait_s)
        await self._alerts.open(
            Alert(
                tenant_id=room.tenant_id,
                kind=AlertKind.GIFT_SEED,
                key=seed_alert(room),
                subject=f"gift {room.code}: no key opens its seed, so its lots cannot be drawn",
                facts={
                    "code": room.code,
                    "tickets": due.tickets,
                    "do": "bring back the secret key it was opened under, or cancel the gift",
                },
            )
        )
        await self._rooms.draw_later(due, again)
