"""Accumulated text: what is new, what is a repeat, what came late."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.turns import Progress, Said
from core.kit.crypto import Keyring
from ussd.transcript import Transcript

KEYRING = Keyring("a passphrase for tests")
BEGIN, NEW, REPEAT, STALE = Progress.BEGIN, Progress.NEW, Progress.REPEAT, Progress.STALE


def transcript(text: str, session: str = "s1") -> Transcript:
    return Transcript(KEYRING, session, text)


def told(*texts: str, session: str = "s1") -> list[tuple[Progress, tuple[Said, ...]]]:
    """What each of a session's requests comes to, one after the other."""
    mark, progress = None, []
    for text in texts:
        advance = transcript(text, session).advance(mark)
        mark = advance.mark
        progress.append((advance.progress, advance.inputs))
    return progress


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([""], (BEGIN, ()), id="first dial"),
        pytest.param(["", "1"], (NEW, ("1",)), id="first answer"),
        pytest.param(["", "1", "1*1"], (NEW, ("1",)), id="the same answer to the next screen"),
        pytest.param(["", "1", "1"], (REPEAT, ()), id="the same request twice"),
        pytest.param(["", "1", "1", "1*1"], (NEW, ("1",)), id="an answer after a repeat"),
        pytest.param(["", "1", "1*1", "1*1*08031234567"], (NEW, ("08031234567",)), id="a number"),
        pytest.param(["", "1", "1**"], (NEW, ("*",)), id="a typed star"),
        pytest.param(["", "*"], (NEW, ("*",)), id="a typed star to the first screen"),
        pytest.param(["", "1", "1**", "1***2"], (NEW, ("2",)), id="an answer after a typed star"),
        pytest.param(["", "1", "1*"], (NEW, ("",)), id="an empty answer"),
        pytest.param(["", "1", "1*", "1**2"], (NEW, ("2",)), id="an answer after an empty one"),
        pytest.param(["", "1", "1*", "1**"], (NEW, ("",)), id="two empty answers"),
        pytest.param(["", "1*2"], (NEW, ("1", "2")), id="typed ahead from the first screen"),
        pytest.param(["", "1", "1*2*3"], (NEW, ("2", "3")), id="typed ahead"),
        pytest.param(["", "1", "1*5**"], (NEW, ("5", "*")), id="typed ahead, then a star"),
        pytest.param(["1*2"], (BEGIN, ("1", "2")), id="dialled along with the code"),
        pytest.param(["1"], (BEGIN, ("1",)), id="one input dialled along"),
        pytest.param(["1*2", "1*2"], (REPEAT, ()), id="dialled along, sent twice"),
        pytest.param(["1*2", "1*2*3"], (NEW, ("3",)), id="an answer after a deep dial"),
        pytest.param(["", ""], (REPEAT, ()), id="the first dial sent twice"),
        pytest.param(["", "1", ""], (STALE, ()), id="the first dial again, late"),
        pytest.param(["", "1", "1*2", "1"], (STALE, ()), id="an older request"),
        pytest.param(["", "1", "2"], (STALE, ()), id="another answer of the same length"),
        pytest.param(["", "1", "2*1"], (STALE, ()), id="longer, from elsewhere"),
        pytest.param(["", "1", "12"], (STALE, ()), id="longer without a separator"),
        pytest.param(["", "1", "2", "1*2"], (NEW, ("2",)), id="the true answer after a stale one"),
        pytest.param(["", "Ọ̀yọ́", "Ọ̀yọ́*1"], (NEW, ("1",)), id="letters of more than one byte"),
    ],
)
def test_what_the_last_request_adds(
    texts: list[str], expected: tuple[Progress, tuple[str, ...]]
) -> None:
    assert told(*texts)[-1] == expected


def test_a_new_session_begins_whatever_was_before() -> None:
    mark = transcript("1*2", "s1").advance(None).mark

    assert transcript("", "s2").advance(mark).progress is BEGIN
    dialled_along = transcript("1*2", "s2").advance(mark)
    assert (dialled_along.progress, dialled_along.inputs) == (BEGIN, ("1", "2"))


def test_a_latecomer_of_the_session_before_is_no_deep_dial() -> None:
    """Its answers would otherwise be read as a shortcut that the customer dialled."""
    first = transcript("1*1", "s1").advance(None).mark
    second = transcript("", "s2").advance(first).mark

    late = transcript("1*1*0803", "s1").advance(second)

    assert late.progress is STALE
    assert late.mark == second


def test_a_mark_remembers_a_handful_of_sessions_and_stays_short() -> None:
    mark = None
    for number in range(50):
        mark = transcript("", f"s{number}").advance(mark).mark

    assert mark is not None
    assert transcript("1", "s46").advance(mark).progress is STALE
    assert transcript("1", "s10").advance(mark).progress is BEGIN
    assert len(mark) < 120


@pytest.mark.parametrize("mark", ["", "x", "12", "x:y:z", "1:y", "1::", "::", "-1:a:b", "²:a:b"])
def test_a_mark_in_another_form_is_as_none(mark: str) -> None:
    assert transcript("").advance(mark).progress is BEGIN


def test_with_another_key_nothing_is_taken_for_new() -> None:
    """After a change of the secret key a running session is shown where it is, no more."""
    mark = transcript("1").advance(None).mark

    advance = Transcript(Keyring("another"), "s1", "1*1234").advance(mark)

    assert advance.progress is STALE


def test_a_mark_tells_neither_the_text_nor_the_session() -> None:
    mark = transcript("1*4711", "ATUid_secret").advance(None).mark

    assert "4711" not in mark
    assert "ATUid" not in mark
    assert mark != transcript("1*4712", "ATUid_secret").advance(None).mark


@given(answers=st.lists(st.text(st.characters(exclude_characters="*"), min_size=1), max_size=8))
def test_every_answer_of_a_session_comes_out_once_and_in_order(answers: list[str]) -> None:
    """With each request sent twice, and the one before it once more."""
    texts = ["*".join(answers[:count]) for count in range(len(answers) + 1)]
    mark: str | None = None
    heard: list[Said] = []
    for place, text in enumerate(texts):
        for sent in (text, text, texts[max(0, place - 1)]):
            advance = transcript(sent).advance(mark)
            mark = advance.mark
            heard += advance.inputs
    assert heard == answers


@given(texts=st.lists(st.text(st.sampled_from("12*#a "), max_size=6), max_size=12))
def test_no_order_of_requests_raises_or_repeats_an_input(texts: list[str]) -> None:
    mark = None
    for text in texts:
        advance = transcript(text).advance(mark)
        assert bool(advance.inputs) <= (advance.progress in {BEGIN, NEW})
        again = transcript(text).advance(advance.mark)
        assert again.inputs == ()
        assert again.progress in {REPEAT, STALE}
        mark = advance.mark
