"""What the Graph API refuses of a message before it sends it: kinds, lengths, counts."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sandbox.whatsapp_errors import GraphError, invalid, missing

TEXT_MAX = 4096
BODY_MAX = 1024  # of every interactive message, though lists may now have more
CAPTION_MAX = 1024
BUTTONS_MAX = 3
ROWS_MAX = 10

_HEADER_MAX = _FOOTER_MAX = 60
_TITLE_MAX = _LIST_BUTTON_MAX = _LINK_TITLE_MAX = 20
_ID_MAX = 256
_ROW_TITLE_MAX = 24
_ROW_HINT_MAX = 72
_ROW_ID_MAX = 200
_SECTION_TITLE_MAX = 24
_UNFIT_FOR_TEMPLATE = re.compile(r"[\n\t]| {5,}")

Fields = Mapping[str, Any]


def check(kind: str, message: Fields, is_media: Callable[[str], bool]) -> None:
    """Refuse what the real one refuses of a message of that `type`.

    Raises:
        GraphError: in its words.
    """
    checker = _CHECKS.get(kind)
    if checker is None:
        raise GraphError(100, f"Param type must be one of {{{', '.join(_CHECKS).upper()}}}")
    content = message.get(kind)
    if not isinstance(content, dict):
        raise missing(kind)
    checker(content)
    if kind in ("image", "document"):
        _check_media(kind, content, is_media)


def _text(text: Fields) -> None:
    body = _string(text, "body", "text['body']")
    if len(body) > TEXT_MAX:
        raise GraphError(100, f"Param text['body'] must be at most {TEXT_MAX} characters long.")


def _interactive(interactive: Fields) -> None:
    kind = _string(interactive, "type", "interactive['type']")
    parts = _INTERACTIVE.get(kind)
    if parts is None:
        raise invalid(f"Interactive type {kind} is not supported")
    _part(interactive, "body", BODY_MAX, needed=True)
    _part(interactive, "footer", _FOOTER_MAX)
    header = _object(interactive, "header") if interactive.get("header") else {}
    if header.get("type") == "text":
        _length("Header text", _string(header, "text", "header['text']"), _HEADER_MAX)
    action = interactive.get("action")
    if not isinstance(action, dict):
        raise missing("interactive['action']")
    parts(action)


def _buttons(action: Fields) -> None:
    buttons = _list(action, "buttons")
    if not 1 <= len(buttons) <= BUTTONS_MAX:
        raise invalid(
            f"Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: {BUTTONS_MAX}"
        )
    if any(button.get("type") != "reply" for button in buttons):
        raise invalid("Button type must be reply")
    replies = [_object(button, "reply") for button in buttons]
    for reply in replies:
        _length("Button title", _string(reply, "title", "reply['title']"), _TITLE_MAX)
        _length("Button id", _string(reply, "id", "reply['id']"), _ID_MAX)
    _unlike("Button titles", [reply["title"] for reply in replies])
    _unlike("Button ids", [reply["id"] for reply in replies])


def _rows(action: Fields) -> None:
    _length("Button text", _string(action, "button", "action['button']"), _LIST_BUTTON_MAX)
    sections = _list(action, "sections")
    if not 1 <= len(sections) <= ROWS_MAX:
        raise invalid(f"Invalid sections count. Min: 1, Max: {ROWS_MAX}")
    rows = [row for section in sections for row in _list(section, "rows")]
    if not rows:
        raise invalid("Total row count must be at least 1")
    if len(rows) > ROWS_MAX:
        raise invalid(f"Total row count exceed max allowed count: {ROWS_MAX}")
    for section in sections:
        title = str(section.get("title") or "")
        if len(sections) > 1 and not title:
            raise missing("section['title']")
        if len(title) > _SECTION_TITLE_MAX:
            raise invalid(f"Section title is too long. Max length is {_SECTION_TITLE_MAX}")
    for row in rows:
        _length("Row title", _string(row, "title", "row['title']"), _ROW_TITLE_MAX)
        _length("Row id", _string(row, "id", "row['id']"), _ROW_ID_MAX)
        if len(str(row.get("description") or "")) > _ROW_HINT_MAX:
            raise invalid(f"Row description is too long. Max length is {_ROW_HINT_MAX}")
    _unlike("Row ids", [row["id"] for row in rows])


def _link(action: Fields) -> None:
    _named(action, "cta_url")
    parameters = action.get("parameters")
    if not isinstance(parameters, dict):
        raise missing("action['parameters']")
    title = _string(parameters, "display_text", "parameters['display_text']")
    _length("Display text", title, _LINK_TITLE_MAX)
    url = _string(parameters, "url", "parameters['url']")
    if not url.startswith(("https://", "http://")):
        raise invalid("Url is invalid")


def _location_request(action: Fields) -> None:
    _named(action, "send_location")


def _contact_request(action: Fields) -> None:
    _named(action, "request_contact_info")


def _template(template: Fields) -> None:
    _string(template, "name", "template['name']")
    language = template.get("language")
    if not isinstance(language, dict) or not language.get("code"):
        raise missing("template['language']['code']")
    for parameter in template_parameters(template):
        if _UNFIT_FOR_TEMPLATE.search(parameter):
            raise GraphError(
                100,
                "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
            )


def template_parameters(template: Fields) -> list[str]:
    """What fills the gaps of a template, in order."""
    components = _list(template, "components") if template.get("components") else []
    return [
        str(parameter.get("text") or "")
        for component in components
        if component.get("parameters")
        for parameter in _list(component, "parameters")
    ]


def _image(image: Fields) -> None:
    if len(str(image.get("caption") or "")) > CAPTION_MAX:
        raise GraphError(
            100, f"Param image['caption'] must be at most {CAPTION_MAX} characters long."
        )


def _location(location: Fields) -> None:
    for name in ("latitude", "longitude"):
        if name not in location:
            raise missing(f"location['{name}']")


def _reaction(reaction: Fields) -> None:
    _string(reaction, "message_id", "reaction['message_id']")


def _check_media(kind: str, content: Fields, is_media: Callable[[str], bool]) -> None:
    link, media_id = content.get("link"), content.get("id")
    if not link and not media_id:
        raise missing(f"{kind}['link'] or {kind}['id']")
    if media_id and not is_media(str(media_id)):
        raise invalid("Media id is not valid")
    if link and not str(link).startswith(("http://", "https://")):
        raise invalid(f"Param {kind}['link'] is not a valid URI")


_INTERACTIVE: Mapping[str, Callable[[Fields], None]] = {
    "button": _buttons,
    "list": _rows,
    "cta_url": _link,
    "location_request_message": _location_request,
    "request_contact_info": _contact_request,
}
_CHECKS: Mapping[str, Callable[[Fields], None]] = {
    "text": _text,
    "interactive": _interactive,
    "image": _image,
    "document": _image,
    "template": _template,
    "location": _location,
    "reaction": _reaction,
}


def _named(action: Fields, name: str) -> None:
    if action.get("name") != name:
        raise invalid(f"Action name must be {name}")


def _part(interactive: Fields, name: str, most: int, *, needed: bool = False) -> None:
    part = interactive.get(name)
    if part is None and not needed:
        return
    if not isinstance(part, dict):
        raise missing(f"interactive['{name}']")
    _length(f"{name.capitalize()} text", _string(part, "text", f"{name}['text']"), most)


def _string(fields: object, name: str, path: str) -> str:
    value = fields.get(name) if isinstance(fields, dict) else None
    if value is None or value == "":
        raise missing(path)
    if not isinstance(value, str):
        raise GraphError(100, f"Param {path} must be a string.")
    return value


def _object(fields: Fields, name: str) -> dict[str, Any]:
    value = fields.get(name)
    if not isinstance(value, dict):
        raise missing(name)
    return value


def _list(fields: Fields, name: str) -> list[dict[str, Any]]:
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise missing(name)
    return value


def _length(what: str, text: str, most: int) -> None:
    if not text.strip() or len(text) > most:
        raise invalid(f"{what} length invalid. Min length: 1, Max length: {most}")


def _unlike(what: str, texts: Sequence[str]) -> None:
    if len(set(texts)) < len(texts):
        raise invalid(f"{what} must be unique")
