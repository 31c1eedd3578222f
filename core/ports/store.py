"""What the core keeps: the ledger, orders, customers and payments in."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.customers import CodeAsked, Customer, PinState, Tenant
from core.domain.ledger import AccountKey, Balance, Movement, Posting, Transfer
from core.domain.orders import Begun, DueOrder, NewOrder, OrderState, OrderView, Ruling
from core.domain.turns import Channel
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports.notices import NewNotice
from core.ports.outside import Payment


class Ledger(Protocol):
    """Moves money. Calls of many callers are posted together; a lone caller waits for nobody.

    Every call is idempotent by the id it carries, and safe to repeat after a lost connection.
    Raises `Busy` when too many callers wait already: nothing was done then.
    """

    async def post(self, transfer: Transfer) -> Posting: ...

    async def balance(self, account: AccountKey) -> Balance:
        """An account that never moved has zero."""
        ...

    async def latest(
        self, account: AccountKey, count: int, *, apart_from: Collection[str]
    ) -> Sequence[Movement]:
        """The last movements of an account, newest first, without those of these codes."""
        ...


class Busy(Fault):
    """Too many callers wait for the same thing. Nothing was done; try again in a moment."""


class OrderBook(Protocol):
    """Orders, their attempts and their jobs, each step one commit."""

    async def begin(self, order: NewOrder) -> Begun:
        """Hold the money and write order, first attempt and job, all or nothing, once per id."""
        ...

    async def claim(self, count: int, lease_s: float) -> Sequence[DueOrder]:
        """Lease orders that are due, of all tenants, and commit "about to send" for those unsent.

        A lease is the due time pushed forward: a dead worker's orders come due again.
        """
        ...

    async def rule(self, ruling: Ruling) -> OrderState:
        """Apply a ruling if the order still stands where it was ruled upon; answers its state now.

        Money, states, job and the customer's notice change in one commit. A ruling that comes
        second, or late, changes nothing that is final, except as its verdict says.
        """
        ...

    async def hurry(self, provider: str, references: Sequence[str]) -> int:
        """Make these provider references be asked about now; answers how many are known.

        An order that is final gets a job again: a late delivery or a reversal must be booked.
        """
        ...

    async def states(self, order_ids: Sequence[UUID]) -> Mapping[UUID, OrderState]: ...

    async def find(self, tenant_id: UUID, reference: str) -> OrderView | None: ...

    async def get(self, tenant_id: UUID, order_id: UUID) -> OrderView | None: ...

    async def latest(
        self, tenant_id: UUID, customer_id: UUID, count: int
    ) -> Sequence[OrderView]: ...


class Tenants(Protocol):
    """Operators' businesses. Cheap to ask: kept in memory for a few seconds."""

    async def get(self, tenant_id: UUID) -> Tenant: ...


class Customers(Protocol):
    """People, their identities on channels, and their PINs."""

    async def at(
        self, channel: Channel, identity: str, msisdn: Msisdn, language: str = ""
    ) -> Customer:
        """Who this is, made on first sight with identity and wallet. Safe twice at once.

        `language`: of somebody new; the tenant's where it is "".
        """
        ...

    async def of_number(self, tenant_id: UUID, msisdn: Msisdn, language: str = "") -> Customer:
        """Whose number this is, made on first sight with a wallet and no identity."""
        ...

    async def set_language(self, customer: Customer, language: str) -> None:
        """What this customer reads from now on."""
        ...

    async def set_reach(
        self, channel: Channel, identity: str, why: str | None, at: dt.datetime
    ) -> None:
        """Note that a person cannot be written to there since then, or, with no `why`, can."""
        ...

    async def linked(self, channel: Channel, identity: str) -> Customer | None:
        """Whose identity this is, or None when it is nobody's."""
        ...

    async def get(self, tenant_id: UUID, customer_id: UUID) -> Customer: ...

    async def pin(self, customer: Customer) -> PinState: ...

    async def take_pin_try(
        self,
        customer: Customer,
        key: str,
        *,
        tries_max: int,
        lock_s: Sequence[int],
        at: dt.datetime,
    ) -> PinState:
        """Count one try before the PIN is compared, once per `key`, and lock when they are used up.

        Counting first means that guessing in parallel gains nothing. `lock_s` are the growing lock
        times, the last of them repeated.
        """
        ...

    async def clear_pin_tries(self, customer: Customer) -> None: ...

    async def set_pin(
        self, customer: Customer, pin_hash: str, at: dt.datetime, *, first: bool = False
    ) -> bool:
        """Set the PIN and end its lock. With `first`, only where there is none yet, else False."""
        ...

    async def saved_numbers(self, customer: Customer, count: int) -> Sequence[tuple[Msisdn, str]]:
        """Numbers this customer bought for, latest first, each with its network then."""
        ...

    async def make_code(
        self,
        customer: Customer,
        purpose: str,
        code_hash: str,
        expires_at: dt.datetime,
        at: dt.datetime,
        *,
        asked_by: str = "",
    ) -> CodeAsked:
        """Keep a one-time code in place of an older one of who asks: "" is the customer.

        A code that is over never comes back: who wants another must make another.
        """
        ...

    async def use_code(
        self,
        customer: Customer,
        purpose: str,
        code_hash: str,
        at: dt.datetime,
        *,
        asked_by: str = "",
    ) -> bool:
        """True once for the right code in time, by who asked for it.

        Their wrong tries are counted and end it; nobody else's touch it.
        """
        ...

    async def ask_to_be_called(self, customer: Customer, key: str, at: dt.datetime) -> bool:
        """Note that an operator should call. False when a request of today is still open."""
        ...


