"""The Bot API as its simulator speaks it, through our messenger: screens, and each refusal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

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
from core.domain.turns import Channel
from core.kit import ids
from core.kit.texts import Texts
from core.ports.chat import Moment
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.fakes.serving import serve
from tests.fakes.speaker import END, MENU

USER = 4242
TOKEN = "110201543:SIM-telegram-token"
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f64540"
    "0000000049454e44ae426082"
)


@dataclass
class Chat:
    """One person's chat with the bot, and the messenger that speaks there."""

    control: httpx.AsyncClient
    messenger: TelegramMessenger
    to: Address

    async def do(self, deed: str, **body: object) -> Any:
        reply = await self.control.post(f"/control/telegram/{USER}/{deed}", json=body)
        assert reply.status_code == httpx.codes.OK, reply.text
        return reply.json()

    async def shown(self) -> list[dict[str, Any]]:
        found = (await self.control.get(f"/control/telegram/{USER}/messages")).json()
        return [each for each in found["messages"] if each["from"] == "bot"]

    async def answers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            await self.control.get(f"/control/telegram/{USER}/messages")
        ).json()["answers"]
        return found

    async def play(self, scenario: str, **more: object) -> None:
        body = {"provider": "telegram", "scenario": scenario, "recipient": str(USER), **more}
        (await self.control.post("/control/scenarios", json=body)).raise_for_status()

    async def sends(self) -> Delivery:
        return await self.messenger.show(self.to, MENU, Moment())


@pytest.fixture
async def chat() -> AsyncIterator[Chat]:
    async with _chat(TOKEN) as opened:
        await opened.do("start")
        yield opened


@asynccontextmanager
async def _chat(token: str) -> AsyncIterator[Chat]:
    async with serve(create_app(SandboxSettings(tick_s=0.05))) as url:
        channel = Channel(
            ids.uuid7(),
            ids.uuid7(),
            "telegram",
            "telegram",
            "k",
            settings={"api_base_url": f"{url}/telegram"},
            credentials={"token": token},
        )
        messenger = TelegramMessenger(Texts.load(TEXTS))
        async with httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as control:
            try:
                yield Chat(control, messenger, Address(channel.tenant_id, channel, str(USER)))
            finally:
                await messenger.aclose()


async def until(ask: Callable[[], Awaitable[Any]]) -> Any:
    """The answer, once it is one."""
    for _ in range(200):
        if found := await ask():
            return found
        await asyncio.sleep(0.05)
    raise AssertionError("it never came")


async def pressed(chat: Chat, delivery: Delivery) -> ChatMessage:
    """The person taps the first button of what was just sent."""
    assert isinstance(delivery, Sent)
    [shown] = [
        each for each in await chat.shown() if str(each["message_id"]) == delivery.message_id
    ]
    button = shown["buttons"][0][0]
    told = await chat.do("press", message_id=shown["message_id"], data=button["callback_data"])
    return ChatMessage(
        "update:1",
        str(USER),
        Doing.PRESS,
        key="buy",
        message_id=delivery.message_id,
        query_id=told["callback_query_id"],
    )


async def test_a_screen_is_a_message_with_buttons(chat: Chat) -> None:
    sent = await chat.sends()

    [shown] = await chat.shown()
    assert sent == Sent(str(shown["message_id"]))
    assert shown["text"] == MENU.page_text
    assert [each["text"] for row in shown["buttons"] for each in row] == ["Buy", "Wallet"]


async def test_a_tap_changes_the_message_that_was_tapped(chat: Chat) -> None:
    sent = await chat.sends()
    tap = await pressed(chat, sent)

    moment = Moment(answering=tap, last_shown=tap.message_id)
    assert await chat.messenger.show(chat.to, END, moment) == sent

    [shown] = await chat.shown()
    assert shown["text"] == END.page_text
    assert shown["edited"]


async def test_every_tap_is_answered(chat: Chat) -> None:
    tap = await pressed(chat, await chat.sends())
    await chat.messenger.show(chat.to, END, Moment(answering=tap, last_shown=tap.message_id))
    [answer] = await until(chat.answers)

    assert answer["callback_query_id"] == tap.query_id
    assert not answer["text"]


async def test_an_old_button_is_told_that_it_is_old(chat: Chat) -> None:
    tap = await pressed(chat, await chat.sends())
    expired = replace(END, notice=Texts.load(TEXTS).get("en", "common.expired"))
    await chat.messenger.show(chat.to, expired, Moment(answering=tap, last_shown="99"))

    assert "expired" in (await until(chat.answers))[0]["text"]


async def test_the_same_screen_again_is_no_failure(chat: Chat) -> None:
    sent = await chat.sends()
    tap = await pressed(chat, sent)

    again = Moment(answering=tap, last_shown=tap.message_id)
    assert await chat.messenger.show(chat.to, MENU, again) == sent


async def test_what_was_written_is_answered_below_and_old_buttons_go(chat: Chat) -> None:
    first = await chat.sends()
    assert isinstance(first, Sent)
    said = ChatMessage("update:2", str(USER), Doing.TEXT, text="hello")
    second = await chat.messenger.show(
        chat.to, END, Moment(answering=said, last_shown=first.message_id)
    )
    assert second != first

    async def stripped() -> bool:
        return [bool(each["buttons"]) for each in await chat.shown()] == [False, True]

    assert await until(stripped)


async def test_a_message_that_is_gone_is_sent_anew(chat: Chat) -> None:
    tap = replace(await pressed(chat, await chat.sends()), message_id="999999")

    sent = await chat.messenger.show(chat.to, END, Moment(answering=tap, last_shown="999999"))

    assert isinstance(sent, Sent)
    assert len(await chat.shown()) == 2


