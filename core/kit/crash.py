"""Named points between two writes, where a test may kill the process.

`CALLBOX_CRASH_AT=vend.sent` makes the process end with SIGKILL the first time it passes that point
(`vend.sent:3` the third time). A test that lives in the same process is told by `watched` instead,
and raises what no one catches. Unset, a point costs one comparison.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator

_armed, _, _nth = os.environ.get("CALLBOX_CRASH_AT", "").partition(":")
_left = int(_nth or 1)
_watcher: Callable[[str], None] | None = None


def point(name: str) -> None:
    """Die here, as hard as a power cut, when this point is armed."""
    global _left  # noqa: PLW0603 - a process dies once
    if _watcher is not None:
        _watcher(name)
    if name != _armed:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def watched(by: Callable[[str], None]) -> Iterator[None]:
    """Have every point that is passed told to `by`, which may raise."""
    global _watcher  # noqa: PLW0603 - points are of the process, as their watcher is
    before, _watcher = _watcher, by
    try:
        yield
    finally:
        _watcher = before
