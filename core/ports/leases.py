"""Work that only one process may do at a time."""

from typing import Protocol


class Leases(Protocol):
    """Who does what. A lease that nobody prolongs is free again when its time is over.

    Raises `Unavailable` when the store cannot be reached.
    """

    async def take(self, what: str, holder: str, for_s: float) -> bool:
        """Take a lease, or prolong one's own. False while somebody else has it."""
        ...

    async def give_back(self, what: str, holder: str) -> None:
        """Let somebody else have it at once. Changes nothing for who does not hold it."""
        ...
