"""Whole talks as files that a person reads; what differs from run to run is written alike."""

import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from core.kit import gsm7
from tests.fakes.phone import SEPTETS_MAX
from tests.fakes.world import NEW_PIN, PIN, WRONG_PIN, Caller, Message, Turn

_PINS = {PIN: "(the PIN)", NEW_PIN: "(a new PIN)", WRONG_PIN: "(a wrong PIN)"}
_REFERENCE = "7K2M9QX4TB"
_FUND_REFERENCE = "CB3N8WTH5RQ2Y7KD4V"
# Numbers, codes and links keep their length, so that the counts are those of the real screens.
_ALIKE = (
    (re.compile(r"\b(Ref )CB[0-9A-Z]{16}\b"), rf"\g<1>{_FUND_REFERENCE}"),
    (re.compile(r"\b(Ref )[0-9A-Z]{10}\b"), rf"\g<1>{_REFERENCE}"),
    (re.compile(r"(?<!Ref )\b[2-9A-HJKMNP-TV-Z]{10}\b"), "K7QM2XV9TA"),
    (re.compile(r"\b[2-9A-HJKMNP-TV-Z]{5}(?=\.\. )"), "K7QM2"),
    (re.compile(r"\b[0-9]{2}:[0-9]{2}\b"), "14:02"),
    (re.compile(r"https?://\S+"), "https://pay.example/7k2m9qx4tb"),
    (re.compile(r"\b[0-9]{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"), "21 Nov"),
    (re.compile(r"^[0-9]{6} is your"), "048291 is your"),
    (re.compile(r"\*9\*[2-9]{8}#"), "*9*23456789#"),
    (re.compile(r"\*9\*[2-9]{8}\b"), "*9*23456789"),
    (re.compile(r"\b[2-9]{4} [2-9]{4}\b"), "2345 6789"),
    (re.compile(r"\*{4}[0-9]{3}\b"), "****561"),
)
# What ends within the hour ends tomorrow when it is tried shortly before midnight.
_TOMORROW = re.compile(r"\bby [0-9]{1,2} [A-Z][a-z]{2}, (?=[0-9]{2}:[0-9]{2}\b)")


@dataclass(frozen=True)
class Golden:
    folder: Path
    update: bool

    def holds(self, name: str, caller: Caller, *others: str) -> None:
        """Compare what the customer saw with the file; `others` are numbers in it besides."""
        seen = _written(caller, others)
        path = self.folder / f"{name}.txt"
        if self.update:
            path.write_text(seen)
        assert path.exists(), f"no {path.name} yet: run pytest --update"
        assert seen == path.read_text()


def _written(caller: Caller, others: tuple[str, ...]) -> str:
    parts, before = [], ("", "")
    for entry in caller.log:
        if isinstance(entry, Message):
            parts.append(f"== SMS\n{entry.text}\n")
            continue
        said = _TOMORROW.sub("by ", entry.raw[4:])
        ends = ", and the session ends" if entry.raw.startswith("END ") else ""
        parts.append(
            f"== {_typed(caller, before, entry)}\n{said}\n"
            f"-- {gsm7.septets(said)} of {SEPTETS_MAX}{ends}\n"
        )
        before = (entry.session, entry.text)
    return _alike("\n".join(parts), [caller.number, *others])


def _typed(caller: Caller, before: tuple[str, str], turn: Turn) -> str:
    session, text = before
    if turn.session != session:
        along = f"*{turn.text}" if turn.text else ""
        return f"dials {caller.service_code.removesuffix('#')}{along}#"
    if turn.text == text:
        return "(the same request again)"
    typed = turn.text[len(text) :].removeprefix("*") if text else turn.text
    return f"types {_PINS.get(typed) or _code(typed)}"


def _code(typed: str) -> str:
    return "(the code)" if re.fullmatch("[0-9]{6}", typed) else typed


def _alike(text: str, numbers: list[str]) -> str:
    for place, number in zip(itertools.count(1), numbers):
        text = text.replace(number, f"{number[:4]}123456{place}")
    lines = text.split("\n")
    for pattern, instead in _ALIKE:
        lines = [pattern.sub(instead, line) for line in lines]
    return "\n".join(lines)
