"""Common phrases are read by rules, and what is not clear is left to the flow or to nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.phrases import SOMEBODY, gift_of, understood
from core.kit.msisdn import Msisdn

OWN = Msisdn("2348030000001")
MAMA = "2348031234567"


def asked(text: str) -> tuple[str, dict[str, str]] | None:
    wish = understood(text, OWN, "NG", "NGN")
    return (wish.shortcut, dict(wish.given)) if wish else None


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (
            "abeg send 500 mtn card to my mama 08031234567",
            {"amount": "500", "network": "mtn", "msisdn": MAMA},
        ),
        (
            "Abeg SEND 500 MTN card to my mama",
            {"amount": "500", "network": "mtn", "msisdn": SOMEBODY},
        ),
        ("buy 1k airtime for 0803 123 4567", {"amount": "1k", "msisdn": MAMA}),
        ("load N1,000 on +234 803 123 4567", {"amount": "1,000", "msisdn": MAMA}),
        ("buy 200 for my agent", {"amount": "200", "msisdn": OWN}),
        ("recharge me 200", {"amount": "200", "msisdn": OWN}),
        ("500 airtel", {"amount": "500", "network": "airtel", "msisdn": OWN}),
        ("08031234567 500", {"amount": "500", "msisdn": MAMA}),
        ("500 08031234567", {"amount": "500", "msisdn": MAMA}),
        ("glo 1000 for my brother", {"amount": "1000", "network": "glo", "msisdn": SOMEBODY}),
        ("\u20a6500 airtime", {"amount": "500", "msisdn": OWN}),
        ("etisalat 100 naira", {"amount": "100", "network": "9mobile", "msisdn": OWN}),
        ("buy airtime for 08031234567", {"msisdn": MAMA}),
        ("send 500 or 300 airtime to 08031234567", {"msisdn": MAMA}),
    ],
)
def test_airtime_in_many_words(text: str, given: dict[str, str]) -> None:
    assert asked(text) == ("say_airtime", given)


@pytest.mark.parametrize(
    ("text", "shortcut", "given"),
    [
        ("buy airtime", "airtime", {}),
        ("balance", "balance", {}),
        ("how much dey my wallet", "balance", {}),
        ("wetin I get for account", "balance", {}),
        ("fund 2000", "fund", {"amount": "2000"}),
        ("top up my wallet with 5k", "fund", {"amount": "5k"}),
        ("I want 2gb data", "data_advice", {}),
        ("where is my airtime", "status", {}),
        ("the airtime never enter", "status", {}),
        ("withdraw 5000", "withdraw", {}),
        ("change my pin", "pin", {}),
        ("gift 23456789", "gift", {"code": "23456789"}),
        ("Gift code: 2345 6789 please", "gift", {"code": "2345 6789"}),
        ("I want to do giveaway", "gifts", {}),
        ("make a gift room for my friends", "gifts", {}),
        ("how I go spray my people", "gifts", {}),
        ("I want to talk to somebody", "talk", {}),
        ("talk to a person", "talk", {}),
        ("Let me speak with a real human about my wifi", "talk", {}),
        ("make I talk to una, my airtime never enter", "talk", {}),
        ("customer care", "talk", {}),
        ("agent abeg, where is my money", "talk", {}),
        ("send card make I talk to my mama", "airtime", {}),
        ("help me", "help", {}),
        ("I want to complain", "help", {}),
    ],
)
def test_other_wishes(text: str, shortcut: str, given: dict[str, str]) -> None:
    assert asked(text) == (shortcut, given)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "thanks",
        "500",
        "send 500 or 300 to nobody",
        "send money to 0123456789",
        "transfer 5000 to 0123456789 gtbank",
        "1234",
        "\u200b",
    ],
)
def test_what_is_not_clear_is_nobodys_wish(text: str) -> None:
    assert asked(text) is None


@given(st.text(max_size=400))
def test_no_words_are_too_strange(text: str) -> None:
    wish = understood(text, OWN, "NG", "NGN")
    assert wish is None or wish.shortcut.isidentifier()


def test_what_was_wished_for_shows_no_number() -> None:
    assert MAMA not in repr(understood("send 500 to 08031234567", OWN, "NG", "NGN"))


def test_a_gift_is_known_by_its_code_whoever_names_it() -> None:
    found = gift_of("Please open GIFT 2345 6789 for me")

    assert found is not None
    assert (found.shortcut, found.given) == ("gift", {"code": "2345 6789"})
    assert gift_of("I want to give a gift") is None
    assert gift_of("my number is 08031234567") is None
