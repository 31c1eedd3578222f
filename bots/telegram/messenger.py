"""Speaks Telegram: the screen in place of the one that was tapped, or below what was written."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from bots.telegram import rendering
from bots.telegram.calls import Calls, number_of
from core.domain.chat import (
    Address,
    ChatMessage,
    Delivery,
    Doing,
    InlineQuery,
    Offers,
    Refused,
    Sent,
    Telling,
)
from core.domain.display import Screen
from core.domain.turns import Channel
from core.kit.texts import Texts
from core.ports.chat import Moment
from core.providers import addresses

_EXPIRED = "common.expired"
_ANSWER_MAX = 200
# What was begun beside a message may take so long to end when the process does.
_DRAIN_S = 2.0


class TelegramMessenger:
    """Keeps `core.ports.chat.Messenger`. Made inside `addresses.reaching`, it goes no further."""

    kind = "telegram"

    def __init__(self, texts: Texts) -> None:
        self._expired = frozenset(texts.get(each, _EXPIRED) for each in texts.languages)
        self._calls = Calls(addresses.resolver())
        self._aside: set[asyncio.Task[Any]] = set()

    async def received(self, channel: Channel, message: ChatMessage) -> None:
        """The button spins no longer, and somebody seems to be typing until the answer comes."""
        if message.query_id:
            await self._calls.call(
                channel, "answerCallbackQuery", callback_query_id=message.query_id
            )
        await self._calls.call(channel, "sendChatAction", chat_id=message.identity, action="typing")

    async def show(self, to: Address, screen: Screen, moment: Moment) -> Delivery:
        said = moment.answering
        if said is not None and said.query_id:
            self._beside(self._answer(to.channel, said, screen))
        before = _Shown.read(moment.last_shown)
        content = rendering.of_screen(screen, unlock_url=moment.unlock_url)
        asks_number = screen.input == "contact"
        tapped = said.message_id if said is not None and said.doing is Doing.PRESS else ""
        if tapped and tapped == before.message_id and not asks_number and not moment.picture:
            done = await self._edited(to, tapped, content)
            if done is not None:
                return done
        old = {tapped} if before.keyboard else {tapped, before.message_id}
        over = before.keyboard and not asks_number
        if over and "reply_markup" not in content:
            content["reply_markup"] = rendering.NO_KEYBOARD
            over = False
        sent = await self._sent_with(to, content, moment.picture)
        if not isinstance(sent, Sent):
            return sent
        self._beside(self._cleared(to, old - {""}, keyboard=over))
        return Sent(_Shown(sent.message_id, keyboard=asks_number).written())

    async def tell(self, to: Address, telling: Telling, *, template: bool = False) -> Delivery:
        """Telegram knows no templates: whoever did not block us may be written to."""
        del template
        content = {"text": rendering.of_text(telling.text)}
        return await self._sent_with(to, content, telling.picture)

    async def unsay(self, channel: Channel, message: ChatMessage) -> bool:
        if not message.message_id:
            return False  # nothing says which one it was
        return await self._deleted(channel, message.identity, message.message_id)

    async def offer(self, channel: Channel, query: InlineQuery, offers: Offers) -> Delivery:
        """Keeps `core.ports.chat.Offering`."""
        content = rendering.of_offers(offers)
        return await self._calls.call(
            channel, "answerInlineQuery", inline_query_id=query.id, **content
        )

    async def aclose(self) -> None:
        if self._aside:
            await asyncio.wait(tuple(self._aside), timeout=_DRAIN_S)
        for task in tuple(self._aside):
            task.cancel()
        await asyncio.gather(*self._aside, return_exceptions=True)
        await self._calls.aclose()

    async def _sent_with(
        self, to: Address, content: rendering.Content, picture: bytes | None
    ) -> Delivery:
        """The picture with the words below it, or before them where they are too long."""
        if not picture:
            return await self._sent(to, content)
        words = content["text"]
        if rendering.fits_caption(words):
            caption = {"caption": words, "reply_markup": content.get("reply_markup")}
            sent = await self._photo(to, picture, **caption)
        else:
            sent = await self._photo(to, picture)
            if isinstance(sent, Sent):
                return await self._sent(to, content)
        # The words matter more than the picture.
        at_fault = isinstance(sent, Refused) and not sent.stops
        return await self._sent(to, content) if at_fault else sent

    async def _photo(self, to: Address, picture: bytes, **more: Any) -> Delivery:
        return await self._calls.call(
            to.channel, "sendPhoto", chat_id=to.identity, photo=picture, **more
        )

    async def _sent(self, to: Address, content: rendering.Content) -> Delivery:
        return await self._calls.call(
            to.channel,
            "sendMessage",
            chat_id=to.identity,
            link_preview_options={"is_disabled": True},
            **content,
        )

    async def _edited(
        self, to: Address, message_id: str, content: rendering.Content
    ) -> Delivery | None:
        """None where that message can be changed no more."""
        return await self._calls.edit(to.channel, to.identity, message_id, content)

    async def _cleared(self, to: Address, message_ids: set[str], *, keyboard: bool) -> None:
        """What was shown before has nothing left to tap."""
        for message_id in sorted(message_ids):
            await self._calls.call(
                to.channel,
                "editMessageReplyMarkup",
                chat_id=to.identity,
                message_id=number_of(message_id),
            )
        if keyboard:
            await self._keyboard_gone(to)

    async def _keyboard_gone(self, to: Address) -> None:
        """A message has either buttons or this: so another takes the keyboard away, and goes."""
        sent = await self._sent(
            to, {"text": rendering.of_text(""), "reply_markup": rendering.NO_KEYBOARD}
        )
        if isinstance(sent, Sent):
            await self._deleted(to.channel, to.identity, sent.message_id)

    async def _deleted(self, channel: Channel, chat_id: str, message_id: str) -> bool:
        done = await self._calls.call(
            channel, "deleteMessage", chat_id=chat_id, message_id=number_of(message_id)
        )
        return isinstance(done, Sent)

    async def _answer(self, channel: Channel, said: ChatMessage, screen: Screen) -> None:
        """Every tap is answered, or the person's button goes on spinning."""
        more = {"text": screen.notice[:_ANSWER_MAX]} if screen.notice in self._expired else {}
        await self._calls.call(
            channel, "answerCallbackQuery", callback_query_id=said.query_id, **more
        )

    def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        """A courtesy that nobody waits for: if it fails, the person misses nothing."""
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The screen that is shown, as its name tells: `keyboard` when one stands below the chat."""

    message_id: str
    keyboard: bool = False

    @classmethod
    def read(cls, name: str) -> "_Shown":
        return cls(name.removesuffix("k"), keyboard=name.endswith("k"))

    def written(self) -> str:
        return f"{self.message_id}k" if self.keyboard else self.message_id
