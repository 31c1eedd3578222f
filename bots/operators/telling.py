"""What chats are told without asking: alerts, customers who want a person, and each day's digest.

Each is told at least once: what was told is noted right after Telegram took it, so that only a
crash, or an answer that was lost, between those two steps has one message told twice.
"""

import asyncio
import contextlib
import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog
from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError

from bots.operators import words
from bots.operators.asking import Button, Say
from bots.operators.core import OperatorCore
from bots.operators.looking import digest_of
from bots.operators.sending import TEXT_MAX, seconds, send
from bots.operators.talking import take_button
from core.domain.live_chat import LiveState, Post
from core.domain.operators import ToldChat
from core.kit import crash
from core.ports.health import AlertRecord
from core.services.alerts import OVERLAP

log = structlog.get_logger()

_IDLE_S = 1.0
_AFTER_FAULT_S = 5.0
_CHATS_AT_ONCE = 16
_LEASE_S = 90.0
# Of one chat in one go: a group may be sent twenty a minute.
_MESSAGES_AT_ONCE = 5
_ALERTS_AT_ONCE = 500
_SAID_MAX = 10
_GONE = ("chat not found", "user is deactivated", "peer_id_invalid", "group chat was deactivated")


class Teller:
    """Tells chats what is new to them, each chat by one process at a time."""

    def __init__(self, core: OperatorCore, bot: Bot) -> None:
        self._core = core
        self._bot = bot
        self._chats = core.operations.chats

    async def run(self, stop: asyncio.Event) -> None:
        """Tell until told to stop: then what is being told is told, noted, and given back."""
        while not stop.is_set():
            told, wait_s = 0, _IDLE_S
            try:
                told = await self.once()
            except Exception as error:  # noqa: BLE001 - the database may be away; it comes back
                log.warning("operators.telling_failed", error=type(error).__name__)
                wait_s = _AFTER_FAULT_S
            if not told:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait_s)

    async def once(self) -> int:
        """Tell every chat what waits for it; how many chats that were."""
        claimed = await self._chats.claim(_CHATS_AT_ONCE, _LEASE_S, OVERLAP)
        await asyncio.gather(*(self._visit(chat) for chat in claimed))
        return len(claimed)

    async def _visit(self, chat: ToldChat) -> None:
        again_at = None
        try:
            if chat.subscribed:
                chat = await self._tell_alerts(chat)
            await self._tell_posts(chat)
        except TelegramError as error:
            again_s = await self._refused(chat, error)
            again_at = self._core.clock.now() + dt.timedelta(seconds=again_s)
        except Exception as error:  # noqa: BLE001 - one chat's trouble is not the others'
            log.warning("operators.chat_failed", error=type(error).__name__)
            again_at = self._core.clock.now() + dt.timedelta(seconds=_AFTER_FAULT_S)
        await self._chats.release(chat, again_at=again_at)

    async def _tell_alerts(self, chat: ToldChat) -> ToldChat:
        since = max(chat.told.since, chat.told.to - OVERLAP)
        newer = await self._core.alerts.newer(chat.tenant_id, since, _ALERTS_AT_ONCE)
        fresh = [record for record in newer if record.change not in chat.told.late]
        for text, changes in _bundled(fresh, chat.time_zone)[:_MESSAGES_AT_ONCE]:
            await self._send(chat.chat_id, text)
            crash.point("operators.told")
            chat = replace(chat, told=chat.told.and_now(changes, OVERLAP))
            await self._chats.told(chat, chat.told)
        return chat

    async def _tell_posts(self, chat: ToldChat) -> None:
        posts = self._core.operations.posts
        for post in await posts.due(chat.tenant_id, chat.chat_id, _MESSAGES_AT_ONCE):
            if _is_news(post):
                text, buttons = await self._words(post)
                await self._send(chat.chat_id, text, buttons)
                crash.point("operators.posted")
            await posts.told(post)

    async def _words(self, post: Post) -> tuple[str, tuple[Button, ...]]:
        if post.kind != "opened":
            return words.of_post(post, ()), ()
        _, messages = await self._core.live_chats.show(post.tenant_id, post.chat.id)
        # What comes after this one is told by posts of its own.
        known = [each for each in messages if each.at <= post.at][-_SAID_MAX:]
        return words.of_post(post, known), (take_button(post.chat),)

    async def _send(self, chat_id: int, text: str, buttons: tuple[Button, ...] = ()) -> None:
        try:
            await send(self._bot, chat_id, Say(text, buttons))
        except BadRequest as error:
            if _is_gone(error):
                raise
            log.error("operators.unsendable", error=type(error).__name__)  # noqa: TRY400 - no words in a log

    async def _refused(self, chat: ToldChat, error: TelegramError) -> float:
        """What is to be done about it; when to try again, in seconds."""
        if isinstance(error, ChatMigrated):
            await self._chats.moved(chat.chat_id, error.new_chat_id, chat.tenant_id)
            return 0.0
        if isinstance(error, Forbidden) or _is_gone(error):
            await self._drop(chat.tenant_id, chat.chat_id)
            return 0.0
        log.warning("operators.telegram_failed", error=type(error).__name__)
        return seconds(error) if isinstance(error, RetryAfter) else _AFTER_FAULT_S

    async def _drop(self, tenant_id: UUID, chat_id: int) -> None:
        """Nobody reads there any more: whoever was answered there waits for others."""
        log.warning("operators.chat_gone")
        await self._chats.drop(tenant_id, chat_id)
        await self._core.live_chats.set_free(tenant_id, operator_chat=chat_id)

    async def digests(self) -> None:
        """Send the digests that are due. See `core.ports.operators.OperatorChats.digests_due`."""
        core = self._core
        for chat_id, tenant_id, day in await self._chats.digests_due(
            core.operations.digest_at, _CHATS_AT_ONCE
        ):
            try:
                await self._send(chat_id, await digest_of(core, tenant_id))
            except TelegramError as error:
                if isinstance(error, Forbidden) or _is_gone(error):
                    await self._drop(tenant_id, chat_id)
                log.warning("operators.digest_failed", error=type(error).__name__)
                continue  # it is due until it was sent
            await self._chats.digested(tenant_id, chat_id, day)


def _bundled(records: Sequence[AlertRecord], time_zone: str) -> list[tuple[str, tuple[int, ...]]]:
    """Messages that each tell of as many as there is room for: many may come at once."""
    bundles: list[tuple[str, tuple[int, ...]]] = []
    for record in records:
        text = words.of_alert(record, time_zone)
        if bundles and len(bundles[-1][0]) + len(text) < TEXT_MAX // 2:
            before, changes = bundles[-1]
            bundles[-1] = (f"{before}\n\n{text}", (*changes, record.change))
        else:
            bundles.append((text, (record.change,)))
    return bundles


def _is_news(post: Post) -> bool:
    """Nobody is told that a chat waits which somebody has taken, or of what they did themselves."""
    match post.kind:
        case "opened":
            return post.chat.state is LiveState.WAITING
        case "taken":
            return post.chat.state is LiveState.TAKEN and post.chat.operator_chat != post.chat_id
        case _:
            return True


def _is_gone(error: TelegramError) -> bool:
    return isinstance(error, BadRequest) and any(each in error.message.lower() for each in _GONE)
