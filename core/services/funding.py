"""Money in: a customer means to pay, pays somewhere else, and is credited what arrived, once."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.kit import crash, ids
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.money import Money
from core.ports import (
    Checkout,
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


@dataclass(frozen=True, slots=True)
class FundingRules:
    """Bounds in minor units, and when open intents are looked at again, in seconds of their age.

    `addresses` is the domain of the mail address that gateways insist on; nobody is written to.
    """

    amount_min_minor: int
    amount_max_minor: int
    checks_after_s: tuple[float, ...] = (60, 300, 900, 3600, 86_400, 172_800, 259_200)
    addresses: str = "customers.invalid"


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
    ) -> Intent:
        """Write the intent, then open a checkout for it; the link also goes out by SMS.

        Where the gateway does not answer by `until` (of `time.monotonic`) the intent stays, and
        the worker goes on asking. Its `url` tells which.
        """
        gateway = next(iter(self._gateways.values()))
        intent_id = ids.derived("intent", str(customer.tenant_id), str(customer.id), key)
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
        if intent.url is None:
            try:
                async with asyncio.timeout(max(0.0, until - time.monotonic())):
                    checkout = await self._open_checkout(intent, customer)
                    return replace(intent, url=checkout.url if checkout else None)
            except TimeoutError:
                self._bell.ring()
        return intent

    async def look_after(self, intent: Intent) -> None:
        """What the sweeper does with an intent that came due: open, verify, credit or let go."""
        if intent.url is None and intent.state == "open":
            customer = await self._customers.get(intent.tenant_id, intent.customer_id)
            await self._open_checkout(intent, customer)
        if await self.settle(intent):
            return
        await self._intents.check_again(intent, self._next_check(intent))

    async def settle(self, intent: Intent) -> bool:
        """Ask the gateway and credit what it says has arrived. True when the money is in."""
        gateway = self._gateways.get(intent.gateway)
        if gateway is None:
            return False
        verification = await gateway.verify(intent.reference)
        log.info(
            "funding.verified",
            reference=intent.reference,
            gateway=intent.gateway,
            state=verification.state.value,
        )
        if verification.state is not PaymentState.PAID or verification.payment is None:
            return False
        return await self._credit(intent, verification.payment)

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        """A webhook named these: have them verified now."""
        known = await self._intents.hurry(gateway, references)
        self._bell.ring()
        return known

    async def _credit(self, intent: Intent, payment: Payment) -> bool:
        if payment.reference != intent.reference or payment.amount.minor <= 0:
            await self._intents.mismatch(intent, payment, "reference or amount")
            return False
        if payment.amount.currency != intent.amount.currency:
            await self._intents.mismatch(intent, payment, "currency")
            return False
        crash.point("funding.before_credit")
        notice = NewNotice(
            key=f"fund:{intent.gateway}:{payment.transaction_id}",
            tenant_id=intent.tenant_id,
            customer_id=intent.customer_id,
            text="notice.funded",
            facts={
                "amount": payment.amount.minor,
                "currency": payment.amount.currency,
                "reference": intent.reference,
            },
        )
        if await self._intents.credit(intent, payment, notice):
            log.info("funding.credited", reference=intent.reference, gateway=intent.gateway)
        crash.point("funding.credited")
        return True

    async def _open_checkout(self, intent: Intent, customer: Customer) -> Checkout | None:
        request = PaymentRequest(
            reference=intent.reference,
            amount=intent.amount,
            msisdn=customer.msisdn,
            email=f"{intent.reference.lower()}@{self._rules.addresses}",
        )
        checkout = await self._gateways[intent.gateway].initialize(request)
        crash.point("funding.initialized")
        if checkout is None:
            return None
        notice = NewNotice(
            key=f"fund:{intent.id}:link",
            tenant_id=intent.tenant_id,
            customer_id=intent.customer_id,
            text="notice.pay_link",
            facts={
                "amount": intent.amount.minor,
                "currency": intent.amount.currency,
                "url": checkout.url,
                "reference": intent.reference,
            },
        )
        await self._intents.set_url(intent, checkout.url, notice)
        self._bell.ring()
        return checkout

    def _next_check(self, intent: Intent) -> dt.datetime | None:
        now = self._clock.now()
        age_s = (now - intent.created_at).total_seconds()
        for after_s in self._rules.checks_after_s:
            if after_s > age_s:
                return intent.created_at + dt.timedelta(seconds=after_s)
        return None


def _reference(intent_id: UUID) -> str:
    """Letters and digits only, derived: the same intent has the same one after a crash."""
    number, letters = intent_id.int, ""
    for _ in range(16):
        number, digit = divmod(number, 32)
        letters += ids.SPEAKABLE[digit]
    return "CB" + letters
