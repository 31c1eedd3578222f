"""The one shape of every answer, and how money, times and pages are written in it."""

import base64
import datetime as dt
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.admin.errors import ApiError
from core.kit.clock import utc_now
from core.kit.expected import shaped
from core.kit.money import Money, to_major
from core.ports import Paging

Data = TypeVar("Data")
Row = TypeVar("Row")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""What the answer, its header and the log lines of one request carry alike."""

PAGE_MAX = 100_000

NO_NUL = shaped(r"^[^\x00]*$", "should have no NUL characters")
Words = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
"""Free text of one line or so; Postgres keeps no NUL."""


def _request_id() -> str:
    return request_id.get()


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


class Envelope(Answer, Generic[Data]):
    success: Literal[True] = True
    data: Data
    timestamp: dt.datetime = Field(default_factory=utc_now)
    request_id: str = Field(default_factory=_request_id, serialization_alias="requestId")


class Told(Envelope[Data], Generic[Data]):
    """With a sentence for whoever asked."""

    message: str


class Pagination(Answer):
    """Where a list stands.

    `total` and `page` are null where `cursor` was given; `next_cursor` is null on the last page,
    and wherever rows are not sorted by `created_at`.
    """

    per_page: int
    page: int | None
    total: int | None
    next_cursor: str | None


class Listing(Envelope[list[Data]], Generic[Data]):
    pagination: Pagination


class Refusal(Answer):
    """Every answer that is not a success. `details` names fields where fields are wrong."""

    success: Literal[False] = False
    error: str
    code: str
    details: list[dict[str, str]] | None = None
    timestamp: dt.datetime
    request_id: str = Field(serialization_alias="requestId")


def major(minor: int, currency: str) -> str:
    return to_major(Money(minor, currency))


class PageQuery:
    """`page`, `per_page`, `sort_order` and `cursor`, as every list takes them."""

    def __init__(
        self,
        page: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 1,
        per_page: Annotated[int, Query(ge=1, le=100)] = 20,
        sort_order: Literal["asc", "desc"] = "desc",
        cursor: Annotated[
            str | None, Query(max_length=200, description="`next_cursor` of the page before.")
        ] = None,
    ) -> None:
        self._page = page
        self._per_page = per_page
        self._descending = sort_order == "desc"
        self._after = _read(cursor) if cursor else None

    @property
    def counted(self) -> bool:
        """Whether the answer tells how many there are in all: not while following a cursor."""
        return self._after is None

    def paging(self, sort_by: str) -> Paging:
        """Raises `ApiError` where a cursor cannot go with that order."""
        if self._after is not None and sort_by != "created_at":
            raise _bad_cursor("goes with sort_by=created_at alone")
        return Paging(self._per_page, self._page, self._after, sort_by, self._descending)

    def listing(
        self,
        rows: Sequence[Row],
        total: int | None,
        *,
        place: tuple[dt.datetime, UUID] | None,
    ) -> tuple[list[Row], Pagination]:
        """A page of `rows`, of which there may be one too many to show that more follow.

        `place` is that of the last row that is shown, where rows can be followed by a cursor.
        """
        more = len(rows) > self._per_page
        following = _written(*place) if more and place is not None else None
        return list(rows[: self._per_page]), Pagination(
            per_page=self._per_page,
            page=self._page if self.counted else None,
            total=total,
            next_cursor=following,
        )

    def last_shown(self, rows: Sequence[Row]) -> Row | None:
        return rows[: self._per_page][-1] if rows else None


def _written(at: dt.datetime, row_id: UUID) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {row_id}".encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[dt.datetime, UUID]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, _, row_id = base64.urlsafe_b64decode(padded.encode("ascii")).decode().partition(" ")
        found = dt.datetime.fromisoformat(at), UUID(row_id)
    except ValueError:
        raise _bad_cursor("is none that a list gave") from None
    if found[0].tzinfo is None:
        raise _bad_cursor("is none that a list gave")
    return found


def _bad_cursor(what: str) -> ApiError:
    return ApiError(422, "request.invalid", "The request is not valid.", {"cursor": what})
