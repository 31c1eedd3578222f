"""What the simulated VTpass sells: services, their plans, and the billers it can verify.

Source: vtpass.com/documentation, service categories, services, service variations, merchant verify,
and the page of each product. Keys are spelled as VTpass spells them; prices are made up.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.kit.money import Money, from_major, to_major

CURRENCY = "NGN"
AIRTIME, DATA, CABLE, ELECTRICITY, EXAM = (
    "airtime", "data", "tv-subscription", "electricity-bill", "education",
)  # fmt: skip
CATEGORIES = {
    AIRTIME: "Airtime Recharge",
    DATA: "Data Services",
    CABLE: "TV Subscription",
    ELECTRICITY: "Electricity Bill",
    EXAM: "Education",
}

_RENEWAL = "10500.00"
_BILLER = re.compile(r"(?!9+$)[0-9]{10,13}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Plan:
    """A variation. `naira` is 0 where the buyer says how much."""

    code: str
    name: str
    naira: int = 0


@dataclass(frozen=True, slots=True)
class Service:
    """What goes by one `serviceID`. Without plans, or with plans of no price, it has limits."""

    category: str
    name: str
    plans: tuple[Plan, ...] = ()
    least: int = 0
    most: int = 0

    def plan(self, code: str) -> Plan | None:
        return next((plan for plan in self.plans if plan.code == code), None)


def _airtime(name: str) -> Service:
    return Service(AIRTIME, f"{name} Airtime VTU", least=5, most=100_000)


def _data(name: str, *plans: tuple[str, str, int]) -> Service:
    return Service(DATA, f"{name} Data", tuple(Plan(*plan) for plan in plans))


def _cable(name: str, *plans: tuple[str, str, int]) -> Service:
    return Service(CABLE, f"{name} Subscription", tuple(Plan(*plan) for plan in plans))


def _disco(name: str) -> Service:
    plans = (Plan("prepaid", "Prepaid"), Plan("postpaid", "Postpaid"))
    return Service(ELECTRICITY, f"{name} Electric Payment", plans, least=500, most=500_000)


SERVICES: Mapping[str, Service] = {
    "mtn": _airtime("MTN"),
    "glo": _airtime("GLO"),
    "airtel": _airtime("Airtel"),
    "etisalat": _airtime("9mobile"),
    "mtn-data": _data(
        "MTN",
        ("sim-mtn-1gb", "SIM 1GB, 1 day", 350),
        ("sim-mtn-2gb", "SIM 2GB, 30 days", 1500),
    ),
    "airtel-data": _data("Airtel", ("sim-airtel-1gb", "SIM 1.5GB, 30 days", 1000)),
    "glo-data": _data("Glo", ("sim-glo-1gb", "SIM 1.35GB, 14 days", 500)),
    "etisalat-data": _data("9mobile", ("sim-9mobile-1gb", "SIM 1GB, 30 days", 1000)),
    "smile-direct": _data("Smile", ("sim-smile-5gb", "SIM 5GB, 30 days", 3000)),
    "spectranet": _data("Spectranet", ("sim-spectranet-7gb", "SIM 7GB, 30 days", 5000)),
    "dstv": _cable(
        "DStv",
        ("sim-dstv-small", "SIM DStv small, a month", 4400),
        ("sim-dstv-large", "SIM DStv large, a month", 10_500),
    ),
    "gotv": _cable("GOtv", ("sim-gotv-small", "SIM GOtv small, a month", 1900)),
    "startimes": _cable("StarTimes", ("sim-startimes-week", "SIM StarTimes, a week", 700)),
    "showmax": _cable("Showmax", ("sim-showmax-month", "SIM Showmax, a month", 3500)),
    "eko-electric": _disco("Eko"),
    "ikeja-electric": _disco("Ikeja"),
    "abuja-electric": _disco("Abuja"),
    "kano-electric": _disco("Kano"),
    "portharcourt-electric": _disco("Port Harcourt"),
    "jos-electric": _disco("Jos"),
    "ibadan-electric": _disco("Ibadan"),
    "kaduna-electric": _disco("Kaduna"),
    "enugu-electric": _disco("Enugu"),
    "benin-electric": _disco("Benin"),
    "yola-electric": _disco("Yola"),
    "aba-electric": _disco("Aba"),
    "waec": Service(EXAM, "WAEC Result Checker", (Plan("waecdirect", "SIM WASSCE", 3900),)),
    # The variation is spelled as VTpass spells it.
    "waec-registration": Service(
        EXAM, "WAEC Registration", (Plan("waec-registraion", "SIM WASSCE", 14_450),)
    ),
    "jamb": Service(EXAM, "JAMB PIN", (Plan("utme", "SIM UTME", 6200), Plan("de", "SIM DE", 5700))),
}


def price(plan: Plan, *, up: bool) -> Money:
    """What a plan costs; a tenth more where prices went `up` unannounced."""
    whole = from_major(plan.naira, CURRENCY)
    return Money(whole.minor * 11 // 10, CURRENCY) if up else whole


def service_of(product: str) -> str:
    """The `serviceID` of what the delivery ledger calls `token:x`, `pins:2:x`, `x:plan` or `x`."""
    parts = product.split(":")
    return next(part for part in parts if part in SERVICES)


def services(category: str) -> list[dict[str, Any]]:
    return [
        {
            "serviceID": service_id,
            "name": service.name,
            "minimium_amount": str(service.least or ""),
            "maximum_amount": str(service.most or ""),
            "convinience_fee": "0 %",
            "product_type": "flexible" if service.least else "fix",
            "image": "",
        }
        for service_id, service in SERVICES.items()
        if service.category == category
    ]


def variations(service_id: str, plans: Sequence[Plan], *, up: bool = False) -> dict[str, Any]:
    """Both spellings of the key, as some replies have them."""
    listed = [
        {
            "variation_code": plan.code,
            "name": plan.name,
            "variation_amount": to_major(price(plan, up=up)),
            "fixedPrice": "Yes" if plan.naira else "No",
        }
        for plan in plans
    ]
    return {
        "ServiceName": SERVICES[service_id].name,
        "serviceID": service_id,
        "convinience_fee": "0 %",
        "varations": listed,
        "variations": listed,
    }


def verification(service_id: str, biller: str, kind: str) -> dict[str, Any]:
    """Code 000 goes with both: a wrong biller is told inside. `kind` as in `type` of the question.

    Any number of 10 to 13 digits is somebody's, but for one of nines alone.
    """
    if not _BILLER.fullmatch(biller):
        return {"error": "SIM: this biller is not known", "WrongBillersCode": True}
    known: dict[str, Any] = {"Customer_Name": "SIM TEST CUSTOMER", "WrongBillersCode": False}
    service = SERVICES.get(service_id)
    match service.category if service else "":
        case "electricity-bill":
            assert service is not None
            return known | {
                "Address": "SIM ROAD 1",
                "Meter_Number": biller,
                "Meter_Type": kind.upper(),
                "Min_Purchase_Amount": service.least,
                "MAX_Purchase_Amount": service.most,
            }
        case "tv-subscription":
            return known | {
                "Current_Bouquet": "SIM DStv large, a month",
                "Renewal_Amount": _RENEWAL,
                "Due_Date": "2026-12-01T00:00:00",
            }
        case _:
            return known | {"Address": "SIM ROAD 1"}
