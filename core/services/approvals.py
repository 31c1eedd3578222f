"""Two steps to money: an operator asks, and somebody who may confirms in time, once.

The request is a row, so that a restart between the steps loses nothing, and its id is the
idempotency key of what is done: a double tap, or a second one who was as quick, is one act.
"""

import datetime as dt
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from core.domain.operators import (
    Asking,
    NewRequest,
    Operator,
    Request,
    RequestState,
    Role,
)
from core.domain.orders import OrderState
from core.domain.payouts import PayoutState
from core.kit import crash
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.errors import Problem
from core.ports.operators import OperatorBook, Requests
from core.services.order_actions import OrderActions, OrderDelivered, WordsNeeded
from core.services.payout_desk import EvidenceNeeded, NotWaiting, PayoutDesk

log = structlog.get_logger()

_NONCE_LETTERS = 12
_WORDS_MIN, _WORDS_MAX = 3, 500
# Longer than doing it takes; then whoever was at it is taken for gone.
_UNDONE_AFTER = dt.timedelta(seconds=60)
_AT_ONCE = 50
_PAID_BACK = frozenset({OrderState.REFUNDED, OrderState.PAID_BACK})


class AlreadyPaidBack(Problem):
    """The customer has the money of this order back, since `at`."""

    code = "transaction.paid_back"

    def __init__(self, at: dt.datetime) -> None:
        super().__init__(at=at)
        self.at = at


class RequestExpired(Problem):
    """It was not confirmed in time: ask again."""

    code = "request.expired"


class RequestDecided(Problem):
    """Somebody decided before. Facts `by` and `state` tell who, and how."""

    code = "request.decided"


class NotYours(Problem):
    """This button is another operator's, or none of ours."""

    code = "request.not_yours"


class MayNotConfirm(Problem):
    """This operator may not confirm this: their role, or a second person is wanted."""

    code = "request.may_not_confirm"


