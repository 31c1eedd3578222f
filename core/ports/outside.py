"""The outside world: whoever sells to us, collects for us, and carries our words."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from core.domain.vending import Capabilities, Outcome, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import Msisdn


class BadCallback(Fault):
    """A callback whose signature or shape is wrong. Answered 401 and counted, never acted on."""


class FloatNotTold(Fault):
    """This provider has no way to tell our float. It says nothing of how it is otherwise."""


class VtuProvider(Protocol):
    """Sells from the float that we keep with it.

    Every reply and every failure becomes an `Outcome`; nothing is raised for what it does.
    A timeout after the request left is UNKNOWN: the value may be on the line already.
    """

    @property
    def name(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def timeout_s(self) -> float:
        """How long a vend may take before it is UNKNOWN. Leases last longer than this."""
        ...

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        """The reference this provider will know an attempt by: the same for the same arguments."""
        ...

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        """False when a never-sent reference is too old to be taken at `at` (VTpass dates them)."""
        ...

    async def vend(self, vend: Vend) -> Outcome:
        """Ask for value, once. The caller never repeats a reference."""
        ...

    async def requery(self, vend: Vend) -> Outcome:
        """What became of an earlier vend? Safe any number of times."""
        ...

    async def float_balance(self) -> Money:
        """Our money there. Raises `Fault` when it cannot be read."""
        ...

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        """Our references that a callback speaks of: a hint to requery now, never evidence.

        Raises:
            BadCallback: it is signed wrongly, or not readable.
        """
        ...

    def callback_answer(self) -> tuple[int, str, str]:
        """Status, content type and body that tell the provider its callback was taken."""
        ...


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Money a customer means to pay in. `reference` is ours, unique, letters and digits only."""

    reference: str
    amount: Money
    msisdn: Msisdn
    email: str
    callback_url: str | None = None


@dataclass(frozen=True, slots=True)
class Checkout:
    """Where the customer pays."""

    url: str


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that a gateway says has arrived.

    Attributes:
        transaction_id: The gateway's own, unique per payment: what a credit is keyed on.
        reference: Ours, as the gateway knows it.
        fee: What the gateway keeps, where it says so.
    """

    transaction_id: str
    reference: str
    amount: Money
    paid_at: dt.datetime | None = None
    fee: Money | None = None


class PaymentState(StrEnum):
    PAID = "paid"
    OPEN = "open"  # not paid yet, may still be
    DEAD = "dead"  # failed, abandoned past recall, or unknown to the gateway
    UNKNOWN = "unknown"  # could not be asked: ask again


@dataclass(frozen=True, slots=True)
class Verification:
    """What a gateway says of a reference when asked server to server.

    Attributes:
        payments: All that arrived under it, as far as the gateway would tell: several tries of a
            payer may go through. Beside UNKNOWN they are what was learnt before the asking failed.
    """

    state: PaymentState
    payments: tuple[Payment, ...] = ()


class PaymentGateway(Protocol):
    """Collects customers' money for us. One that keeps bank accounts is `VirtualAccounts` as well.

    Webhooks only name a reference; what is credited is what `verify` says, once per transaction.
    """

    @property
    def name(self) -> str: ...

    async def initialize(self, request: PaymentRequest) -> Checkout | None:
        """Open a checkout. None: not known to be open; the same reference may be tried again."""
        ...

    async def verify(self, reference: str) -> Verification:
        """What became of a reference, and every payment that arrived under it."""
        ...

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        """Our references, or accounts, that a webhook speaks of.

        Its signature is checked first, over the raw bytes.

        Raises:
            BadCallback: no or a wrong signature, or not readable.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sms:
    to: Msisdn
    text: str
    sender: str | None = None


class SmsResult(StrEnum):
    ACCEPTED = "accepted"  # taken for delivery; acceptance is not delivery
    REJECTED = "rejected"  # this message will never be taken: do not try again
    RETRY = "retry"  # not known to be taken, or their trouble: try again later


class SmsSender(Protocol):
    """Sends text to a handset. A timeout is RETRY: the same text twice is better than none."""

    @property
    def name(self) -> str: ...

    async def send(self, sms: Sms) -> SmsResult: ...
