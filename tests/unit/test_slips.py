"""What gives a PIN or a code away, and what looks like it and does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.slips import hidden, is_slip
from core.services.chat import _may_be_secret

_UNSEEN = ("\u200e", "\u200f", "\u200b", "\u2060", "\ufe0f", "\ufe0e", "\u034f", "\ufe0f\u20e3")


@pytest.mark.parametrize("mark", _UNSEEN)
def test_marks_that_nobody_sees_hide_no_secret(mark: str) -> None:
    alone, among = f"73{mark}91{mark}", f"my p{mark}in is{mark} 7{mark}39{mark}1 ok"

    assert hidden(alone) == hidden(mark + alone) == hidden(f"73 {mark}91") == "****"
    assert _may_be_secret(alone)
    assert _may_be_secret(f"{mark}73 91")
    assert is_slip(among)
    assert hidden(among) == "my pin is **** ok"


def test_words_without_a_secret_stay_as_they_were_written() -> None:
    text = "I forgot my pin \U0001f44b\U0001f3fd\nplease help \u2764\ufe0f"
    assert hidden(text) == text
    assert not _may_be_secret(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("my pin is 7391", "my pin is ****"),
        ("My PIN: 7391.", "My PIN: ****."),
        ("pin=7391", "pin=****"),
        ("pin 7391", "pin ****"),
        ("Pin7391", "Pin****"),
        ("7391 is my pin", "**** is my pin"),
        ("7391 na my pin o", "**** na my pin o"),
        ("my p.i.n. na 7 3 9 1", "my p.i.n. na ****"),
        ("the pin is 73 91", "the pin is ****"),
        ("my pin for callbox is 7391 ok", "my pin for callbox is **** ok"),
        ("send 500 to 08031234567 pin 7391", "send 500 to 08031234567 pin ****"),
        ("pin 7391 08031234567", "pin **** 08031234567"),
        ("change my pin 7391 to 2648", "change my pin **** to ****"),
        ("OTP: 482913", "OTP: ****"),
        ("482913 is your Callbox code", "**** is your Callbox code"),
        ("password 482913", "password ****"),
        ("my ATM card pin 7391", "my ATM card pin ****"),
        ("\uff4d\uff59 \uff50\uff49\uff4e \uff17\uff13\uff19\uff11", "my pin ****"),
        ("my pin is \u0667\u0663\u0669\u0661", "my pin is ****"),
        ("passcode is 7391, abeg send 5000 mtn", "passcode is ****, abeg send **** mtn"),
    ],
)
def test_a_secret_beside_its_name_is_a_slip(text: str, seen: str) -> None:
    assert is_slip(text)
    assert hidden(text) == seen


@pytest.mark.parametrize(
    "text",
    [
        "send 5000 mtn to 08031234567",
        "buy 1000 airtime for 0803 123 4567",
        "forgot pin 08031234567",
        "my pin no dey work, abeg send 5000 mtn",
        "change my pin",
        "pin",
        "buy recharge card pin 1000",
        "recharge pin 1000",
        "I want code for 2000 mtn",
        "code for 5000 naira card",
        "pin no correct and N5000 don go",
        "my pin took 5,000 from me",
        "code *347*1000#",
        "gift code 2345 6789",
        "gift 23456789",
        "code 23456789",
        "the code is 2345 6789",
        "meter 45061234567 code",
        "token 1234 5678 9012 3456 7890",
        "account 0123456789 at GTB, code",
        "spinning 7391",
        "pinned 7391",
        "encode 7391",
        "pin 391",
        "code AB7391",
        "code 7391AB",
        "I paid 25000000 naira",
        "7391",
        "",
    ],
)
def test_amounts_numbers_and_codes_of_gifts_are_no_slips(text: str) -> None:
    assert not is_slip(text)


@pytest.mark.parametrize("text", ["6194", " 61 94 ", "619 473", "6-1-9-4"])
def test_digits_alone_are_hidden_from_who_only_reads(text: str) -> None:
    assert hidden(text) == "****"


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_stands_around_it_a_slip_is_hidden(before: str, after: str) -> None:
    assert "7391" not in hidden(f"{before} my pin is 7391 {after}")


@given(st.text(max_size=200))
def test_any_text_can_be_asked(text: str) -> None:
    if not is_slip(text):
        hidden(text)
