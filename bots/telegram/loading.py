"""Importing aiogram, which takes two seconds and more than a hundred megabytes.

A process that speaks to no bot never does; one that finds a bot does it then, in a thread, so that
the first customer who writes does not wait for it.
"""

import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bots.telegram.calls import Bots


def loaded() -> "type[Bots]":
    """What makes calls of the Bot API. Imports it at first; not for the event loop's own thread."""
    from bots.telegram.calls import Bots

    # It is here for good: the collector need not look through its half a million objects again and
    # again, with everybody waiting for a quarter of a second.
    gc.freeze()
    return Bots
