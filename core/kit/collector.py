"""Python's cycle collector, for a process that serves people for months."""

import gc

# So many more objects than were let go since it last looked. What a turn makes is let go by counts
# of references, and a crowd under way would only be looked at again and again.
_YOUNG = 20_000
_OLD = 20
_OLDEST = 50


def settle() -> None:
    """All that was made by now stays: no collection looks through it while people wait."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _OLD, _OLDEST)
