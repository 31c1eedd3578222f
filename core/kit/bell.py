"""Wakes whoever waits for work in the same process. Only a hint: pollers find it anyway."""

import asyncio
import contextlib


class Bell:
    """One bell for one who waits: a ring while nobody waits is kept, and wakes the next wait.

    Two who wait on the same bell are both woken, but one that is busy then may miss it.
    """

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout_s: float) -> None:
        """Return when it rings, or after `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), timeout_s)
        self._rung.clear()
