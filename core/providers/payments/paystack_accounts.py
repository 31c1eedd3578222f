"""Paystack's transactions, customers and dedicated virtual accounts, read from answers. Pure."""

import datetime as dt
import re
from dataclasses import dataclass

from core.kit.money import Money
from core.ports import BankAccount, Payment
from core.providers.http import NoReply, Reply
from core.providers.payments.reading import read_bank_account, wants_identity
from core.providers.values import member, whole, word

CHANNEL = "dedicated_nuban"
"""How Paystack calls a transfer into a customer's account."""


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of Paystack's: `id` is a number, `code` goes into addresses."""

    id: str
    code: str


def read_customer(answer: Reply | NoReply) -> Customer | None:
    """The customer that an answer makes or finds."""
    data = _data(answer)
    number, code = whole(member(data, "id")), word(member(data, "customer_code"))
    return Customer(str(number), code) if number and code else None


def read_account(answer: Reply | NoReply, customer: Customer) -> BankAccount | None:
    """The account that an answer opens for the customer, or None."""
    return _account(_data(answer), customer)


def read_kept_account(answer: Reply | NoReply, customer: Customer) -> BankAccount | None:
    """The account that the customer has already, or None."""
    data = _data(answer)
    if member(data, "customer_code") != customer.code:
        return None
    return _account(member(data, "dedicated_account"), customer)


def asks_for_identity(answer: Reply | NoReply) -> bool:
    """Whether the account is refused until the customer is identified."""
    if isinstance(answer, NoReply):
        return False
    document = answer.json()
    told = (word(member(document, "message")) or "").lower()
    identified = "identified" in told or "validated" in told
    return member(document, "status") is False and (identified or wants_identity(told))


def read_arrivals(answer: Reply | NoReply, account: str) -> list[Payment] | None:
    """The transfers into the customer's account, of a page of transactions.

    None where any of them cannot be read: what is missing may be a payment.
    """
    listed = _data(answer)
    if not isinstance(listed, list):
        return None
    payments = [
        read_payment(each, word(member(each, "reference")) or "")
        for each in listed
        if member(each, "channel") == CHANNEL
        and member(each, "status") == "success"
        and str(member(each, "customer", "id")) == account
    ]
    read = [payment for payment in payments if payment is not None and payment.reference]
    return read if len(read) == len(payments) else None


def read_pages(answer: Reply | NoReply) -> int:
    """How many pages a list has, by the word of this one."""
    document = None if isinstance(answer, NoReply) else answer.json()
    return whole(member(document, "meta", "pageCount")) or 1


def _account(data: object, customer: Customer) -> BankAccount | None:
    if member(data, "active") is False:
        return None
    return read_bank_account(
        customer.id,
        member(data, "account_number"),
        member(data, "bank", "name"),
        member(data, "account_name"),
    )


def _data(answer: Reply | NoReply) -> object:
    """What an answer that says it is a success holds, else None."""
    if isinstance(answer, NoReply) or answer.status // 100 != 2:  # noqa: PLR2004 - success
        return None
    document = answer.json()
    return member(document, "data") if member(document, "status") is True else None


def read_payment(data: object, reference: str) -> Payment | None:
    """The payment that a transaction of theirs is, or None where it cannot be read."""
    amount_minor = member(data, "amount")
    currency = member(data, "currency")
    transaction_id = whole(member(data, "id"))
    if not isinstance(amount_minor, int) or isinstance(amount_minor, bool):
        return None
    if not 0 < amount_minor < 10**15 or not transaction_id:
        return None
    if not isinstance(currency, str) or not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
        return None
    return Payment(
        transaction_id=str(transaction_id),
        reference=reference,
        amount=Money(amount_minor, currency),
        paid_at=_time(member(data, "paid_at")) or _time(member(data, "paidAt")),
        fee=_fee(member(data, "fees"), Money(amount_minor, currency)),
    )


def _fee(value: object, amount: Money) -> Money | None:
    fee_minor = whole(value)
    if fee_minor is None or fee_minor > amount.minor:
        return None
    return Money(fee_minor, amount.currency)


def _time(value: object) -> dt.datetime | None:
    """RFC 3339 with an offset; what has none could be any hour."""
    text = word(value)
    try:
        at = dt.datetime.fromisoformat(text) if text else None
        return at.astimezone(dt.UTC) if at and at.tzinfo else None
    except (ValueError, OverflowError):
        return None
