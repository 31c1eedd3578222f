"""The phone page in a real browser, before a Callbox that answers from a script."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from sandbox.phone.routes import routes
from tests.fakes.browser import chromium
from tests.fakes.serving import serve

pytestmark = pytest.mark.browser

ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"
DEADLINE_S = 1.0
MENU = "CON Callbox\n1. Buy airtime\n2. My wallet\n3. Gift rooms\n4. My PIN\n5. Help"
AMOUNT = "CON How much for\n08031234567 (MTN)?\n1. N100\n2. N200\n3. N500\n0. Back 00. Main menu"
PIN = "CON Enter your PIN to pay:"
DONE = "END Done. N500 airtime is on 08031234567. Ref CB-7K2M. Thank you!"
ANSWERS = {"": MENU, "1": AMOUNT, "1*500": PIN, "1*500*4821": DONE, "2": "END Wallet: N1,250"}
CODE = "*347*100#"


class World:
    """Callbox and the sandbox's control routes, with what they were sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.notices: list[dict[str, str]] = []
        self.messages: list[dict[str, str]] = []
        self.scenarios: list[dict[str, str]] = []
        self.answers = dict(ANSWERS)
        self.delay_s = 0.0
        self.status = 200
        self.url = ""

    @property
    def turns(self) -> list[dict[str, str]]:
        return [dict(parse_qsl(body.decode(), keep_blank_values=True)) for body in self.bodies]

    def text(self, to: str, words: str) -> None:
        at = dt.datetime(2026, 11, 21, 9, 41, tzinfo=dt.UTC).isoformat()
        self.messages.append({"to": to, "from": "CALLBOX", "text": words, "at": at})

    async def turn(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        text = self.turns[-1]["text"]
        await asyncio.sleep(self.delay_s)
        return PlainTextResponse(self.answers.get(text, "END Wrong choice."), self.status)

    async def notice(self, request: Request) -> Response:
        self.notices.append(dict(parse_qsl((await request.body()).decode(), keep_blank_values=True)))
        return PlainTextResponse("OK")

    async def sms(self, request: Request) -> Response:
        return JSONResponse([m for m in self.messages if m["to"] == request.query_params["to"]])

    async def list_scenarios(self, _: Request) -> Response:
        return JSONResponse({"vtpass": {"arrives_late": "Delivered, but said so late."}})

    async def choose_scenario(self, request: Request) -> Response:
        self.scenarios.append(await request.json())
        return JSONResponse({})

    def callbox(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/ussd/africastalking/demo", self.turn, methods=["POST"]),
                Route("/ussd/africastalking/demo/events", self.notice, methods=["POST"]),
            ]
        )

    def sandbox(self, callbox_url: str) -> Starlette:
        control = [
            Route("/control/sms", self.sms),
            Route("/control/scenarios", self.list_scenarios),
            Route("/control/scenarios", self.choose_scenario, methods=["POST"]),
        ]
        return Starlette(routes=[*control, *routes(callbox_url, CODE, DEADLINE_S)])


class Phone:
    """One handset on the page, as a thumb and an eye meet it."""

    def __init__(self, page: Page, name: str = "Handset 1") -> None:
        self.page = page
        self.station = page.get_by_role("article", name=name)
        self.screen = self.station.locator(".screen")
        self.entry = self.station.locator(".entry input")
        self.meter = self.station.get_by_label("Length of this screen")
        self.badge = self.station.locator(".badge")

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


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    async with serve(made.callbox()) as callbox_url, serve(made.sandbox(callbox_url)) as url:
        made.url = url
        yield made


