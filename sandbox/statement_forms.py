"""The words of each party's list. Sources: those of the adapters that read them."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from core.kit.money import Money, to_major
from sandbox import smeplug
from sandbox.database import stamp
from sandbox.orders import State
from sandbox.selling import is_key
from sandbox.stripe_objects import units_of
from sandbox.world import World

Query = Mapping[str, str]

_LAGOS = ZoneInfo("Africa/Lagos")
_EVER = dt.datetime.max.replace(tzinfo=dt.UTC)
_WORDS = {
    State.PENDING: "pending",
    State.DELIVERED: "success",
    State.FAILED: "failed",
    State.REVERSED: "reversed",
}
_RELOADLY = {
    State.PENDING: "PROCESSING",
    State.DELIVERED: "SUCCESSFUL",
    State.FAILED: "FAILED",
    State.REVERSED: "REFUNDED",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One line, before a party words it.

    Attributes:
        id: A number of its own.
        theirs: The party's reference.
        reference: The caller's.
        amount: What the float paid, or the payer.
        copied: It stands there a second time, under another reference of theirs.
    """

    id: int
    theirs: str
    reference: str
    state: State
    amount: Money
    at: dt.datetime
    into_account: bool = False
    copied: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """How a party lists.

    Attributes:
        needs: What a query for a time has, where others come to the same path.
        window: The time that is asked for.
        page: Which page, and how many lines it has: as many as told, or else as asked for.
        answer: The page, its number and size, and how many lines there are in all.
        key: The bearer that it takes, or how one begins that was given out before.
        searched: Orders are looked for in it too, so it is silent where questions about them are.
    """

    path: str
    of_payments: bool
    window: Callable[[Query], tuple[dt.datetime, dt.datetime]]
    page: Callable[[Query, Sequence[Entry], int | None], tuple[int, int]]
    answer: Callable[[Sequence[Entry], int, int, int], dict[str, Any]]
    key: Callable[[World], str]
    given_out: bool = False
    first_page: int = 1
    needs: str = ""
    searched: bool = False

    def knows(self, authorization: str, world: World) -> bool:
        scheme, _, bearer = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return False
        return bearer.startswith("SIM") if self.given_out else is_key(bearer, self.key(world))


def _paystack(rows: Sequence[Entry], page: int, size: int, total: int) -> dict[str, Any]:
    meta = {"total": total, "page": page, "perPage": size, "pageCount": _pages(total, size)}
    data = [
        {
            "id": row.id,
            "status": "success",
            "reference": row.reference,
            "amount": row.amount.minor,
            "currency": row.amount.currency,
            "fees": _paystack_fee(row),
            "channel": "card",
            "paid_at": stamp(row.at),
            "created_at": stamp(row.at),
            "customer": {"id": 1},
        }
        for row in rows
    ]
    return {"status": True, "message": "Transactions retrieved", "data": data, "meta": meta}


