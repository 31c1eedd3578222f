"""Each error of the Graph API has its consequence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.whatsapp.errors import failure, refusal, silence, unreadable
from core.domain.chat import Closed, Later, Refused, Unreachable
from core.providers.http import NoReply, Reply
from tests.fakes.documents import JSON

_DAY_S = 24 * 3600


def told(code: object, status: int = 400, **headers: str) -> Reply:
    body = json.dumps({"error": {"code": code, "message": "to 2348031234567"}}).encode()
    return Reply(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize("code", [1, 2, 4, 80007, 130429, 131000, 131016, 131057])
def test_their_trouble_passes(code: int) -> None:
    found = failure(code)
    assert isinstance(found, Later)
    assert 1 <= found.after_s <= 120


@pytest.mark.parametrize("code", [131049, 131048, 131064, 130472])
def test_what_spares_people_is_not_tried_again_for_a_day(code: int) -> None:
    found = failure(code)
    assert isinstance(found, Later)
    assert found.after_s >= _DAY_S


@pytest.mark.parametrize(
    ("tries", "least"), [(1, 4), (2, 16), (3, 64), (4, 256), (5, 1024), (60, 1024)]
)
def test_the_pair_limit_is_met_with_ever_more_patience(tries: int, least: float) -> None:
    found = failure(131056, pair_tries=tries)
    assert isinstance(found, Later)
    assert least <= found.after_s <= least * 1.25


def test_a_closed_window_wants_a_template() -> None:
    assert failure(131047) == Closed()


@pytest.mark.parametrize(("code", "why"), [(131026, "not on WhatsApp"), (131050, "stopped")])
def test_who_is_not_there_cannot_be_reached(code: int, why: str) -> None:
    assert failure(code) == Unreachable(why)


@pytest.mark.parametrize(
    "code",
    [33, 100, 131008, 131009, 131021, 131051, 131052, 131053, 131062, *range(132000, 132017)],
)
def test_our_own_mistakes_stop_one_message(code: int) -> None:
    found = failure(code)
    assert isinstance(found, Refused)
    assert not found.stops
    assert found.why.startswith(f"{code}: ")


@pytest.mark.parametrize(
    "code", [0, 3, 10, 190, 200, 219, 299, 368, 131005, 131031, 131042, 133010]
)
def test_our_keys_and_our_account_stop_the_channel(code: int) -> None:
    found = failure(code)
    assert isinstance(found, Refused)
    assert found.stops


def test_who_can_be_reached_by_number_only_is_told_so() -> None:
    found = failure(131062)
    assert isinstance(found, Refused)
    assert "by number" in found.why


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (500, Later),
        (503, Later),
        (429, Later),
        (400, Refused),
        (404, Refused),
        (302, Refused),
        (401, Refused),
        (403, Refused),
    ],
)
@pytest.mark.parametrize("code", [None, 999999, "x", True, -1, [190]])
def test_an_unknown_code_is_judged_by_the_status(code: object, status: int, expected: type) -> None:
    found = refusal(told(code, status))
    assert isinstance(found, expected)
    if isinstance(found, Refused):
        assert found.stops is (status in (401, 403))


@pytest.mark.parametrize(("asked", "least"), [("120", 120), ("999999", 3600), ("soon", 4)])
def test_it_is_waited_as_long_as_they_ask(asked: str, least: int) -> None:
    found = refusal(told(130429, 429, retry_after=asked))
    assert isinstance(found, Later)
    assert least <= found.after_s <= 3600


def test_a_day_stays_a_day_whatever_they_ask() -> None:
    found = refusal(told(131049, 400, retry_after="5"))
    assert isinstance(found, Later)
    assert found.after_s >= _DAY_S


@pytest.mark.parametrize("body", [None, b"", b"<html>", b"{", b"[]", b'{"error":[]}'])
def test_no_json_is_judged_by_the_status(body: bytes | None) -> None:
    assert isinstance(refusal(Reply(503, body)), Later)
    assert refusal(Reply(400, body)) == Refused("HTTP 400")


def test_silence_is_tried_again_soon() -> None:
    for found in (silence(NoReply("timeout")), unreadable()):
        assert 1 <= found.after_s <= 10


@given(code=JSON, status=st.integers(300, 599))
def test_whatever_they_say_there_is_a_consequence_in_our_own_words(
    code: object, status: int
) -> None:
    found = refusal(told(code, status))
    assert isinstance(found, Later | Unreachable | Closed | Refused)
    assert "2348031234567" not in repr(found)
