"""Tells waiting turns what became of their orders."""

import asyncio
import contextvars
import itertools
from collections.abc import Mapping
from functools import partial
from typing import Protocol
from uuid import UUID

from core.domain.orders import OrderState
from core.kit.deadlines import Deadlines

# A customer cannot tell 50 ms from none, and one question serves all who wait.
_EVERY_S = 0.05
# Every so many questions, also about what a worker here has in hand: another may have ended it.
_ALL_EVERY = 10


class OrderStates(Protocol):
    """The part of the order book that is asked here. It leaves out orders it does not know."""

    async def states(self, order_ids: tuple[UUID, ...]) -> Mapping[UUID, OrderState]: ...


class Outcomes:
    """Asks the order book once for everybody who waits in this process."""

    def __init__(self, orders: OrderStates) -> None:
        self._orders = orders
        self._waiting: dict[UUID, list[asyncio.Future[OrderState | None]]] = {}
        self._in_hand: set[UUID] = set()
        self._asking: asyncio.Task[None] | None = None
        self._deadlines = Deadlines()

    async def wait(self, order_id: UUID, until: float) -> OrderState | None:
        """The final state, or None when there is none at `until` (of `time.monotonic`).

        Raises what the order book raises, to all who wait then; the next to wait asks anew.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[OrderState | None] = loop.create_future()
        self._waiting.setdefault(order_id, []).append(answer)
        if self._asking is None or self._asking.done():
            # In a context of its own: it asks for all, not for the customer who came first.
            self._asking = loop.create_task(self._ask(), context=contextvars.Context())
        patience = self._deadlines.at(until, partial(_give_up, answer))
        try:
            return await answer
        finally:
            patience.over()
            self._go(order_id, answer)

    def tell(self, order_id: UUID, state: OrderState) -> None:
        """A worker of this process booked this: whoever waits here need not ask for it."""
        if not state.final:
            return
        for answer in self._waiting.pop(order_id, []):
            if not answer.done():
                answer.set_result(state)

    def take(self, order_id: UUID) -> None:
        """A worker of this process has this order and will `tell`: it is asked about seldom."""
        self._in_hand.add(order_id)

    def leave(self, order_id: UUID) -> None:
        """The worker has it no more."""
        self._in_hand.discard(order_id)

    def _go(self, order_id: UUID, answer: asyncio.Future[OrderState | None]) -> None:
        others = self._waiting.get(order_id)
        if others is not None and answer in others:
            others.remove(answer)
            if not others:
                del self._waiting[order_id]
        if answer.done() and not answer.cancelled():
            answer.exception()  # seen, even if the wait was cancelled in the same moment

    async def _ask(self) -> None:
        for turn in itertools.count():
            if not self._waiting:
                return
            passed_by = self._in_hand if turn % _ALL_EVERY else set()
            asked = tuple(self._waiting.keys() - passed_by)
            try:
                states = await self._orders.states(asked) if asked else {}
            except Exception as error:  # noqa: BLE001 - handed to everybody who waits
                self._fail(error)
                return
            for order_id, state in states.items():
                self.tell(order_id, state)
            await asyncio.sleep(_EVERY_S)

    def _fail(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, {}
        for answers in waiting.values():
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)


def _give_up(answer: asyncio.Future[OrderState | None]) -> None:
    if not answer.done():
        answer.set_result(None)
