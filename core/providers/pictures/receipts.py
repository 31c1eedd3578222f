"""A receipt as a PNG: a ticket on a soft ground, the amount first, then one line for each fact."""

from collections.abc import Sequence
from typing import Final

from PIL import Image, ImageDraw

from core.ports.pictures import Receipt
from core.providers.pictures.pen import (
    FINE,
    GREEN,
    GREY,
    GROUND,
    INK,
    PAPER,
    RADIUS,
    WIDTH,
    Style,
    box,
    centred,
    fitting,
    length,
    png,
    write,
)

_MARGIN: Final = 32
_INSET: Final = 84  # of words, from the edge of the picture
_HEAD: Final = 128
_HERO: Final = 300  # from the head to where the ticket is torn
_LINE: Final = 66
_FOOT: Final = 112
_NOTCH: Final = 17

_MINT: Final = (222, 243, 234)
_RULE: Final = (222, 228, 232)

_SHOP: Final = Style(38, PAPER, 1)
_AMOUNT: Final = Style(84, INK, 3)
_TITLE: Final = Style(31, GREEN, 1)
_LABEL: Final = Style(28, GREY)
_VALUE: Final = Style(30, INK, 1)
_FOOTER: Final = Style(24, GREY)


class DrawnReceipts:
    """See `core.ports.pictures.Drawing`."""

    def receipt(self, receipt: Receipt) -> bytes:
        torn = _MARGIN + _HEAD + _HERO
        height = torn + 30 + _LINE * len(receipt.lines) + _FOOT + _MARGIN
        large = Image.new("RGB", (WIDTH * FINE, height * FINE), GROUND)
        draw = ImageDraw.Draw(large)
        _paper(draw, height, torn)
        middle, room = WIDTH / 2, WIDTH - 2 * _INSET
        centred(draw, (middle, _MARGIN + _HEAD / 2), receipt.shop, _SHOP, room)
        hero = _MARGIN + _HEAD
        centred(draw, (middle, hero + 184), receipt.amount, _AMOUNT, room)
        centred(draw, (middle, hero + 254), receipt.title, _TITLE, room)
        _facts(draw, torn + 30, receipt.lines)
        centred(draw, (middle, height - _MARGIN - _FOOT / 2), receipt.footer, _FOOTER, room)
        return png(large.resize((WIDTH, height), Image.Resampling.LANCZOS))


def _paper(draw: ImageDraw.ImageDraw, height: int, torn: int) -> None:
    """All that is no word: the ticket with its head, and the sign that all is well."""
    right, bottom = WIDTH - _MARGIN, height - _MARGIN
    ticket = box(_MARGIN, _MARGIN, right, bottom)
    draw.rounded_rectangle(ticket, RADIUS * FINE, fill=PAPER)
    head = box(_MARGIN, _MARGIN, right, _MARGIN + _HEAD)
    corners = (True, True, False, False)
    draw.rounded_rectangle(head, RADIUS * FINE, fill=GREEN, corners=corners)
    for x in (_MARGIN, right):
        draw.ellipse(box(x - _NOTCH, torn - _NOTCH, x + _NOTCH, torn + _NOTCH), fill=GROUND)
    for x in range(_MARGIN + 34, right - 34, 16):
        draw.rounded_rectangle(box(x, torn - 1.5, x + 8, torn + 1.5), 1.5 * FINE, fill=_RULE)
    _tick(draw, WIDTH / 2, _MARGIN + _HEAD + 78)


def _tick(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    draw.ellipse(box(x - 46, y - 46, x + 46, y + 46), fill=_MINT)
    ends = ((x - 20, y + 1), (x - 6, y + 16), (x + 21, y - 15))
    line = [(a * FINE, b * FINE) for a, b in ends]
    draw.line(line, fill=GREEN, width=8 * FINE, joint="curve")
    for a, b in (ends[0], ends[2]):
        draw.ellipse(box(a - 4, b - 4, a + 4, b + 4), fill=GREEN)


def _facts(draw: ImageDraw.ImageDraw, top: float, lines: Sequence[tuple[str, str]]) -> None:
    """A label on the left, what it says on the right, and a hair between one and the next."""
    left, right = _INSET, WIDTH - _INSET
    for place, (label, value) in enumerate(lines):
        y = top + _LINE * (place + 0.5)
        taken = write(draw, (left, y), fitting(label, _LABEL, (right - left) * 0.4), _LABEL)
        words = fitting(value, _VALUE, right - left - taken - 24)
        write(draw, (right - length(words, _VALUE), y), words, _VALUE)
        if place + 1 < len(lines):
            edge = top + _LINE * (place + 1)
            draw.line(box(left, edge, right, edge), fill=_RULE, width=FINE)
