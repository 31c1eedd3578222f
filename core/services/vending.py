"""Seeing an order through: ask the provider, rule on the answer, book it."""

import asyncio
import datetime as dt
import time
from dataclasses import replace

import structlog

from core.domain.orders import DueOrder, NextAttempt, OrderState, Ruling, Verdict
from core.domain.requery import Decision, Policy, decide
from core.domain.vending import Blame, Outcome, Result, Vend
from core.kit import crash, ids
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.money import Money
from core.ports import OrderBook, VtuProvider
from core.services.outcomes import Outcomes
from core.services.shelf import Seller, Shelf

log = structlog.get_logger()

_STALE_REFERENCE = Outcome(
    Result.REFUSED, reason="stale_reference", blame=Blame.OURS, never_sent=True
)
_ACCOUNT_GONE = Outcome(Result.REFUSED, reason="account_gone", blame=Blame.OURS, never_sent=True)
_NOBODY_TO_ASK_S = 3600.0
# Past the provider's own timeout, for the adapter to answer rather than be cut off.
_GRACE_S = 5.0


class Vending:
    """What a worker does with one leased order."""

    def __init__(
        self,
        orders: OrderBook,
        outcomes: Outcomes,
        shelf: Shelf,
        keyring: Keyring,
        clock: Clock,
        policy: Policy,
    ) -> None:
        self._orders = orders
        self._outcomes = outcomes
        self._shelf = shelf
        self._keyring = keyring
        self._clock = clock
        self._policy = policy

    async def see_through(self, due: DueOrder) -> OrderState:
        """Ask once and book the answer. Run twice, it is as run once: the book is the judge."""
        seller = await self._shelf.seller(due.tenant_id, due.product, due.provider, due.via)
        if due.first_send and not self._in_time(due):
            log.warning("vend.too_late_to_send", reference=due.reference, provider=due.provider)
            return due.state
        started = time.monotonic()
        vended = due.first_send
        outcome = await self._answer(seller, due)
        crash.point("vend.answered")
        now = self._clock.now()
        decision = decide(
            due,
            outcome,
            vended=vended,
            quarantine_s=self._quarantine_s(seller),
            policy=self._policy,
            now=now,
        )
        state = await self._orders.rule(self._ruling(due, outcome, decision, seller, now))
        self._outcomes.tell(due.order_id, state)
        crash.point("vend.booked")
        log.info(
            "vend.recorded",
            reference=due.reference,
            provider=due.provider,
            asked="vend" if vended else "requery",
            result=outcome.result.value,
            reason=outcome.reason,
            verdict=decision.verdict.value,
            state=state.value,
            elapsed_ms=round((time.monotonic() - started) * 1000),
        )
        return state

    def _in_time(self, due: DueOrder) -> bool:
        """Whether "about to send" is still about to.

        A machine that stood still in between, or a claim whose answer was long under way, must not
        send: another worker may have asked meanwhile, and believed that nothing was sent.
        """
        age_s = (self._clock.now() - due.sent_at).total_seconds()
        return 0 <= age_s <= self._policy.send_within_s

    def _quarantine_s(self, seller: Seller) -> float:
        """How long after sending, "no such order" from this provider proves nothing."""
        provider = seller.own or seller.successor
        if provider is None:
            return _NOBODY_TO_ASK_S
        settle_s = self._policy.settle_s
        if settle_s is None:
            settle_s = provider.capabilities.processing_max_s
        return self._policy.send_within_s + provider.timeout_s + settle_s

    async def _answer(self, seller: Seller, due: DueOrder) -> Outcome:
        """What the account that the attempt went through says, or else what its successor proves.

        Another account cannot say that an order was never placed; that it was, or how it ended,
        it can: our references are like no others.
        """
        if seller.own is not None:
            outcome = await self._ask(seller.own, due)
            if due.first_send or seller.successor is None or outcome.result is not Result.UNKNOWN:
                return outcome
        elif due.first_send:
            return _ACCOUNT_GONE
        if seller.successor is None:
            log.error("vend.no_seller", reference=due.reference, provider=due.provider)
            return Outcome(Result.UNKNOWN, reason="no_seller")
        outcome = await self._ask(seller.successor, due)
        if outcome.result in {Result.NOT_FOUND, Result.REFUSED}:
            return Outcome(Result.UNKNOWN, reason="other_account")
        return outcome

    async def _ask(self, provider: VtuProvider, due: DueOrder) -> Outcome:
        vend = Vend(
            reference=due.provider_reference,
            product=due.product,
            network=due.network,
            recipient=due.recipient,
            amount=Money(due.amount_minor, due.currency),
            created_at=due.created_at,
            plan=due.provider_plan,
            account=due.account,
            variant=due.variant,
            quantity=due.quantity,
            provider_reference=due.their_reference or "",
        )
        if due.first_send and not provider.may_send(vend.reference, self._clock.now()):
            return _STALE_REFERENCE
        crash.point("vend.before_send")
        try:
            async with asyncio.timeout(provider.timeout_s + _GRACE_S):
                return await (provider.vend(vend) if due.first_send else provider.requery(vend))
        except TimeoutError:
            return Outcome(Result.UNKNOWN, reason="no_answer")
        except Exception:
            # Whatever broke, the request may have left: only asking can tell.
            log.exception("vend.adapter_failed", provider=provider.name, reference=due.reference)
            return Outcome(Result.UNKNOWN, reason="adapter_failed")

    def _ruling(
        self,
        due: DueOrder,
        outcome: Outcome,
        decision: Decision,
        seller: Seller,
        now: dt.datetime,
    ) -> Ruling:
        next_attempt = None
        verdict = decision.verdict
        if outcome is _STALE_REFERENCE and seller.own is not None:
            verdict = Verdict.NEXT
            attempt_id = ids.derived("attempt", str(due.order_id), str(due.attempt_number + 1))
            next_attempt = NextAttempt(
                attempt_id,
                due.provider,
                seller.own.new_reference(attempt_id, now),
                due.via,
                due.provider_plan,
            )
        sealed = {name: self._keyring.encrypt(text) for name, text in outcome.evidence.items()}
        return Ruling(
            order_id=due.order_id,
            tenant_id=due.tenant_id,
            attempt_id=due.attempt_id,
            outcome=replace(outcome, evidence=sealed),
            verdict=verdict,
            check_at=decision.check_at,
            next_attempt=next_attempt,
        )
