"""Vouchers, their sales and batches, as the store keeps them.

The store is the truth, a router is its projection: whoever wants something of a router writes what
is desired, in the commit of the money it is about, and a worker brings the router there
(`core.ports.router_ops`).
"""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.domain.hotspot import HotspotPlan, Terms
from core.domain.vouchers import Desired, SaleState, SyncState, Voucher
from core.ports.administration import Event, Paging


@dataclass(frozen=True, slots=True)
class NewCode:
    """A code for a voucher that may be made. `sealed` is it, encrypted; `digest` finds it."""

    id: UUID
    digest: str
    sealed: bytes = field(repr=False)
    head: str
    chars: int


@dataclass(frozen=True, slots=True)
class NewSale:
    """What a customer confirmed.

    Attributes:
        id: Derived from the confirmation: the same one again is the same sale.
        owner_id: Who gets the voucher: the customer, or whose number was given.
        fresh: The code that is used where nothing waits in stock.
        stock_only: Sell only what the router has already.
        refund_at: When the money goes back if it was not confirmed by then.
    """

    id: UUID
    tenant_id: UUID
    customer_id: UUID
    owner_id: UUID
    reference: str
    plan_id: UUID
    plan_version: int
    router_id: UUID
    price_minor: int
    currency: str
    fresh: NewCode
    stock_only: bool
    channel_id: UUID
    identity: str
    created_at: dt.datetime
    refund_at: dt.datetime


class Buying(StrEnum):
    SOLD = "sold"
    DUPLICATE = "duplicate"  # the same confirmation again
    CONFLICT = "conflict"  # one confirmation, two contents
    INSUFFICIENT = "insufficient"
    CLOSED = "closed"  # the wallet is
    CHANGED = "changed"  # the plan is not what was shown, or not sold there any more
    NO_STOCK = "no_stock"
    COLLISION = "collision"  # the fresh code is taken: try another


@dataclass(frozen=True, slots=True)
class Bought:
    result: Buying
    voucher_id: UUID | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True)
class SaleView:
    """A sale as it stands. `state`: held | captured | refunded."""

    id: UUID
    voucher_id: UUID
    customer_id: UUID
    owner_id: UUID
    router_id: UUID
    reference: str
    amount_minor: int
    currency: str
    state: str
    created_at: dt.datetime
    refund_at: dt.datetime
    refund_asked_at: dt.datetime | None
    refund_reason: str | None
    settled_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class VoucherQuery:
    """Which vouchers; empty fields are no condition. `search` is the head of a code, or a plan."""

    search: str = ""
    sale_state: SaleState | None = None
    sync_state: SyncState | None = None
    router_id: UUID | None = None
    owner_id: UUID | None = None
    batch_id: UUID | None = None
    at_stake: bool = False  # paid for, and not confirmed for five minutes


@dataclass(frozen=True, slots=True)
class Batch:
    """Vouchers that operators have made to sell or give away themselves.

    Attributes:
        key: The same key is the same batch: made once.
        activate: Put them on the router at once; otherwise they wait for `activate`.
        owner_id, send: Whose they are, and whether that customer is told the codes.
        state: `created` while codes are being made, then `ready`, or `void`.
        made, confirmed: How many there are, and how many the router has.
    """

    id: UUID
    tenant_id: UUID
    key: str
    router_id: UUID
    plan_id: UUID | None
    plan_code: str
    plan_name: str
    terms: Terms
    price_minor: int
    currency: str
    quantity: int
    code_style: str
    code_prefix: str
    activate: bool
    send: bool
    owner_id: UUID | None
    customer_name: str
    created_by: str
    created_at: dt.datetime
    state: str = "created"
    made: int = 0
    confirmed: int = 0


