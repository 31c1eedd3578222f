"""Paystack's list of transactions, and of settlements.

Source: https://github.com/PaystackHQ/openapi (dist/paystack.yaml, transaction_list and
settlements_fetch), read November 2026; the amounts of a settlement from public clients that agree.

- `GET /transaction?from=&to=&perPage=&page=`: by the time that a transaction was opened, of any
  status; `meta.pageCount` tells how many pages there are. `id` is what `verify` tells too. Amounts
  and `fees` are in minor units.
- `GET /settlement?from=&to=&perPage=&page=`: `total_processed` is what customers paid, `total_fees`
  what Paystack kept, `effective_amount` what the bank got.
"""

import abc
import datetime as dt
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from core.kit.money import Money
from core.ports.statements import LineState, Settlement, StatementLine
from core.providers.http import NoReply, Reply
from core.providers.paging import Page, whole
from core.providers.payments.reading import read_currency, read_moment
from core.providers.values import member, word
from core.providers.values import whole as whole_number

_PER_PAGE = 100
_TRANSFER = "dedicated_nuban"
_STATES: Mapping[str, LineState] = MappingProxyType(
    {
        "success": LineState.DONE,
        "reversed": LineState.REVERSED,
        "failed": LineState.FAILED,
        "abandoned": LineState.OPEN,  # the payer may come back to the page
        "ongoing": LineState.OPEN,
        "pending": LineState.OPEN,
        "processing": LineState.OPEN,
        "queued": LineState.OPEN,
    }
)


class PaystackStatements(abc.ABC):
    """Keeps `core.ports.statements.Statements` and `Settlements` for an adapter of Paystack."""

    @abc.abstractmethod
    async def _ask(
        self,
        method: str,
        path: str,
        act: str,
        document: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
    ) -> Reply | NoReply: ...

    async def statement(self, since: dt.datetime, until: dt.datetime) -> Sequence[StatementLine]:
        async def page(number: int) -> Page[StatementLine] | None:
            query = _query(since, until, number)
            return read_page(await self._ask("GET", "/transaction", "statement", query=query))

        return await whole("paystack: transactions", page)

    async def settlements(self, since: dt.datetime, until: dt.datetime) -> Sequence[Settlement]:
        async def page(number: int) -> Page[Settlement] | None:
            query = _query(since, until, number)
            return read_settlements(
                await self._ask("GET", "/settlement", "settlements", query=query)
            )

        return await whole("paystack: settlements", page)


def _query(since: dt.datetime, until: dt.datetime, number: int) -> dict[str, str]:
    return {
        "from": since.isoformat(),
        "to": until.isoformat(),
        "perPage": str(_PER_PAGE),
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
    document = None if isinstance(answer, NoReply) or answer.status != 200 else answer.json()  # noqa: PLR2004 - OK
    rows = member(document, "data") if member(document, "status") is True else None
    if not isinstance(rows, list):
        return None, False
    meta = member(document, "meta")
    page, pages = whole_number(member(meta, "page")), whole_number(member(meta, "pageCount"))
    if page is None or pages is None:
        return rows, len(rows) >= _PER_PAGE
    return rows, page < pages


def _line(row: object) -> StatementLine | None:
    number, reference = whole_number(member(row, "id")), word(member(row, "reference"))
    amount = _money(row, "amount")
    if not number or reference is None or amount is None:
        return None
    customer = whole_number(member(row, "customer", "id"))
    into_account = member(row, "channel") == _TRANSFER and customer
    return StatementLine(
        their_reference=str(number),
        our_reference=reference,
        state=_STATES.get(word(member(row, "status")) or "", LineState.UNKNOWN),
        amount=amount,
        fee=_money(row, "fees"),
        at=_time(row, "paid_at", "paidAt", "created_at", "createdAt"),
        account=str(customer) if into_account else None,
    )


def _settlement(row: object) -> Settlement | None:
    number = whole_number(member(row, "id"))
    gross, fee = _money(row, "total_processed"), _money(row, "total_fees")
    net = _money(row, "effective_amount") or _money(row, "total_amount")
    if not number or gross is None or fee is None or net is None:
        return None
    return Settlement(str(number), _time(row, "settlement_date", "createdAt"), gross, fee, net)


def _money(row: object, name: str) -> Money | None:
    minor, currency = whole_number(member(row, name)), read_currency(member(row, "currency"))
    return None if minor is None or currency is None else Money(minor, currency)


def _time(row: object, *names: str) -> dt.datetime | None:
    return next((at for name in names if (at := read_moment(member(row, name)))), None)
