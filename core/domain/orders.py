"""A purchase, from the hold to the end of its money.

What is made for every order is a struct, which takes a fraction of what a dataclass takes to make.
It is out of the collector's sight (`gc=False`): values made of earlier values are in no cycle.
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import msgspec

from core.domain.vending import Outcome, Product, Result
from core.kit import ids
from core.kit.msisdn import Msisdn


class OrderState(StrEnum):
    """Where an order stands. The last three are final for the customer's money."""

    HELD = "held"  # money set aside; a provider is being asked or will be
    IN_DOUBT = "in_doubt"  # asked, and nobody can say yet; the money stays held
    DELIVERED = "delivered"  # captured
    REFUNDED = "refunded"  # the hold was let go: nothing was delivered
    PAID_BACK = "paid_back"  # still unknown at the deadline: paid back from suspense

    @property
    def final(self) -> bool:
        return self in FINAL


FINAL = frozenset({OrderState.DELIVERED, OrderState.REFUNDED, OrderState.PAID_BACK})


def attempt_id(order_id: UUID, number: int) -> UUID:
    """Of an order's attempts, counted from 1: made again, it is the same.

    The first bears the order's own: nothing is derived that most orders never need. A provider may
    read it in our reference, which is no secret.
    """
    if number == 1:
        return order_id
    return ids.derived("attempt", order_id, str(number), at=ids.moment(order_id))


class NewOrder(msgspec.Struct, frozen=True, gc=False):
    """What a customer confirmed. `id` is derived from the confirmed screen: the idempotency key.

    Attributes:
        amount_minor: Face value. `fee_minor` comes on top; their sum is held.
        channel_id, identity: Where to tell the outcome.
        provider, via, attempt_id, provider_reference, provider_plan: The first attempt, chosen and
            committed with the hold, before anything is sent. `via` names our account there, and
            `provider_plan` is the provider's own code of `plan`.
        plan, account, variant, quantity: As in `core.domain.vending.Vend`, `plan` by our own name.
        day_starts_at: Never after `created_at`: by it the wallet remembers what was spent that day.
        day_limit_minor: The most this customer may spend from `day_starts_at` on, or None.
        gift_room_id: The gift room that the customer won it in: then it counts against no limit.
            None where they bought it.
    """

    id: UUID
    tenant_id: UUID
    customer_id: UUID
    reference: str
    product: Product
    network: str
    recipient: Msisdn
    amount_minor: int
    fee_minor: int
    currency: str
    channel_id: UUID
    identity: str
    attempt_id: UUID
    provider: str
    provider_reference: str
    created_at: dt.datetime
    deadline_at: dt.datetime
    day_starts_at: dt.datetime
    day_limit_minor: int | None = None
    plan: str = ""
    account: str = ""
    variant: str = ""
    quantity: int = 1
    via: str = ""
    provider_plan: str = ""
    gift_room_id: UUID | None = None


class Beginning(StrEnum):
    """What became of a new order."""

    BEGUN = "begun"
    DUPLICATE = "duplicate"  # the same confirmation again: see the order it made
    CONFLICT = "conflict"  # the same id with other content
    INSUFFICIENT = "insufficient"
    OVER_LIMIT = "over_limit"
    CLOSED = "closed"


class Begun(msgspec.Struct, frozen=True, gc=False):
    """`in_hand`: if it was begun, this process is already seeing it through."""

    result: Beginning
    order_id: UUID
    reference: str | None
    state: OrderState | None
    in_hand: bool = False


class AttemptState(StrEnum):
    CREATED = "created"  # committed, never sent
    SENT = "sent"  # may have left this machine
    CLOSED = "closed"  # ended in a class that ends it


class DueOrder(msgspec.Struct, frozen=True, gc=False):
    """An order whose job came due, leased to one worker.

    Attributes:
        first_send: The lease, or beginning it, just marked the attempt SENT: nobody can have sent
            it before.
        sent_at: When it was first marked so.
        not_found_since: First of the unbroken run of NOT_FOUND answers, if the last one was that.
        checks: How many times the provider was asked about this attempt.
        via: Our account at the provider that this attempt goes through.
        their_reference: What the provider calls this attempt, once it said so.
        provider_plan: The provider's own code of `plan`.
        tried: The providers of all attempts so far, this one included.
    """

    order_id: UUID
    tenant_id: UUID
    customer_id: UUID
    reference: str
    product: Product
    network: str
    recipient: Msisdn
    amount_minor: int
    fee_minor: int
    currency: str
    state: OrderState
    created_at: dt.datetime
    deadline_at: dt.datetime
    attempt_id: UUID
    attempt_number: int
    provider: str
    provider_reference: str
    first_send: bool
    sent_at: dt.datetime
    last_result: Result | None
    not_found_since: dt.datetime | None
    checks: int
    plan: str = ""
    account: str = ""
    variant: str = ""
    quantity: int = 1
    via: str = ""
    their_reference: str | None = None
    provider_plan: str = ""
    tried: tuple[str, ...] = ()


class Verdict(StrEnum):
    """What to do with an order after an answer. Decided by rules alone (`core.domain.requery`)."""

    CAPTURE = "capture"  # delivered: take the money
    REFUND = "refund"  # proven not to have happened: let the money go
    NEXT = "next"  # proven not to have happened: try again as a new attempt
    WAIT = "wait"  # not known: ask again at `check_at`
    PAY_BACK = "pay_back"  # not known by the deadline: pay back from suspense, keep asking
    BOOK_LOSS = "book_loss"  # paid back, and now proven delivered
    CLEAR = "clear"  # paid back, and now proven not to have happened
    TAKE_BACK = "take_back"  # delivered and captured, then reversed by the provider: give it back
    KEEP = "keep"  # a final order looked at again, and nothing new: only its job ends


class NextAttempt(msgspec.Struct, frozen=True, gc=False):
    attempt_id: UUID
    provider: str
    provider_reference: str
    via: str = ""
    provider_plan: str = ""


class Ruling(msgspec.Struct, frozen=True, gc=False):
    """One answer and what it leads to, applied once whoever brings it.

    `actor` is `worker`, or the person who settled it.
    """

    order_id: UUID
    tenant_id: UUID
    attempt_id: UUID
    outcome: Outcome
    verdict: Verdict
    check_at: dt.datetime | None = None
    next_attempt: NextAttempt | None = None
    actor: str = "worker"


@dataclass(frozen=True, slots=True)
class OrderView:
    """An order as customers and operators see it. `gift_room_id`: as in `NewOrder`."""

    id: UUID
    tenant_id: UUID
    customer_id: UUID
    reference: str
    product: Product
    network: str
    recipient: Msisdn
    amount_minor: int
    fee_minor: int
    currency: str
    state: OrderState
    hint: str | None
    created_at: dt.datetime
    settled_at: dt.datetime | None
    gift_room_id: UUID | None = None
