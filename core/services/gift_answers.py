"""Quizzes whose right answer no key opens: told to operators, as a draw's seed is.

However a room ends, nothing is left to be done about it then.
"""

import contextlib
from typing import Protocol
from uuid import UUID

from core.domain.gifts import Room, room_of_alert, seed_alert
from core.ports import Alert, AlertKind, Alerts, Unavailable
from core.services.alerts import AlertDesk

_KEPT_MAX = 10_000


class GiftAnswers:
    """One alert for each such quiz, until its answer was opened or the room is over."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts
        self._well: set[UUID] = set()

    async def sealed(self, room: Room) -> None:
        """No key opens it: nobody can be told whether they are right."""
        self._well.discard(room.id)
        await self._alerts.open(
            Alert(
                tenant_id=room.tenant_id,
                kind=AlertKind.GIFT_SEED,
                key=seed_alert(room),
                subject=f"gift {room.code}: no key opens its answer, so nobody can open it",
                facts={
                    "code": room.code,
                    "do": "bring back the secret key it was opened under, or cancel the gift",
                },
            )
        )

    async def opened(self, room: Room) -> None:
        """It was opened, by this process or by one before it. What it was opened for stands."""
        if room.id in self._well:
            return
        with contextlib.suppress(Unavailable):
            await self._alerts.close(room.tenant_id, seed_alert(room))
            if len(self._well) >= _KEPT_MAX:
                self._well.clear()
            self._well.add(room.id)


class KnownRooms(Protocol):
    """See `core.ports.gifts.GiftRooms`."""

    async def get(self, tenant_id: UUID, room_id: UUID) -> Room | None: ...


class SeedAlerts:
    """Those that are open: of seeds as of answers."""

    def __init__(self, rooms: KnownRooms, alerts: AlertDesk) -> None:
        self._rooms = rooms
        self._alerts = alerts

    async def let_go(self, tenant_id: UUID) -> None:
        """Close those of rooms that are over."""
        for each in await self._alerts.standing(tenant_id, AlertKind.GIFT_SEED):
            room = await self._rooms.get(tenant_id, room_of_alert(each.key))
            if room is None or room.state.final:
                await self._alerts.close(tenant_id, each.key)
