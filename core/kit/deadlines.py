"""Deadlines by the thousand, of which hardly one is ever met: they share a few timers."""

import asyncio
import contextvars
import math
import time
from collections.abc import Callable
from types import TracebackType

_STEP_S = 0.02


class Deadlines:
    """Calls back when a time has come, or up to `_STEP_S` after it. For one event loop.

    A timer of the loop costs more than most of what is waited for. Here all that fall into one
    step share one, and what is over in time only takes itself out.
    """

    def __init__(self) -> None:
        self._steps: dict[int, set[Deadline]] = {}

    def at(self, until: float, call: Callable[[], object]) -> "Deadline":
        """Have it called at `until` (of `time.monotonic`), unless the deadline is over before."""
        step = math.ceil(until / _STEP_S)
        due = self._steps.get(step)
        if due is None:
            due = self._steps[step] = set()
            # In a context of its own: it is not about whoever came first.
            asyncio.get_running_loop().call_later(
                step * _STEP_S - time.monotonic(), self._come, step, context=contextvars.Context()
            )
        return Deadline(due, call)

    def within(self, seconds: float) -> "Within":
        """As `asyncio.timeout`: what takes longer is cancelled, which raises `TimeoutError`."""
        return Within(self, seconds)

    def _come(self, step: int) -> None:
        for deadline in tuple(self._steps.pop(step)):
            deadline.call()


class Deadline:
    """One of those that fall into a step."""

    __slots__ = ("_due", "call")

    def __init__(self, due: set["Deadline"], call: Callable[[], object]) -> None:
        self._due = due
        self.call = call
        due.add(self)

    def over(self) -> None:
        """Nothing is to be called any more."""
        self._due.discard(self)


class Within:
    """See `Deadlines.within`. A cancelling by others stays one, as `asyncio.timeout` has it."""

    __slots__ = ("_cancelling", "_deadline", "_deadlines", "_late", "_seconds", "_task")

    def __init__(self, deadlines: Deadlines, seconds: float) -> None:
        self._deadlines = deadlines
        self._seconds = seconds
        self._late = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self._deadline = self._deadlines.at(time.monotonic() + self._seconds, self._cut_off)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._deadline.over()
        if not self._late:
            return
        ours = self._task.uncancel() <= self._cancelling
        if ours and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def _cut_off(self) -> None:
        self._late = True
        self._task.cancel()
