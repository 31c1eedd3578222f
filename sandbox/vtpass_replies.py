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
from sandbox.orders import Order, State

# One hour ahead of UTC all year; no time zone data is needed for it.
LAGOS = dt.timezone(dt.timedelta(hours=1))

WORDS = {
    "000": "TRANSACTION SUCCESSFUL",
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

# serviceID: (name, minimum, maximum) in naira.
AIRTIME = {
    "mtn": ("MTN Airtime VTU", 5, 100_000),
    "glo": ("GLO Airtime VTU", 5, 100_000),
    "airtel": ("Airtel Airtime VTU", 5, 100_000),
    "etisalat": ("9mobile Airtime VTU", 5, 100_000),
}

CATEGORIES = {"airtime": "Airtime Recharge", "data": "Data Services"}

# serviceID: (name, ((variation_code, name, naira), ...)). A small catalogue: enough to be read.
VARIATIONS = {
    "mtn-data": (
        "MTN Data",
        (("sim-mtn-1gb", "SIM 1GB, 1 day", 350), ("sim-mtn-2gb", "SIM 2GB, 30 days", 1500)),
    ),
    "airtel-data": ("Airtel Data", (("sim-airtel-1gb", "SIM 1.5GB, 30 days", 1000),)),
    "glo-data": ("Glo Data", (("sim-glo-1gb", "SIM 1.35GB, 14 days", 500),)),
    "etisalat-data": ("9mobile Data", (("sim-9mobile-1gb", "SIM 1GB, 30 days", 1000),)),
}

# The billers that VTpass's own sandbox knows.
BILLERS = {"1212121212", "1111111111111", "1010101010101", "0123456789"}

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


def of_purchase(order: Order) -> dict[str, Any]:
    """The reply to /pay: a pending order is told by code 099."""
    reply = of_requery(order)
    return reply | coded("099") if order.state is State.PENDING else reply


def of_requery(order: Order) -> dict[str, Any]:
    """The reply to /requery, also what a webhook carries: 000 with `pending` while pending."""
    return {
        **coded(_CODES.get(order.state, "000")),
        "requestId": order.reference,
        "amount": to_major(order.amount),
        "transaction_date": _lagos(order).isoformat(timespec="seconds"),
        "purchased_code": "",
        "content": {"transactions": _transaction(order)},
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


def of_variant_requery(order: Order) -> dict[str, Any]:
    """The requery that follows an old reply: numbers where others have text, no date."""
    return of_requery(order) | {"amount": number(order.amount), "transaction_date": None}


def services(category: str) -> list[dict[str, Any]]:
    """Keys spelled as VTpass spells them."""
    if category == "airtime":
        return [
            _service(service, name, str(least), str(most))
            for service, (name, least, most) in AIRTIME.items()
        ]
    if category == "data":
        return [_service(service, name, "", "") for service, (name, _) in VARIATIONS.items()]
    return []


def variations(service: str) -> dict[str, Any]:
    """Both spellings of the key, as some replies have them."""
    name, plans = VARIATIONS[service]
    listed = [
        {
            "variation_code": code,
            "name": plan,
            "variation_amount": f"{naira}.00",
            "fixedPrice": "Yes",
        }
        for code, plan, naira in plans
    ]
    return {
        "ServiceName": name,
        "serviceID": service,
        "convinience_fee": "0 %",
        "varations": listed,
        "variations": listed,
    }


def verification(biller: str) -> dict[str, Any]:
    """Code 000 goes with both: a wrong biller is told inside."""
    if biller not in BILLERS:
        return {"error": "SIM: this biller is not known", "WrongBillersCode": True}
    return {
        "Customer_Name": "SIM TEST CUSTOMER",
        "Address": "SIM ROAD 1",
        "WrongBillersCode": False,
    }


def number(money: Money) -> int | float:
    """Major units as a JSON number."""
    major = Decimal(to_major(money))
    return int(major) if major == int(major) else float(major)


def _transaction(order: Order) -> dict[str, Any]:
    return {
        "status": _STATUS[order.state],
        "product_name": AIRTIME[order.product][0],
        "unique_element": _local(order.recipient),
        "unit_price": number(order.amount),
        "quantity": 1,
        "service_verification": None,
        "channel": "api",
        "commission": number(order.amount - order.charge),
        "total_amount": number(order.charge),
        "discount": None,
        "type": "Airtime Recharge",
        "email": "simulated@sandbox.invalid",
        "phone": _local(order.recipient),
        "name": None,
        "convinience_fee": 0,
        "amount": number(order.amount),
        "platform": "api",
        "method": "api",
        "transactionId": order.provider_reference,
    }


def _service(service: str, name: str, least: str, most: str) -> dict[str, Any]:
    return {
        "serviceID": service,
        "name": name,
        "minimium_amount": least,
        "maximum_amount": most,
        "convinience_fee": "0 %",
        "product_type": "fix" if not least else "flexible",
        "image": "",
    }


def _lagos(order: Order) -> dt.datetime:
    return order.placed_at.astimezone(LAGOS)


def _local(recipient: str) -> str:
    try:
        return local(parse_msisdn(recipient, "NG"))
    except BadMsisdn:
        return recipient
