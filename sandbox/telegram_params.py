"""The parameters of a Bot API call, however they came: query, JSON, form or multipart."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from sandbox.telegram_state import bad

_TRUE = {"true", "1"}
_NUMBER_DIGITS_MAX = 18


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in the request."""

    name: str | None
    mime_type: str | None
    content: bytes


@dataclass(frozen=True, slots=True)
class Params:
    """Read by name and kind; a form writes everything as text, JSON writes what it means."""

    values: Mapping[str, Any]
    uploads: Mapping[str, Upload]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return "" if value is None else value if isinstance(value, str) else json.dumps(value)

    def number(self, name: str) -> int | None:
        text = self.text(name).strip()
        digits = text.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > _NUMBER_DIGITS_MAX:
            return None
        return int(text)

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in _TRUE

    def structure(self, name: str) -> Any:
        """An object or array: itself, or the text of it; None when absent or unreadable."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            return None

    def fields(self, name: str) -> dict[str, Any]:
        """An object; an empty one when it is anything else."""
        value = self.structure(name)
        return value if isinstance(value, dict) else {}

    def upload(self, name: str) -> Upload | None:
        """The file of that parameter: in its own part, or in the one it is attached by."""
        attached = self.text(name)
        part = attached.removeprefix("attach://") if attached.startswith("attach://") else name
        return self.uploads.get(part)


async def read_params(request: Request) -> Params:
    """Everything that the request says.

    Raises:
        Refusal: its body cannot be read.
    """
    values: dict[str, Any] = dict(request.query_params)
    uploads: dict[str, Upload] = {}
    kind = request.headers.get("content-type", "")
    if "json" in kind:
        values |= await _read_json(request)
    elif "form" in kind:
        try:
            async with request.form() as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        uploads[name] = Upload(
                            value.filename, value.content_type, await value.read()
                        )
                    else:
                        values[name] = value
        except HTTPException:
            raise bad("can't parse multipart/form-data request") from None
    return Params(values, uploads)


async def _read_json(request: Request) -> dict[str, Any]:
    body = await request.body()
    try:
        fields = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = None
    if not isinstance(fields, dict):
        raise bad("can't parse JSON object")
    return fields
