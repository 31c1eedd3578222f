"""What the operators' bot says fits into Telegram's messages and stays whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.operators.sending import TEXT_MAX, split
from bots.operators.talking import coded_in
from bots.operators.words import lasting
from core.domain.operators import Role


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@given(st.text(alphabet="ab \n\U0001f534\u20a6", max_size=300), st.integers(2, 40))
def test_pieces_fit_and_lose_nothing(text: str, most: int) -> None:
    pieces = list(split(text, most))

    assert all(0 < units(piece) <= most for piece in pieces)
    said = "".join("".join(pieces).split())
    assert said == ("".join(text.split()) or "\u2026")


def test_pieces_are_cut_between_lines() -> None:
    lines = [f"line {number} " + "x" * 90 for number in range(100)]

    pieces = list(split("\n".join(lines)))

    assert len(pieces) == 3
    assert all(units(piece) <= TEXT_MAX for piece in pieces)
    assert [line for piece in pieces for line in piece.split("\n")] == lines


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7199, "119 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_times_are_read_at_a_glance(seconds: float, said: str) -> None:
    assert lasting(seconds) == said


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Chat K7P2Q - 234803****567 on telegram\nhello", "K7P2Q"),
        ("hello\nChat K7P2Q - 234803****567 on telegram", None),
        (" Chat K7P2Q - x", None),
        ("Chat k7p2q - x", None),
        ("", None),
    ],
)
def test_which_chat_a_message_is_about(text: str, code: str | None) -> None:
    assert coded_in(text) == code


def test_each_role_may_do_what_those_before_it_may() -> None:
    roles = list(Role)
    for place, role in enumerate(roles):
        assert [role.may(least) for least in roles] == [at <= place for at in range(len(roles))]
