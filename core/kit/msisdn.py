"""Mobile numbers: read in any local form, kept as networks write them."""

import re
from typing import NewType

import phonenumbers

from core.kit.errors import Problem

Msisdn = NewType("Msisdn", str)
"""Country code and number, digits only: `2348031234567`."""

_CHARS_MAX = 24
_NATIONAL_DIGITS_MIN = 9


class BadMsisdn(Problem):
    code = "msisdn.unreadable"


def parse_msisdn(text: str, country: str) -> Msisdn:
    """Read a mobile number in any form people type it, in `country` unless it says otherwise.

    `0803 123 4567`, `8031234567`, `234803...`, `+234803...`, `00234803...` and the common slip
    `+2340803...` all give `2348031234567`.

    Raises:
        BadMsisdn: no mobile number can be read from it.
    """
    digits = re.sub(r"[\s().\-]", "", text.strip())
    if len(digits) > _CHARS_MAX or not re.fullmatch(r"\+?\d+", digits):
        raise BadMsisdn
    code = str(phonenumbers.country_code_for_region(country))
    digits = re.sub(r"^00", "+", digits)
    candidates = [(digits, country)]
    if not digits.startswith("+") and digits.startswith(code):
        candidates.append(("+" + digits, country))
    for candidate, region in candidates:
        try:
            number = phonenumbers.parse(re.sub(rf"^\+{code}0", f"+{code}", candidate), region)
        except phonenumbers.NumberParseException:
            continue
        if _can_be_mobile(number):
            return Msisdn(f"{number.country_code}{number.national_number}")
    raise BadMsisdn


def from_network(text: str) -> Msisdn:
    """A number as a gateway sends it: international, `+` optional and sometimes lost to a space.

    Raises:
        BadMsisdn: it is no international number.
    """
    digits = text.strip().removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):  # noqa: PLR2004 - E.164
        raise BadMsisdn
    return Msisdn(digits)


def local(msisdn: Msisdn) -> str:
    """As people of its country write it, without spaces: `08031234567`."""
    try:
        number = phonenumbers.parse("+" + msisdn, None)
    except phonenumbers.NumberParseException:
        return msisdn
    national = phonenumbers.national_significant_number(number)
    region = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return (
        phonenumbers.ndd_prefix_for_region(region or "", strip_non_digits=True) or ""
    ) + national


def masked(msisdn: str) -> str:
    """Enough to tell two numbers apart in a log, not enough to call one: `234803****567`."""
    return msisdn[:6] + "****" + msisdn[-3:] if len(msisdn) > 9 else "****"  # noqa: PLR2004 - 6 + 3 shown


def _can_be_mobile(number: phonenumbers.PhoneNumber) -> bool:
    """Length and range only: newly issued prefixes must not wait for a metadata release."""
    kind = phonenumbers.number_type(number)
    if kind in (
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    ):
        return True
    return (
        kind == phonenumbers.PhoneNumberType.UNKNOWN
        and phonenumbers.is_possible_number(number)
        and len(str(number.national_number)) >= _NATIONAL_DIGITS_MIN
    )
