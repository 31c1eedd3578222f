"""What aiogram, which knows the Bot API by type, objects to in a call that was made without it."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from aiogram import methods
from aiogram.types import BufferedInputFile
from pydantic import BaseModel, ValidationError

_WORDS = ("text", "caption")


def objections(method: str, parameters: Mapping[str, Any]) -> list[str]:
    """A method that there is none of, a parameter that it does not know, a value it cannot take."""
    kind = getattr(methods, method[:1].upper() + method[1:], None) if method[:1].islower() else None
    if kind is None or not issubclass(kind, methods.TelegramMethod):
        return [f"there is no {method}"]
    in_form = any(isinstance(each, bytes) for each in parameters.values())
    given = {
        name: _typed(each, as_json=in_form and name not in _WORDS)
        for name, each in parameters.items()
    }
    try:
        made = kind.model_validate(given)
    except ValidationError as error:
        return [f"{method}: {error}"]
    return [f"{method} knows no {name}" for name in _strange(made)]


def _typed(value: Any, *, as_json: bool) -> Any:
    if isinstance(value, bytes):
        return BufferedInputFile(value, "a file")
    if as_json and isinstance(value, str) and value[:1] in {"{", "["}:
        return msgspec.json.decode(value)
    return value


def _strange(value: Any) -> Iterable[str]:
    """Names, at any depth, that are none of the Bot API's."""
    if isinstance(value, BaseModel):
        yield from value.model_extra or ()
        for name in value.model_fields_set:
            yield from _strange(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            yield from _strange(each)
