"""Names and numbers of bank accounts."""

import pytest

from core.domain.payouts import AccountName, nuban_fits


@pytest.mark.parametrize(
    ("bank", "number", "fits"),
    [
        pytest.param("011", "0000014579", True, id="the example of the standard"),
        pytest.param("011", "0000014578", False, id="a wrong check digit"),
        pytest.param("058", "0000014579", False, id="another bank"),
        pytest.param("999992", "8031234567", True, id="a bank that cannot be judged"),
        pytest.param("011", "123", True, id="not ten digits: others refuse it"),
    ],
)
def test_the_check_digit_of_an_account(bank: str, number: str, *, fits: bool) -> None:
    assert nuban_fits(bank, number) is fits


@pytest.mark.parametrize(
    ("confirmed", "same"),
    [
        ("ADA OBI OKAFOR", True),
        ("Okafor, Ada  Obi", True),
        ("ADA OKAFOR", False),
        ("ADA OBI OKAFORE", False),
        ("", False),
    ],
)
def test_one_holder_however_it_is_written(confirmed: str, *, same: bool) -> None:
    assert AccountName("ADA OBI OKAFOR").same_as(confirmed) is same


def test_a_name_of_no_letters_is_nobodys() -> None:
    assert not AccountName("---").same_as("---")
