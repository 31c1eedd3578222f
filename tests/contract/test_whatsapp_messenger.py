"""What WhatsApp is sent, over real sockets: one message a turn, ticks later."""

import logging
from dataclasses import replace

import pytest
from starlette.responses import JSONResponse, Response
from structlog.testing import capture_logs

from bots import MESSENGERS
from core.app import TEXTS
from core.domain.chat import (
    ChatMessage,
    Doing,
    Refused,
    Sent,
)
from core.kit.texts import Texts
from core.ports.chat import Messenger, Moment
from tests.fakes.graph import (
    NUMBER_ID,
    TOKEN,
    USER_ID,
    WA_ID,
    at_360dialog,
    channel,
    error,
)
from tests.fakes.speaker import ASKED, END, MENU, PICTURE, WORD, speaker


async def test_it_is_registered() -> None:
    messenger: Messenger = MESSENGERS["whatsapp"](Texts.load(TEXTS))
    assert messenger.kind == "whatsapp"
    assert await messenger.unsay(channel(), ASKED) is False
    await messenger.aclose()


async def test_a_screen_is_one_message_on_the_wire() -> None:
    async with speaker() as at:
        assert await at.show() == Sent("wamid.S1")
    [asked] = at.graph.asked
    assert asked.path == f"/v26.0/{NUMBER_ID}/messages"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient": USER_ID,
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "Welcome"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "t1.3:buy", "title": "Buy"}},
                    {"type": "reply", "reply": {"id": "t1.3:wallet", "title": "Wallet"}},
                ]
            },
        },
    }


async def test_a_number_is_written_to_as_a_number() -> None:
    async with speaker() as at:
        await at.messenger.show(at.to(WA_ID), MENU, Moment())
    [body] = at.graph.messages
    assert body["to"] == WA_ID
    assert "recipient" not in body


async def test_a_partner_is_reached_by_its_own_path_and_header() -> None:
    async with speaker(at_360dialog()) as at:
        assert await at.show(END, picture=PICTURE) == Sent("wamid.S1")
    assert [each.path for each in at.graph.asked] == ["/media", "/messages"]
    for each in at.graph.asked:
        assert each.headers["d360-api-key"] == TOKEN
        assert "authorization" not in each.headers


async def test_a_receipt_is_uploaded_and_sent_with_its_words() -> None:
    async with speaker() as at:
        assert await at.show(END, picture=PICTURE) == Sent("wamid.S1")
    upload, sent = at.graph.asked
    assert upload.path == f"/v26.0/{NUMBER_ID}/media"
    assert upload.body == {"product": "whatsapp", "kind": "image/png", "file": PICTURE}
    assert sent.body["image"] == {"id": "7001", "caption": "Paid.\n00. Main menu"}


@pytest.mark.parametrize(
    "media",
    [error(131053), Response(b"", 500), JSONResponse([]), JSONResponse({"id": 7}), Response(b"x")],
    ids=["refused", "broken", "a list", "a number", "no JSON"],
)
async def test_without_its_picture_a_receipt_is_words(media: Response) -> None:
    async with speaker() as at:
        at.graph.media = media
        assert await at.show(END, picture=PICTURE) == Sent("wamid.S1")
        assert await at.tell(replace(WORD, picture=PICTURE)) == Sent("wamid.S2")
    assert [body["type"] for body in at.graph.messages] == ["interactive", "text"]


async def test_what_is_told_takes_its_key_along_and_a_screen_none() -> None:
    """It comes back in every status, so that what went out is known to have."""
    async with speaker() as at:
        await at.tell(WORD)
        await at.messenger.tell(at.to(USER_ID), replace(WORD, key="k" * 600), template=True)
        await at.tell(replace(WORD, picture=PICTURE))
        await at.show()
    told, template, picture, screen = at.graph.messages
    assert told["biz_opaque_callback_data"] == WORD.key
    assert template["biz_opaque_callback_data"] == "k" * 512
    assert picture["biz_opaque_callback_data"] == WORD.key
    assert "biz_opaque_callback_data" not in screen


async def test_a_secret_leads_to_its_page() -> None:
    secret = replace(END, secret=True, out_of_sight=True, input="digits")
    async with speaker() as at:
        await at.show(secret, unlock_url="https://callbox.example/p/x")
    [body] = at.graph.messages
    assert body["interactive"]["type"] == "cta_url"
    assert body["interactive"]["action"]["parameters"]["url"] == "https://callbox.example/p/x"