class AskerGone(Problem):
    """Who asked for it is no operator any more. Fact `by` tells who."""

    code = "request.asker_gone"


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """How long a request may be confirmed, and whether only by another than who asked."""

    confirm_within_s: float = 120.0
    second_person: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and who may confirm it: the asker alone, or any of the others."""

    request: Request
    deciders: Sequence[Operator]


class Approvals:
    def __init__(
        self,
        requests: Requests,
        operators: OperatorBook,
        orders: OrderActions,
        payouts: PayoutDesk,
        keyring: Keyring,
        clock: Clock,
        rules: ApprovalRules,
    ) -> None:
        self._requests = requests
        self._operators = operators
        self._orders = orders
        self._payouts = payouts
        self._keyring = keyring
        self._clock = clock
        self._rules = rules

    async def ask(
        self,
        request_id: UUID,
        operator: Operator,
        asking: Asking,
        reference: str,
        words: str,
        chat_id: int,
    ) -> Asked:
        """Keep what is asked for, once per id. Nothing is done by it.

        Raises:
            UnknownOrder, OrderDelivered, UnknownPayout, NotWaiting, WordsNeeded, EvidenceNeeded: it
                cannot be done.
            AlreadyPaidBack: it was done before.
        """
        said = words.strip()[:_WORDS_MAX]
        written = await self._checked(operator.tenant_id, asking, reference, said)
        now = self._clock.now()
        request = await self._requests.ask(
            NewRequest(
                id=request_id,
                operator=operator,
                asking=asking,
                reference=written,
                words=said,
                chat_id=chat_id,
                asked_at=now,
                expires_at=now + dt.timedelta(seconds=self._rules.confirm_within_s),
            )
        )
        return Asked(request, await self._deciders(operator))

    def nonce(self, request_id: UUID, operator: Operator) -> str:
        """What a button of this request carries for this operator, and for nobody else."""
        made = self._keyring.digest("operator-request", str(request_id), str(operator.id))
        return made[:_NONCE_LETTERS]

    async def known(self, operator: Operator, request_id: UUID) -> Request | None:
        """A request of this operator's tenant as it stands now."""
        return await self._requests.find(operator.tenant_id, request_id)

    async def decide(
        self, request_id: UUID, operator: Operator, nonce: str, *, confirm: bool
    ) -> Request:
        """Confirm it and have it done, or reject it. The same again is the same decision.

        Raises:
            NotYours, MayNotConfirm, AskerGone, RequestExpired, RequestDecided: nothing was done.
            Problem: it was confirmed, and cannot be done as things stand now.
        """
        if not hmac.compare_digest(nonce, self.nonce(request_id, operator)):
            raise NotYours
        request = await self._requests.find(operator.tenant_id, request_id)
        if request is None:
            raise NotYours
        state = RequestState.CONFIRMED if confirm else RequestState.REJECTED
        if confirm and not self._may_confirm(operator, request):
            raise MayNotConfirm
        if request.state is RequestState.WAITING and self._clock.now() >= request.expires_at:
            raise RequestExpired
        await self._requests.decide(request, operator, state)
        crash.point("approval.decided")
        decided = await self._requests.find(operator.tenant_id, request_id)
        assert decided is not None
        if decided.state is RequestState.WAITING:
            raise await self._why_not(decided, operator)
        if decided.decider_id != operator.id or decided.state is not state:
            raise RequestDecided(by=decided.decided_by, state=decided.state.value)
        return await self._done(decided) if confirm else decided

    async def see_through(self) -> Sequence[Request]:
        """Do what was confirmed by somebody who was gone before it was done."""
        before = self._clock.now() - _UNDONE_AFTER
        seen = []
        for request_id, tenant_id in await self._requests.undone(before, _AT_ONCE):
            request = await self._requests.find(tenant_id, request_id)
            if request is None or request.outcome is not None:
                continue
            try:
                seen.append(await self._done(request))
            except Problem:
                refused = await self._requests.find(tenant_id, request_id)
                seen += [refused] if refused else []
        return seen

    async def _why_not(self, request: Request, operator: Operator) -> Problem:
        """Why it still waits."""
        if self._clock.now() >= request.expires_at:
            return RequestExpired()
        still = {one.id for one in await self._operators.all(operator.tenant_id)}
        return MayNotConfirm() if operator.id not in still else AskerGone(by=request.asked_by)

    def _may_confirm(self, operator: Operator, request: Request) -> bool:
        if not operator.role.may(Role.APPROVER):
            return False
        return operator.id != request.asker_id or not self._rules.second_person

    async def _deciders(self, asker: Operator) -> Sequence[Operator]:
        if asker.role.may(Role.APPROVER) and not self._rules.second_person:
            return (asker,)
        return [
            one
            for one in await self._operators.all(asker.tenant_id)
            if one.id != asker.id and one.role.may(Role.APPROVER) and one.telegram_id is not None
        ]

    async def _checked(self, tenant_id: UUID, asking: Asking, reference: str, words: str) -> str:
        """The reference as it is written, if this can be asked for at all."""
        if asking is Asking.REFUND:
            order = (await self._orders.show(tenant_id, reference)).listed.order
            if order.state is OrderState.DELIVERED:
                raise OrderDelivered
            if order.state in _PAID_BACK and order.settled_at is not None:
                raise AlreadyPaidBack(order.settled_at)
            if len(words) < _WORDS_MIN:
                raise WordsNeeded
            return order.reference
        payout = await self._payouts.show(tenant_id, reference)
        if payout.state is not PayoutState.NEEDS_PERSON:
            raise NotWaiting
        if len(words) < _WORDS_MIN:
            raise EvidenceNeeded
        return payout.reference

    async def _done(self, request: Request) -> Request:
        """Do it, or find that it was done, and keep what came of it."""
        assert request.decided_by is not None
        actor = f"operator:{request.decided_by}"
        try:
            outcome = await self._act(request, actor)
        except Problem as problem:
            await self._requests.done(request, f"refused: {problem.code}")
            raise
        crash.point("approval.acted")
        await self._requests.done(request, outcome)
        log.info("approval.done", asking=request.asking.value, outcome=outcome)
        done = await self._requests.find(request.tenant_id, request.id)
        assert done is not None
        return done

    async def _act(self, request: Request, actor: str) -> str:
        key = f"operator-request:{request.id}"
        if request.asking is Asking.REFUND:
            acted = await self._orders.refund(
                request.tenant_id, request.reference, actor, reason=request.words, key=key
            )
            return acted.state.value
        payout = await self._payouts.settle(
            request.tenant_id,
            request.reference,
            paid=request.asking is Asking.PAID,
            evidence=request.words,
            actor=actor,
            key=key,
        )
        return payout.state.value
