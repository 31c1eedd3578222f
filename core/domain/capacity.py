"""When a router fills up: a straight line through the highest figure of each day. Pure.

It says no more than that: what grew as it did lately, and goes on so. Weekends, holidays and a new
mast next door are not in it.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from core.kit.counts import counted

DAYS_MIN = 5
"""With fewer days than this there is no line worth drawing."""

DAYS_USED = 28
_DAYS_AHEAD_MAX = 365


class Outlook(StrEnum):
    UNLIMITED = "unlimited"  # there is no limit to reach
    TOO_EARLY = "too_early"  # too few days were seen
    FULL = "full"  # it was reached on the last day
    FILLING = "filling"
    STEADY = "steady"  # it does not grow, or not to the limit within a year


@dataclass(frozen=True, slots=True)
class Peak:
    """The highest figure of a day."""

    day: dt.date
    value: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the line says.

    Attributes:
        a_day: How much the highest figure of a day grows by, each day.
        days_left: From the last day seen until the line meets the limit; None where it does not.
        on: That day.
        fit: How well the line tells the days apart: 1 is exactly, 0 not at all.
        days_seen: How many days it was drawn through.
    """

    outlook: Outlook
    a_day: float = 0.0
    days_left: float | None = None
    on: dt.date | None = None
    fit: float = 0.0
    days_seen: int = 0


def forecast(peaks: Sequence[Peak], limit: float | None) -> Forecast:
    """When the highest figure of a day reaches `limit`. Days may be missing, in any order."""
    if not limit:
        return Forecast(Outlook.UNLIMITED)
    days = sorted(peaks, key=lambda peak: peak.day)[-DAYS_USED:]
    if days and days[-1].value >= limit:
        return Forecast(Outlook.FULL, days_left=0, on=days[-1].day, days_seen=len(days))
    if len(days) < DAYS_MIN:
        return Forecast(Outlook.TOO_EARLY, days_seen=len(days))
    slope, level, fit = _line([(peak.day.toordinal(), peak.value) for peak in days])
    last = days[-1].day
    steady = Forecast(Outlook.STEADY, round(slope, 3), fit=round(fit, 3), days_seen=len(days))
    if slope <= 0:
        return steady
    left = max(0.0, (limit - (level + slope * last.toordinal())) / slope)
    if left > _DAYS_AHEAD_MAX:
        return steady
    on = last + dt.timedelta(days=round(left))
    return replace(steady, outlook=Outlook.FILLING, days_left=round(left, 1), on=on)


def _line(points: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """Slope, level at 0 and fit of the straight line with the least squares."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    across = sum((x - mean_x) ** 2 for x, _ in points)
    along = sum((y - mean_y) ** 2 for _, y in points)
    both = sum((x - mean_x) * (y - mean_y) for x, y in points)
    if not across:
        return 0.0, mean_y, 0.0
    slope = both / across
    return slope, mean_y - slope * mean_x, both**2 / (across * along) if along else 0.0


def in_words(what: str, told: Forecast, limit: str) -> str:
    """One plain sentence. `what` is like `active users`, `limit` the limit with its unit."""
    match told.outlook:
        case Outlook.UNLIMITED:
            return f"No limit is set for {what}."
        case Outlook.TOO_EARLY:
            return (
                f"{counted(told.days_seen, 'day')} of {what} seen so far: "
                f"a forecast needs {DAYS_MIN} at least."
            )
        case Outlook.FULL:
            return f"The limit of {limit} for {what} was reached on {told.on}."
        case Outlook.STEADY:
            return (
                f"By a straight line through the busiest moment of each of {told.days_seen} days, "
                f"{what} do not reach {limit} within a year."
            )
        case Outlook.FILLING:
            return (
                f"By a straight line through the busiest moment of each of {told.days_seen} days, "
                f"{what} reach {limit} around {told.on}, "
                f"in {counted(max(round(told.days_left or 0), 1), 'day')}."
            )
