"""A handset of the phone page, as a thumb and an eye meet it."""

from playwright.async_api import Locator, Page, expect


class Handset:
    """One of the phone page's handsets; `shows` waits, the rest acts at once."""

    def __init__(self, page: Page, name: str = "Handset 1") -> None:
        self.page = page
        self.station = page.get_by_role("article", name=name)
        self.screen = self.station.locator(".screen")
        self.entry = self.station.locator(".entry input")
        self.meter = self.station.get_by_label("Length of this screen")
        self.badge = self.station.locator(".badge")
        self.inbox = self.station.locator(".inbox summary")

    def button(self, name: str) -> Locator:
        return self.station.get_by_role("button", name=name, exact=True)

    async def press(self, digits: str) -> None:
        for digit in digits:
            await self.button({"*": "Star", "#": "Hash"}.get(digit, digit)).click()

    async def call(self) -> None:
        await self.button("Call or send").click()

    async def reply(self, digits: str) -> None:
        await self.press(digits)
        await self.call()

    async def shows(self, reply: str) -> None:
        await expect(self.screen).to_have_text(reply[len("CON ") :], use_inner_text=True)
