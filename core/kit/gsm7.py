"""The GSM 7-bit alphabet: what a USSD screen or an SMS may hold, and what it costs.

Source: 3GPP TS 23.038 section 6.2.1, default alphabet and its extension table.
"""

import re
import unicodedata

_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = "\f^{}\\[~]|€"
_LETTERS = frozenset(_BASIC + _EXTENDED)

# Signs that people paste or that libraries write, in the nearest letters that every handset has.
_PLAIN = str.maketrans(
    {
        "\u20a6": "N",  # naira
        "\u20b5": "GHS",  # cedi
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2026": "...",
        "\u2022": "-",
        "\u00a0": " ",
        "\u202f": " ",
        "`": "'",
        "\t": " ",
        # Hausa's hooked letters, and others that Unicode does not take apart.
        "\u0253": "b",
        "\u0181": "B",
        "\u0257": "d",
        "\u018a": "D",
        "\u0199": "k",
        "\u0198": "K",
        "\u01b4": "y",
        "\u01b3": "Y",
        "\u014b": "n",
        "\u014a": "N",
    }
)

# Pictures, and what changes their look. Beside words they say nothing that the words do not.
_PICTURES = {"So", "Sk"}
_LEFT_BEHIND = re.compile(r" (?= )| +(?=\n|$)")

# Marks that combine with the letter before them, and signs of no width.
_UNSEEN = {"Mn", "Me", "Cf"}


def septets(text: str) -> int | None:
    """What `text` costs in 7-bit units, or None when the alphabet lacks one of its letters."""
    if not _LETTERS.issuperset(text):
        return None
    return len(text) + sum(map(text.count, _EXTENDED))


def plain(text: str) -> str:
    """`text` with the signs that no handset shows written in letters that all do.

    An accent that the alphabet lacks is left off (`Adébáyọ̀` reads `Adébayo`), and so is an emoji.
    A letter that has no plain form becomes `?`: one foreign sign would turn the whole screen to
    UCS-2 and halve its room.
    """
    if _LETTERS.issuperset(text):
        return text
    composed = unicodedata.normalize("NFC", text).translate(_PLAIN)
    written = "".join(map(_plain_letter, composed))
    if any(map(_is_picture, composed)):
        return _LEFT_BEHIND.sub("", written)
    return written


def foreign(text: str) -> str:
    """The signs of a text that no handset shows, and that have no plain form either."""
    return "".join(
        sign for sign in text if sign not in _LETTERS and (plain(sign) == "?" or _is_picture(sign))
    )


def _is_picture(sign: str) -> bool:
    return sign not in _LETTERS and unicodedata.category(sign) in _PICTURES


def _plain_letter(letter: str) -> str:
    if letter in _LETTERS:
        return letter
    if unicodedata.category(letter) in _UNSEEN or _is_picture(letter):
        return ""
    base = unicodedata.normalize("NFD", letter)[0]
    return base if base in _LETTERS else "?"
