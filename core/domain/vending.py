"""Selling value through a provider: what is asked, and the seven ways it can end."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from core.kit.money import Money
from core.kit.msisdn import Msisdn


class Product(StrEnum):
    """What can be sold. The value is the word of the outside contract."""

    AIRTIME = "airtime"
    DATA = "data"
    CABLE = "cable"
    ELECTRICITY = "electricity"
    EXAM = "exam"
    RECHARGE_PIN = "recharge_pin"


class Result(StrEnum):
    """The class of one provider answer. Exactly one, and UNKNOWN whenever it is not promised.

    Money may move back only on REFUSED, FAILED and REVERSED, and on NOT_FOUND after a quarantine.
    """

    DELIVERED = "delivered"  # final success, with the evidence the product needs
    ACCEPTED = "accepted"  # the order exists there and is not final
    REFUSED = "refused"  # turned away before anything was placed, and documented as such
    FAILED = "failed"  # placed, ended without value, and not charged
    REVERSED = "reversed"  # was pending or delivered, then taken back
    NOT_FOUND = "not_found"  # a requery knows of no such order
    UNKNOWN = "unknown"  # timeout, reset, 5xx, HTML, an unknown code, a missing field


class Blame(StrEnum):
    """Why an order was refused, which decides whether another provider could still serve it."""

    NONE = "none"
    OURS = "ours"  # our float, our keys, their product switched off: another provider may do
    ORDER = "order"  # a wrong number, a wrong amount: it would be refused anywhere


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """One provider answer, read.

    Attributes:
        reason: A short stable code for logs and operators, never customer data.
        hint: Names a text that tells the customer what to do (`wrong_network`), or None.
        cost: What it took from our float, where the answer says so.
        evidence: Tokens, PINs: the delivered value itself. Kept encrypted, never logged.
        check_after_s: When the provider asks to be queried again, in seconds from now.
        never_sent: True only when the request provably did not leave this machine.
    """

    result: Result
    reason: str
    provider_reference: str | None = None
    blame: Blame = Blame.NONE
    hint: str | None = None
    cost: Money | None = None
    evidence: Mapping[str, str] = msgspec.field(default_factory=dict)
    check_after_s: float | None = None
    never_sent: bool = False


class Vend(msgspec.Struct, frozen=True, gc=False):
    """One order to a provider. `reference` is ours and is its idempotency key there.

    Attributes:
        network: The mobile network; for other products the biller: `dstv`, `ikeja-electric`.
        recipient: Whom it is for, or whom to tell: every product has a number.
        plan: What is bought, in the provider's own code, where a product has plans.
        account: The meter, smartcard or profile it is for, where a product has one.
        variant: What the product distinguishes: `prepaid`, `postpaid`, `renew`, `change`.
        quantity: How many PINs.
        provider_reference: Theirs, once an earlier answer told it: some can only be asked by that.
    """

    reference: str
    product: Product
    network: str
    recipient: Msisdn
    amount: Money
    created_at: dt.datetime
    plan: str = ""
    account: str = ""
    variant: str = ""
    quantity: int = 1
    provider_reference: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a provider's contract allows the router to do with it.

    Attributes:
        requery_by_reference: It can be asked about an order by our own reference. Without that it
            is never tried after another provider, and never again for the same order.
        enforces_unique: It refuses a repeated reference.
        processing_max_s: The longest that a request may stay on its way inside it, in seconds:
            until then "no such order" proves nothing.
        client_reference: Its requests carry our reference at all. Without one, what became of a
            lost answer is for a person to find out.
        failover_target: An order may come to it after another provider was tried. Never without
            `requery_by_reference`.
    """

    products: frozenset[Product]
    requery_by_reference: bool
    enforces_unique: bool
    processing_max_s: float = 60.0
    client_reference: bool = True
    failover_target: bool = False

    def __post_init__(self) -> None:
        if self.failover_target and not (self.requery_by_reference and self.client_reference):
            raise ValueError("a failover target must be answerable by our reference")
