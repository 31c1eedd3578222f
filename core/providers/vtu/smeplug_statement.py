"""SMEPlug's list of transactions.

Source: a published SDK (aimtoget/smeplug-php), read November 2026: `GET /transactions` with `type`,
`status`, `start_date` and `page`. Where pages end is not told, so they are asked for until one is
empty; a page that repeats an earlier one means that pages are not heeded, and that the list may go
on unseen. In which order they stand is not told either.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

from core.ports.statements import LineState, StatementLine
from core.providers.http import NoReply, Reply
from core.providers.paging import Page, whole
from core.providers.payments.reading import read_moment
from core.providers.values import major, member, word
from core.providers.vtu.base import HttpVtu

_CURRENCY = "NGN"
_STATES: Mapping[str, LineState] = MappingProxyType(
    {
        "success": LineState.DONE,
        "successful": LineState.DONE,
        "pending": LineState.OPEN,
        "processing": LineState.OPEN,
        "failed": LineState.FAILED,
        "reversed": LineState.REVERSED,
        "refunded": LineState.REVERSED,
    }
)


class SmePlugStatement(HttpVtu):
    """Keeps `core.ports.statements.Statements` for an adapter of SMEPlug."""

    async def statement(self, since: dt.datetime, until: dt.datetime) -> Sequence[StatementLine]:
        seen: set[str] = set()

        async def page(number: int) -> Page[StatementLine] | None:
            lines = read_page(await self._page("statement", since.date(), number))
            if lines and adds_nothing({line.their_reference for line in lines}, seen):
                return None
            return None if lines is None else Page(lines, more=bool(lines))

        lines = await whole("smeplug: transactions", page)
        return [line for line in lines if line.at is None or since <= line.at < until]

    async def _page(self, act: str, since: dt.date, number: int) -> Reply | NoReply:
        """A page of the list from a day on, which is a day of their time zone; from 1."""
        query = {"start_date": since.isoformat(), "page": str(number)}
        return await self._get(act, "/transactions", params=query)


def adds_nothing(names: set[str], seen: set[str]) -> bool:
    """Whether a page names nothing that `seen` does not hold yet; else `seen` holds it from now."""
    if names <= seen:
        return True
    seen |= names
    return False


def read_page(answer: Reply | NoReply) -> list[StatementLine] | None:
    """A page of transactions; None where any of them cannot be read. Pure."""
    if isinstance(answer, NoReply) or answer.status != HTTPStatus.OK:
        return None
    listed = member(answer.json(), "transactions")
    rows = member(listed, "data") if isinstance(listed, dict) else listed
    if not isinstance(rows, list):
        return None
    lines = [_line(row) for row in rows]
    return None if None in lines else [line for line in lines if line]


def _line(row: object) -> StatementLine | None:
    theirs = word(member(row, "reference"))
    if theirs is None:
        return None
    return StatementLine(
        their_reference=theirs,
        our_reference=word(member(row, "customer_reference")),
        state=_STATES.get((word(member(row, "status")) or "").lower(), LineState.UNKNOWN),
        amount=major(member(row, "price"), _CURRENCY),
        at=read_moment(member(row, "created_at")),
    )