@pytest.fixture
async def page(browser: Browser, world: World) -> AsyncIterator[Page]:
    """The page as a newcomer opens it; whatever it complains of in its console fails the test."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    opened = await context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda line: complaints.append(line.text))
    await opened.goto(world.url)
    yield opened
    await context.close()
    assert complaints == []


async def test_a_purchase_goes_out_in_the_gateways_own_words(page: Page, world: World) -> None:
    """Dialling, three answers and the end: each turn carries all that was typed before it."""
    phone = Phone(page)

    await phone.call()
    await phone.shows(MENU)
    await phone.reply("1")
    await phone.shows(AMOUNT)
    await phone.reply("500")
    await phone.shows(PIN)
    await phone.reply("4821")
    await phone.shows(DONE)

    assert [turn["text"] for turn in world.turns] == ["", "1", "1*500", "1*500*4821"]
    first = world.turns[0]
    assert {turn["sessionId"] for turn in world.turns} == {first["sessionId"]}
    assert first["sessionId"].startswith("ATUid_")
    assert int(first["sessionId"].removeprefix("ATUid_"), 16) >= 0
    assert len(first["sessionId"]) == len("ATUid_") + 32
    assert first["phoneNumber"] == "+2348031234567"
    assert first["networkCode"] == "62130"
    assert first["serviceCode"] == CODE


async def test_the_end_of_a_session_is_told(page: Page, world: World) -> None:
    phone = Phone(page)

    await phone.call()
    await phone.shows(MENU)
    await phone.reply("2")
    await phone.shows("END Wallet: N1,250")
    await until(lambda: len(world.notices) == 1)

    notice = world.notices[0]
    assert notice["status"] == "Success"
    assert notice["sessionId"] == world.turns[0]["sessionId"]
    assert (notice["hopsCount"], notice["input"]) == ("2", "2")
    assert notice["lastAppResponse"] == "END Wallet: N1,250"
    assert dt.datetime.strptime(notice["date"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=dt.UTC)
    await phone.button("OK").click()
    await expect(phone.entry).to_have_value(CODE)


async def test_a_deep_code_begins_with_its_answers(page: Page, world: World) -> None:
    """Typing over the code that stands there dials the new one."""
    world.answers["1*500"] = PIN
    phone = Phone(page)

    await phone.reply("*347*100*1*500#")
    await phone.shows(PIN)

    assert [turn["text"] for turn in world.turns] == ["1*500"]


@pytest.mark.parametrize("dialled", ["*999#", "*347*100", "*347*1001#", "12345"])
async def test_another_code_reaches_nobody(page: Page, world: World, dialled: str) -> None:
    phone = Phone(page)

    await phone.reply(dialled)

    await expect(phone.screen).to_have_text("Connection problem or invalid MMI code.")
    assert world.turns == []


async def test_the_keyboard_does_what_the_keys_do(page: Page, world: World) -> None:
    phone = Phone(page)

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

    assert [turn["text"] for turn in world.turns] == ["", "1", "2"]
    assert [notice["status"] for notice in world.notices][0] == "Incomplete"


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
    page: Page, world: World, text: str, badge: str, count: str, over: str
) -> None:
    world.answers[""] = f"CON {text}"
    phone = Phone(page)

    await phone.call()
    await phone.shows(f"CON {text}")

    await expect(phone.badge).to_have_text(badge)
    await expect(phone.meter).to_have_text(count)
    await expect(phone.station.locator(".meter")).to_have_attribute("data-over", over)


async def test_a_repeat_sends_the_same_bytes(page: Page, world: World) -> None:
    phone = Phone(page)
    await phone.call()
    await phone.shows(MENU)
    await phone.reply("1")
    await phone.shows(AMOUNT)

    await phone.button("Repeat last request").click()

    await expect(phone.station.get_by_text("Same reply, byte for byte.")).to_be_visible()
    assert world.bodies[1] == world.bodies[2]
    assert len(world.bodies) == 3


async def test_a_repeat_tells_when_the_reply_changed(page: Page, world: World) -> None:
    phone = Phone(page)
    await phone.call()
    await phone.shows(MENU)
    world.answers[""] = MENU + " "

    await phone.button("Repeat last request").click()

    await expect(phone.station.get_by_text("The reply differs from the first.")).to_be_visible()


async def test_a_dropped_session_is_told_as_incomplete(page: Page, world: World) -> None:
    phone = Phone(page)
    await phone.call()
    await phone.shows(MENU)

    await phone.button("Time out").click()

    await expect(phone.screen).to_have_text("USSD session timed out.")
    await until(lambda: len(world.notices) == 1)
    assert world.notices[0]["status"] == "Incomplete"
    await expect(phone.button("Time out")).to_be_disabled()


async def test_a_reply_after_hanging_up_is_not_shown(page: Page, world: World) -> None:
    world.delay_s = 0.4
    phone = Phone(page)
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
    page: Page, world: World, status: int, reply: str, delay_s: float
) -> None:
    world.answers[""], world.status, world.delay_s = reply, status, delay_s
    phone = Phone(page)

    await phone.call()

    await expect(phone.screen).to_have_text("Connection problem or invalid MMI code.")
    await until(lambda: len(world.notices) == 1)
    assert world.notices[0]["status"] == "Failed"


async def test_two_handsets_hold_two_sessions(page: Page, world: World) -> None:
    """Each has its own number, session, screen and messages."""
    first, second = Phone(page), Phone(page, "Handset 2")
    await first.call()
    await first.shows(MENU)
    await second.call()
    await second.shows(MENU)
    await first.reply("1")
    await first.shows(AMOUNT)
    await second.shows(MENU)
    world.text("+2348051234567", "For the second only.")

    await expect(second.station.get_by_label("1 unread")).to_be_visible()
    await expect(first.station.locator(".unread")).to_be_hidden()
    assert [turn["phoneNumber"] for turn in world.turns] == [
        "+2348031234567",
        "+2348051234567",
        "+2348031234567",
    ]
    assert world.turns[1]["networkCode"] == "62150"
    assert world.turns[1]["sessionId"] != world.turns[0]["sessionId"]


async def test_the_keyboard_follows_the_handset_in_hand(page: Page, world: World) -> None:
    second = Phone(page, "Handset 2")
    await second.press("5")

    await page.keyboard.type("6")

    await expect(second.entry).to_have_value("56")
    await expect(Phone(page).entry).to_have_value(CODE)


async def test_another_sim_is_another_customer(page: Page, world: World) -> None:
    world.text("+2348020000001", "Welcome.")
    phone = Phone(page)

    await phone.station.get_by_label("SIM in handset 1").fill("0802 000 0001")
    await phone.station.get_by_label("SIM in handset 1").press("Enter")

    await expect(phone.station.get_by_label("1 unread")).to_be_visible()
    await phone.call()
    await phone.shows(MENU)
    assert world.turns[0]["phoneNumber"] == "+2348020000001"
    assert world.turns[0]["networkCode"] == "62120"


async def test_no_sim_no_call(page: Page, world: World) -> None:
    phone = Phone(page)

    await phone.station.get_by_label("SIM in handset 1").fill("0803")
    await phone.call()

    await expect(phone.screen).to_have_text("Insert SIM card.")
    assert world.turns == []


async def test_a_payment_link_in_a_message_opens(page: Page, world: World) -> None:
    phone = Phone(page)
    world.text("+2348031234567", f"Pay N500 here: {world.url}/control/scenarios.")

    await phone.station.get_by_text("Messages").click()
    async with page.context.expect_page() as opening:
        await phone.station.get_by_role("link").click()

    assert (await opening.value).url == f"{world.url}/control/scenarios"
    await expect(phone.station.locator(".unread")).to_be_hidden()


async def test_a_message_is_text_and_never_markup(page: Page, world: World) -> None:
    words = '<img src=x onerror=alert(1)> <a href="javascript:alert(1)">x</a>'
    phone = Phone(page)
    world.text("+2348031234567", words)

    await phone.station.get_by_text("Messages").click()

    await expect(phone.station.locator(".slip-text")).to_have_text(words)
    await expect(phone.station.locator(".slip img, .slip a")).to_have_count(0)


async def test_the_receipt_shows_the_wire_without_the_pin(page: Page, world: World) -> None:
    phone = Phone(page)
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
    assert world.turns[-1]["text"] == "1*500*4821"


async def test_a_bad_day_is_ordered_for_a_recipient(page: Page, world: World) -> None:
    await page.get_by_text("Bad days").click()
    await page.get_by_label("Recipient").fill("08030000001")
    await page.get_by_label("Scenario").select_option(label="arrives_late: Delivered, but said so late.")
    await page.get_by_role("button", name="Set").click()

    await expect(page.get_by_text("vtpass will play arrives_late for 08030000001.")).to_be_visible()
    assert world.scenarios == [
        {"provider": "vtpass", "scenario": "arrives_late", "recipient": "08030000001"}
    ]


async def test_a_narrow_screen_needs_no_sideways_scroll(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    phone = Phone(page)
    await phone.call()
    await phone.shows(MENU)

    wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert await page.evaluate(wide) == 0
    await picture(page, "phone-320")


async def test_the_page_lets_nothing_foreign_in(page: Page, world: World) -> None:
    answer = await page.request.get(f"{world.url}/phone")

    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy


async def test_a_body_too_long_for_a_gateway_goes_nowhere(page: Page, world: World) -> None:
    answer = await page.request.post(f"{world.url}/phone/turn", data=b"x" * 20_000)

    assert answer.status == 413
    assert world.bodies == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_it_sits_for_its_portrait(page: Page, world: World, scheme: str) -> None:
    """Both phones at work, a message read, the wire shown: kept as a picture to look at."""
    dark = scheme == "dark"
    await page.emulate_media(color_scheme="dark" if dark else "light")
    first, second = Phone(page), Phone(page, "Handset 2")
    world.text("+2348051234567", "Your Callbox code is 4921. It works once, for 10 minutes.")
    world.text("+2348051234567", f"Fund your wallet with N500: {world.url}/paystack/pay/x7f2")
    world.text("+2348031234567", "You got N500 airtime.")
    await second.station.get_by_text("Messages").click()
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


async def picture(page: Page, name: str) -> Path:
    ARTIFACTS.mkdir(exist_ok=True)
    path = ARTIFACTS / f"{name}.png"
    await page.screenshot(path=path, full_page=True)
    return path


async def until(holds: Callable[[], bool], timeout_s: float = 5) -> None:
    async with asyncio.timeout(timeout_s):
        while not holds():
            await asyncio.sleep(0.02)
