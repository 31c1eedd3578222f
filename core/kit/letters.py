"""What was written by somebody: without signs that no text has, and as it is meant to be read."""

import unicodedata

_JOINER = "\u200d"
_SKINS = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
# Marks of direction: with them, words show in another order than that in which they stand.
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


# What shows as nothing. Letters and marks that are made to be blank; whole categories come beside.
_BLANK = frozenset(
    map(
        chr,
        (
            0x34F,
            *(0x115F, 0x1160, 0x3164, 0xFFA0),
            *range(0x17B4, 0x17B6),
            *range(0x180B, 0x1810),
            *range(0xFE00, 0xFE10),
            *range(0xE0100, 0xE01F0),
        ),
    )
)
_INVISIBLE = frozenset({"Cf", "Cs", "Co", "Cn", "Me"})


def plain(text: str) -> str:
    """What a reader takes it for: nothing that does not show, one form of each letter, 0 to 9.

    Whoever asks whether a PIN was written reads this, so that all take the same for one.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_plain, unicodedata.normalize("NFKC", text)))


def _plain(letter: str) -> str:
    if letter.isdecimal():
        return str(unicodedata.decimal(letter))
    category = unicodedata.category(letter)
    if category == "Cc":
        return " "
    return "" if category in _INVISIBLE or letter in _BLANK else letter


def readable(text: str) -> str:
    """Without control characters, but for ends of lines and tabs, and without halves of letters.

    Postgres refuses NUL, and half of a surrogate pair is in no UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(letter for letter in text if letter in "\n\t" or not _is_no_letter(letter))


def one_line(text: str) -> str:
    """As it was typed, emoji and all, on one line and without what turns the words after it."""
    composed = unicodedata.normalize("NFC", readable(text))
    kept = "".join(letter for letter in composed if letter not in _TURNING)
    return " ".join(kept.split())


def cut(text: str, most: int) -> str:
    """No more than so many letters, and none of them torn from its accents or its emoji."""
    end = most
    while 0 < end < len(text) and (_leans(text[end]) or text[end - 1] == _JOINER):
        end -= 1
    return text[:end].rstrip()


def _leans(letter: str) -> bool:
    """Whether it belongs to the letter before it."""
    return letter == _JOINER or letter in _SKINS or unicodedata.category(letter) in ("Mn", "Me")


def _is_no_letter(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")
