"""What payment gateways' adapters read in the same way: strictly, or not at all. Pure."""

import datetime as dt
import hmac
import re
from collections.abc import Iterable

from core.kit.money import Money, from_major
from core.ports import BadCallback, BankAccount, Checkout
from core.providers.http import REPLY_BYTES_MAX, read_json
from core.providers.values import word

_REFERENCE = re.compile(r"[0-9A-Za-z.=-]{1,100}", re.ASCII)
_URL = re.compile(r"https?://[^\s\"'<>]{1,1500}", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{10}", re.ASCII)
_MINOR_BOUND = 10**15


def read_url(value: object) -> Checkout | None:
    """The page that an answer names; nothing but a web address is one."""
    return Checkout(value) if isinstance(value, str) and _URL.fullmatch(value) else None


def read_references(value: object, gateway: str) -> tuple[str, ...]:
    """The reference that a webhook names, where it could be one of ours.

    An account may collect for others too, whose references look as they like.

    Raises:
        BadCallback: it is no text at all.
    """
    if not isinstance(value, str):
        raise BadCallback(f"{gateway}: names no reference")
    return (value,) if _REFERENCE.fullmatch(value) else ()


def read_currency(value: object) -> str | None:
    return value if isinstance(value, str) and _CURRENCY.fullmatch(value) else None


def read_major(value: object, currency: str) -> Money | None:
    """An amount in major units that arrived: more than nothing, no finer than the minor unit.

    Rounding would credit what was not paid, so an amount that needs it is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return plausible(from_major(str(value), currency))
    except ValueError:
        return None


def plausible(amount: Money) -> Money | None:
    """The amount where a payment may be of it: above nothing, below any bank's ceiling."""
    return amount if 0 < amount.minor < _MINOR_BOUND else None


def read_fee(fee: Money | None, amount: Money) -> Money | None:
    """A fee that can be kept from `amount`: in its currency, and not above it."""
    if fee is None or fee.currency != amount.currency or not 0 <= fee.minor <= amount.minor:
        return None
    return fee


def read_bank_account(
    reference: object, number: object, bank: object, name: object, expires_at: object = None
) -> BankAccount | None:
    """An account that customers can pay into; None where anything that they need is missing."""
    digits, known_by = word(number) or "", str(reference) if reference else ""
    bank_name, holder = word(bank), word(name)
    if not (_ACCOUNT.fullmatch(digits) and _REFERENCE.fullmatch(known_by) and bank_name and holder):
        return None
    return BankAccount(known_by, digits, bank_name, holder, read_moment(expires_at))


def wants_identity(message: object) -> bool:
    """Whether a gateway's refusal asks for a bank or national identity number."""
    words = set(re.findall(r"[a-z]+", (word(message) or "").lower()))
    return bool(words & {"bvn", "nin"})


def read_moment(value: object) -> dt.datetime | None:
    """RFC 3339 with an offset; what has none could be any hour."""
    text = word(value)
    try:
        at = dt.datetime.fromisoformat(text) if text else None
        return at.astimezone(dt.UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def read_event(body: bytes, gateway: str) -> dict[str, object]:
    """The JSON object of a webhook whose signature held.

    Raises:
        BadCallback: it is none.
    """
    document = read_json(body) if len(body) <= REPLY_BYTES_MAX else None
    if not isinstance(document, dict):
        raise BadCallback(f"{gateway}: not a JSON object")
    return document


def matches(given: Iterable[str], expected: Iterable[str]) -> bool:
    """Whether any signature given is any one expected, in a time that tells nothing of either."""
    wanted = [text.encode() for text in expected]
    found = False
    for text in given:
        for want in wanted:
            found |= hmac.compare_digest(text.encode(), want)
    return found
