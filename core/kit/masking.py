"""Takes secrets and whole mobile numbers out of whatever is about to be written down."""

import itertools
import re
import traceback
from collections.abc import Mapping
from enum import Enum, auto
from functools import lru_cache
from types import TracebackType

from core.kit.msisdn import masked

REDACTED = "[redacted]"

_HIDDEN_WORDS = (
    "pins?|otps?|puk|cvv|cvc|pan|tokens?|passwords?|passwd|passphrase|passcode|secrets?|credentials?"
    "|api[_-]?keys?|(?:private|public|secret|access)[_-]?keys?|authorization|cookies?|signature"
    "|(?:voucher|reset|one[_-]?time|scratch)[_-]?codes?|code_plain|typed|inputs?"
)
_SECRET_KEY = re.compile(rf"(?<![a-z])(?:{_HIDDEN_WORDS})(?![a-z])")
_NUMBER_KEYS = frozenset({"msisdn", "recipient", "phone", "phone_number", "to", "sender"})

# `pin=1234`, `"token": "ab c"`, `Authorization: Bearer abc`, also under longer names.
_PAIR = re.compile(
    rf"""(?<![a-z])((?:{_HIDDEN_WORDS})(?![a-z])[\w-]{{0,32}}["']?\s{{0,4}}[:=]\s{{0,4}}"""
    r"""(?:(?:bearer|basic)\s{1,4})?)"""
    r"""(?!\[redacted\])("[^"]*"|'[^']*'|[^\s,;&)}\]"']+)""",
    re.IGNORECASE,
)
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(://[^\s/:@]*:)[^\s/@]+@"), rf"\1{REDACTED}@"),  # a password in a URL
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/-]{6,}=*", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\b([sp]k_(?:live|test)_)\w+", re.IGNORECASE), rf"\1{REDACTED}"),
    (re.compile(r"\bbot\d+:[\w-]{20,}"), f"bot{REDACTED}"),
)
# Ten digits and more in a row, or in groups of three and four as people write numbers; not inside
# a word, so that references and UUIDs stay whole.
_LONG_DIGITS = re.compile(
    r"(?:(?<![A-Za-z0-9-])|(?<=%2[Bb]))\+?(?:\d{10,}|\d{3,4}(?:[ -]\d{3,4}){2,3})(?![A-Za-z0-9-])"
)
# One word: no pair, no URL, no bearer and no group of digits has room in it. Most values are one.
_WORD = re.compile(r"(?!.*(?:\d{10}|[sp]k_))[\w.]*", re.IGNORECASE)
_SHORT_DIGITS = re.compile(r"(?<![\w*-])\d{4,9}(?![\w*-])")
_FRAME = re.compile(r'[\s|+-]*File "[^"]*", line \d+')
_CODE_DIGITS_MIN = 4
_NUMBER_MIN = 10**10
_DEPTH_MAX = 6
_CHARS_MAX = 20_000

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Kind(Enum):
    PLAIN = auto()
    NUMBER = auto()
    SECRET = auto()
    CODE = auto()
    ERROR = auto()


def value_of(key: str, value: object, depth: int = 0) -> object:
    """What may be written under `key`: redacted by its name, masked by its content, however deep.

    What is no plain value is written as its text, since a renderer would do that without masking.
    """
    kind = _kind(key)
    if kind is _Kind.SECRET or (kind is _Kind.CODE and _looks_secret(value)):
        return REDACTED
    if kind is _Kind.NUMBER and isinstance(value, str | int):
        return masked(str(value))
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {message(str(value))}"
    if kind is _Kind.ERROR and isinstance(value, str):
        return _traceback(value)
    return _content(key, value, depth)


def text(written: str) -> str:
    """`written` without secrets and whole numbers, as far as their shape tells them; cut short."""
    if len(written) > _CHARS_MAX:
        written = written[:_CHARS_MAX] + " [cut]"
    elif _WORD.fullmatch(written):
        return written
    written = _PAIR.sub(rf"\1{REDACTED}", written)
    for shape, instead in _SHAPES:
        written = shape.sub(instead, written)
    return _LONG_DIGITS.sub(_mask_digits, written)


def message(written: str) -> str:
    """An exception's message, which may quote anything: four digits may be a PIN there."""
    return _SHORT_DIGITS.sub("****", text(written))


def exception(exc_info: ExcInfo) -> str:
    """A traceback whose frames are whole and whose messages are masked."""
    return _traceback("".join(traceback.format_exception(*exc_info)).rstrip("\n"))


def _traceback(written: str) -> str:
    """Frames keep their line numbers; what stands between two frames is masked as one message."""
    runs = itertools.groupby(written.split("\n"), key=lambda line: bool(_FRAME.match(line)))
    parts = ((is_frame, "\n".join(lines)) for is_frame, lines in runs)
    return "\n".join(part if is_frame else message(part) for is_frame, part in parts)


def _content(key: str, value: object, depth: int) -> object:
    if isinstance(value, str) and depth < _DEPTH_MAX:
        return text(str(value))
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return masked(str(value)) if abs(value) >= _NUMBER_MIN else value
    if depth >= _DEPTH_MAX:
        return "..."
    if isinstance(value, Mapping):
        return {text(str(k)): value_of(str(k), v, depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [value_of(key, item, depth + 1) for item in value]
    return text(str(value))


def _looks_secret(value: object) -> bool:
    """Under a bare `code`, three digits are a status; more are what a customer must type."""
    written = str(value)
    return written.isdigit() and len(written) >= _CODE_DIGITS_MIN


def _mask_digits(found: re.Match[str]) -> str:
    return masked(re.sub(r"\D", "", found.group()))


@lru_cache(maxsize=2048)
def _kind(key: str) -> _Kind:
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key).lower()
    if _SECRET_KEY.search(name):
        return _Kind.SECRET
    if name in _NUMBER_KEYS or name.endswith("msisdn"):
        return _Kind.NUMBER
    if name in {"error", "exception"}:
        return _Kind.ERROR
    return _Kind.CODE if name == "code" else _Kind.PLAIN
