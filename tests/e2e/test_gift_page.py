"""The public page of a gift in a real browser: small, wide, without scripts, and for everybody."""

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, ViewportSize, expect
from sqlalchemy import make_url

from bots.gifts.live import LiveRules
from core.domain.gifts import GiftKind, Room
from core.store.embedded import ServiceUrls
from tests.fakes.accessibility import audit
from tests.fakes.browser import chromium, picture
from tests.fakes.database import copied
from tests.fakes.gift_site import GiftSiteFake, open_gift_site

pytestmark = pytest.mark.browser

SMALL: ViewportSize = {"width": 320, "height": 533}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SCORE_MIN = 95
LIVE = LiveRules(every_s=0.05)
BIRTHDAY = "Happy birthday to all of us! Eat, drink, and dance with me."

Opened = Callable[..., Coroutine[Any, Any, Page]]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture(scope="module")
async def site(
    services: ServiceUrls, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GiftSiteFake]:
    async for url in copied(services, make_url(database_template).database or ""):
        urls = ServiceUrls(url, services.redis_url)
        home = Path(tmp_path_factory.mktemp("gifts"))
        async with open_gift_site(urls, home, LIVE) as opened:
            yield opened


@pytest.fixture
async def opened(browser: Browser, site: GiftSiteFake) -> AsyncIterator[Opened]:
    """Opens a gift in a browser of its own; what a page complains of fails the test."""
    contexts, complaints = [], []

    async def open_(room: Room, *, scripts: bool = True, size: ViewportSize = SMALL) -> Page:
        context = await browser.new_context(viewport=size, java_script_enabled=scripts)
        contexts.append(context)
        page = await context.new_page()
        page.on("console", lambda line: complaints.append(line.text))
        await page.goto(url_of(site, room))
        return page

    yield open_
    for context in contexts:
        await context.close()
    assert complaints == []


def url_of(site: GiftSiteFake, room: Room) -> str:
    return f"{str(site.http.base_url).rstrip('/')}/gift/{room.token}"


async def proves(site: GiftSiteFake, page: Page, number: str) -> None:
    await page.get_by_label("Your phone number").fill(number)
    await page.get_by_role("button", name="Text me a code").click()
    field = page.get_by_label(f"Code from the SMS to {number}")
    await expect(field).to_be_focused()
    await field.fill(await site.code(number))
    await field.press("Enter")


async def test_a_gift_is_opened_without_scripts_on_a_small_screen(
    site: GiftSiteFake, opened: Opened
) -> None:
    room, number = await site.gives(5000, 10, message=BIRTHDAY), site.number()
    page = await opened(room, scripts=False)
    await expect(page.get_by_role("link", name="Look again")).to_be_visible()
    await picture(page, "gift-open-plain-320")

    await proves(site, page, number)

    await expect(page.get_by_role("heading", name="You won")).to_be_in_viewport()
    await expect(page.get_by_text("1 of 10 won")).to_be_visible()
    await picture(page, "gift-won-320")
    assert page.url == url_of(site, room)
    assert (await site.stands(room)).taken == 1


async def test_a_question_is_answered_with_the_keyboard_alone(
    site: GiftSiteFake, opened: Opened
) -> None:
    room = await site.gives(
        1000, 1, kind=GiftKind.QUIZ, question="Where was I born?", answers=("Aba", "Jos"), answer=2
    )
    page = await opened(room)
    await proves(site, page, site.number())
    await expect(page.get_by_role("heading", name="Where was I born?")).to_be_visible()
    await picture(page, "gift-quiz-320")

    await page.get_by_role("radio", name="Aba").focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")

    await expect(page.get_by_role("heading", name="You won N1,000!")).to_be_visible()


