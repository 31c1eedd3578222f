"""The page where a PIN is given, in a real browser: on a small screen, and in a whole talk."""

import datetime as dt
import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect
from sqlalchemy import make_url
from starlette.applications import Starlette

from bots.links import routes
from core.kit.clock import SetClock
from core.services.unlocking import GOOD_FOR_S
from core.store.embedded import ServiceUrls
from tests.fakes.browser import chromium, picture
from tests.fakes.chat import PIN, House, Person, open_house
from tests.fakes.database import copied
from tests.fakes.serving import serve
from tests.fakes.world import PIN_HASH, World, open_world

pytestmark = pytest.mark.browser

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
SMALL: ViewportSize = {"width": 320, "height": 533}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def urls(services: ServiceUrls, database_template: str) -> AsyncIterator[ServiceUrls]:
    async for url in copied(services, make_url(database_template).database or ""):
        yield ServiceUrls(url, services.redis_url)


@pytest.fixture
async def house(urls: ServiceUrls, tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(urls, tmp_path, SetClock(MORNING)) as opened:
        yield opened


@pytest.fixture
async def site(house: House) -> AsyncIterator[str]:
    """Where the pages are."""
    pages = routes(house.core.unlocking, house.core.texts, outside_url="http://127.0.0.1:8000")
    async with serve(Starlette(routes=pages)) as url:
        yield url


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A browser without scripts; what the page complains of in its console fails the test."""
    context = await browser.new_context(viewport=SMALL, java_script_enabled=False)
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda line: complaints.append(line.text))
    yield opened
    await context.close()
    # Chromium notes answers of 410 by itself.
    assert [line for line in complaints if "status of 410" not in line] == []


async def link_to(house: House, site: str) -> tuple[Person, str]:
    """Somebody who is asked for the PIN, and where."""
    ada = await house.person("2348031234567", naira=1000)
    await ada.starts("say_airtime")
    await ada.says("1")
    await ada.says("500")
    await ada.presses("pay")
    shown = house.notebook.shown[-1].moment
    return ada, site + urlsplit(shown.unlock_url).path


async def test_a_pin_is_given_without_scripts_on_a_small_screen(
    house: House, site: str, page: Page
) -> None:
    ada, link = await link_to(house, site)
    await page.goto(link)
    field = page.get_by_label("Enter your PIN:")
    await expect(field).to_be_focused()
    await expect(page.get_by_text("You pay N500.")).to_be_visible()
    await picture(page, "pin-320")

    await field.fill("2847")
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_text("Wrong PIN. Tries left: 2.")).to_be_visible()
    await picture(page, "pin-wrong-320")

    await page.get_by_label("Enter your PIN").fill(PIN)
    await page.get_by_label("Enter your PIN").press("Enter")
    await expect(page.get_by_role("heading", name="Done")).to_be_visible()
    back = page.get_by_role("link", name="Back to the chat")
    await expect(back).to_have_attribute("href", "https://t.me/callbox_demo_bot")
    await picture(page, "pin-done-320")

    house.clock.advance(2)
    await house.work()
    assert len(house.seller.delivered) == 1
    assert await ada.money() == (500, 0)


async def test_a_late_link_says_so_on_a_small_screen(house: House, site: str, page: Page) -> None:
    _, link = await link_to(house, site)
    house.clock.advance(GOOD_FOR_S)

    await page.goto(link)

    await expect(page.get_by_role("heading", name="This link is used up")).to_be_visible()
    await picture(page, "pin-late-320")


@pytest.mark.parametrize("width", [240, 320, 390, 1280])
async def test_the_pages_fit_any_screen(
    house: House, site: str, browser: Browser, width: int
) -> None:
    _, link = await link_to(house, site)
    opened = await browser.new_page(viewport={"width": width, "height": 533})
    try:
        for url in (link, f"{site}/p/nothing"):
            await opened.goto(url)
            assert await opened.evaluate(OVERFLOW) == 0
            boxes = await opened.locator(".pin, .button").evaluate_all(
                "all => all.map((each) => each.getBoundingClientRect().height)"
            )
            assert all(height >= 44 for height in boxes)  # a thumb's width
    finally:
        await opened.close()


async def test_airtime_is_bought_on_the_phone_page_through_whatsapp(
    urls: ServiceUrls, tmp_path: Path, browser: Browser
) -> None:
    """Everything is real but the outside world: signed webhooks, the page for the PIN, the vend."""
    async with open_world(urls, tmp_path) as world:
        world.main.core.unlocking._base_url = world.main.url
        number = await _customer(world)
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        page = await context.new_page()
        await page.goto(f"{str(world.control.base_url).rstrip('/')}/phone#whatsapp")
        phone = page.get_by_role("tabpanel", name="WhatsApp")
        who = phone.get_by_label("Number, or @username")
        await who.fill(number)
        await who.press("Enter")
        theirs = phone.get_by_role("log").locator(".from-them .bubble")

        await phone.get_by_label("Message").fill("recharge me 500")
        await phone.get_by_label("Message").press("Enter")
        await expect(theirs.last).to_contain_text("You pay N500")
        await phone.get_by_label("Message").fill("1")
        await phone.get_by_label("Message").press("Enter")
        asking = phone.get_by_role("log").locator("a.way").last
        async with context.expect_page() as opening:
            await asking.click()
        asked = await opening.value
        await asked.get_by_label("Enter your PIN:").fill(PIN)
        await asked.get_by_role("button", name="Continue").click()
        await expect(asked.get_by_role("heading", name="Done")).to_be_visible()
        await asked.close()

        await expect(theirs.last).to_contain_text(re.compile("Done|airtime"))
        await picture(page, "phone-whatsapp-bought")
        assert await world.delivered(number) == ["500.00"]
        await context.close()


async def _customer(world: World) -> str:
    """Somebody with N1,000 and a PIN; their number."""
    number = world.number()
    customer = await world.customer(number)
    await world.give(customer, 1000)
    core = world.main.core
    await core.customers.set_pin(customer, PIN_HASH, core.clock.now())
    return number
