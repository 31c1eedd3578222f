"""A screen as the engine hands it to an edge: what to show, and what may be answered."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Entry: TypeAlias = Literal["none", "choice", "text", "digits"]
"""How the customer answers: not at all, by an option, in words, or by digits that stay hidden."""


@dataclass(frozen=True, slots=True)
class Line:
    """One option. `number` runs on over pages; `key` is what a button sends."""

    number: int
    key: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Nav:
    """Which ways out the screen offers, besides its options."""

    back: bool
    home: bool
    more: bool


@dataclass(frozen=True, slots=True)
class Screen:
    """One turn's answer to the customer.

    Attributes:
        key: `flow.node`, for counting and for logs.
        turn: Which showing this is; a button sends it back, so that an old one is recognised.
        text: The whole text, however many pages it takes.
        options: All of them, however many pages they take.
        notice: A line about the last input, or "".
        secret: The answer is a secret: delete it from a chat, keep it from a log.
        ends: Nothing can be answered in this session any more.
        page: Which page `body` is, from 0, of `pages`.
        body: The page in words, with numbered options and navigation, fit for the channel.
    """

    key: str
    turn: int
    text: str
    options: tuple[Line, ...]
    nav: Nav
    notice: str
    secret: bool
    ends: bool
    input: Entry
    page: int
    pages: int
    body: str
