"""Orders in VTpass's words.

Sources: its page of each product (mtn-airtime-vtu, mtn-data, dstv-subscription, startimes,
ikeja-electric, waec, waec-registration, jamb), read November 2026; the fields of JAMB and the
spelling `etisalat` from working integrations.

| product | `serviceID` | besides `request_id`, `serviceID`, `phone` |
|---|---|---|
| airtime | `mtn` `airtel` `glo` `etisalat` | `amount` |
| data | the same with `-data`; `smile-direct` `spectranet` | `billersCode`, `variation_code` |
| cable | `dstv` `gotv` | `billersCode`, `subscription_type`: `change` with `variation_code` and |
| | | `quantity`, or `renew` with `amount` |
| | `startimes` `showmax` | `billersCode`, `variation_code` |
| electricity | `ikeja-electric`, ... | `billersCode`, `amount`, `variation_code`: `prepaid` or |
| | | `postpaid` |
| exam | `waec` `waec-registration` | `variation_code`, `quantity` |
| | `jamb` | `variation_code`, `billersCode` (the profile) |

Recharge PINs are not sold. Where a plan has a price, VTpass ignores `amount` and takes its own.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from core.domain.vending import Blame, Outcome, Product, Vend
from core.kit.msisdn import is_of, local
from core.providers.vtu.answers import not_sent

_NETWORKS = MappingProxyType(
    {"mtn": "mtn", "airtel": "airtel", "glo": "glo", "9mobile": "etisalat", "etisalat": "etisalat"}
)
_INTERNET = ("smile-direct", "spectranet")
_RENEWABLE = ("dstv", "gotv")
_CABLE = (*_RENEWABLE, "startimes", "showmax")
_DISCOS = tuple(
    f"{disco}-electric"
    for disco in (
        "eko", "ikeja", "abuja", "kano", "portharcourt", "jos", "ibadan", "kaduna", "enugu",
        "benin", "yola", "aba",
    )
)  # fmt: skip
_BY_AMOUNT = frozenset({Product.AIRTIME, Product.ELECTRICITY})

_SERVICES: Mapping[Product, Mapping[str, str]] = MappingProxyType(
    {
        Product.AIRTIME: _NETWORKS,
        Product.DATA: {name: f"{service}-data" for name, service in _NETWORKS.items()}
        | {name: name for name in _INTERNET},
        Product.CABLE: {name: name for name in _CABLE},
        Product.ELECTRICITY: {name: name for name in _DISCOS},
        Product.EXAM: {name: name for name in ("waec", "waec-registration", "jamb")},
    }
)
PRODUCTS = tuple(_SERVICES)


def obstacle(vend: Vend) -> Outcome | None:
    """Why this order cannot even be written in VTpass's terms, or None."""
    if vend.product not in _SERVICES or vend.amount.currency != "NGN":
        return not_sent("not_sold_here")
    if vend.network not in _SERVICES[vend.product]:
        return not_sent("network_unknown")
    if not is_of(vend.recipient, "NG"):
        return not_sent("foreign_number", Blame.ORDER, "wrong_number")
    if vend.amount.minor <= 0 or (vend.product in _BY_AMOUNT and vend.amount.minor % 100):
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if missing := _missing(vend):
        return not_sent(missing, Blame.ORDER)
    return None


def written(vend: Vend) -> dict[str, object]:
    """The body of `/pay`, for an order without an obstacle."""
    return {
        "request_id": vend.reference,
        "serviceID": _SERVICES[vend.product][vend.network],
        "phone": local(vend.recipient),
        **_PARTS[vend.product](vend),
    }


def _missing(vend: Vend) -> str | None:
    if not vend.plan and _needs_plan(vend):
        return "plan_missing"
    if not vend.account and _needs_account(vend):
        return "account_missing"
    if vend.product is Product.ELECTRICITY and vend.variant not in {"prepaid", "postpaid"}:
        return "variant_missing"
    if vend.quantity < 1:
        return "quantity_missing"
    return None


def _needs_plan(vend: Vend) -> bool:
    if vend.product is Product.CABLE:
        return not _renews(vend)
    return vend.product in {Product.DATA, Product.EXAM}


def _needs_account(vend: Vend) -> bool:
    if vend.product is Product.EXAM:
        return vend.network == "jamb"
    return vend.product in {Product.CABLE, Product.ELECTRICITY} and vend.network != "showmax"


def _renews(vend: Vend) -> bool:
    return vend.network in _RENEWABLE and vend.variant == "renew"


def _naira(vend: Vend) -> int | float:
    whole, kobo = divmod(vend.amount.minor, 100)
    return whole if not kobo else vend.amount.minor / 100


def _airtime(vend: Vend) -> dict[str, object]:
    return {"amount": _naira(vend)}


def _data(vend: Vend) -> dict[str, object]:
    """The account is that of Smile or Spectranet; a mobile network's is the number itself."""
    return {"billersCode": vend.account or local(vend.recipient), "variation_code": vend.plan}


def _cable(vend: Vend) -> dict[str, object]:
    parts: dict[str, object] = {"billersCode": vend.account or local(vend.recipient)}
    if _renews(vend):
        return {**parts, "subscription_type": "renew", "amount": _naira(vend)}
    parts["variation_code"] = vend.plan
    if vend.network in _RENEWABLE:
        parts |= {"subscription_type": "change", "quantity": vend.quantity}
    return parts


def _electricity(vend: Vend) -> dict[str, object]:
    return {
        "billersCode": vend.account,
        "variation_code": vend.variant,
        "amount": _naira(vend),
    }


def _exam(vend: Vend) -> dict[str, object]:
    parts: dict[str, object] = {"variation_code": vend.plan}
    if vend.network == "jamb":
        return parts | {"billersCode": vend.account}
    return parts | {"quantity": vend.quantity}


_PARTS: Mapping[Product, Callable[[Vend], dict[str, object]]] = MappingProxyType(
    {
        Product.AIRTIME: _airtime,
        Product.DATA: _data,
        Product.CABLE: _cable,
        Product.ELECTRICITY: _electricity,
        Product.EXAM: _exam,
    }
)
