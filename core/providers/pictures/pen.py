"""What pictures have in common: letters, edges, and few colours.

The letters are those that Pillow brings along, Aileron by Tipografies (CC0): no file of a font has
to be found on the machine. It has the letters of Western Europe. What it has not is written with
the nearest letter it has; the naira sign is drawn, an N with two bars.
"""

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from core.providers.pictures.letters import NAIRA, in_letters_of

WIDTH: Final = 720
FINE: Final = 2  # all is drawn so many times larger, then made smaller: smooth edges
PAPER: Final = (255, 255, 255)
GREEN: Final = (11, 110, 79)
INK: Final = (22, 33, 40)
GREY: Final = (104, 118, 128)
GROUND: Final = (232, 237, 240)
RADIUS: Final = 28

_SIGN: Final = 1.16  # of a naira sign, beside the N in it
_COLOURS: Final = 64
_SEEN: Final = 28  # the size at which letters are looked for
_MISSING: Final = "\uffff"
_CUT: Final = ".."

Colour = tuple[int, int, int]
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Style:
    """How words look. `weight`: how many half pixels each stroke is thicker than the font's own."""

    size: int
    colour: Colour
    weight: int = 0


def centred(draw: ImageDraw.ImageDraw, at: Point, words: str, style: Style, room: float) -> None:
    """In smaller letters where there is no room for it, down to two thirds; then cut."""
    words = plain(words)
    size = style.size
    while size > style.size * 2 / 3 and length(words, _sized(style, size)) > room:
        size -= 2
    fit = _sized(style, size)
    words = fitting(words, fit, room)
    write(draw, (at[0] - length(words, fit) / 2, at[1]), words, fit)


def write(draw: ImageDraw.ImageDraw, at: Point, words: str, style: Style) -> float:
    """Write in the middle of a line that begins there; how long it is."""
    font, (x, y) = _font(style.size), at
    for place, run in enumerate(words.split(NAIRA)):
        if place:
            _naira(draw, (x, y), style)
            x += length(NAIRA, style)
        _letters(draw, (x, y), run, style)
        x += font.getlength(run) / FINE
    return x - at[0]


def _letters(draw: ImageDraw.ImageDraw, at: Point, words: str, style: Style) -> None:
    draw.text(
        (at[0] * FINE, at[1] * FINE),
        words,
        fill=style.colour,
        font=_font(style.size),
        anchor="lm",
        stroke_width=style.weight,
        stroke_fill=style.colour,
    )


def _naira(draw: ImageDraw.ImageDraw, at: Point, style: Style) -> None:
    """An N with two bars through it."""
    x, y = at
    wide, whole = length("N", style), length(NAIRA, style)
    side = (whole - wide) / 2
    _letters(draw, (x + side, y), "N", style)
    _, top, _, bottom = _font(style.size).getbbox("N", anchor="lm")
    thick = max(FINE, style.size * FINE // 20)
    for part in (0.4, 0.62):
        bar = y + (top + (bottom - top) * part) / FINE
        draw.line(box(x + 1, bar, x + whole - 1, bar), fill=style.colour, width=thick)


def length(words: str, style: Style) -> float:
    font, signs = _font(style.size), words.count(NAIRA)
    letters = float(font.getlength(words.replace(NAIRA, "")))
    return (letters + signs * _SIGN * float(font.getlength("N"))) / FINE


def _sized(style: Style, size: int) -> Style:
    return Style(size, style.colour, style.weight)


def fitting(words: str, style: Style, room: float) -> str:
    words = plain(words)
    if length(words, style) <= room:
        return words
    while words and length(words + _CUT, style) > room:
        words = words[:-1]
    return words.rstrip() + _CUT


def box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    return left * FINE, top * FINE, right * FINE, bottom * FINE


def _is_drawn(letter: str) -> bool:
    """Whether the font has it: it draws one and the same box for all that it has not."""
    if letter in {" ", NAIRA}:
        return True
    font = _font(_SEEN)
    return bytes(font.getmask(letter)) != bytes(font.getmask(_MISSING))


plain = in_letters_of(_is_drawn)


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont:
    """As large as it is drawn."""
    font = ImageFont.load_default(size * FINE)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's wheels bring FreeType
    return font


def png(picture: Image.Image, colours: int = _COLOURS) -> bytes:
    """Few colours are enough, and a fraction of the bytes."""
    few = picture.quantize(colours, dither=Image.Dither.NONE)
    out = io.BytesIO()
    few.save(out, "PNG", optimize=True)
    return out.getvalue()
