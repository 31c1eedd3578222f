"""Stripe's balance transactions: every charge, with what Stripe kept of it.

Source: https://docs.stripe.com/api/balance_transactions/list and
https://docs.stripe.com/reports/balance-transaction-types, read November 2026.

- `GET /v1/balance_transactions?created[gte]=&created[lt]=&limit=100&expand[]=data.source`, the
  latest first; `has_more`, then `starting_after` the last id.
- `type` is `charge` for cards and `payment` for other methods; `source` is the charge, whose
  `payment_intent` is the transaction that we know and whose `metadata` is copied from it. `fee` is
  in the currency that Stripe settles in, which may be another than the payer's.
- Payouts tell no gross amount, so settlements are not listed.
"""

import abc
import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from core.kit.money import Money
from core.ports.statements import LineState, StatementLine
from core.providers.http import NoReply, Reply
from core.providers.paging import Page, whole
from core.providers.values import member, word
from core.providers.values import whole as whole_number

_PATH = "/v1/balance_transactions"
_PER_PAGE = 100
_COLLECTED = frozenset({"charge", "payment"})

Reading = Callable[[object, object], Money | None]
"""Reads units of a currency in small letters, as `core.providers.payments.stripe` does."""


class StripeStatements(abc.ABC):
    """Keeps `core.ports.statements.Statements` for an adapter of Stripe."""

    @abc.abstractmethod
    async def _get(self, path: str, act: str, query: Mapping[str, str]) -> Reply | NoReply: ...

    @staticmethod
    @abc.abstractmethod
    def _money(units: object, currency: object) -> Money | None:
        """An amount in Stripe's units of a currency in Stripe's small letters."""

    async def statement(self, since: dt.datetime, until: dt.datetime) -> Sequence[StatementLine]:
        query = {
            "created[gte]": str(int(since.timestamp())),
            "created[lt]": str(int(until.timestamp())),
            "limit": str(_PER_PAGE),
            "expand[]": "data.source",
        }

        async def page(_: int) -> Page[StatementLine] | None:
            answer = await self._get(_PATH, "statement", query)
            found = read_page(answer, self._money)
            if found is not None and found.more:
                query["starting_after"] = read_last_id(answer)
            return found

        return await whole("stripe: balance transactions", page)


def read_page(answer: Reply | NoReply, money: Reading) -> Page[StatementLine] | None:
    """The charges of a page; None where any of them cannot be read. Pure."""
    document = _list(answer)
    rows, more = member(document, "data"), member(document, "has_more")
    if not isinstance(rows, list) or not isinstance(more, bool):
        return None
    if more and not read_last_id(answer):
        return None
    lines = [_line(row, money) for row in rows if member(row, "type") in _COLLECTED]
    if None in lines:
        return None
    return Page([line for line in lines if line], more=more)


def read_last_id(answer: Reply | NoReply) -> str:
    """After which row a list goes on; empty where that cannot be told. Pure."""
    rows = member(_list(answer), "data")
    last = word(member(rows[-1], "id")) if isinstance(rows, list) and rows else None
    return last or ""


def _list(answer: Reply | NoReply) -> object:
    if isinstance(answer, NoReply) or answer.status != HTTPStatus.OK:
        return None
    document = answer.json()
    return document if member(document, "object") == "list" else None


def _line(row: object, money: Reading) -> StatementLine | None:
    charge = member(row, "source")
    amount = money(member(charge, "amount"), member(charge, "currency"))
    intent, seconds = word(member(charge, "payment_intent")), whole_number(member(row, "created"))
    if amount is None or intent is None or not seconds:
        return None
    refunded = member(charge, "refunded") is True
    return StatementLine(
        their_reference=intent,
        our_reference=word(member(charge, "metadata", "reference")),
        state=LineState.REVERSED if refunded else LineState.DONE,
        amount=amount,
        fee=money(member(row, "fee"), member(row, "currency")),
        at=dt.datetime.fromtimestamp(seconds, dt.UTC),
    )
