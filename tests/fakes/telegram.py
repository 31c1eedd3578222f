"""A phone with Telegram, as a thumb and an eye meet it: it writes and taps at the simulator."""

import asyncio
import itertools
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

_ANSWER_S = 15.0
_LOOK_S = 0.05
_FLEETING = "\u2026"

_Messages = list[dict[str, Any]]


class TelegramPhone:
    """One person's phone, at the sandbox's control calls; Callbox hears of it by real webhooks.

    What is done waits for the answer: a message from the bot that is new, or was changed.

    Attributes:
        message: The newest message from the bot, as the phone shows it.
    """

    def __init__(
        self,
        sandbox: httpx.AsyncClient,
        user: int | None = None,
        first_name: str | None = None,
        bot: str | None = None,
    ) -> None:
        """`bot`: whom they write to, by username; the customers' one where it is None."""
        self._sandbox = sandbox
        self._bot = {"bot": bot} if bot else {}
        self._as = self._bot | ({"first_name": first_name} if first_name else {})
        self.user = user or 10_000_000 + secrets.randbelow(10**9)
        self.message: Mapping[str, Any] = {}
        self._seen: _Messages = []

    async def start(self, payload: str = "") -> str:
        return await self._do("start", payload=payload)

    async def say(self, text: str) -> str:
        return await self._do("say", text=text)

    async def press(self, label: str, message: Mapping[str, Any] | None = None) -> str:
        """Tap a button of the newest message, or of an older one."""
        shown = message or self.message
        found = buttons_of(shown)
        assert label in found, f"{label!r} is not among {list(found)} under {self.screen!r}"
        return await self._do(
            "press", message_id=shown["message_id"], data=found[label], anyway=True
        )

    async def share_contact(self, phone_number: str, *, own: bool = True) -> str:
        return await self._do("contact", own=own, phone_number=phone_number)

    @property
    def screen(self) -> str:
        return str(self.message.get("text", ""))

    @property
    def buttons(self) -> list[str]:
        return list(buttons_of(self.message))

    @property
    def link(self) -> str:
        """Where a button of the newest message leads, or ""."""
        rows = self.message.get("buttons") or []
        urls = [each["url"] for each in itertools.chain(*rows) if "url" in each]
        return str(urls[0]) if urls else ""

    def sees(self, *words: str) -> None:
        for word in words:
            assert word in self.screen, f"{word!r} is not on {self.screen!r}"

    async def look(self) -> Any:
        path = f"/control/telegram/{self.user}/messages"
        reply = await self._sandbox.get(path, params=self._bot)
        assert reply.status_code == httpx.codes.OK, (reply.status_code, reply.text)
        return reply.json()

    async def messages(self) -> _Messages:
        """All that the bot sent and has not deleted, oldest first.

        Not what comes for a moment only, to take a keyboard away.
        """
        return [
            each
            for each in (await self.look())["messages"]
            if each["from"] == "bot" and not each["deleted"] and each["text"] != _FLEETING
        ]

    async def shown_after_page(self, _answers: int = 1) -> str:
        """Wait for what comes of something that was done on a page: no link to that page."""
        seen = self._seen

        def enough(messages: _Messages) -> bool:
            return _newest(messages) != _newest(seen) and not any(
                "/p/" in each.get("url", "")
                for each in itertools.chain(*(messages[-1]["buttons"] or []))
            )

        return await self._until(enough)

    async def shown(self, word: str) -> str:
        """Wait until a message with that word is the newest."""
        return await self._until(lambda messages: bool(messages) and word in messages[-1]["text"])

    async def keyboard_gone(self) -> None:
        """Wait until no keyboard stands below the chat, and what took it away is gone too."""
        until = time.monotonic() + _ANSWER_S
        while True:
            chat = await self.look()
            left = [
                each
                for each in chat["messages"]
                if each["text"] == _FLEETING and not each["deleted"]
            ]
            if not chat["keyboard"] and not left:
                return
            assert time.monotonic() < until, "the keyboard stays"
            await asyncio.sleep(_LOOK_S)

    async def receives(self, word: str) -> str:
        """Wait until a message with that word is there."""
        return await self._until(
            lambda messages: any(word in str(each.get("text", "")) for each in messages)
        )

    async def _do(self, deed: str, **body: object) -> str:
        self._seen = await self.messages() if self._seen else []
        reply = await self._sandbox.post(
            f"/control/telegram/{self.user}/{deed}", json=self._as | body
        )
        assert reply.status_code == httpx.codes.OK, (reply.status_code, reply.text)
        before = _newest(self._seen)

        def enough(messages: _Messages) -> bool:
            return _newest(messages) != before

        return await self._until(enough)

    async def _until(self, enough: Callable[[_Messages], bool]) -> str:
        until = time.monotonic() + _ANSWER_S
        while True:
            messages = await self.messages()
            if enough(messages):
                break
            assert time.monotonic() < until, f"no answer; the last was {self.screen!r}"
            await asyncio.sleep(_LOOK_S)
        self.message, self._seen = messages[-1], messages
        return self.screen


def _newest(messages: _Messages) -> tuple[object, ...]:
    """What tells an answer: not that an older message has lost its buttons meanwhile."""
    if not messages:
        return ()
    last = messages[-1]
    return last["message_id"], last["text"], str(last["buttons"])


def buttons_of(message: Mapping[str, Any]) -> dict[str, str]:
    """What can be tapped on a message: its label, and what the tap brings back."""
    rows = message.get("buttons") or []
    return {
        each["text"]: each["callback_data"]
        for each in itertools.chain(*rows)
        if "callback_data" in each
    }
