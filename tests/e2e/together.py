"""A table of stories that take their time, lived side by side, each judged by its own test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

Ending = TypeVar("Ending")


class Together(Generic[Ending]):
    """Stories under way, by name."""

    def __init__(self, tasks: Mapping[str, asyncio.Task[Ending]]) -> None:
        self._tasks = tasks

    async def end_of(self, name: str) -> Ending:
        """Wait for it; raises what it raised."""
        return await self._tasks[name]


@asynccontextmanager
async def together(
    stories: Mapping[str, Callable[[], Awaitable[Ending]]], *, at_once: int
) -> AsyncIterator[Together[Ending]]:
    """Start all in order, `at_once` at a time; whatever has not ended in the end is cancelled."""
    room = asyncio.Semaphore(at_once)

    async def live(story: Callable[[], Awaitable[Ending]]) -> Ending:
        async with room:
            return await story()

    tasks = {name: asyncio.create_task(live(story), name=name) for name, story in stories.items()}
    try:
        yield Together(tasks)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
