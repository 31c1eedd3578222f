"""Lists that come in pages: read to their end, or not at all."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.ports.statements import Unread

Row = TypeVar("Row")

PAGES_MAX = 1000
"""More than any day has: a list that goes on after that goes round in circles."""

_TRIES = 2
_PAUSE_S = 0.2


@dataclass(frozen=True)  # a generic of Python 3.11 with slots cannot be made as `Page[Row](...)`
class Page(Generic[Row]):
    """What stands on one page, and whether another follows."""

    rows: Sequence[Row]
    more: bool


async def whole(
    what: str, page: Callable[[int], Awaitable[Page[Row] | None]], *, first: int = 1
) -> list[Row]:
    """Every row of every page. `page` answers None for one that could not be read.

    Asking is safe, so a page that did not come is asked for once more.

    Raises:
        Unread: a page did not come, or the list does not end.
    """
    rows: list[Row] = []
    for number in range(first, first + PAGES_MAX):
        found = await _tried(page, number)
        if found is None:
            raise Unread(f"{what}: page {number} could not be read")
        rows += found.rows
        if not found.more:
            return rows
    raise Unread(f"{what}: more than {PAGES_MAX} pages")


async def _tried(
    page: Callable[[int], Awaitable[Page[Row] | None]], number: int
) -> Page[Row] | None:
    for again in range(_TRIES):
        if again:
            await asyncio.sleep(_PAUSE_S)
        if (found := await page(number)) is not None:
            return found
    return None
