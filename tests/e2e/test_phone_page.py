"""The phone page in a real browser, before a Callbox that answers from a script."""

import re
import socket
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from sandbox.phone.gateway import Gateway
from tests.fakes.browser import chromium, picture
from tests.fakes.handset import Handset
from tests.fakes.kiosk import AMOUNT, CODE, DEADLINE_S, DONE, MENU, PIN, Kiosk
from tests.fakes.serving import serve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def kiosk() -> AsyncIterator[Kiosk]:
    made = Kiosk()
    async with serve(made.callbox()) as callbox_url, serve(made.sandbox(callbox_url)) as url:
        made.url = url
        yield made


@pytest.fixture
async def page(browser: Browser, kiosk: Kiosk) -> AsyncIterator[Page]:
    """The page as a newcomer opens it; whatever it complains of in its console fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text))
    await opened.goto(kiosk.url)
    yield opened
    await context.close()
    assert complaints == []


async def test_a_purchase_goes_out_in_the_gateways_own_words(page: Page, kiosk: Kiosk) -> None:
    """Dialling, three answers and the end: each turn carries all that was typed before it."""
    phone = Handset(page)

    await phone.call()
    await phone.shows(MENU)
    await phone.reply("1")
    await phone.shows(AMOUNT)
    await phone.reply("500")
    await phone.shows(PIN)
    await phone.reply("4821")
    await phone.shows(DONE)

    assert [turn["text"] for turn in kiosk.turns] == ["", "1", "1*500", "1*500*4821"]
    first = kiosk.turns[0]
    assert {turn["sessionId"] for turn in kiosk.turns} == {first["sessionId"]}
    assert re.fullmatch("ATUid_[0-9a-f]{32}", first["sessionId"])
    assert first["phoneNumber"] == "+2348031234567"
    assert first["networkCode"] == "62130"
    assert first["serviceCode"] == CODE


async def test_the_end_of_a_session_is_told(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)

    await phone.call()
    await phone.shows(MENU)
    await phone.reply("2")
    await phone.shows("END Wallet: N1,250")

    notice = await kiosk.told()
    assert notice["status"] == "Success"
    assert notice["sessionId"] == kiosk.turns[0]["sessionId"]
    assert (notice["hopsCount"], notice["input"]) == ("2", "2")
    assert notice["lastAppResponse"] == "END Wallet: N1,250"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", notice["date"])
    await phone.button("OK").click()
    await expect(phone.entry).to_have_value(CODE)


async def test_a_deep_code_begins_with_its_answers(page: Page, kiosk: Kiosk) -> None:
    """Typing over the code that stands there dials the new one."""
    kiosk.answers["1*500"] = PIN
    phone = Handset(page)

    await phone.reply("*347*100*1*500#")
    await phone.shows(PIN)

    assert [turn["text"] for turn in kiosk.turns] == ["1*500"]


@pytest.mark.parametrize("dialled", ["*999#", "*347*100", "*347*1001#", "12345"])
async def test_another_code_reaches_nobody(page: Page, kiosk: Kiosk, dialled: str) -> None:
    phone = Handset(page)

    await phone.reply(dialled)

    await expect(phone.screen).to_have_text("Connection problem or invalid MMI code.")
    assert kiosk.turns == []


async def test_the_keyboard_does_what_the_keys_do(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)

    await page.keyboard.press("Enter")
    await phone.shows(MENU)
    await page.keyboard.type("19")
    await page.keyboard.press("Backspace")
    await expect(phone.entry).to_have_value("1")
    await page.keyboard.press("Enter")
    await phone.shows(AMOUNT)
    await page.keyboard.press("Escape")
    await expect(phone.entry).to_have_value(CODE)
    await page.keyboard.type("*347*100*2#")
    await page.keyboard.press("Enter")
    await phone.shows("END Wallet: N1,250")

    assert [turn["text"] for turn in kiosk.turns] == ["", "1", "2"]
    assert (await kiosk.told())["status"] == "Incomplete"


@pytest.mark.parametrize(
    ("text", "badge", "count", "over"),
    [
        pytest.param("a" * 160, "GSM-7", "160/160", "false", id="a full screen"),
        pytest.param("a" * 161, "GSM-7", "161/160", "true", id="one too many"),
        pytest.param("€5 {a}", "GSM-7", "9/160", "false", id="the extension table costs two"),
        pytest.param("Pay ₦500", "UCS-2", "8/70", "false", id="a naira sign"),
        pytest.param("₦" * 71, "UCS-2", "71/70", "true", id="too long for UCS-2"),
    ],
)
async def test_the_meter_counts_what_goes_over_the_air(
    page: Page, kiosk: Kiosk, text: str, badge: str, count: str, over: str
) -> None:
    kiosk.answers[""] = f"CON {text}"
    phone = Handset(page)

    await phone.call()
    await phone.shows(f"CON {text}")

    await expect(phone.badge).to_have_text(badge)
    await expect(phone.meter).to_have_text(count)
    await expect(phone.station.locator(".meter")).to_have_attribute("data-over", over)


async def test_a_repeat_sends_the_same_bytes(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)
    await phone.call()
    await phone.shows(MENU)
    await phone.reply("1")
    await phone.shows(AMOUNT)

    await phone.button("Repeat last request").click()

    await expect(phone.station.get_by_text("Same reply, byte for byte.")).to_be_visible()
    assert kiosk.bodies[1] == kiosk.bodies[2]
    assert len(kiosk.bodies) == 3


async def test_a_repeat_tells_when_the_reply_changed(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)
    await phone.call()
    await phone.shows(MENU)
    kiosk.answers[""] = MENU + " "

    await phone.button("Repeat last request").click()

    await expect(phone.station.get_by_text("The reply differs from the first.")).to_be_visible()


async def test_a_dropped_session_is_told_as_incomplete(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)
    await phone.call()
    await phone.shows(MENU)

    await phone.button("Time out").click()

    await expect(phone.screen).to_have_text("USSD session timed out.")
    assert (await kiosk.told())["status"] == "Incomplete"
    await expect(phone.button("Time out")).to_be_disabled()


async def test_a_reply_after_hanging_up_is_not_shown(page: Page, kiosk: Kiosk) -> None:
    kiosk.delay_s = 0.4
    phone = Handset(page)
    await phone.call()
    await phone.button("Hang up").click()

    await expect(page.get_by_text("200 text/plain")).to_be_visible()
    await expect(phone.screen).to_have_text("")
    await expect(phone.entry).to_have_value(CODE)


@pytest.mark.parametrize(
    ("status", "reply", "delay_s"),
    [
        pytest.param(200, "Hello", 0, id="neither CON nor END"),
        pytest.param(200, '"CON Hello"', 0, id="quoted as JSON"),
        pytest.param(200, " CON Hello", 0, id="a space before"),
        pytest.param(200, "", 0, id="empty"),
        pytest.param(503, "CON Hello", 0, id="a failing server"),
        pytest.param(200, "CON Hello", DEADLINE_S + 1, id="no answer in time"),
    ],
)
async def test_what_the_gateway_cannot_read_is_shown_as_a_failed_connection(
    page: Page, kiosk: Kiosk, status: int, reply: str, delay_s: float
) -> None:
    kiosk.answers[""], kiosk.status, kiosk.delay_s = reply, status, delay_s
    phone = Handset(page)

    await phone.call()

    await expect(phone.screen).to_have_text("Connection problem or invalid MMI code.")
    assert (await kiosk.told())["status"] == "Failed"


async def test_a_callbox_that_is_down_is_said_in_words() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    carried = await Gateway(f"http://127.0.0.1:{port}").carry("/ussd/africastalking/demo", b"text=")

    assert (carried.status, carried.error) == (None, "Callbox not reached: ConnectError.")


async def test_two_handsets_hold_two_sessions(page: Page, kiosk: Kiosk) -> None:
    """Each has its own number, session, screen and messages."""
    first, second = Handset(page), Handset(page, "Handset 2")
    await first.call()
    await first.shows(MENU)
    await second.call()
    await second.shows(MENU)
    await first.reply("1")
    await first.shows(AMOUNT)
    await second.shows(MENU)
    kiosk.text("+2348051234567", "For the second only.")

    await expect(second.station.get_by_label("1 unread")).to_be_visible()
    await expect(first.station.locator(".unread")).to_be_hidden()
    assert [turn["phoneNumber"] for turn in kiosk.turns] == [
        "+2348031234567",
        "+2348051234567",
        "+2348031234567",
    ]
    assert kiosk.turns[1]["networkCode"] == "62150"
    assert kiosk.turns[1]["sessionId"] != kiosk.turns[0]["sessionId"]


async def test_the_keyboard_follows_the_handset_in_hand(page: Page, kiosk: Kiosk) -> None:
    second = Handset(page, "Handset 2")
    await second.press("5")

    await page.keyboard.type("6")

    await expect(second.entry).to_have_value("56")
    await expect(Handset(page).entry).to_have_value(CODE)


async def test_another_sim_is_another_customer(page: Page, kiosk: Kiosk) -> None:
    kiosk.text("+2348020000001", "Welcome.")
    phone = Handset(page)

    await phone.station.get_by_label("SIM in handset 1").fill("0802 000 0001")
    await phone.station.get_by_label("SIM in handset 1").press("Enter")

    await expect(phone.station.get_by_label("1 unread")).to_be_visible()
    await phone.call()
    await phone.shows(MENU)
    assert kiosk.turns[0]["phoneNumber"] == "+2348020000001"
    assert kiosk.turns[0]["networkCode"] == "62120"


async def test_no_sim_no_call(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)

    await phone.station.get_by_label("SIM in handset 1").fill("0803")
    await phone.call()

    await expect(phone.screen).to_have_text("Insert SIM card.")
    assert kiosk.turns == []


async def test_a_payment_link_in_a_message_opens(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)
    kiosk.text("+2348031234567", f"Pay N500 here: {kiosk.url}/control/scenarios.")

    await phone.inbox.click()
    async with page.context.expect_page() as opening:
        await phone.station.get_by_role("link").click()

    assert (await opening.value).url == f"{kiosk.url}/control/scenarios"
    await expect(phone.station.locator(".unread")).to_be_hidden()


async def test_a_message_is_text_and_never_markup(page: Page, kiosk: Kiosk) -> None:
    words = '<img src=x onerror=alert(1)> <a href="javascript:alert(1)">x</a>'
    phone = Handset(page)
    kiosk.text("+2348031234567", words)

    await phone.inbox.click()

    await expect(phone.station.locator(".slip-text")).to_have_text(words)
    await expect(phone.station.locator(".slip img, .slip a")).to_have_count(0)


async def test_the_receipt_shows_the_wire_without_the_pin(page: Page, kiosk: Kiosk) -> None:
    phone = Handset(page)
    await phone.reply("*347*100*1*500#")
    await phone.shows(PIN)
    receipt = page.locator(".receipt")
    await expect(receipt).to_contain_text("phoneNumber=%2B2348031234567")
    await expect(receipt).to_contain_text("CON Enter your PIN to pay:")

    await phone.reply("4821")
    await phone.shows(DONE)

    await expect(receipt).to_contain_text("text=1*500*____")
    await expect(receipt).to_contain_text("status=Success")
    await expect(receipt).not_to_contain_text("4821")
    assert kiosk.turns[-1]["text"] == "1*500*4821"


async def test_a_bad_day_is_ordered_for_a_recipient(page: Page, kiosk: Kiosk) -> None:
    await page.get_by_text("Bad days").click()
    await page.get_by_label("Recipient").fill("08030000001")
    await page.get_by_label("Scenario").select_option(
        label="arrives_late: Delivered, but said so late."
    )
    await page.get_by_role("button", name="Set").click()

    await expect(page.get_by_text("vtpass will play arrives_late for 08030000001.")).to_be_visible()
    assert kiosk.scenarios == [
        {"provider": "vtpass", "scenario": "arrives_late", "recipient": "08030000001"}
    ]


async def test_a_narrow_screen_needs_no_sideways_scroll(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    phone = Handset(page)
    await phone.call()
    await phone.shows(MENU)

    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) == 0
    await picture(page, "phone-320")


async def test_the_page_lets_nothing_foreign_in(page: Page, kiosk: Kiosk) -> None:
    answer = await page.request.get(f"{kiosk.url}/phone")

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


async def test_a_body_too_long_for_a_gateway_goes_nowhere(page: Page, kiosk: Kiosk) -> None:
    answer = await page.request.post(f"{kiosk.url}/phone/turn", data=b"x" * 20_000)

    assert answer.status == 413
    assert kiosk.bodies == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_sits_for_its_portrait(page: Page, kiosk: Kiosk, scheme: str) -> None:
    """Both phones at work, a message read, the wire shown: kept as a picture to look at."""
    dark = scheme == "dark"
    await page.emulate_media(color_scheme="dark" if dark else "light")
    first, second = Handset(page), Handset(page, "Handset 2")
    kiosk.text("+2348051234567", "Your Callbox code is 4921. It works once, for 10 minutes.")
    kiosk.text("+2348051234567", f"Fund your wallet with N500: {kiosk.url}/paystack/pay/x7f2")
    kiosk.text("+2348031234567", "You got N500 airtime.")
    await second.inbox.click()
    await second.call()
    await second.shows(MENU)
    await first.call()
    await first.reply("1")
    await first.shows(AMOUNT)
    await first.button("Repeat last request").click()
    await expect(first.station.get_by_text("Same reply, byte for byte.")).to_be_visible()
    await first.press("500")

    await expect(first.station.locator(".envelope")).to_be_visible()
    assert (await picture(page, f"phone-{scheme}")).stat().st_size > 50_000
