"""What operators see and change: configurations, tokens, orders and customers by the page."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from core.domain.customers import Customer
from core.domain.ledger import Posting, Transfer
from core.domain.orders import OrderState, OrderView
from core.domain.providers import ConfigKey, ProviderConfig


@dataclass(frozen=True, slots=True)
class Event:
    """What somebody did, for people who ask later. `facts` hold no secret."""

    subject: str
    kind: str
    actor: str
    facts: Mapping[str, object]


class ProviderConfigs(Protocol):
    """Keeps configurations, their secrets sealed.

    One whose secrets no present key opens comes without them, and is logged.
    """

    async def version(self) -> int:
        """Another number after every change of any tenant's configurations."""
        ...

    async def all(self) -> Sequence[ProviderConfig]:
        """Those of all tenants."""
        ...

    async def find(self, key: ConfigKey) -> ProviderConfig | None: ...

    async def as_of(self, key: ConfigKey, version: int) -> ProviderConfig | None:
        """As it stood in an earlier version, which is kept for what was sent under it."""
        ...

    async def save(self, config: ProviderConfig, event: Event) -> bool:
        """Write it with its event, in one commit, if the one before it is still there.

        False, and nothing changed, when somebody else was first: it is no longer the version
        before this one's.
        """
        ...


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept. Without a tenant it is a super-admin's."""

    id: UUID
    tenant_id: UUID | None
    name: str
    abilities: frozenset[str]


@dataclass(frozen=True, slots=True)
class TokenRecord(Token):
    created_at: dt.datetime
    created_by: str
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None


class Tokens(Protocol):
    """Keeps tokens by hash; each change with its event, in one commit."""

    async def create(self, token: Token, token_hash: str, actor: str, at: dt.datetime) -> None: ...

    async def find(self, token_hash: str, at: dt.datetime) -> Token | None:
        """The token of this hash unless revoked; notes that it was used."""
        ...

    async def all(self) -> Sequence[TokenRecord]: ...

    async def revoke(self, token_id: UUID, actor: str, at: dt.datetime) -> bool:
        """False when there is no such token."""
        ...


class Adjustments(Protocol):
    """Transfers that a person asked for."""

    async def adjust(self, transfer: Transfer, event: Event) -> Posting:
        """Post it and write its event in one commit, once per transfer id."""
        ...


@dataclass(frozen=True, slots=True)
class Paging:
    """Which part of a list: a page by number, or what follows `after` (time and id of a row).

    `sort_by` is a column that the list offers.
    """

    per_page: int = 20
    page: int = 1
    after: tuple[dt.datetime, UUID] | None = None
    sort_by: str = "created_at"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """What is looked for. What is None or empty is not asked for.

    `search` is a part of our reference, or the beginning of a number.
    """

    search: str = ""
    states: frozenset[OrderState] = field(default_factory=frozenset)
    service: str | None = None
    network: str | None = None
    provider: str | None = None
    customer_id: UUID | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class ListedOrder:
    """An order and who was asked last."""

    order: OrderView
    provider: str


@dataclass(frozen=True, slots=True)
class AttemptView:
    number: int
    provider: str
    provider_reference: str
    state: str
    result: str | None
    reason: str | None
    their_reference: str | None
    cost_minor: int | None
    checks: int
    created_at: dt.datetime
    sent_at: dt.datetime | None
    closed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class EntryView:
    """One side of a transfer, seen from its account: positive is a credit."""

    transfer_id: UUID
    code: str
    account_type: str
    account_owner: str
    amount_minor: int
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class OrderDetail:
    listed: ListedOrder
    held: str  # the hold: open | captured | voided
    attempts: Sequence[AttemptView]
    entries: Sequence[EntryView]


@dataclass(frozen=True, slots=True)
class CustomerQuery:
    """`search` is a number in any local form, or a part of one; `phone` the whole of one."""

    search: str = ""
    status: str | None = None
    phone: str | None = None


class Backoffice(Protocol):
    """A tenant's orders and customers, for operators. Every call sees one tenant."""

    async def orders(
        self, tenant_id: UUID, query: OrderQuery, paging: Paging
    ) -> Sequence[ListedOrder]: ...

    async def order_count(self, tenant_id: UUID, query: OrderQuery) -> int: ...

    async def order(self, tenant_id: UUID, reference: str) -> OrderDetail | None: ...

    async def customers(
        self, tenant_id: UUID, query: CustomerQuery, paging: Paging
    ) -> Sequence[Customer]: ...

    async def customer_count(self, tenant_id: UUID, query: CustomerQuery) -> int: ...

    async def customer(self, tenant_id: UUID, customer_id: UUID) -> Customer | None: ...

    async def note(self, tenant_id: UUID, event: Event) -> None:
        """Write down what somebody did that changed no row of ours."""
        ...
