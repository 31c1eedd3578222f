"""Mobile numbers: read in any local form, kept as networks write them."""

import itertools
import re
from collections.abc import Iterator
from functools import cache
from typing import NewType

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult

from core.kit.errors import Problem

Msisdn = NewType("Msisdn", str)
"""Country code and number, digits only: `2348031234567`."""

_CHARS_MAX = 24
_MOBILE = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
# A masked number keeps this much at most, and always hides at least four digits: a thousand
# guesses would be too few.
_HEAD, _TAIL, _HIDDEN_MIN, _MASKABLE_MIN = 6, 3, 4, 10


class BadMsisdn(Problem):
    code = "msisdn.unreadable"


def parse_msisdn(text: str, country: str) -> Msisdn:
    """Read a mobile number in any form people type it, in `country` unless it says otherwise.

    `0803 123 4567`, `8031234567`, `234803...`, `+234803...`, `00234803...` and the common slip
    `+2340803...` all give `2348031234567`.

    Raises:
        BadMsisdn: no mobile number can be read from it.
    """
    if len(text) > _CHARS_MAX:
        raise BadMsisdn
    digits = re.sub(r"[\s().\-]", "", text)
    if not re.fullmatch(r"\+?[0-9]+", digits):
        raise BadMsisdn
    for number in _readings(digits, country):
        if phonenumbers.number_type(number) in _MOBILE:
            return _msisdn(number)
    for number in _readings(digits, country):
        if _may_be_newly_issued(number, country):
            return _msisdn(number)
    raise BadMsisdn


def from_network(text: str) -> Msisdn:
    """A number as a gateway sends it: international, `+` optional and sometimes lost to a space.

    One number has one form, whatever slips a gateway makes: `00` for the `+`, a trunk zero after
    the country code. Prefixes that no table knows yet pass, countries that do not exist do not.

    Raises:
        BadMsisdn: it is no international number.
    """
    digits = text.strip().removeprefix("+").removeprefix("00")
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):  # noqa: PLR2004 - E.164
        raise BadMsisdn
    try:
        number = phonenumbers.parse("+" + digits, None)
    except phonenumbers.NumberParseException:
        raise BadMsisdn from None
    if not phonenumbers.is_possible_number(number):
        raise BadMsisdn
    return _msisdn(number)


def is_of(msisdn: Msisdn, country: str) -> bool:
    """Whether it is a number of that country (ISO 3166 code)."""
    return msisdn.startswith(str(phonenumbers.country_code_for_region(country)))


def local(msisdn: Msisdn) -> str:
    """As people of its country write it, without spaces: `08031234567`."""
    try:
        number = phonenumbers.parse("+" + msisdn, None)
    except phonenumbers.NumberParseException:
        return msisdn
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    trunk = phonenumbers.ndd_prefix_for_region(region or "", strip_non_digits=True) or ""
    return trunk + phonenumbers.national_significant_number(number)


def masked(msisdn: str) -> str:
    """Enough to tell two numbers apart in a log, not enough to call one: `234803****567`."""
    if len(msisdn) < _MASKABLE_MIN:
        return "****"
    head = min(_HEAD, len(msisdn) - _TAIL - _HIDDEN_MIN)
    return msisdn[:head] + "****" + msisdn[-_TAIL:]


def _readings(digits: str, country: str) -> Iterator[PhoneNumber]:
    """What `digits` can mean: as typed in `country`, then with the `+` that people leave out."""
    forms = [digits]
    if digits.startswith("00"):
        forms.append("+" + digits[2:])
    elif digits.startswith(str(phonenumbers.country_code_for_region(country))):
        forms.append("+" + digits)
    for form in forms:
        try:
            yield phonenumbers.parse(form, country)
        except phonenumbers.NumberParseException:
            continue


def _msisdn(number: PhoneNumber) -> Msisdn:
    return Msisdn(f"{number.country_code}{phonenumbers.national_significant_number(number)}")


def _may_be_newly_issued(number: PhoneNumber, country: str) -> bool:
    """Newly issued prefixes of the own country must not wait for a release of the metadata.

    Such a number has a mobile's length and begins with the digit that mobiles begin with, so a
    number typed with a digit too few is still refused.
    """
    code = number.country_code or 0
    if code != phonenumbers.country_code_for_region(country):
        return False
    if phonenumbers.number_type(number) != PhoneNumberType.UNKNOWN:
        return False
    possible = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.MOBILE)
    national = phonenumbers.national_significant_number(number)
    return possible == ValidationResult.IS_POSSIBLE and national[0] in _mobile_first_digits(
        code, len(national)
    )


@cache
def _mobile_first_digits(country_code: int, length: int) -> frozenset[str]:
    """Asks the metadata about every start of three digits: once per country, some milliseconds."""
    found = set()
    for head in map("".join, itertools.product("0123456789", repeat=3)):
        national = head + "1234567890"[: length - len(head)]
        number = PhoneNumber(
            country_code=country_code,
            national_number=int(national),
            italian_leading_zero=national.startswith("0"),
        )
        if head[0] not in found and phonenumbers.number_type(number) in _MOBILE:
            found.add(head[0])
    return frozenset(found)
