"""Money in: a customer means to pay, pays somewhere else, and is credited what arrived, once."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.kit import crash, ids
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.kit.money import Money
from core.ports import (
    Customers,
    Intent,
    Intents,
    NewNotice,
    Payment,
    PaymentGateway,
    PaymentRequest,
    PaymentState,
)

log = structlog.get_logger()


class TooManyLinks(Problem):
    """So many links wait to be paid that another would help nobody. Nothing was done."""

    code = "too_many_links"


class Link(StrEnum):
    """Where the payment link is when the customer gets an answer."""

    SENT = "sent"
    SENT_BEFORE = "sent_before"  # for an earlier request of the same; nothing was sent now
    COMING = "coming"


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking for a link: the reference to pay under, and where the link is."""

    reference: str
    link: Link


@dataclass(frozen=True, slots=True)
class FundingRules:
    """Bounds in minor units and times in seconds.

    Attributes:
        checks_after_s: At which ages of an intent its payment is looked for.
        addresses: The domain of the mail address that gateways insist on; nobody is written to.
        unpaid_max: How many links of the last `unpaid_within_s` may wait to be paid.
        same_within_s: How long the same amount again is the same request again.
        link_within_s: How long a gateway is asked for a link before the customer is told that
            there is none.
        unanswered_every_s: How often a gateway that cannot be asked is asked again beyond
            `checks_after_s`; at most `looks_max` looks are taken at one intent then.
    """

    amount_min_minor: int
    amount_max_minor: int
    checks_after_s: tuple[float, ...] = (60, 300, 900, 3600, 86_400, 172_800, 259_200)
    addresses: str = "customers.invalid"
    unpaid_max: int = 5
    unpaid_within_s: float = 3600
    same_within_s: float = 600
    link_within_s: float = 900
    unanswered_every_s: float = 1800
    looks_max: int = 40

    def next_look(
        self, intent: Intent, found: PaymentState, now: dt.datetime
    ) -> dt.datetime | None:
        """When to look for the payment again, or None for never, unless a webhook asks for it.

        A paid intent is looked at once more only where the gateway could not be asked.
        """
        unanswered = found is PaymentState.UNKNOWN
        if intent.state == "paid" and not unanswered:
            return None
        age_s = (now - intent.created_at).total_seconds()
        for after_s in self.checks_after_s:
            if after_s > age_s:
                return intent.created_at + dt.timedelta(seconds=after_s)
        if unanswered and intent.checks < self.looks_max:
            return now + dt.timedelta(seconds=self.unanswered_every_s)
        return None

    def next_link_try(self, intent: Intent, now: dt.datetime) -> dt.datetime | None:
        """After twice the time that was waited until now, or None when it is time to give up."""
        age_s = (now - intent.created_at).total_seconds()
        if age_s >= self.link_within_s:
            return None
        wait_s = min(max(age_s, _LINK_WAIT_MIN_S), _LINK_WAIT_MAX_S)
        return now + dt.timedelta(seconds=wait_s)


_LINK_WAIT_MIN_S = 2.0
_LINK_WAIT_MAX_S = 300.0


