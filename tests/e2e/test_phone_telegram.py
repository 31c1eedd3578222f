"""Telegram on the phone page, in a real browser before the real simulator."""

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.fakes.browser import chromium
from tests.fakes.mobile import (
    BOT,
    LOOKS,
    USER,
    Mobile,
    Shop,
    dressed,
    open_page,
    open_shop,
    receipt,
    still,
)

pytestmark = pytest.mark.browser

KEYS = [
    [{"text": "Buy airtime", "callback_data": "k.1:airtime"}],
    [
        {"text": "Wallet", "callback_data": "k.1:wallet"},
        {"text": "My PIN", "callback_data": "k.1:pin"},
    ],
]


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with open_shop() as opened:
        yield opened


@pytest.fixture
async def page(browser: Browser, shop: Shop) -> AsyncIterator[Page]:
    async with open_page(browser, f"{shop.url}/phone") as opened:
        yield opened


@pytest.fixture
async def telegram(page: Page, shop: Shop) -> Mobile:
    """Somebody who has just started the bot."""
    phone = Mobile(page, "Telegram")
    await phone.open()
    await phone.button("Start").click()
    await expect(phone.mine).to_contain_text("/start")
    await shop.heard()
    return phone


async def test_the_tabs_open_one_channel_at_a_time(page: Page, shop: Shop) -> None:
    ussd, telegram = page.get_by_role("tab", name="Feature phone"), Mobile(page, "Telegram")
    await expect(ussd).to_have_attribute("aria-selected", "true")
    await expect(telegram.panel).to_be_hidden()

    await ussd.focus()
    await page.keyboard.press("ArrowRight")

    await expect(telegram.panel).to_be_visible()
    await expect(page.get_by_role("article", name="Handset 1")).to_be_hidden()
    await page.reload()
    await expect(telegram.panel).to_be_visible()


async def test_start_and_words_reach_the_webhook(telegram: Mobile, shop: Shop) -> None:
    await telegram.says("abeg send 500 card")

    start, said = await shop.heard(2)
    assert start["message"]["text"] == "/start"
    assert start["message"]["from"]["first_name"] == "Ada"
    assert said["message"]["text"] == "abeg send 500 card"
    secret = shop.hook.headers[0]["x-telegram-bot-api-secret-token"]
    assert secret == "SIM-telegram-secret"


async def test_a_button_under_a_message_is_pressed(telegram: Mobile, shop: Shop) -> None:
    message_id = await shop.says(reply_markup={"inline_keyboard": KEYS})
    await expect(telegram.theirs.locator("b")).to_have_text("Good morning, Ada!")

    await telegram.button("Wallet").click()

    pressed = (await shop.heard(2))[1]["callback_query"]
    assert (pressed["data"], pressed["message"]["message_id"]) == ("k.1:wallet", message_id)
    await shop.bot("answerCallbackQuery", callback_query_id=pressed["id"], text="One moment")
    await expect(telegram.panel.get_by_text("One moment")).to_be_visible()


async def test_an_edited_message_changes_in_its_place(telegram: Mobile, shop: Shop) -> None:
    message_id = await shop.says(reply_markup={"inline_keyboard": KEYS})
    await expect(telegram.button("Wallet")).to_be_visible()

    await shop.bot("editMessageText", message_id=message_id, text="You have N1,250.")

    await expect(telegram.theirs).to_contain_text("You have N1,250.")
    await expect(telegram.button("Wallet")).to_have_count(0)
    await expect(telegram.theirs).to_have_count(1)
    await shop.bot("deleteMessage", message_id=message_id)
    await expect(telegram.theirs).to_have_count(0)


async def test_the_own_number_is_shared_after_a_question(telegram: Mobile, shop: Shop) -> None:
    ask = {"keyboard": [[{"text": "Share my number", "request_contact": True}]]}
    await shop.says("Which number is yours?", reply_markup=ask)

    await telegram.button("Share my number").click()
    await telegram.button("Share").click()

    contact = (await shop.heard(2))[1]["message"]["contact"]
    assert (contact["phone_number"], contact["user_id"]) == ("+2348031234567", USER)
    await shop.says("Thank you.", reply_markup={"remove_keyboard": True})
    await expect(telegram.button("Share my number")).to_have_count(0)


async def test_the_menu_holds_the_bots_commands(telegram: Mobile, shop: Shop) -> None:
    commands = [{"command": "balance", "description": "What is in your wallet"}]
    await shop.outside.http.post(f"{BOT}/setMyCommands", json={"commands": commands})

    await telegram.button("Menu").click()
    await telegram.button("/balance What is in your wallet").click()

    assert (await shop.heard(2))[1]["message"]["text"] == "/balance"


