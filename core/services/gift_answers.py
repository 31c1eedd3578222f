"""Quizzes whose right answer no key opens: told to operators, as a draw's seed is."""

import contextlib
from uuid import UUID

from core.domain.gifts import Room, seed_alert
from core.ports import Alert, AlertKind, Alerts, Unavailable

_KEPT_MAX = 10_000


class GiftAnswers:
    """One alert for each such quiz, until its answer was opened or the room is cancelled."""

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
