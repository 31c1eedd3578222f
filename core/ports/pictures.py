"""Pictures: what is on them, and who draws them."""

from dataclasses import dataclass
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
        winners: Who won how much, the first ones; numbers are masked already.
        more: How many won besides, in words, or "".
        nobody: What is said where there are no winners.
    """

    shop: str
    title: str
    message: str
    facts: tuple[str, ...]
    winners: tuple[tuple[str, str], ...]
    more: str
    nobody: str
    footer: str


class GiftDrawing(Protocol):
    """Draws gifts. Takes a tenth of a second: not on the event loop."""

    def card(self, card: GiftCard) -> bytes:
        """A PNG of 1200 by 630 pixels, as previews of links want it, under 100 kB."""
        ...

    def result(self, result: GiftResult) -> bytes:
        """A PNG of 1080 by 1080 pixels, under 100 kB."""
        ...
