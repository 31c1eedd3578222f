"""Who is who: identities on channels, and the customers they lead to."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from core.domain.chat import Moved
from core.domain.customers import Customer
from core.domain.linking import DeepLink, Identity, Linked, Unlinkable, Wish
from core.domain.turns import Channel, Inbound
from core.kit.msisdn import Msisdn
from core.ports.administration import Event
from core.ports.chat import Proposal


class Identities(Protocol):
    """Links of identities to customers. Each change is one commit, with its event.

    An identity that goes ends what it says to a person, and is told nothing more, in that commit.
    """

    async def of(self, customer: Customer) -> Sequence[Identity]:
        """Those that are linked now, the oldest first."""
        ...

    async def taken_off(self, customer: Customer, kind: str, name: str) -> bool:
        """Whether this identity was this customer's and was taken off, whoever has it since."""
        ...

    async def link(self, customer: Customer, wish: Wish, at: dt.datetime) -> Linked | Unlinkable:
        """Let this identity be this customer's. Of two that want to at once, one is first.

        Where somebody uses the wallet already, or another account makes way, its number is told by
        SMS: whoever has it must not find out by chance.
        """
        ...

    async def unlink(
        self, customer: Customer, names: Sequence[tuple[str, str]], event: Event, at: dt.datetime
    ) -> Sequence[Identity]:
        """Take these (kind, name) off; answers which of them were linked until now."""
        ...

    async def moved(
        self,
        customer: Customer,
        channel: Channel,
        moved: Moved,
        before: dt.datetime,
        event: Event,
        at: dt.datetime,
    ) -> Sequence[Identity]:
        """Take off who moved, once however often it is told, and only what was linked `before`.

        With it is noted that somebody else may have come to the number.
        """
        ...

    async def release(
        self, customer: Customer, event: Event, at: dt.datetime
    ) -> Sequence[Identity] | None:
        """Give the number free: its next user is a new customer.

        The old one keeps wallet and history, and is told nothing more. Answers the identities that
        were taken off; None when that was done before.
        """
        ...

    async def changed(self, customer: Customer, at: dt.datetime) -> None:
        """Note that somebody else may have come to this number."""
        ...

    async def changed_at(self, customer: Customer) -> dt.datetime | None:
        """When that was noted last."""
        ...

    async def living(self, tenant_id: UUID, msisdn: Msisdn) -> Customer | None:
        """Whose number this is now, if anybody's."""
        ...


class Links(Protocol):
    """Links that work once. Only a digest of a token is kept."""

    async def keep(self, token_hash: str, link: DeepLink, at: dt.datetime) -> None:
        """Once per digest. Those that are long over are forgotten by the way."""
        ...

    async def find(self, tenant_id: UUID, token_hash: str) -> DeepLink | None:
        """What it leads to, used and late ones included."""
        ...

    async def use(self, link: DeepLink, by: str, at: dt.datetime) -> bool:
        """Use it up. False when another did so before, or it is late.

        The same `by` may do so again: a message that is delivered twice is one.
        """
        ...


class StartWords(Protocol):
    """Makes sense of what a link carries into a chat, where it is no shortcut's name."""

    async def follow(
        self, inbound: Inbound, word: str, mark: str, customer: Customer | None, language: str
    ) -> Proposal | None:
        """Where it leads; None when it leads nowhere. Safe to repeat under the same `mark`.

        Without a customer: where it leads once they have come through the door.

        It may have linked the identity to a customer: look again who it is.
        """
        ...
