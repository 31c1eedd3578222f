"""What becomes of each answer that the Bot API may give."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from structlog.testing import capture_logs

from bots.telegram.calls import Calls
from bots.telegram.messenger import TelegramMessenger
from core.app import TEXTS
from core.domain.chat import (
    Address,
    ChatMessage,
    Delivery,
    Doing,
    Later,
    Refused,
    Sent,
    Telling,
    Unreachable,
)
from core.domain.display import Screen
from core.kit.texts import Texts
from core.ports.chat import Moment
from core.providers import addresses
from core.providers.addresses import Reach
from core.providers.http import REPLY_BYTES_MAX
from tests.fakes.speaker import END, MENU
from tests.fakes.telegram_api import TOKEN, USER, SmallBotApi, refusal, small_bot_api, well
from tests.fakes.waiting import until

PICTURE = b"\x89PNG made up"
EXPIRED = Texts.load(TEXTS).get("en", "common.expired")


@dataclass
class Bot:
    api: SmallBotApi
    messenger: TelegramMessenger
    to: Address

    async def show(self, screen: Screen = MENU, **moment: Any) -> Delivery:
        return await self.messenger.show(self.to, screen, Moment(**moment))


@pytest.fixture(scope="module")
async def speaking() -> AsyncIterator[Bot]:
    async with small_bot_api() as api:
        messenger = TelegramMessenger(Texts.load(TEXTS))
        channel = api.channel()
        try:
            yield Bot(api, messenger, Address(channel.tenant_id, channel, str(USER)))
        finally:
            await messenger.aclose()


@pytest.fixture
async def bot(speaking: Bot) -> AsyncIterator[Bot]:
    yield speaking
    await asyncio.gather(*speaking.messenger._aside)
    speaking.api.asked.clear()
    speaking.api.answers.clear()


def tap(message_id: str = "50") -> ChatMessage:
    return ChatMessage(
        "update:1", str(USER), Doing.PRESS, key="buy", message_id=message_id, query_id="q1"
    )


def not_theirs(status: int) -> Later:
    """What becomes of an answer that comes from something before the Bot API, or is broken."""
    return Later(3, f"status {status}, and no answer of the Bot API")


DOES_NOT_TAKE = Refused("Telegram does not take it as it is")
NOT_KNOWN = Refused("the bot's token is not known to Telegram", stops=True)
ROWS = [
    (
        refusal(429, "Too Many Requests: retry after 17", retry_after=17),
        Later(17, "flood control", spares="channel"),
    ),
    (
        refusal(429, "Too Many Requests", retry_after=10**17),
        Later(3600, "flood control", spares="channel"),
    ),
    (refusal(429, "Too Many Requests"), Later(3, "flood control", spares="channel")),
    (refusal(403, "Forbidden: bot was blocked by the user"), Unreachable("blocked")),
    (refusal(403, "Forbidden: user is deactivated"), Unreachable("blocked")),
    (refusal(400, "Bad Request: chat not found"), Unreachable("chat not found")),
    (refusal(400, "Bad Request: PEER_ID_INVALID"), Unreachable("chat not found")),
    (refusal(400, "Bad Request: BUTTON_DATA_INVALID"), DOES_NOT_TAKE),
    (refusal(400, "Bad Request: message text is empty"), DOES_NOT_TAKE),
    (refusal(413, "Request Entity Too Large"), DOES_NOT_TAKE),
    (refusal(401, "Unauthorized"), NOT_KNOWN),
    (refusal(404, "Not Found"), NOT_KNOWN),
    (refusal(409, "Conflict"), Later(3, "status 409")),
    (refusal(500, "Internal Server Error"), Later(3, "status 500")),
    (refusal(502, "Bad Gateway: restart"), Later(3, "status 502")),
    (PlainTextResponse("<html>Bad Gateway</html>", 502), not_theirs(502)),
    (PlainTextResponse("<html>Not Found</html>", 404), not_theirs(404)),
    (well({"message_id": 1, "pad": "x" * REPLY_BYTES_MAX}), not_theirs(200)),
    (PlainTextResponse("", 200), not_theirs(200)),
    (PlainTextResponse(json.dumps({"ok": False}), 500), Later(3, "status 500")),
    (PlainTextResponse(json.dumps({"ok": False}), 403), Unreachable("blocked")),
    (PlainTextResponse(json.dumps({"ok": True, "result": {}}), 500), not_theirs(500)),
    (PlainTextResponse(b"\xff\xfe", 200), not_theirs(200)),
    (
        refusal(400, "Bad Request: upgraded", migrate_to_chat_id=-5),
        Refused("the group has another id now"),
    ),
]


async def test_what_was_taken_is_not_sent_again_for_want_of_its_name(bot: Bot) -> None:
    bot.api.next("sendMessage", well({"message_id": "x"}))
    assert await bot.show() == Sent()


@pytest.mark.parametrize("token", ["", "nonsense", "1:../../x", "1:a b", "x:1", f"{TOKEN}\n"])
async def test_a_token_that_is_none_goes_nowhere(bot: Bot, token: str) -> None:
    channel = replace(bot.to.channel, credentials={"token": token})
    to = replace(bot.to, channel=channel)
    assert await bot.messenger.show(to, MENU, Moment()) == NOT_KNOWN
    assert bot.api.asked == []


async def test_what_cannot_be_written_is_not_tried_again_and_again(bot: Bot) -> None:
    odd = await bot.messenger._calls.call(bot.to.channel, "sendMessage", text=object())
    assert odd == DOES_NOT_TAKE
    assert bot.api.asked == []


async def test_a_bot_api_that_hangs_keeps_nobody_from_another() -> None:
    """Whose addresses tenants name."""
    calls = Calls()
    async with small_bot_api() as api, small_bot_api() as hanging:
        hanging.hangs = True
        lost = hanging.channel()
        waiting = [
            asyncio.ensure_future(calls.call(lost, "sendChatAction", chat_id="1", action="typing"))
            for _ in range(300)
        ]
        try:
            await until(lambda: len(hanging.asked) >= 200)
            async with asyncio.timeout(5):
                sent = await calls.call(api.channel(), "sendMessage", chat_id="1", text="Hi")
            assert sent == Sent("77")
        finally:
            for each in waiting:
                each.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await calls.aclose()


@pytest.mark.parametrize(("answer", "delivery"), ROWS)
async def test_what_an_answer_means(bot: Bot, answer: Response, delivery: Delivery) -> None:
    bot.api.next("sendMessage", answer)
    assert await bot.show() == delivery


@pytest.mark.parametrize(("answer", "delivery"), ROWS)
async def test_it_means_the_same_when_a_message_is_changed(
    bot: Bot, answer: Response, delivery: Delivery
) -> None:
    bot.api.next("editMessageText", answer)
    assert await bot.show(END, answering=tap(), last_shown="50") == delivery
    assert "sendMessage" not in bot.api.methods


async def test_a_message_that_is_changed_already_is_shown(bot: Bot) -> None:
    bot.api.next("editMessageText", refusal(400, "Bad Request: message is not modified: exactly"))
    assert await bot.show(END, answering=tap(), last_shown="50") == Sent("50")
    assert "sendMessage" not in bot.api.methods


@pytest.mark.parametrize(
    "words",
    [
        "message to edit not found",
        "message can't be edited",
        "MESSAGE_ID_INVALID",
        "there is no text in the message to edit",
    ],
)
async def test_what_can_be_changed_no_more_is_sent_anew(bot: Bot, words: str) -> None:
    bot.api.next("editMessageText", refusal(400, f"Bad Request: {words}"))
    assert await bot.show(END, answering=tap(), last_shown="50") == Sent("77")
    assert bot.api.of("sendMessage")[0]["text"] == END.page_text


async def test_a_tap_on_an_older_message_is_answered_below(bot: Bot) -> None:
    """Neither that one nor the last one has anything left to tap."""
    assert await bot.show(END, answering=tap("40"), last_shown="50") == Sent("77")
    await until(lambda: len(bot.api.of("editMessageReplyMarkup")) == 2)
    stripped = bot.api.of("editMessageReplyMarkup")
    assert sorted(each["message_id"] for each in stripped) == [40, 50]
    assert all("reply_markup" not in each for each in stripped)
    assert "editMessageText" not in bot.api.methods


async def test_an_expired_menu_is_told_in_the_answer_to_the_tap(bot: Bot) -> None:
    await bot.show(replace(MENU, notice=EXPIRED), answering=tap("40"), last_shown="50")
    await bot.show(replace(MENU, notice="N500 or more."), answering=tap(), last_shown="50")
    await until(lambda: len(bot.api.of("answerCallbackQuery")) == 2)
    assert [each.get("text") for each in bot.api.of("answerCallbackQuery")] == [EXPIRED, None]


async def test_a_tap_whose_answer_comes_too_late_is_no_failure(bot: Bot) -> None:
    late = refusal(400, "Bad Request: query is too old and response timeout expired")
    bot.api.next("answerCallbackQuery", late, late)
    await bot.messenger.received(bot.to.channel, tap())
    assert await bot.show(END, answering=tap(), last_shown="50") == Sent("50")


async def test_a_turn_that_takes_a_while_is_seen_to_be_at_work(bot: Bot) -> None:
    await bot.messenger.received(bot.to.channel, tap())
    assert bot.api.methods == ["answerCallbackQuery", "sendChatAction"]
    assert bot.api.of("sendChatAction") == [{"chat_id": str(USER), "action": "typing"}]


async def test_no_word_is_markup_and_no_link_is_unfolded(bot: Bot) -> None:
    await bot.show(replace(MENU, page_text="<b>*_[x](http://x.example)"))
    [sent] = bot.api.of("sendMessage")
    assert sent["text"] == "<b>*_[x](http://x.example)"
    assert "parse_mode" not in sent
    assert sent["link_preview_options"] == {"is_disabled": True}


# Pictures.


async def test_a_receipt_is_a_picture_with_the_words_and_buttons_below(bot: Bot) -> None:
    shown = await bot.show(END, answering=tap(), last_shown="50", picture=PICTURE)
    assert shown == Sent("77")
    [sent] = bot.api.of("sendPhoto")
    assert sent["caption"] == END.page_text
    assert PICTURE in sent.values()
    assert "Main menu" in sent["reply_markup"]
    assert "sendMessage" not in bot.api.methods
    await until(lambda: bot.api.of("editMessageReplyMarkup"))


async def test_words_too_long_for_a_picture_come_after_it(bot: Bot) -> None:
    await bot.show(replace(END, page_text="x" * 1025), picture=PICTURE)
    assert bot.api.methods == ["sendPhoto", "sendMessage"]
    assert "caption" not in bot.api.of("sendPhoto")[0]


@pytest.mark.parametrize("words", ["short", "x" * 1025])
async def test_a_picture_that_is_refused_leaves_the_words(bot: Bot, words: str) -> None:
    bot.api.next("sendPhoto", refusal(400, "Bad Request: IMAGE_PROCESS_FAILED"))
    told = await bot.messenger.tell(bot.to, Telling("k", words, picture=PICTURE))
    assert told == Sent("77")
    assert [each["text"] for each in bot.api.of("sendMessage")] == [words]


@pytest.mark.parametrize(
    ("answer", "delivery"),
    [
        (refusal(403, "Forbidden: bot was blocked by the user"), Unreachable("blocked")),
        (
            refusal(429, "Too Many Requests", retry_after=9),
            Later(9, "flood control", spares="channel"),
        ),
        (refusal(401, "Unauthorized"), NOT_KNOWN),
    ],
)
async def test_a_picture_that_nobody_takes_is_no_message(
    bot: Bot, answer: Response, delivery: Delivery
) -> None:
    bot.api.next("sendPhoto", answer)
    assert await bot.show(END, picture=PICTURE) == delivery
    assert "sendMessage" not in bot.api.methods


# The keyboard that shares a number.

ASKING = replace(MENU, offered=(), last=0, input="contact")
TYPED = ChatMessage("update:2", str(USER), Doing.TEXT, text="08031234567", message_id="60")


async def test_the_keyboard_for_a_number_goes_with_the_next_words(bot: Bot) -> None:
    asked = await bot.show(ASKING)
    assert isinstance(asked, Sent)
    plain = replace(END, nav=MENU.nav)
    shown = await bot.show(plain, answering=TYPED, last_shown=asked.message_id)
    assert shown == Sent("77")
    keyboard, gone = (each["reply_markup"] for each in bot.api.of("sendMessage"))
    assert keyboard["keyboard"][0][0]["request_contact"] is True
    assert gone == {"remove_keyboard": True}
    assert "editMessageReplyMarkup" not in bot.api.methods


async def test_where_the_next_words_have_buttons_another_message_takes_it_away(bot: Bot) -> None:
    asked = await bot.show(ASKING)
    assert isinstance(asked, Sent)
    await bot.show(MENU, answering=TYPED, last_shown=asked.message_id)
    await until(lambda: bot.api.of("deleteMessage"))
    _, screen, taking = (each["reply_markup"] for each in bot.api.of("sendMessage"))
    assert "inline_keyboard" in screen
    assert taking == {"remove_keyboard": True}
    assert bot.api.of("deleteMessage") == [{"chat_id": str(USER), "message_id": 77}]


async def test_asked_again_it_stays(bot: Bot) -> None:
    asked = await bot.show(ASKING)
    assert isinstance(asked, Sent)
    assert await bot.show(ASKING, answering=TYPED, last_shown=asked.message_id) == asked
    assert bot.api.methods == ["sendMessage", "sendMessage"]


# What is never told, and where nobody goes.


async def test_a_typed_secret_without_a_name_cannot_be_deleted(bot: Bot) -> None:
    assert not await bot.messenger.unsay(bot.to.channel, replace(TYPED, message_id=""))
    assert await bot.messenger.unsay(bot.to.channel, TYPED)


async def test_no_token_and_no_word_is_in_a_log(bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    secret = replace(MENU, page_text="balance N777")
    away = replace(
        bot.to, channel=replace(bot.to.channel, settings={"api_base_url": "http://127.0.0.1:9"})
    )
    broken = replace(bot.to.channel, settings={"api_base_url": "http://[::1"})
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        for answer, _ in ROWS:
            bot.api.next("sendMessage", answer)
            delivery = await bot.show(secret)
            assert TOKEN not in repr(delivery)
        assert isinstance(await bot.messenger.show(away, secret, Moment()), Later)
        away = replace(bot.to, channel=broken)
        assert not isinstance(await bot.messenger.show(away, secret, Moment()), Sent)
    assert logs
    ours = [each for each in caplog.records if not each.name.startswith("uvicorn")]
    for told in (TOKEN, TOKEN.partition(":")[2], "N777"):
        assert told not in str(logs)
        assert not any(told in record.getMessage() for record in ours)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(bot: Bot, status: int) -> None:
    """Or a tenant who names the address could have us call what only we can reach."""
    elsewhere = f"{bot.api.url}/bot{TOKEN}/getMe"
    bot.api.next("sendMessage", RedirectResponse(elsewhere, status))
    assert await bot.show() == not_theirs(status)
    assert bot.api.methods == ["sendMessage"]


async def test_it_goes_no_further_than_it_was_made_to() -> None:
    async with small_bot_api() as api:
        with addresses.reaching(Reach.PUBLIC):
            messenger = TelegramMessenger(Texts.load(TEXTS))
        named = api.url.replace("127.0.0.1", "localhost")
        channel = api.channel(settings={"api_base_url": named})
        to = Address(channel.tenant_id, channel, str(USER))
        try:
            assert isinstance(await messenger.show(to, MENU, Moment()), Later)
        finally:
            await messenger.aclose()
    assert api.methods == []


async def test_what_was_begun_beside_a_message_ends_with_the_process() -> None:
    async with small_bot_api() as api:
        messenger = TelegramMessenger(Texts.load(TEXTS))
        channel = api.channel()
        to = Address(channel.tenant_id, channel, str(USER))
        await messenger.show(to, END, Moment(answering=tap("40"), last_shown="50"))
        await messenger.aclose()
    assert {"answerCallbackQuery", "editMessageReplyMarkup"} <= set(api.methods)
