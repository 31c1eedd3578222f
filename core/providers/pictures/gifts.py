"""Gifts as PNG: a parcel on a marigold ground, for previews of links; and how a gift ended."""

import math
from typing import Final

from PIL import Image, ImageDraw

from core.ports.pictures import GiftCard, GiftResult
from core.providers.pictures.drawing import (
    FINE,
    Colour,
    Style,
    box,
    centred,
    fitting,
    length,
    png,
    write,
)

_WIDTH: Final = 1200
_HEIGHT: Final = 630
_SQUARE: Final = 1080
_COLOURS: Final = 96

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
_RULE: Final = (236, 217, 174)
_PAPERS: Final = (_RED, _TEAL, _CREAM, _GREEN)

_SHOP: Final = Style(34, _TEAL, 2)
_TITLE: Final = Style(50, _CREAM, 2)
_AMOUNT: Final = Style(128, _GOLD, 6)
_SHARE: Final = Style(44, _CREAM, 1)
_MESSAGE: Final = Style(38, _GOLD)
_CALL: Final = Style(44, _CREAM, 2)
_HEAD: Final = Style(46, _CREAM, 2)
_WORDS: Final = Style(34, _GOLD)
_FACT: Final = Style(34, _INK, 1)
_NAME: Final = Style(36, _INK)
_SUM: Final = Style(38, _GREEN, 2)
_FOOTER: Final = Style(30, _BROWN)

Draw = ImageDraw.ImageDraw


class DrawnGifts:
    """See `core.ports.pictures.GiftDrawing`."""

    def card(self, card: GiftCard) -> bytes:
        large = Image.new("RGB", (_WIDTH * FINE, _HEIGHT * FINE), _GROUND)
        draw = ImageDraw.Draw(large)
        middle = _WIDTH / 2
        _rays(draw, middle, 330, 900)
        _confetti(draw, _WIDTH, _HEIGHT)
        centred(draw, (middle, 46), card.shop, _SHOP, 600)
        _parcel(draw, (150, 132, _WIDTH - 150, 548))
        _bow(draw, middle, 132, 1.5)
        room = _WIDTH - 2 * 200
        centred(draw, (middle, 206), card.title, _TITLE, room)
        lift = 0 if card.message else 26
        centred(draw, (middle, 312 + lift), card.amount, _AMOUNT, room)
        centred(draw, (middle, 400 + lift), card.share, _SHARE, room)
        if card.message:
            centred(draw, (middle, 462), f'"{card.message}"', _MESSAGE, room)
        _ribbon(draw, middle, 548, card.call)
        return _finished(large, _WIDTH, _HEIGHT)

    def result(self, result: GiftResult) -> bytes:
        large = Image.new("RGB", (_SQUARE * FINE, _SQUARE * FINE), _GROUND)
        draw = ImageDraw.Draw(large)
        middle = _SQUARE / 2
        _rays(draw, middle, 200, 1100)
        _confetti(draw, _SQUARE, _SQUARE)
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
        _listed(draw, 430, result)
        centred(draw, (middle, 1030), result.footer, _FOOTER, 900)
        return _finished(large, _SQUARE, _SQUARE)


def _rays(draw: Draw, x: float, y: float, reach: float) -> None:
    """Light from behind the parcel."""
    for place in range(12):
        start, end = place * 30, place * 30 + 15
        draw.pieslice(box(x - reach, y - reach, x + reach, y + reach), start, end, fill=_RAYS)


def _confetti(draw: Draw, width: int, height: int) -> None:
    """The same every time: a picture of the same is the same picture."""
    for place in range(64):
        x = (place * 397 + 53) % width
        y = (place * 211 + 29) % height
        colour = _PAPERS[place % len(_PAPERS)]
        turn = place * 47
        _slip(draw, x, y, turn, colour)


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
    """Two loops and a knot, in gold."""

    def ellipse(left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        edges = (x + left * size, y + top * size, x + right * size, y + bottom * size)
        draw.ellipse(box(*edges), fill=colour)

    for side in (-1, 1):
        near, far = (-66, -4) if side < 0 else (4, 66)
        ellipse(near, -34, far, 10, _GOLD)
        near, far = (-52, -16) if side < 0 else (16, 52)
        ellipse(near, -24, far, 0, _DARK)
    knot = box(x - 15 * size, y - 24 * size, x + 15 * size, y + 10 * size)
    draw.rounded_rectangle(knot, 8 * FINE, fill=(224, 166, 46))


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
    line = 64
    for place, (name, amount) in enumerate(result.winners):
        y = top + line * (place + 0.5)
        draw.line(box(140, y - line / 2, 940, y - line / 2), fill=_RULE, width=FINE)
        write(draw, (150, y), fitting(name, _NAME, 480), _NAME)
        words = fitting(amount, _SUM, 300)
        write(draw, (930 - length(words, _SUM), y), words, _SUM)
    if result.more:
        below = top + line * (len(result.winners) + 0.5)
        centred(draw, (_SQUARE / 2, below), result.more, _FOOTER, 800)


_HEAD_DARK: Final = Style(46, _BROWN, 1)


def _finished(large: Image.Image, width: int, height: int) -> bytes:
    return png(large.resize((width, height), Image.Resampling.LANCZOS), _COLOURS)
