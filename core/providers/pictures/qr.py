"""QR codes as rows of dark runs, to be drawn by whoever draws. Level M: a seventh may be dirty."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import segno

QUIET: Final = 4
"""How many modules of white must be around one (ISO/IEC 18004)."""


@dataclass(frozen=True, slots=True)
class Run:
    """Dark modules side by side, counted from the upper left corner."""

    row: int
    column: int
    length: int


@dataclass(frozen=True, slots=True)
class Qr:
    """`size` is in modules, without the white around."""

    size: int
    runs: tuple[Run, ...]


def qr_of(text: str) -> Qr:
    """The QR code of a text."""
    rows = segno.make_qr(text, error="m").matrix
    runs = (run for number, row in enumerate(rows) for run in _runs(number, row))
    return Qr(len(rows), tuple(runs))


def _runs(number: int, row: bytearray) -> Iterator[Run]:
    column = 0
    for dark, modules in groupby(row):
        count = len(tuple(modules))
        if dark:
            yield Run(number, column, count)
        column += count
