"""What the operators' bot says fits into Telegram's messages and stays whole."""

import datetime as dt
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bots
from bots.operators.sending import TEXT_MAX, split
from bots.operators.talking import coded_in
from bots.operators.words import lasting, of_routers
from core.domain.hotspot import Limits, Load, Place, Router, RouterStatus
from core.domain.operators import Role
from core.domain.routers import RouterAccess

ROOT = Path(bots.__file__).parents[1]


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


NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


def router(name: str, status: RouterStatus, **different: Any) -> Router:
    access = RouterAccess("10.8.0.2", "callbox", "s3cr3t")
    since = NOON - dt.timedelta(minutes=5)
    made = Router(UUID(int=1), UUID(int=2), name, access, status=status, status_since=since)
    return replace(made, **different)


def test_routers_are_told_the_worst_first() -> None:
    offline = router("Yaba", RouterStatus.OFFLINE, place=Place("Market"), selling=False)
    full = router(
        "Ikeja", RouterStatus.ONLINE, limits=Limits(active_users_max=10), load=Load(active_users=9)
    )
    reset = router("Ojota", RouterStatus.NEEDS_ATTENTION, attention="reset")
    counts = dict.fromkeys(RouterStatus, 0) | {
        RouterStatus.OFFLINE: 1,
        RouterStatus.ONLINE: 4,
        RouterStatus.NEEDS_ATTENTION: 1,
    }
    said = of_routers([reset, offline, full], counts, [], NOON, "Africa/Lagos")

    assert said.split("\n") == [
        "Routers: 1 needs attention, 1 offline, 4 online",
        "\U0001f6e0 Ojota: needs attention for 5 min (reset), 0 online",
        "\U0001f534 Yaba, Market: offline for 5 min, 0 online, NOT SELLING",
        "\U0001f7e2 Ikeja: online for 5 min, 9 online, active users 90 %",
        "... and 3 more: /routers NAME",
    ]
    none = dict.fromkeys(RouterStatus, 0)
    assert of_routers([], none, [], NOON, "Africa/Lagos") == "No routers are set up."


def test_no_source_counts_one_as_several() -> None:
    """`{n} times` is `1 times` one day: `core.kit.counts.counted` says both."""
    many = re.compile(
        r"f\"[^\"]*\{(?:len\([a-z_.]+\)|\w*(?:count|tries|checks|seen|left|errors?)\w*"
        r"|\w+\.(?:checks|tries|count|days_left|unasked)(?::\.0f)?)\} [a-z]+s\b"
    )
    told = [
        f"{path}: {found.group()}"
        for folder in ("bots", "cli", "core/services", "core/domain", "api")
        for path in (ROOT / folder).rglob("*.py")
        for found in many.finditer(path.read_text())
    ]
    assert told == []
