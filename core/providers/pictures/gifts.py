"""Gifts as PNG: a parcel on a marigold ground, for previews of links; and how a gift ended."""

import math
from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

from core.ports.pictures import GiftCard, GiftResult
from core.providers.pictures.pen import (
    FINE,
    Colour,
    Point,
    Style,
    box,
    centred,
    fitting,
    length,
    plain,
    png,
    write,
)

_WIDTH: Final = 1200
_HEIGHT: Final = 630
_SQUARE: Final = 1080
_COLOURS: Final = 96
_QUIET: Final = 320
_EDGE: Final = 96

_GROUND: Final = (247, 198, 90)
_RAYS: Final = (250, 208, 116)
_RED: Final = (193, 53, 29)
_DARK: Final = (150, 36, 18)
_GOLD: Final = (255, 214, 120)
_CREAM: Final = (255, 249, 236)
_INK: Final = (44, 27, 18)
_BROWN: Final = (107, 79, 56)
_TEAL: Final = (18, 89, 92)
_GREEN: Final = (23, 105, 58)
_AMBER: Final = (224, 160, 34)
_RULE: Final = (236, 217, 174)
_PAPERS: Final = (_RED, _TEAL, _CREAM, _GREEN)

_SHOP: Final = Style(34, _TEAL, 2)
_TITLE: Final = Style(50, _CREAM, 2)
_AMOUNT: Final = Style(128, _GOLD, 6)
_SHARE: Final = Style(44, _CREAM, 1)
_MESSAGE: Final = Style(38, _GOLD)
_CALL: Final = Style(44, _CREAM, 2)
_HEAD: Final = Style(46, _CREAM, 2)
_HEAD_DARK: Final = Style(46, _BROWN, 1)
_WORDS: Final = Style(34, _GOLD)
_FACT: Final = Style(32, _INK, 1)
_NAME: Final = Style(40, _INK)
_SUM: Final = Style(42, _GREEN, 2)
_FOOTER: Final = Style(30, _BROWN)

Draw = ImageDraw.ImageDraw


class DrawnGifts:
    """See `core.ports.pictures.GiftDrawing`."""

    def letters(self, words: str) -> str:
        return plain(words)

    def card(self, card: GiftCard) -> bytes:
        large = Image.new("RGB", (_WIDTH * FINE, _HEIGHT * FINE), _GROUND)
        draw = ImageDraw.Draw(large)
        middle = _WIDTH / 2
        _rays(draw, middle, 330, 900)
        _confetti(draw, _WIDTH, _HEIGHT, 72)
        centred(draw, (middle, 46), card.shop, _SHOP, 600)
        _parcel(draw, (150, 132, _WIDTH - 150, 548))
        _bow(draw, middle, 132, 1.5)
        room = _WIDTH - 2 * 200
        centred(draw, (middle, 220), card.title, _TITLE, room)
        drop = 0 if card.message else 26
        centred(draw, (middle, 318 + drop), card.amount, _AMOUNT, room)
        centred(draw, (middle, 411 + drop), card.share, _SHARE, room)
        if card.message:
            centred(draw, (middle, 468), f'"{card.message}"', _MESSAGE, room)
        _ribbon(draw, middle, 548, card.call)
        return _finished(large, _WIDTH, _HEIGHT)

    def result(self, result: GiftResult) -> bytes:
        large = Image.new("RGB", (_SQUARE * FINE, _SQUARE * FINE), _GROUND)
        draw = ImageDraw.Draw(large)
        middle = _SQUARE / 2
        _rays(draw, middle, 200, 1100)
        _confetti(draw, _SQUARE, _SQUARE, 110)
        centred(draw, (middle, 44), result.shop, _SHOP, 600)
        draw.rounded_rectangle(box(80, 140, 1000, 990), 32 * FINE, fill=_CREAM)
        corners = (True, True, False, False)
        draw.rounded_rectangle(box(80, 140, 1000, 322), 32 * FINE, fill=_RED, corners=corners)
        _bow(draw, middle, 140, 1.2)
        room = 800
        centred(draw, (middle, 226), result.title, _HEAD, room)
        if result.message:
            centred(draw, (middle, 282), f'"{result.message}"', _WORDS, room)
        _side_by_side(draw, 374, result.facts)
        draw.line(box(140, 424, 940, 424), fill=_RULE, width=2 * FINE)
        _listed(draw, 430, result)
        centred(draw, (middle, 1034), result.footer, _FOOTER, 900)
        return _finished(large, _SQUARE, _SQUARE)


def _rays(draw: Draw, x: float, y: float, reach: float) -> None:
    """Light from behind the parcel."""
    for place in range(12):
        start, end = place * 30, place * 30 + 15
        draw.pieslice(box(x - reach, y - reach, x + reach, y + reach), start, end, fill=_RAYS)


