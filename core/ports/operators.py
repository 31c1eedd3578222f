"""What is kept of operators, of the chats in which they are told things, and of what they ask."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from core.domain.operators import (
    NewRequest,
    Operator,
    Request,
    RequestState,
    Role,
    Told,
    ToldChat,
)


class OperatorBook(Protocol):
    """Operators, each change with its event in one commit."""

    async def add(
        self,
        tenant_id: UUID,
        name: str,
        role: Role,
        *,
        code_hash: str,
        code_until: dt.datetime,
        actor: str,
    ) -> bool:
        """Keep one who may join with that code; who has not joined yet gets it in place of theirs.

        False where somebody of that name has joined.
        """
        ...

    async def join(self, code_hash: str, telegram_id: int) -> bool:
        """Make this user the operator of that code. False where it is nobody's, or late."""
        ...

    async def by_telegram(self, telegram_id: int) -> Operator | None: ...

    async def all(self, tenant_id: UUID) -> Sequence[Operator]:
        """Those of a tenant, by name."""
        ...

    async def remove(self, tenant_id: UUID, name: str, actor: str) -> str | None:
        """End it, with all that they subscribed to; the name as it was written, or None."""
        ...


class OperatorChats(Protocol):
    """Chats of the operators' bot, and what they are still to be told."""

    async def subscribe(self, operator: Operator, chat_id: int, digest_on: dt.date) -> bool:
        """From now on. False where it was so before; a chat is of one tenant at a time."""
        ...

    async def known(self, operator: Operator, chat_id: int, digest_on: dt.date) -> None:
        """Have a chat told of what concerns it, subscribed or not."""
        ...

    async def unsubscribe(self, tenant_id: UUID, chat_id: int, actor: str) -> bool: ...

    async def drop(self, tenant_id: UUID, chat_id: int) -> None:
        """Nobody reads there any more: forget it, and what it was still to be told."""
        ...

    async def moved(self, chat_id: int, to: int, tenant_id: UUID) -> None:
        """A group became another one: it is told on there."""
        ...

    async def claim(self, count: int, lease_s: float, overlap: int) -> Sequence[ToldChat]:
        """Chats with something to be told, each held by the caller until the lease ends."""
        ...

    async def told(self, chat: ToldChat, told: Told) -> None:
        """That much was told."""
        ...

    async def release(self, chat: ToldChat, *, again_at: dt.datetime | None = None) -> None:
        """Give it back; with `again_at` it asks for patience."""
        ...

    async def digests_due(self, at: dt.time, count: int) -> Sequence[tuple[int, UUID, dt.date]]:
        """Chats, tenants and days whose local time has come and whose digest was not sent."""
        ...

    async def digested(self, tenant_id: UUID, chat_id: int, day: dt.date) -> None: ...


class Requests(Protocol):
    """What operators ask for and others confirm."""

    async def ask(self, request: NewRequest) -> Request:
        """Keep it, once per id; answers how it stands."""
        ...

    async def find(self, tenant_id: UUID, request_id: UUID) -> Request | None: ...

    async def decide(self, request: Request, operator: Operator, state: RequestState) -> bool:
        """Confirm or reject it. True for the first who does, in time, and for nobody after.

        Nobody does who is no operator any more, or may not; nor is confirmed what such a one asked.
        """
        ...

    async def done(self, request: Request, outcome: str) -> None:
        """Keep what came of it, the first time."""
        ...

    async def undone(self, before: dt.datetime, count: int) -> Sequence[tuple[UUID, UUID]]:
        """Requests, with their tenants, confirmed by then and never done."""
        ...
