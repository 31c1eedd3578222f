"""The Bot API simulator, asked over sockets, also by the real aiogram and python-telegram-bot."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiogram import Bot as AiogramBot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramForbiddenError, TelegramRetryAfter
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup
from PIL import Image
from telegram.ext import Application, ContextTypes, MessageHandler, filters

from sandbox.telegram import CALLS, DOWN, UPDATES, Telegram
from tests.fakes.outside import Outside, Taker, outside, settled, taker

TOKEN = "110201543:SIM-telegram-token"
OPERATORS = "110201544:SIM-operators-token"
USER = 5001
KEYS = {"inline_keyboard": [[{"text": "Buy", "callback_data": "t:buy"}]]}


@pytest_asyncio.fixture(scope="module")
async def hook() -> AsyncIterator[Taker]:
    async with taker() as taking:
        yield taking


@pytest_asyncio.fixture(scope="module")
async def shared(hook: Taker) -> AsyncIterator[Outside]:
    callbox = hook.url.removesuffix("/hook")
    async with outside(callbox_url=callbox) as running:
        yield running


@pytest_asyncio.fixture
async def world(shared: Outside, hook: Taker) -> Outside:
    await shared.start_over()
    hook.bodies.clear()
    hook.headers.clear()
    hook.answers = ((200, {}),)
    return shared


async def call(world: Outside, method: str, token: str = TOKEN, **params: Any) -> httpx.Response:
    return await world.http.post(f"/telegram/bot{token}/{method}", json=params)


async def act(world: Outside, action: str, chat: int = USER, **body: Any) -> dict[str, Any]:
    reply = await world.http.post(f"/control/telegram/{chat}/{action}", json=body)
    assert reply.status_code == 200, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def phone(world: Outside, chat: int = USER) -> dict[str, Any]:
    shown: dict[str, Any] = (await world.http.get(f"/control/telegram/{chat}/messages")).json()
    return shown


async def sent(world: Outside, **params: Any) -> int:
    reply = await call(world, "sendMessage", **{"chat_id": USER, "text": "Hello", **params})
    assert reply.status_code == 200, reply.text
    return int(reply.json()["result"]["message_id"])


def updates(hook: Taker) -> list[dict[str, Any]]:
    return [httpx.Response(200, content=body).json() for body in hook.bodies]


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (30, 20)).save(file, "PNG")
    return file.getvalue()


# Who may call, and how.


async def test_a_call_may_come_in_any_form(world: Outside) -> None:
    await act(world, "start")
    params = {"chat_id": str(USER), "text": "Hello"}
    path = f"/telegram/bot{TOKEN}/sendMessage"

    replies = [
        await world.http.get(path, params=params),
        await world.http.post(path, data=params),
        await world.http.post(path, json=params),
        await world.http.post(path, data=params, files={"unused": b"x"}),
    ]

    assert [reply.status_code for reply in replies] == [200] * 4
    assert [message["text"] for message in (await phone(world))["messages"][1:]] == ["Hello"] * 4


async def test_a_wrong_token_is_401_and_an_unknown_method_404(world: Outside) -> None:
    assert (await call(world, "getMe", token="1:SIM-other")).status_code == 401
    assert (await call(world, "getMoney")).status_code == 404
    names = [(await call(world, "getMe", token=token)).json() for token in (TOKEN, OPERATORS)]
    assert [name["result"]["username"] for name in names] == [
        "callbox_demo_bot",
        "callbox_operators_bot",
    ]


async def test_the_calls_about_a_chat_are_listed_refusals_too(world: Outside) -> None:
    await act(world, "start")
    await sent(world)
    await call(world, "sendMessage", chat_id=USER, text="")

    calls = (await world.http.get(f"/control/telegram/{USER}/calls")).json()

    assert [(each["method"], each["status"]) for each in calls] == [
        ("sendMessage", 200),
        ("sendMessage", 400),
    ]


# Limits.


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"text": ""}, "message text is empty"),
        ({"text": " \n"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "😀" * 2049}, "message is too long"),
        ({"text": "<b>Hi", "parse_mode": "HTML"}, "Can't find end tag corresponding"),
        ({"text": "<b>Hi</i>", "parse_mode": "HTML"}, "Unmatched end tag at byte offset 5"),
        ({"text": "<x>Hi</x>", "parse_mode": "HTML"}, 'Unsupported start tag "x"'),
        ({"text": "Hi</b>", "parse_mode": "HTML"}, "Unexpected end tag"),
        ({"text": "Hi", "parse_mode": "Word"}, "unsupported parse_mode"),
        ({"reply_markup": "{"}, "can't parse reply keyboard"),
        ({"reply_markup": []}, "object expected as reply markup"),
        ({"chat_id": 77}, "chat not found"),
        ({"chat_id": ""}, "chat_id is empty"),
    ],
)
async def test_a_message_beyond_the_limits_is_400_in_their_words(
    world: Outside, params: dict[str, Any], words: str
) -> None:
    await act(world, "start")

    reply = await call(world, "sendMessage", **{"chat_id": USER, "text": "Hello", **params})

    told = reply.json()
    assert (reply.status_code, told["ok"], told["error_code"]) == (400, False, 400)
    assert told["description"].startswith("Bad Request: ")
    assert words in told["description"]
    assert len((await phone(world))["messages"]) == 1


@pytest.mark.parametrize(
    ("button", "words"),
    [
        ({"text": "", "callback_data": "k"}, "must be non-empty"),
        ({"text": "Buy"}, "Text buttons are unallowed"),
        ({"text": "Buy", "callback_data": ""}, "Text buttons are unallowed"),
        ({"text": "Buy", "callback_data": "x" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "Buy", "callback_data": "ọ" * 22}, "BUTTON_DATA_INVALID"),
        ({"text": "Pay", "url": "ftp://example.test"}, "Unsupported URL protocol"),
        ({"callback_data": "k"}, 'Can\'t find field "text"'),
    ],
)
async def test_a_button_beyond_the_limits_is_400(
    world: Outside, button: dict[str, str], words: str
) -> None:
    await act(world, "start")

    reply = await call(
        world, "sendMessage", chat_id=USER, text="Hi", reply_markup={"inline_keyboard": [[button]]}
    )

    assert reply.status_code == 400
    assert words in reply.json()["description"]


async def test_what_is_just_within_the_limits_is_taken(world: Outside) -> None:
    await act(world, "start")

    await sent(world, text="x" * 4096)
    await sent(world, text=f"<b>{'&amp;' * 4096}</b>", parse_mode="HTML")
    keys = [[{"text": "Buy", "callback_data": "x" * 64}]]
    await sent(world, reply_markup={"inline_keyboard": keys})

    newest = (await phone(world))["messages"]
    assert newest[2]["text"] == "&" * 4096
    assert newest[2]["entities"] == [{"type": "bold", "offset": 0, "length": 4096}]
    assert newest[3]["buttons"] == keys


async def test_a_caption_of_1025_is_too_long(world: Outside) -> None:
    await act(world, "start")
    path = f"/telegram/bot{TOKEN}/sendPhoto"

    replies = [
        await world.http.post(
            path,
            data={"chat_id": USER, "caption": "x" * length},
            files={"photo": ("r.png", picture(), "image/png")},
        )
        for length in (1024, 1025)
    ]

    assert [reply.status_code for reply in replies] == [200, 400]
    assert "caption is too long" in replies[1].json()["description"]


async def test_no_picture_is_no_photo(world: Outside) -> None:
    await act(world, "start")

    reply = await world.http.post(
        f"/telegram/bot{TOKEN}/sendPhoto", data={"chat_id": USER}, files={"photo": b"words"}
    )

    assert "IMAGE_PROCESS_FAILED" in reply.json()["description"]


# Editing and deleting.


async def test_an_edit_replaces_text_and_keyboard(world: Outside) -> None:
    await act(world, "start")
    number = await sent(world, reply_markup=KEYS)
    same: dict[str, Any] = {"chat_id": USER, "message_id": number, "text": "Hello"}

    unchanged = await call(world, "editMessageText", **same, reply_markup=KEYS)
    stripped = await call(world, "editMessageText", **same)
    missing = await call(world, "editMessageText", **{**same, "message_id": number + 99})

    assert "message is not modified" in unchanged.json()["description"]
    assert stripped.status_code == 200
    assert "message to edit not found" in missing.json()["description"]
    shown = (await phone(world))["messages"][-1]
    assert (shown["buttons"], shown["edited"]) == ([], True)


async def test_what_cannot_be_edited(world: Outside) -> None:
    started = await act(world, "start")
    asks = {"keyboard": [[{"text": "Share", "request_contact": True}]]}
    number = await sent(world, reply_markup=asks)

    replies = [
        await call(world, "editMessageText", chat_id=USER, message_id=which, text="New")
        for which in (started["message_id"], number)
    ]

    assert all("message can't be edited" in reply.json()["description"] for reply in replies)
    assert (await phone(world))["keyboard"] == asks["keyboard"]
    await sent(world, reply_markup={"remove_keyboard": True})
    assert (await phone(world))["keyboard"] is None


async def test_a_deleted_message_is_marked_and_gone_for_the_bot(world: Outside) -> None:
    said = await act(world, "say", text="1234")
    which = {"chat_id": USER, "message_id": said["message_id"]}

    first = await call(world, "deleteMessage", **which)
    second = await call(world, "deleteMessage", **which)

    assert first.json()["result"] is True
    assert "message to delete not found" in second.json()["description"]
    assert (await phone(world))["messages"][0]["deleted"] is True


async def test_a_message_of_two_days_stays(world: Outside) -> None:
    said = await act(world, "say", text="Hello")
    world.clock.advance(49 * 3600)

    reply = await call(world, "deleteMessage", chat_id=USER, message_id=said["message_id"])

    assert "can't be deleted" in reply.json()["description"]


# Presses.


async def test_a_press_comes_with_its_message_and_can_be_answered(
    world: Outside, hook: Taker
) -> None:
    await act(world, "start")
    number = await sent(world, reply_markup=KEYS)
    pressed = await act(world, "press", message_id=number, data="t:buy")
    await hook.got(2)

    query = updates(hook)[-1]["callback_query"]
    reply = await call(world, "answerCallbackQuery", callback_query_id=query["id"], text="Done")

    assert (query["data"], query["message"]["message_id"]) == ("t:buy", number)
    assert query["id"] == pressed["callback_query_id"]
    assert reply.json()["result"] is True
    assert [answer["text"] for answer in (await phone(world))["answers"]] == ["Done"]


async def test_a_late_or_long_answer_to_a_press_is_400(world: Outside) -> None:
    await act(world, "start")
    number = await sent(world, reply_markup=KEYS)
    query_id = (await act(world, "press", message_id=number, data="t:buy"))["callback_query_id"]

    long = await call(world, "answerCallbackQuery", callback_query_id=query_id, text="x" * 201)
    world.clock.advance(61)
    late = await call(world, "answerCallbackQuery", callback_query_id=query_id)

    assert "MESSAGE_TOO_LONG" in long.json()["description"]
    assert "query is too old" in late.json()["description"]


async def test_a_button_that_is_not_shown_is_pressed_only_anyway(world: Outside) -> None:
    await act(world, "start")
    number = await sent(world)
    press: dict[str, Any] = {"message_id": number, "data": "t:old"}

    refused = await world.http.post(f"/control/telegram/{USER}/press", json=press)

    assert refused.status_code == 409
    assert (await act(world, "press", **press, anyway=True))["update_ids"]


# Updates by webhook.


async def test_updates_are_posted_with_the_secret_and_rising_numbers(
    world: Outside, hook: Taker
) -> None:
    await act(world, "start", payload="invite", first_name="Ada", language_code="fr")
    await act(world, "say", text="Hello")
    await hook.got(2)

    first, second = updates(hook)
    assert first["update_id"] < second["update_id"]
    assert first["message"]["text"] == "/start invite"
    assert first["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 6}]
    assert first["message"]["from"]["first_name"] == "Ada"
    assert second["message"]["from"]["language_code"] == "fr"
    assert {each["x-telegram-bot-api-secret-token"] for each in hook.headers} == {
        "SIM-telegram-secret"
    }


async def test_a_contact_says_whose_it_is(world: Outside, hook: Taker) -> None:
    await act(world, "contact", phone_number="2348031234567")
    await act(world, "contact", phone_number="2348051234567", own=False)
    await act(world, "contact", phone_number="2348051234567", own=False, user_id_in_card=9)
    await act(world, "contact", forwarded=True)
    await hook.got(4)

    cards = [update["message"]["contact"] for update in updates(hook)]
    assert [card.get("user_id") for card in cards] == [USER, None, 9, USER]
    assert cards[3]["phone_number"] == "2348031234567"
    assert "forward_origin" in updates(hook)[3]["message"]


async def test_other_kinds_of_updates(world: Outside, hook: Taker) -> None:
    said = await act(world, "say", text="Helo")
    await act(world, "edit", message_id=said["message_id"], text="Hello")
    await act(world, "inline", query="gift")
    await act(world, "photo", caption="look")
    await act(world, "update", kind="something_new", content={"a": 1})
    await hook.got(5)

    kinds = [next(key for key in update if key != "update_id") for update in updates(hook)]
    assert sorted(kinds) == [
        "edited_message",
        "inline_query",
        "message",
        "message",
        "something_new",
    ]


async def test_a_blocked_bot_is_told_and_refused_until_started_again(
    world: Outside, hook: Taker
) -> None:
    await act(world, "start")
    await act(world, "block")
    refused = await call(world, "sendMessage", chat_id=USER, text="Hello")
    await act(world, "start")
    await hook.got(4)

    members = [each["my_chat_member"] for each in updates(hook) if "my_chat_member" in each]
    assert [each["new_chat_member"]["status"] for each in members] == ["kicked", "member"]
    assert (refused.status_code, refused.json()["description"]) == (
        403,
        "Forbidden: bot was blocked by the user",
    )
    assert await sent(world)


async def test_what_is_not_taken_comes_again_before_the_next_of_the_chat(
    world: Outside, hook: Taker
) -> None:
    hook.answers = ((500, {}), (503, {}), (200, {}))
    first = await act(world, "say", text="1")
    second = await act(world, "say", text="2")
    await hook.got(4)
    await settled()

    ids = [update["update_id"] for update in updates(hook)]
    assert ids == [*first["update_ids"] * 3, *second["update_ids"]]
    assert (await world.http.get("/control/telegram/updates")).json() == []


async def test_a_group_says_who_acts(world: Outside, hook: Taker) -> None:
    nobody = await world.http.post("/control/telegram/-100/say", json={"text": "Hi"})
    await act(world, "say", chat=-100, user_id=USER, text="Hi")
    await hook.got(1)

    assert nobody.status_code == 400
    message = updates(hook)[0]["message"]
    assert (message["chat"]["type"], message["from"]["id"]) == ("supergroup", USER)


@pytest.mark.parametrize(
    ("scenario", "texts"),
    [
        ("update_twice", ["1", "1", "2", "2"]),
        ("update_twice_at_once", ["1", "1", "2", "2"]),
    ],
)
async def test_updates_come_twice(
    world: Outside, hook: Taker, scenario: str, texts: list[str]
) -> None:
    await world.play("telegram", scenario, recipient=str(USER))
    await act(world, "say", text="1")
    await act(world, "say", text="2")
    await hook.got(4)

    told = updates(hook)
    assert sorted(update["message"]["text"] for update in told) == texts
    assert len({update["update_id"] for update in told}) == 2


async def test_updates_come_out_of_order(world: Outside, hook: Taker) -> None:
    await world.play("telegram", "update_out_of_order", next=1)
    await act(world, "say", text="1")
    await settled()
    assert hook.bodies == []
    await act(world, "say", text="2")
    await hook.got(2)

    assert [update["message"]["text"] for update in updates(hook)] == ["2", "1"]


async def test_an_update_comes_later_and_others_pass_it(world: Outside, hook: Taker) -> None:
    await world.play("telegram", "update_late", next=1, seconds=0.2)
    await act(world, "say", text="1")
    await act(world, "say", text="2")
    await hook.got(2)

    assert [update["message"]["text"] for update in updates(hook)] == ["2", "1"]


async def test_a_forged_update_comes_once_with_a_wrong_secret(world: Outside, hook: Taker) -> None:
    hook.answers = ((401, {}),)
    await world.play("telegram", "update_forged", next=1)
    await act(world, "say", text="1")
    await hook.got(1)
    await settled()

    assert len(hook.bodies) == 1
    assert hook.headers[0]["x-telegram-bot-api-secret-token"] == "SIM-wrong-secret"


async def test_a_held_update_waits_for_its_release(world: Outside, hook: Taker) -> None:
    await world.play("telegram", "update_held", next=1)
    await act(world, "say", text="1")
    await settled()

    assert hook.bodies == []
    waiting = (await world.http.get("/control/telegram/updates")).json()
    assert [(each["kind"], each["state"]) for each in waiting] == [("message", "held")]
    assert (await world.http.post("/control/telegram/release")).json() == {"released": 1}
    await hook.got(1)


@pytest.mark.parametrize(
    ("secret", "header"),
    [("right", "SIM-telegram-secret"), ("wrong", "SIM-wrong-secret"), ("none", None), ("x", "x")],
)
async def test_anything_can_be_delivered_raw(
    world: Outside, hook: Taker, secret: str, header: str | None
) -> None:
    order = {"raw": "{not json", "secret": secret}
    reply = await world.http.post("/control/telegram/updates", json=order)

    assert reply.json() == {"status": 200, "body": "{}"}
    assert hook.bodies == [b"{not json"]
    assert hook.headers[0].get("x-telegram-bot-api-secret-token") == header


async def test_a_whole_update_can_be_delivered(world: Outside, hook: Taker) -> None:
    update = {"update_id": 7, "poll": {"id": "1"}}

    reply = await world.http.post("/control/telegram/updates", json={"update": update})

    assert reply.json()["status"] == 200
    assert [json.loads(body) for body in hook.bodies] == [update]


async def test_the_webhook_can_be_moved_but_only_on_this_machine(
    world: Outside, hook: Taker
) -> None:
    away = await call(world, "setWebhook", url="https://example.com/hook")
    odd = await call(world, "setWebhook", url=hook.url, secret_token="no spaces")
    moved = await call(
        world, "setWebhook", url=hook.url, secret_token="mine", allowed_updates=["message"]
    )
    await act(world, "block")
    await act(world, "start")
    await hook.got(1)

    assert (away.status_code, odd.status_code, moved.status_code) == (400, 400, 200)
    info = (await call(world, "getWebhookInfo")).json()["result"]
    assert (info["url"], info["allowed_updates"]) == (hook.url, ["message"])
    assert hook.headers[0]["x-telegram-bot-api-secret-token"] == "mine"
    assert [update["message"]["text"] for update in updates(hook)] == ["/start"]


# Updates by asking.


async def test_get_updates_is_409_while_a_webhook_is_set(world: Outside) -> None:
    assert (await call(world, "getUpdates")).status_code == 409
    await call(world, "deleteWebhook")
    assert (await call(world, "getUpdates")).json() == {"ok": True, "result": []}


async def test_get_updates_waits_confirms_and_limits(world: Outside) -> None:
    await call(world, "deleteWebhook")
    poll = asyncio.create_task(call(world, "getUpdates", timeout=3))
    await asyncio.sleep(0.1)
    for text in ("1", "2", "3"):
        await act(world, "say", text=text)
    first = (await poll).json()["result"][0]

    two = (await call(world, "getUpdates", limit=2)).json()["result"]
    rest = (await call(world, "getUpdates", offset=two[-1]["update_id"] + 1)).json()["result"]
    again = (await call(world, "getUpdates", offset=-1)).json()["result"]

    assert first["message"]["text"] == "1"
    assert [update["message"]["text"] for update in two] == ["1", "2"]
    assert [update["message"]["text"] for update in rest] == ["3"]
    assert again == rest


async def test_of_two_polls_at_once_the_earlier_is_409(world: Outside) -> None:
    await call(world, "deleteWebhook")
    earlier = asyncio.create_task(call(world, "getUpdates", timeout=3))
    await asyncio.sleep(0.1)
    later = asyncio.create_task(call(world, "getUpdates", timeout=3))

    assert (await earlier).status_code == 409
    await act(world, "say", text="1")
    assert len((await later).json()["result"]) == 1


async def test_python_telegram_bot_polls_and_answers(world: Outside) -> None:
    base = str(world.http.base_url).rstrip("/")
    heard = asyncio.Event()

    async def answer(update: object, _: ContextTypes.DEFAULT_TYPE) -> None:
        await update.message.reply_text("Status: fine")  # type: ignore[attr-defined]  # an Update
        heard.set()

    builder = Application.builder().token(OPERATORS).job_queue(None)
    app = (
        builder.base_url(f"{base}/telegram/bot").base_file_url(f"{base}/telegram/file/bot").build()
    )
    app.add_handler(MessageHandler(filters.TEXT, answer))
    async with app:
        await app.start()
        assert app.updater is not None
        await app.updater.start_polling(timeout=1)
        await act(world, "say", bot="callbox_operators_bot", text="/status")
        async with asyncio.timeout(10):
            await heard.wait()
        await app.updater.stop()
        await app.stop()

    query = {"bot": "callbox_operators_bot"}
    shown = (await world.http.get(f"/control/telegram/{USER}/messages", params=query)).json()
    assert [message["text"] for message in shown["messages"]] == ["/status", "Status: fine"]


# aiogram, and faults.


@pytest_asyncio.fixture
async def aiogram(world: Outside) -> AsyncIterator[AiogramBot]:
    base = f"{world.http.base_url}".rstrip("/") + "/telegram"
    session = AiohttpSession(api=TelegramAPIServer.from_base(base))
    async with AiogramBot(TOKEN, session=session) as bot:
        yield bot


async def test_aiogram_sends_edits_and_uploads(world: Outside, aiogram: AiogramBot) -> None:
    await act(world, "start")
    button = InlineKeyboardButton(text="Buy", callback_data="t:buy")
    keys = InlineKeyboardMarkup(inline_keyboard=[[button]])

    message = await aiogram.send_message(USER, "<b>Menu</b>", parse_mode="HTML", reply_markup=keys)
    await aiogram.edit_message_text("Gone", chat_id=USER, message_id=message.message_id)
    photo = await aiogram.send_photo(USER, BufferedInputFile(picture(), "receipt.png"), caption="R")
    await aiogram.send_document(USER, BufferedInputFile(b"a,b", "list.csv"))
    await aiogram.send_chat_action(USER, "typing")

    assert message.entities
    assert photo.photo
    shown = await phone(world)
    assert [each["kind"] for each in shown["messages"]] == ["text", "text", "photo", "document"]
    assert shown["messages"][1]["text"] == "Gone"
    assert shown["typing"] == "typing"
    assert (await world.http.get(shown["messages"][2]["photo"]["url"])).content == picture()
    file = await aiogram.get_file(photo.photo[-1].file_id)
    fetched = await aiogram.download_file(file.file_path or "")
    assert fetched
    assert fetched.read() == picture()


async def test_aiogram_meets_429_and_403(world: Outside, aiogram: AiogramBot) -> None:
    await act(world, "start")
    await world.play("telegram", "flood", recipient=str(USER), next=1, seconds=7)
    with pytest.raises(TelegramRetryAfter) as flood:
        await aiogram.send_message(USER, "Hello")
    await world.play("telegram", "blocked", next=1)
    with pytest.raises(TelegramForbiddenError):
        await aiogram.send_message(USER, "Hello")

    assert flood.value.retry_after == 7
    await aiogram.send_message(USER, "Hello")
    assert len((await phone(world))["messages"]) == 2


@pytest.mark.parametrize(
    ("scenario", "status", "shown"),
    [("error_500", 500, 0), ("html_503", 503, 0), ("garbled", 200, 1), ("down", 502, 0)],
)
async def test_an_odd_answer(world: Outside, scenario: str, status: int, shown: int) -> None:
    await act(world, "start")
    await world.play("telegram", scenario, next=1)

    reply = await call(world, "sendMessage", chat_id=USER, text="Hello")

    assert reply.status_code == status
    assert len((await phone(world))["messages"]) == 1 + shown


@pytest.mark.parametrize(("scenario", "shown"), [("lost_before", 0), ("lost_after", 1)])
async def test_a_lost_answer(world: Outside, scenario: str, shown: int) -> None:
    await act(world, "start")
    await world.play("telegram", scenario, next=1)

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await call(world, "sendMessage", chat_id=USER, text="Hello")

    assert len((await phone(world))["messages"]) == 1 + shown


async def test_a_late_answer_has_sent_a_slow_one_sends_in_the_end(world: Outside) -> None:
    await act(world, "start")
    await world.play("telegram", "taken_late", next=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await call(world, "sendMessage", chat_id=USER, text="Hello")
    assert len((await phone(world))["messages"]) == 2
    await world.play("telegram", "slow", next=1, seconds=0.1)
    assert (await call(world, "sendMessage", chat_id=USER, text="Hello")).status_code == 200


async def test_real_limits_count_per_chat(world: Outside) -> None:
    await act(world, "start")
    await world.play("telegram", "real_limits")

    replies = [await call(world, "sendMessage", chat_id=USER, text="Hello") for _ in range(6)]
    world.clock.advance(1)
    after = await call(world, "sendMessage", chat_id=USER, text="Hello")

    assert [reply.status_code for reply in replies] == [200] * 5 + [429]
    assert replies[-1].json()["parameters"] == {"retry_after": 1}
    assert after.status_code == 200


async def test_commands_and_the_chat_are_told(world: Outside) -> None:
    await act(world, "start", first_name="Ada")
    commands = [{"command": "menu", "description": "The menu"}]
    wrong = [{"command": "not one", "description": "x"}]

    assert (await call(world, "setMyCommands", commands=commands)).json()["result"] is True
    assert (await call(world, "setMyCommands", commands=wrong)).status_code == 400
    assert (await call(world, "getMyCommands")).json()["result"] == commands
    assert (await phone(world))["commands"] == commands
    assert (await call(world, "getChat", chat_id=USER)).json()["result"]["first_name"] == "Ada"


async def test_an_inline_query_is_answered(world: Outside) -> None:
    asked = await act(world, "inline", query="gift")
    query_id = asked["inline_query_id"]

    taken = await call(world, "answerInlineQuery", inline_query_id=query_id, results=[])
    many = await call(world, "answerInlineQuery", inline_query_id=query_id, results=[{}] * 51)

    assert (taken.status_code, many.status_code) == (200, 400)


def article(name: str, text: str = "A gift for you", **more: object) -> dict[str, object]:
    content = {"message_text": text}
    return {
        "type": "article",
        "id": name,
        "title": "N500",
        "input_message_content": content,
        **more,
    }


@pytest.mark.parametrize(
    "results",
    [
        "nonsense",
        [article("")],
        [article("x" * 65)],
        [article("1"), article("1")],
        [article("1", title=" ")],
        [article("1", text="")],
        [article("1", text="x" * 4097)],
        [article("1", type="photo")],
        [article("1", reply_markup={"inline_keyboard": [[{"text": "Open"}]]})],
    ],
)
async def test_an_answer_that_the_real_one_would_not_take(world: Outside, results: object) -> None:
    query_id = (await act(world, "inline", query=""))["inline_query_id"]
    reply = await call(world, "answerInlineQuery", inline_query_id=query_id, results=results)
    assert reply.status_code == 400


@pytest.mark.parametrize("button", [{"text": ""}, {"text": "Give", "start_parameter": "a b"}])
async def test_a_button_above_the_answer_leads_somewhere(world: Outside, button: object) -> None:
    query_id = (await act(world, "inline", query=""))["inline_query_id"]
    reply = await call(
        world, "answerInlineQuery", inline_query_id=query_id, results=[], button=button
    )
    assert reply.status_code == 400


async def test_what_is_chosen_is_passed_on_in_the_persons_name(world: Outside, hook: Taker) -> None:
    asked = await act(world, "inline", query="23")
    keyboard = {"inline_keyboard": [[{"text": "Open it", "url": "https://t.me/x?start=gift"}]]}
    taken = await call(
        world,
        "answerInlineQuery",
        inline_query_id=asked["inline_query_id"],
        results=[article("a"), article("b", reply_markup=keyboard)],
        is_personal=True,
        cache_time=1,
    )
    assert taken.status_code == 200
    offered = (await phone(world))["offered"]
    assert [each["id"] for each in offered["results"]] == ["a", "b"]
    assert offered["is_personal"] is True

    await act(world, "choose", result_id="b", to=-7)

    await hook.got(2)
    chosen = updates(hook)[1]["chosen_inline_result"]
    assert (chosen["result_id"], chosen["query"], chosen["from"]["id"]) == ("b", "23", USER)
    group = (await world.http.get("/control/telegram/-7/messages")).json()
    [message] = group["messages"]
    assert (message["text"], message["buttons"]) == (
        "A gift for you",
        keyboard["inline_keyboard"],
    )


async def test_nothing_is_chosen_that_was_not_offered(world: Outside) -> None:
    await act(world, "inline", query="23")
    reply = await world.http.post(f"/control/telegram/{USER}/choose", json={"result_id": "a"})
    assert reply.status_code == 409


@pytest.mark.parametrize(
    ("path", "status"),
    [("x/say", 400), ("0/say", 400), ("5001/dance", 404), ("5001/say", 400), ("5001/edit", 409)],
)
async def test_a_control_call_that_makes_no_sense(world: Outside, path: str, status: int) -> None:
    body: dict[str, object] = {"message_id": 1, "text": "x"} if path.endswith("edit") else {}

    reply = await world.http.post(f"/control/telegram/{path}", json=body)

    assert reply.status_code == status
    assert reply.json()["error"]


async def test_a_reset_forgets_chats_and_restores_the_webhook(world: Outside, hook: Taker) -> None:
    before = await act(world, "start")
    await call(world, "deleteWebhook")
    await act(world, "say", text="waits")
    await hook.got(1)

    await world.start_over()

    assert (await phone(world))["messages"] == []
    assert (await world.http.get("/control/telegram/updates")).json() == []
    after = await act(world, "start")
    assert after["update_ids"][0] > before["update_ids"][0]
    await hook.got(2)


async def test_every_part_is_tested_here() -> None:
    played = {
        *("flood", "blocked", "error_500", "html_503", "lost_before", "lost_after", "taken_late"),
        *("slow", "garbled", "real_limits", "down", "ok", "update_twice", "update_twice_at_once"),
        *("update_out_of_order", "update_late", "update_forged", "update_held"),
    }
    assert set(Telegram.scenarios) == {"ok", *CALLS, *DOWN, *UPDATES} == played


@pytest.mark.parametrize(
    "params",
    [
        {"reply_parameters": "[1]"},
        {"entities": [1]},
        {"entities": "{"},
        {"message_id": "٣", "chat_id": "1e9"},
        {"text": {"a": 1}, "chat_id": [1]},
        {"reply_markup": {"inline_keyboard": [["x"]]}},
        {"reply_markup": {"inline_keyboard": "x"}},
        {"reply_markup": {"keyboard": [[{}]]}},
        {"reply_markup": {"inline_keyboard": [[{"text": "x", "url": "http://[x"}]]}},
    ],
)
async def test_odd_parameters_never_break_it(world: Outside, params: dict[str, Any]) -> None:
    await act(world, "start")

    reply = await call(world, "sendMessage", **{"chat_id": USER, "text": "Hello", **params})

    assert reply.status_code in {200, 400}
    assert isinstance(reply.json()["ok"], bool)
