"""Voucher codes: made from a cryptographic source, written so that people can read them out.

The alphabet has no 0 and O, 1, I and L, and no U: none of them is taken for another. Figures on
how hard a code is to guess: 10 of 30 are 49 bits, 8 are 39, 12 digits are 40.
"""

import os
import re
from collections.abc import Collection, Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from core.domain.hotspot import CodeStyle

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
DIGITS = "0123456789"
LENGTHS: Mapping[CodeStyle, int] = MappingProxyType(
    {CodeStyle.STANDARD: 10, CodeStyle.SHORT: 8, CodeStyle.DIGITS: 12}
)
CODE_CHARS_MAX = 24
_PREFIX = re.compile(r"[A-Z2-9]{0,8}")
_TYPED = re.compile(rf"[A-Z0-9]{{6,{CODE_CHARS_MAX}}}")
_LIKE_ONE = re.compile(rf"\b[A-Z0-9]{{8,{CODE_CHARS_MAX}}}\b", re.ASCII)
_WORD = re.compile(r"[^\W_]+(?:[\-\u2010-\u2015][^\W_]+)*")
_WORDS_MAX = 3  # of one code, with spaces between them
_HIDDEN = "*****"
_SHOWN_MAX = 5


def _table(alphabet: str) -> tuple[bytes, bytes]:
    """Bytes to letters, and the bytes to leave out so that each letter is as likely as any."""
    size = len(alphabet)
    fair = 256 // size * size
    letters = bytes(ord(alphabet[byte % size]) for byte in range(256))
    return letters, bytes(range(fair, 256))


_TABLES = {
    CodeStyle.STANDARD: _table(ALPHABET),
    CodeStyle.SHORT: _table(ALPHABET),
    CodeStyle.DIGITS: _table(DIGITS),
}


def new_codes(count: int, style: CodeStyle = CodeStyle.STANDARD, prefix: str = "") -> list[str]:
    """So many codes. Two alike are as unlikely as their length makes them: the store refuses one.

    Raises:
        ValueError: the prefix is not of up to eight capital letters and digits. It has no 0 and 1:
            what looks like one is a letter.
    """
    if not _PREFIX.fullmatch(prefix):
        raise ValueError("prefix")
    length = LENGTHS[style]
    letters, unfair = _TABLES[style]
    need, made = count * length, b""
    while len(made) < need:
        made += os.urandom((need - len(made)) * 9 // 8 + 16).translate(letters, unfair)
    text = made.decode("ascii")
    return [prefix + text[start : start + length] for start in range(0, need, length)]


def typed(text: str) -> str | None:
    """A code as people type it, in the form that is kept; None when it can be none.

    Nothing is read as another letter: a 0 for an O is simply not a code of ours.
    """
    plain = re.sub(r"[\s\-\u2010-\u2015]", "", text).upper()
    return plain if _TYPED.fullmatch(plain) else None


def login_link(login_url: str, code: str) -> str:
    """Logs in by itself where the hotspot takes http-pap; "" where the page is not known."""
    return f"{login_url}?{urlencode({'username': code, 'password': code})}" if login_url else ""


def head(code: str) -> str:
    """What lists may show of a code: half of it, five letters at most."""
    return code[: min(_SHOWN_MAX, len(code) // 2)]


def masked(start: str, length: int) -> str:
    """A code of that length in a list, by its head: `K7QM2*****`."""
    return start.ljust(length, "*")


def without_codes(text: str) -> str:
    """Somebody else's words without whatever may be a code, with a prefix of letters or not."""
    return _LIKE_ONE.sub(_HIDDEN, text)


def said_in(text: str) -> dict[tuple[int, int], str]:
    """Where in somebody's words may be codes, and which, as `typed` gives them."""
    words = [found.span() for found in _WORD.finditer(text)]
    runs = (
        (first[0], last[1])
        for many in range(_WORDS_MAX)
        for first, last in zip(words, words[many:], strict=False)
    )
    return {run: code for run in runs if (code := typed(text[slice(*run)]))}


def without(text: str, known: Collection[str]) -> str:
    """Somebody's words with these codes as lists show them."""
    begins = len(text)
    for (start, end), code in sorted(said_in(text).items(), reverse=True):
        if code in known and end <= begins:
            text = text[:start] + masked(head(code), len(code)) + text[end:]
            begins = start
    return text
