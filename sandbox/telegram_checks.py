"""What the Bot API refuses before it sends: texts, their HTML, keyboards. Its words, its limits.

Links to this machine are taken, which the real one would not do. Of parse modes only HTML is read.
"""

import html
import json
import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.telegram_state import bad

TEXT_MAX = 4096
CAPTION_MAX = 1024

_DATA_BYTES_MAX = 64
_BUTTONS_MAX = 100
_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "a": "text_link",
}
_TAG = re.compile(r"<(/?)([^\s<>/]*)([^<>]*)>")
_HREF = re.compile(r"""href\s*=\s*["']?([^"'>\s]*)""")
_ACTIONS = {
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
}
_SCHEMES = {"http", "https", "tg", "tonsite"}

Entities = list[dict[str, Any]]
Rows = list[list[dict[str, Any]]]


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def read_text(
    text: str, parse_mode: str | None, entities: Entities | None = None
) -> tuple[str, Entities]:
    """The words without their marks, trimmed, and where the marks were."""
    if parse_mode:
        if parse_mode.lower() != "html":
            raise bad("unsupported parse_mode")
        text, entities = _read_html(text)
    trimmed = text.strip()
    skipped = units(text[: len(text) - len(text.lstrip())])
    moved = [{**entity, "offset": max(entity["offset"] - skipped, 0)} for entity in entities or []]
    return trimmed, moved


def check_text(text: str) -> None:
    if not text:
        raise bad("message text is empty")
    if units(text) > TEXT_MAX:
        raise bad("message is too long")


def check_caption(caption: str) -> None:
    if units(caption) > CAPTION_MAX:
        raise bad("message caption is too long")


def read_markup(given: object) -> dict[str, Any] | None:
    """The keyboard that a message comes with, checked.

    Raises:
        Refusal: the real one would not take it.
    """
    if given in (None, ""):
        return None
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise bad("can't parse reply keyboard markup JSON object") from None
    if not isinstance(given, dict):
        raise bad("object expected as reply markup")
    if "inline_keyboard" in given:
        rows = [[_inline(button) for button in row] for row in _rows(given["inline_keyboard"])]
        return {"inline_keyboard": [row for row in rows if row]}
    if "keyboard" in given:
        rows = [[_plain(button) for button in row] for row in _rows(given["keyboard"])]
        if not any(rows):
            raise bad("reply markup keyboard must be non-empty")
        return {**given, "keyboard": rows}
    if given.get("remove_keyboard") or given.get("force_reply"):
        return given
    return None


def _rows(given: object) -> list[list[object]]:
    if not isinstance(given, list) or not all(isinstance(row, list) for row in given):
        raise bad("can't parse reply keyboard markup: Field must be an Array of Arrays of buttons")
    if sum(map(len, given)) > _BUTTONS_MAX:
        raise bad("REPLY_MARKUP_TOO_LONG")
    return given


def _inline(button: object) -> dict[str, Any]:
    if not isinstance(button, dict):
        raise bad("can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    text = button.get("text")
    if not isinstance(text, str):
        raise bad("can't parse inline keyboard button: Can't find field \"text\"")
    if not text.strip():
        raise bad("inline keyboard button text must be non-empty")
    # A client writes fields that it has no value for as null.
    told = {key: value for key, value in button.items() if value is not None}
    actions = [
        each for each in _ACTIONS if told.get(each) or (each.startswith("switch_") and each in told)
    ]
    if not actions:
        raise bad(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    data = told.get("callback_data")
    if data is not None and not 1 <= len(str(data).encode()) <= _DATA_BYTES_MAX:
        raise bad("BUTTON_DATA_INVALID")
    if "url" in told:
        _check_link(str(told["url"]))
    return told


def _check_link(url: str) -> None:
    wrong = f"inline keyboard button URL '{url}' is invalid"
    try:
        parts = urlsplit(url)
    except ValueError:
        raise bad(f"{wrong}: Wrong HTTP URL") from None
    if parts.scheme not in _SCHEMES:
        raise bad(f"{wrong}: Unsupported URL protocol")
    if not parts.netloc:
        raise bad(f"{wrong}: Wrong HTTP URL")


def _plain(button: object) -> dict[str, Any]:
    told = {"text": button} if isinstance(button, str) else button
    if not isinstance(told, dict) or not isinstance(told.get("text"), str):
        raise bad("can't parse keyboard button: Can't find field \"text\"")
    if not told["text"].strip():
        raise bad("keyboard button text must be non-empty")
    return {key: value for key, value in told.items() if value is not None}


def _read_html(source: str) -> tuple[str, Entities]:
    """Text and entities of HTML as Telegram reads it.

    Raises:
        Refusal: in the words that the real one explains the mistake with.
    """
    text, entities, at = "", [], 0
    open_tags: list[tuple[str, int, str]] = []
    while at < len(source):
        mark = source.find("<", at)
        end = len(source) if mark < 0 else mark
        text += html.unescape(source[at:end])
        if mark < 0:
            break
        found = _TAG.match(source, mark)
        byte = len(source[:mark].encode())
        if not found:
            raise _unparsed(f"Unclosed start tag at byte offset {byte}")
        closing, tag, rest = found.group(1), found.group(2).lower(), found.group(3)
        if closing:
            entities += _closed(open_tags, tag, byte, units(text))
        elif tag not in _TAGS or (tag == "span" and "tg-spoiler" not in rest):
            raise _unparsed(f'Unsupported start tag "{tag}" at byte offset {byte}')
        else:
            open_tags.append((tag, units(text), rest))
        at = found.end()
    if open_tags:
        raise _unparsed(f'Can\'t find end tag corresponding to start tag "{open_tags[-1][0]}"')
    return text, sorted(entities, key=lambda entity: entity["offset"])


def _closed(open_tags: list[tuple[str, int, str]], tag: str, byte: int, now: int) -> Entities:
    if not open_tags:
        raise _unparsed(f"Unexpected end tag at byte offset {byte}")
    opened, start, rest = open_tags.pop()
    if tag and tag != opened:
        raise _unparsed(
            f'Unmatched end tag at byte offset {byte}, expected "</{opened}>", found "</{tag}>"'
        )
    if now == start:
        return []
    entity: dict[str, Any] = {"type": _TAGS[opened], "offset": start, "length": now - start}
    if opened == "a":
        link = _HREF.search(rest)
        if not link or not link.group(1):
            return []
        entity["url"] = html.unescape(link.group(1))
    return [entity]


def _unparsed(words: str) -> Exception:
    return bad(f"can't parse entities: {words}")
