"""What a person sees and does about orders and cases."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.domain.orders import DueOrder, OrderState, OrderView
from core.domain.vending import Product, Result
from core.ports.administration import Event, Paging
from core.ports.operations import Cases


class Action(StrEnum):
    RETRY = "retry"  # have a worker ask the provider now
    REFUND = "refund"  # give the money back as far as is known that nothing was delivered
    RESOLVE = "resolve"  # book what a person learned from the provider


class Learned(StrEnum):
    """What a person learned from the provider about the last attempt of an order."""

    DELIVERED = "delivered"
    NOT_DELIVERED = "not_delivered"
    REVERSED = "reversed"  # it was delivered, or pending, and taken back


@dataclass(frozen=True, slots=True)
class HandAction:
    """An action of a person on one order.

    Attributes:
        key: The caller's idempotency key: an action of this key happens once.
        content: A digest of all that was asked. The same key with another digest is refused.
        facts: Reason or evidence, for the audit; no plain secrets.
        learned: Of `RESOLVE` alone.
    """

    tenant_id: UUID
    reference: str
    action: Action
    key: str
    content: str
    actor: str
    facts: Mapping[str, object]
    learned: Learned | None = None


class Answer(StrEnum):
    DONE = "done"
    ALREADY = "already"  # the order stood so before
    KEY_USED = "key_used"  # the key stands for something else; nothing was done
    DELIVERED = "refused:delivered"  # a delivered order is given back after a reversal only
    NEVER_SENT = "refused:never_sent"  # no provider was asked: nobody can have delivered it
    IN_FLIGHT = "refused:in_flight"  # the request may be under way this very moment
    LOSS_BOOKED = "refused:loss_booked"  # the late delivery was proven and booked before


@dataclass(frozen=True, slots=True)
class Acted:
    """What became of an action. `step` is what was booked; `repeated`, that it was before."""

    answer: Answer
    step: str
    state: OrderState
    repeated: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One answer of a provider, as it was booked."""

    result: Result
    reason: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that is not final, and why.

    Attributes:
        sent_at: None: its last attempt has not left yet.
        check_at: When it is looked at next; None where nothing will.
    """

    order: OrderView
    provider: str
    result: str | None
    reason: str | None
    checks: int
    sent_at: dt.datetime | None
    check_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Past(Event):
    at: dt.datetime


class OrderDesk(Protocol):
    """A person's way to orders. Every call sees one tenant."""

    async def act(self, action: HandAction) -> Acted | None:
        """Judge the action as the order stands, book it and note it, in one commit.

        None: there is no such order. A refused action changes nothing and uses up no key.
        """
        ...

    async def asked(self, tenant_id: UUID, reference: str) -> DueOrder | None:
        """The order as a worker would lease it to ask again; None when none was ever sent."""
        ...

    async def last_said(self, tenant_id: UUID, order_id: UUID) -> Said | None:
        """The latest answer that was booked, whoever brought it."""
        ...

    async def waiting(self, tenant_id: UUID, count: int) -> Sequence[Waiting]:
        """Orders that are not final, the oldest first."""
        ...

    async def history(self, tenant_id: UUID, order_id: UUID) -> Sequence[Past]:
        """What happened to the order and who did it, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """A matter for a person, open or closed."""

    id: UUID
    kind: str
    subject: str
    facts: Mapping[str, object]
    state: str
    resolution: str | None
    opened_at: dt.datetime
    opened_by: str
    closed_at: dt.datetime | None
    closed_by: str | None


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """What is looked for; None is not asked for. `search` is a part of the subject."""

    state: str | None = None
    kind: str | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An order that nobody could tell anything about for a while."""

    order_id: UUID
    tenant_id: UUID
    reference: str
    product: Product
    provider: str
    via: str
    provider_reference: str
    attempt: int
    reason: str
    sent_at: dt.datetime
    checks: int


@dataclass(frozen=True, slots=True)
class CaseCount:
    tenant_id: UUID
    kind: str
    open: int


class CaseBook(Cases, Protocol):
    """The queue, as people read and settle it. Every call with a tenant sees that tenant."""

    async def listed(self, tenant_id: UUID, query: CaseQuery, paging: Paging) -> Sequence[Case]:
        """By the time of opening; one more than a page, where more follow."""
        ...

    async def count(self, tenant_id: UUID, query: CaseQuery) -> int: ...

    async def find(self, tenant_id: UUID, case_id: UUID) -> Case | None: ...

    async def close(
        self, tenant_id: UUID, case_id: UUID, resolution: str, actor: str
    ) -> Case | None:
        """Close it, with the event, and answer how it stands: one closed before is as it was."""
        ...

    async def doubts(self, before: dt.datetime, after: UUID, count: int) -> Sequence[Doubt]:
        """Orders of all tenants sent before `before`, still in doubt, with no case of that yet.

        By order, those after `after`.
        """
        ...

    async def settle(self) -> int:
        """Close the doubts of orders that came to an end; how many."""
        ...

    async def counts(self, since: dt.datetime) -> Sequence[CaseCount]:
        """Open cases by tenant and kind; zero for kinds whose last was closed since then."""
        ...
