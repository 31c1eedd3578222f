"""Vouchers on paper, as PDF: cards to be cut from A4, or one after the other on 58 mm paper.

Black on white alone, so that any printer will do. A card's QR code is 22 mm or more wide.
"""

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

import anyio.to_process
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from core.ports.pictures import SheetForm, VoucherCard, VoucherSheet
from core.providers.pictures.ink import (
    BOLD,
    PLAIN,
    draw_qr,
    fonts_ready,
    write,
    write_centred,
    write_code,
    write_right,
)

_COLUMNS: Final = 3
_ROWS: Final = 7
CARDS_ON_A4: Final = _COLUMNS * _ROWS

_MARGIN: Final = 8 * mm
_WIDE: Final = (A4[0] - 2 * _MARGIN) / _COLUMNS
_HIGH: Final = (A4[1] - 2 * _MARGIN) / _ROWS
_PAD: Final = 2.8 * mm  # also the white that a QR code needs beside it
_QR: Final = 22 * mm
_TICK: Final = 4 * mm

_ROLL: Final = 58 * mm
_ROLL_EDGE: Final = 5 * mm  # thermal printers reach 48 mm of 58
_ROLL_QR: Final = 34 * mm
_STEP: Final = 3.6 * mm


class PrintedSheets:
    """See `core.ports.pictures.SheetPrinting`. Sets them in a process of its own."""

    async def pdf(self, sheet: VoucherSheet, form: SheetForm) -> bytes:
        return await anyio.to_process.run_sync(set_sheet, sheet, form, cancellable=True)


def set_sheet(sheet: VoucherSheet, form: SheetForm) -> bytes:
    """The PDF. The same sheet is the same bytes."""
    fonts_ready()
    out = io.BytesIO()
    page = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    page.setTitle(f"{sheet.shop}: {len(sheet.cards)}")
    page.setAuthor(sheet.shop)
    if form is SheetForm.A4:
        for cards in _pages(sheet.cards):
            _a4(page, sheet, cards)
            page.showPage()
    else:
        for card in sheet.cards:
            _roll(page, sheet, card)
            page.showPage()
    page.save()
    return out.getvalue()


def _pages(cards: Sequence[VoucherCard]) -> Iterator[Sequence[VoucherCard]]:
    left = iter(cards)
    while page := tuple(islice(left, CARDS_ON_A4)):
        yield page


def _a4(page: Canvas, sheet: VoucherSheet, cards: Sequence[VoucherCard]) -> None:
    _cuts(page)
    for place, card in enumerate(cards):
        row, column = divmod(place, _COLUMNS)
        left, top = _MARGIN + column * _WIDE, A4[1] - _MARGIN - row * _HIGH
        _card(page, sheet, card, (left, top))


def _cuts(page: Canvas) -> None:
    """Marks in the margin for a cutter, and fine dashes for scissors."""
    right, top = A4[0] - _MARGIN, A4[1] - _MARGIN
    across = [_MARGIN + _HIGH * row for row in range(_ROWS + 1)]
    down = [_MARGIN + _WIDE * column for column in range(_COLUMNS + 1)]
    page.saveState()
    page.setLineWidth(0.4)
    page.setDash(1.2, 2.4)
    page.lines([(_MARGIN, y, right, y) for y in across])
    page.lines([(x, _MARGIN, x, top) for x in down])
    page.setDash()
    page.setLineWidth(0.6)
    ends = (_MARGIN - 1.5 * mm, _MARGIN - 1.5 * mm - _TICK)
    for y in across:
        page.lines([(ends[0], y, ends[1], y), (A4[0] - ends[0], y, A4[0] - ends[1], y)])
    for x in down:
        page.lines([(x, ends[0], x, ends[1]), (x, A4[1] - ends[0], x, A4[1] - ends[1])])
    page.restoreState()


def _card(
    page: Canvas, sheet: VoucherSheet, card: VoucherCard, corner: tuple[float, float]
) -> None:
    """One card; `corner` is its upper left one."""
    left, top = corner[0] + _PAD, corner[1]
    room = _WIDE - 2 * _PAD
    taken = write_right(page, (left + room, top - 4.7 * mm), card.number, PLAIN, 5, room * 0.35)
    write(page, (left, top - 4.7 * mm), sheet.shop, BOLD, 8, room - taken - 2 * mm)
    page.setLineWidth(0.5)
    page.line(left, top - 6 * mm, left + room, top - 6 * mm)
    beside = left
    if card.link:
        draw_qr(page, (left, top - 7.6 * mm - _QR), _QR, card.link)
        beside += _QR + _PAD
    space = left + room - beside
    write(page, (beside, top - 11.4 * mm), card.price, BOLD, 14, space)
    write(page, (beside, top - 15.5 * mm), card.plan, BOLD, 8, space)
    for line, words in enumerate((*card.good_for, *_placed(sheet))):
        write(page, (beside, top - (18.8 + 2.7 * line) * mm), words, PLAIN, 6.2, space)
    for line, step in enumerate(sheet.steps):
        at = (beside, top - (26.9 + 2.25 * line) * mm)
        write(page, at, f"{line + 1}. {step}", PLAIN, 5.6, space)
    page.setLineWidth(0.8)
    page.roundRect(left, top - _HIGH + 1.6 * mm, room, 6 * mm, 1.2 * mm)
    write_code(page, (left + room / 2, top - _HIGH + 4.6 * mm), card.code, 13.5, room - 4 * mm)


def _roll(page: Canvas, sheet: VoucherSheet, card: VoucherCard) -> None:
    """One card on a page as long as it needs."""
    facts = (*card.good_for, *_placed(sheet))
    qr_room = _ROLL_QR + 4 * mm if card.link else 0
    high = 35 * mm + qr_room + 3.8 * mm * len(facts) + _STEP * len(sheet.steps)
    page.setPageSize((_ROLL, high))
    middle, room = _ROLL / 2, _ROLL - 2 * _ROLL_EDGE
    y = high - 7 * mm
    write_centred(page, (middle, y), sheet.shop, BOLD, 11, room)
    y -= 7 * mm
    write_centred(page, (middle, y), card.price, BOLD, 17, room)
    y -= 5 * mm
    write_centred(page, (middle, y), card.plan, BOLD, 9.5, room)
    for words in facts:
        y -= 3.8 * mm
        write_centred(page, (middle, y), words, PLAIN, 7.5, room)
    if card.link:
        y -= _ROLL_QR + 3 * mm
        draw_qr(page, (middle - _ROLL_QR / 2, y), _ROLL_QR, card.link)
    y -= 7 * mm
    write_code(page, (middle, y + 1 * mm), card.code, 15, room)
    y -= 2 * mm
    for number, step in enumerate(sheet.steps, 1):
        y -= _STEP
        write_centred(page, (middle, y), f"{number}. {step}", PLAIN, 6.8, room)
    write_centred(page, (middle, y - 4.5 * mm), card.number, PLAIN, 6, room)
    page.saveState()
    page.setDash(1.5, 3)
    page.setLineWidth(0.6)
    page.line(_ROLL_EDGE, 2 * mm, _ROLL - _ROLL_EDGE, 2 * mm)
    page.restoreState()


def _placed(sheet: VoucherSheet) -> tuple[str, ...]:
    return (sheet.place,) if sheet.place else ()
