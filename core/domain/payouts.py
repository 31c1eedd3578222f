"""Money that a customer takes out to a bank account, from the hold to the end of it."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from core.domain.orders import OrderState
from core.domain.vending import Outcome
from core.kit.money import Money


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank as one gateway knows it: codes differ between gateways, so `code` is theirs."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class AccountName:
    """Who holds an account, by the bank's own word."""

    name: str

    def same_as(self, other: str) -> bool:
        """Whether `other` names the same holder: banks vary case, spaces, commas and order."""
        return bool(_words(self.name)) and _words(self.name) == _words(other)


@dataclass(frozen=True, slots=True)
class Payout:
    """One transfer as a gateway is asked for it. `reference` is ours and its idempotency key there.

    Attributes:
        account_number: Whole, and in no log.
        account_name: As it was confirmed by the customer.
        their_reference: What the gateway calls it, once an earlier answer said so.
    """

    reference: str
    amount: Money
    bank_code: str
    account_number: str = field(repr=False)
    account_name: str = field(repr=False)
    their_reference: str = ""


@dataclass(frozen=True, slots=True)
class PayoutCapabilities:
    """What a gateway's contract says of its transfers.

    Attributes:
        requery_by_reference: It can be asked about a transfer by our own reference. Without that,
            what became of a lost answer is for a person to find out.
        processing_max_s: The longest that a request may stay on its way inside it, in seconds:
            until then "no such transfer" proves nothing.
    """

    requery_by_reference: bool
    processing_max_s: float


class PayoutState(StrEnum):
    """Where a payout stands. The last two are final, but for a bank that says otherwise later."""

    HELD = "held"  # money set aside; the gateway is being asked or will be
    IN_DOUBT = "in_doubt"  # asked, and nobody can say yet; the money stays held
    NEEDS_PERSON = "needs_person"  # still unknown at the deadline: held until a person knows
    PAID = "paid"  # captured
    REFUNDED = "refunded"  # let go, or given back: nothing reached the bank, or it came back

    @property
    def final(self) -> bool:
        return self in {PayoutState.PAID, PayoutState.REFUNDED}


_AS_ORDER: Mapping[PayoutState, OrderState] = MappingProxyType(
    {
        PayoutState.HELD: OrderState.HELD,
        PayoutState.IN_DOUBT: OrderState.IN_DOUBT,
        PayoutState.NEEDS_PERSON: OrderState.IN_DOUBT,
        PayoutState.PAID: OrderState.DELIVERED,
        PayoutState.REFUNDED: OrderState.REFUNDED,
    }
)


@dataclass(frozen=True, slots=True)
class NewPayout:
    """What a customer confirmed. `id` is derived from the confirmed screen: the idempotency key.

    Attributes:
        amount_minor: What the bank account gets. `fee_minor` comes on top; their sum is held.
        gateway_reference: What the gateway will know it by: made once, never again.
        account_sealed: The account number, encrypted. `account_tail` are its last four digits.
        day_limit_minor: The most this customer may take out a day (from `day_starts_at`).
        channel_id, identity: Where it was asked for.
    """

    id: UUID
    tenant_id: UUID
    customer_id: UUID
    reference: str
    gateway: str
    gateway_reference: str
    amount_minor: int
    fee_minor: int
    currency: str
    bank_code: str
    bank_name: str
    account_sealed: str
    account_tail: str
    account_name: str
    account_digest: str
    channel_id: UUID
    identity: str
    created_at: dt.datetime
    deadline_at: dt.datetime
    day_starts_at: dt.datetime
    day_limit_minor: int


class PayoutBeginning(StrEnum):
    """What became of a new payout."""

    BEGUN = "begun"
    DUPLICATE = "duplicate"  # the same confirmation again
    CONFLICT = "conflict"  # the same id with other content
    INSUFFICIENT = "insufficient"
    OVER_LIMIT = "over_limit"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class PayoutBegun:
    result: PayoutBeginning
    reference: str
    state: PayoutState | None


