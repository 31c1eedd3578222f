"""Kinds of answer in the flows of gift rooms."""

import re
from collections.abc import Iterator, Sequence

from core.domain.gifts import (
    ANSWER_MAX,
    ANSWERS_MAX,
    CODE_LENGTH,
    CODE_LETTERS,
    MESSAGE_MAX,
    QUESTION_MAX,
    plain_code,
)
from core.engine.kinds import Kind, Locale, Scalar, text
from core.kit import gsm7
from core.kit.errors import Problem
from core.kit.letters import one_line
from core.kit.msisdn import Msisdn, is_of, parse_msisdn

HOURS_MIN, HOURS_MAX = 1, 7 * 24
LISTED_MAX = 100
"""Numbers that one room may be for."""

_ANSWERS_MIN = 2
_DURATION = re.compile(r"(\d{1,3})\s*([a-z]*)", re.IGNORECASE)
_HOUR, _DAY = "h", "d"
# A number is written in up to so many groups: `+234 803 123 4567`.
_GROUPS_MAX = 5
_BETWEEN_ANSWERS = re.compile(r"[,;/|]")
_APART = "\n"
WHO_LINES = 8


def _as_it_is(value: Scalar, _: Locale) -> str:
    return str(value)


def _not_typed(_: str, __: Locale) -> Scalar:
    raise TypeError("made by a service, never typed")


def _read_code(typed: str, _: Locale) -> str:
    kept = plain_code(typed)
    if len(kept) != CODE_LENGTH or set(kept) - set(CODE_LETTERS):
        raise Problem("gift.code_unreadable")
    return kept


def _read_hours(typed: str, _: Locale) -> int:
    """`2h`, `3 days`, `12 hours`; a bare number means hours."""
    found = _DURATION.fullmatch(typed.strip())
    unit = found.group(2).casefold()[:1] or _HOUR if found else ""
    if found is None or unit not in (_HOUR, _DAY):
        raise Problem("gift.time_unreadable")
    hours = int(found.group(1)) * (24 if unit == _DAY else 1)
    if not HOURS_MIN <= hours <= HOURS_MAX:
        raise Problem("gift.time_unreadable")
    return hours


def _show_hours(value: Scalar, _: Locale) -> str:
    hours = int(value or 0)
    days, left = divmod(hours, 24)
    return f"{days}d" if days and not left else f"{hours}h"


def _read_numbers(typed: str, locale: Locale) -> str:
    found: list[str] = []
    for piece in re.split(r"[,;\n]", typed):
        found += _numbers_in(piece.split(), locale.country)
    if not found:
        raise Problem("gift.numbers_unreadable")
    return joined(found)


def _numbers_in(groups: Sequence[str], country: str) -> Iterator[Msisdn]:
    """Numbers that stand one behind the other, each perhaps written in groups."""
    at = 0
    while at < len(groups):
        for upto in range(at + 1, min(at + _GROUPS_MAX, len(groups)) + 1):
            try:
                number = parse_msisdn(" ".join(groups[at:upto]), country)
            except Problem:
                continue
            if is_of(number, country):
                yield number
                at = upto
                break
        else:
            raise Problem("gift.numbers_unreadable")


def joined(numbers: Sequence[str]) -> str:
    """Several numbers as one answer, each once."""
    return " ".join(dict.fromkeys(numbers))


def _read_answers(typed: str, _: Locale) -> str:
    """Two that look alike on a handset are alike."""
    found = [kept for each in _BETWEEN_ANSWERS.split(typed) if (kept := one_line(each))]
    if not _ANSWERS_MIN <= len(found) <= ANSWERS_MAX:
        raise Problem("gift.answers_count", min=_ANSWERS_MIN, max=ANSWERS_MAX)
    plain = [gsm7.plain(each) for each in found]
    if any(len(each) > ANSWER_MAX for each in (*found, *plain)):
        raise Problem("text.too_long", max=ANSWER_MAX)
    if len({each.casefold() for each in plain}) < len(found):
        raise Problem("gift.answers_alike")
    return _APART.join(found)


def several(answers: Scalar) -> tuple[str, ...]:
    """The answers of a quiz as they were typed, one by one."""
    return tuple(each for each in str(answers or "").split(_APART) if each)


CODE = Kind(
    name="gift code",
    parse=_read_code,
    show=lambda value, _: f"{str(value)[:4]} {str(value)[4:]}",
    longest=CODE_LETTERS[-1] * CODE_LENGTH,
    sample=CODE_LETTERS,
    problems=("gift.code_unreadable",),
)
"""The code of a room, shown in two groups so that it can be read out."""

HOURS = Kind(
    name="hours",
    parse=_read_hours,
    show=_show_hours,
    longest=HOURS_MAX - 1,
    sample=24,
    problems=("gift.time_unreadable",),
)
"""From one hour to seven days, typed like `2h` or `3d`; kept in hours."""

NUMBERS = Kind(
    name="numbers",
    parse=_read_numbers,
    show=lambda value, _: str(len(str(value or "").split())),
    longest=joined([f"23480312{each:05d}" for each in range(LISTED_MAX)]),
    sample="2348031234567",
    problems=("gift.numbers_unreadable",),
)
"""Several mobile numbers of the country, in any local form; shown as how many they are."""

ANSWERS = Kind(
    name="quiz answers",
    parse=_read_answers,
    show=lambda value, _: ", ".join(several(value)),
    longest=_APART.join(letter * ANSWER_MAX for letter in "ABCD"),
    sample=_APART.join(("Lagos", "Abuja")),
    problems=("gift.answers_count", "gift.answers_alike", "text.too_long"),
)
"""Two to four answers, typed with commas between them."""

MESSAGE = text(MESSAGE_MAX)
QUESTION = text(QUESTION_MAX)
GIVER_MAX = 20
GIVER = text(GIVER_MAX)
SENTENCE = text(110)
"""Words that a function made of texts of the catalogue."""

WHAT = Kind(
    name="what a gift is",
    parse=_not_typed,
    show=_as_it_is,
    longest="\n".join(
        (
            "first come, random parts, wallet money. For 100 numbers of yours. Open for 167h.",
            "Lots are drawn when 999999 have joined, or at the end.",
            "You say: " + "M" * MESSAGE_MAX,
            "From " + "M" * GIVER_MAX,
        )
    ),
    sample="first come, random parts, wallet money. For anyone. Open for 1d.",
)
"""All that a gift is but for its quiz, in words of the catalogue, line by line."""

CHOICES = Kind(
    name="choices of a quiz",
    parse=_not_typed,
    show=_as_it_is,
    longest=", ".join(ANSWERS_MAX * ["M" * ANSWER_MAX]),
    sample="Lagos, Abuja",
)
ANSWER = text(ANSWER_MAX)

WHY = text(150)
"""Why something cannot be, and what can be done instead."""

DIAL = text(24)

LINK = Kind("link", _not_typed, _as_it_is, longest="https://x" + "m" * 90, sample="https://x.y/z")

WHO = Kind(
    name="who won",
    parse=_not_typed,
    show=_as_it_is,
    longest="\n".join(["0803****567 N100,000.00 airtime on its way"] * WHO_LINES),
    sample="0803****567 N500 got it",
)
"""Lines about people in a room, already in the customer's language."""