def _confetti(draw: Draw, width: int, height: int, slips: int) -> None:
    """The same every time: a picture of the same is the same picture.

    A sequence that fills the plane evenly (M. Roberts, 2018, "R2"), which looks strewn.
    """
    for place in range(1, slips + 1):
        x = place * 0.7548776662466927 % 1 * width
        y = place * 0.5698402909980532 % 1 * height
        if abs(x - width / 2) < _QUIET and not _EDGE < y < height - _EDGE:
            continue  # words stand there
        _slip(draw, x, y, place * 47, _PAPERS[place % len(_PAPERS)])


def _slip(draw: Draw, x: float, y: float, turn: float, colour: Colour) -> None:
    """A small slip of paper, turned."""
    angle = math.radians(turn)
    along = (math.cos(angle) * 9, math.sin(angle) * 9)
    across = (-math.sin(angle) * 4, math.cos(angle) * 4)
    corners = [
        ((x + a * along[0] + b * across[0]) * FINE, (y + a * along[1] + b * across[1]) * FINE)
        for a, b in ((1, 1), (1, -1), (-1, -1), (-1, 1))
    ]
    draw.polygon(corners, fill=colour)


def _parcel(draw: Draw, edges: tuple[float, float, float, float]) -> None:
    left, top, right, bottom = edges
    shade = box(left + 8, top + 12, right + 8, bottom + 12)
    draw.rounded_rectangle(shade, 34 * FINE, fill=(222, 168, 62))
    draw.rounded_rectangle(box(left, top, right, bottom), 34 * FINE, fill=_RED)
    inner = box(left + 12, top + 12, right - 12, bottom - 12)
    draw.rounded_rectangle(inner, 26 * FINE, outline=_DARK, width=3 * FINE)


def _bow(draw: Draw, x: float, y: float, size: float) -> None:
    """Two loops, two ends and a knot, in gold."""

    def shape(points: Sequence[Point], colour: Colour) -> None:
        draw.polygon([((x + a * size) * FINE, (y + b * size) * FINE) for a, b in points], colour)

    for side in (-1, 1):
        shape([(a * side, b) for a, b in ((2, 0), (30, 34), (16, 32), (9, 40), (-4, 6))], _AMBER)
    for side in (-1, 1):
        loop = _curve((0, 0), (18, -50), (74, -56), (74, -20)) + _curve(
            (74, -20), (74, 14), (34, 16), (0, 0)
        )
        hole = _curve((12, -5), (26, -34), (58, -40), (59, -20)) + _curve(
            (59, -20), (59, -2), (34, 2), (12, -5)
        )
        shape([(a * side, b) for a, b in loop], _GOLD)
        shape([(a * side, b) for a, b in hole], _AMBER)
    knot = box(x - 14 * size, y - 15 * size, x + 14 * size, y + 13 * size)
    draw.rounded_rectangle(knot, 9 * size * FINE, fill=_CREAM)


def _curve(start: Point, first: Point, second: Point, end: Point) -> list[Point]:
    """Points along a cubic Bezier curve."""
    steps = [step / 24 for step in range(25)]
    weights = [((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3) for t in steps]
    ends = (start, first, second, end)
    return [
        (
            sum(w * point[0] for w, point in zip(weight, ends, strict=True)),
            sum(w * point[1] for w, point in zip(weight, ends, strict=True)),
        )
        for weight in weights
    ]


def _ribbon(draw: Draw, x: float, y: float, words: str) -> None:
    """A button in all but name, across the parcel's lower edge."""
    half = max(150.0, length(words, _CALL) / 2 + 56)
    draw.rounded_rectangle(box(x - half, y - 44, x + half, y + 44), 44 * FINE, fill=_TEAL)
    centred(draw, (x, y), words, _CALL, 2 * half - 40)


def _side_by_side(draw: Draw, y: float, facts: tuple[str, ...]) -> None:
    each = 840 / max(1, len(facts))
    for place, fact in enumerate(facts):
        centred(draw, (120 + each * (place + 0.5), y), fact, _FACT, each - 20)


def _listed(draw: Draw, top: float, result: GiftResult) -> None:
    """A line for each winner."""
    if not result.winners:
        centred(draw, (_SQUARE / 2, 680), result.nobody, _HEAD_DARK, 800)
        return
    lines = len(result.winners) + bool(result.more)
    line = min(130.0, 540 / lines)
    top += (540 - line * lines) / 2
    for place, (name, amount, how) in enumerate(result.winners):
        y = top + line * (place + 0.5)
        if place:
            draw.line(box(140, y - line / 2, 940, y - line / 2), fill=_RULE, width=FINE)
        write(draw, (150, y), fitting(name, _NAME, 480), _NAME)
        words = fitting(amount, _SUM, 300)
        left, right = 166 + length(name, _NAME), 930 - length(words, _SUM)
        write(draw, (left, y), fitting(how, _FOOTER, right - left - 16), _FOOTER)
        write(draw, (right, y), words, _SUM)
    if result.more:
        y = top + line * (lines - 0.5)
        centred(draw, (_SQUARE / 2, y), result.more, _FOOTER, 800)


def _finished(large: Image.Image, width: int, height: int) -> bytes:
    return png(large.resize((width, height), Image.Resampling.LANCZOS), _COLOURS)
