"""Deadlines by the thousand, of which hardly one is ever met: they share a few timers."""

import asyncio
import contextvars
import math
import time
from collections.abc import Callable
from types import TracebackType

_STEP_S = 0.02


class Deadlines:
    """Tells when a time has come, or up to `_STEP_S` after it. For one event loop.

    A timer of the loop costs more than most of what is waited for. Here all that fall into one
    step share one, and what is over in time only takes itself out.
    """

    def __init__(self) -> None:
        self._steps: dict[int, set[_Due]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None  # asking for it is a call of the system

    def at(self, until: float, call: Callable[[], object]) -> "Call":
        """Have it called at `until` (of `time.monotonic`), unless that is over before."""
        return Call(self._step(until), call)

    def within(self, seconds: float) -> "Within":
        """As `asyncio.timeout`: what takes longer is cancelled, which raises `TimeoutError`."""
        step = self._step(time.monotonic() + seconds)
        task = asyncio.current_task(self._loop)
        assert task is not None
        return Within(step, task)

    def _step(self, until: float) -> set["_Due"]:
        step = math.ceil(until / _STEP_S)
        due = self._steps.get(step)
        if due is None:
            due = self._steps[step] = set()
            if self._loop is None:
                self._loop = asyncio.get_running_loop()
            # In a context of its own: it is not about whoever came first.
            self._loop.call_later(
                step * _STEP_S - time.monotonic(), self._come, step, context=contextvars.Context()
            )
        return due

    def _come(self, step: int) -> None:
        for due in tuple(self._steps.pop(step)):
            due.come()


class _Due:
    """One of those that fall into a step. It keeps nothing that keeps it: most end here."""

    __slots__ = ("_step",)

    def __init__(self, step: set["_Due"]) -> None:
        self._step = step

    def over(self) -> None:
        """It is not to be told any more."""
        self._step.discard(self)

    def come(self) -> None:
        raise NotImplementedError


class Call(_Due):
    """See `Deadlines.at`."""

    __slots__ = ("_call",)

    def __init__(self, step: set[_Due], call: Callable[[], object]) -> None:
        super().__init__(step)
        self._call = call
        step.add(self)

    def come(self) -> None:
        self._call()


class Within(_Due):
    """See `Deadlines.within`. A cancelling by others stays one, as `asyncio.timeout` has it."""

    __slots__ = ("_cancelling", "_late", "_task")

    def __init__(self, step: set[_Due], task: asyncio.Task[object]) -> None:
        super().__init__(step)
        self._task = task

    def __enter__(self) -> None:
        self._cancelling = self._task.cancelling()
        self._late = False
        self._step.add(self)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.over()
        if not self._late:
            return
        ours = self._task.uncancel() <= self._cancelling
        if ours and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def come(self) -> None:
        self._late = True
        self._task.cancel()
