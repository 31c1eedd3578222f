"""What a router was asked, kept for those who count."""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

_KEPT = 2000
_MINUTE_S = 60.0
_HIDDEN = ("=password=", "=response=")


class Record:
    """Requests of one router: the last ones in words, all of them counted.

    A request is a sentence that arrived, logins included. `now_s` tells seconds that only grow.
    """

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._minute: deque[float] = deque()
        self.last: deque[tuple[float, Sequence[str]]] = deque(maxlen=_KEPT)
        self.commands: Counter[str] = Counter()
        self.busiest_minute = 0
        self.connections = 0

    def note(self, words: Sequence[str]) -> None:
        now = self._now_s()
        self._minute.append(now)
        while self._minute[0] <= now - _MINUTE_S:
            self._minute.popleft()
        self.busiest_minute = max(self.busiest_minute, len(self._minute))
        self.commands[words[0]] += 1
        self.last.append((now, [_shown(word) for word in words]))

    @property
    def total(self) -> int:
        return self.commands.total()

    def told(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "busiest_minute": self.busiest_minute,
            "connections": self.connections,
            "commands": dict(self.commands),
        }


def _shown(word: str) -> str:
    for hidden in _HIDDEN:
        if word.startswith(hidden):
            return f"{hidden}..."
    return word
