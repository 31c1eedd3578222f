"""Reloadly's list of top-ups.

Source: https://docs.reloadly.com/airtime (transaction reports), read November 2026, and public
integrations. Their times carry no zone, so a line has none: the list picks out the days.

- `GET /topups/reports/transactions?startDate=&endDate=&page=&size=`, times as
  `YYYY-MM-DD HH:mm:ss`, pages from 1; `content`, and `last` on the last one.
- `balanceInfo.cost` in `balanceInfo.currencyCode` is what left our float.
"""

import abc
import datetime as dt
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

from core.kit.money import Money
from core.ports.statements import LineState, StatementLine
from core.providers.http import NoReply, Reply
from core.providers.paging import Page, whole
from core.providers.payments.reading import read_currency, read_moment
from core.providers.values import major, member, word
from core.providers.values import whole as whole_number
from core.providers.vtu.base import HttpVtu

_PATH = "/topups/reports/transactions"
_PER_PAGE = 100
_TIME = "%Y-%m-%d %H:%M:%S"
_STATES: Mapping[str, LineState] = MappingProxyType(
    {
        "SUCCESSFUL": LineState.DONE,
        "PROCESSING": LineState.OPEN,
        "PENDING": LineState.OPEN,
        "FAILED": LineState.FAILED,
        "REFUNDED": LineState.REVERSED,
    }
)


class ReloadlyStatement(HttpVtu, abc.ABC):
    """Keeps `core.ports.statements.Statements` for an adapter of Reloadly."""

    @abc.abstractmethod
    async def _bearer(self) -> Mapping[str, str] | None: ...

    @abc.abstractmethod
    def _forget_token(self, answer: Reply | NoReply) -> None: ...

    async def statement(self, since: dt.datetime, until: dt.datetime) -> Sequence[StatementLine]:
        async def page(number: int) -> Page[StatementLine] | None:
            bearer = await self._bearer()
            if bearer is None:
                return None
            query = {
                "startDate": since.strftime(_TIME),
                "endDate": until.strftime(_TIME),
                "page": str(number),
                "size": str(_PER_PAGE),
            }
            answer = await self._get("statement", _PATH, params=query, headers=bearer)
            self._forget_token(answer)
            return read_page(answer)

        return await whole("reloadly: transactions", page)


def read_page(answer: Reply | NoReply) -> Page[StatementLine] | None:
    """A page of top-ups; None where any of them cannot be read. Pure."""
    if isinstance(answer, NoReply) or answer.status != HTTPStatus.OK:
        return None
    document = answer.json()
    rows, last = member(document, "content"), member(document, "last")
    if not isinstance(rows, list) or not isinstance(last, bool):
        return None
    lines = [_line(row) for row in rows]
    if None in lines:
        return None
    return Page([line for line in lines if line], more=not last)


def _line(row: object) -> StatementLine | None:
    number = whole_number(member(row, "transactionId"))
    if not number:
        return None
    return StatementLine(
        their_reference=str(number),
        our_reference=word(member(row, "customIdentifier")),
        state=_STATES.get(word(member(row, "status")) or "", LineState.UNKNOWN),
        amount=_cost(member(row, "balanceInfo")),
        at=read_moment(member(row, "transactionDate")),
    )


def _cost(info: object) -> Money | None:
    currency = read_currency(member(info, "currencyCode"))
    return major(member(info, "cost"), currency) if currency else None