async def test_a_link_opens_a_page_of_its_own(telegram: Mobile, shop: Shop) -> None:
    key = [{"text": "Enter PIN", "url": f"{shop.url}/health"}]
    await shop.says("Pay N500?", reply_markup={"inline_keyboard": [key]})

    async with telegram.page.context.expect_page() as opening:
        await telegram.panel.get_by_role("link", name="Enter PIN").click()

    assert (await opening.value).url == f"{shop.url}/health"


async def test_a_picture_is_shown(telegram: Mobile, shop: Shop) -> None:
    await shop.outside.http.post(
        f"{BOT}/sendPhoto", data={"chat_id": USER}, files={"photo": ("r.png", receipt())}
    )

    shown = telegram.theirs.get_by_role("img")
    await expect(shown).to_be_visible()
    assert await shown.evaluate("image => image.decode().then(() => image.naturalWidth)") == 360


async def test_markup_in_words_is_only_words(telegram: Mobile, shop: Shop) -> None:
    await shop.says("&lt;img src=x onerror=alert(1)&gt; <b>a &amp; b</b>")

    await expect(telegram.theirs).to_contain_text("<img src=x onerror=alert(1)> a & b")
    await expect(telegram.theirs.locator("img")).to_have_count(0)


async def test_the_last_update_comes_again_to_the_byte(telegram: Mobile, shop: Shop) -> None:
    await telegram.says("hello")
    await shop.heard(2)

    await telegram.button("Repeat last update").click()

    await shop.heard(3)
    assert shop.hook.bodies[2] == shop.hook.bodies[1]
    await expect(telegram.desk.get_by_role("status")).to_contain_text("sent again")


async def test_an_update_that_is_late_is_passed_by_the_next(telegram: Mobile, shop: Shop) -> None:
    await telegram.button("Next one late").click()
    await telegram.says("first")
    await telegram.says("second")

    heard = await shop.heard(2)
    assert heard[1]["message"]["text"] == "second"
    waiting = (await shop.outside.http.get("/control/telegram/updates")).json()
    assert [each["state"] for each in waiting] == ["waiting"]


async def test_a_blocked_bot_reaches_nobody(telegram: Mobile, shop: Shop) -> None:
    await telegram.button("Block").click()

    await expect(telegram.button("Restart bot")).to_be_visible()
    reply = await shop.outside.http.post(f"{BOT}/sendMessage", json={"chat_id": USER, "text": "x"})
    assert reply.status_code == 403
    await telegram.button("Unblock").click()
    await expect(telegram.panel.get_by_label("Message")).to_be_visible()
    await shop.says("Welcome back")
    await expect(telegram.theirs).to_contain_text("Welcome back")


async def test_a_new_user_begins_with_nothing(telegram: Mobile, shop: Shop) -> None:
    await telegram.button("New user").click()
    await expect(telegram.mine).to_have_count(0)

    await telegram.button("Start").click()

    start = (await shop.heard(2))[1]["message"]
    assert start["from"]["id"] != USER


async def test_what_callbox_called_is_told(telegram: Mobile, shop: Shop) -> None:
    await shop.says()
    await shop.outside.http.post(f"{BOT}/sendMessage", json={"chat_id": USER, "text": ""})

    await telegram.desk.get_by_text("What Callbox sent").click()

    slips = telegram.desk.locator(".slip")
    await expect(slips).to_have_text([re.compile("sendMessage400"), re.compile("sendMessage200")])


async def test_the_chats_fit_a_narrow_screen(telegram: Mobile, shop: Shop) -> None:
    await shop.says(reply_markup={"inline_keyboard": KEYS})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (320, 390):
        await telegram.page.set_viewport_size({"width": width, "height": 844})
        for app in ("Telegram", "WhatsApp", "Feature phone"):
            await telegram.page.get_by_role("tab", name=app).click()
            assert await telegram.page.evaluate(wide) == 0


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_telegram_sits_for_its_portrait(
    telegram: Mobile, shop: Shop, scheme: str, width: int
) -> None:
    await dressed(telegram.page, scheme, width)
    commands = [{"command": "menu", "description": "Main menu"}]
    await shop.outside.http.post(f"{BOT}/setMyCommands", json={"commands": commands})
    await shop.says(reply_markup={"inline_keyboard": KEYS})
    await telegram.says("abeg send 500 mtn card to my mama")
    review = "You pay <b>N500</b> for MTN airtime on <code>0806 555 0000</code>."
    pay = [{"text": "Enter PIN", "url": f"{shop.url}/health"}]
    back = [{"text": "Back", "callback_data": "k.2:back"}, {"text": "Menu", "callback_data": "h"}]
    await shop.says(review, reply_markup={"inline_keyboard": [pay, back]})
    await expect(telegram.panel.get_by_role("link", name="Enter PIN")).to_be_visible()
    await telegram.desk.get_by_text("What Callbox sent").click()
    await expect(telegram.desk.locator(".slip").first).to_be_visible()

    await still(telegram.page, f"phone-telegram-{scheme}-{width}")
