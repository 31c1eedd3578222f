"""Pictures and printed sheets: what is on them, and who draws them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Receipt:
    """What stands on a receipt, in the customer's words.

    Attributes:
        shop: Who sold it.
        title: What became of it, in a few words.
        amount: What it came to, to be seen first.
        lines: Labels with what they say, in order.
        footer: The last line.
    """

    shop: str
    title: str
    amount: str
    lines: tuple[tuple[str, str], ...]
    footer: str


class Drawing(Protocol):
    """Draws. Takes some hundredths of a second: not on the event loop."""

    def receipt(self, receipt: Receipt) -> bytes:
        """A PNG, 720 pixels wide and under 60 kB: legible on a small screen, cheap to send."""
        ...


@dataclass(frozen=True, slots=True)
class GiftCard:
    """What stands on the picture that goes with a link to a gift.

    Attributes:
        title: Who gives, in a sentence.
        amount: To be seen first; `share`: for how many.
        message: The giver's words, or "".
        call: What to do, on a ribbon.
    """

    shop: str
    title: str
    amount: str
    share: str
    message: str
    call: str


@dataclass(frozen=True, slots=True)
class GiftResult:
    """How a gift ended, to be passed on.

    Attributes:
        winners: Who won how much, and how that stands, or "": the first ones, their numbers
            masked already.
        more: How many won besides, in words, or "".
        nobody: What is said where there are no winners.
    """

    shop: str
    title: str
    message: str
    facts: tuple[str, ...]
    winners: tuple[tuple[str, str, str], ...]
    more: str
    nobody: str
    footer: str


class GiftDrawing(Protocol):
    """Draws gifts. Takes a tenth of a second: not on the event loop."""

    def letters(self, words: str) -> str:
        """These words in letters that it has, without those it has nothing near for. Cheap."""
        ...

    def card(self, card: GiftCard) -> bytes:
        """A PNG of 1200 by 630 pixels, as previews of links want it, under 100 kB."""
        ...

    def result(self, result: GiftResult) -> bytes:
        """A PNG of 1080 by 1080 pixels, under 100 kB."""
        ...


@dataclass(frozen=True, slots=True)
class LoginPicture:
    """What leads onto a hotspot, in the customer's words.

    Attributes:
        shop: Who sold it.
        link: What the QR code holds.
        code: As people read it, in groups.
        plan: What was bought.
        footer: What to do with it.
    """

    shop: str
    link: str = field(repr=False)
    code: str = field(repr=False)
    plan: str
    footer: str


class LoginDrawing(Protocol):
    """Draws. Takes some hundredths of a second: not on the event loop."""

    def login(self, picture: LoginPicture) -> bytes:
        """A PNG, 720 pixels wide and under 60 kB, whose QR code a phone reads from a screen."""
        ...


class SheetForm(StrEnum):
    """On what vouchers are printed."""

    A4 = "a4"  # 21 cards a page, to be cut
    ROLL = "58mm"  # thermal paper, one card after the other


@dataclass(frozen=True, slots=True)
class VoucherCard:
    """One card, in the customer's words.

    Attributes:
        code: As people read it, in groups.
        link: What the QR code holds; "" for a hotspot whose page is not known: no QR code then.
        good_for: Data, time and validity: two lines at most.
        number: Which card of which batch.
    """

    code: str = field(repr=False)
    link: str = field(repr=False)
    plan: str
    price: str
    good_for: tuple[str, ...]
    number: str


@dataclass(frozen=True, slots=True)
class VoucherSheet:
    """Cards to be printed, and what stands on each of them.

    Attributes:
        shop: Who sells them, and `place`, where; "" is not told.
        steps: How to log in, one after the other: three at most.
    """

    shop: str
    place: str
    steps: tuple[str, ...]
    cards: Sequence[VoucherCard]


class SheetPrinting(Protocol):
    """Sets sheets."""

    async def pdf(self, sheet: VoucherSheet, form: SheetForm) -> bytes:
        """A PDF that is legible in black and white.

        Takes some milliseconds a card, elsewhere than on the event loop.
        """
        ...