class VoucherBook(Protocol):
    """Vouchers and their sales.

    Every change of what is desired writes the router's work in the same commit.
    """

    def seal(self, tenant_id: UUID, codes: Sequence[str]) -> list[NewCode]:
        """Codes as they are kept."""
        ...

    async def buy(self, sale: NewSale) -> Bought:
        """Take one from stock or make it, set the money aside or take it, and write the work."""
        ...

    async def stock(self, plan: HotspotPlan) -> Mapping[UUID, int]:
        """How many of a plan are confirmed and unsold, by router."""
        ...

    async def get(self, tenant_id: UUID, voucher_id: UUID) -> Voucher | None:
        """With its code."""
        ...

    async def by_code(self, tenant_id: UUID, code: str) -> Voucher | None:
        """With its code; `code` as `voucher_codes.typed` gives it."""
        ...

    async def known(self, tenant_id: UUID, codes: Collection[str]) -> Collection[str]:
        """Those of them, each as `voucher_codes.typed` gives it, that are codes of vouchers."""
        ...

    async def of_customer(self, tenant_id: UUID, owner_id: UUID, count: int) -> Sequence[Voucher]:
        """A customer's own, with their codes: those that are good first, the latest first."""
        ...

    async def listed(
        self, tenant_id: UUID, query: VoucherQuery, paging: Paging
    ) -> Sequence[Voucher]:
        """One page and the row after it, in the order they were made, without codes."""
        ...

    async def count(self, tenant_id: UUID, query: VoucherQuery) -> int: ...

    async def by_reference(self, tenant_id: UUID, reference: str) -> Voucher | None:
        """What was sold under our reference, with its code."""
        ...

    async def sale(self, tenant_id: UUID, voucher_id: UUID) -> SaleView | None: ...

    async def sales_of(
        self, tenant_id: UUID, customer_id: UUID, count: int
    ) -> Sequence[tuple[SaleView, str]]:
        """What a customer paid for, with the name of the plan; the latest first."""
        ...

    async def sale_of(self, tenant_id: UUID, sale_id: UUID) -> SaleView | None: ...

    async def want(self, tenant_id: UUID, voucher_id: UUID, desired: Desired, actor: str) -> bool:
        """Enable or disable it, or take an unsold one back. False for what is over or unknown."""
        ...

    async def give_back(
        self, tenant_id: UUID, voucher_id: UUID, reason: str, actor: str, *, waiting: bool = False
    ) -> str:
        """Begin a refund: off the router first, then the money.

        `waiting`: only of one that does not work yet. Answers `begun` | `refunded` (it was never
        there) | `again` | `works` | `not_sold` | `unknown`.
        """
        ...

    async def hand_over(
        self,
        tenant_id: UUID,
        voucher_id: UUID,
        owner_id: UUID,
        actor: str,
        *,
        unused_of: UUID | None = None,
    ) -> bool:
        """Give it to another customer, who is told. False for what is over or unknown.

        `unused_of`: only where it is this customer's and nobody used it; the same again is true.
        """
        ...

    async def tell(self, tenant_id: UUID, voucher_id: UUID, key: str) -> bool:
        """Tell its owner the code, once per key. False where nobody owns it, or it is over."""
        ...

    async def turn_over(self, count: int) -> int:
        """What time alone brings; how many vouchers were touched.

        Vouchers end, refunds fall due, and those that wait for a router that does not come are
        paid all the same: the code is taken off that router before anything else once it does.
        """
        ...


class VoucherBatches(Protocol):
    """What operators have made in quantity."""

    def seal(self, tenant_id: UUID, codes: Sequence[str]) -> list[NewCode]:
        """Codes as they are kept."""
        ...

    async def add(self, batch: Batch, event: Event) -> Batch:
        """Keep it, for a worker to make; the earlier one of its key where there is one."""
        ...

    async def get(self, tenant_id: UUID, batch_id: UUID) -> Batch | None:
        """With how many the router has."""
        ...

    async def listed(self, tenant_id: UUID, paging: Paging) -> Sequence[Batch]:
        """One page and the row after it."""
        ...

    async def due(self, count: int, lease_s: float) -> Sequence[Batch]: ...

    async def fill(self, batch: Batch, codes: Sequence[NewCode]) -> int:
        """Make vouchers of these codes after the first `batch.made`; how many there are now.

        It is `batch.made` still where one of the codes was taken.
        """
        ...

    async def activate(self, tenant_id: UUID, batch_id: UUID, actor: str) -> int:
        """Have the router take all that wait; how many those are."""
        ...

    async def void(self, tenant_id: UUID, batch_id: UUID, actor: str) -> int:
        """Take all back that nobody has; how many those are."""
        ...

    async def codes(
        self, tenant_id: UUID, batch_id: UUID, after: int, count: int
    ) -> Sequence[Voucher]:
        """A batch's vouchers with their codes, by serial number, for sheets and exports."""
        ...
