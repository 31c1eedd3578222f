"""What is kept of talks with a person."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.domain.chat import Address
from core.domain.customers import Customer
from core.domain.live_chat import Answering, LiveChat, LiveMessage, LiveState, Post, Reached
from core.domain.turns import Channel
from core.ports.administration import Paging


@dataclass(frozen=True, slots=True)
class Wish:
    """A customer wants to talk to a person.

    Attributes:
        key: Of the step that asks: the same again is the same wish.
        mark: Names the message by which it was asked: that one is for the menus.
    """

    channel: Channel
    identity: str
    customer: Customer
    key: str
    mark: str


@dataclass(frozen=True, slots=True)
class Saying:
    """What somebody on our side says, once per key."""

    author: str
    text: str = field(repr=False)
    key: str


@dataclass(frozen=True, slots=True)
class Bound:
    """How much one customer may say since then, each chat that they begin counted as well.

    `told`: what they are told beyond it, by language.
    """

    most: int
    since: dt.datetime
    told: Callable[[str], str]


class NotBegun(StrEnum):
    """Why there is no talk: too much in an hour, or the identity is that customer's no more."""

    ENOUGH = "enough"
    GONE = "gone"


class LiveBook(Protocol):
    """Each step is one commit, safe to repeat.

    Whether a person is in a talk is kept beside the talk itself, in the commit that changes it. An
    identity that stops being a customer's ends its chat in that commit (`core.ports.identities`).
    """

    async def begin(self, wish: Wish, at: dt.datetime, bound: Bound) -> LiveChat | NotBegun:
        """Open a chat, or find the one that is open, and have operators told."""
        ...

    async def present(self, to: Address) -> bool:
        """Whether a person is in this talk now."""
        ...

    async def heard(
        self, to: Address, external_id: str, text: str, at: dt.datetime, bound: Bound
    ) -> Reached:
        """Keep what the customer said, once, and have operators told; or tell of the bound.

        For the menus, and nothing kept, where no chat is open or this is how it was asked for.
        """
        ...

    async def left(self, to: Address, external_id: str, at: dt.datetime) -> bool:
        """The customer went back to the menus. False where no chat was open, or as for `heard`."""
        ...

    async def find(self, tenant_id: UUID, chat_id: UUID) -> LiveChat | None: ...

    async def by_code(self, tenant_id: UUID, code: str) -> LiveChat | None: ...

    async def messages(self, tenant_id: UUID, chat_id: UUID, count: int) -> Sequence[LiveMessage]:
        """The last so many, the oldest first."""
        ...

    async def listed(
        self, tenant_id: UUID, states: Sequence[LiveState], paging: Paging
    ) -> Sequence[LiveChat]:
        """One page and the row after it, the latest first unless asked otherwise."""
        ...

    async def count(self, tenant_id: UUID, states: Sequence[LiveState]) -> int: ...

    async def take(
        self,
        tenant_id: UUID,
        chat_id: UUID,
        actor: str,
        operator_chat: int | None,
        at: dt.datetime,
        *,
        over: bool,
    ) -> bool:
        """Answer it from now on. False where it is closed, or another's and not to be taken over.

        With `over` it is taken from whoever has it, who is told.
        """
        ...

    async def say(
        self, tenant_id: UUID, chat_id: UUID, saying: Saying, at: dt.datetime
    ) -> LiveMessage | None:
        """Have this sent to the customer, once per key; None where the chat is closed."""
        ...

    async def close(
        self,
        tenant_id: UUID,
        chat_id: UUID,
        word: Saying,
        at: dt.datetime,
        *,
        idle_since: dt.datetime | None = None,
    ) -> bool:
        """Hand the customer back to the menus, with a word to them. False where it was closed.

        With `idle_since` only while nobody said anything since then.
        """
        ...

    async def set_free(
        self, tenant_id: UUID, at: dt.datetime, *, actor: str = "", operator_chat: int | None = None
    ) -> None:
        """Whoever answered so called, or there, does no more: others are told that these wait."""
        ...

    async def claim(self, count: int, lease_s: float) -> Sequence[Answering]:
        """Lease what is to be sent, of all tenants: of each chat the first that waits."""
        ...

    async def sent(self, answering: Answering) -> None: ...

    async def again(self, answering: Answering, at: dt.datetime) -> None: ...

    async def failed(self, answering: Answering, why: str, at: dt.datetime) -> None:
        """It will never arrive; operators are told."""
        ...

    async def idle(self, before: dt.datetime, count: int) -> Sequence[LiveChat]:
        """Open chats of all tenants in which nobody said anything since then."""
        ...

    async def prune(self, before: dt.datetime, count: int) -> int:
        """Forget up to so many chats that were closed by then; answers how many."""
        ...


class Posts(Protocol):
    """What the operators' bot is still to tell of talks."""

    async def due(self, tenant_id: UUID, chat_id: int, count: int) -> Sequence[Post]:
        """In order. Whoever asks holds the chat (`core.ports.operators.OperatorChats.claim`)."""
        ...

    async def told(self, post: Post) -> None: ...
