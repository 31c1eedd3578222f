"""Speaks Telegram: the screen in the place of the one that was tapped, or below what was written.

Calls are aiogram's, which knows every one of them by type. Nothing else of it is used: no
dispatcher and no state machine, since conversations are kept elsewhere. Importing it takes two
seconds and 165 MB, so it is imported when the first message leaves, beside the event loop.

What its errors mean (aiogram 3.31): `TelegramRetryAfter` 429, `TelegramForbiddenError` 403,
`TelegramUnauthorizedError` 401, `TelegramNotFound` 404, `TelegramBadRequest` 400,
`TelegramServerError` 5xx, `TelegramNetworkError` no answer.
"""

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

import structlog

from bots.telegram import rendering
from core.domain.chat import (
    Address,
    ChatMessage,
    Delivery,
    Doing,
    Sent,
    Telling,
)
from core.domain.display import Screen
from core.domain.turns import Channel
from core.kit.texts import Texts
from core.ports.chat import Moment

if TYPE_CHECKING:
    from bots.telegram.calls import Bots

log = structlog.get_logger()

_EXPIRED = "common.expired"


class TelegramMessenger:
    """Keeps `core.ports.chat.Messenger`."""

    kind = "telegram"

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._bots: Bots | None = None
        self._making = asyncio.Lock()
        self._aside: set[asyncio.Task[Any]] = set()

    async def received(self, channel: Channel, message: ChatMessage) -> None:
        """Somebody seems to be typing, until the answer comes."""
        await self._try(channel, "send_chat_action", chat_id=int(message.identity), action="typing")

    async def show(self, to: Address, screen: Screen, moment: Moment) -> Delivery:
        said = moment.answering
        if said is not None and said.query_id:
            self._later(self._answer(to.channel, said, screen))
        content = rendering.of_screen(screen, unlock_url=moment.unlock_url)
        if moment.picture is not None:
            return await self._pictured(to, content, moment)
        tapped = said is not None and said.doing is Doing.PRESS
        here = tapped and said is not None and said.message_id == moment.last_shown
        if here and screen.input != "contact":
            done = await self._edited(to, moment.last_shown, content)
            if done is not None:
                return done
        return await self._below(to, await self._sent(to, content), moment)

    async def _pictured(self, to: Address, content: rendering.Content, moment: Moment) -> Delivery:
        """The picture, with the screen below it: no message of words can become one."""
        words = rendering.of_text(content["text"], rendering.CAPTION_MAX)
        rest = {name: value for name, value in content.items() if name != "text"}
        sent = await self._call(
            to.channel,
            "send_photo",
            chat_id=int(to.identity),
            photo=moment.picture,
            caption=words,
            **rest,
        )
        return await self._below(to, sent, moment)

    async def _below(self, to: Address, sent: Delivery, moment: Moment) -> Delivery:
        """What stands above the newest screen has nothing left to tap."""
        if isinstance(sent, Sent) and moment.last_shown:
            self._later(self._stripped(to, moment.last_shown))
        return sent

    async def tell(self, to: Address, telling: Telling, *, template: bool = False) -> Delivery:
        """Telegram knows no templates: whoever did not block us may be written to."""
        del template
        if telling.picture:
            caption = rendering.of_text(telling.text, rendering.CAPTION_MAX)
            return await self._call(
                to.channel,
                "send_photo",
                chat_id=int(to.identity),
                photo=telling.picture,
                caption=caption,
            )
        return await self._sent(to, {"text": rendering.of_text(telling.text)})

    async def unsay(self, channel: Channel, message: ChatMessage) -> bool:
        done = await self._call(
            channel,
            "delete_message",
            chat_id=int(message.identity),
            message_id=int(message.message_id),
        )
        return isinstance(done, Sent)

    async def aclose(self) -> None:
        for task in tuple(self._aside):
            task.cancel()
        await asyncio.gather(*self._aside, return_exceptions=True)
        if self._bots is not None:
            await self._bots.aclose()

    async def _sent(self, to: Address, content: rendering.Content) -> Delivery:
        return await self._call(
            to.channel,
            "send_message",
            chat_id=int(to.identity),
            link_preview_options={"is_disabled": True},
            **content,
        )

    async def _edited(
        self, to: Address, message_id: str, content: rendering.Content
    ) -> Delivery | None:
        """None where that message can be changed no more."""
        bots = await self._open()
        return await bots.edit(to.channel, int(to.identity), int(message_id), content)

    async def _stripped(self, to: Address, message_id: str) -> None:
        """What was shown before has nothing left to tap."""
        await self._try(
            to.channel,
            "edit_message_reply_markup",
            chat_id=int(to.identity),
            message_id=int(message_id),
        )

    async def _answer(self, channel: Channel, said: ChatMessage, screen: Screen) -> None:
        """Every tap is answered, or the person's button goes on spinning."""
        old = screen.notice if screen.notice == self._texts.get("en", _EXPIRED) else ""
        more = {"text": old[:200]} if old else {}
        await self._try(channel, "answer_callback_query", callback_query_id=said.query_id, **more)

    async def _try(self, channel: Channel, method: str, **arguments: Any) -> None:
        """A courtesy: if it fails, the person misses nothing."""
        await self._call(channel, method, **arguments)

    async def _call(self, channel: Channel, method: str, **arguments: Any) -> Delivery:
        bots = await self._open()
        return await bots.call(channel, method, **arguments)

    def _later(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)

    async def _open(self) -> "Bots":
        if self._bots is None:
            async with self._making:
                if self._bots is None:
                    calls = await asyncio.to_thread(importlib.import_module, "bots.telegram.calls")
                    self._bots = calls.Bots()
        assert self._bots is not None
        return self._bots
