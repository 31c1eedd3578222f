"""Laying a screen out for a channel: counted pages of text, numbered options and navigation."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from core.domain.display import NavWords
from core.kit import gsm7
from core.kit.letters import cut

_CUT = ".."
# Most turns show a screen that somebody else was shown a moment ago.
_RENDERED_KEPT = 1024
_WORDS = re.compile(r"(\s*)(\S+)")


@dataclass(frozen=True, slots=True)
class Capability:
    """What a channel can show.

    Attributes:
        text_max: The most that one page may cost, navigation included.
        cost: What a text costs, or None when the channel cannot show it. Costs add up: a text's is
            the sum of its letters'.
        label_max: The most letters of an option's label; a longer one is cut.
        options_max: The most options on a page of a list that needs several.
        options_whole: A list this long stays on one page if it fits: one keypress less.
        sessions: The channel has sessions that an `End` closes.
        plain: Texts are written in the GSM 7-bit alphabet.
        typed_secrets: A PIN may be typed where everything else is; else it has a page of its own.
        back, home, more, also_more: The navigation keys; `also_more` where `more` is intercepted.
    """

    name: str
    text_max: int
    cost: Callable[[str], int | None]
    label_max: int
    options_max: int
    options_whole: int
    sessions: bool
    plain: bool
    typed_secrets: bool = True
    back: str = "0"
    home: str = "00"
    more: str = "98"
    also_more: tuple[str, ...] = ("99",)


def ussd(text_max: int = 160) -> Capability:
    """A USSD gateway with that many septets a page.

    160 is what every gateway passes on; five options is what a small handset shows at once
    (3GPP TS 23.038 would allow 182).
    """
    return Capability(
        name="ussd",
        text_max=text_max,
        cost=gsm7.septets,
        label_max=40,
        options_max=5,
        options_whole=7,
        sessions=True,
        plain=True,
    )


def telegram(*, typed_secrets: bool = False) -> Capability:
    """A Telegram chat: 4096 letters, a button a line, and the navigation as buttons too."""
    return Capability(
        name="telegram",
        text_max=4096,
        cost=len,
        label_max=64,
        options_max=9,
        options_whole=10,
        sessions=False,
        plain=False,
        typed_secrets=typed_secrets,
    )


def whatsapp() -> Capability:
    """A WhatsApp chat: lists have ten rows in all, and three of them may have to navigate.

    Every interactive body is held to 1024 letters, a row's title to 24.
    """
    return Capability(
        name="whatsapp",
        text_max=1024,
        cost=len,
        label_max=24,
        options_max=7,
        options_whole=8,
        sessions=False,
        plain=False,
        typed_secrets=False,
    )


USSD = ussd()
TELEGRAM = telegram()
TELEGRAM_TYPED = telegram(typed_secrets=True)
WHATSAPP = whatsapp()


@dataclass(frozen=True, slots=True)
class Page:
    """One page as words, and what is on it: `words` of the text, and options `first` up to `last`.

    Options are counted from 0; `last` is the first that is not on the page.
    """

    body: str
    words: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Pieces:
    """What is to be laid out.

    `back` and `home` say whether the first page offers them; later pages always lead back, to the
    page before. `ends`: the last page has no navigation at all, since nothing can be answered.
    """

    notice: str
    text: str
    labels: tuple[str, ...]
    words: NavWords
    back: bool
    home: bool
    ends: bool


@lru_cache(_RENDERED_KEPT)
def render(pieces: Pieces, capability: Capability) -> tuple[Page, ...]:
    """The pages, each within `text_max`. The same pieces give the same pages."""
    pages = _Layout(pieces, capability, pieces.words.home).pages()
    if len(pages) == 1:
        return pages
    shorter = _Layout(pieces, capability, pieces.words.home_short).pages()
    return shorter if len(shorter) < len(pages) else pages


def label(text: str, capability: Capability) -> str:
    """An option's label in the letters and the room that the channel has."""
    line = " ".join(letters(text, capability).split())
    if len(line) <= capability.label_max:
        return line
    return cut(line, capability.label_max - len(_CUT)) + _CUT


def letters(text: str, capability: Capability) -> str:
    """The text without what would break a screen: control signs, and foreign letters on USSD."""
    if text.isascii() and text.isprintable() and "`" not in text:
        return text
    return _letters(text, capability.plain)


@lru_cache(maxsize=2048)
def _letters(text: str, plain: bool) -> str:  # noqa: FBT001 - a cache's key
    kept = "".join(
        letter for letter in text if letter == "\n" or unicodedata.category(letter) != "Cc"
    )
    return gsm7.plain(kept) if plain else kept