async def test_progress_moves_while_one_looks_until_the_end(
    site: GiftSiteFake, opened: Opened
) -> None:
    room = await site.gives(1000, 2, message=BIRTHDAY)
    page = await opened(room)
    await expect(page.get_by_text("This page keeps itself up to date.")).to_be_visible()
    await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "0")

    await site.proves(room, await site.registered())
    await expect(page.get_by_text("1 of 2 won")).to_be_visible()
    await expect(page.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    await site.proves(room, await site.registered())

    ended = page.get_by_role("link", name="This gift has just ended")
    await ended.click()
    await expect(page.get_by_role("heading", name="All 2 shares were won")).to_be_visible()
    await expect(page.get_by_role("listitem")).to_have_count(2)
    await expect(page.get_by_role("listitem").first).to_contain_text(re.compile(r"0803\*{4}\d{3}"))
    await picture(page, "gift-over-320")


async def passes(page: Page, words: str) -> None:
    """Time, on the page's clock, until it says that."""
    async with asyncio.timeout(15):
        while not await page.get_by_text(words).is_visible():
            await page.clock.run_for(5_000)


async def test_progress_moves_where_too_many_listen(site: GiftSiteFake, browser: Browser) -> None:
    room = await site.gives(1000, 2, message=BIRTHDAY)
    site.live._rules = dataclasses.replace(LIVE, viewers_max=0)
    page = await browser.new_page(viewport=SMALL)
    try:
        await page.clock.install()
        await page.goto(url_of(site, room))
        await site.proves(room, await site.registered())
        await passes(page, "1 of 2 won")
        await expect(page.get_by_text("This page keeps itself up to date.")).to_be_visible()

        await site.proves(room, await site.registered())
        await passes(page, "This gift has just ended")
    finally:
        site.live._rules = LIVE
        await page.close()


async def test_everybody_can_use_it(site: GiftSiteFake, opened: Opened) -> None:
    """An audit of every page that somebody can come to."""
    scores: dict[str, float] = {}

    async def audited(page: Page, name: str, shows: Locator) -> None:
        await expect(shows).to_be_visible()  # a page that is still on its way is none
        score, wrong = await audit(page)
        assert wrong == [], name
        scores[name] = score

    quiz = await site.gives(
        1000,
        2,
        kind=GiftKind.QUIZ,
        question="Where?",
        answers=("Aba", "Jos"),
        answer=2,
        message="Hi",
    )
    page = await opened(quiz)
    number, field = site.number(), page.get_by_label("Your phone number")
    await audited(page, "open", field)
    await field.fill("12")
    await page.get_by_role("button", name="Text me a code").click()
    await audited(page, "number refused", page.get_by_text("Please enter a mobile number"))
    await field.fill(number)
    await page.get_by_role("button", name="Text me a code").click()
    code = page.get_by_label("Code from the SMS")
    await audited(page, "code", code)
    await code.fill(await site.code(number))
    await page.get_by_role("button", name="Open my gift").click()
    answer = page.get_by_label("Jos")
    await audited(page, "answer", answer)
    await answer.check()
    await page.get_by_role("button", name="This is my answer").click()
    await audited(page, "won", page.get_by_role("heading", name="You won"))
    desk = site.house.core.gift_desk
    await desk.cancel(quiz.tenant_id, quiz.id, reason="a test", actor="test")
    await page.goto(url_of(site, quiz))
    await audited(page, "over", page.get_by_role("heading", name="This gift was ended early"))
    page = await opened(await site.gives(1000, 1, kind=GiftKind.DRAW))
    await audited(page, "draw", page.get_by_label("Your phone number"))

    assert min(scores.values()) >= SCORE_MIN, scores


@pytest.mark.parametrize("width", [240, 320, 390, 768, 1280])
async def test_the_page_fits_any_screen(site: GiftSiteFake, opened: Opened, width: int) -> None:
    room = await site.gives(100_000, 1000, message="W" * 60, kind=GiftKind.DRAW, seats=1000)
    page = await opened(room, size={"width": width, "height": 640})

    assert await page.evaluate(OVERFLOW) == 0
    heights = await page.locator(".button, .field, .dial").evaluate_all(
        "all => all.map((each) => each.getBoundingClientRect().height)"
    )
    assert all(height == 0 or height >= 44 for height in heights)  # a thumb's width
    await picture(page, f"gift-{width}")


async def test_an_unknown_gift_is_told_in_style(site: GiftSiteFake, browser: Browser) -> None:
    page = await browser.new_page(viewport=SMALL)
    try:
        await page.goto(f"{str(site.http.base_url).rstrip('/')}/gift/nothing")
        await expect(page.get_by_role("heading", name="There is no gift here")).to_be_visible()
        score, wrong = await audit(page)
        assert (score, wrong) == (100, [])
        await picture(page, "gift-unknown-320")
    finally:
        await page.close()
