"""What flows say in the same way: names on screens."""

import pytest

from core.flows.shared import short


@pytest.mark.parametrize(
    ("name", "chars", "shown"),
    [
        ("Access Bank", 30, "Access Bank"),
        ("First  City Monument Bank", 24, "First City Monument Bank"),
        ("First City Monument Bank", 23, "First City Monument.."),
        ("First City Monument Bank", 20, "First City.."),
        ("Llanfairpwllgwyngyll", 10, "Llanfair.."),
        ("\u1eb8k\u1ecd\u0301 Bank", 30, "\u1eb8k\u1ecd\u0301 Bank"),
        ("", 5, ""),
    ],
)
def test_a_name_is_cut_between_words_and_marked(name: str, chars: int, shown: str) -> None:
    assert short(name, chars) == shown
    assert len(shown) <= chars
