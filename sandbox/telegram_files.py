"""Files that bots sent: kept in memory, the oldest forgotten first."""

import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, UnidentifiedImageError

from core.kit.ids import uuid7
from sandbox.telegram_state import Refusal, bad

_KEPT_MAX = 200
_KEPT_BYTES_MAX = 64_000_000
_PHOTO_BYTES_MAX = 10_000_000
_DOCUMENT_BYTES_MAX = 50_000_000
_SIDES_MAX = 10_000
_RATIO_MAX = 20


@dataclass(frozen=True, slots=True)
class File:
    """One file. A link that was sent instead of bytes is not fetched: the sandbox calls nobody."""

    id: str
    path: str
    mime_type: str
    content: bytes = field(repr=False)
    name: str | None = None
    width: int = 0
    height: int = 0

    def as_file(self) -> dict[str, Any]:
        return {
            "file_id": self.id,
            "file_unique_id": self.id[-12:],
            "file_size": len(self.content),
        }

    def as_photo(self) -> list[dict[str, Any]]:
        return [{**self.as_file(), "width": self.width, "height": self.height}]

    def as_document(self) -> dict[str, Any]:
        return {**self.as_file(), "file_name": self.name, "mime_type": self.mime_type}


@dataclass(slots=True)
class Files:
    """By id."""

    _files: dict[str, File] = field(default_factory=dict)

    def photo(self, content: bytes) -> File:
        """Keep a picture.

        Raises:
            Refusal: it is none, or larger than the real one takes.
        """
        if not content:
            raise bad("file must be non-empty")
        if len(content) > _PHOTO_BYTES_MAX:
            raise Refusal(413, "Request Entity Too Large")
        try:
            with Image.open(io.BytesIO(content)) as image:
                width, height = image.size
                mime_type = Image.MIME.get(image.format or "", "application/octet-stream")
        except (UnidentifiedImageError, OSError):
            raise bad("IMAGE_PROCESS_FAILED") from None
        if width + height > _SIDES_MAX or max(width, height) > _RATIO_MAX * min(width, height):
            raise bad("PHOTO_INVALID_DIMENSIONS")
        return self._keep("photos", content, mime_type, None, (width, height))

    def document(self, content: bytes, name: str | None, mime_type: str | None) -> File:
        if not content:
            raise bad("file must be non-empty")
        if len(content) > _DOCUMENT_BYTES_MAX:
            raise Refusal(413, "Request Entity Too Large")
        return self._keep(
            "documents", content, mime_type or "application/octet-stream", name, (0, 0)
        )

    def find(self, file_id: str) -> File | None:
        return self._files.get(file_id)

    def at(self, path: str) -> File | None:
        return next((file for file in self._files.values() if file.path == path), None)

    def forget(self) -> None:
        self._files.clear()

    def _keep(
        self, folder: str, content: bytes, mime_type: str, name: str | None, size: tuple[int, int]
    ) -> File:
        file_id = f"SIM{uuid7().hex}"
        file = File(file_id, f"{folder}/{file_id}", mime_type, content, name, *size)
        self._files[file_id] = file
        while len(self._files) > _KEPT_MAX or self._bytes() > _KEPT_BYTES_MAX:
            del self._files[next(iter(self._files))]
        return file

    def _bytes(self) -> int:
        return sum(len(file.content) for file in self._files.values())
