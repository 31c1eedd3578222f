"""Telegram and WhatsApp on the phone page, in a real browser before the real simulators."""

import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from PIL import Image, ImageDraw
from playwright.async_api import Browser, Locator, Page, expect

from tests.fakes.browser import chromium, picture
from tests.fakes.outside import Outside, Taker, outside, taker

pytestmark = pytest.mark.browser

BOT = "/telegram/bot110201543:SIM-telegram-token"
GRAPH = "/whatsapp/v26.0/100000000000001"
BEARER = {"authorization": "Bearer SIM-whatsapp-token"}
USER = 5001001
NUMBER = "2348031234567"
MENU = "<b>Good morning, Ada!</b>\nCallbox. What can we do for you?"
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


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    async with taker() as hook:
        callbox_url = hook.url.removesuffix("/hook")
        async with outside(callbox_url=callbox_url) as running:
            yield Shop(running, hook)


@pytest.fixture
async def page(browser: Browser, shop: Shop) -> AsyncIterator[Page]:
    """Whatever the page complains of in its console fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text))
    await opened.goto(f"{shop.url}/phone")
    yield opened
    await context.close()
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


@pytest.fixture
async def telegram(page: Page, shop: Shop) -> Mobile:
    """Somebody who has just started the bot."""
    phone = Mobile(page, "Telegram")
    await phone.open()
    await phone.button("Start").click()
    await expect(phone.mine).to_contain_text("/start")
    await shop.heard()
    return phone


@pytest.fixture
async def whatsapp(page: Page, shop: Shop) -> Mobile:
    """Somebody who has said hello."""
    phone = Mobile(page, "WhatsApp")
    await phone.open()
    await phone.says("Hello")
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
    assert (contact["phone_number"], contact["user_id"]) == ("08031234567", USER)
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


# WhatsApp.


async def test_words_arrive_signed(whatsapp: Mobile, shop: Shop) -> None:
    [body] = await shop.heard()
    value = body["entry"][0]["changes"][0]["value"]
    assert value["messages"][0]["text"]["body"] == "Hello"
    assert value["messages"][0]["from"] == NUMBER
    assert value["contacts"][0]["profile"]["name"] == "Ada Obi"
    assert shop.hook.headers[0]["x-hub-signature-256"].startswith("sha256=")


async def test_a_reply_button_is_pressed(whatsapp: Mobile, shop: Shop) -> None:
    buttons = [
        {"type": "reply", "reply": {"id": f"t.1:{key}", "title": title}}
        for key, title in (("pay", "Pay N500"), ("cancel", "Cancel"))
    ]
    await shop.interactive("button", "You pay *N500* for MTN.", {"buttons": buttons})
    await expect(whatsapp.theirs.locator("b")).to_have_text("N500")

    await whatsapp.button("Pay N500").click()

    reply = await pressed(shop)
    assert reply == {"type": "button_reply", "button_reply": {"id": "t.1:pay", "title": "Pay N500"}}
    await expect(whatsapp.mine.last).to_contain_text("Pay N500")


async def test_a_row_of_a_list_is_chosen_and_sent(whatsapp: Mobile, shop: Shop) -> None:
    await shop.interactive("list", "Callbox", menu())

    await whatsapp.button("Choose").click()
    await expect(whatsapp.button("Send").first).to_be_disabled()
    await whatsapp.panel.get_by_text("My wallet").click()
    await whatsapp.button("Send").first.click()

    assert (await pressed(shop))["list_reply"]["id"] == "t.1:wallet"
    await expect(whatsapp.panel.locator(".sheet")).to_be_hidden()


async def test_a_link_and_a_picture(whatsapp: Mobile, shop: Shop) -> None:
    url = f"{shop.url}/health"
    parameters = {"display_text": "Enter PIN", "url": url}
    await shop.interactive("cta_url", "Pay?", {"name": "cta_url", "parameters": parameters})
    form = {"messaging_product": "whatsapp", "type": "image/png"}
    files = {"file": ("r.png", receipt(), "image/png")}
    media = await shop.outside.http.post(f"{GRAPH}/media", data=form, files=files, headers=BEARER)
    await shop.graph("image", {"id": media.json()["id"], "caption": "Your receipt"})

    await expect(whatsapp.theirs.get_by_role("img")).to_be_visible()
    async with whatsapp.page.context.expect_page() as opening:
        await whatsapp.panel.get_by_role("link", name="Enter PIN").click()
    assert (await opening.value).url == url


async def test_a_username_shows_no_number_until_it_is_shared(whatsapp: Mobile, shop: Shop) -> None:
    who = whatsapp.panel.get_by_label("Number, or @username")
    await who.fill("@bola")
    await who.press("Enter")
    await whatsapp.says("Good day")

    value = (await shop.heard(2))[-1]["entry"][0]["changes"][0]["value"]
    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"].startswith("NG.")


async def test_whatsapps_last_webhook_comes_again_or_late(whatsapp: Mobile, shop: Shop) -> None:
    await whatsapp.button("Repeat last update").click()
    await shop.heard(2)
    assert shop.hook.bodies[1] == shop.hook.bodies[0]

    await whatsapp.button("Next one late").click()
    await whatsapp.says("first")
    await whatsapp.says("second")
    told = (await shop.heard(3))[2]["entry"][0]["changes"][0]["value"]["messages"]
    assert told[0]["text"]["body"] == "second"


async def test_who_blocks_the_business_reads_nothing(whatsapp: Mobile, shop: Shop) -> None:
    await whatsapp.button("Block").click()
    await expect(whatsapp.button("Unblock")).to_be_visible()
    unseen = {"messaging_product": "whatsapp", "to": NUMBER, "type": "text"}
    unseen = {**unseen, "text": {"body": "unseen"}}
    reply = await shop.outside.http.post(f"{GRAPH}/messages", json=unseen, headers=BEARER)
    assert reply.json()["error"]["code"] == 131026
    await whatsapp.button("Unblock").click()
    await expect(whatsapp.button("Block")).to_be_visible()

    await shop.graph("text", {"body": "seen"})

    await expect(whatsapp.theirs).to_have_count(1)
    await expect(whatsapp.theirs).to_contain_text("seen")


async def test_the_chats_fit_a_narrow_screen(telegram: Mobile, shop: Shop) -> None:
    await shop.says(reply_markup={"inline_keyboard": KEYS})
    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    for width in (320, 390):
        await telegram.page.set_viewport_size({"width": width, "height": 844})
        for app in ("Telegram", "WhatsApp", "Feature phone"):
            await telegram.page.get_by_role("tab", name=app).click()
            assert await telegram.page.evaluate(wide) == 0


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_telegram_sits_for_its_portrait(
    telegram: Mobile, shop: Shop, scheme: str, width: int
) -> None:
    await _dressed(telegram.page, scheme, width)
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

    await _still(telegram.page, f"phone-telegram-{scheme}-{width}")


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
async def test_whatsapp_sits_for_its_portrait(
    whatsapp: Mobile, shop: Shop, scheme: str, width: int
) -> None:
    await _dressed(whatsapp.page, scheme, width)
    await shop.interactive("list", "*Good morning, Ada!*\nCallbox. Choose one:", menu())
    await whatsapp.says("recharge me 500")
    parameters = {"display_text": "Enter PIN", "url": f"{shop.url}/health"}
    await shop.interactive(
        "cta_url",
        "You pay *N500* for MTN airtime on 0803 123 4567.",
        {"name": "cta_url", "parameters": parameters},
    )
    await expect(whatsapp.panel.get_by_role("link", name="Enter PIN")).to_be_visible()
    await _still(whatsapp.page, f"phone-whatsapp-{scheme}-{width}")

    await whatsapp.button("Choose").click()
    await _still(whatsapp.page, f"phone-whatsapp-list-{scheme}-{width}")


async def _dressed(page: Page, scheme: str, width: int) -> None:
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.set_viewport_size({"width": width, "height": 900})


async def _still(page: Page, name: str) -> None:
    await page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    assert (await picture(page, name)).stat().st_size > 30_000


async def pressed(shop: Shop) -> dict[str, Any]:
    """The press among what Callbox is told: what was read meanwhile is told too."""
    count = 2
    while True:
        for body in await shop.heard(count):
            value = body["entry"][0]["changes"][0]["value"]
            for message in value.get("messages", ()):
                if message["type"] == "interactive":
                    found: dict[str, Any] = message["interactive"]
                    return found
        count += 1


def menu() -> dict[str, Any]:
    rows = [
        ("airtime", "Buy airtime", "Any network, delivered once"),
        ("wallet", "My wallet", "Balance, top up, withdraw"),
        ("pin", "My PIN", ""),
        ("help", "Help", ""),
    ]
    return {
        "button": "Choose",
        "sections": [
            {
                "rows": [
                    {"id": f"t.1:{key}", "title": title, **({"description": hint} if hint else {})}
                    for key, title, hint in rows
                ]
            }
        ],
    }


def receipt() -> bytes:
    drawn = Image.new("RGB", (360, 240), "#fffdf6")
    ImageDraw.Draw(drawn).text((20, 20), "N500 MTN\n0803 123 4567\nRef CB-7K2M", fill="black")
    file = io.BytesIO()
    drawn.save(file, "PNG")
    return file.getvalue()
