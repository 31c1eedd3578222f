"""What was read lately, read once for all who ask, and served with its age while nobody answers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from core.kit.clock import Clock
from core.ports.hotspot import Done, Outcome, Seen, Unknown

T = TypeVar("T")


class Kept(Generic[T]):
    """One thing that `ask` reads. Many who ask at once wait for one question."""

    def __init__(
        self, ask: Callable[[], Awaitable[Outcome[T]]], keep_s: float, clock: Clock
    ) -> None:
        self._ask = ask
        self._keep_s = keep_s
        self._clock = clock
        self._seen: Seen[T] | None = None
        self._asking: asyncio.Task[Outcome[T]] | None = None

    async def get(self) -> Outcome[Seen[T]]:
        """What is known of it: fresh, or old with the reason why. Nothing known is no answer."""
        if self._seen is not None and self._age_s(self._seen) < self._keep_s:
            return Done(self._seen)
        if self._asking is None:
            self._asking = asyncio.create_task(self._read())
        outcome = await self._shared(self._asking)
        seen = self._seen
        if isinstance(outcome, Done):
            assert seen is not None
            return Done(seen)
        return outcome if seen is None else Done(Seen(seen.value, seen.at, outcome))

    async def _shared(self, asking: asyncio.Task[Outcome[T]]) -> Outcome[T]:
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if not asking.cancelled():
                raise
            return Unknown("closed")  # by `aclose`: whoever waits is not to end with it

    async def aclose(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def _read(self) -> Outcome[T]:
        try:
            outcome = await self._ask()
            if isinstance(outcome, Done):
                self._seen = Seen(outcome.value, self._clock.now())
            return outcome
        finally:
            self._asking = None

    def _age_s(self, seen: Seen[T]) -> float:
        return (self._clock.now() - seen.at).total_seconds()
