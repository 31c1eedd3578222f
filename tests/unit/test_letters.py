"""What people write is kept as they wrote it, on one line, and never torn."""

import pytest

from core.engine.answering import read
from core.kit.letters import cut, one_line, plain

WAVE, FAMILY = "\U0001f44b\U0001f3fd", "\U0001f469\u200d\U0001f467"


def test_words_and_emoji_stay() -> None:
    assert (
        one_line(f" E\u0323 ku\u0301\n {FAMILY} \u4f60\u597d ")
        == f"\u1eb8 k\u00fa {FAMILY} \u4f60\u597d"
    )


def test_what_shows_words_in_another_order_goes_and_what_no_store_takes() -> None:
    assert one_line("pay\u202e\x00 me\ud83d \u2066now\u2069") == "pay me now"


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("Adaeze", 3, "Ada"),
        ("Ada Obi", 4, "Ada"),
        (f"Ada{WAVE}", 4, "Ada"),
        (f"Ada{WAVE}", 5, f"Ada{WAVE}"),
        (f"A{FAMILY}", 2, "A"),
        (f"A{FAMILY}", 3, "A"),
        ("\u1ecd\u0300", 1, ""),
        ("", 5, ""),
    ],
)
def test_a_cut_tears_no_letter_from_what_belongs_to_it(text: str, most: int, kept: str) -> None:
    assert cut(text, most) == kept


@pytest.mark.parametrize(
    "text",
    [
        "7391",
        "7391\u200e",
        "\u200f7\u200b3\u200d9\ufe0f1",
        "7\ufe0f\u20e33\ufe0f\u20e39\ufe0f\u20e31\ufe0f\u20e3",
        "7391\ufe0e",
        "7391\u034f\u3164\U000e0100",
        "\u0667\u0663\u0669\u0661",
        "\uff17\uff13\uff19\uff11\u2060",
    ],
)
def test_digits_are_digits_whatever_stands_between_them_unseen(text: str) -> None:
    assert plain(text) == read(text).text == "7391"
