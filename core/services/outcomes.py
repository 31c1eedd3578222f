"""Tells waiting turns what became of their orders."""

import asyncio
import time
from uuid import UUID

from core.domain.orders import OrderState
from core.ports import OrderBook

# A customer cannot tell 50 ms from none, and one question serves all who wait.
_EVERY_S = 0.05


class Outcomes:
    """Asks the order book once for everybody who waits in this process."""

    def __init__(self, orders: OrderBook) -> None:
        self._orders = orders
        self._waiting: dict[UUID, list[asyncio.Future[OrderState]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def wait(self, order_id: UUID, until: float) -> OrderState | None:
        """The final state, or None when there is none at `until` (of `time.monotonic`)."""
        answer: asyncio.Future[OrderState] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(order_id, []).append(answer)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            return await asyncio.wait_for(answer, max(0.0, until - time.monotonic()))
        except TimeoutError:
            return None
        finally:
            self._leave(order_id, answer)

    def _leave(self, order_id: UUID, answer: asyncio.Future[OrderState]) -> None:
        others = self._waiting.get(order_id, [])
        if answer in others:
            others.remove(answer)
        if not others:
            self._waiting.pop(order_id, None)

    async def _ask(self) -> None:
        while self._waiting:
            try:
                states = await self._orders.states(tuple(self._waiting))
            except Exception as error:  # noqa: BLE001 - handed to everybody who waits
                self._fail(error)
                return
            for order_id, state in states.items():
                if state.final:
                    for answer in self._waiting.pop(order_id, []):
                        if not answer.done():
                            answer.set_result(state)
            await asyncio.sleep(_EVERY_S)

    def _fail(self, error: Exception) -> None:
        waiting, self._waiting = self._waiting, {}
        for answers in waiting.values():
            for answer in answers:
                if not answer.done():
                    answer.set_exception(error)