async def test_a_typed_pin_can_be_deleted_once(chat: Chat) -> None:
    told = await chat.do("say", text="6194")
    message = ChatMessage(
        "update:3", str(USER), Doing.TEXT, text="6194", message_id=str(told["message_id"])
    )

    assert await chat.messenger.unsay(chat.to.channel, message)
    assert not await chat.messenger.unsay(chat.to.channel, message)


async def test_words_and_a_picture_can_be_told(chat: Chat) -> None:
    told = await chat.messenger.tell(chat.to, Telling("k1", "It arrived."))
    shown = await chat.messenger.tell(chat.to, Telling("k2", "Your receipt", picture=PICTURE))

    assert isinstance(told, Sent)
    assert isinstance(shown, Sent)
    words, picture = await chat.shown()
    assert (words["text"], picture["kind"], picture["text"]) == (
        "It arrived.",
        "photo",
        "Your receipt",
    )


async def test_a_screen_stands_under_its_picture_and_the_next_one_below(chat: Chat) -> None:
    sent = await chat.messenger.show(chat.to, MENU, Moment(picture=PICTURE))
    [shown] = await chat.shown()
    assert (shown["kind"], shown["text"]) == ("photo", MENU.page_text)
    tap = await pressed(chat, sent)

    after = await chat.messenger.show(
        chat.to, END, Moment(answering=tap, last_shown=tap.message_id)
    )

    assert isinstance(after, Sent)
    assert [each["kind"] for each in await chat.shown()] == ["photo", "text"]


async def test_more_words_than_a_caption_has_come_after_their_picture(chat: Chat) -> None:
    long = replace(MENU, page_text="w" * 2000)
    assert isinstance(await chat.messenger.show(chat.to, long, Moment(picture=PICTURE)), Sent)

    told = [(each["kind"], each["text"]) for each in await chat.shown()]
    assert told == [("photo", ""), ("text", long.page_text)]


async def test_what_has_no_name_is_neither_deleted_nor_changed(chat: Chat) -> None:
    said = ChatMessage("update:3", str(USER), Doing.TEXT, text="6194")
    tap = ChatMessage("update:4", str(USER), Doing.PRESS, key="buy")

    assert not await chat.messenger.unsay(chat.to.channel, said)
    assert isinstance(await chat.messenger.show(chat.to, MENU, Moment(answering=tap)), Sent)


async def test_no_token_and_no_word_reaches_a_log(
    chat: Chat, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    away = replace(chat.to.channel, settings={"api_base_url": "http://127.0.0.1:9"})
    secret = replace(MENU, page_text="words for one person")
    with capture_logs() as lines:
        await chat.do("block")
        told = [
            await chat.messenger.show(each, secret, Moment())
            for each in (chat.to, replace(chat.to, channel=away))
        ]
    assert lines
    logged = repr(lines) + repr(told) + caplog.text
    assert TOKEN not in logged
    assert "words for one person" not in logged


async def test_the_receipt_of_an_order_is_a_picture_with_the_screen_below_it(chat: Chat) -> None:
    """What it was tapped on stays above, with nothing left to tap; the menu comes below it."""
    menu = await chat.sends()
    assert isinstance(menu, Sent)
    last = replace(END, nav=replace(END.nav, home=True), ends=False)
    moment = Moment(await pressed(chat, menu), menu.message_id, picture=PICTURE)

    receipt = await chat.messenger.show(chat.to, last, moment)
    assert isinstance(receipt, Sent)
    _, shown = await chat.shown()
    assert (shown["kind"], shown["text"]) == ("photo", last.page_text)
    assert [[button["text"] for button in row] for row in shown["buttons"]] == [["Main menu"]]

    async def stripped() -> bool:
        return not (await chat.shown())[0]["buttons"]

    await until(stripped)
    again = Moment(await pressed(chat, receipt), receipt.message_id)
    assert isinstance(await chat.messenger.show(chat.to, MENU, again), Sent)
    assert [each["kind"] for each in await chat.shown()] == ["text", "photo", "text"]


async def test_who_blocked_the_bot_cannot_be_reached(chat: Chat) -> None:
    await chat.do("block")
    assert await chat.sends() == Unreachable("blocked")


async def test_who_never_wrote_cannot_be_reached(chat: Chat) -> None:
    nobody = replace(chat.to, identity="31337")
    assert isinstance(await chat.messenger.show(nobody, MENU, Moment()), Unreachable)


async def test_an_unknown_token_stops_the_channel() -> None:
    async with _chat("110201599:SIM-nobody") as chat:
        delivery = await chat.sends()
    assert isinstance(delivery, Refused)
    assert delivery.stops
    assert "SIM" not in delivery.why


@pytest.mark.parametrize("token", ["", "nonsense"])
async def test_a_token_that_is_none_stops_the_channel(token: str) -> None:
    async with _chat(token) as chat:
        delivery = await chat.sends()
    assert isinstance(delivery, Refused)
    assert delivery.stops


async def test_an_api_that_is_away_is_tried_later(chat: Chat) -> None:
    channel = replace(chat.to.channel, settings={"api_base_url": "http://127.0.0.1:9"})
    away = replace(chat.to, channel=channel)
    assert isinstance(await chat.messenger.show(away, MENU, Moment()), Later)


async def test_flood_control_is_waited_out(chat: Chat) -> None:
    await chat.play("flood", next=1, seconds=17)
    assert await chat.sends() == Later(17.0, "flood control", spares="channel")


@pytest.mark.parametrize("scenario", ["error_500", "html_503", "lost_before", "garbled", "down"])
async def test_trouble_of_theirs_is_tried_later(chat: Chat, scenario: str) -> None:
    await chat.play(scenario, next=1)
    assert isinstance(await chat.sends(), Later)
    assert isinstance(await chat.sends(), Sent)
