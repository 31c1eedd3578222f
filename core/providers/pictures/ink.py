"""Words and QR codes on a page of a PDF. Lengths are in points, y grows upwards.

The letters are Bitstream Vera, which reportlab brings along, embedded in the file: no font has to
be on the machine or in the printer. It has the letters of Western Europe. What it has not is
written with the nearest letter it has; the naira sign is drawn, an N with two bars.
"""

from functools import cache
from pathlib import Path
from typing import Final

import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from core.providers.pictures.letters import NAIRA, in_letters_of
from core.providers.pictures.qr import qr_of

PLAIN: Final = "Vera"
BOLD: Final = "VeraBd"

_FONTS: Final = Path(reportlab.__file__).parent / "fonts"
_CUT: Final = ".."
_SIGN: Final = 1.14  # of a naira sign, beside the N in it
_CAP: Final = 0.73  # how high a capital is, of the size
_SMALLEST: Final = 2 / 3
_APART: Final = 0.09


@cache
def fonts_ready() -> None:
    """Read them, once in a process."""
    for name in (PLAIN, BOLD):
        pdfmetrics.registerFont(TTFont(name, str(_FONTS / f"{name}.ttf")))


def _has(letter: str) -> bool:
    font = pdfmetrics.getFont(PLAIN)
    assert isinstance(font, TTFont)
    return letter == NAIRA or ord(letter) in font.face.charToGlyph


plain = in_letters_of(_has)


def width(words: str, font: str, size: float) -> float:
    signs = words.count(NAIRA)
    letters = pdfmetrics.stringWidth(words.replace(NAIRA, ""), font, size)
    return letters + signs * _SIGN * pdfmetrics.stringWidth("N", font, size)


def write(
    page: Canvas, at: tuple[float, float], words: str, font: str, size: float, room: float
) -> float:
    """Write on a line that begins there; in smaller letters where there is no room, then cut.

    Answers how long it came out.
    """
    words = plain(words)
    whole = width(words, font, size)
    if whole > room:
        size = max(size * _SMALLEST, size * room / whole)
        words = _fitting(words, font, size, room)
    x, y = at
    for place, run in enumerate(words.split(NAIRA)):
        if place:
            x += _naira(page, (x, y), font, size)
        page.setFont(font, size)
        page.drawString(x, y, run)
        x += pdfmetrics.stringWidth(run, font, size)
    return x - at[0]


def write_right(
    page: Canvas, at: tuple[float, float], words: str, font: str, size: float, room: float
) -> float:
    """The same on a line that ends there."""
    long = min(width(plain(words), font, size), room)
    return write(page, (at[0] - long, at[1]), words, font, size, room)


def write_centred(
    page: Canvas, at: tuple[float, float], words: str, font: str, size: float, room: float
) -> None:
    """The same around there."""
    long = min(width(plain(words), font, size), room)
    write(page, (at[0] - long / 2, at[1]), words, font, size, room)


def write_code(page: Canvas, at: tuple[float, float], code: str, size: float, room: float) -> None:
    """A code in the middle of a line around there, its letters apart from each other."""
    whole = _spaced(code, size)
    if whole > room:
        size *= room / whole
    page.setFont(BOLD, size)
    left = at[0] - (_spaced(code, size) - size * _APART) / 2
    page.drawString(left, at[1] - size * _CAP / 2, code, charSpace=size * _APART)


def _spaced(code: str, size: float) -> float:
    return pdfmetrics.stringWidth(code, BOLD, size) + size * _APART * len(code)


def draw_qr(page: Canvas, corner: tuple[float, float], side: float, text: str) -> None:
    """A QR code, its lower left corner there. The white around it is for the caller to leave."""
    qr = qr_of(text)
    module = side / qr.size
    path = page.beginPath()
    for run in qr.runs:
        path.rect(
            corner[0] + run.column * module,
            corner[1] + (qr.size - 1 - run.row) * module,
            run.length * module,
            module,
        )
    page.drawPath(path, stroke=0, fill=1)


def _naira(page: Canvas, at: tuple[float, float], font: str, size: float) -> float:
    """An N with two bars through it; how wide it is."""
    x, y = at
    wide = pdfmetrics.stringWidth("N", font, size)
    whole = _SIGN * wide
    page.setFont(font, size)
    page.drawString(x + (whole - wide) / 2, y, "N")
    page.setLineWidth(size / 22)
    for part in (0.38, 0.62):
        bar = y + size * _CAP * part
        page.line(x, bar, x + whole, bar)
    return whole


def _fitting(words: str, font: str, size: float, room: float) -> str:
    if width(words, font, size) <= room + size / 100:
        return words
    while words and width(words + _CUT, font, size) > room:
        words = words[:-1]
    return words.rstrip() + _CUT
