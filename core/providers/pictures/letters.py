"""Words in the letters that a font has."""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

NAIRA: Final = "\u20a6"
_ANY: Final = "?"

# Marks on the letter before them, and signs of no width.
_UNSEEN: Final = {"Mn", "Me", "Cf", "Cc"}


def in_letters_of(has: Callable[[str], bool]) -> Callable[[str], str]:
    """Writes words with the nearest letters that a font has; `has` tells which.

    A letter that it has nothing near for is a `?`, and a picture is left out.
    """

    @lru_cache(maxsize=1024)
    def nearest(letter: str) -> str:
        if unicodedata.category(letter) in _UNSEEN:
            return ""
        if has(letter):
            return letter
        parts = unicodedata.normalize("NFKD", letter)
        bare = "".join(part for part in parts if not unicodedata.combining(part))
        if bare and all(map(has, bare)):
            return bare
        return _ANY if unicodedata.category(letter).startswith("L") else ""

    def written(words: str) -> str:
        drawn = "".join(map(nearest, unicodedata.normalize("NFC", words)))
        return words if drawn == words else " ".join(drawn.split())

    return written
