"""A receipt as a PNG: a ticket on a soft ground, the amount first, then one line for each fact.

The letters are those that Pillow brings along, Aileron by Tipografies (CC0): no file of a font has
to be found on the machine. It has the letters of Western Europe. What it has not is written with
the nearest letter it has; the naira sign is drawn, an N with two bars.
"""

import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from core.ports.pictures import Receipt

_WIDTH: Final = 720
_MARGIN: Final = 32
_INSET: Final = 84  # of words, from the edge of the picture
_HEAD: Final = 128
_HERO: Final = 300  # from the head to where the ticket is torn
_LINE: Final = 66
_FOOT: Final = 112
_SIGN: Final = 1.16  # of a naira sign, beside the N in it
_RADIUS: Final = 28
_NOTCH: Final = 17
_FINE: Final = 2  # all is drawn so many times larger, then made smaller: smooth edges

_GROUND: Final = (232, 237, 240)
_PAPER: Final = (255, 255, 255)
_GREEN: Final = (11, 110, 79)
_MINT: Final = (222, 243, 234)
_INK: Final = (22, 33, 40)
_GREY: Final = (104, 118, 128)
_RULE: Final = (222, 228, 232)

_COLOURS: Final = 64
_NAIRA: Final = "\u20a6"
_MISSING: Final = "\uffff"
_ANY: Final = "?"
_CUT: Final = ".."

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Style:
    """How words look. `weight`: how many half pixels each stroke is thicker than the font's own."""

    size: int
    colour: Colour
    weight: int = 0


_SHOP: Final = _Style(38, _PAPER, 1)
_AMOUNT: Final = _Style(84, _INK, 3)
_TITLE: Final = _Style(31, _GREEN, 1)
_LABEL: Final = _Style(28, _GREY)
_VALUE: Final = _Style(30, _INK, 1)
_FOOTER: Final = _Style(24, _GREY)


class DrawnReceipts:
    """See `core.ports.pictures.Drawing`."""

    def receipt(self, receipt: Receipt) -> bytes:
        torn = _MARGIN + _HEAD + _HERO
        height = torn + 30 + _LINE * len(receipt.lines) + _FOOT + _MARGIN
        large = Image.new("RGB", (_WIDTH * _FINE, height * _FINE), _GROUND)
        draw = ImageDraw.Draw(large)
        _paper(draw, height, torn)
        middle, room = _WIDTH / 2, _WIDTH - 2 * _INSET
        _centred(draw, (middle, _MARGIN + _HEAD / 2), receipt.shop, _SHOP, room)
        hero = _MARGIN + _HEAD
        _centred(draw, (middle, hero + 184), receipt.amount, _AMOUNT, room)
        _centred(draw, (middle, hero + 254), receipt.title, _TITLE, room)
        _facts(draw, torn + 30, receipt.lines)
        _centred(draw, (middle, height - _MARGIN - _FOOT / 2), receipt.footer, _FOOTER, room)
        return _png(large.resize((_WIDTH, height), Image.Resampling.LANCZOS))


def _paper(draw: ImageDraw.ImageDraw, height: int, torn: int) -> None:
    """All that is no word: the ticket with its head, and the sign that all is well."""
    right, bottom = _WIDTH - _MARGIN, height - _MARGIN
    ticket = _box(_MARGIN, _MARGIN, right, bottom)
    draw.rounded_rectangle(ticket, _RADIUS * _FINE, fill=_PAPER)
    head = _box(_MARGIN, _MARGIN, right, _MARGIN + _HEAD)
    corners = (True, True, False, False)
    draw.rounded_rectangle(head, _RADIUS * _FINE, fill=_GREEN, corners=corners)
    for x in (_MARGIN, right):
        draw.ellipse(_box(x - _NOTCH, torn - _NOTCH, x + _NOTCH, torn + _NOTCH), fill=_GROUND)
    for x in range(_MARGIN + 34, right - 34, 16):
        draw.rounded_rectangle(_box(x, torn - 1.5, x + 8, torn + 1.5), 1.5 * _FINE, fill=_RULE)
    _tick(draw, _WIDTH / 2, _MARGIN + _HEAD + 78)


