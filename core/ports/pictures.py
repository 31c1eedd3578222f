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
