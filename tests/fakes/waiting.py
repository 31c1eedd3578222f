"""Waiting for a fact instead of a time: as long as it takes, and no longer."""

import asyncio
from collections.abc import Callable


async def until(fact: Callable[[], object], within_s: float = 15.0, every_s: float = 0.002) -> None:
    """Returns once `fact` holds. What never comes to hold fails after `within_s`."""
    async with asyncio.timeout(within_s):
        while not fact():  # noqa: ASYNC110 - any fact may be waited for
            await asyncio.sleep(every_s)
