"""Fetches what operators do, and confirms it to Telegram only when it is done.

The library's own updater confirms updates as soon as it has them in memory: a crash would lose
them. Here an update that was not seen through comes again; whatever it asks for has a key made from
the message, so that it is done once.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from telegram import Update
from telegram.error import (
    BadRequest,
    Conflict,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.ext import Application

from bots.operators.sending import seconds
from core.kit.errors import Fault
from core.ports import Busy
from core.ports.store import Unavailable as StoreDown
from core.store.database import Unavailable as DatabaseDown

log = structlog.get_logger()

App = Application[Any, Any, Any, Any, Any, Any]

WANTED = (Update.MESSAGE, Update.CALLBACK_QUERY)
PASSING = (DatabaseDown, StoreDown, Busy)
"""What a moment later may well be over."""

_POLL_S = 25
_SLACK_S = 10.0
_AFTER_FAULT_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_AFTER_CONFLICT_S = 5.0
_BETWEEN_TRIES_S = (2.0, 2.0)


class Failures:
    """What handlers raised, by update: the library hands it to an error handler alone."""

    def __init__(self) -> None:
        self._by_update: dict[int, Exception] = {}

    def note(self, update_id: int, error: Exception) -> None:
        self._by_update[update_id] = error

    def take(self, update_id: int) -> Exception | None:
        return self._by_update.pop(update_id, None)


class Polling:
    """Long polling. `poll_s`: how long Telegram holds a question while there is no answer."""

    def __init__(self, app: App, failures: Failures, *, poll_s: int = _POLL_S) -> None:
        self._app = app
        self._failures = failures
        self._poll_s = poll_s
        self._offset: int | None = None

    async def run(self) -> None:
        """Poll until cancelled.

        Raises:
            Fault: Telegram does not know the token.
        """
        faults = 0
        try:
            while True:
                try:
                    updates = await self._fetch(self._poll_s)
                except InvalidToken:
                    raise unknown_token() from None
                except TelegramError as error:
                    await asyncio.sleep(_wait_s(error, faults))
                    faults += 1
                    continue
                faults = 0
                await self._see_through(updates)
        finally:
            await self._confirm()

    async def _fetch(self, poll_s: int) -> Sequence[Update]:
        updates: Sequence[Update] = await self._app.bot.get_updates(
            offset=self._offset,
            timeout=poll_s,
            read_timeout=poll_s + _SLACK_S,
            allowed_updates=WANTED,
        )
        return updates

    async def _see_through(self, updates: Sequence[Update]) -> None:
        """All of them, those of one chat one after the other."""
        by_chat: dict[int, list[Update]] = {}
        for update in updates:
            chat = update.effective_chat
            by_chat.setdefault(chat.id if chat else 0, []).append(update)
        await asyncio.gather(*(self._in_order(each) for each in by_chat.values()))
        if updates:
            self._offset = updates[-1].update_id + 1

    async def _in_order(self, updates: Sequence[Update]) -> None:
        for update in updates:
            await self._one(update)

    async def _one(self, update: Update) -> None:
        """Have it handled; again, where what failed may be over in a moment."""
        tries = 0
        while True:
            await self._app.process_update(update)
            error = self._failures.take(update.update_id)
            waits = _waits_s(error)
            if tries >= len(waits):
                break
            await asyncio.sleep(waits[tries])
            tries += 1
        if isinstance(error, PASSING):
            await self._owned_up_to(update)

    async def _owned_up_to(self, update: Update) -> None:
        """It could not be done: the operator is told, and says it again."""
        log.error("operators.given_up", update=update.update_id)
        chat = update.effective_chat
        if chat is None:
            return
        try:
            await self._app.bot.send_message(
                chat.id, "The database cannot be reached: nothing was done. Say it again later."
            )
        except TelegramError as error:
            log.warning("operators.unanswered", error=type(error).__name__)

    async def _confirm(self) -> None:
        """What was done is confirmed before leaving, or it would be answered again."""
        if self._offset is None:
            return
        try:
            async with asyncio.timeout(_SLACK_S):
                await self._app.bot.get_updates(
                    offset=self._offset, limit=1, timeout=0, allowed_updates=WANTED
                )
        except (TelegramError, TimeoutError) as error:
            log.info("operators.unconfirmed", error=type(error).__name__)


def unknown_token() -> Fault:
    return Fault("CALLBOX_OPERATOR_BOT_TOKEN: Telegram does not know this token")


def _waits_s(error: Exception | None) -> tuple[float, ...]:
    """How often to handle an update again after that, and when."""
    if isinstance(error, PASSING):
        return _BETWEEN_TRIES_S
    if isinstance(error, NetworkError) and not isinstance(error, BadRequest):
        return _AFTER_FAULT_S  # it was done, and the answer is lost
    return ()


def _wait_s(error: TelegramError, faults: int) -> float:
    """Nothing of the error itself is told: a token may stand in it."""
    log.warning("operators.unpolled", error=type(error).__name__)
    if isinstance(error, RetryAfter):
        return seconds(error)
    if isinstance(error, Conflict):  # another process of this bot is still leaving
        return _AFTER_CONFLICT_S
    return _AFTER_FAULT_S[min(faults, len(_AFTER_FAULT_S) - 1)]
