"""What people are told of gifts: the amounts that are meant, and nothing that came "back"."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.kit import ids
from core.kit.msisdn import Msisdn
from core.kit.texts import Texts
from core.ports import Notice
from core.services.wording import render

TEXTS = Texts.load(Path(__file__).parents[2] / "core" / "texts")
AT = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
Facts = Mapping[str, str | int]
ENDED: Facts = {
    "code": "23456789",
    "won": 3,
    "shares": 4,
    "total": 1000_00,
    "currency": "NGN",
    "reserved": 250_00,
    "returned": 100_00,
}
WON: Facts = {"code": "23456789", "amount": 500_00, "currency": "NGN"}
ORDERED: Facts = {
    "amount": 500_00,
    "fee": 0,
    "currency": "NGN",
    "recipient": "2348031234567",
    "network": "mtn",
    "reference": "K7M2QX4P9T",
    "hint": "wrong_number",
}


def said(text: str, facts: Facts) -> str:
    notice = Notice(
        id=ids.uuid7(),
        tenant_id=ids.uuid7(),
        to=Msisdn("2348031234567"),
        language="en",
        text=f"notice.gift_{text}",
        facts=facts,
        tries=0,
        created_at=AT,
    )
    return render(TEXTS, notice)


@pytest.mark.parametrize("how", ["stays", "unsure", "taken_back", "spent"])
def test_airtime_that_is_none_is_money_in_the_wallet(how: str) -> None:
    text = said(f"airtime_{how}", ORDERED)

    assert "N500" in text
    assert "wallet" in text
    assert "back in your wallet" not in text


@pytest.mark.parametrize(("how", "back"), [("completed", ""), ("expired", "N100 came back")])
def test_money_that_waits_is_told_beside_what_came_back(how: str, back: str) -> None:
    text = said(f"{how}.waits", ENDED)

    assert "N250 waits for winners" in text
    assert back in text


def test_a_reminder_says_how_much_how_long_and_how() -> None:
    text = said("reminder", {**WON, "hours": 5, "dial": "*347*100*9*23456789#"})

    assert all(each in text for each in ("N500", "5 h ", "*347*100*9*23456789#"))
