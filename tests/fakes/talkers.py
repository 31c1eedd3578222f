"""Customers on every channel, to whom one script is read: by keypad, by thumb, by page."""

from typing import Protocol

import httpx

from tests.fakes.phone import Phone
from tests.fakes.telegram import TelegramPhone
from tests.fakes.whatsapp import WhatsAppPhone


class Talker(Protocol):
    """One customer on one channel. `screen` is what is shown now."""

    @property
    def screen(self) -> str: ...

    async def begins(self) -> None:
        """Come in at the main menu."""
        ...

    async def answers(self, *answers: str) -> None:
        """Type answers one after the other; a number means the option of that number."""
        ...

    async def gives_pin(self, *pins: str) -> None:
        """Give the secrets that are asked for, by the channel's own way."""
        ...


class ByUssd:
    def __init__(self, phone: Phone) -> None:
        self._phone = phone

    @property
    def screen(self) -> str:
        return self._phone.screen

    async def begins(self) -> None:
        await self._phone.dial()
        if "2. Main menu" in self._phone.screen:
            await self._phone.enter("2")

    async def answers(self, *answers: str) -> None:
        await self._phone.enter(*answers)

    async def gives_pin(self, *pins: str) -> None:
        await self._phone.enter(*pins)


class _ByPage:
    """Words are typed; a PIN goes through the page that the button leads to."""

    def __init__(self, phone: WhatsAppPhone | TelegramPhone, web_url: str) -> None:
        """`web_url`: where this Callbox really listens; its links name the demo's port."""
        self.phone = phone
        self._web_url = web_url

    @property
    def screen(self) -> str:
        return self.phone.screen

    async def answers(self, *answers: str) -> None:
        for answer in answers:
            await self.phone.say(answer)

    async def gives_pin(self, *pins: str) -> None:
        await self.posts(*pins)
        await self.phone.shown_after_page()

    async def posts(self, *pins: str) -> None:
        """What the page is given, one answer after the other."""
        link = self.phone.link
        if "/p/" not in link:
            seen = [str(each["text"]) for each in await self.phone.messages()]
            raise AssertionError(f"no link on {self.screen!r}, after {seen[-8:]}")
        url = f"{self._web_url}/p/" + link.rsplit("/", 1)[1]
        async with httpx.AsyncClient(timeout=20, trust_env=False) as browser:
            page = await browser.get(url)
            for pin in pins:
                assert page.status_code == 200, (page.status_code, page.text)
                page = await browser.post(_action(url, page.text), data={"pin": pin})
        assert page.status_code == 200, (page.status_code, page.text)


class ByWhatsApp(_ByPage):
    async def begins(self) -> None:
        await self.phone.say("/menu")


class ByTelegram(_ByPage):
    async def begins(self) -> None:
        await self.phone.say("/start")


def _action(url: str, page: str) -> str:
    """Where the page's form goes, which is relative to the page."""
    token = page.split('action="', 1)[1].split('"', 1)[0]
    return url.rsplit("/", 1)[0] + "/" + token
