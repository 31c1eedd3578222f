"""A phone with WhatsApp, as a thumb and an eye meet it: it writes and presses at the simulator."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

_ANSWER_S = 15.0
_LOOK_S = 0.05
_PAGES_MAX = 10


class WhatsAppPhone:
    """One person's phone, at the sandbox's control calls; Callbox hears of it by real webhooks.

    What is done waits for the answer: the next message from the business. `user` is a number in any
    form, `@name` for somebody who shows no number, or a user id.

    Attributes:
        message: The newest message from the business, as the phone shows it.
    """

    def __init__(self, sandbox: httpx.AsyncClient, user: str) -> None:
        self._sandbox = sandbox
        self.user = user
        self.message: Mapping[str, Any] = {}
        self._seen = 0

    # What people do.

    async def say(self, text: str) -> str:
        return await self._do("say", text=text)

    async def press(self, label: str) -> str:
        """Tap a button, or a row of the list, of the newest message."""
        return await self._do("press", id=self._id_of(label), message_id=self.message["id"])

    async def press_again(self, label: str, message: Mapping[str, Any]) -> str:
        """Tap a button of an older message: they stay where they are for ever."""
        found = options_of(message)
        assert label in found, f"{label!r} is not among {list(found)}"
        return await self._do("press", id=found[label], message_id=message["id"])

    async def choose(self, label: str) -> str:
        """As `press`, turning pages to find it."""
        for _ in range(_PAGES_MAX):
            if label in options_of(self.message) or "More" not in options_of(self.message):
                break
            await self.press("More")
        return await self.press(label)

    async def share_number(self, phone_number: str = "") -> str:
        """Share the own number: `phone_number` for one who shows none otherwise."""
        return await self._do("contact", own=True, phone_number=phone_number)

    async def share_contact(self, phone_number: str) -> str:
        return await self._do("contact", own=False, phone_number=phone_number)

    async def send_picture(self) -> str:
        return await self._do("image")

    # What they see.

    @property
    def screen(self) -> str:
        """The words of the newest message."""
        return str(self.message.get("text", ""))

    @property
    def buttons(self) -> list[str]:
        """What can be tapped on the newest message, in order, be it buttons or rows."""
        return list(options_of(self.message))

    @property
    def link(self) -> str:
        """Where the button of the newest message leads, or ""."""
        return str((self.message.get("link") or {}).get("url", ""))

    def sees(self, *words: str) -> None:
        for word in words:
            assert word in self.screen, f"{word!r} is not on {self.screen!r}"

    async def messages(self) -> list[dict[str, Any]]:
        """All that the business sent, oldest first."""
        return [each for each in (await self._look())["messages"] if each["from"] == "business"]

    async def shown_after_page(self, answers: int = 1) -> str:
        """Wait for what comes of so many answers on a page: a message each, at last no link."""
        seen = self._seen

        def enough(messages: list[dict[str, Any]]) -> bool:
            return len(messages) >= seen + answers and "/p/" not in str(messages[-1].get("link"))

        return await self._until(enough)

    async def shown(self, word: str) -> str:
        """Wait until a message with that word is the newest."""
        return await self._until(lambda messages: bool(messages) and word in messages[-1]["text"])

    async def _do(self, deed: str, **body: object) -> str:
        seen = len(await self.messages())  # news may have come since they looked
        reply = await self._sandbox.post(f"/control/whatsapp/{self.user}/{deed}", json=body)
        assert reply.status_code == httpx.codes.OK, (reply.status_code, reply.text)
        return await self._until(lambda messages: len(messages) > seen)

    async def _until(self, enough: Callable[[list[dict[str, Any]]], bool]) -> str:
        until = time.monotonic() + _ANSWER_S
        while True:
            messages = await self.messages()
            if enough(messages):
                break
            assert time.monotonic() < until, (
                f"no answer to {self.screen!r}; it was message {self._seen} of "
                f"{[str(each['text']) for each in messages[-4:]]}"
            )
            await asyncio.sleep(_LOOK_S)
        self.message, self._seen = messages[-1], len(messages)
        return self.screen

    async def _look(self) -> Any:
        reply = await self._sandbox.get(f"/control/whatsapp/{self.user}/messages")
        assert reply.status_code == httpx.codes.OK, (reply.status_code, reply.text)
        return reply.json()

    def _id_of(self, label: str) -> str:
        found = options_of(self.message)
        assert label in found, f"{label!r} is not among {list(found)} under {self.screen!r}"
        return found[label]


def options_of(message: Mapping[str, Any]) -> dict[str, str]:
    """What can be tapped on a message: its title, and what the tap brings back."""
    buttons = list(message.get("buttons") or [])
    sections = (message.get("list") or {}).get("sections", [])
    rows = [row for section in sections for row in section["rows"]]
    return {each["title"]: each["id"] for each in (*buttons, *rows)}
