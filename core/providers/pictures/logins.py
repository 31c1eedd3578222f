"""A QR code that logs in at a hotspot, as a PNG for a chat: the code below it, to be typed."""

from typing import Final

from PIL import Image, ImageDraw

from core.ports.pictures import LoginPicture
from core.providers.pictures.pen import (
    FINE,
    GREEN,
    GREY,
    INK,
    PAPER,
    WIDTH,
    Style,
    box,
    centred,
    png,
)
from core.providers.pictures.qr import QUIET, qr_of

_HEAD: Final = 116
_QR: Final = 520  # at most, with the white around it
_ROOM: Final = WIDTH - 96
_BELOW: Final = 236

_SHOP: Final = Style(38, PAPER, 1)
_PLAN: Final = Style(30, GREY)
_CODE: Final = Style(60, INK, 2)
_FOOTER: Final = Style(26, GREY)


class DrawnLogins:
    """See `core.ports.pictures.LoginDrawing`."""

    def login(self, picture: LoginPicture) -> bytes:
        qr = qr_of(picture.link)
        module = _QR // (qr.size + 2 * QUIET)  # whole pixels: a phone reads sharp edges best
        side = module * (qr.size + 2 * QUIET)
        height = _HEAD + side + _BELOW
        large = Image.new("RGB", (WIDTH * FINE, height * FINE), PAPER)
        draw = ImageDraw.Draw(large)
        draw.rectangle(box(0, 0, WIDTH, _HEAD), fill=GREEN)
        middle, below = WIDTH / 2, _HEAD + side
        centred(draw, (middle, _HEAD / 2), picture.shop, _SHOP, _ROOM)
        centred(draw, (middle, below + 24), picture.plan, _PLAN, _ROOM)
        centred(draw, (middle, below + 104), picture.code, _CODE, _ROOM)
        centred(draw, (middle, below + 184), picture.footer, _FOOTER, _ROOM)
        small = large.resize((WIDTH, height), Image.Resampling.LANCZOS)
        pen = ImageDraw.Draw(small)
        left, top = (WIDTH - side) // 2 + QUIET * module, _HEAD + QUIET * module
        for run in qr.runs:
            x, y = left + run.column * module, top + run.row * module
            pen.rectangle((x, y, x + run.length * module - 1, y + module - 1), fill=INK)
        return png(small)
