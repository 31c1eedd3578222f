"""RouterOS's words for values, read and written. Nothing here raises but `Garbled`.

Printed forms differ between versions: `1d2h`, `1d02:00:00`; `2023-07-14` since 7.10, `jul/14/2023`
before (public bug reports); `true` and `yes`. All are read.
"""

import datetime as dt
import re

from core.providers.hotspot.replies import Garbled, Row

_UNITS = (604_800, 86_400, 3600, 60, 1)
_LETTERS = re.compile(
    r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,10})s)?(?:\d{1,3}ms)?",
    re.ASCII,
)
_COLONS = re.compile(r"(?:(\d{1,6})w)?(?:(\d{1,6})d)?(\d{1,6}):(\d\d):(\d\d)", re.ASCII)
_COUNT = re.compile(r"\d{1,20}", re.ASCII)
_COUNT_MAX = 2**60
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_OLD = re.compile(r"([a-z]{3})/(\d\d)/(\d{4})", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_NONE = frozenset({"", "none", "never", "unlimited"})
_TEXT_MAX = 1024


def text(row: Row, name: str) -> str:
    """A text of one line and sane length; empty where the row has none."""
    value = row.get(name, "")
    return value if len(value) <= _TEXT_MAX else value[:_TEXT_MAX]


def needed(row: Row, name: str) -> str:
    """Raises `Garbled` where the row lacks it."""
    value = row.get(name, "")
    if not value or len(value) > _TEXT_MAX:
        raise Garbled(name)
    return value


def count(row: Row, name: str) -> int:
    """A whole number, 0 where the row has none; more than anybody counts is as much as we keep.

    An operator may have set all 64 bits of a limit. A sum of a few such still has room in them.
    """
    value = row.get(name, "")
    if value in _NONE:
        return 0
    if not _COUNT.fullmatch(value):
        raise Garbled(name)
    return min(int(value), _COUNT_MAX)


def truth(row: Row, name: str) -> bool:
    """False where the row has none."""
    match row.get(name, "false"):
        case "true" | "yes":
            return True
        case "false" | "no" | "":
            return False
        case _:
            raise Garbled(name)


def seconds(row: Row, name: str) -> int:
    """A duration; 0 where the row has none."""
    value = row.get(name, "")
    if value in _NONE:
        return 0
    if _COUNT.fullmatch(value):
        return count(row, name)
    found = _COLONS.fullmatch(value) or _LETTERS.fullmatch(value)
    if found is None:
        raise Garbled(name)
    return sum(int(part or 0) * unit for part, unit in zip(found.groups(), _UNITS, strict=True))


def moment(row: Row) -> dt.datetime:
    """The router's clock, aware."""
    date, time = needed(row, "date"), _TIME.fullmatch(needed(row, "time"))
    zone = _OFFSET.fullmatch(row.get("gmt-offset", "+00:00"))
    if time is None or zone is None:
        raise Garbled("clock")
    sign = -1 if zone[1] == "-" else 1
    offset = dt.timedelta(hours=int(zone[2]), minutes=int(zone[3])) * sign
    try:
        year, month, day = _day(date)
        hour, minute, second = (int(part) for part in time.groups())
        return dt.datetime(year, month, day, hour, minute, second, tzinfo=dt.timezone(offset))
    except ValueError:
        raise Garbled("clock") from None


def _day(date: str) -> tuple[int, int, int]:
    if found := _ISO.fullmatch(date):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _OLD.fullmatch(date):
        return int(found[3]), _MONTHS.index(found[1]) + 1, int(found[2])
    raise Garbled("date")


def release(version: str) -> tuple[int, int]:
    """`7.18.2 (stable)` as (7, 18); what is no version as (0, 0)."""
    found = re.match(r"(\d{1,3})\.(\d{1,3})", version, re.ASCII)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def yes(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return "yes" if value else "no"


def attribute(name: str, value: str | int) -> str:
    return f"={name}={value}"
