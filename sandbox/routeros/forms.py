"""How RouterOS writes values, and how it reads what it is given."""

import datetime as dt
import re

from sandbox.routeros.refusals import Trap

_UNITS = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_LETTERS = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", re.ASCII)
_COLONS = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?\s?(\d{1,2}):(\d\d):(\d\d)", re.ASCII)
_SIZES = {"": 1, "k": 1024, "M": 1024**2, "G": 1024**3}
_SIZE = re.compile(r"(\d{1,18})([kMG]?)", re.ASCII)


def seconds(text: str, name: str) -> int:
    """`1d2h`, `02:00:00`, `1d02:00:00` or plain seconds; raises `Trap` for anything else."""
    for form in (_COLONS, _LETTERS):
        if text and (found := form.fullmatch(text)):
            return sum(
                int(part or 0) * unit
                for part, unit in zip(found.groups(), _UNITS.values(), strict=True)
            )
    raise Trap(f"invalid time value for argument {name}", 1)


def duration(total: float, *, colons: bool) -> str:
    """`1w2d3h4m5s` without what is nothing, `0s` for none; or `1w2d03:04:05`."""
    left = int(total)
    parts = {}
    for letter, unit in _UNITS.items():
        parts[letter], left = divmod(left, unit)
    if colons:
        long = "".join(f"{parts[letter]}{letter}" for letter in "wd" if parts[letter])
        return f"{long}{parts['h']:02}:{parts['m']:02}:{parts['s']:02}"
    return "".join(f"{count}{letter}" for letter, count in parts.items() if count) or "0s"


def size(text: str, name: str) -> int:
    """Bytes, also as `10M`; raises `Trap` for anything else."""
    if found := _SIZE.fullmatch(text):
        return int(found[1]) * _SIZES[found[2]]
    raise Trap(f"invalid value for argument {name}", 1)


def truth(text: str, name: str) -> bool:
    """Raises `Trap` where it is neither yes nor no."""
    if text in {"yes", "true"}:
        return True
    if text in {"no", "false"}:
        return False
    raise Trap(f"invalid value for argument {name}", 1)


def date(at: dt.datetime, *, iso: bool) -> str:
    """ISO since 7.10; `jul/14/2023` before."""
    return f"{at:%Y-%m-%d}" if iso else f"{at:%b}".lower() + f"{at:/%d/%Y}"


def offset(zone: dt.timedelta) -> str:
    """`+03:00`."""
    minutes = int(zone.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
