"""Good morning, by name."""

import datetime as dt
import unicodedata
from zoneinfo import ZoneInfo

from core.engine.kinds import Locale
from core.kit.texts import Texts

_NAME_MAX = 20
_NOON, _EVENING = 12, 17
_EMOJI_MARKS = "\ufe0e\ufe0f\u20e3"


def greeting(texts: Texts, locale: Locale, name: str, now: dt.datetime) -> str:
    """A line for somebody who comes in, by the hour where they are, and by first name if known."""
    hour = now.astimezone(ZoneInfo(locale.time_zone)).hour
    part = "morning" if hour < _NOON else "afternoon" if hour < _EVENING else "evening"
    called = first_name(name)
    key = f"greeting.{part}" if called else f"greeting.{part}.unnamed"
    return texts.get(locale.language, key, **({"name": called} if called else {}))


def first_name(name: str) -> str:
    """The first word of a profile's name, if it is one: anything can stand in a profile."""
    unadorned = "".join(letter for letter in name if not _is_adornment(letter))
    word = (unadorned.split() or [""])[0]
    plain = "".join(letter for letter in word if unicodedata.category(letter)[0] in "LM")
    return plain if plain and plain == word.strip(".,!-'") and len(plain) <= _NAME_MAX else ""


def _is_adornment(letter: str) -> bool:
    """Emoji and what belongs to them."""
    return unicodedata.category(letter) in {"So", "Sk", "Cf"} or letter in _EMOJI_MARKS
