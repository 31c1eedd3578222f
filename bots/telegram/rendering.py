"""A screen as one message of the Bot API, within every limit of it. Pure.

Source: https://core.telegram.org/bots/api#sendmessage (November 2026): a text has 1 to 4096
letters, a caption 1024, both counted in UTF-16; what a button brings back has 64 bytes. Nothing is
sent as markup, so no word of a customer's or an operator's can break a message.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from core.domain.chat import Offer, Offers
from core.domain.display import Line, Link, Screen
from core.engine.paging import TELEGRAM

TEXT_MAX = 4096
CAPTION_MAX = 1024
DATA_BYTES_MAX = 64
OFFERS_MAX = 50
_OFFERED_FOR_S = 1
_SHORT = 12  # two labels of so many letters stand side by side on a small phone
_NOTHING = "\u2026"  # a message must say something

Content: TypeAlias = dict[str, Any]
"""`text` and, where there is something to tap, `reply_markup`."""

NO_KEYBOARD: Content = {"remove_keyboard": True}
"""The `reply_markup` that takes away the keyboard below the chat."""


def of_screen(screen: Screen, *, unlock_url: str = "") -> Content:
    """The one message that shows it. `unlock_url`: where a secret is given that it asks for."""
    rows: list[list[Content]] = []
    if screen.out_of_sight and unlock_url:
        rows.append([{"text": screen.nav_words.unlock, "url": unlock_url}])
    rows += _paired(screen, screen.page_options)
    rows += [[_link(each)] for each in screen.links]
    if ways := _navigation(screen):
        rows.append(ways)
    content: Content = {"text": of_text(screen.page_text)}
    if screen.input == "contact":
        # Only a keyboard of this kind can share a number; the words tell that typing does as well.
        content["reply_markup"] = {
            "keyboard": [[{"text": screen.nav_words.share, "request_contact": True}]],
            "resize_keyboard": True,
            "one_time_keyboard": True,
        }
    elif rows:
        content["reply_markup"] = {"inline_keyboard": rows}
    return content


def of_offers(offers: Offers) -> Content:
    """The answer to an inline query: an article each, and a button above them into our own chat.

    Source: https://core.telegram.org/bots/api#answerinlinequery (November 2026): at most 50, each
    with a unique id of 1 to 64 bytes. It is this person's alone, and kept for a moment only. What
    is passed on shows the preview of its link.
    """
    return {
        "results": [_article(each) for each in offers.listed[:OFFERS_MAX]],
        "button": {"text": offers.otherwise, "start_parameter": offers.word},
        "is_personal": True,
        "cache_time": _OFFERED_FOR_S,
    }


def _article(offer: Offer) -> Content:
    return {
        "type": "article",
        "id": offer.id,
        "title": offer.title,
        "description": offer.hint,
        "input_message_content": {"message_text": of_text(offer.text)},
        "reply_markup": {"inline_keyboard": [[{"text": offer.button, "url": offer.url}]]},
    }


def of_text(text: str, most: int = TEXT_MAX) -> str:
    """Words as one message may have them."""
    said = text.strip() or _NOTHING
    return said if _units(said) <= most else _cut(said, most - 1) + _NOTHING


def fits_caption(text: str) -> bool:
    """Whether these words can stand under a picture."""
    return _units(text) <= CAPTION_MAX


def data_of(screen: Screen, key: str) -> str:
    """What a button brings back: which showing of which talk it is of, and its key."""
    return f"{screen.talk}.{screen.turn}:{key}"


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _cut(text: str, most: int) -> str:
    """The first so many units, and no half of a letter."""
    return text.encode("utf-16-le")[: most * 2].decode("utf-16-le", "ignore")


def _paired(screen: Screen, lines: Sequence[Line]) -> Iterable[list[Content]]:
    """One button a row, or two where both labels are short."""
    row: list[Content] = []
    for line in lines:
        label = line.label.strip() or str(line.number)
        button = {"text": label, "callback_data": _data(screen, line)}
        short = len(label) <= _SHORT
        if row and short and len(row[0]["text"]) <= _SHORT:
            yield [*row, button]
            row = []
            continue
        if row:
            yield row
        row = [button]
    if row:
        yield row


def _data(screen: Screen, line: Line) -> str:
    """By its key; where that is too long, or reads like navigation, by its number."""
    data = data_of(screen, line.key)
    navigates = line.key in (TELEGRAM.back, TELEGRAM.home, TELEGRAM.more, *TELEGRAM.also_more)
    fits = len(data.encode()) <= DATA_BYTES_MAX
    return data if fits and not navigates else data_of(screen, f"#{line.number}")


def _link(link: Link) -> Content:
    """A page opens in a browser; an inline one asks the person for a chat first."""
    return {"text": link.label, "switch_inline_query" if link.inline else "url": link.target}


def _navigation(screen: Screen) -> list[Content]:
    words, nav = screen.nav_words, screen.nav
    offered = (
        (nav.back, words.back, TELEGRAM.back),
        (nav.more, words.more, TELEGRAM.more),
        (nav.home, words.home, TELEGRAM.home),
    )
    return [
        {"text": text, "callback_data": data_of(screen, key)}
        for shown, text, key in offered
        if shown
    ]
