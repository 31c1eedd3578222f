"""Tokens and PINs are found wherever and however providers write them, and nothing else is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.domain.vending import Vend
from core.providers.vtu.evidence import cards, electricity, found_in, lacking, tokens_in, units_of
from tests.fakes.documents import JSON
from tests.fakes.vtu import AIRTIME, CABLE, DATA, EXAM, PINS, POSTPAID, PREPAID, TOKEN

OTHER = "09876543210987654321"


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param(TOKEN, [TOKEN], id="plain"),
        pytest.param("Token : 1234-5678-9012-3456-7890", [TOKEN], id="label and dashes"),
        pytest.param(" 1234 5678 9012 3456 7890 ", [TOKEN], id="groups"),
        pytest.param(f"{TOKEN} {OTHER}", [TOKEN, OTHER], id="two in a row"),
        pytest.param(f"{TOKEN}, {OTHER}", [TOKEN, OTHER], id="two in a list"),
        pytest.param("1234 5678 9012 3456 7890 1234", [], id="four digits too many"),
        pytest.param(TOKEN[:-1], [], id="a digit too few"),
        pytest.param(f"TX{TOKEN}", [], id="part of a word"),
        pytest.param("null", [], id="null"),
        pytest.param("N/A", [], id="not available"),
        pytest.param("", [], id="empty"),
        pytest.param(int(TOKEN), [], id="a number"),
        pytest.param("0" * 5000, [], id="thousands of digits"),
    ],
)
def test_a_token_is_twenty_digits(text: object, tokens: list[str]) -> None:
    assert tokens_in(text) == tokens


@pytest.mark.parametrize(
    ("places", "evidence"),
    [
        pytest.param([{"token": TOKEN, "units": "79.9 kWh"}], {"token": TOKEN, "units": "79.9"}),
        pytest.param([{"mainToken": TOKEN, "mainTokenUnits": 8}], {"token": TOKEN, "units": "8"}),
        pytest.param([{"purchased_code": f"Token : {TOKEN}"}], {"token": TOKEN}),
        pytest.param([None, [], {"Token": TOKEN}], {"token": TOKEN}),
        pytest.param([{"token": "null"}, {"metertoken": TOKEN}], {"token": TOKEN}),
        pytest.param(
            [{"token": TOKEN, "kct1": OTHER, "KCT2": TOKEN[::-1]}],
            {"token": TOKEN, "kct1": OTHER, "kct2": TOKEN[::-1]},
        ),
        pytest.param([{"token": TOKEN, "bonusToken": OTHER}], {"token": TOKEN, "token2": OTHER}),
        pytest.param([{"token": TOKEN}, {"mainToken": TOKEN}], {"token": TOKEN}),
        pytest.param([{"units": "8.2"}], {"units": "8.2"}),
    ],
    ids=[
        "token and units", "main token", "purchased code", "deeper", "a null before it",
        "key change tokens", "a bonus", "the same twice", "no token",
    ],
)  # fmt: skip
def test_electricity(places: list[object], evidence: dict[str, str]) -> None:
    assert electricity(*places) == evidence


@pytest.mark.parametrize(
    ("place", "evidence"),
    [
        pytest.param(
            [{"Serial": "WRN1825", "Pin": "373820665258"}],
            {"pin1": "373820665258", "serial1": "WRN1825"},
            id="a list of cards",
        ),
        pytest.param(
            '[{"Serial":"WRN1825","Pin":"373820665258"}]',
            {"pin1": "373820665258", "serial1": "WRN1825"},
            id="the list as text",
        ),
        pytest.param(
            "Serial No:WRN1825, pin: 373820665258||Serial No:WRN1826, pin: 373820665259",
            {
                "pin1": "373820665258",
                "serial1": "WRN1825",
                "pin2": "373820665259",
                "serial2": "WRN1826",
            },
            id="a sentence",
        ),
        pytest.param("Pin : 367821325139", {"pin1": "367821325139"}, id="a pin alone"),
        pytest.param(["373820665258"], {"pin1": "373820665258"}, id="bare pins"),
        pytest.param([{"sno": 11, "pin": 367821325139}], {"pin1": "367821325139"}, id="numbers"),
        pytest.param([{"pin": "3678"}, {"pin": "3678"}], {"pin1": "3678"}, id="the same pin twice"),
        pytest.param([{"pin": "N/A"}, {"pin": None}, {"pin": "x"}], {}, id="no pins"),
        pytest.param('{"pin":', {}, id="broken JSON"),
        pytest.param("[" * 60_000, {}, id="a bomb"),
        pytest.param({"pin": True}, {}, id="a truth"),
    ],
)
def test_cards(place: object, evidence: dict[str, str]) -> None:
    assert cards(place) == evidence


@pytest.mark.parametrize(
    ("vend", "evidence", "without"),
    [
        pytest.param(PREPAID, {}, True, id="prepaid without a token"),
        pytest.param(PREPAID, {"token": TOKEN}, False, id="prepaid with its token"),
        pytest.param(PREPAID, {"kct1": TOKEN}, True, id="prepaid with a key change only"),
        pytest.param(POSTPAID, {}, False, id="postpaid"),
        pytest.param(replace(PREPAID, variant=""), {}, True, id="nobody said which meter"),
        pytest.param(EXAM, {"pin1": "1"}, False, id="an exam PIN"),
        pytest.param(EXAM, {"serial1": "1"}, True, id="a serial alone"),
        pytest.param(PINS, {f"pin{n}": str(n) for n in range(1, 5)}, True, id="four of five"),
        pytest.param(PINS, {f"pin{n}": str(n) for n in range(1, 6)}, False, id="five of five"),
        pytest.param(PINS, {f"pin{n}": "7" for n in range(1, 6)}, True, id="one PIN five times"),
        pytest.param(AIRTIME, {}, False, id="airtime"),
        pytest.param(DATA, {}, False, id="data"),
        pytest.param(CABLE, {}, False, id="cable"),
    ],
)
def test_what_a_delivery_must_have(vend: Vend, evidence: dict[str, str], *, without: bool) -> None:
    assert lacking(vend, evidence) is without


@pytest.mark.parametrize(
    ("value", "units"),
    [("8.2", "8.2"), ("79.9 kWh", "79.9"), (12, "12"), ("-3", None), (True, None), ("many", None)],
)
def test_units(value: object, units: str | None) -> None:
    assert units_of(value) == units


@given(places=st.lists(JSON, max_size=3))
def test_nothing_is_found_in_what_is_nothing(places: list[Any]) -> None:
    """Never raises; a token has twenty digits and a PIN one, whatever the document."""
    for vend in (PREPAID, EXAM, PINS, AIRTIME):
        for name, value in found_in(vend, *places).items():
            assert not name.startswith(("token", "kct")) or len(value) == 20
            assert any(character.isdigit() for character in value)