def _flutterwave(rows: Sequence[Entry], page: int, size: int, total: int) -> dict[str, Any]:
    pages = {"total": total, "current_page": page, "total_pages": _pages(total, size)}
    data = [
        {
            "id": row.id,
            "tx_ref": row.reference,
            "flw_ref": f"FLW-SIM-{row.id}",
            "amount": _number(row.amount),
            "charged_amount": _number(row.amount),
            "app_fee": _number(Money(row.amount.minor * 14 // 1000, row.amount.currency)),
            "currency": row.amount.currency,
            "status": "successful",
            "created_at": stamp(row.at),
        }
        for row in rows
    ]
    return {
        "status": "success",
        "message": "Transactions fetched",
        "meta": {"page_info": pages},
        "data": data,
    }


def _monnify(rows: Sequence[Entry], page: int, size: int, total: int) -> dict[str, Any]:
    content = [
        {
            "transactionReference": _monnify_reference(row),
            "paymentReference": row.reference,
            "amountPaid": _number(row.amount),
            "currencyCode": row.amount.currency,
            "paymentStatus": "PAID",
            "completedOn": f"{row.at.astimezone(_LAGOS):%Y-%m-%d %H:%M:%S.%f}",
        }
        for row in rows
    ]
    body = {"content": content, "last": (page + 1) * size >= total, "totalElements": total}
    return {"requestSuccessful": True, "responseMessage": "success", "responseBody": body}


def _monnify_reference(row: Entry) -> str:
    if not row.into_account:
        return row.theirs
    return f"MNFY|SIM|{row.at.astimezone(_LAGOS):%Y%m%d%H%M%S}|{row.id}"


def _stripe(rows: Sequence[Entry], page: int, size: int, total: int) -> dict[str, Any]:
    data = [
        {
            "id": f"txn_SIM{row.id}",
            "object": "balance_transaction",
            "type": "charge",
            "created": int(row.at.timestamp()),
            "currency": row.amount.currency.lower(),
            "amount": units_of(row.amount),
            "fee": units_of(row.amount) * 29 // 1000,
            "source": {
                "id": f"ch_SIM{row.id}",
                "object": "charge",
                "amount": units_of(row.amount),
                "currency": row.amount.currency.lower(),
                "payment_intent": f"pi_SIM{row.id}",
                "metadata": {"reference": row.reference},
                "refunded": False,
            },
        }
        for row in rows
    ]
    return {"object": "list", "data": data, "has_more": page * size < total}


def _reloadly(rows: Sequence[Entry], page: int, size: int, total: int) -> dict[str, Any]:
    content = [
        {
            "transactionId": _whole(row),
            "status": _RELOADLY[row.state],
            "customIdentifier": row.reference,
            "balanceInfo": {"cost": _number(row.amount), "currencyCode": row.amount.currency},
            "transactionDate": f"{row.at:%Y-%m-%d %H:%M:%S}",
        }
        for row in rows
    ]
    return {"content": content, "totalElements": total, "last": page * size >= total}


def _smeplug(rows: Sequence[Entry], page: int, size: int, total: int) -> dict[str, Any]:
    del page, size, total
    listed = [
        {
            "reference": f"{row.theirs}C" if row.copied else row.theirs,
            "customer_reference": row.reference,
            "status": _WORDS[row.state],
            "price": _number(row.amount),
            "created_at": stamp(row.at),
        }
        for row in rows
    ]
    return {"status": True, "transactions": listed}


def _paystack_settlement(rows: Sequence[Entry]) -> dict[str, Any]:
    settlement = {
        "id": 1,
        "status": "success",
        "currency": "NGN",
        "total_processed": sum(row.amount.minor for row in rows),
        "total_fees": sum(_paystack_fee(row) for row in rows),
        "effective_amount": sum(row.amount.minor - _paystack_fee(row) for row in rows),
        "settlement_date": stamp(rows[0].at) if rows else None,
    }
    meta = {"total": 1, "page": 1, "perPage": 100, "pageCount": 1}
    return {"status": True, "data": [settlement] if rows else [], "meta": meta}


def _flutterwave_settlement(rows: Sequence[Entry]) -> dict[str, Any]:
    gross = Money(sum(row.amount.minor for row in rows), "NGN")
    fee = Money(sum(row.amount.minor * 14 // 1000 for row in rows), "NGN")
    settlement = {
        "id": 1,
        "status": "completed",
        "currency": "NGN",
        "gross_amount": _number(gross),
        "app_fee": _number(fee),
        "net_amount": _number(gross - fee),
        "transaction_date": stamp(rows[0].at) if rows else None,
    }
    pages = {"total": 1, "current_page": 1, "total_pages": 1}
    data = [settlement] if rows else []
    return {"status": "success", "meta": {"page_info": pages}, "data": data}


def _paystack_fee(row: Entry) -> int:
    return row.amount.minor * 15 // 1000


def _whole(row: Entry) -> int:
    """A number of theirs; a doubled line has another one."""
    return int(row.theirs.removeprefix("SIM")) + (10**17 if row.copied else 0)


def _pages(total: int, size: int) -> int:
    return max(1, -(-total // size))


def _number(amount: Money) -> int | float:
    number = float(to_major(amount))
    return int(number) if number.is_integer() else number


def _moment(text: str) -> dt.datetime:
    at = dt.datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _days(query: Query) -> tuple[dt.datetime, dt.datetime]:
    return _moment(query["from"]), _moment(query["to"]) + dt.timedelta(days=1)


def _seconds(
    query: Query, since: str, until: str, scale: int = 1
) -> tuple[dt.datetime, dt.datetime]:
    first, last = (
        dt.datetime.fromtimestamp(int(query[name]) / scale, dt.UTC) for name in (since, until)
    )
    return first, last


def _after(query: Query, entries: Sequence[Entry], short: int | None) -> tuple[int, int]:
    """Stripe counts by the last row of the page before."""
    size = short or int(query.get("limit", "10"))
    names = [f"txn_SIM{entry.id}" for entry in entries]
    last = query.get("starting_after", "")
    done = names.index(last) + 1 if last in names else 0
    return done // size + 1, size


FORMS: Mapping[str, Form] = {
    "paystack": Form(
        path="/transaction",
        of_payments=True,
        window=lambda query: (_moment(query["from"]), _moment(query["to"])),
        page=lambda query, _, short: (
            int(query.get("page", "1")),
            short or int(query.get("perPage", "50")),
        ),
        answer=_paystack,
        key=lambda world: world.settings.paystack_secret_key,
        needs="to",
    ),
    "flutterwave": Form(
        path="/v3/transactions",
        of_payments=True,
        window=_days,
        page=lambda query, _, short: (int(query.get("page", "1")), short or 20),
        answer=_flutterwave,
        key=lambda world: world.settings.flutterwave_secret_key,
        needs="to",
    ),
    "monnify": Form(
        path="/api/v1/transactions/search",
        of_payments=True,
        window=lambda query: _seconds(query, "from", "to", 1000),
        page=lambda query, _, short: (
            int(query.get("page", "0")),
            short or int(query.get("size", "10")),
        ),
        answer=_monnify,
        key=lambda _: "",
        given_out=True,
        first_page=0,
    ),
    "stripe": Form(
        path="/v1/balance_transactions",
        of_payments=True,
        window=lambda query: _seconds(query, "created[gte]", "created[lt]"),
        page=_after,
        answer=_stripe,
        key=lambda world: world.settings.stripe_secret_key,
    ),
    "reloadly": Form(
        path="/topups/reports/transactions",
        of_payments=False,
        window=lambda query: (_moment(query["startDate"]), _moment(query["endDate"])),
        page=lambda query, _, short: (
            int(query.get("page", "1")),
            short or int(query.get("size", "10")),
        ),
        answer=_reloadly,
        key=lambda _: "",
        given_out=True,
        needs="startDate",
    ),
    "smeplug": Form(
        path="/api/v1/transactions",
        of_payments=False,
        window=lambda query: (_moment(query.get("start_date", "0001-01-01")), _EVER),
        page=lambda query, _, short: (int(query.get("page", "1")), short or 50),
        answer=_smeplug,
        key=lambda _: smeplug.SECRET_KEY,
        searched=True,
    ),
}
"""By simulator. Those that are not here list nothing, as the real ones."""

SETTLEMENTS: Mapping[str, tuple[str, Callable[[Sequence[Entry]], dict[str, Any]]]] = {
    "paystack": ("/settlement", _paystack_settlement),
    "flutterwave": ("/v3/settlements", _flutterwave_settlement),
}
"""Where a gateway lists its payouts, and how: here it pays all of a time out in one go, at once."""
