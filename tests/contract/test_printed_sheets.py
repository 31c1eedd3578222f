"""Sheets as a printer gets them: rendered to pixels, and every QR code read from those."""

import io
from collections.abc import Sequence

import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from core.domain.voucher_codes import login_link, new_codes
from core.ports.pictures import LoginPicture, SheetForm, VoucherCard, VoucherSheet
from core.providers.pictures.logins import DrawnLogins
from core.providers.pictures.sheets import CARDS_ON_A4, PrintedSheets, set_sheet

PAGE = "http://wifi.lan/login"
STEPS = ("Join our Wi-Fi", "Scan this, or open wifi.lan", "Type the code below")
DPI = 200  # less than any printer has


def card(code: str, number: int, *, link: str | None = None) -> VoucherCard:
    return VoucherCard(
        code=code,
        link=login_link(PAGE, code) if link is None else link,
        plan="1 GB, 1 day",
        price="\u20a6500",
        good_for=("1 GB of data", "1 day from the first login"),
        number=f"B7K2 \u00b7 {number}",
    )


def sheet(codes: Sequence[str]) -> VoucherSheet:
    cards = [card(code, number) for number, code in enumerate(codes, 1)]
    return VoucherSheet("Mama Ngozi's Caf\u00e9", "Ikeja market", STEPS, cards)


def pages(pdf: bytes, dpi: int = DPI) -> list[Image.Image]:
    """As black and white pixels: no grey is left to help."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        grey = [page.render(scale=dpi / 72).to_pil().convert("L") for page in document]
    finally:
        document.close()
    return [page.point(lambda level: 255 * (level > 127)) for page in grey]


def links(page: Image.Image) -> set[str]:
    return {code.text for code in zxingcpp.read_barcodes(page)}


def words(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    try:
        return "\n".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def test_every_card_of_a_page_leads_to_its_login() -> None:
    codes = new_codes(CARDS_ON_A4) + new_codes(3, prefix="NGOZI")

    full, rest = pages(set_sheet(sheet(codes), SheetForm.A4))

    assert links(full) == {login_link(PAGE, code) for code in codes[:CARDS_ON_A4]}
    assert links(rest) == {login_link(PAGE, code) for code in codes[CARDS_ON_A4:]}


def test_a_roll_has_one_card_after_the_other() -> None:
    codes = new_codes(3)

    cut = pages(set_sheet(sheet(codes), SheetForm.ROLL), dpi=203)

    assert [links(page) for page in cut] == [{login_link(PAGE, code)} for code in codes]
    assert {round(page.width / 203 * 25.4) for page in cut} == {58}


@pytest.mark.parametrize("form", SheetForm)
def test_all_that_a_customer_needs_stands_on_a_card(form: SheetForm) -> None:
    told = words(set_sheet(sheet(["K7QM2XV9TA"]), form))

    for each in ("K7QM2XV9TA", "1 GB, 1 day", "500", "1 GB of data", "Ikeja market", *STEPS):
        assert each in told
    assert "Mama Ngozi's Caf\u00e9" in told


@pytest.mark.parametrize("form", SheetForm)
def test_nothing_is_written_over_the_edge_of_a_card(form: SheetForm) -> None:
    """However long the words are: a card next to it, or the paper's end, stays white."""
    long = VoucherCard(
        code="N" * 8 + "W" * 12,
        link=login_link(f"http://{'w' * 50}.example/login", "N" * 8 + "W" * 12),
        plan="W" * 90,
        price="\u20a6" + "9" * 30,
        good_for=("M" * 90, "M" * 90),
        number="W" * 40,
    )
    [page] = pages(set_sheet(VoucherSheet("W" * 90, "W" * 90, ("M" * 90,) * 3, [long]), form))

    assert links(page) == {long.link}
    mm, wide = DPI / 25.4, 194 / 3
    beyond = {
        SheetForm.A4: ((8 + wide) * mm + 3, 9 * mm, (8 + 2 * wide) * mm - 3, 47 * mm),
        SheetForm.ROLL: (53 * mm + 3, 0, page.width, page.height),
    }
    left, top, right, bottom = map(round, beyond[form])
    assert page.crop((left, top, right, bottom)).getextrema() == (255, 255)


def test_without_a_login_page_there_is_no_qr_code() -> None:
    plain = VoucherSheet("Shop", "", STEPS, [card("K7QM2XV9TA", 1, link="")])

    for form in SheetForm:
        [page] = pages(set_sheet(plain, form))
        assert links(page) == set()


def test_letters_that_the_font_lacks_are_written_with_the_nearest() -> None:
    shop = VoucherSheet("\u1ecc\u0300ja \u0181auchi \u4e2d", "", (), [card("K7QM2XV9TA", 1)])

    assert "Oja ?auchi ?" in words(set_sheet(shop, SheetForm.A4))


async def test_sheets_are_set_elsewhere_and_come_out_the_same() -> None:
    few = sheet(["K7QM2XV9TA", "Q4RT7YH2WX"])

    assert await PrintedSheets().pdf(few, SheetForm.A4) == set_sheet(few, SheetForm.A4)


def test_the_picture_for_a_chat_logs_in() -> None:
    link = login_link(PAGE, "K7QM2XV9TA")
    picture = LoginPicture("Ngozi's", link, "K7QM2XV9TA", "1 GB, 1 day", "Scan this")

    drawn = DrawnLogins().login(picture)

    image = Image.open(io.BytesIO(drawn))
    assert links(image) == {link}
    assert (image.format, image.width) == ("PNG", 720)
    assert len(drawn) < 60_000
    assert "K7QM2" not in repr(picture) + repr(card("K7QM2XV9TA", 1))
