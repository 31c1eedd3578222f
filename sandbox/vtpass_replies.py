"""What VTpass answers: its codes in its own words, and the shapes of its replies.

Source: vtpass.com/documentation, response codes and three generations of the product pages, which
differ in types: `amount` as text or number, `transaction_date` as text, object or null, old airtime
replies without `content`.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

from core.kit.money import Money, to_major
from core.kit.msisdn import BadMsisdn, local, parse_msisdn
from sandbox.evidence import Evidence
from sandbox.orders import Order, State
from sandbox.vtpass_catalogue import CATEGORIES, SERVICES, service_of

# One hour ahead of UTC all year; no time zone data is needed for it.
LAGOS = dt.timezone(dt.timedelta(hours=1))

WORDS = {
    "000": "TRANSACTION SUCCESSFUL",
    "010": "VARIATION CODE DOES NOT EXIST",
    "011": "INVALID ARGUMENTS",
    "012": "PRODUCT DOES NOT EXIST",
    "013": "BELOW MINIMUM AMOUNT ALLOWED",
    "014": "REQUEST ID ALREADY EXIST",
    "015": "INVALID REQUEST ID",
    "016": "TRANSACTION FAILED",
    "017": "ABOVE MAXIMUM AMOUNT ALLOWED",
    "018": "LOW WALLET BALANCE",
    "019": "LIKELY DUPLICATE TRANSACTION",
    "030": "BILLER NOT REACHABLE AT THIS POINT",
    "031": "BELOW MINIMUM QUANTITY ALLOWED",
    "032": "ABOVE MAXIMUM QUANTITY ALLOWED",
    "034": "SERVICE SUSPENDED",
    "035": "SERVICE INACTIVE",
    "040": "TRANSACTION REVERSAL",
    "044": "TRANSACTION RESOLVED",
    "083": "SYSTEM ERROR",
    "085": "IMPROPER REQUEST ID: DOES NOT CONTAIN DATE, OR DATE IS NOT TODAY'S",
    "087": "INVALID CREDENTIALS",
    "089": "REQUEST IS STILL PROCESSING",
    "091": "TRANSACTION NOT PROCESSED",
    "099": "TRANSACTION IS PROCESSING",
}

_STATUS = {
    State.PENDING: "pending",
    State.DELIVERED: "delivered",
    State.FAILED: "failed",
    State.REVERSED: "reversed",
}
_CODES = {State.FAILED: "016", State.REVERSED: "040"}


def coded(code: str, *, request_id: str = "") -> dict[str, Any]:
    """A reply that is nothing but a code."""
    reply = {"code": code, "response_description": WORDS.get(code, "SIMULATED UNKNOWN CODE")}
    return reply | {"requestId": request_id} if request_id else reply


def of_purchase(order: Order, evidence: Evidence) -> dict[str, Any]:
    """The reply to /pay: a pending order is told by code 099."""
    reply = of_requery(order, evidence)
    return reply | coded("099") if order.state is State.PENDING else reply


def of_requery(order: Order, evidence: Evidence) -> dict[str, Any]:
    """The reply to /requery, also what a webhook carries: 000 with `pending` while pending."""
    return {
        **coded(_CODES.get(order.state, "000")),
        "requestId": order.reference,
        "amount": to_major(order.amount),
        "transaction_date": _lagos(order).isoformat(timespec="seconds"),
        "purchased_code": "",
        "content": {"transactions": _transaction(order)},
        **_written(order, evidence),
    }


def of_old_purchase(order: Order) -> dict[str, Any]:
    """As airtime was once answered: no `content`, the transaction id at the top, a date object."""
    return {
        **coded("000"),
        "requestId": order.reference,
        "transactionId": order.provider_reference,
        "amount": number(order.amount),
        "transaction_date": {
            "date": _lagos(order).strftime("%Y-%m-%d %H:%M:%S.%f"),
            "timezone_type": 3,
            "timezone": "Africa/Lagos",
        },
        "purchased_code": "",
    }


def of_variant_requery(order: Order, evidence: Evidence) -> dict[str, Any]:
    """The requery that follows an old reply: numbers where others have text, no date."""
    return of_requery(order, evidence) | {"amount": number(order.amount), "transaction_date": None}


def number(money: Money) -> int | float:
    """Major units as a JSON number."""
    major = Decimal(to_major(money))
    return int(major) if major == int(major) else float(major)


def _written(order: Order, evidence: Evidence) -> dict[str, Any]:
    """Tokens and PINs where each product's page has them: grouped, and in sentences."""
    if evidence.token:
        groups = [evidence.token[at : at + 4] for at in range(0, len(evidence.token), 4)]
        token = f"Token : {'-'.join(groups)}"
        return {"token": token, "purchased_code": token, "units": "8.2 kWh"}
    if evidence.pins and service_of(order.product) == "jamb":
        sentence = f"Pin : {evidence.pins[0][1]}"
        return {"Pin": sentence, "purchased_code": sentence}
    if evidence.pins:
        sentences = (f"Serial No:{serial}, pin: {pin}" for serial, pin in evidence.pins)
        cards = [{"Serial": serial, "Pin": pin} for serial, pin in evidence.pins]
        return {"cards": cards, "purchased_code": "||".join(sentences)}
    return {}


def _transaction(order: Order) -> dict[str, Any]:
    service = SERVICES[service_of(order.product)]
    return {
        "status": _STATUS[order.state],
        "product_name": service.name,
        "unique_element": _local(order.recipient),
        "unit_price": number(order.amount),
        "quantity": 1,
        "service_verification": None,
        "channel": "api",
        "commission": number(order.amount - order.charge),
        "total_amount": number(order.charge),
        "discount": None,
        "type": CATEGORIES[service.category],
        "email": "simulated@sandbox.invalid",
        "phone": _local(order.recipient),
        "name": None,
        "convinience_fee": 0,
        "amount": number(order.amount),
        "platform": "api",
        "method": "api",
        "transactionId": order.provider_reference,
    }


def _lagos(order: Order) -> dt.datetime:
    return order.placed_at.astimezone(LAGOS)


def _local(recipient: str) -> str:
    try:
        return local(parse_msisdn(recipient, "NG"))
    except BadMsisdn:
        return recipient
