"""Every screen becomes one message that WhatsApp takes."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from bots.whatsapp import rendering
from bots.whatsapp.hearing import heard
from core.app import EXAMPLE_LOCALE, TEXTS
from core.domain.chat import Doing
from core.domain.display import Line, Link, Nav, NavWords, Screen
from core.engine import graph
from core.engine.checks import _worst
from core.engine.conversation import Offered
from core.engine.paging import WHATSAPP
from core.engine.words import Words
from core.flows import all_flows
from core.kit.texts import Texts
from tests.fakes.graph import message, payload, value

WORDS = NavWords(
    back="Back",
    home="Main menu",
    home_short="Menu",
    more="More",
    choose="Choose",
    unlock="Enter PIN",
    share="Share my number",
)
TALK = "0198e0c2-7d1f-7cc3-9a55-000000000001"
URL = "https://callbox.example/p/abc"
NO_NAV = Nav(back=False, home=False, more=False)
BACK_AND_HOME = Nav(back=True, home=True, more=False)


def lines(*labels: str, hint: str = "") -> tuple[Line, ...]:
    return tuple(Line(at, f"k{at}", label, hint) for at, label in enumerate(labels, start=1))


def screen(*labels: str, nav: Nav = BACK_AND_HOME, **more: Any) -> Screen:
    options = more.pop("options", lines(*labels))
    made = Screen(
        key="flow.node",
        talk=TALK,
        turn=12,
        text="How much?",
        offered=options,
        first=0,
        last=len(options),
        nav=nav,
        nav_words=WORDS,
        notice="",
        secret=False,
        out_of_sight=False,
        receipt="",
        ends=False,
        input="choice" if options else "text",
        page=0,
        pages=1,
        body="How much?\n0. Back\n00. Main menu",
        page_text="How much?",
    )
    return replace(made, **more)


# What Meta takes, as its reference says; written down here once more, so that a slip in the one is
# seen by the other.


def check(content: dict[str, Any]) -> None:
    kind = content["type"]
    if kind == "text":
        assert len(content["text"]["body"].strip()) >= 1
        assert len(content["text"]["body"]) <= 4096
    elif kind == "image":
        assert content["image"]["id"]
        assert 1 <= len(content["image"].get("caption", "x")) <= 1024
    else:
        assert kind == "interactive"
        _check_interactive(content["interactive"])


def _check_interactive(interactive: dict[str, Any]) -> None:
    body = interactive["body"]["text"]
    assert body.strip()
    assert len(body) <= 1024
    action = interactive["action"]
    match interactive["type"]:
        case "button":
            replies = [button["reply"] for button in action["buttons"]]
            assert all(button["type"] == "reply" for button in action["buttons"])
            assert 1 <= len(replies) <= 3
            assert all(len(reply["id"].encode()) <= 256 for reply in replies)
            _check_titles([reply["title"] for reply in replies], 20)
            _check_unlike([reply["id"] for reply in replies])
        case "list":
            assert 1 <= len(action["button"].strip()) <= 20
            [section] = action["sections"]
            assert len(section.get("title", "")) <= 24
            assert 1 <= len(section["rows"]) <= 10
            assert all(1 <= len(row["id"].encode()) <= 200 for row in section["rows"])
            assert all(1 <= len(row.get("description", "x")) <= 72 for row in section["rows"])
            _check_titles([row["title"] for row in section["rows"]], 24)
            _check_unlike([row["id"] for row in section["rows"]])
        case "cta_url":
            assert action["name"] == "cta_url"
            assert 1 <= len(action["parameters"]["display_text"]) <= 20
            assert action["parameters"]["url"].startswith(("http://", "https://"))
        case other:
            assert other == "request_contact_info"
            assert action == {"name": "request_contact_info"}


def _check_titles(titles: list[str], most: int) -> None:
    assert all(len(title.strip()) >= 1 and len(title) <= most for title in titles)
    assert all(title == title.strip() and "\n" not in title for title in titles)
    _check_unlike(titles)


def _check_unlike(texts: list[str]) -> None:
    assert len(set(texts)) == len(texts)


def titles(content: dict[str, Any]) -> list[str]:
    action = content["interactive"]["action"]
    if "buttons" in action:
        return [button["reply"]["title"] for button in action["buttons"]]
    return [row["title"] for section in action["sections"] for row in section["rows"]]


def ids(content: dict[str, Any]) -> list[str]:
    action = content["interactive"]["action"]
    if "buttons" in action:
        return [button["reply"]["id"] for button in action["buttons"]]
    return [row["id"] for section in action["sections"] for row in section["rows"]]


def kind_of(content: dict[str, Any]) -> str:
    check(content)
    return str(content.get("interactive", content)["type"])


# Which kind of message.


def test_three_ways_on_are_buttons_with_navigation_among_them() -> None:
    made = rendering.of_screen(screen("Airtime", nav=BACK_AND_HOME))
    assert kind_of(made) == "button"
    assert titles(made) == ["Airtime", "Back", "Main menu"]
    assert ids(made) == [f"{TALK}.12:k1", f"{TALK}.12:0", f"{TALK}.12:00"]
    assert made["interactive"]["body"]["text"] == "How much?"


def test_four_are_a_list_with_hints() -> None:
    options = lines("Airtime", "Data", hint="Any network")
    made = rendering.of_screen(screen(options=options))
    assert kind_of(made) == "list"
    assert titles(made) == ["Airtime", "Data", "Back", "Main menu"]
    rows = made["interactive"]["action"]["sections"][0]["rows"]
    assert [row.get("description") for row in rows] == ["Any network", "Any network", None, None]
    assert made["interactive"]["action"]["button"] == "Choose"


def test_a_name_that_has_no_room_stands_below_in_whole() -> None:
    """Its end may be a price."""
    plan = "Unlimited, 30 days N8,000"
    options = lines(plan, "1 GB N300", hint="All day")
    made = rendering.of_screen(screen(options=options))
    rows = made["interactive"]["action"]["sections"][0]["rows"]
    assert titles(made)[:2] == ["Unlimited, 30 days N8,..", "1 GB N300"]
    assert [row.get("description") for row in rows[:2]] == [f"{plan}, All day", "All day"]


def test_ten_rows_in_all_are_a_list() -> None:
    nav = Nav(back=True, home=True, more=True)
    made = rendering.of_screen(screen(*(f"Plan {at}" for at in range(7)), nav=nav))
    assert kind_of(made) == "list"
    assert titles(made)[-3:] == ["More", "Back", "Main menu"]
    assert [each.rpartition(":")[2] for each in ids(made)[-3:]] == ["98", "0", "00"]


def test_eleven_are_a_text_with_numbers() -> None:
    many = screen(*(f"Plan {at}" for at in range(9)), body="How much?\n1. Plan 0\n2. Plan 1")
    made = rendering.of_screen(many)
    assert kind_of(made) == "text"
    assert made["text"]["body"] == many.body


@pytest.mark.parametrize("label", ["M" * 21, "Twenty one letters ..."])
def test_a_label_without_room_on_a_button_makes_a_list(label: str) -> None:
    made = rendering.of_screen(screen(label, nav=NO_NAV))
    assert kind_of(made) == "list"
    assert titles(made) == [label]


def test_labels_that_look_alike_get_a_number() -> None:
    made = rendering.of_screen(screen("MTN", "MTN", "M" * 30, "M" * 31, nav=NO_NAV))
    assert kind_of(made) == "list"
    assert titles(made) == ["MTN", "MTN 2", "M" * 22 + "..", "M" * 20 + ".. 2"]


def test_a_label_like_the_navigation_s_is_told_from_it() -> None:
    made = rendering.of_screen(screen("Back", nav=Nav(back=True, home=False, more=False)))
    assert kind_of(made) == "button"
    assert titles(made) == ["Back", "Back 2"]


def test_an_empty_label_is_its_number() -> None:
    assert titles(rendering.of_screen(screen("", " \n ", nav=NO_NAV))) == ["1", "2"]


def test_a_question_has_its_navigation_as_buttons() -> None:
    made = rendering.of_screen(screen())
    assert kind_of(made) == "button"
    assert titles(made) == ["Back", "Main menu"]
    assert made["interactive"]["body"]["text"] == "How much?"


def test_a_long_word_for_home_gives_way_to_the_short_one() -> None:
    words = replace(WORDS, home="Back to the main menu", home_short="Menu")
    assert titles(rendering.of_screen(screen(nav_words=words))) == ["Back", "Menu"]


def test_without_any_way_on_it_is_a_text() -> None:
    made = rendering.of_screen(screen(nav=NO_NAV, body="Thank you."))
    assert kind_of(made) == "text"
    assert made["text"] == {"body": "Thank you.", "preview_url": False}


def test_a_secret_has_a_button_to_its_page_and_navigation_in_words() -> None:
    made = rendering.of_screen(
        screen(secret=True, out_of_sight=True, input="digits"), unlock_url=URL
    )
    assert kind_of(made) == "cta_url"
    assert made["interactive"]["action"]["parameters"] == {"display_text": "Enter PIN", "url": URL}
    assert made["interactive"]["body"]["text"] == "How much?\n0. Back\n00. Main menu"


def test_the_first_page_that_a_screen_leads_to_is_a_button() -> None:
    """A message has one such button: what else there is stands in the words."""
    share = Link("Share on WhatsApp now", URL)
    links = (Link("Elsewhere", "23456789", inline=True), share, Link("Page", URL + "2"))
    made = rendering.of_screen(screen(links=links))
    check(made)
    assert kind_of(made) == "cta_url"
    parameters = made["interactive"]["action"]["parameters"]
    assert parameters == {"display_text": "Share on WhatsApp..", "url": URL}
    assert made["interactive"]["body"]["text"].endswith(f"00. Main menu\nPage: {URL}2")
    assert URL + "\n" not in made["interactive"]["body"]["text"]
    optional = rendering.of_screen(screen("A", links=links))
    check(optional)
    assert kind_of(optional) == "button"
    assert optional["interactive"]["body"]["text"] == (
        f"How much?\nShare on WhatsApp now: {URL}\nPage: {URL}2"
    )
    assert kind_of(rendering.of_screen(screen(links=links[:1]))) == "button"


def test_an_address_that_has_no_room_is_left_out_and_not_cut() -> None:
    links = (Link("First", URL), Link("Long", URL + "/" + "y" * 1000), Link("Page", URL + "2"))
    made = rendering.of_screen(screen(links=links))
    check(made)
    assert made["interactive"]["body"]["text"].endswith(f"Main menu\nPage: {URL}2")


def test_a_picture_tells_where_links_lead() -> None:
    made = rendering.of_screen(screen(links=(Link("Page", URL),)), image_id="1")
    assert made["image"]["caption"].endswith(f"\nPage: {URL}")


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://x/" + "y" * 3000])
def test_a_page_that_cannot_be_reached_leaves_the_words(url: str) -> None:
    made = rendering.of_screen(screen(secret=True, out_of_sight=True), unlock_url=url)
    assert kind_of(made) == "button"


def test_a_number_is_asked_for_where_it_is_not_known() -> None:
    asking = screen(input="contact")
    hidden = rendering.of_screen(asking, asks_number=True)
    known = rendering.of_screen(asking)
    other = rendering.of_screen(screen(), asks_number=True)
    assert kind_of(hidden) == "request_contact_info"
    assert hidden["interactive"]["body"]["text"] == asking.body
    assert kind_of(known) == kind_of(other) == "button"


def test_a_receipt_has_the_words_below_it() -> None:
    made = rendering.of_screen(screen(nav=Nav(back=False, home=True, more=False)), image_id="7001")
    assert kind_of(made) == "image"
    assert made["image"] == {"id": "7001", "caption": "How much?\n0. Back\n00. Main menu"}


def test_a_picture_never_takes_the_place_of_options() -> None:
    assert kind_of(rendering.of_screen(screen("A"), image_id="7001")) == "button"


def test_a_page_without_words_has_those_of_the_first() -> None:
    made = rendering.of_screen(screen(*"ABCD", page_text="", text="All banks", page=1))
    assert made["interactive"]["body"]["text"] == "All banks"


@pytest.mark.parametrize(
    "options",
    [
        pytest.param((Line(1, "k" * 200, "A"),), id="a key too long"),
        pytest.param((Line(1, "k", "A"), Line(2, "k", "B")), id="the same key twice"),
        pytest.param((Line(1, "0", "A"),), id="a key of the navigation"),
    ],
)
def test_keys_that_cannot_be_told_apart_are_numbers_in_a_text(options: tuple[Line, ...]) -> None:
    assert kind_of(rendering.of_screen(screen(options=options))) == "text"


def test_a_template_s_gaps_hold_one_line_each() -> None:
    made = rendering.of_template("callbox_notice", "en", ["N500\nsent\tto     Ada", "", "M" * 2000])
    assert made["template"]["name"] == "callbox_notice"
    assert made["template"]["language"] == {"code": "en"}
    [body] = made["template"]["components"]
    filled = [parameter["text"] for parameter in body["parameters"]]
    assert filled == ["N500 sent to Ada", "…", "M" * 1022 + ".."]
    assert "components" not in rendering.of_template("plain", "en", [])["template"]


def test_a_long_text_is_cut() -> None:
    made = rendering.of_text("M" * 5000)
    check(made)
    assert made["text"]["body"].endswith("..")


# Every screen there is.

FLOWS = all_flows()
CATALOGUE = Texts.load(TEXTS)
NODES = [
    pytest.param(flow, node, id=f"{flow.name}.{node.name}")
    for flow in FLOWS.all
    for node in flow.screens
    if isinstance(node, graph.Shown)
]


@pytest.mark.parametrize(("flow", "node"), NODES)
def test_every_screen_of_every_flow_is_taken(flow: Any, node: Any) -> None:
    for shown in _pages(flow, node):
        many = rendering.of_screen(shown)
        for content in (
            many,
            rendering.of_screen(shown, unlock_url=URL),
            rendering.of_screen(shown, image_id="7001"),
            rendering.of_screen(shown, asks_number=True),
        ):
            check(content)
        if shown.page_options:
            assert kind_of(many) in ("button", "list")
            assert len(titles(many)) >= len(shown.page_options)


@pytest.mark.parametrize(("flow", "node"), NODES)
def test_every_button_of_every_screen_is_understood_again(flow: Any, node: Any) -> None:
    for shown in _pages(flow, node):
        made = rendering.of_screen(shown)
        if made["type"] != "interactive" or made["interactive"]["type"] == "cta_url":
            continue
        keys = [line.key for line in shown.page_options]
        for button_id in ids(made):
            reply = {"type": "button_reply", "button_reply": {"id": button_id, "title": "x"}}
            [press] = heard(payload(value(message("interactive", reply))), "").messages
            assert (press.doing, press.talk, press.turn) == (Doing.PRESS, shown.talk, shown.turn)
            assert press.key in (*keys, "0", "00", "98")


def _pages(flow: Any, node: Any) -> Iterator[Screen]:
    """All pages, in every language, with the longest values."""
    for language in CATALOGUE.languages:
        locale = replace(EXAMPLE_LOCALE, language=language)
        words = Words(FLOWS, CATALOGUE, locale, WHATSAPP)
        worst = structs.replace(_worst(flow, node, words), id=TALK, turn=99_999)
        worst = structs.replace(worst, shown=tuple(map(_as_listed, worst.shown)))
        for page in range(words.screen(worst).pages):
            yield words.screen(structs.replace(worst, page=page))


def _as_listed(offered: Offered) -> Offered:
    """What is listed has keys as long as those of real lists, and none that navigates."""
    return offered if offered.fixed else structs.replace(offered, key=f"k{offered.key:0>40}")


# Any screen at all.

_TEXT = st.text(max_size=60) | st.sampled_from(["", " ", "\n", "M" * 2000, "🎉" * 30, "a\u0301"])
_LINES = st.lists(
    st.builds(Line, st.integers(1, 99), st.text(min_size=1, max_size=300), _TEXT, _TEXT),
    max_size=12,
).map(tuple)
_SCREENS = st.builds(
    lambda options, **more: screen(options=options, **more),
    _LINES,
    nav=st.builds(Nav, st.booleans(), st.booleans(), st.booleans()),
    nav_words=st.builds(NavWords, _TEXT, _TEXT, _TEXT, _TEXT),
    text=_TEXT,
    page_text=_TEXT,
    body=_TEXT,
    out_of_sight=st.booleans(),
    input=st.sampled_from(["none", "choice", "text", "digits", "contact"]),
)


@given(
    shown=_SCREENS,
    unlock_url=st.sampled_from(["", URL]),
    image_id=st.sampled_from(["", "7001"]),
    asks_number=st.booleans(),
)
def test_any_screen_is_taken(
    shown: Screen, unlock_url: str, image_id: str, asks_number: bool
) -> None:
    check(
        rendering.of_screen(
            shown, unlock_url=unlock_url, image_id=image_id, asks_number=asks_number
        )
    )
