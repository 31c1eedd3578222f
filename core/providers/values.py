"""Reading what others send without ever raising, and the settings that every adapter has."""

import re
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated, Protocol

from pydantic import AfterValidator, Field, SecretStr

from core.kit.letters import readable
from core.kit.money import Money, decimals

_WORDS_MAX = 4096
_NUMBER = re.compile(r"\d{1,12}(\.\d{1,8})?", re.ASCII)


class Closing(Protocol):
    """It has connections of its own; whoever built it closes it."""

    async def aclose(self) -> None: ...


def _base_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
        raise ValueError("should be like https://host/path")
    return text.rstrip("/")


def _header_safe(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not (text.isascii() and (text.isprintable() or not text)):
        raise ValueError("holds characters that no credential has")
    return SecretStr(text)


BaseUrl = Annotated[str, AfterValidator(_base_url)]
"""Where a party is reached, without a slash at the end."""

Credential = Annotated[SecretStr, AfterValidator(_header_safe)]
"""A key or password. Space around it, a slip of pasting, is dropped."""

NO_ENVIRONMENT: Mapping[str, str] = {"_env_prefix": "CALLBOX_READS_NOTHING_"}
"""Laid beside the given settings of an adapter, it keeps the environment out of them: our own keys
must not fill the gaps of settings that somebody else wrote."""

TimeoutS = Annotated[float, Field(ge=5, le=120)]


def member(value: object, *names: str) -> object:
    """What lies in nested objects under `names`, or None where the way ends."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def word(value: object) -> str | None:
    """A text of one line and sane length, without space around it; else None."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    return text if text.isprintable() and 0 < len(text) <= 200 else None  # noqa: PLR2004 - sane


def words(value: object) -> str:
    """What a person wrote, without space around it and signs that no text has; "" for nothing.

    At most as much as the longest message of a chat holds.
    """
    return readable(value[:_WORDS_MAX]).strip() if isinstance(value, str) else ""


def whole(value: object) -> int | None:
    """A whole number of at most eighteen digits, not below zero, as a number or as digits."""
    if isinstance(value, bool):
        return None
    text = str(value) if isinstance(value, int | str) else ""
    return int(text) if re.fullmatch(r"\d{1,18}", text, re.ASCII) else None


def major(value: object, currency: str) -> Money | None:
    """An amount in major units, as a number or as digits, rounded to the minor unit.

    Others compute with fractions of a kobo (a commission in percent). What is negative, huge or
    written in any other way is None.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    if not _NUMBER.fullmatch(text):
        return None
    scaled = Decimal(text).scaleb(decimals(currency))
    return Money(int(scaled.quantize(Decimal(1), ROUND_HALF_EVEN)), currency)


def header(headers: Mapping[str, str], name: str) -> str | None:
    """A header by its name in lower case, however the sender wrote it."""
    return next((value for key, value in headers.items() if key.lower() == name), None)
