"""Reading what a customer typed: which option, which navigation key, or words. Never fails."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.domain.turns import Press, Said, Shared, Unlock
from core.engine.conversation import Offered
from core.kit.letters import plain

TYPED_MAX = 200
"""Letters of an answer that are looked at. USSD carries fewer, and no question needs more."""

_NUMBER = re.compile(r"[\W_]*(\d{1,3})[\W_]*", re.ASCII)
# Those that people are given have 8 letters and more, of which one may be left out, and are no
# phone's number.
_CODE = re.compile(
    r"[1-9](?:[ -]?\d){6,11}|(?=\D*\d)(?=[\d-]*[a-z])[a-z\d-]{7,16}",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Typed:
    """An answer in words.

    Attributes:
        text: Without invisible signs, with all digits as 0 to 9.
        number: `1` of `1`, `1.`, `(1)` and the like; else "".
        word: Its letters and digits alone, in lower case: what labels are compared by.
    """

    text: str = field(repr=False)
    number: str = field(repr=False)
    word: str = field(repr=False)


def heard(said: Said) -> str:
    """What was said, as if it had been typed. A secret that came by its own way says nothing."""
    match said:
        case Press():
            return said.key
        case Shared():
            return "+" + said.msisdn
        case Unlock():
            return ""
        case _:
            return said


def read(text: str) -> Typed:
    cleaned = plain(text[:TYPED_MAX]).strip()
    number = _NUMBER.fullmatch(cleaned)
    return Typed(cleaned, number.group(1) if number else "", word(cleaned))


def word(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def is_code(typed: Typed) -> bool:
    """It looks like something that was given to be typed, and is no option, amount or number."""
    return _CODE.fullmatch(typed.text) is not None


def chosen(
    typed: Typed, shown: Sequence[Offered], keywords: Mapping[str, Iterable[str]]
) -> Offered | None:
    """The option meant: by its number as shown, its label, both, or a keyword of its own."""
    if typed.number:
        place = int(typed.number) - 1
        if 0 <= place < len(shown):
            return shown[place]
    if not typed.word:
        return None
    for number, offered in enumerate(shown, start=1):
        label = word(offered.label)
        if label and typed.word in (label, f"{number}{label}"):
            return offered
    for offered in shown:
        words = keywords.get(offered.key, ()) if offered.fixed else ()
        if typed.word in map(word, words):
            return offered
    return None


def naming(typed: Typed, shown: Sequence[Offered]) -> Sequence[Offered]:
    """The listed options whose labels hold all the words that were typed: `1gb` of `1GB daily`."""
    words = set(_words(typed.text))
    listed = [offered for offered in shown if not offered.fixed]
    return [offered for offered in listed if words and words <= set(_words(offered.label))]


def _words(text: str) -> Sequence[str]:
    return [each for each in map(word, text.split()) if each]
