"""Monnify's answers, and the reserved accounts in them, read. Pure."""

import datetime as dt
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from core.ports import BankAccount, Payment, PaymentState
from core.providers.http import NoReply, Reply
from core.providers.payments.reading import (
    read_bank_account,
    read_currency,
    read_fee,
    read_major,
    read_moment,
    wants_identity,
)
from core.providers.values import major, member, word

PATH = "/api/v2/bank-transfer/reserved-accounts"
TRANSACTIONS_PATH = "/api/v1/bank-transfer/reserved-accounts/transactions"
PRODUCT = "RESERVED_ACCOUNT"
"""How a webhook calls a transfer into a customer's account."""

_LAGOS = dt.timezone(dt.timedelta(hours=1))
_PAID_ON = ("%d/%m/%Y %I:%M:%S %p", "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S")
STATES: Mapping[str, PaymentState] = MappingProxyType(
    {
        "PAID": PaymentState.PAID,
        "OVERPAID": PaymentState.PAID,
        "PARTIALLY_PAID": PaymentState.PAID,  # the part that arrived
        "UNDERPAID": PaymentState.PAID,
        "PENDING": PaymentState.OPEN,
        "FAILED": PaymentState.OPEN,  # this try; the page offers another
        "CANCELLED": PaymentState.OPEN,
        "USER_CANCELLED": PaymentState.OPEN,
        "ABANDONED": PaymentState.OPEN,
        "EXPIRED": PaymentState.OPEN,  # a transfer may have left the payer's bank before that
        "REVERSED": PaymentState.DEAD,
        "REFUNDED": PaymentState.DEAD,
    }
)


def read_account(answer: Reply | NoReply, reference: str) -> BankAccount | None:
    """The first of the bank accounts that an answer tells under `reference`, or None."""
    body = read_body(answer)
    if member(body, "accountReference") != reference:
        return None
    listed = member(body, "accounts")
    first = listed[0] if isinstance(listed, list) and listed else body  # the older form has one
    return read_bank_account(
        reference,
        member(first, "accountNumber"),
        member(first, "bankName"),
        member(first, "accountName") or member(body, "accountName"),
    )


def asks_for_identity(answer: Reply | NoReply) -> bool:
    """Whether an account is refused for want of a BVN or NIN."""
    if isinstance(answer, NoReply):
        return False
    document = answer.json()
    refused = member(document, "requestSuccessful") is False
    return refused and wants_identity(member(document, "responseMessage"))


def read_arrivals(answer: Reply | NoReply) -> list[Payment] | None:
    """The transfers of a page of an account's transactions.

    None where any that was paid cannot be read: what is missing may be a payment.
    """
    listed = member(read_body(answer), "content")
    if not isinstance(listed, list):
        return None
    paid = [
        each
        for each in listed
        if STATES.get(word(member(each, "paymentStatus")) or "") is PaymentState.PAID
    ]
    payments = [payment for each in paid if (payment := _arrival(each))]
    return payments if len(payments) == len(paid) else None


def is_last_page(answer: Reply | NoReply) -> bool:
    """Whether a page of transactions says that none follows, or says nothing of it."""
    return member(read_body(answer), "last") is not False


def _arrival(transaction: object) -> Payment | None:
    """A transfer as the list words it, which is not quite as verification does."""
    transaction_id = word(member(transaction, "transactionReference"))
    currency = read_currency(member(transaction, "currencyCode"))
    told = member(transaction, "amountPaid")
    told = member(transaction, "amount") if told is None else told
    amount = read_major(told, currency) if currency else None
    if not transaction_id or amount is None:
        return None
    return Payment(
        transaction_id=transaction_id,
        reference=word(member(transaction, "paymentReference")) or transaction_id,
        amount=amount,
        paid_at=read_paid_on(member(transaction, "completedOn")),
        fee=read_fee(major(member(transaction, "fee"), amount.currency), amount),
    )


def read_body(answer: Reply | NoReply) -> object:
    """The body of an answer that says it is a success, else None."""
    if isinstance(answer, NoReply) or answer.status != HTTPStatus.OK:
        return None
    document = answer.json()
    understood = member(document, "requestSuccessful") is True
    return member(document, "responseBody") if understood else None


def read_paid_on(value: object) -> dt.datetime | None:
    """`paidOn` in either of its forms, or with an offset."""
    text = word(value) or ""
    for form in _PAID_ON:
        try:
            return dt.datetime.strptime(text, form).replace(tzinfo=_LAGOS).astimezone(dt.UTC)
        except (ValueError, OverflowError):
            continue
    return read_moment(text)
