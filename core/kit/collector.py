"""Python's cycle collector, for a process that starts at once and serves people for months."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# So many more objects than were let go since it last looked. What a turn makes is let go by counts
# of references, and a crowd under way would only be looked at again and again.
_YOUNG = 20_000
_OLD = 20
_OLDEST = 50


def settle() -> None:
    """All that was made by now stays: no collection looks through it while people wait."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLD, _OLDEST)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Import much inside: it all stays, so nothing looks through it, then or at the end."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()
