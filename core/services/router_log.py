"""A router's log as operators may read it: codes left out, and what warns picked out.

A hotspot writes who logs in, and who is a voucher: `K7QM2XV9TA (10.5.50.9): logged in`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace

from core.domain.routers import LogLine
from core.domain.voucher_codes import without_codes
from core.kit.masking import text as masked

WARNING_TOPICS = frozenset({"warning", "error", "critical"})

_HOTSPOT_USER = re.compile(r"(^|->: )\S+(?= \()")
_HIDDEN = "*****"


def readable(line: LogLine) -> LogLine:
    """Without whatever may be a code, a number or a password."""
    message = line.message
    if "hotspot" in line.topics:
        message = _HOTSPOT_USER.sub(rf"\1{_HIDDEN}", message)
    return replace(line, message=masked(without_codes(message)))


def warns(line: LogLine) -> bool:
    return not WARNING_TOPICS.isdisjoint(line.topics)


def mark_of(line: LogLine) -> str:
    """Names a line of a log, to find it again."""
    told = f"{line.time}\n{','.join(line.topics)}\n{line.message}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def since(lines: Sequence[LogLine], mark: str) -> Sequence[LogLine]:
    """Lines after the one of that mark; all where it is not there any more."""
    for place in range(len(lines) - 1, -1, -1):
        if mark_of(lines[place]) == mark:
            return lines[place + 1 :]
    return lines