@dataclass(frozen=True, slots=True)
class PayoutDoubt:
    """A payout as `core.domain.requery` judges answers about it."""

    state: OrderState
    first_send: bool
    sent_at: dt.datetime
    not_found_since: dt.datetime | None
    checks: int
    deadline_at: dt.datetime


@dataclass(frozen=True, slots=True)
class DuePayout:
    """A payout that came due, leased to one worker.

    Attributes:
        first_send: The lease just marked it as sent: nobody can have sent it before.
        sent_at: When it was first marked so.
        not_found_since: First of the unbroken run of NOT_FOUND answers, if the last one was that.
        checks: How many answers about it were booked.
    """

    id: UUID
    tenant_id: UUID
    customer_id: UUID
    reference: str
    gateway: str
    gateway_reference: str
    their_reference: str | None
    amount_minor: int
    fee_minor: int
    currency: str
    bank_code: str
    bank_name: str
    account_sealed: str
    account_tail: str
    account_name: str
    state: PayoutState
    first_send: bool
    sent_at: dt.datetime
    not_found_since: dt.datetime | None
    checks: int
    created_at: dt.datetime
    deadline_at: dt.datetime

    @property
    def doubt(self) -> PayoutDoubt:
        return PayoutDoubt(
            state=_AS_ORDER[self.state],
            first_send=self.first_send,
            sent_at=self.sent_at,
            not_found_since=self.not_found_since,
            checks=self.checks,
            deadline_at=self.deadline_at,
        )


class PayoutVerdict(StrEnum):
    """What to do with a payout after an answer."""

    CAPTURE = "capture"  # it reached the bank: take the money; after a refund it is our loss
    REFUND = "refund"  # proven not to have happened: let the money go
    WAIT = "wait"  # not known: ask again
    ASK_PERSON = "ask_person"  # not known by the deadline: a person finds out, the money stays held
    TAKE_BACK = "take_back"  # paid and captured, then returned by the bank: give it back
    KEEP = "keep"  # final, looked at again, and nothing new


@dataclass(frozen=True, slots=True)
class PayoutRuling:
    """One answer and what it leads to, applied once whoever brings it."""

    id: UUID
    tenant_id: UUID
    outcome: Outcome
    verdict: PayoutVerdict
    check_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """A person's word on a payout that nobody else could settle. `key` makes it once."""

    id: UUID
    tenant_id: UUID
    paid: bool
    evidence: str
    actor: str
    key: str


@dataclass(frozen=True, slots=True)
class PayoutView:
    """A payout as customers and operators see it: never with the whole account number."""

    id: UUID
    tenant_id: UUID
    customer_id: UUID
    reference: str
    gateway: str
    gateway_reference: str
    their_reference: str | None
    amount_minor: int
    fee_minor: int
    currency: str
    bank_name: str
    account_tail: str
    account_name: str
    state: PayoutState
    result: str | None
    reason: str | None
    checks: int
    created_at: dt.datetime
    deadline_at: dt.datetime
    settled_at: dt.datetime | None


_WEIGHTS = (3, 7, 3) * 4
_NUBAN = re.compile(r"[0-9]{10}", re.ASCII)
_BANK_CODE = re.compile(r"[0-9]{3}", re.ASCII)


def nuban_fits(bank_code: str, account_number: str) -> bool:
    """Whether the last digit of a Nigerian account number is the check digit of its bank.

    Only banks with a code of three digits can be judged (the Central Bank's NUBAN standard of
    2010: twelve digits of bank and serial, weighed 3, 7, 3); for others this is True. Some banks
    hand out numbers that do not fit, so a misfit is a reason to ask, not to refuse.
    """
    if not (_BANK_CODE.fullmatch(bank_code) and _NUBAN.fullmatch(account_number)):
        return True
    digits = bank_code + account_number[:9]
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return (10 - total % 10) % 10 == int(account_number[9])


def _words(name: str) -> list[str]:
    return sorted(re.findall(r"[^\W_]+", name.casefold()))