class Intents(Protocol):
    """Money that customers mean to pay in, and payments that came."""

    async def open(
        self,
        *,
        intent_id: UUID,
        customer: Customer,
        gateway: str,
        reference: str,
        amount: Money,
        channel_id: UUID,
        identity: str,
        at: dt.datetime,
    ) -> "Intent":
        """Write the intent before the gateway is asked; the same id gives the first one again."""
        ...

    async def unpaid(self, customer: Customer, since: dt.datetime) -> Sequence["Intent"]:
        """A customer's open intents that were made since then, latest first."""
        ...

    async def set_url(self, intent: "Intent", url: str, notice: NewNotice | None) -> bool:
        """Keep where to pay and tell the customer. False, and nothing told, unless still open."""
        ...

    async def replace(
        self,
        intent: "Intent",
        *,
        intent_id: UUID,
        gateway: str,
        reference: str,
        check_at: dt.datetime | None,
    ) -> "Intent | None":
        """Give up asking for a link under this reference, and mean the same under another one.

        The old intent ends as expired and is looked at again at `check_at`: a payment may still
        come to it. The new one takes its age and its lease. None when a link or a payment has come
        meanwhile: nothing was done.
        """
        ...

    async def give_up(
        self, intent: "Intent", notice: NewNotice, check_at: dt.datetime | None
    ) -> bool:
        """End an open intent that has no link, and tell the customer. As `replace` otherwise."""
        ...

    async def by_reference(self, gateway: str, reference: str) -> "Intent | None": ...

    async def due(self, count: int, lease_s: float) -> Sequence["Intent"]:
        """Lease intents whose next check is due, of all tenants and in any state."""
        ...

    async def check_again(self, intent: "Intent", at: dt.datetime | None) -> None:
        """Set the next check of a leased intent; None is none, and closes an open one as expired.

        Does nothing when the check was moved meanwhile, by a webhook or by another's lease: theirs
        is the later word.
        """
        ...

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        """Make these be looked at now, whatever their state; answers how many are known."""
        ...

    async def latest(self, customer: Customer, count: int) -> Sequence["Arrival"]:
        """Payments that came, credited or held up, and intents still open, latest first."""
        ...

    async def credit(self, intent: "Intent", payment: Payment, notice: NewNotice) -> bool:
        """Book a payment to the intent's customer and tell them, once per gateway transaction.

        One commit: payment row, clearing to wallet, fee to fees, the intent's state, the notice.
        True when this call did it. The intent is paid once as much has come as was asked for,
        partly paid before that; its next check stays as it is.
        """
        ...

    async def hold_up(
        self, intent: "Intent", payment: Payment, why: str, notice: NewNotice
    ) -> bool:
        """Keep a payment that must not be credited (another currency) for a person to look at.

        One commit: payment row, event and the notice. Once per gateway transaction; True when
        this call did it. The intent's next check stays as it is.
        """
        ...


@dataclass(frozen=True, slots=True)
class Intent:
    id: UUID
    tenant_id: UUID
    customer_id: UUID
    gateway: str
    reference: str
    amount: Money
    state: str  # open | part_paid | paid | expired
    url: str | None
    checks: int
    created_at: dt.datetime
    check_at: dt.datetime | None = None  # the next look; for who leased it, the end of the lease
    channel_id: UUID | None = None
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Money that came in, or is awaited: `amount` is what was paid, or asked for while awaited."""

    reference: str
    amount: Money
    state: str  # paid | held_up: a person must look at it | awaited
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation as it was kept, and the version that a change must still find."""

    record: bytes
    version: int


class ConversationStore(Protocol):
    """Keeps where each person is. Losing it means starting again, never wrong money.

    Raises `Unavailable` when the store cannot be reached.
    """

    async def load(self, channel_id: UUID, identity: str) -> Stored | None: ...

    async def save(
        self,
        channel_id: UUID,
        identity: str,
        record: bytes,
        *,
        version_before: int | None,
        ttl_s: int,
    ) -> bool:
        """Keep it as the next version. False, and nothing changed, when somebody else was first."""
        ...

    async def forget(self, channel_id: UUID, identity: str) -> None:
        """As if there had never been one; whoever is at it fails to save."""
        ...


class Unavailable(Fault):
    """A store cannot be reached."""
