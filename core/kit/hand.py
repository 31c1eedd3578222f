"""Work that the process which wrote it does at once, past the queue that others would take it from.

Who writes work asks for room first and marks it as taken in the same commit; a pump of the same
process serves. Where none does, or it has no room, there is nothing to ask: the queue has it all.
"""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Served_contra = TypeVar("Served_contra", contravariant=True)


class Server(Protocol[Served_contra]):
    """A pump at work."""

    def has_room(self, count: int) -> bool: ...
    def take(self, item: Served_contra) -> None: ...
    def left(self) -> None:
        """Room that was promised is free again."""
        ...


class Hand(Generic[Item]):
    """Between one who writes work and the one pump that does it.

    `promised` counts what was given room and has not come yet: a pump that stops waits for it, for
    once it is written as taken nobody else may do it.
    """

    def __init__(self) -> None:
        self.promised = 0
        self._server: Server[Item] | None = None

    def served_by(self, server: Server[Item] | None) -> None:
        """From now on; None once no more work can be taken."""
        self._server = server

    def promise(self, count: int) -> bool:
        """Whether so many will be taken: then `keep` the promise, whatever happens."""
        if self._server is None or not self._server.has_room(count):
            return False
        self.promised += count
        return True

    def keep(self, promised: int, items: Sequence[Item]) -> None:
        """Give what became of a promise of so many, and let go of the rest of it."""
        self.promised -= promised
        if self._server is None:
            return  # its pump was stopped by force: this work comes due again like all it had
        for item in items:
            self._server.take(item)
        self._server.left()
