"""The smartphones of the phone page, and what stands behind them: simulators, and a Callbox."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image, ImageDraw
from playwright.async_api import Browser, Locator, Page, expect

from tests.fakes.browser import picture
from tests.fakes.outside import Outside, Taker, outside, taker

BOT = "/telegram/bot110201543:SIM-telegram-token"
GRAPH = "/whatsapp/v26.0/100000000000001"
BEARER = {"authorization": "Bearer SIM-whatsapp-token"}
USER = 5001001
NUMBER = "2348031234567"
MENU = "<b>Good morning, Ada!</b>\nCallbox. What can we do for you?"
LOOKS = [("light", 1280), ("dark", 1280), ("light", 390)]


@dataclass
class Shop:
    """The sandbox with its page, and Callbox: what reached it, and what it sends."""

    outside: Outside
    hook: Taker

    @property
    def url(self) -> str:
        return str(self.outside.http.base_url).rstrip("/")

    async def heard(self, count: int = 1) -> list[dict[str, Any]]:
        """What Callbox was told, once it was told so much."""
        await self.hook.got(count)
        return [httpx.Response(200, content=body).json() for body in self.hook.bodies]

    async def bot(self, method: str, **params: Any) -> Any:
        reply = await self.outside.http.post(f"{BOT}/{method}", json={"chat_id": USER, **params})
        assert reply.status_code == 200, reply.text
        return reply.json()["result"]

    async def says(self, text: str = MENU, **params: Any) -> int:
        told = await self.bot("sendMessage", text=text, parse_mode="HTML", **params)
        return int(told["message_id"])

    async def graph(self, kind: str, content: dict[str, Any]) -> None:
        body = {"messaging_product": "whatsapp", "to": NUMBER, "type": kind, kind: content}
        reply = await self.outside.http.post(f"{GRAPH}/messages", json=body, headers=BEARER)
        assert reply.status_code == 200, reply.text

    async def interactive(self, kind: str, text: str, action: dict[str, Any]) -> None:
        content = {"type": kind, "body": {"text": text}, "action": action}
        await self.graph("interactive", content)


@asynccontextmanager
async def open_shop() -> AsyncIterator[Shop]:
    async with taker() as hook:
        callbox_url = hook.url.removesuffix("/hook")
        async with outside(callbox_url=callbox_url) as running:
            yield Shop(running, hook)


@asynccontextmanager
async def open_page(browser: Browser, url: str) -> AsyncIterator[Page]:
    """Whatever the page complains of in its console fails the test."""
    complaints: list[str] = []
    async with await browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        opened = await context.new_page()
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("console", lambda line: complaints.append(line.text))
        await opened.goto(url)
        yield opened
    assert complaints == []


class Mobile:
    """One of the two smartphones of the page, its tab opened."""

    def __init__(self, page: Page, app: str) -> None:
        self.page = page
        self.app = app
        self.panel = page.get_by_role("tabpanel", name=app)
        self.feed = self.panel.get_by_role("log", name="Chat")
        self.mine = self.feed.locator(".from-me .bubble")
        self.theirs = self.feed.locator(".from-them .bubble")
        self.desk = self.panel.get_by_role("region", name=f"{app}, tools")

    async def open(self) -> None:
        await self.page.get_by_role("tab", name=self.app).click()

    def button(self, name: str) -> Locator:
        return self.panel.get_by_role("button", name=name, exact=True)

    async def says(self, text: str) -> None:
        await self.panel.get_by_label("Message").fill(text)
        await self.button("Send").click()
        await expect(self.mine.last).to_contain_text(text)


async def dressed(page: Page, scheme: str, width: int) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.set_viewport_size({"width": width, "height": 900})


async def still(page: Page, name: str) -> None:
    await page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    assert (await picture(page, name)).stat().st_size > 30_000


def receipt() -> bytes:
    drawn = Image.new("RGB", (360, 240), "#fffdf6")
    ImageDraw.Draw(drawn).text((20, 20), "N500 MTN\n0803 123 4567\nRef CB-7K2M", fill="black")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()
