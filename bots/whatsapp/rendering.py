"""A screen as one message of the Graph API, within every limit of it. Pure.

Source: https://developers.facebook.com/docs/whatsapp/cloud-api/messages (November 2026). Meta lets
lists have longer bodies; partners hold all interactive bodies to 1024, and so do we. A message has
one button that leads to a page at most; where other links lead stands in its words.

Up to three ways on are buttons, up to ten a list. What fits neither is a text with numbers: they
are understood everywhere. An answer brings back `{talk}.{turn}:{key}`, so that an old button is
recognised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from core.domain.display import Link, Screen
from core.engine.paging import WHATSAPP

TEXT_MAX = 4096
BODY_MAX = 1024  # of interactive messages and captions
BUTTONS_MAX = 3
BUTTON_MAX = 20  # of a button's title, of a link's, and of what opens a list
ROWS_MAX = 10
ROW_MAX = 24
HINT_MAX = 72
ID_MAX = 200
_URL_MAX = 2000
_PARAMETER_MAX = 1024

_CUT = ".."
_NOTHING = "…"  # a message must say something

Content: TypeAlias = dict[str, Any]
"""A message, but for whom it is for."""


@dataclass(frozen=True, slots=True)
class _Way:
    """One way on from a screen: an option or navigation. `short` where `title` has no room."""

    key: str
    title: str
    short: str = ""
    hint: str = ""

    def fit(self, most: int) -> str:
        return self.short if self.short and len(self.title) > most else self.title


def of_screen(
    screen: Screen, *, unlock_url: str = "", image_id: str = "", asks_number: bool = False
) -> Content:
    """The one message that shows it.

    Args:
        screen: What to show.
        unlock_url: Where the secret is given, for a screen whose secret is out of sight.
        image_id: Of a picture that was uploaded: it goes with a screen that has no options.
        asks_number: WhatsApp may be asked for the person's number, where the screen wants it.
    """
    pages = [each for each in screen.links if not each.inline and _is_link(each.target)]
    if image_id and not screen.page_options:
        return of_image(image_id, _told(screen.body, pages))
    if screen.out_of_sight and _is_link(unlock_url):
        return _link(_told(screen.body, pages), unlock_url, screen.nav_words.unlock)
    if pages and not screen.page_options:
        first, *others = pages
        return _link(_told(screen.body, others), first.target, first.label)
    if screen.input == "contact" and asks_number:
        return _interactive("request_contact_info", screen.body, {"name": "request_contact_info"})
    ways = _ways(screen)
    head = _told(_head(screen), pages)
    return (
        _buttons(screen, ways, head)
        or _list(screen, ways, head)
        or of_text(_told(screen.body, pages))
    )


def of_text(text: str) -> Content:
    body = {"body": _cut(_said(text), TEXT_MAX), "preview_url": False}
    return {"type": "text", "text": body}


def of_image(image_id: str, caption: str) -> Content:
    image = {"id": image_id}
    if caption.strip():
        image["caption"] = _cut(caption.strip(), BODY_MAX)
    return {"type": "image", "image": image}


def of_template(name: str, language: str, facts: Sequence[str]) -> Content:
    """A template with its gaps filled. Line breaks and wide spaces are not taken in a gap."""
    filled = [_cut(_line(fact) or _NOTHING, _PARAMETER_MAX) for fact in facts]
    parameters = [{"type": "text", "text": fact} for fact in filled]
    template: Content = {"name": name, "language": {"code": language}}
    if parameters:
        template["components"] = [{"type": "body", "parameters": parameters}]
    return {"type": "template", "template": template}


def _ways(screen: Screen) -> list[_Way]:
    """The options, then the navigation, as on every channel: more, back, home."""
    words = screen.nav_words
    ways = [
        _Way(line.key, _line(line.label) or str(line.number), hint=_line(line.hint))
        for line in screen.page_options
    ]
    if screen.nav.more:
        ways.append(_Way(WHATSAPP.more, _line(words.more) or WHATSAPP.more))
    if screen.nav.back:
        ways.append(_Way(WHATSAPP.back, _line(words.back) or WHATSAPP.back))
    if screen.nav.home:
        title = _line(words.home) or WHATSAPP.home
        ways.append(_Way(WHATSAPP.home, title, short=_line(words.home_short)))
    return ways


def _buttons(screen: Screen, ways: Sequence[_Way], head: str) -> Content | None:
    """None when there are none, too many, or options whose names have no room on a button."""
    options = [way.title for way in ways[: len(screen.page_options)]]
    cramped = any(len(title) > BUTTON_MAX for title in options)
    if not 1 <= len(ways) <= BUTTONS_MAX or cramped or len(set(options)) < len(options):
        return None
    titles = _unlike([way.fit(BUTTON_MAX) for way in ways], BUTTON_MAX)
    ids = _ids(screen, ways)
    if ids is None:
        return None
    buttons = [
        {"type": "reply", "reply": {"id": each, "title": title}}
        for each, title in zip(ids, titles, strict=True)
    ]
    return _interactive("button", head, {"buttons": buttons})


def _list(screen: Screen, ways: Sequence[_Way], head: str) -> Content | None:
    """None when there is nothing to list, or more than a list holds."""
    ids = _ids(screen, ways)
    if not 1 <= len(ways) <= ROWS_MAX or ids is None:
        return None
    titles = _unlike([way.fit(ROW_MAX) for way in ways], ROW_MAX)
    rows = []
    for each, way, title in zip(ids, ways, titles, strict=True):
        row = {"id": each, "title": title}
        # A name that has no room stands below in whole: its end may be a price.
        whole = way.title if len(way.title) > ROW_MAX and not way.short else ""
        if about := ", ".join(filter(None, (whole, way.hint))):
            row["description"] = _cut(about, HINT_MAX)
        rows.append(row)
    opener = _cut(_line(screen.nav_words.choose) or _NOTHING, BUTTON_MAX)
    action = {"button": opener, "sections": [{"rows": rows}]}
    return _interactive("list", head, action)


def _link(words: str, url: str, label: str) -> Content:
    """A message has one such button, and no others beside it."""
    title = _cut(_line(label) or _NOTHING, BUTTON_MAX)
    parameters = {"display_text": title, "url": url}
    return _interactive("cta_url", words, {"name": "cta_url", "parameters": parameters})


def _interactive(kind: str, body: str, action: Content) -> Content:
    text = {"text": _cut(_said(body), BODY_MAX)}
    return {"type": "interactive", "interactive": {"type": kind, "body": text, "action": action}}


def _ids(screen: Screen, ways: Sequence[_Way]) -> list[str] | None:
    """What each answer brings back; None when that is too long, or two would be the same."""
    ids = [f"{screen.talk}.{screen.turn}:{way.key}" for way in ways]
    fit = all(len(each.encode()) <= ID_MAX for each in ids) and len(set(ids)) == len(ids)
    return ids if fit else None


def _head(screen: Screen) -> str:
    """The words of this page; a page of a long list may have none, and gets those of the first."""
    return screen.page_text if screen.page_text.strip() else screen.text


def _told(words: str, links: Sequence[Link]) -> str:
    """The words, and where these links lead as far as there is room: no address is cut."""
    told = words.strip()
    for link in links:
        more = f"{told}\n{_line(link.label)}: {link.target}".strip()
        told = more if len(more) <= BODY_MAX else told
    return told


def _is_link(url: str) -> bool:
    return url.startswith(("https://", "http://")) and len(url) <= _URL_MAX


def _unlike(titles: Sequence[str], most: int) -> list[str]:
    """Within `most` letters each, and no two the same: what looks alike gets a number."""
    made: list[str] = []
    for title in titles:
        unlike, number = _cut(title, most), 2
        while unlike in made:
            mark = f" {number}"
            unlike, number = _cut(title, most - len(mark)) + mark, number + 1
        made.append(unlike)
    return made


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - len(_CUT)].rstrip() + _CUT


def _line(text: str) -> str:
    return " ".join(text.split())


def _said(text: str) -> str:
    return text.strip() or _NOTHING
