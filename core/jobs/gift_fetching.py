"""Shares that still wait though their winner has a PIN: a process died in between."""

import time
from collections.abc import Sequence
from uuid import UUID

from core.kit.clock import Clock
from core.ports.gifts import GiftRooms


class GiftFetching:
    """What a pump leases: everybody of whom that is so, once in a while. Paying is done once."""

    def __init__(self, rooms: GiftRooms, clock: Clock, *, every_s: float = 15.0) -> None:
        self._rooms = rooms
        self._clock = clock
        self._every_s = every_s
        self._next = time.monotonic()

    async def due(self, count: int) -> Sequence[tuple[UUID, UUID]]:
        if time.monotonic() < self._next:
            return ()
        self._next = time.monotonic() + self._every_s
        return await self._rooms.unfetched(count)

    async def run(self, whose: tuple[UUID, UUID]) -> None:
        tenant_id, customer_id = whose
        await self._rooms.registered(tenant_id, customer_id, self._clock.now(), tell=True)
