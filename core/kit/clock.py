"""The time, asked in one place so that tests can set it."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Tells the time. `now` is always aware and in UTC."""

    def now(self) -> dt.datetime: ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)  # noqa: TID251 - the one place that asks


class SetClock:
    """A clock that a test moves by hand."""

    def __init__(self, at: dt.datetime) -> None:
        self._at = at

    def now(self) -> dt.datetime:
        return self._at

    def advance(self, seconds: float) -> None:
        self._at += dt.timedelta(seconds=seconds)


def utc_now() -> dt.datetime:
    """The machine's time, for code with no clock to ask: log lines, file names."""
    return SystemClock().now()
