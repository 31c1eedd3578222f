"""Where a person stands, as it is kept between their turns."""

import hashlib
from uuid import UUID

import msgspec

from core.engine.conversation import Conversation

SERVED_KEPT = 16
"""A talk hands out eight messages at a time (`inbox_claim`), those that came first: one that was
run and not shown comes again after no more than a few that were written before it."""

_SHORT_BYTES = 8


class Overtaken(Exception):
    """Somebody else moved this conversation on; look again."""


class Estranged(Exception):
    """The person is not the customer any more whom the conversation was begun with."""


class Record(msgspec.Struct, omit_defaults=True):
    """What is kept of one person on one channel. Holds no secret: `mark` is a keyed digest.

    `served` are, in a chat, digests of the marks before it, the latest last: what comes again there
    is not run again, whatever came in between.

    `customer` is None for a stranger: nobody has vouched for their number yet. `wanted`, with
    `given`, is the shortcut that a link, or a code typed alone, led them to: it is entered once
    they have come through the door. `told` names the news that were told last: nobody reads them
    twice.
    """

    session: str
    mark: str
    conversation: Conversation
    customer: UUID | None
    language: str = "en"
    reply: str = ""
    ends: bool = False
    acting_at: float = 0.0
    lapsed: bool = False
    touched_at: float = 0.0
    committed: bool = False
    network_hint: str | None = None
    wanted: str = ""
    given: dict[str, str] = {}
    told: str = ""
    served: tuple[str, ...] = ()

    def served_before(self, mark: str) -> bool:
        """Whether this request was served, and others since."""
        return _short(mark) in self.served

    def served_with_last(self) -> tuple[str, ...]:
        """All that were served, once another one is."""
        if not self.mark:
            return self.served
        return (*self.served, _short(self.mark))[-SERVED_KEPT:]

    def now_serves(self, mark: str) -> None:
        """Another request of a chat is served, unless it was before."""
        if mark != self.mark and not self.served_before(mark):
            self.served = self.served_with_last()
            self.mark = mark


def _short(mark: str) -> str:
    return hashlib.blake2b(mark.encode(), digest_size=_SHORT_BYTES).hexdigest()
