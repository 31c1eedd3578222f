"""What was logged, for tests. A worker's tests share one process: each asks for its own lines."""

from collections.abc import Iterable, MutableMapping
from typing import Any


def events(lines: Iterable[MutableMapping[str, Any]], of: str) -> list[str]:
    """The events of one subject, such as `ussd`, in the order in which they were logged."""
    return [line["event"] for line in lines if line["event"].startswith(of + ".")]
