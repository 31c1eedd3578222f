"""A purchase as VTpass is asked for it, read as it reads it, refused in its codes.

Source: vtpass.com/documentation, the page of each product and the response codes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.kit.money import Money, from_major
from sandbox.vtpass_catalogue import (
    AIRTIME,
    CABLE,
    CURRENCY,
    DATA,
    ELECTRICITY,
    SERVICES,
    Plan,
    Service,
)

_RENEWABLE = ("dstv", "gotv")
_QUANTITY_MAX = 20


class Refusal(Exception):
    """The request is turned away with one of VTpass's codes; nothing was placed."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is bought.

    Attributes:
        product: As the delivery ledger shows it: `mtn`, `mtn-data:<plan>`, `dstv:renew`,
            `token:ikeja-electric` where a token comes with it, `pins:2:waec`.
        biller: The number, meter, card or profile that it goes to.
        amount: The plan's own price, where it has one: what the buyer says is ignored.
    """

    service: str
    product: str
    biller: str
    amount: Money


def read(fields: Mapping[str, Any]) -> Wanted:
    """A purchase of a service that there is.

    Raises:
        Refusal: a field is missing or wrong.
    """
    service_id, phone = str(fields["serviceID"]), str(fields["phone"])
    service = SERVICES[service_id]
    match service.category:
        case category if category == AIRTIME:
            return Wanted(service_id, service_id, phone, _amount(service, fields))
        case category if category == DATA:
            plan = _plan(service, fields)
            biller = str(fields.get("billersCode") or phone)
            return Wanted(service_id, f"{service_id}:{plan.code}", biller, _naira(plan.naira))
        case category if category == CABLE:
            return _cable(service_id, service, fields)
        case category if category == ELECTRICITY:
            kind = "token" if _plan(service, fields).code == "prepaid" else "meter"
            biller = _biller(fields)
            return Wanted(service_id, f"{kind}:{service_id}", biller, _amount(service, fields))
        case _:
            return _pins(service_id, service, fields)


def _cable(service_id: str, service: Service, fields: Mapping[str, Any]) -> Wanted:
    biller = _biller(fields)
    kind = fields.get("subscription_type")
    if service_id in _RENEWABLE and kind == "renew":
        return Wanted(service_id, f"{service_id}:renew", biller, _money(fields.get("amount")))
    if service_id in _RENEWABLE and kind != "change":
        raise Refusal("011")
    plan = _plan(service, fields)
    amount = _naira(plan.naira * _quantity(fields))
    return Wanted(service_id, f"{service_id}:{plan.code}", biller, amount)


def _pins(service_id: str, service: Service, fields: Mapping[str, Any]) -> Wanted:
    """Of JAMB one, for a profile; of the others as many as are asked for."""
    plan, of_jamb = _plan(service, fields), service_id == "jamb"
    biller = _biller(fields) if of_jamb else str(fields["phone"])
    quantity = 1 if of_jamb else _quantity(fields)
    return Wanted(
        service_id, f"pins:{quantity}:{service_id}", biller, _naira(plan.naira * quantity)
    )


def _plan(service: Service, fields: Mapping[str, Any]) -> Plan:
    plan = service.plan(str(fields.get("variation_code") or ""))
    if plan is None:
        raise Refusal("010")
    return plan


def _biller(fields: Mapping[str, Any]) -> str:
    biller = str(fields.get("billersCode") or "")
    if not biller:
        raise Refusal("011")
    return biller


def _quantity(fields: Mapping[str, Any]) -> int:
    text = str(fields.get("quantity", 1))
    if not (text.isascii() and text.isdigit()):
        raise Refusal("011")
    if int(text) < 1:
        raise Refusal("031")
    if int(text) > _QUANTITY_MAX:
        raise Refusal("032")
    return int(text)


def _amount(service: Service, fields: Mapping[str, Any]) -> Money:
    amount = _money(fields.get("amount"))
    if amount.minor < _naira(service.least).minor:
        raise Refusal("013")
    if amount.minor > _naira(service.most).minor:
        raise Refusal("017")
    return amount


def _money(given: object) -> Money:
    try:
        amount = from_major(str(given), CURRENCY)
    except ValueError as error:
        raise Refusal("011") from error
    if amount.minor <= 0:
        raise Refusal("013")
    return amount


def _naira(naira: int) -> Money:
    return from_major(naira, CURRENCY)
