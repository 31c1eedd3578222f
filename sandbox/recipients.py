"""Who value goes to, in one form, however a request wrote it."""

import re

from core.kit.msisdn import BadMsisdn, parse_msisdn

_HOME = "NG"


def normal(text: str) -> str:
    """A mobile number in any form as international digits; anything else trimmed, in lower case.

    Meter numbers, e-mail addresses and magic values of providers' own sandboxes stay themselves.
    """
    try:
        return parse_msisdn(text, _HOME)
    except BadMsisdn:
        return re.sub(r"\s", "", text).lower()


def is_mobile(text: str) -> bool:
    try:
        parse_msisdn(text, _HOME)
    except BadMsisdn:
        return False
    return True
