"""Seeing a payout through: check the name, ask the gateway, rule on the answer, book it."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping
from types import MappingProxyType

import structlog

from core.domain.orders import Verdict
from core.domain.payouts import DuePayout, Payout, PayoutRuling, PayoutState, PayoutVerdict
from core.domain.requery import GRACE_S, Policy, decide
from core.domain.vending import Blame, Outcome, Result
from core.kit import crash
from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.kit.money import Money, to_major
from core.ports import Cases, NewCase
from core.ports.payouts import CannotAsk, PayoutBook, PayoutGateway

log = structlog.get_logger()

_NOBODY_TO_ASK_S = 3600.0
_VERDICTS: Mapping[Verdict, PayoutVerdict] = MappingProxyType(
    {
        Verdict.CAPTURE: PayoutVerdict.CAPTURE,
        Verdict.REFUND: PayoutVerdict.REFUND,
        Verdict.WAIT: PayoutVerdict.WAIT,
        # A bank transfer that may still arrive must not be paid a second time: nobody is paid back
        # by the clock, a person finds out.
        Verdict.PAY_BACK: PayoutVerdict.ASK_PERSON,
        Verdict.TAKE_BACK: PayoutVerdict.TAKE_BACK,
        Verdict.KEEP: PayoutVerdict.KEEP,
    }
)


def _not_sent(reason: str, hint: str, blame: Blame = Blame.OURS) -> Outcome:
    return Outcome(Result.REFUSED, reason, blame=blame, hint=hint, never_sent=True)


_GATEWAY_GONE = _not_sent("gateway_gone", "try_later")
_ACCOUNT_UNREADABLE = _not_sent("account_unreadable", "try_later")
_NAME_UNCHECKED = _not_sent("name_unchecked", "try_later")
_NO_SUCH_ACCOUNT = _not_sent("no_such_account", "wrong_account", Blame.ORDER)
_NAME_CHANGED = _not_sent("name_changed", "name_changed", Blame.ORDER)


class PayingOut:
    """What a worker does with one leased payout."""

    def __init__(
        self,
        book: PayoutBook,
        gateways: Mapping[str, PayoutGateway],
        cases: Cases,
        keyring: Keyring,
        clock: Clock,
        policy: Policy,
    ) -> None:
        self._book = book
        self._gateways = gateways
        self._cases = cases
        self._keyring = keyring
        self._clock = clock
        self._policy = policy

    @property
    def timeout_max_s(self) -> float:
        """How long seeing one through may take, the name check included."""
        slowest_s = max((each.timeout_s for each in self._gateways.values()), default=0.0)
        return self._policy.send_within_s + slowest_s + GRACE_S

    async def see_through(self, due: DuePayout) -> PayoutState:
        """Ask once and book the answer. Run twice, it is as run once: the book is the judge."""
        gateway = self._gateways.get(due.gateway)
        started = time.monotonic()
        asked_at = self._clock.now()
        outcome = await self._answer(gateway, due)
        if outcome is None:
            log.warning("payout.too_late_to_send", reference=due.reference, gateway=due.gateway)
            return due.state
        crash.point("payout.answered")
        decision = decide(
            due.doubt,
            outcome,
            vended=due.first_send,
            quarantine_s=self._quarantine_s(gateway),
            policy=self._policy,
            asked_at=asked_at,
            now=self._clock.now(),
        )
        verdict = _VERDICTS[decision.verdict]
        ruling = PayoutRuling(due.id, due.tenant_id, outcome, verdict, decision.check_at)
        state = await self._book.rule(ruling)
        crash.point("payout.booked")
        log.info(
            "payout.recorded",
            reference=due.reference,
            gateway=due.gateway,
            asked="send" if due.first_send else "requery",
            result=outcome.result.value,
            reason=outcome.reason,
            verdict=verdict.value,
            state=state.value,
            elapsed_ms=round((time.monotonic() - started) * 1000),
        )
        # A crash before this is made good at the next look, or at the next signal.
        if kind := _matter_for_a_person(state, outcome):
            await self._open_case(kind, due, outcome)
        return state

    def _in_time(self, due: DuePayout) -> bool:
        """Whether "about to send" is still about to: see `core.services.vending`."""
        age_s = (self._clock.now() - due.sent_at).total_seconds()
        return 0 <= age_s <= self._policy.send_within_s

    def _quarantine_s(self, gateway: PayoutGateway | None) -> float:
        """How long after sending, "no such transfer" from this gateway proves nothing."""
        if gateway is None:
            return _NOBODY_TO_ASK_S
        processing_max_s = gateway.capabilities.processing_max_s
        return self._policy.quarantine_s(gateway.timeout_s, processing_max_s)

    async def _answer(self, gateway: PayoutGateway | None, due: DuePayout) -> Outcome | None:
        """What became of it, or None when it may not be sent any more and nobody was asked."""
        if due.first_send:
            return await self._sent(gateway, due) if self._in_time(due) else None
        if gateway is None:
            log.error("payout.no_gateway", reference=due.reference, gateway=due.gateway)
            return Outcome(Result.UNKNOWN, reason="no_gateway")
        if not gateway.capabilities.requery_by_reference:
            return Outcome(Result.UNKNOWN, reason="cannot_be_asked")
        return await self._ask(gateway, due)

    async def _sent(self, gateway: PayoutGateway | None, due: DuePayout) -> Outcome | None:
        if gateway is None:
            return _GATEWAY_GONE
        if not self._account_number(due):
            return _ACCOUNT_UNREADABLE
        if refusal := await self._name_refusal(gateway, due):
            return refusal
        return await self._ask(gateway, due) if self._in_time(due) else None

    def _account_number(self, due: DuePayout) -> str:
        """Where it goes, or "" where no present key opens that: to ask takes the reference only."""
        try:
            return self._keyring.decrypt(due.account_sealed)
        except Unreadable:
            log.error("payout.account_unreadable", reference=due.reference)  # noqa: TRY400 - nothing of it in a log
            return ""

    async def _name_refusal(self, gateway: PayoutGateway, due: DuePayout) -> Outcome | None:
        """Why it must not be sent: the account is not, or not known to be, whose was confirmed."""
        number = self._account_number(due)
        try:
            async with asyncio.timeout(self._policy.send_within_s / 2):
                holder = await gateway.resolve(due.bank_code, number)
        except (CannotAsk, TimeoutError):
            return _NAME_UNCHECKED
        except Exception:
            log.exception("payout.adapter_failed", gateway=gateway.name, reference=due.reference)
            return _NAME_UNCHECKED
        if holder is None:
            return _NO_SUCH_ACCOUNT
        return None if holder.same_as(due.account_name) else _NAME_CHANGED

    async def _ask(self, gateway: PayoutGateway, due: DuePayout) -> Outcome:
        payout = Payout(
            reference=due.gateway_reference,
            amount=Money(due.amount_minor, due.currency),
            bank_code=due.bank_code,
            account_number=self._account_number(due),
            account_name=due.account_name,
            their_reference=due.their_reference or "",
        )
        crash.point("payout.before_send")
        try:
            async with asyncio.timeout(gateway.timeout_s + GRACE_S):
                asking = gateway.send if due.first_send else gateway.requery
                return await asking(payout)
        except TimeoutError:
            return Outcome(Result.UNKNOWN, reason="no_answer")
        except Exception:
            # Whatever broke, the request may have left: only asking can tell.
            log.exception("payout.adapter_failed", gateway=gateway.name, reference=due.reference)
            return Outcome(Result.UNKNOWN, reason="adapter_failed")

    async def _open_case(self, kind: str, due: DuePayout, outcome: Outcome) -> None:
        opened = await self._cases.open(
            NewCase(
                tenant_id=due.tenant_id,
                kind=kind,
                key=f"{kind}/{due.id}",
                subject=due.reference,
                facts={
                    "payout_id": str(due.id),
                    "gateway": due.gateway,
                    "gateway_reference": due.gateway_reference,
                    "their_reference": due.their_reference,
                    "amount": to_major(Money(due.amount_minor, due.currency)),
                    "currency": due.currency,
                    "bank": due.bank_name,
                    "account_ends_in": due.account_tail,
                    "why": outcome.reason,
                    "checks": due.checks + 1,
                    "sent_at": due.sent_at.astimezone(dt.UTC).isoformat(),
                },
            )
        )
        if opened:
            log.warning("case.opened", kind=kind, reference=due.reference)


def _matter_for_a_person(state: PayoutState, outcome: Outcome) -> str | None:
    """The kind of case that this end, or this want of one, is."""
    match state, outcome.result:
        case PayoutState.NEEDS_PERSON, _:
            return "payout_in_doubt"
        case PayoutState.REFUNDED, Result.DELIVERED:
            return "payout_late_arrival"  # our loss: it was given back, and arrived after all
        case PayoutState.PAID, Result.FAILED:
            return "payout_contradiction"
        case _:
            return None
