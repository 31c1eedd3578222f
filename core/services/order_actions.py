"""What operators do with an order: ask, refund, and book what they learned elsewhere."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.orders import DueOrder, OrderState
from core.domain.vending import Result
from core.kit import ids
from core.kit.bell import Bell
from core.kit.crypto import Keyring, Unreadable
from core.kit.errors import Problem
from core.ports import Backoffice, Event, OrderDetail
from core.ports.desk import (
    Acted,
    Action,
    Answer,
    HandAction,
    Learned,
    OrderDesk,
    Past,
    Said,
    Waiting,
)

log = structlog.get_logger()

WORDS_MIN = 3
"""Of a reason or evidence, in characters."""

_NOT_HAPPENED = frozenset({Result.REFUSED, Result.FAILED, Result.REVERSED, Result.NOT_FOUND})


class UnknownOrder(Problem):
    """This tenant has no order of this reference."""

    code = "transaction.unknown"


class ActionKeyUsed(Problem):
    """This idempotency key was used before, for something else. Nothing was done."""

    code = "transaction.key_used"


class WordsNeeded(Problem):
    """A reason or evidence is a text of a few characters at least."""

    code = "transaction.words_needed"


class OrderDelivered(Problem):
    """It was delivered: only a reversal by the provider, with evidence, gives the money back."""

    code = "transaction.delivered"


class NeverSent(Problem):
    """No provider was asked yet: nobody can have delivered it, or taken it back."""

    code = "transaction.never_sent"


class InFlight(Problem):
    """The request may be on its way this very moment: nobody can know yet what becomes of it."""

    code = "transaction.in_flight"


class LossBooked(Problem):
    """Its delivery was proven after the refund, and is in the books as our loss."""

    code = "transaction.loss_booked"


_REFUSALS: dict[Answer, type[Problem]] = {
    Answer.KEY_USED: ActionKeyUsed,
    Answer.DELIVERED: OrderDelivered,
    Answer.NEVER_SENT: NeverSent,
    Answer.IN_FLIGHT: InFlight,
    Answer.LOSS_BOOKED: LossBooked,
}


class Asker(Protocol):
    """Asks a provider about one order and books the answer (`core.services.vending.Vending`)."""

    async def see_through(self, due: DueOrder) -> OrderState: ...


@dataclass(frozen=True, slots=True)
class Reconciled:
    """Our books beside what the provider says.

    Attributes:
        detail: The order once the answer was booked.
        theirs: The answer; None when none came in time, or nothing was ever sent to ask about.
        agreed: None while nobody can say.
    """

    detail: OrderDetail
    theirs: Said | None
    agreed: bool | None


class OrderActions:
    """Each action is noted with who did it and why. The same key again is the same action."""

    def __init__(
        self,
        backoffice: Backoffice,
        desk: OrderDesk,
        asker: Asker,
        keyring: Keyring,
        bell: Bell,
        *,
        answer_within_s: float,
    ) -> None:
        self._backoffice = backoffice
        self._desk = desk
        self._asker = asker
        self._keyring = keyring
        self._bell = bell
        self._answer_within_s = answer_within_s
        self._asking: set[asyncio.Task[OrderState]] = set()

    async def show(self, tenant_id: UUID, reference: str) -> OrderDetail:
        """Raises `UnknownOrder`."""
        found = await self._backoffice.order(tenant_id, _written(reference))
        if found is None:
            raise UnknownOrder
        return found

    async def waiting(self, tenant_id: UUID, count: int) -> Sequence[Waiting]:
        """Orders that are not final, the oldest first, and why."""
        return await self._desk.waiting(tenant_id, count)

    async def history(self, tenant_id: UUID, order_id: UUID) -> list[Past]:
        """What happened to an order, the oldest first, with the evidence that people gave."""
        return [self._opened(past) for past in await self._desk.history(tenant_id, order_id)]

    async def retry(
        self, tenant_id: UUID, reference: str, actor: str, *, key: str | None = None
    ) -> Acted:
        """Have a worker ask the last provider now. Asking is always safe, final or not.

        Raises:
            UnknownOrder: there is none.
            ActionKeyUsed: the key stands for something else.
        """
        acted = await self._act(tenant_id, reference, Action.RETRY, actor, key, words="")
        self._bell.ring()
        return acted

    async def refund(
        self, tenant_id: UUID, reference: str, actor: str, *, reason: str, key: str | None = None
    ) -> Acted:
        """Give the money back.

        An order that no provider was asked for is refunded. Where one was, and nobody can say what
        came of it, it is paid back from suspense: it goes on being asked about, and a delivery
        proven later is our loss.

        Raises:
            UnknownOrder: there is none.
            OrderDelivered: it was delivered.
            ActionKeyUsed: the key stands for something else.
            WordsNeeded: there is no reason.
        """
        words = _words(reason)
        return await self._act(tenant_id, reference, Action.REFUND, actor, key, words=words)

    async def resolve(
        self,
        tenant_id: UUID,
        reference: str,
        actor: str,
        *,
        learned: Learned,
        evidence: str,
        key: str | None = None,
    ) -> Acted:
        """Book what a person learned from the provider. The evidence is kept, encrypted.

        Raises:
            UnknownOrder: there is none.
            OrderDelivered: it was delivered, and this is no reversal.
            NeverSent: no provider was asked.
            InFlight: the request may be on its way: ask again in a moment.
            LossBooked: its delivery was proven before.
            ActionKeyUsed: the key stands for something else.
            WordsNeeded: there is no evidence.
        """
        words = _words(evidence)
        return await self._act(
            tenant_id, reference, Action.RESOLVE, actor, key, words=words, learned=learned
        )

    async def reconcile(self, tenant_id: UUID, reference: str, actor: str) -> Reconciled:
        """Ask the last provider about this order now, final or not, and book the answer.

        The answer is judged as a worker's is: whoever comes second changes nothing. One that takes
        too long is booked when it comes.

        Raises:
            UnknownOrder: there is none.
        """
        found = await self.show(tenant_id, reference)
        order, last = found.listed.order, found.attempts[-1]
        event = Event(
            subject=str(order.id),
            kind="order.reconcile_asked",
            actor=actor,
            facts={"provider": last.provider, "attempt": last.number, "state": order.state.value},
        )
        await self._backoffice.note(tenant_id, event)
        due = await self._desk.asked(tenant_id, order.reference)
        if due is None or not await self._ask(due):
            return Reconciled(found, None, None)
        said = await self._desk.last_said(tenant_id, order.id)
        detail = await self.show(tenant_id, reference)
        return Reconciled(detail, said, _agreed(detail, said))

    async def close(self) -> None:
        """Leave no question behind: workers ask it again."""
        asking = tuple(self._asking)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _act(
        self,
        tenant_id: UUID,
        reference: str,
        action: Action,
        actor: str,
        key: str | None,
        *,
        words: str,
        learned: Learned | None = None,
    ) -> Acted:
        acted = await self._desk.act(
            HandAction(
                tenant_id=tenant_id,
                reference=_written(reference),
                action=action,
                key=key or str(ids.uuid7()),
                content=_digest(action, learned, words),
                actor=actor,
                facts=self._facts(action, learned, words),
                learned=learned,
            )
        )
        if acted is None:
            raise UnknownOrder
        log.info(
            "order.acted", action=action.value, answer=acted.answer.value, state=acted.state.value
        )
        if refusal := _REFUSALS.get(acted.answer):
            raise refusal
        return acted

    def _facts(self, action: Action, learned: Learned | None, words: str) -> dict[str, object]:
        match action:
            case Action.RETRY:
                return {}
            case Action.REFUND:
                return {"reason": words}
            case Action.RESOLVE:
                assert learned is not None
                # It may be the value itself: a token, a PIN.
                return {"outcome": learned.value, "evidence": self._keyring.encrypt(words)}

    def _opened(self, past: Past) -> Past:
        sealed = past.facts.get("evidence")
        if not isinstance(sealed, str):
            return past
        try:
            evidence = self._keyring.decrypt(sealed)
        except Unreadable:
            evidence = "[cannot be read with the present key]"
        return replace(past, facts={**past.facts, "evidence": evidence})

    async def _ask(self, due: DueOrder) -> bool:
        """Whether the answer came in time. It is booked either way."""
        task = asyncio.create_task(self._asker.see_through(due), name="reconcile")
        self._asking.add(task)
        task.add_done_callback(self._asked)
        await asyncio.wait({task}, timeout=self._answer_within_s)
        if not task.done():
            return False
        await task
        return True

    def _asked(self, task: asyncio.Task[OrderState]) -> None:
        self._asking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("order.reconcile_failed", error=type(error).__name__)


def _written(reference: str) -> str:
    return reference.strip().upper()


def _words(text: str) -> str:
    words = text.strip()
    if len(words) < WORDS_MIN:
        raise WordsNeeded
    return words


def _digest(action: Action, learned: Learned | None, words: str) -> str:
    said = ids.joined(action.value, learned.value if learned else "", words)
    return hashlib.sha256(said.encode()).hexdigest()


def _agreed(detail: OrderDetail, said: Said | None) -> bool | None:
    """Whether our books say what the provider says. "No such order" counts once it is believed."""
    if said is None or said.result is Result.UNKNOWN:
        return None
    state = detail.listed.order.state
    if state.final and said.result is Result.ACCEPTED:
        return False
    match state:
        case OrderState.HELD | OrderState.IN_DOUBT:
            return True if said.result is Result.ACCEPTED else None
        case OrderState.DELIVERED:
            return said.result is Result.DELIVERED
        case OrderState.REFUNDED:
            return said.result in _NOT_HAPPENED
        case OrderState.PAID_BACK:
            return detail.attempts[-1].closed_at is not None
