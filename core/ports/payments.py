"""Bank accounts that customers pay into: who opens them, and what is kept of them."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID

from core.domain.customers import Customer
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn
from core.ports.notices import NewNotice
from core.ports.outside import Payment


class IdentityNeeded(Problem):
    """The gateway opens no account without the customer's bank or national identity number."""

    code = "identity_needed"


@dataclass(frozen=True, slots=True)
class AccountRequest:
    """An account to open for one customer, for good and for any amount.

    Attributes:
        reference: Ours, unique, letters and digits only: the same for the same customer.
        holder: What a payer is to see as the account's name.
        bvn: The customer's bank verification number, where it is known; in no log.
    """

    reference: str
    msisdn: Msisdn
    email: str
    currency: str
    holder: str
    bvn: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class BankAccount:
    """Where a customer pays by bank transfer.

    Attributes:
        reference: What the gateway knows the account by, and names in its webhooks.
        name: The holder, as the payer's bank shows it.
        expires_at: When it stops taking money; None is never.
    """

    reference: str
    number: str
    bank: str
    name: str
    expires_at: dt.datetime | None = None


@runtime_checkable
class VirtualAccounts(Protocol):
    """What a payment gateway may be able to do besides: keep a bank account for each customer.

    Webhooks only name an account; what is credited is what `arrivals` says, once per transaction.
    """

    async def reserve(self, request: AccountRequest) -> BankAccount | None:
        """Open the account, or find the one that was opened under this reference before.

        None: not known to be open; the same request may be tried again.

        Raises:
            IdentityNeeded: trying again the same way is of no use.
        """
        ...

    async def arrivals(self, account: str, since: dt.datetime) -> tuple[Payment, ...] | None:
        """All that was paid into the account since then, or earlier too; None: could not be asked.

        Each payment carries the reference that the gateway made for it.
        """
        ...


@dataclass(frozen=True, slots=True)
class VirtualAccount:
    """A customer's account at a gateway, or the wish for one.

    Attributes:
        reference: Ours until it is open, then what the gateway knows it by.
        state: `wanted` until the gateway has opened it, `open`, or `refused`.
        number, bank, name: Empty until it is open.
        asked_at: When the customer asked for it first, or again after a refusal.
        used_at: When it was last shown to the customer, named by a webhook or paid into.
        seen_until: All that was paid into it before this has been seen.
        check_at: The next look; for who leased it, the end of the lease.
    """

    id: UUID
    tenant_id: UUID
    customer_id: UUID
    gateway: str
    reference: str
    currency: str
    state: str
    number: str
    bank: str
    name: str
    asked_at: dt.datetime
    used_at: dt.datetime
    seen_until: dt.datetime
    check_at: dt.datetime | None = None


class VirtualAccountBook(Protocol):
    """The accounts of all customers, and what was paid into them."""

    async def want(
        self, customer: Customer, gateway: str, currency: str, at: dt.datetime
    ) -> VirtualAccount:
        """The customer's account there, written down as wanted if it is the first or was refused.

        It counts as used, and is looked at soon.
        """
        ...

    async def opened(
        self, account: VirtualAccount, opened: BankAccount, notice: NewNotice, check_at: dt.datetime
    ) -> VirtualAccount:
        """Keep where to pay and tell the customer, once; answers the account as it is kept."""
        ...

    async def refuse(
        self, account: VirtualAccount, notice: NewNotice | None, at: dt.datetime
    ) -> bool:
        """End a wish that cannot be met; False, and nothing told, where it was met meanwhile."""
        ...

    async def due(self, count: int, lease_s: float) -> Sequence[VirtualAccount]:
        """Lease accounts whose next look is due, of all tenants."""
        ...

    async def seen(
        self,
        account: VirtualAccount,
        check_at: dt.datetime,
        *,
        until: dt.datetime | None = None,
        used: bool = False,
    ) -> None:
        """Plan the next look, unless a webhook or another's lease did meanwhile.

        `until`: all that was paid in before this was seen by the look that ends. `used`: something
        came.
        """
        ...

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        """Make these be looked at now; answers how many are known."""
        ...

    async def credit(self, account: VirtualAccount, payment: Payment, notice: NewNotice) -> bool:
        """Book a payment to the account's owner and tell them, once per gateway transaction.

        One commit: payment row, clearing to wallet, fee to fees, the notice. True when this call
        did it.
        """
        ...

    async def hold_up(
        self, account: VirtualAccount, payment: Payment, why: str, notice: NewNotice
    ) -> bool:
        """Keep a payment that must not be credited for a person; once per gateway transaction."""
        ...

    async def known(self, account: VirtualAccount, payments: Sequence[Payment]) -> set[str]:
        """The transaction ids of those that are booked or held up already."""
        ...
