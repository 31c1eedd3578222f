"""Every screen of every flow, and any other, is one message that the Bot API takes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from aiogram.methods import AnswerInlineQuery
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bots.telegram import rendering
from bots.telegram.hearing import heard
from core.app import EXAMPLE_LOCALE, TEXTS
from core.domain.chat import Doing, Offer, Offers
from core.domain.display import Line, Link, Nav, NavWords, Screen
from core.engine import graph
from core.engine.checks import _worst
from core.engine.conversation import Offered
from core.engine.paging import TELEGRAM, TELEGRAM_TYPED, Capability
from core.engine.words import Words
from core.flows import all_flows
from core.kit import ids
from core.kit.texts import Texts
from sandbox.telegram_inline import passed_on, read_results
from sandbox.telegram_params import Params
from tests.fakes.speaker import MENU

TALK = "0198e0c2-7d1f-7cc3-9a55-000000000001"
URL = "https://callbox.example/p/abc"
FLOWS = all_flows()
CATALOGUE = Texts.load(TEXTS)
NODES = [
    pytest.param(flow, node, id=f"{flow.name}.{node.name}")
    for flow in FLOWS.all
    for node in flow.screens
    if isinstance(node, graph.Shown)
]


# What Telegram takes, as its reference says; written down here once more, so that a slip in the one
# is seen by the other.


def check(content: dict[str, Any]) -> None:
    assert set(content) <= {"text", "reply_markup"}
    assert content["text"].strip()
    assert len(content["text"].encode("utf-16-le")) <= 4096 * 2
    markup = content.get("reply_markup", {})
    for row in markup.get("keyboard", []):
        assert all(button["text"].strip() for button in row)
    for button in buttons(content):
        assert button["text"].strip()
        if "url" in button:
            assert set(button) == {"text", "url"}
            assert button["url"].startswith("https://")
        elif "switch_inline_query" in button:
            assert set(button) == {"text", "switch_inline_query"}
            assert len(button["switch_inline_query"]) <= 256
        else:
            assert set(button) == {"text", "callback_data"}
            assert 1 <= len(button["callback_data"].encode()) <= 64
    assert len(buttons(content)) <= 100


def buttons(content: dict[str, Any]) -> list[dict[str, str]]:
    rows = content.get("reply_markup", {}).get("inline_keyboard", [])
    assert all(1 <= len(row) <= 8 for row in rows)
    return [button for row in rows for button in row]


@pytest.mark.parametrize(("flow", "node"), NODES)
def test_every_screen_of_every_flow_is_taken(flow: Any, node: Any) -> None:
    for capability in (TELEGRAM, TELEGRAM_TYPED):
        for shown in _pages(flow, node, capability):
            check(rendering.of_screen(shown))
            linked = rendering.of_screen(shown, unlock_url=URL)
            check(linked)
            led = shown.out_of_sight or any(not each.inline for each in shown.links)
            assert any("url" in each for each in buttons(linked)) == led


@pytest.mark.parametrize(("flow", "node"), NODES)
def test_every_button_of_every_screen_is_understood_again(flow: Any, node: Any) -> None:
    for shown in _pages(flow, node, TELEGRAM):
        made = rendering.of_screen(shown)
        if shown.input == "contact":
            continue
        answers = [each["callback_data"] for each in buttons(made) if "callback_data" in each]
        pressed = [_press(each) for each in answers]
        wanted = [
            line.key if len(line.key) <= 20 else f"#{line.number}" for line in shown.page_options
        ]
        assert pressed[: len(wanted)] == wanted
        ways = {"0": shown.nav.back, "98": shown.nav.more, "00": shown.nav.home}
        assert pressed[len(wanted) :] == [key for key, offered in ways.items() if offered]


def _press(data: str) -> str:
    person = {"id": 42}
    query = {"id": "1", "from": person, "data": data, "message": {"chat": {"type": "private"}}}
    query["message"]["chat"]["id"] = 42  # type: ignore[index]  # it is one
    [found] = heard({"update_id": 1, "callback_query": query}).messages
    assert (found.doing, found.talk, found.turn) == (Doing.PRESS, TALK, 999_999_999)
    return found.key


def _pages(flow: Any, node: Any, capability: Capability) -> Iterator[Screen]:
    """All pages, in every language, with the longest values."""
    for language in CATALOGUE.languages:
        locale = replace(EXAMPLE_LOCALE, language=language)
        words = Words(FLOWS, CATALOGUE, locale, capability)
        worst = structs.replace(_worst(flow, node, words), id=TALK, turn=999_999_999)
        worst = structs.replace(worst, shown=tuple(map(_as_listed, worst.shown)))
        for page in range(words.screen(worst).pages):
            yield words.screen(structs.replace(worst, page=page))


def _as_listed(offered: Offered) -> Offered:
    """What is listed has keys as long as those of real lists, and none that navigates."""
    return offered if offered.fixed else structs.replace(offered, key=f"k{offered.key:0>40}")


def test_a_button_has_room_for_what_is_listed_by_its_identifier() -> None:
    screen = replace(MENU, talk=ids.timed_key(), turn=99_999)

    assert len(rendering.data_of(screen, str(ids.uuid7()))) <= rendering.DATA_BYTES_MAX


def test_a_link_is_a_page_or_a_chat_of_the_persons_choice() -> None:
    page = Link("Open the page", "https://callbox.example/gift/x")
    inline = Link("Share on Telegram", "23456789", inline=True)
    content = rendering.of_screen(replace(MENU, links=(page, inline)))

    check(content)
    assert buttons(content)[-2:] == [
        {"text": "Open the page", "url": "https://callbox.example/gift/x"},
        {"text": "Share on Telegram", "switch_inline_query": "23456789"},
    ]


def test_what_is_offered_is_taken_by_aiogram_and_the_simulator() -> None:
    """As the one writes it and the other checks it."""
    listed = tuple(
        Offer(f"{number}", "N5,000 for 10", "3 of 10 won", "Open it!", "Open it", URL)
        for number in range(60)
    )
    content = rendering.of_offers(Offers(listed, "Give to friends", "gifts"))

    made = AnswerInlineQuery.model_validate({"inline_query_id": "1", **content})
    written = json.loads(made.model_dump_json(exclude_none=True, exclude_unset=True))
    taken, button = read_results(Params(written, {}))
    assert len(taken) == rendering.OFFERS_MAX == 50
    assert passed_on(taken[0]) == {
        "text": "Open it!",
        "reply_markup": {"inline_keyboard": [[{"text": "Open it", "url": URL}]]},
    }
    assert button == {"text": "Give to friends", "start_parameter": "gifts"}


# Any screen at all.

_TEXT = st.text(max_size=60) | st.sampled_from(["", " ", "\n", "M" * 5000, "🎉" * 3000, "a\u0301"])
_LABEL = st.text(min_size=1, max_size=60).filter(str.strip)
_SCREENS = st.builds(
    lambda offered, nav, words, page_text, out_of_sight, entry: replace(
        MENU,
        talk=TALK,
        turn=999_999_999,
        offered=offered,
        first=0,
        last=len(offered),
        nav=nav,
        nav_words=words,
        page_text=page_text,
        out_of_sight=out_of_sight,
        input=entry,
    ),
    st.lists(
        st.builds(Line, st.integers(1, 99), st.text(min_size=1, max_size=300), _TEXT, _TEXT),
        max_size=12,
    ).map(tuple),
    st.builds(Nav, st.booleans(), st.booleans(), st.booleans()),
    st.builds(NavWords, _LABEL, _LABEL, _LABEL, _LABEL, _LABEL, _LABEL, _LABEL),
    _TEXT,
    st.booleans(),
    st.sampled_from(["none", "choice", "text", "digits", "contact"]),
)


@given(shown=_SCREENS, unlock_url=st.sampled_from(["", URL]))
def test_any_screen_is_taken(shown: Screen, unlock_url: str) -> None:
    check(rendering.of_screen(shown, unlock_url=unlock_url))


def test_what_is_passed_on_shows_the_preview_of_its_link() -> None:
    offer = Offer(
        "1", "A gift", "N500", "Ada has a gift: https://x.example/gift/1", "Open", "https://t.me/x"
    )
    [article] = rendering.of_offers(Offers((offer,), "Give", "gift"))["results"]
    said = article["input_message_content"]
    assert said == {"message_text": offer.text}
