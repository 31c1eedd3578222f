"""Updates are read whatever is in them, and every screen is a message that Telegram takes."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bots.edge import Malformed, Reach
from bots.telegram import rendering
from bots.telegram.edge import TelegramEdge
from bots.telegram.hearing import heard
from core.domain.chat import ChatMessage, Doing
from core.domain.display import Line, Nav
from core.domain.turns import Channel
from core.kit import ids
from tests.fakes.speaker import MENU

ADA = {"id": 42, "is_bot": False, "first_name": "Ada", "last_name": "Obi", "language_code": "en-GB"}
CHAT = {"id": 42, "type": "private"}
TALK = MENU.talk


def update(**content: Any) -> dict[str, Any]:
    return {"update_id": 7, **content}


def message(**content: Any) -> dict[str, Any]:
    return update(message={"message_id": 5, "date": 1, "chat": CHAT, "from": ADA, **content})


def only(document: object) -> ChatMessage:
    [found] = heard(document).messages
    return found


@pytest.mark.parametrize(
    ("content", "doing", "text"),
    [
        ({"text": "hello"}, Doing.TEXT, "hello"),
        ({"text": " two\nlines "}, Doing.TEXT, "two\nlines"),
        ({"text": "long " * 100 + "end"}, Doing.TEXT, "long " * 100 + "end"),
        ({"text": "x" * 5000}, Doing.TEXT, "x" * 4096),
        ({"text": "hi \U0001f468\u200d\U0001f469"}, Doing.TEXT, "hi \U0001f468\u200d\U0001f469"),
        ({"text": "0803\u00a0123 4567"}, Doing.TEXT, "0803\u00a0123 4567"),
        ({"text": "a\0b"}, Doing.TEXT, "ab"),
        ({"text": " \n "}, Doing.OTHER, ""),
        ({"text": "/start"}, Doing.START, ""),
        ({"text": "/start airtime"}, Doing.START, "airtime"),
        ({"text": "/balance"}, Doing.COMMAND, "balance"),
        ({"text": "/Balance@callbox_demo_bot"}, Doing.COMMAND, "balance"),
        ({"text": "/balance please"}, Doing.TEXT, "/balance please"),
        ({"text": "/start a b"}, Doing.TEXT, "/start a b"),
        ({"text": "send 500 to\nmy mama "}, Doing.TEXT, "send 500 to\nmy mama"),
        ({"text": "a\x00b\u202ec\tE\u030c"}, Doing.TEXT, "ab\u202ec\tE\u030c"),
        ({"photo": []}, Doing.OTHER, ""),
        ({"text": 7}, Doing.OTHER, ""),
    ],
)
def test_what_was_written(content: dict[str, Any], doing: Doing, text: str) -> None:
    found = only(message(**content))
    assert (found.doing, found.text) == (doing, text)
    assert (found.external_id, found.identity, found.name) == ("update:7", "42", "Ada Obi")
    assert (found.language, found.message_id) == ("en", "5")


@pytest.mark.parametrize(
    ("contact", "more", "doing", "own"),
    [
        ({"phone_number": "2348031234567", "user_id": 42}, {}, Doing.CONTACT, True),
        ({"phone_number": "+2348031234567", "user_id": 42}, {}, Doing.CONTACT, True),
        ({"phone_number": "2348031234567", "user_id": 43}, {}, Doing.CONTACT, False),
        ({"phone_number": "2348031234567"}, {}, Doing.CONTACT, False),
        ({"phone_number": "+234 (803) 123-4567"}, {}, Doing.CONTACT, False),
        ({"phone_number": "\u202a+2348031234567\u202c", "user_id": 42}, {}, Doing.CONTACT, True),
        (
            {"phone_number": "2348031234567", "user_id": 42},
            {"forward_origin": {"type": "user"}},
            Doing.CONTACT,
            False,
        ),
        (
            {"phone_number": "2348031234567", "user_id": 42},
            {"forward_date": 1},
            Doing.CONTACT,
            False,
        ),
        ({"phone_number": "88801234567", "user_id": 42}, {}, Doing.OTHER, False),
        ({"phone_number": "+888 0123 4567", "user_id": 42}, {}, Doing.OTHER, False),
        ({"phone_number": "call me", "user_id": 42}, {}, Doing.OTHER, False),
    ],
)
def test_only_the_owner_vouches_for_a_number(
    contact: dict[str, Any], more: dict[str, Any], doing: Doing, own: bool
) -> None:
    found = only(message(contact=contact, **more))
    assert (found.doing, found.own) == (doing, own)
    assert found.msisdn == ("2348031234567" if doing is Doing.CONTACT else "")


def test_names_are_one_line_without_what_no_name_has() -> None:
    person = {**ADA, "first_name": "Ada\n\x00", "last_name": "\U0001f469\u200d\U0001f4bb " * 100}
    found = only(message(**{"from": person}, text="hi"))
    assert found.name.startswith("Ada \U0001f469\u200d\U0001f4bb")
    assert len(found.name) == 128


def press(data: object) -> ChatMessage:
    query = {"id": "99", "from": ADA, "data": data, "message": {"message_id": 5, "chat": CHAT}}
    return only(update(callback_query=query))


def test_a_button_brings_back_which_showing_it_is_of() -> None:
    found = press(f"{TALK}.12:pay")
    assert (found.talk, found.turn, found.key) == (TALK, 12, "pay")
    assert (found.query_id, found.message_id) == ("99", "5")


@pytest.mark.parametrize("data", [None, "", "pay", "x.y:z", "a.1:", 7, "a" * 200])
def test_a_strange_button_is_an_old_one(data: object) -> None:
    assert press(data).turn == -1


@pytest.mark.parametrize(("status", "reachable"), [("kicked", False), ("member", True)])
def test_who_blocked_the_bot_cannot_be_reached(status: str, reachable: bool) -> None:
    change = {"chat": CHAT, "from": ADA, "new_chat_member": {"status": status}}
    [found] = heard(update(my_chat_member=change)).reaches
    assert found == Reach("42", reachable=reachable, why="" if reachable else "kicked")


@pytest.mark.parametrize(
    "document",
    [
        update(),
        update(edited_message={"message_id": 5, "chat": CHAT, "from": ADA, "text": "x"}),
        update(poll={"id": "1"}),
        update(message={"message_id": 5, "chat": {"id": -5, "type": "group"}, "from": ADA}),
        update(message={"message_id": 5, "chat": {"id": 41, "type": "private"}, "from": ADA}),
        update(message=[1, 2]),
        update(callback_query="x"),
        update(my_chat_member={"chat": CHAT, "from": ADA, "new_chat_member": []}),
    ],
)
def test_what_concerns_nobody_is_nothing(document: object) -> None:
    assert heard(document) == heard(update())


@pytest.mark.parametrize("document", [None, [], {}, {"update_id": "x"}, "x", 7])
def test_no_update_is_malformed(document: object) -> None:
    with pytest.raises(Malformed):
        heard(document)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*ADA, *CHAT, "text", "message", "from", "chat"]), inner)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(_JSON, st.sampled_from(["message", "callback_query", "inline_query", "my_chat_member"]))
def test_no_update_is_too_strange(content: Any, kind: str) -> None:
    for document in (content, update(**{kind: content}), message(text=content, contact=content)):
        try:
            found = heard(document)
        except Malformed:
            continue
        assert all(each.identity == "42" for each in found.messages)


def channel(secret: str = "s3cret") -> Channel:
    credentials = {"webhook_secret": secret, "token": "1:x"}
    return Channel(ids.uuid7(), ids.uuid7(), "telegram", "telegram", "k", credentials=credentials)


@pytest.mark.parametrize(
    ("known", "given_", "right"),
    [
        ("s3cret", "s3cret", True),
        ("s3cret", "s3cre", False),
        ("s3cret", "", False),
        ("", "", False),
        ("s3cret", "\u00e9", False),
    ],
)
def test_only_who_knows_the_secret_is_let_in(known: str, given_: str, right: bool) -> None:
    headers = {"x-telegram-bot-api-secret-token": given_}
    assert TelegramEdge().admitted(channel(known), headers) is right


def test_a_body_is_read_as_json() -> None:
    body = json.dumps(message(text="hi")).encode()
    assert TelegramEdge().heard(channel(), body).messages
    with pytest.raises(Malformed):
        TelegramEdge().heard(channel(), b"<html>")


def test_a_bomb_is_malformed() -> None:
    with pytest.raises(Malformed):
        TelegramEdge().heard(channel(), b"[" * 100_000 + b"]" * 100_000)


def lines(*labels: str) -> tuple[Line, ...]:
    return tuple(Line(at, f"k{at}", label) for at, label in enumerate(labels, start=1))


def keyboard(**changes: Any) -> list[list[dict[str, str]]]:
    offered = changes.pop("offered", ())
    made = replace(MENU, offered=offered, first=0, last=len(offered), **changes)
    found: list[list[dict[str, str]]] = rendering.of_screen(made)["reply_markup"]["inline_keyboard"]
    return found


def test_short_labels_stand_side_by_side() -> None:
    rows = keyboard(offered=lines("Yes", "No", "A much longer label", "Third"))
    assert [[each["text"] for each in row] for row in rows] == [
        ["Yes", "No"],
        ["A much longer label"],
        ["Third"],
    ]


def test_navigation_is_the_last_row() -> None:
    rows = keyboard(offered=lines("Yes"), nav=Nav(back=True, home=True, more=True))
    assert [each["text"] for each in rows[-1]] == ["Back", "More", "Main menu"]
    assert rows[-1][0]["callback_data"] == f"{TALK}.{MENU.turn}:0"


@pytest.mark.parametrize("key", ["x" * 60, "\u00e9" * 30, "0", "98"])
def test_what_a_button_brings_back_always_fits(key: str) -> None:
    """A long key, or one that would navigate, is named by its place."""
    [[button]] = keyboard(offered=(Line(1, key, "One"),))
    assert button["callback_data"] == f"{TALK}.{MENU.turn}:#1"
    assert len(button["callback_data"].encode()) <= rendering.DATA_BYTES_MAX


def test_a_secret_has_a_button_to_its_page_and_nothing_to_type_it_in() -> None:
    secret = replace(MENU, offered=(), first=0, last=0, secret=True, out_of_sight=True)
    made = rendering.of_screen(secret, unlock_url="https://callbox.example/p/abc")
    [[button]] = made["reply_markup"]["inline_keyboard"]
    assert button == {"text": "Enter PIN", "url": "https://callbox.example/p/abc"}


def test_a_number_can_be_shared_by_a_tap() -> None:
    made = rendering.of_screen(replace(MENU, input="contact"))
    [[button]] = made["reply_markup"]["keyboard"]
    assert button == {"text": "Share my number", "request_contact": True}


def test_a_message_says_something_and_not_too_much() -> None:
    assert rendering.of_text("  ") == "\u2026"
    assert len(rendering.of_text("x" * 5000)) == rendering.TEXT_MAX
    cut = rendering.of_text("x" + "\U0001f389" * 3000)
    assert cut == "x" + "\U0001f389" * 2047 + "\u2026"  # half of a letter is none
    assert len(cut.encode("utf-16-le")) == rendering.TEXT_MAX * 2
    assert rendering.fits_caption("\U0001f389" * 512)
    assert not rendering.fits_caption("\U0001f389" * 512 + "!")


def test_no_words_are_markup() -> None:
    assert "parse_mode" not in rendering.of_screen(replace(MENU, page_text="<b>*_[x](y)"))


def test_a_process_starts_without_the_libraries_of_bots() -> None:
    """They cost seconds and many megabytes, which the operators' bot alone need pay."""
    program = (
        "import sys, asyncio, cli.processes\n"
        "from bots import EDGES, MESSENGERS\n"
        "from core.app import TEXTS\n"
        "from core.kit.texts import Texts\n"
        "async def start():\n"
        "    texts = Texts.load(TEXTS)\n"
        "    for make in MESSENGERS.values():\n"
        "        await make(texts).aclose()\n"
        "    for make in EDGES.values():\n"
        "        make()\n"
        "asyncio.run(start())\n"
        "sys.exit('aiogram' in sys.modules or 'telegram' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=100)
