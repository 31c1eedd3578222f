"""What was written by somebody, without the signs that no text has and no store takes."""

import unicodedata


def readable(text: str) -> str:
    """Without control characters, but for ends of lines and tabs, and without halves of letters.

    Postgres refuses NUL, and half of a surrogate pair is in no UTF-8.
    """
    if text.isprintable():
        return text
    return "".join(letter for letter in text if letter in "\n\t" or not _is_no_letter(letter))


def _is_no_letter(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")
