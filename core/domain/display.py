"""A screen as the engine hands it to an edge: what to show, and what may be answered."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

Entry: TypeAlias = Literal["none", "choice", "text", "digits", "contact"]
"""How the customer answers: not at all, by an option, in words, by digits, or by their number.

`contact` is answered in words too: a channel that can vouch for a number offers to share it.
"""


class Offering(Protocol):
    """An option as a conversation keeps it."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> str: ...
    @property
    def hint(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Line:
    """One option. `number` runs on over pages; `key` is what a button sends."""

    number: int
    key: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A button that answers nothing: it leads away, to `target`.

    `inline`: not a page, but a chat that the person chooses: the bot is asked `target` there. Only
    some channels can.
    """

    label: str
    target: str
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Nav:
    """Which ways out the screen offers, besides its options."""

    back: bool
    home: bool
    more: bool


@dataclass(frozen=True, slots=True)
class NavWords:
    """The catalogue's words for the navigation, and for what opens a list or a page of its own."""

    back: str
    home: str
    home_short: str
    more: str
    choose: str
    unlock: str
    share: str


class Tells(StrEnum):
    """What a last screen tells of what was bought. A picture of it goes with DONE alone."""

    DONE = "done"  # it was delivered, or works
    WAITS = "waits"  # it is paid for, and does not work yet
    SENT = "sent"  # it works, and another number has it


@dataclass(frozen=True, slots=True)
class Screen:
    """One turn's answer to the customer.

    Attributes:
        key: `flow.node`, for counting and for logs.
        talk, turn: Which showing of which talk this is; a button sends both back, so that an old
            one is recognised.
        text: The whole text, however many pages it takes.
        offered: All options, however many pages they take; `first` to `last` of them, counted from
            0, are on this page.
        nav_words: What the ways out are called.
        notice: A line about the last input, or "".
        secret: The answer is a secret and stays one, as a code for one use does not: delete it from
            a chat, keep it from a log.
        out_of_sight: The secret must not be typed here: it is given through a page of its own.
        receipt: Our reference of what was bought, where the screen tells of it at the end, or "".
        ends: Nothing can be answered in this session any more.
        page: Which page `body` is, from 0, of `pages`.
        body: The page in words, with numbered options and navigation, fit for the channel.
        page_text: The words of this page alone, with the notice and without options and navigation.
        digits: Of a secret: how many it has at least and at most.
        links: Where it leads besides, on channels that can show it; part of no page's words.
        tells: What the screen tells of what was bought.
    """

    key: str
    talk: str
    turn: int
    text: str
    offered: Sequence[Offering]
    first: int
    last: int
    nav: Nav
    nav_words: NavWords
    notice: str
    secret: bool
    out_of_sight: bool
    receipt: str
    ends: bool
    input: Entry
    page: int
    pages: int
    body: str
    page_text: str
    digits: tuple[int, int] = (0, 0)
    links: tuple[Link, ...] = ()
    tells: Tells = Tells.DONE

    @property
    def options(self) -> tuple[Line, ...]:
        """All of them. Made when asked for: who shows words alone needs none."""
        return tuple(
            Line(number, each.key, each.label, each.hint)
            for number, each in enumerate(self.offered, start=1)
        )

    @property
    def page_options(self) -> tuple[Line, ...]:
        """The options of this page alone."""
        return self.options[self.first : self.last]
