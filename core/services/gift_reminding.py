"""Winners who have no PIN yet are reminded once, some hours before their share goes back."""

import math
from typing import Protocol
from uuid import UUID

from core.kit.clock import Clock
from core.ports import NewNotice, Outbox
from core.ports.gifts import DueReminder, GiftRooms

_HOUR_S = 3600


class Dialled(Protocol):
    """See `core.services.gift_sharing.GiftSharing`."""

    async def dial(self, tenant_id: UUID, code: str) -> str: ...


class GiftReminding:
    """What a pump does with each share that is due for it. Safe to repeat."""

    def __init__(self, rooms: GiftRooms, sharing: Dialled, outbox: Outbox, clock: Clock) -> None:
        self._rooms = rooms
        self._sharing = sharing
        self._outbox = outbox
        self._clock = clock

    async def remind(self, due: DueReminder) -> None:
        """By SMS, wherever it was won: who has no PIN may not come back to a chat."""
        now = self._clock.now()
        left_s = (due.reserved_until - now).total_seconds()
        if left_s > 0:
            dial = await self._sharing.dial(due.tenant_id, due.code)
            notice = NewNotice(
                key=f"gift-reminder:{due.room_id}:{due.customer_id}",
                tenant_id=due.tenant_id,
                customer_id=due.customer_id,
                text="notice.gift_reminder" if dial else "notice.gift_reminder.undialled",
                facts={
                    "code": due.code,
                    "amount": due.amount_minor,
                    "currency": due.currency,
                    "hours": max(1, math.floor(left_s / _HOUR_S)),
                    "dial": dial,
                },
            )
            await self._outbox.add(notice, now)
        await self._rooms.reminded(due)
