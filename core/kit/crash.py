"""Named points between two writes, where a test may kill the process.

`CALLBOX_CRASH_AT=vend.sent` makes the process end with SIGKILL the first time it passes that point
(`vend.sent:3` the third time). Unset, a point costs one attribute read.
"""

import os
import signal

_armed, _, _nth = os.environ.get("CALLBOX_CRASH_AT", "").partition(":")
_left = int(_nth or 1)


def point(name: str) -> None:
    """Die here, as hard as a power cut, when this point is armed."""
    global _left  # noqa: PLW0603 - a process dies once
    if name != _armed:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
