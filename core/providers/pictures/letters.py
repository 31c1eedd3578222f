"""Words in the letters that a font has."""

import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Final

NAIRA: Final = "\u20a6"
_ANY: Final = "?"


def in_letters_of(has: Callable[[str], bool]) -> Callable[[str], str]:
    """Writes words with the nearest letters that a font has; `has` tells which."""

    @lru_cache(maxsize=1024)
    def nearest(letter: str) -> str:
        if has(letter):
            return letter
        parts = unicodedata.normalize("NFKD", letter)
        bare = "".join(part for part in parts if not unicodedata.combining(part))
        if bare and all(map(has, bare)):
            return bare
        return "" if unicodedata.combining(letter) or not letter.isprintable() else _ANY

    return lambda words: "".join(map(nearest, words))
