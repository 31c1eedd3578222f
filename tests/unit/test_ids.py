"""Identifiers."""

import datetime as dt
import os
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kit.ids import (
    SPEAKABLE,
    derived,
    joined,
    made_at,
    moment,
    speakable,
    timed_key,
    uuid7,
)

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


def test_threads_share_no_uuid7() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = threads.map(lambda _: [uuid7() for _ in range(2_000)], range(8))
        assert len({each for some in made for each in some}) == 8 * 2_000


def test_a_forked_process_makes_uuid7s_of_its_own() -> None:
    uuid7()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"".join(uuid7().bytes for _ in range(100)))
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        made = [UUID(bytes=each) for each in iter(lambda: told.read(16), b"")]

    ours = [uuid7() for _ in range(100)]
    random = {each.int % 2**62 for each in (*made, *ours)}
    assert len(random) == 200


@given(texts, texts)
def test_only_the_same_parts_derive_the_same_identifier(left: list[str], right: list[str]) -> None:
    assert (derived(*left) == derived(*right)) == (left == right)
    assert (joined(*left) == joined(*right)) == (left == right)


def test_a_derived_identifier_never_changes_between_releases() -> None:
    """A repeated confirmation must find its order after an upgrade."""
    assert str(derived("order", "t", "k")) == "ebdf2675-e085-5f49-9ece-7e35c89447c7"
    key = "01M8BMFFZ7VRAZSQSS:3:buy"
    timed = derived("order", "t", key, at=moment(key))
    assert str(timed) == "01a21747-bfe7-8638-af15-9d5b19890077"


@given(texts)
def test_a_derived_identifier_is_of_version_5_of_its_namespace(parts: list[str]) -> None:
    namespace = UUID("6d0f3c58-2f0b-5a41-9d5e-0ca11b0c5000")

    assert derived(*parts) == uuid5(namespace, joined(*parts))


def test_an_identifier_among_the_parts_stands_as_its_text() -> None:
    order_id = uuid7()

    assert derived("attempt", order_id, "1") == derived("attempt", str(order_id), "1")


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


def test_a_timed_key_tells_its_time_and_sorts_by_it() -> None:
    before_ms = time.time_ns() // 1_000_000
    first = timed_key()
    time.sleep(0.002)
    second = timed_key()

    assert len(first) == 18
    assert set(first) <= set(SPEAKABLE)
    assert first < second
    assert before_ms <= (moment(first) or 0) <= time.time_ns() // 1_000_000
    assert moment(f"{first}:7:airtime.pay") == moment(first)
    assert len({timed_key() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "key",
    [
        "",
        "gift:1:2",
        "0123456789AB:3:x",
        f"{'0' * 19}",
        f"8{'0' * 17}",
        f"0{'I' * 17}",
        "z" * 18,
        f"{'0' * 18}x",
        f"{'0' * 18}\n",
    ],
)
def test_a_key_that_begins_with_no_time_tells_no_time(key: str) -> None:
    assert moment(key) is None


def test_what_is_derived_keeps_the_time_of_its_origin() -> None:
    made = uuid7()
    first = derived("a", made, at=moment(made))
    second = derived("b", first, at=moment(first))

    assert moment(made) == moment(first) == moment(second) == made.int >> 80
    assert (first.version, first.variant) == (8, "specified in RFC 4122")
    assert first != derived("b", made, at=moment(made))
    assert moment(derived("a")) is None
