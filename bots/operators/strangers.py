"""People who are no operators: one polite line now and then, and a code they may have."""

import time

_ONE_LINE_EVERY_S = 3600.0
_LINES_A_MINUTE = 20
_CODES_AN_HOUR = 5
_KEPT_MAX = 10_000


class Strangers:
    """Counts in memory: one process answers, and forgetting costs a line more."""

    def __init__(self) -> None:
        self._answered: dict[int, float] = {}
        self._codes: dict[int, list[float]] = {}
        self._lines: list[float] = []

    def may_hear(self, user_id: int) -> bool:
        """Whether they get their line now."""
        now = time.monotonic()
        if now < self._answered.get(user_id, 0.0):
            return False
        self._lines = [at for at in self._lines if at > now - 60]
        if len(self._lines) >= _LINES_A_MINUTE:
            return False
        self._lines.append(now)
        if len(self._answered) >= _KEPT_MAX:
            self._answered.clear()
        self._answered[user_id] = now + _ONE_LINE_EVERY_S
        return True

    def may_try_code(self, user_id: int) -> bool:
        """Whether a code of theirs is looked at."""
        now = time.monotonic()
        tried = [at for at in self._codes.get(user_id, ()) if at > now - 3600]
        if len(tried) >= _CODES_AN_HOUR:
            return False
        if len(self._codes) >= _KEPT_MAX:
            self._codes.clear()
        self._codes[user_id] = [*tried, now]
        return True
