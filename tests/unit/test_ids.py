"""Identifiers."""

import datetime as dt
import time
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from core.kit.ids import SPEAKABLE, derived, joined, made_at, speakable, uuid7

texts = st.lists(st.text(alphabet="ab12:\x1f", max_size=4), max_size=3)


def test_a_uuid7_says_its_version_and_sorts_by_time() -> None:
    before_ms = time.time_ns() // 1_000_000
    first = uuid7()
    time.sleep(0.002)
    second = uuid7()

    assert (first.version, first.variant) == (7, "specified in RFC 4122")
    assert before_ms <= first.int >> 80 <= time.time_ns() // 1_000_000
    assert first < second


def test_uuid7s_of_one_moment_differ() -> None:
    assert len({uuid7() for _ in range(10_000)}) == 10_000


@given(texts, texts)
def test_only_the_same_parts_derive_the_same_identifier(left: list[str], right: list[str]) -> None:
    assert (derived(*left) == derived(*right)) == (left == right)
    assert (joined(*left) == joined(*right)) == (left == right)


def test_a_derived_identifier_never_changes_between_releases() -> None:
    """A repeated confirmation must find its order after an upgrade."""
    assert str(derived("order", "t", "k")) == "ebdf2675-e085-5f49-9ece-7e35c89447c7"


def test_a_speakable_code_has_no_letter_that_sounds_or_looks_like_another() -> None:
    codes = [speakable(12) for _ in range(500)]

    assert all(len(code) == 12 and set(code) <= set(SPEAKABLE) for code in codes)
    assert len(set(codes)) == 500
    assert not set("ILOU") & set(SPEAKABLE)
    assert len(SPEAKABLE) == 32


def test_an_identifier_tells_when_it_was_made() -> None:
    moment = dt.datetime(2026, 11, 26, 3, 30, 0, 250_000, dt.UTC)
    milliseconds = int(moment.timestamp() * 1000)
    low_bits = uuid7().int % 2**80

    assert made_at(UUID(int=milliseconds << 80 | low_bits)) == moment
