"""Pages are counted, complete and in order, on every channel."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.display import NavWords
from core.engine import paging
from core.engine.paging import USSD, WHATSAPP, Pieces, ussd
from core.engine.paging import render as laid_out
from core.kit import gsm7

WORDS = NavWords(
    back="Back",
    home="Main menu",
    home_short="Menu",
    more="More",
    choose="Choose",
    unlock="Enter PIN",
)
_NAV = re.compile(r"(98\. More|0\. Back|00\. (?:Main menu|Menu))")


def pieces(
    text: str = "Choose:",
    labels: tuple[str, ...] = (),
    *,
    notice: str = "",
    back: bool = True,
    ends: bool = False,
) -> Pieces:
    return Pieces(notice, text, labels, WORDS, back=back, home=back, ends=ends)


def render(given_pieces: Pieces, channel: paging.Capability) -> tuple[str, ...]:
    """The pages as they are sent; what each says of itself is true."""
    pages = laid_out(given_pieces, channel)
    assert [0, *(page.last for page in pages)] == [
        *(page.first for page in pages),
        len(given_pieces.labels),
    ]
    for page in pages:
        assert page.body.startswith(page.words.strip("\n"))
    return tuple(page.body for page in pages)


def body(page: str) -> list[str]:
    """The lines of a page without its navigation."""
    return [line for line in page.split("\n") if not _NAV.fullmatch(line)]


def test_a_screen_is_text_then_options_then_navigation() -> None:
    assert render(pieces(labels=("One", "Two"), notice="Oh."), USSD) == (
        "Oh.\nChoose:\n1. One\n2. Two\n0. Back\n00. Main menu",
    )


def test_a_list_that_needs_pages_has_five_options_a_page_and_numbers_that_run_on() -> None:
    pages = render(pieces(labels=tuple(f"Bundle {n}" for n in range(1, 13))), USSD)

    assert [body(page) for page in pages] == [
        ["Choose:", *(f"{n}. Bundle {n}" for n in range(1, 6))],
        [f"{n}. Bundle {n}" for n in range(6, 11)],
        [f"{n}. Bundle {n}" for n in range(11, 13)],
    ]
    assert [page.split("\n")[-3:] for page in pages[:2]] == [
        ["98. More", "0. Back", "00. Main menu"]
    ] * 2
    assert pages[2].endswith("0. Back\n00. Main menu")


def test_seven_options_that_fit_stay_together() -> None:
    assert len(render(pieces(labels=tuple("ABCDEFG")), USSD)) == 1
    assert len(render(pieces(labels=tuple("ABCDEFGH")), USSD)) == 2


def test_only_later_pages_of_the_main_menu_have_a_way_back() -> None:
    first, second = render(pieces(labels=tuple("ABCDEFGH"), back=False), USSD)

    assert first.endswith("\n98. More")
    assert second.endswith("\n0. Back")


def test_the_short_word_for_the_menu_is_taken_where_it_saves_a_page() -> None:
    text = "x" * (160 - len("\n0. Back\n00. Menu"))

    assert render(pieces(text), USSD) == (text + "\n0. Back\n00. Menu",)
    assert len(render(pieces(text + "x"), USSD)) == 2


def test_a_long_text_breaks_between_words() -> None:
    text = " ".join(f"word{n}" for n in range(60))

    pages = render(pieces(text), USSD)

    assert len(pages) > 2
    assert " ".join(" ".join(body(page)) for page in pages) == text


def test_the_last_page_of_a_last_word_has_no_navigation() -> None:
    pages = render(pieces(" ".join(["farewell"] * 30), ends=True, back=False), USSD)

    assert pages[0].endswith("98. More")
    assert pages[-1].endswith("farewell")


def test_a_word_longer_than_a_page_is_divided() -> None:
    pages = render(pieces("y" * 400), USSD)

    assert "".join("".join(body(page)) for page in pages) == "y" * 400


def test_a_dynamic_label_too_long_is_cut_visibly() -> None:
    assert paging.label("a" * 50, USSD) == "a" * 38 + ".."
    assert paging.label(" two\nlines\x07 ", USSD) == "two lines"


def test_a_label_cannot_pass_for_another_line() -> None:
    assert "\n" not in paging.label("1\n2. Free money\r\n0. Back", WHATSAPP)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\u20a6500", "N500"),
        ("\u201cyes\u201d", '"yes"'),
        ("caf\u00e9", "caf\u00e9"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u4f60", "?"),
    ],
)
def test_ussd_gets_letters_that_every_handset_has(written: str, shown: str) -> None:
    assert paging.letters(written, USSD) == shown


def test_signs_of_the_extension_table_cost_two() -> None:
    text = "[" * 70

    pages = render(pieces(text, back=False, ends=True), USSD)

    assert pages == (text,)
    assert len(render(pieces("[" * 81, back=False, ends=True), USSD)) == 2


_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"]) | st.sampled_from("[]{}\u20ac\n "),
    max_size=400,
)


@settings(max_examples=300, deadline=None)
@given(
    _TEXTS,
    st.lists(_TEXTS, max_size=20),
    _TEXTS,
    st.booleans(),
    st.booleans(),
    st.sampled_from([60, 80, 120, 160, 182]),
)
def test_every_page_fits_and_nothing_is_lost(
    text: str, labels: list[str], notice: str, back: bool, ends: bool, room: int
) -> None:
    channel = ussd(room)
    cut = tuple(paging.label(label, channel) for label in labels)
    given_pieces = pieces(text, cut, notice=notice[:60], back=back, ends=ends)

    pages = render(given_pieces, channel)

    assert pages == render(given_pieces, channel)
    for page in pages:
        cost = gsm7.septets(page)
        assert cost is not None
        assert cost <= room
    numbers = [
        int(found) for page in pages for found in re.findall(r"^(\d+)\. ", page, re.MULTILINE)
    ]
    in_order = iter(numbers)
    assert all(number in in_order for number in range(1, len(labels) + 1))
    assert all("\n98. More" in page for page in pages[:-1])