@pytest.mark.parametrize(
    ("identity", "answering", "asked_for"),
    [
        pytest.param(USER_ID, replace(ASKED, msisdn="", own=False), True, id="no number known"),
        pytest.param(USER_ID, ASKED, False, id="a number known"),
        pytest.param(USER_ID, None, True, id="nobody wrote"),
        pytest.param(WA_ID, None, False, id="a number for a name"),
    ],
)
async def test_a_number_is_asked_for_where_none_is_known(
    identity: str, answering: ChatMessage | None, asked_for: bool
) -> None:
    asking = replace(END, input="contact")
    async with speaker() as at:
        await at.messenger.show(at.to(identity), asking, Moment(answering=answering))
    [body] = at.graph.messages
    assert (body["interactive"]["type"] == "request_contact_info") is asked_for


async def test_words_outside_of_a_turn() -> None:
    long = replace(WORD, text="M" * 1500, picture=PICTURE)
    async with speaker() as at:
        assert await at.tell() == Sent("wamid.S1")
        assert await at.tell(replace(WORD, picture=PICTURE)) == Sent("wamid.S2")
        assert await at.tell(long) == Sent("wamid.S3")
    words, picture, too_long = at.graph.messages
    assert words["text"] == {"body": "Your order is done", "preview_url": False}
    assert picture["image"] == {"id": "7001", "caption": "Your order is done"}
    assert too_long["text"]["body"] == "M" * 1500


async def test_a_template_carries_its_facts() -> None:
    async with speaker() as at:
        assert await at.tell(replace(WORD, picture=PICTURE), template=True) == Sent("wamid.S1")
    [asked] = at.graph.asked
    assert asked.body["type"] == "template"
    assert asked.body["template"] == {
        "name": "callbox_notice",
        "language": {"code": "en"},
        "components": [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "done"},
                    {"type": "text", "text": "REF-1"},
                ],
            }
        ],
    }


async def test_without_a_template_none_is_sent() -> None:
    async with speaker(channel(settings={"phone_number_id": NUMBER_ID})) as at:
        assert await at.tell(template=True) == Refused("the channel has no template")
    assert at.graph.asked == []


# Read, and typing.


async def test_what_came_is_read_and_somebody_types() -> None:
    async with speaker() as at:
        await at.messenger.received(at.channel, ASKED)
        await at.messenger.received(at.channel, replace(ASKED, doing=Doing.NUDGE))
        press = replace(ASKED, external_id="wamid.U2", doing=Doing.PRESS, message_id="wamid.S1")
        await at.messenger.received(at.channel, press)
    assert at.graph.marks == [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": message_id,
            "typing_indicator": {"type": "text"},
        }
        for message_id in ("wamid.U1", "wamid.U2")
    ]


async def test_what_was_answered_is_read_the_newest_alone_and_later() -> None:
    async with speaker() as at:
        for number in range(1, 4):
            await at.show(answering=replace(ASKED, external_id=f"wamid.U{number}"))
        assert at.graph.marks == []
        await at.graph.until_marked(1)
        await at.show(answering=replace(ASKED, external_id="wamid.U3"))
        await at.show(answering=replace(ASKED, external_id="wamid.U4"))
        await at.graph.until_marked(2)
    assert [each["message_id"] for each in at.graph.marks] == ["wamid.U3", "wamid.U4"]
    assert "typing_indicator" not in at.graph.marks[0]


async def test_what_was_marked_while_typing_is_not_marked_again() -> None:
    async with speaker() as at:
        await at.messenger.received(at.channel, ASKED)
        await at.show(answering=ASKED)
        await at.show(answering=replace(ASKED, external_id="wamid.U2"))
        await at.graph.until_marked(2)
    assert [each["message_id"] for each in at.graph.marks] == ["wamid.U1", "wamid.U2"]


async def test_what_was_not_answered_is_not_read() -> None:
    async with speaker() as at:
        at.graph.answers = [error(131026)]
        await at.show(answering=ASKED)
        await at.show(answering=None)
        await at.show(answering=replace(ASKED, external_id="wamid.U2"))
        await at.graph.until_marked(1)
    assert [each["message_id"] for each in at.graph.marks] == ["wamid.U2"]


async def test_no_token_number_or_word_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with speaker() as at:
            at.graph.answers = [error(190, 401), error(131000, 500)]
            await at.tell(replace(WORD, text="a secret word", picture=PICTURE))
            await at.show(END, answering=ASKED)
            await at.messenger.tell(at.to(WA_ID), WORD, template=True)
            await at.messenger.received(at.channel, ASKED)
    acts = {line["act"] for line in lines}
    assert acts == {"whatsapp.send", "whatsapp.upload", "whatsapp.mark"}
    logged = repr(lines) + caplog.text
    assert not any(secret in logged for secret in (TOKEN, WA_ID, "a secret word", "REF-1"))
