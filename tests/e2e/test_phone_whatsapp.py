"""WhatsApp on the phone page, in a real browser before the real simulator."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.fakes.browser import chromium
from tests.fakes.mobile import (
    BEARER,
    GRAPH,
    LOOKS,
    NUMBER,
    Mobile,
    Shop,
    dressed,
    open_page,
    open_shop,
    receipt,
    still,
)

pytestmark = pytest.mark.browser


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
async def whatsapp(page: Page, shop: Shop) -> Mobile:
    """Somebody who has said hello."""
    phone = Mobile(page, "WhatsApp")
    await phone.open()
    await phone.says("Hello")
    await shop.heard()
    return phone


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
    unseen = {"messaging_product": "whatsapp", "to": NUMBER, "text": {"body": "unseen"}}
    reply = await shop.outside.http.post(f"{GRAPH}/messages", json=unseen, headers=BEARER)
    assert reply.json()["error"]["code"] == 131026
    await whatsapp.button("Unblock").click()
    await expect(whatsapp.button("Block")).to_be_visible()

    await shop.graph("text", {"body": "seen"})

    await expect(whatsapp.theirs).to_have_count(1)
    await expect(whatsapp.theirs).to_contain_text("seen")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
async def test_whatsapp_sits_for_its_portrait(
    whatsapp: Mobile, shop: Shop, scheme: str, width: int
) -> None:
    await dressed(whatsapp.page, scheme, width)
    await shop.interactive("list", "*Good morning, Ada!*\nCallbox. Choose one:", menu())
    await whatsapp.says("recharge me 500")
    parameters = {"display_text": "Enter PIN", "url": f"{shop.url}/health"}
    await shop.interactive(
        "cta_url",
        "You pay *N500* for MTN airtime on 0803 123 4567.",
        {"name": "cta_url", "parameters": parameters},
    )
    await expect(whatsapp.panel.get_by_role("link", name="Enter PIN")).to_be_visible()
    await still(whatsapp.page, f"phone-whatsapp-{scheme}-{width}")

    await whatsapp.button("Choose").click()
    await still(whatsapp.page, f"phone-whatsapp-list-{scheme}-{width}")


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
