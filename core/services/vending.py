"""Seeing an order through: ask the provider, rule on the answer, book it."""

import datetime as dt
import time

import structlog
from msgspec.structs import replace

from core.domain.circuits import CircuitKey, went_well
from core.domain.orders import DueOrder, NextAttempt, OrderState, Ruling, Verdict, attempt_id
from core.domain.requery import ACCOUNT_GONE, GRACE_S, STALE_REFERENCE, Decision, Policy, decide
from core.domain.vending import Outcome, Result, Vend
from core.kit import crash
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.deadlines import Deadlines
from core.kit.money import Money
from core.ports import Circuits, OrderBook, VtuProvider
from core.services import meters
from core.services.outcomes import Outcomes
from core.services.routing import Choice, Router
from core.services.shelf import Seller, Shelf

log = structlog.get_logger()

_NOBODY_TO_ASK_S = 3600.0


class Vending:
    """What a worker does with one leased order."""

    def __init__(
        self,
        orders: OrderBook,
        outcomes: Outcomes,
        shelf: Shelf,
        router: Router,
        circuits: Circuits,
        keyring: Keyring,
        clock: Clock,
        policy: Policy,
        bell: Bell,
    ) -> None:
        """`bell` is rung when an order has another attempt to be sent."""
        self._orders = orders
        self._outcomes = outcomes
        self._shelf = shelf
        self._router = router
        self._circuits = circuits
        self._keyring = keyring
        self._clock = clock
        self._policy = policy
        self._bell = bell
        self._deadlines = Deadlines()

    async def see_through(self, due: DueOrder) -> OrderState:
        """Ask once and book the answer. Run twice, it is as run once: the book is the judge."""
        self._outcomes.take(due.order_id)
        try:
            return await self._see_through(due)
        finally:
            self._outcomes.leave(due.order_id)

    async def _see_through(self, due: DueOrder) -> OrderState:
        seller = await self._shelf.seller(due.tenant_id, due.product, due.provider, due.via)
        asked_at = self._clock.now()
        if due.first_send and not self._in_time(due, asked_at):
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
            asked_at=asked_at,
            now=now,
        )
        choice = await self._router.next(due, decision.again) if decision.elsewhere else None
        if vended:
            await self._note(due, outcome)
        ruling = self._ruling(due, outcome, decision, choice, now)
        state = await self._orders.rule(ruling)
        self._outcomes.tell(due.order_id, state)
        crash.point("vend.booked")
        if choice is not None:
            self._bell.ring()
        took_s = time.monotonic() - started
        meters.answered(due, outcome, state, took_s, vended=vended)
        log.info(
            "vend.recorded",
            reference=due.reference,
            provider=due.provider,
            asked="vend" if vended else "requery",
            result=outcome.result,
            reason=outcome.reason,
            verdict=ruling.verdict,
            state=state,
            elapsed_ms=round(took_s * 1000),
        )
        return state

    def _in_time(self, due: DueOrder, now: dt.datetime) -> bool:
        """Whether "about to send" is still about to.

        A machine that stood still in between, or a claim whose answer was long under way, must not
        send: another worker may have asked meanwhile, and believed that nothing was sent.
        """
        age_s = (now - due.sent_at).total_seconds()
        return 0 <= age_s <= self._policy.send_within_s

    def _quarantine_s(self, seller: Seller) -> float:
        """How long after sending, "no such order" from this provider proves nothing."""
        provider = seller.own or seller.successor
        if provider is None:
            return _NOBODY_TO_ASK_S
        processing_max_s = provider.capabilities.processing_max_s
        return self._policy.quarantine_s(provider.timeout_s, processing_max_s)

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
            return ACCOUNT_GONE
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
            return STALE_REFERENCE
        crash.point("vend.before_send")
        try:
            with self._deadlines.within(provider.timeout_s + GRACE_S):
                return await (provider.vend(vend) if due.first_send else provider.requery(vend))
        except TimeoutError:
            return Outcome(Result.UNKNOWN, reason="no_answer")
        except Exception:
            # Whatever broke, the request may have left: only asking can tell.
            log.exception("vend.adapter_failed", provider=provider.name, reference=due.reference)
            return Outcome(Result.UNKNOWN, reason="adapter_failed")

    async def _note(self, due: DueOrder, outcome: Outcome) -> None:
        """Have the provider's circuit know how this went, where the provider was asked at all.

        Before it is ruled on: whoever learns how the order went and places another finds it
        counted.
        """
        well = went_well(outcome)
        if well is None or outcome in (STALE_REFERENCE, ACCOUNT_GONE):
            return
        key = CircuitKey(due.tenant_id, due.product, due.provider)
        await self._circuits.record(key, well=well, sent_at=due.sent_at)

    def _ruling(
        self,
        due: DueOrder,
        outcome: Outcome,
        decision: Decision,
        choice: Choice | None,
        now: dt.datetime,
    ) -> Ruling:
        if outcome.evidence:
            sealed = {name: self._keyring.encrypt(text) for name, text in outcome.evidence.items()}
            outcome = replace(outcome, evidence=sealed)
        return Ruling(
            order_id=due.order_id,
            tenant_id=due.tenant_id,
            attempt_id=due.attempt_id,
            outcome=outcome,
            verdict=Verdict.NEXT if choice else decision.verdict,
            check_at=decision.check_at,
            next_attempt=_following(due, choice, now) if choice else None,
        )


def _following(due: DueOrder, choice: Choice, now: dt.datetime) -> NextAttempt:
    following_id = attempt_id(due.order_id, due.attempt_number + 1)
    provider = choice.offer.provider
    return NextAttempt(
        following_id,
        provider.name,
        provider.new_reference(following_id, now),
        choice.offer.via,
        choice.plan,
    )