class Funding:
    def __init__(
        self,
        intents: Intents,
        customers: Customers,
        gateways: Mapping[str, PaymentGateway],
        rules: FundingRules,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._intents = intents
        self._customers = customers
        self._gateways = gateways
        self._rules = rules
        self._clock = clock
        self._bell = bell
        self._opening: set[asyncio.Task[bool]] = set()

    @property
    def rules(self) -> FundingRules:
        return self._rules

    async def start(
        self,
        customer: Customer,
        amount: Money,
        *,
        key: str,
        channel_id: UUID,
        identity: str,
        until: float,
    ) -> Asked:
        """Write the intent, then open a checkout for it; the link also goes out by SMS.

        Where the gateway has not answered by `until` (of `time.monotonic`) the answer is taken
        without the caller; where it does not come, the worker goes on asking.

        The same amount again, while the link for it is young and not paid, is that link again: no
        second intent, no second SMS.

        Raises:
            TooManyLinks: nothing was done.
        """
        gateway = next(iter(self._gateways.values()))
        intent_id = ids.derived("intent", str(customer.tenant_id), str(customer.id), key)
        if earlier := await self._earlier(customer, amount, intent_id):
            return earlier
        intent = await self._intents.open(
            intent_id=intent_id,
            customer=customer,
            gateway=gateway.name,
            reference=_reference(intent_id),
            amount=amount,
            channel_id=channel_id,
            identity=identity,
            at=self._clock.now(),
        )
        crash.point("funding.intent_written")
        sent = intent.url is not None
        if intent.state == "open" and not sent:
            sent = await self._open_in_time(intent, customer, until)
        return Asked(intent.reference, Link.SENT if sent else Link.COMING)

    async def look_after(self, intent: Intent) -> None:
        """What the worker does with a leased intent: verify, credit, see to its link, or let go.

        It leaves the intent with a definite next look or with none. Where this process dies, the
        lease brings it back.
        """
        found = await self.settle(intent)
        if found is PaymentState.PAID:
            return
        if intent.state == "open" and intent.url is None:
            await self._find_link(intent)
            return
        at = self._rules.next_look(intent, found, self._clock.now())
        await self._intents.check_again(intent, at)

    async def settle(self, intent: Intent) -> PaymentState:
        """Ask the gateway and book what it says has arrived.

        PAID when that is done: credited, or held up for a person, and no look remains.
        """
        gateway = self._gateways.get(intent.gateway)
        if gateway is None:
            log.error("funding.no_gateway", reference=intent.reference, gateway=intent.gateway)
            return PaymentState.UNKNOWN
        verification = await gateway.verify(intent.reference)
        log.info(
            "funding.verified",
            reference=intent.reference,
            gateway=intent.gateway,
            state=verification.state.value,
        )
        if verification.state is not PaymentState.PAID:
            return verification.state
        payment = verification.payment
        if payment is None or payment.reference != intent.reference or payment.amount.minor <= 0:
            # No evidence of this payment; to book it might keep its true owner from it.
            log.error("funding.absurd", reference=intent.reference, gateway=intent.gateway)
            return PaymentState.UNKNOWN
        if payment.amount.currency != intent.amount.currency:
            await self._hold_up(intent, payment)
        else:
            await self._credit(intent, payment)
        return PaymentState.PAID

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        """A webhook named these: have them verified now."""
        known = await self._intents.hurry(gateway, references)
        self._bell.ring()
        return known

    async def close(self) -> None:
        """Leave no checkout half open: wait for those under way, each as long as its gateway."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    # Asking for a link.

    async def _earlier(self, customer: Customer, amount: Money, intent_id: UUID) -> Asked | None:
        """The same request of a few minutes ago. Raises `TooManyLinks`."""
        now = self._clock.now()
        since = now - dt.timedelta(seconds=self._rules.unpaid_within_s)
        unpaid = await self._intents.unpaid(customer, since)
        if any(one.id == intent_id for one in unpaid):
            return None
        lately = now - dt.timedelta(seconds=self._rules.same_within_s)
        for one in unpaid:
            if one.amount == amount and one.created_at >= lately:
                return Asked(one.reference, Link.SENT_BEFORE if one.url else Link.COMING)
        if len(unpaid) >= self._rules.unpaid_max:
            raise TooManyLinks
        return None

    async def _open_in_time(self, intent: Intent, customer: Customer, until: float) -> bool:
        """Open the checkout, whoever stops waiting: an address that came must not be lost."""
        task = asyncio.create_task(
            self._open_or_leave(intent, customer), name=f"funding:{intent.reference}"
        )
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                return await asyncio.shield(task)
        except TimeoutError:
            return False

    async def _open_or_leave(self, intent: Intent, customer: Customer) -> bool:
        """Open the checkout, or leave it to the worker at once."""
        try:
            if await self._open_checkout(intent, customer):
                return True
            await self._intents.check_again(intent, self._clock.now())
        except Exception:
            log.exception("funding.checkout_failed", reference=intent.reference)
        self._bell.ring()
        return False

    async def _find_link(self, intent: Intent) -> None:
        """Ask for the link again.

        The first look asks under the reference that the turn asked under; later ones ask under a
        fresh one: a gateway whose answer was lost on the way has taken the reference, and may
        refuse it for ever.
        """
        customer = await self._customers.get(intent.tenant_id, intent.customer_id)
        current = await self._successor(intent) if intent.checks > 1 else intent
        if current is None:
            return
        if await self._open_checkout(current, customer):
            at = self._rules.next_look(current, PaymentState.OPEN, self._clock.now())
        else:
            at = self._rules.next_link_try(current, self._clock.now())
            if at is None:
                await self._give_up(current)
                return
        await self._intents.check_again(current, at)

    async def _successor(self, intent: Intent) -> Intent | None:
        """The same intent under a fresh reference; None when it needs none any more."""
        successor_id = ids.derived("intent", str(intent.id), "successor")
        successor = await self._intents.replace(
            intent,
            intent_id=successor_id,
            reference=_reference(successor_id),
            check_at=self._rules.next_look(intent, PaymentState.OPEN, self._clock.now()),
        )
        if successor is not None:
            log.info("funding.replaced", reference=intent.reference, by=successor.reference)
        return successor

    async def _give_up(self, intent: Intent) -> None:
        at = self._rules.next_look(intent, PaymentState.OPEN, self._clock.now())
        if await self._intents.give_up(intent, _notice(intent, "notice.no_link"), at):
            log.warning("funding.no_link", reference=intent.reference, gateway=intent.gateway)

    async def _open_checkout(self, intent: Intent, customer: Customer) -> bool:
        """Open a checkout and have its address sent. False when there is none to send."""
        gateway = self._gateways.get(intent.gateway)
        if gateway is None:
            return False
        request = PaymentRequest(
            reference=intent.reference,
            amount=intent.amount,
            msisdn=customer.msisdn,
            email=f"{intent.reference.lower()}@{self._rules.addresses}",
        )
        checkout = await gateway.initialize(request)
        crash.point("funding.initialized")
        if checkout is None:
            return False
        notice = _notice(intent, "notice.pay_link", url=checkout.url)
        kept = await self._intents.set_url(intent, checkout.url, notice)
        self._bell.ring()
        return kept

    # Booking what arrived.

    async def _credit(self, intent: Intent, payment: Payment) -> None:
        crash.point("funding.before_credit")
        notice = _notice(intent, "notice.funded", payment)
        if await self._intents.credit(intent, payment, notice):
            log.info("funding.credited", reference=intent.reference, gateway=intent.gateway)
        crash.point("funding.credited")

    async def _hold_up(self, intent: Intent, payment: Payment) -> None:
        holds = intent.amount.currency
        notice = _notice(intent, "notice.fund_held_up", payment, holds=holds, hint=holds)
        if await self._intents.hold_up(intent, payment, "currency", notice):
            log.error(
                "funding.mismatch",
                reference=intent.reference,
                gateway=intent.gateway,
                paid=payment.amount.currency,
                holds=holds,
            )


def _notice(
    intent: Intent, text: str, payment: Payment | None = None, **more: str | int
) -> NewNotice:
    """Told once: per payment, or per intent where there is none yet."""
    amount = payment.amount if payment else intent.amount
    if payment:
        key = f"fund:{intent.gateway}:{payment.transaction_id}"
    else:
        key = f"fund:{intent.id}:{text}"
    facts: dict[str, str | int] = {
        "amount": amount.minor,
        "currency": amount.currency,
        "reference": intent.reference,
    }
    return NewNotice(key, intent.tenant_id, intent.customer_id, text, facts | more)


def _reference(intent_id: UUID) -> str:
    """Letters and digits only, derived: the same intent has the same one after a crash."""
    number, letters = intent_id.int, ""
    for _ in range(16):
        number, digit = divmod(number, 32)
        letters += ids.SPEAKABLE[digit]
    return "CB" + letters
