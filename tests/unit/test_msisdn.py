"""Mobile numbers: every local form, and what is none."""

import time

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kit.msisdn import BadMsisdn, Msisdn, from_network, local, masked, parse_msisdn


@pytest.mark.parametrize(
    ("typed", "country", "msisdn"),
    [
        pytest.param("08031234567", "NG", "2348031234567", id="NG local"),
        pytest.param("8031234567", "NG", "2348031234567", id="NG without the zero"),
        pytest.param("2348031234567", "NG", "2348031234567", id="NG international, no plus"),
        pytest.param("+2348031234567", "NG", "2348031234567", id="NG international"),
        pytest.param("002348031234567", "NG", "2348031234567", id="NG with 00"),
        pytest.param("0092348031234567", "NG", "2348031234567", id="NG with its own 009"),
        pytest.param("+23408031234567", "NG", "2348031234567", id="NG stray zero"),
        pytest.param("23408031234567", "NG", "2348031234567", id="NG stray zero, no plus"),
        pytest.param("0023408031234567", "NG", "2348031234567", id="NG stray zero, 00"),
        pytest.param(" 0803 123 4567 ", "NG", "2348031234567", id="NG spaces"),
        pytest.param("0803-123-4567", "NG", "2348031234567", id="NG dashes"),
        pytest.param("(0803) 123.4567", "NG", "2348031234567", id="NG brackets and a point"),
        pytest.param("+234 (0) 803 123 4567", "NG", "2348031234567", id="NG zero in brackets"),
        pytest.param("07025123456", "NG", "2347025123456", id="NG ex-Visafone"),
        pytest.param("09191234567", "NG", "2349191234567", id="NG prefix newer than the metadata"),
        pytest.param("0241234567", "GH", "233241234567", id="GH local"),
        pytest.param("+2330241234567", "GH", "233241234567", id="GH stray zero"),
        pytest.param("0712345678", "KE", "254712345678", id="KE local"),
        pytest.param("0110123456", "KE", "254110123456", id="KE new 01 range"),
        pytest.param("254712345678", "KE", "254712345678", id="KE international, no plus"),
        pytest.param("0701234567", "CI", "2250701234567", id="CI keeps its zero"),
        pytest.param("+2250701234567", "CI", "2250701234567", id="CI international"),
        pytest.param("+447911123456", "NG", "447911123456", id="abroad, said so"),
    ],
)
def test_a_number_is_read_in_every_form(typed: str, country: str, msisdn: str) -> None:
    assert parse_msisdn(typed, country) == msisdn


@pytest.mark.parametrize(
    ("typed", "country"),
    [
        pytest.param("", "NG", id="nothing"),
        pytest.param("+", "NG", id="plus alone"),
        pytest.param("00", "NG", id="00 alone"),
        pytest.param("0803123456", "NG", id="a digit too few"),
        pytest.param("080312345678", "NG", id="a digit too many"),
        pytest.param("803123456", "NG", id="a digit too few, no zero"),
        pytest.param("2348031234", "NG", id="international, cut short"),
        pytest.param("2341234567", "NG", id="country code and a rest"),
        pytest.param("012345678", "NG", id="fixed line"),
        pytest.param("06012345678", "NG", id="no mobile begins so"),
        pytest.param("+1234567890", "NG", id="no number of any country"),
        pytest.param("+9999031234567", "NG", id="no such country"),
        pytest.param("0803123456a", "NG", id="a letter"),
        pytest.param("0803+1234567", "NG", id="plus in the middle"),
        pytest.param("08031234567*1", "NG", id="two answers"),
        pytest.param(
            "\u0660\u0668\u0660\u0663\u0661\u0662\u0663\u0664\u0665\u0666\u0667",
            "NG",
            id="Arabic digits",
        ),
        pytest.param("0" * 100_000, "NG", id="a hundred thousand zeros"),
        pytest.param(" -" * 100_000, "NG", id="separators only"),
        pytest.param("08031234567", "ZZ", id="no such country of ours"),
    ],
)
def test_what_is_no_mobile_number_is_refused_at_once(typed: str, country: str) -> None:
    started = time.thread_time()

    with pytest.raises(BadMsisdn):
        parse_msisdn(typed, country)

    assert time.thread_time() - started < 0.2


@given(st.text(max_size=30) | st.from_regex(r"\+?[0-9 ()-]{1,20}", fullmatch=True))
def test_any_text_is_a_number_or_a_problem(typed: str) -> None:
    try:
        msisdn = parse_msisdn(typed, "NG")
    except BadMsisdn:
        return
    assert msisdn.isascii()
    assert msisdn.isdigit()
    assert from_network(msisdn) == msisdn


@pytest.mark.parametrize("country", ["NG", "GH", "KE", "UG", "TZ", "ZA", "CI", "RW"])
def test_what_people_write_locally_is_read_back(country: str) -> None:
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert example is not None
    national = phonenumbers.national_significant_number(example)
    msisdn = Msisdn(f"{example.country_code}{national}")

    assert parse_msisdn(local(msisdn), country) == msisdn


@pytest.mark.parametrize(
    ("msisdn", "written"),
    [
        pytest.param("2348031234567", "08031234567", id="NG"),
        pytest.param("233241234567", "0241234567", id="GH"),
        pytest.param("254712345678", "0712345678", id="KE"),
        pytest.param("2250701234567", "0701234567", id="CI has no trunk zero of its own"),
        pytest.param("999123", "999123", id="of no country"),
    ],
)
def test_a_screen_shows_the_local_form(msisdn: str, written: str) -> None:
    assert local(Msisdn(msisdn)) == written


@pytest.mark.parametrize(
    "sent", ["2348031234567", "+2348031234567", " 2348031234567", " +2348031234567 "]
)
def test_a_gateways_number_is_taken_with_or_without_plus(sent: str) -> None:
    assert from_network(sent) == "2348031234567"


@pytest.mark.parametrize(
    "sent", ["", "+", "++2348031234567", "anonymous", "123456", "1" * 16, "234 803", "\u0661" * 10]
)
def test_what_is_no_international_number_is_refused(sent: str) -> None:
    with pytest.raises(BadMsisdn):
        from_network(sent)


@given(st.text(alphabet="0123456789", max_size=20))
def test_a_masked_number_hides_at_least_four_digits(msisdn: str) -> None:
    shown = masked(msisdn)

    assert "****" in shown
    assert len(shown.replace("*", "")) <= max(0, min(9, len(msisdn) - 4))


def test_a_masked_number_keeps_its_ends() -> None:
    assert masked("2348031234567") == "234803****567"
    assert masked("08031234567") == "0803****567"
