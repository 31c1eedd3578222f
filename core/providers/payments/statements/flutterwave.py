"""Flutterwave's list of transactions, and of settlements.

Sources: the reference of v3 (get multiple transactions), https://developer.flutterwave.com and
documentation/settlements.md of Flutterwave/Node-v3, read November 2026.

- `GET /transactions?from=&to=&page=`: whole days, the last one included; each try of a payer is
  one with its own `id`, as verification tells it; `meta.page_info.total_pages` counts pages.
- `GET /settlements?from=&to=&page=`: `gross_amount`, `app_fee` and `merchant_fee`, `net_amount`.
- Amounts are in major units.
"""

import abc
import datetime as dt
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType

from core.kit.money import Money
from core.ports.statements import LineState, Settlement, StatementLine
from core.providers.http import NoReply, Reply
from core.providers.paging import Page, whole
from core.providers.payments.reading import read_currency, read_moment
from core.providers.values import major, member, word
from core.providers.values import whole as whole_number

_STATES: Mapping[str, LineState] = MappingProxyType(
    {
        "successful": LineState.DONE,
        "pending": LineState.OPEN,
        "failed": LineState.FAILED,
        "refunded": LineState.REVERSED,
        "reversed": LineState.REVERSED,
    }
)


class FlutterwaveStatements(abc.ABC):
    """Keeps `core.ports.statements.Statements` and `Settlements` for an adapter of Flutterwave."""

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
            query = _query(since, until, number)
            return read_page(await self._ask("GET", "/transactions", "statement", query=query))

        return await whole("flutterwave: transactions", page)

    async def settlements(self, since: dt.datetime, until: dt.datetime) -> Sequence[Settlement]:
        async def page(number: int) -> Page[Settlement] | None:
            query = _query(since, until, number)
            answer = await self._ask("GET", "/settlements", "settlements", query=query)
            return read_settlements(answer)

        return await whole("flutterwave: settlements", page)


def _query(since: dt.datetime, until: dt.datetime, number: int) -> dict[str, str]:
    return {
        "from": since.date().isoformat(),
        "to": until.date().isoformat(),
        "page": str(number),
    }


def read_page(answer: Reply | NoReply) -> Page[StatementLine] | None:
    """A page of transactions; None where any of them cannot be read. Pure."""
    rows, more = _rows(answer)
    lines = None if rows is None else [_line(row) for row in rows]
    if lines is None or None in lines:
        return None
    return Page([line for line in lines if line], more=more)


def read_settlements(answer: Reply | NoReply) -> Page[Settlement] | None:
    """A page of settlements; None where any of them cannot be read. Pure."""
    rows, more = _rows(answer)
    found = None if rows is None else [_settlement(row) for row in rows]
    if found is None or None in found:
        return None
    return Page([each for each in found if each], more=more)


def _rows(answer: Reply | NoReply) -> tuple[list[object] | None, bool]:
    """The rows of a page, None where it is none, and whether another page follows."""
    heard = isinstance(answer, Reply) and answer.status == HTTPStatus.OK
    document = answer.json() if isinstance(answer, Reply) and heard else None
    rows = member(document, "data") if member(document, "status") == "success" else None
    pages = member(document, "meta", "page_info")
    page, last = (whole_number(member(pages, name)) for name in ("current_page", "total_pages"))
    # Without a word on how many pages there are, nobody could tell whether this is all.
    if not isinstance(rows, list) or page is None or last is None:
        return None, False
    return rows, page < last


def _line(row: object) -> StatementLine | None:
    number = whole_number(member(row, "id"))
    amount = _money(row, "amount")
    if not number or amount is None:
        return None
    reference = word(member(row, "tx_ref"))
    bore_fee = _money(row, "charged_amount") == amount
    return StatementLine(
        their_reference=str(number),
        our_reference=reference,
        state=_STATES.get(word(member(row, "status")) or "", LineState.UNKNOWN),
        amount=amount,
        fee=_money(row, "app_fee") if bore_fee else None,
        at=read_moment(member(row, "created_at")),
        account=reference,
    )


def _settlement(row: object) -> Settlement | None:
    number = whole_number(member(row, "id"))
    gross, net = _money(row, "gross_amount"), _money(row, "net_amount")
    if not number or gross is None or net is None:
        return None
    at = read_moment(member(row, "transaction_date"))
    return Settlement(str(number), at, gross, gross - net, net)


def _money(row: object, name: str) -> Money | None:
    currency = read_currency(member(row, "currency"))
    return major(member(row, name), currency) if currency else None
