"""An answer within the gateway's patience, without breaking off the work behind it."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from starlette.types import Send

from core.domain.turns import Reply
from ussd.http import send_rendered
from ussd.request import Rendered


@dataclass(frozen=True, slots=True)
class Deadline:
    """Seconds until the customer is answered for sure, and further seconds the work may take."""

    answer_s: float
    abandon_s: float


async def answer_in_time(
    deadline: Deadline,
    turn: Coroutine[Any, Any, Reply],
    *,
    send: Send,
    render: Callable[[Reply], Rendered],
    late: Callable[[], Reply],
    failed: Callable[[Exception], Reply],
) -> None:
    """Send the turn's reply, or the `late` one when the time is up, or the `failed` one.

    Past the deadline the turn is not cancelled: it may stand between two writes, and what it
    finds out is kept for the next dial. It runs on in this same task, so a turn in time costs a
    timer and nothing else.
    """
    answer = _Answer(send, render)
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def time_is_up() -> None:
        answer.send_late(late())
        if task is not None:
            answer.timer = loop.call_later(deadline.abandon_s, answer.abandon, task)

    answer.timer = loop.call_later(deadline.answer_s, time_is_up)
    try:
        reply = await turn
    except Exception as error:  # noqa: BLE001 - whatever it was, the customer gets a screen
        reply = failed(error)
    except asyncio.CancelledError:
        if not answer.abandoned or task is None or task.uncancel():
            raise
        reply = failed(TimeoutError("given up long after the deadline"))
    finally:
        answer.timer.cancel()
    await answer.send(reply)


class _Answer:
    """The one answer to a request: the turn's or the clock's, whichever is first."""

    def __init__(self, send: Send, render: Callable[[Reply], Rendered]) -> None:
        self._send = send
        self._render = render
        self._late: asyncio.Task[None] | None = None
        self.abandoned = False
        self.timer: asyncio.TimerHandle

    async def send(self, reply: Reply) -> None:
        if self._late is None:
            await send_rendered(self._send, self._render(reply))
        else:
            await self._late

    def send_late(self, reply: Reply) -> None:
        self._late = asyncio.ensure_future(send_rendered(self._send, self._render(reply)))

    def abandon(self, task: asyncio.Task[Any]) -> None:
        self.abandoned = True
        task.cancel()
