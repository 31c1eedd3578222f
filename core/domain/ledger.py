"""Double entry: accounts, transfers between two of them, and holds that set money aside.

Modelled on TigerBeetle's two-phase transfers. Amounts are integer minor units. `posted` is credits
minus debits, so the sum over all accounts of a currency is zero at every commit.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class AccountType(StrEnum):
    """What an account stands for. Only a wallet and an escrow may not go below zero."""

    WALLET = "wallet"  # a customer's money with us
    ESCROW = "escrow"  # money set apart for others to claim: a gift room
    CLEARING = "clearing"  # what a payment gateway has collected for us and not yet paid out
    FLOAT = "float"  # our money at a VTU provider
    REVENUE = "revenue"  # what sales leave us
    COST = "cost"  # what a sale cost us above its price
    FEES = "fees"  # what gateways keep
    SUSPENSE = "suspense"  # paid back while in doubt; must return to zero
    LOSS = "loss"  # delivered after we had paid back
    WORLD = "world"  # everything outside: banks, adjustments


@dataclass(frozen=True, slots=True)
class AccountKey:
    """Names one account. `owner`: a customer's id, a provider's name, or "" for the tenant's."""

    tenant_id: UUID
    type: AccountType
    owner: str
    currency: str


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's money in minor units. `available` is what may be spent or set aside."""

    posted_minor: int
    held_minor: int
    currency: str

    @property
    def available_minor(self) -> int:
        return self.posted_minor - self.held_minor


@dataclass(frozen=True, slots=True)
class Transfer:
    """Moves `amount_minor` from `debit` to `credit`. `id` is the caller's idempotency key.

    `code` says why in one word (`fund`, `sale`, `refund`); `event_id` ties the legs of one event.
    """

    id: UUID
    tenant_id: UUID
    debit: AccountKey
    credit: AccountKey
    amount_minor: int
    code: str
    event_id: UUID
    reverses: UUID | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """What one transfer did to one account: `amount_minor` is negative where it took money out."""

    transfer_id: UUID
    code: str
    amount_minor: int
    at: dt.datetime


class Posting(StrEnum):
    """What became of one transfer or hold."""

    POSTED = "posted"
    DUPLICATE = "duplicate"  # the same id with the same content: done before
    CONFLICT = "conflict"  # the same id with other content: refused
    INSUFFICIENT = "insufficient"
    CLOSED = "closed"
    FOREIGN = "foreign"  # an account of another tenant or currency
