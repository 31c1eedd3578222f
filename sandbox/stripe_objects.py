"""Stripe's objects as its API writes them, made from what the sandbox keeps."""

import datetime as dt
from collections.abc import Collection
from typing import Any

import msgspec

from core.kit.money import Money, decimals
from sandbox.payments import Charge, Payment

PLACES = {"usd": 2, "eur": 2, "gbp": 2, "ngn": 2, "ghs": 2, "kes": 2, "jpy": 0, "ugx": 2}
"""The currencies taken here, and how many digits of the major unit Stripe counts in each."""

LIFE = dt.timedelta(days=1)
"""How long a session can be paid."""

_FEE_PER_MILLE = 29  # a figure to show: it moves no money here


def session_of(
    payment: Payment,
    charge: Charge | None,
    *,
    is_paid: bool,
    is_over: bool,
    url: str | None,
    expand: Collection[str] = (),
) -> dict[str, Any]:
    """A checkout session; `expand` names the members that come whole, not as an id."""
    amount = charge.amount if charge else payment.amount
    intent = intent_of(payment, charge, is_paid=is_paid, expand=expand) if charge else None
    return {
        "id": payment.access_code,
        "object": "checkout.session",
        "amount_subtotal": units_of(amount),
        "amount_total": units_of(amount),
        "client_reference_id": payment.reference,
        "created": int(payment.created_at.timestamp()),
        "currency": amount.currency.lower(),
        "expires_at": int((payment.created_at + LIFE).timestamp()),
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "payment_intent": intent if intent is None or "payment_intent" in expand else intent["id"],
        "payment_status": "paid" if is_paid else "unpaid",
        "status": "complete" if charge else "expired" if is_over else "open",
        "success_url": payment.callback_url,
        "url": url,
    }


def intent_of(
    payment: Payment, charge: Charge, *, is_paid: bool, expand: Collection[str] = ()
) -> dict[str, Any]:
    amount = units_of(charge.amount)
    return {
        "id": f"pi_SIM{charge.id}",
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount if is_paid else 0,
        "currency": charge.amount.currency.lower(),
        "latest_charge": _charge(charge, expand)
        if "latest_charge" in expand
        else f"ch_SIM{charge.id}",
        "metadata": {"reference": msgspec.json.decode(payment.metadata)["reference"]},
        "status": "succeeded" if is_paid else "processing",
    }


def _charge(charge: Charge, expand: Collection[str]) -> dict[str, Any]:
    kept = {
        "id": f"txn_SIM{charge.id}",
        "object": "balance_transaction",
        "amount": units_of(charge.amount),
        "currency": charge.amount.currency.lower(),
        "fee": units_of(charge.amount) * _FEE_PER_MILLE // 1000,
    }
    return {
        "id": f"ch_SIM{charge.id}",
        "object": "charge",
        "amount": units_of(charge.amount),
        "balance_transaction": kept if "balance_transaction" in expand else kept["id"],
        "created": int(charge.paid_at.timestamp()),
        "refunded": False,
    }


def units_of(amount: Money) -> int:
    scale = PLACES.get(amount.currency.lower(), 2) - decimals(amount.currency)
    return int(amount.minor * 10**scale)


def money_of(units: int, currency: str) -> Money:
    scale = PLACES[currency] - decimals(currency.upper())
    return Money(units // 10**scale, currency.upper())
