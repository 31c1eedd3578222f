"""Monnify's list of transactions.

Sources: https://developers.monnify.com/api (get all transactions) and public clients that agree on
its path and pages, read November 2026. That `from` and `to` are milliseconds since 1970 is known
from clients only: a list that does not heed them is merely longer, and the day is picked out here.
Settlements are told one transaction at a time, so they are not listed.

- `GET /api/v1/transactions/search?from=&to=&page=&size=`, pages from 0; `content`, and `last` on
  the last one. A row has `transactionReference`, `paymentReference`, `paymentStatus`, `amountPaid`
  or `amount`, `currencyCode`, `completedOn` and `createdOn`.
"""

import abc
import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from core.kit.money import Money
from core.ports.statements import LineState, StatementLine
from core.providers.http import NoReply, Reply
from core.providers.paging import Page, whole
from core.providers.payments.monnify_accounts import read_body, read_paid_on
from core.providers.payments.reading import read_currency
from core.providers.values import major, member, word

_PATH = "/api/v1/transactions/search"
_PER_PAGE = 100
_STATES: Mapping[str, LineState] = MappingProxyType(
    {
        "PAID": LineState.DONE,
        "OVERPAID": LineState.DONE,
        "PARTIALLY_PAID": LineState.DONE,
        "PENDING": LineState.OPEN,
        "ABANDONED": LineState.OPEN,
        "FAILED": LineState.FAILED,
        "CANCELLED": LineState.FAILED,
        "EXPIRED": LineState.FAILED,
        "REVERSED": LineState.REVERSED,
    }
)


class MonnifyStatements(abc.ABC):
    """Keeps `core.ports.statements.Statements` for an adapter of Monnify."""

    @abc.abstractmethod
    async def _ask(
        self,
        method: str,
        path: str,
        act: str,
        *,
        query: Mapping[str, str] | None = None,
        document: Mapping[str, object] | None = None,
    ) -> Reply | NoReply: ...

    async def statement(self, since: dt.datetime, until: dt.datetime) -> Sequence[StatementLine]:
        async def page(number: int) -> Page[StatementLine] | None:
            query = {
                "from": str(int(since.timestamp() * 1000)),
                "to": str(int(until.timestamp() * 1000)),
                "page": str(number),
                "size": str(_PER_PAGE),
            }
            return read_page(await self._ask("GET", _PATH, "statement", query=query))

        return await whole("monnify: transactions", page, first=0)


def read_page(answer: Reply | NoReply) -> Page[StatementLine] | None:
    """A page of transactions; None where any of them cannot be read. Pure."""
    body = read_body(answer)
    rows, last = member(body, "content"), member(body, "last")
    if not isinstance(rows, list) or not isinstance(last, bool):
        return None
    lines = [_line(row) for row in rows]
    if None in lines:
        return None
    return Page([line for line in lines if line], more=not last)


def _line(row: object) -> StatementLine | None:
    theirs = word(member(row, "transactionReference"))
    currency = read_currency(member(row, "currencyCode") or member(row, "currency"))
    if theirs is None or currency is None:
        return None
    state = _STATES.get(word(member(row, "paymentStatus")) or "", LineState.UNKNOWN)
    amount = _amount(row, currency)
    if amount is None and state is LineState.DONE:
        return None
    return StatementLine(
        their_reference=theirs,
        our_reference=word(member(row, "paymentReference")),
        state=state,
        amount=amount,
        at=_time(row),
        account=word(member(row, "product", "reference")),
    )


def _amount(row: object, currency: str) -> Money | None:
    paid = member(row, "amountPaid")
    return major(member(row, "amount") if paid is None else paid, currency)


def _time(row: object) -> dt.datetime | None:
    return read_paid_on(member(row, "completedOn")) or read_paid_on(member(row, "createdOn"))