@dataclass(frozen=True, slots=True)
class _Block:
    """What is never divided: a word, or a line. `glue` stands before it, except atop a page."""

    glue: str
    body: str
    cost: int
    option: bool = False


class _Layout:
    """One attempt at the pages, with one wording of the navigation."""

    def __init__(self, pieces: Pieces, capability: Capability, home: str) -> None:
        self._pieces = pieces
        self._capability = capability
        self._home = home

    def pages(self) -> tuple[Page, ...]:
        whole = self._whole()
        if whole is not None:
            return (whole,)
        blocks = list(self._blocks())
        pages: list[Page] = []
        while blocks:
            taken, last = self._take(blocks, first=not pages)
            nav = self._nav(first=not pages, last=last)
            pages.append(_page(blocks[:taken], nav, pages[-1].last if pages else 0))
            blocks = blocks[taken:]
        return tuple(pages)

    def _whole(self) -> Page | None:
        """Everything on one page, if it fits there."""
        pieces = self._pieces
        if len(pieces.labels) > self._capability.options_whole:
            return None
        head = letters(_head(pieces), self._capability)
        options = "".join(f"\n{line}" for line in _numbered(pieces.labels))
        page = (head + options + self._nav(first=True, last=True)).strip("\n")
        if self._cost(page) > self._capability.text_max:
            return None
        return Page(page, head, 0, len(pieces.labels))

    def _take(self, blocks: Sequence[_Block], *, first: bool) -> tuple[int, bool]:
        """How many blocks the next page holds, and whether it is the last."""
        taken = self._fitting(blocks, self._nav(first=first, last=True))
        if taken == len(blocks):
            return taken, True
        return max(self._fitting(blocks, self._nav(first=first, last=False)), 1), False

    def _fitting(self, blocks: Sequence[_Block], nav: str) -> int:
        room = self._capability.text_max - self._cost(nav)
        options = 0
        for place, block in enumerate(blocks):
            room -= block.cost + (len(block.glue) if place else 0)
            options += block.option
            if room < 0 or options > self._capability.options_max:
                return place
        return len(blocks)

    def _nav(self, *, first: bool, last: bool) -> str:
        pieces, keys = self._pieces, self._capability
        if pieces.ends and last:
            return ""
        lines = []
        if not last:
            lines.append(f"{keys.more}. {pieces.words.more}")
        if pieces.back or not first:
            lines.append(f"{keys.back}. {pieces.words.back}")
        if pieces.home:
            lines.append(f"{keys.home}. {self._home}")
        return letters("".join(f"\n{line}" for line in lines), keys)

    def _blocks(self) -> Iterator[_Block]:
        room = max(self._capability.text_max - self._cost(self._nav(first=False, last=False)), 1)
        for glue, word in _WORDS.findall(letters(_head(self._pieces), self._capability)):
            for place, piece in enumerate(self._pieces_of(word, room)):
                yield _Block(_collapsed(glue) if not place else "", piece, self._cost(piece))
        for line in _numbered(self._pieces.labels):
            cut = self._cut(letters(line, self._capability), room)
            yield _Block("\n", cut, self._cost(cut), option=True)

    def _pieces_of(self, word: str, room: int) -> Iterator[str]:
        """A word, or its parts if it is longer than a page."""
        if self._cost(word) <= room:
            yield word
            return
        part = ""
        for letter in word:
            if self._cost(part + letter) > room:
                yield part
                part = ""
            part += letter
        yield part

    def _cut(self, line: str, room: int) -> str:
        if self._cost(line) <= room:
            return line
        while line and self._cost(line + _CUT) > room:
            line = line[:-1]
        return line + _CUT

    def _cost(self, text: str) -> int:
        """The cost; a text that the channel cannot show at all counts as one that never fits."""
        cost = self._capability.cost(text)
        return self._capability.text_max + 1 if cost is None else cost


def _head(pieces: Pieces) -> str:
    return f"{pieces.notice}\n{pieces.text}" if pieces.notice else pieces.text


def _numbered(labels: Sequence[str]) -> Iterator[str]:
    return (f"{number}. {label}" for number, label in enumerate(labels, start=1))


def _collapsed(glue: str) -> str:
    return "\n" if "\n" in glue else glue[:1]


def _page(blocks: Sequence[_Block], nav: str, first: int) -> Page:
    words = [block for block in blocks if not block.option]
    return Page(_set(blocks) + nav, _set(words), first, first + len(blocks) - len(words))


def _set(blocks: Sequence[_Block]) -> str:
    return "".join(block.glue * bool(place) + block.body for place, block in enumerate(blocks))
