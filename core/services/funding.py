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
from core.services.funding_rules import FundingRules

__all__ = ["Asked", "Found", "Funding", "FundingRules", "Link", "TooManyLinks"]

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
class Found:
    """What a look at an intent found.

    Attributes:
        came: Something was paid under its reference.
        done: All that was asked for has come, or a person must look at what came.
    """

    state: PaymentState
    came: bool = False
    done: bool = False


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
            reference=ids.reference_of(intent_id, "CB"),
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

        It leaves the intent with a definite next look or with none, and that only after all that
        the gateway told of is booked. Where this process dies, the lease brings it back.
        """
        found = await self.settle(intent)
        if found.done:
            await self._intents.check_again(intent, None)
            return
        if intent.state == "open" and intent.url is None and not found.came:
            await self._find_link(intent)
            return
        at = self._rules.next_look(intent, found.state, self._clock.now())
        await self._intents.check_again(intent, at)

    async def settle(self, intent: Intent) -> Found:
        """Ask the gateway and book every payment that it says has arrived, each once."""
        gateway = self._gateways.get(intent.gateway)
        if gateway is None:
            log.error("funding.no_gateway", reference=intent.reference, gateway=intent.gateway)
            return Found(PaymentState.UNKNOWN)
        verification = await gateway.verify(intent.reference)
        log.info(
            "funding.verified",
            reference=intent.reference,
            gateway=intent.gateway,
            state=verification.state.value,
            payments=len(verification.payments),
        )
        if any(not _is_evidence(payment, intent) for payment in verification.payments):
            # To book it might keep its true owner from it.
            log.error("funding.absurd", reference=intent.reference, gateway=intent.gateway)
            return Found(PaymentState.UNKNOWN)
        paid_minor, mismatched = 0, False
        for payment in verification.payments:
            if payment.amount.currency != intent.amount.currency:
                await self._hold_up(intent, payment)
                mismatched = True
                continue
            paid_minor += payment.amount.minor
            await self._credit(intent, payment, paid_minor)
        enough = paid_minor >= intent.amount.minor or mismatched
        return Found(
            state=verification.state,
            came=bool(verification.payments),
            done=enough and verification.state is PaymentState.PAID,
        )

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

        Where there is another gateway, it is asked; else the first look asks under the reference
        that the turn asked under, and later ones under a fresh one: a gateway whose answer was lost
        on the way has taken the reference, and may refuse it for ever.
        """
        customer = await self._customers.get(intent.tenant_id, intent.customer_id)
        renewed = intent.checks > 1 or self._after(intent.gateway) != intent.gateway
        current = await self._successor(intent) if renewed else intent
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
            gateway=self._after(intent.gateway),
            reference=ids.reference_of(successor_id, "CB"),
            check_at=self._rules.next_look(intent, PaymentState.OPEN, self._clock.now()),
        )
        if successor is not None:
            log.info(
                "funding.replaced",
                reference=intent.reference,
                by=successor.reference,
                gateway=successor.gateway,
            )
        return successor

    def _after(self, gateway: str) -> str:
        """Whom to ask where this one gave no link: the next in order, or it again if it is alone.

        Two links for one wish harm nobody: both are watched, and what is paid is credited.
        """
        names = list(self._gateways)
        if gateway not in names:
            return names[0] if names else gateway
        return names[(names.index(gateway) + 1) % len(names)]

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

    async def _credit(self, intent: Intent, payment: Payment, paid_minor: int) -> None:
        """Credit what arrived; `paid_minor` is that with all that arrived before it."""
        crash.point("funding.before_credit")
        asked = intent.amount
        text = _funded(payment, paid_minor, asked)
        notice = _notice(intent, text, payment)
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
    return NewNotice(
        key,
        intent.tenant_id,
        intent.customer_id,
        text,
        facts | more,
        channel_id=intent.channel_id,
        identity=intent.identity,
    )


def _is_evidence(payment: Payment, intent: Intent) -> bool:
    return payment.reference == intent.reference and payment.amount.minor > 0


def _funded(payment: Payment, paid_minor: int, asked: Money) -> str:
    """What to tell of a payment: the plain word, or how it differs from what was asked for."""
    if paid_minor < asked.minor:
        return "notice.funded_less"
    return "notice.funded_more" if payment.amount > asked else "notice.funded"
