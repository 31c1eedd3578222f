"""Slips: a PIN or a one-time code that was written where others may read it.

Pure. What is meant is read from the words around a number: "my pin is 7391" is a slip, "send 5000
mtn", a phone's or a meter's number and the code of a gift are none.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

from core.kit.letters import plain

HIDDEN = "****"
"""Stands where a secret was."""

_SECRET_DIGITS = range(4, 7)
_NAME = (
    r"(?<![a-z0-9])"
    r"(?:my ?pin|p\.?i\.?n\.?|pin ?codes?|pass ?codes?|pass ?words?|codes?|otp|secrets?)"
)
_NAMES = re.compile(_NAME + r"(?![a-z])")
_GLUED_NAME = re.compile(_NAME + "$")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_GROUP = re.compile(r"\d+")
_BETWEEN_GROUPS = re.compile(r"[ .\-]{1,2}")
_LONE = re.compile(r"[\d\s.\-]+")
_ANY_SHORT = re.compile(r"\b\d{4,6}\b")
_WORDS_BETWEEN_MAX = 4
_LONG = 7  # a group of so many digits is a number by itself: a phone's, an account's
_MARKED_BEFORE = re.compile(r"(?:(?<![a-z])(?:n|ngn|naira)|[\u20a6$])\s?$|\d[,.]$|\*$")
_MARKED_AFTER = re.compile(
    r"^(?:,\d|\.\d|[*%]|\s?(?:k|m|naira|ngn|gb|mb|hours?|days?|hrs?)\b|[a-z])"
)
_ACTS = frozenset(
    [
        "send",
        "buy",
        "give",
        "get",
        "load",
        "recharge",
        "top",
        "topup",
        "vend",
        "fund",
        "withdraw",
        "pay",
        "deposit",
        "transfer",
    ]
)
_GOODS = frozenset(
    [
        "mtn",
        "glo",
        "airtel",
        "9mobile",
        "etisalat",
        "airtime",
        "card",
        "cards",
        "credit",
        "recharge",
        "data",
        "voucher",
        "units",
    ]
)
_NOT_A_PERSONS = frozenset(["recharge", "airtime", "scratch", "voucher", "gift", "network", "dial"])


def is_slip(text: str) -> bool:
    """Whether a secret stands in it beside its name."""
    return any(True for _ in _slips(_said(plain(text))))


def hidden(text: str) -> str:
    """The words without what may be a PIN or a code: digits alone, or beside the name of one."""
    kept = plain(text)
    digits = re.sub(r"\D", "", kept)
    if _LONE.fullmatch(kept.strip()) and len(digits) in _SECRET_DIGITS:
        return HIDDEN
    said = _said(kept)
    if not _NAMES.search(said):
        return text
    without = kept
    for start, end in sorted(_slips(said), reverse=True):
        without = without[:start] + HIDDEN + without[end:]
    without = _ANY_SHORT.sub(HIDDEN, without)
    return text if without == kept else without


def _said(kept: str) -> str:
    """Letter by letter as long as what `hidden` cuts from."""
    lower = "".join(letter.lower() if len(letter.lower()) == 1 else letter for letter in kept)
    return "".join(str(unicodedata.digit(each)) if each.isdigit() else each for each in lower)


def _slips(said: str) -> Iterator[tuple[int, int]]:
    """Where the secrets stand."""
    names = [match for match in _NAMES.finditer(said) if not _is_of_goods(said, match)]
    if not names:
        return
    for start, end in _numbers(said):
        if any(_belong(said, (name.start(), name.end()), (start, end)) for name in names):
            yield start, end


def _numbers(said: str) -> Iterator[tuple[int, int]]:
    """Runs of as many digits as a PIN or a code has; longer ones are numbers of something else."""
    groups = [match.span() for match in _GROUP.finditer(said)]
    for run in _runs(said, groups):
        whole = sum(end - start for start, end in run)
        if whole in _SECRET_DIGITS:
            yield from _unmarked(said, run[0][0], run[-1][1])
        elif whole < 2 * min(_SECRET_DIGITS):
            for start, end in run:
                if end - start in _SECRET_DIGITS:
                    yield from _unmarked(said, start, end)


def _runs(said: str, groups: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Groups that are written as one number: `0803 123 4567`, `7 3 9 1`."""
    run: list[tuple[int, int]] = []
    for start, end in groups:
        apart = run and not _BETWEEN_GROUPS.fullmatch(said[run[-1][1] : start])
        if run and (apart or _is_long(run[-1]) or _is_long((start, end))):
            yield run
            run = []
        run.append((start, end))
    if run:
        yield run


def _is_long(group: tuple[int, int]) -> bool:
    return group[1] - group[0] >= _LONG


def _unmarked(said: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The number, unless what stands beside it makes it an amount, or a part of a dial string."""
    before, after = said[:start], said[end:]
    if _MARKED_BEFORE.search(before) or _MARKED_AFTER.match(after):
        return
    if before[-1:].isalpha() and not _GLUED_NAME.search(before):
        return
    last, following = _WORD.findall(before)[-1:], _WORD.findall(after)[:1]
    if _ACTS.intersection(last) or _GOODS.intersection(following):
        return
    yield start, end


def _belong(said: str, name: tuple[int, int], number: tuple[int, int]) -> bool:
    """Whether a few words at most stand between them, and none that begins something else."""
    first, second = sorted((name, number))
    words = _WORD.findall(said[first[1] : second[0]])
    return len(words) <= _WORDS_BETWEEN_MAX and not _ACTS.intersection(words)


def _is_of_goods(said: str, name: re.Match[str]) -> bool:
    """The PIN of a recharge card and the code of a gift are for passing on."""
    before = _WORD.findall(said[: name.start()])[-2:]
    return bool(_NOT_A_PERSONS.intersection(before))