def _tick(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    draw.ellipse(_box(x - 46, y - 46, x + 46, y + 46), fill=_MINT)
    ends = ((x - 20, y + 1), (x - 6, y + 16), (x + 21, y - 15))
    line = [(a * _FINE, b * _FINE) for a, b in ends]
    draw.line(line, fill=_GREEN, width=8 * _FINE, joint="curve")
    for a, b in (ends[0], ends[2]):
        draw.ellipse(_box(a - 4, b - 4, a + 4, b + 4), fill=_GREEN)


def _box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    return left * _FINE, top * _FINE, right * _FINE, bottom * _FINE


def _facts(draw: ImageDraw.ImageDraw, top: float, lines: Sequence[tuple[str, str]]) -> None:
    """A label on the left, what it says on the right, and a hair between one and the next."""
    left, right = _INSET, _WIDTH - _INSET
    for place, (label, value) in enumerate(lines):
        y = top + _LINE * (place + 0.5)
        taken = _write(draw, (left, y), _fitting(label, _LABEL, (right - left) * 0.4), _LABEL)
        words = _fitting(value, _VALUE, right - left - taken - 24)
        _write(draw, (right - _length(words, _VALUE), y), words, _VALUE)
        if place + 1 < len(lines):
            edge = top + _LINE * (place + 1)
            draw.line(_box(left, edge, right, edge), fill=_RULE, width=_FINE)


def _centred(draw: ImageDraw.ImageDraw, at: Point, words: str, style: _Style, room: float) -> None:
    """In smaller letters where there is no room for it, down to two thirds; then cut."""
    words = _plain(words)
    size = style.size
    while size > style.size * 2 / 3 and _length(words, _sized(style, size)) > room:
        size -= 2
    fit = _sized(style, size)
    words = _fitting(words, fit, room)
    _write(draw, (at[0] - _length(words, fit) / 2, at[1]), words, fit)


def _write(draw: ImageDraw.ImageDraw, at: Point, words: str, style: _Style) -> float:
    """Write in the middle of a line that begins there; how long it is."""
    font, (x, y) = _font(style.size), at
    for place, run in enumerate(words.split(_NAIRA)):
        if place:
            _naira(draw, (x, y), style)
            x += _length(_NAIRA, style)
        _letters(draw, (x, y), run, style)
        x += font.getlength(run) / _FINE
    return x - at[0]


def _letters(draw: ImageDraw.ImageDraw, at: Point, words: str, style: _Style) -> None:
    draw.text(
        (at[0] * _FINE, at[1] * _FINE),
        words,
        fill=style.colour,
        font=_font(style.size),
        anchor="lm",
        stroke_width=style.weight,
        stroke_fill=style.colour,
    )


def _naira(draw: ImageDraw.ImageDraw, at: Point, style: _Style) -> None:
    """An N with two bars through it."""
    x, y = at
    wide, whole = _length("N", style), _length(_NAIRA, style)
    side = (whole - wide) / 2
    _letters(draw, (x + side, y), "N", style)
    _, top, _, bottom = _font(style.size).getbbox("N", anchor="lm")
    thick = max(_FINE, style.size * _FINE // 20)
    for part in (0.4, 0.62):
        bar = y + (top + (bottom - top) * part) / _FINE
        draw.line(_box(x + 1, bar, x + whole - 1, bar), fill=style.colour, width=thick)


def _length(words: str, style: _Style) -> float:
    font, signs = _font(style.size), words.count(_NAIRA)
    letters = float(font.getlength(words.replace(_NAIRA, "")))
    return (letters + signs * _SIGN * float(font.getlength("N"))) / _FINE


def _sized(style: _Style, size: int) -> _Style:
    return _Style(size, style.colour, style.weight)


def _fitting(words: str, style: _Style, room: float) -> str:
    words = _plain(words)
    if _length(words, style) <= room:
        return words
    while words and _length(words + _CUT, style) > room:
        words = words[:-1]
    return words.rstrip() + _CUT


def _plain(words: str) -> str:
    """In letters that the font has."""
    return "".join(_letter(letter) for letter in words)


@lru_cache(maxsize=1024)
def _letter(letter: str) -> str:
    if letter == _NAIRA or _is_drawn(letter):
        return letter
    bare = "".join(
        part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)
    )
    if bare and all(map(_is_drawn, bare)):
        return bare
    return "" if unicodedata.combining(letter) or not letter.isprintable() else _ANY


def _is_drawn(letter: str) -> bool:
    """Whether the font has it: it draws one and the same box for all that it has not."""
    if letter == " ":
        return True
    font = _font(_LABEL.size)
    return bytes(font.getmask(letter)) != bytes(font.getmask(_MISSING))


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """As large as it is drawn."""
    font = ImageFont.load_default(size * _FINE)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels bring FreeType
    return font


def _png(picture: Image.Image) -> bytes:
    """Few colours are enough, and a fraction of the bytes."""
    few = picture.quantize(_COLOURS, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()
