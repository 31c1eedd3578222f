"""ClubKonnect (NelloByte): airtime, data, cable, electricity, exam PINs and recharge PINs.

Sources: the vendor's documents are behind a login (https://www.clubkonnect.com/APIDocs.asp) and
were not read; what stands here was taken in November 2026 from public integrations that transcribe
them: status codes of a published SDK, parameters and field notes of two platforms in production.

- Everything is `GET` with `UserID` and `APIKey` in the query, so no address of it is ever logged.
  An address that is not whitelisted gets an HTML page instead of JSON.
- `RequestID` is ours. A repeated one is said to find the same order; nothing here relies on it.
- A purchase answers `{orderid, statuscode, status}`, electricity `{transactionid,
  transactionstatus, metertoken}`, PINs `{TXN_EPIN: [{sno, pin}]}`, exams `{carddetails}`.
  `APIQueryV1.asp` by `RequestID` adds `requestid`, `remark`, `amountcharged`.
- Code 201 is called completed and is not: the network was silent for a minute, and the order is
  tried again for up to an hour, as are those on hold (6xx). 299 is not explained.
- PINs and tokens may come minutes after the order is called complete: the query brings them.
- A callback is a `GET` with `requestid` in its query, unsigned: a hint to requery.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import parse_qs

from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import local
from core.ports import BadCallback
from core.providers.http import NoReply, Reply
from core.providers.values import BaseUrl, Credential, TimeoutS, major, member, whole, word
from core.providers.vtu.answers import (
    LETS_MONEY_GO,
    Meaning,
    cost_of,
    judged,
    not_sent,
    refused,
    told,
    unheard,
    unknown,
    unreadable,
)
from core.providers.vtu.base import HttpVtu
from core.providers.vtu.evidence import found_in

_NETWORKS = MappingProxyType(
    {"mtn": "01", "glo": "02", "9mobile": "03", "etisalat": "03", "airtel": "04"}
)
_DISCOS = MappingProxyType(
    {
        f"{disco}-electric": f"{number:02}"
        for number, disco in enumerate(
            (
                "eko", "ikeja", "abuja", "kano", "portharcourt", "jos", "ibadan", "kaduna",
                "enugu", "benin", "yola", "aba",
            ),
            start=1,
        )
    }
)  # fmt: skip
_METERS = MappingProxyType({"prepaid": "01", "postpaid": "02"})
_CABLE = frozenset({"dstv", "gotv", "startimes", "showmax"})
# Delivered, says their status code; a refusal by HTTP beside it is a contradiction.
_COMPLETED, _HTTP_REFUSED = 200, 400
_PIN_VALUES = frozenset({100, 200, 500})
_EXAMS = MappingProxyType(
    {"waec": "APIWAECV1.asp", "waec-registration": "APIWAECV1.asp", "jamb": "APIJAMBV1.asp"}
)
_REFERENCE = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)


class Settings(BaseSettings):
    """From `CLUBKONNECT_*`, or given. Without `callback_url` it calls nobody back."""

    model_config = SettingsConfigDict(
        env_prefix="CLUBKONNECT_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    user_id: Credential
    api_key: Credential
    callback_url: str = ""
    timeout_s: TimeoutS = 60.0


_ACCEPTED = Meaning(Result.ACCEPTED, "received")
_HELD = Meaning(Result.ACCEPTED, "on_hold")
_CODES: Mapping[int, Meaning] = MappingProxyType(
    {
        100: _ACCEPTED,
        199: _ACCEPTED,
        200: Meaning(Result.DELIVERED, "completed"),
        201: Meaning(Result.ACCEPTED, "network_unresponsive"),
        299: unknown("completed_how"),
        300: Meaning(Result.ACCEPTED, "processed"),
        399: Meaning(Result.ACCEPTED, "processed"),
        **dict.fromkeys((*range(400, 419), 499), refused("order_error")),
        **dict.fromkeys((*range(500, 521), 599), Meaning(Result.FAILED, "cancelled")),
        521: unknown("already_final"),
        **dict.fromkeys((*range(600, 607), 699), _HELD),
        899: Meaning(Result.REVERSED, "refunded"),
    }
)
# Where an answer has no code; the others of its words need theirs.
_WORDS: Mapping[str, Meaning] = MappingProxyType(
    {
        "ORDER_RECEIVED": _ACCEPTED,
        "ORDER_PROCESSED": Meaning(Result.ACCEPTED, "processed"),
        "ORDER_ONHOLD": _HELD,
        "ORDER_REFUNDED": Meaning(Result.REVERSED, "refunded"),
        "DUPLICATE_REQUESTID": unknown("reference_used"),
        "TXN_HISTORY": unknown("reference_used"),
    }
)
_NOT_FOUND = "INVALID_REQUESTID"
_STILL_THERE = frozenset({"ORDER_RECEIVED", "ORDER_PROCESSED", "ORDER_ONHOLD", "ORDER_COMPLETED"})
# What the words of an order error blame; those in no row are ours.
_BLAMED = (
    (("RECIPIENT", "MOBILENUMBER", "METER", "SMARTCARD"), Blame.ORDER, "wrong_number"),
    (("MINIMUM", "MAXIMUM", "AMOUNT"), Blame.ORDER, "wrong_amount"),
)


class ClubKonnect(HttpVtu):
    """Sells through ClubKonnect. Keeps `core.ports.VtuProvider`."""

    name = "clubkonnect"
    capabilities = Capabilities(
        products=frozenset(Product),
        requery_by_reference=True,
        enforces_unique=False,
        processing_max_s=60.0,
        failover_target=True,
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.base_url, settings.timeout_s)
        self._keys = {
            "UserID": settings.user_id.get_secret_value(),
            "APIKey": settings.api_key.get_secret_value(),
        }
        self._callback = {"CallBackURL": settings.callback_url} if settings.callback_url else {}

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend):
            return found
        script, order = written(vend)
        named = {**order, "RequestID": vend.reference, **self._callback}
        answer = await self._get("vend", f"/{script}", params={**self._keys, **named})
        return read_answer(answer, vend, requery=False)

    async def requery(self, vend: Vend) -> Outcome:
        question = {**self._keys, "RequestID": vend.reference}
        answer = await self._get("requery", "/APIQueryV1.asp", params=question)
        return read_answer(answer, vend, requery=True)

    async def float_balance(self) -> Money:
        reply = await self._get("balance", "/APIWalletBalanceV1.asp", params=self._keys)
        document = self._read(reply, "the float balance")
        balance = major(_plain(document.get("balance")), "NGN")
        if balance is None:
            raise Fault("ClubKonnect did not tell the float balance")
        return balance

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:  # noqa: ARG002 - unsigned
        """`body` is the query of its `GET`."""
        try:
            fields = parse_qs(body.decode("ascii"), max_num_fields=50)
        except ValueError as error:
            raise BadCallback("ClubKonnect: not readable") from error
        reference = fields.get("requestid", [""])[0]
        if not _REFERENCE.fullmatch(reference):
            raise BadCallback("ClubKonnect: names no order")
        return (reference,)

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "text/plain", "OK"


def obstacle(vend: Vend) -> Outcome | None:
    """Why this order cannot even be written in ClubKonnect's terms, or None."""
    if vend.amount.currency != "NGN":
        return not_sent("not_sold_here")
    if not _known(vend):
        return not_sent("network_unknown")
    by_amount = vend.product in {Product.AIRTIME, Product.ELECTRICITY, Product.RECHARGE_PIN}
    if vend.amount.minor <= 0 or (by_amount and vend.amount.minor % 100):
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if vend.product is Product.RECHARGE_PIN and _pin_value(vend) not in _PIN_VALUES:
        return not_sent("pin_value_unknown", Blame.OURS)
    if vend.product in {Product.DATA, Product.CABLE, Product.EXAM} and not vend.plan:
        return not_sent("plan_missing", Blame.ORDER)
    if vend.product in {Product.CABLE, Product.ELECTRICITY} and not vend.account:
        return not_sent("account_missing", Blame.ORDER)
    if vend.product is Product.EXAM and vend.quantity != 1:
        return not_sent("one_at_a_time")  # its exam scripts know no quantity
    return None


def written(vend: Vend) -> tuple[str, dict[str, str]]:
    """The script and its parameters, for an order without an obstacle."""
    naira = str(vend.amount.minor // 100)
    number = local(vend.recipient)
    match vend.product:
        case Product.AIRTIME:
            order = {"MobileNetwork": _NETWORKS[vend.network], "Amount": naira}
            return "APIAirtimeV1.asp", {**order, "MobileNumber": number}
        case Product.DATA:
            order = {"MobileNetwork": _NETWORKS[vend.network], "DataPlan": vend.plan}
            return "APIDatabundleV1.asp", {**order, "MobileNumber": number}
        case Product.CABLE:
            order = {"CableTV": vend.network, "Package": vend.plan, "SmartCardNo": vend.account}
            return "APICableTVV1.asp", {**order, "PhoneNo": number}
        case Product.ELECTRICITY:
            order = {"ElectricCompany": _DISCOS[vend.network], "MeterType": _METERS[vend.variant]}
            meter = {"MeterNo": vend.account, "Amount": naira, "PhoneNo": number}
            return "APIElectricityV1.asp", order | meter
        case Product.EXAM:
            return _EXAMS[vend.network], {"ExamType": vend.plan, "PhoneNo": number}
        case Product.RECHARGE_PIN:
            order = {"MobileNetwork": _NETWORKS[vend.network], "Value": str(_pin_value(vend))}
            return "APIEPINV1.asp", {**order, "Quantity": str(vend.quantity)}


def read_answer(answer: Reply | NoReply, vend: Vend, *, requery: bool) -> Outcome:
    """What an answer to a purchase or a query proves about the order. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=requery)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    if document.get("requestid") not in (None, "", vend.reference):
        return Outcome(Result.UNKNOWN, "other_reference")
    evidence = _evidence(vend, document)
    code = whole(document.get("statuscode"))
    if code == _COMPLETED and answer.status >= _HTTP_REFUSED:
        return Outcome(Result.UNKNOWN, "status_contradicts")
    return judged(
        vend,
        _meaning(document, code, evidence, vend, requery=requery),
        code="" if code is None else str(code),
        provider_reference=_order_id(document),
        cost=cost_of(_plain(document.get("amountcharged")), vend.amount),
        evidence=evidence,
    )


def _meaning(
    document: Mapping[str, object],
    code: int | None,
    evidence: Mapping[str, str],
    vend: Vend,
    *,
    requery: bool,
) -> Meaning:
    status = _status(document)
    if code is None:
        if requery and status == _NOT_FOUND:
            return Meaning(Result.NOT_FOUND, "no_such_order")
        if not status and evidence and vend.product is Product.RECHARGE_PIN:
            return Meaning(Result.DELIVERED, "pins")  # PINs come with no other word
        return _WORDS.get(status, unknown("code_missing"))
    meaning = _CODES.get(code, unknown("not_promised"))
    if meaning.result is Result.REFUSED:
        meaning = _order_error(document, status, vend, requery=requery)
    if meaning.result in LETS_MONEY_GO and status in _STILL_THERE:
        return unknown("contradiction")
    if meaning.result is Result.DELIVERED and status not in {"", "ORDER_COMPLETED"}:
        return unknown("contradiction")
    return meaning


def _order_error(
    document: Mapping[str, object], status: str, vend: Vend, *, requery: bool
) -> Meaning:
    """A query may be refused itself; only an error that names our order is the order's."""
    if requery:
        its_own = document.get("requestid") == vend.reference and _order_id(document)
        return Meaning(Result.FAILED, "order_error") if its_own else unknown("query_refused")
    told_why = f"{status} {word(document.get('remark')) or ''}".upper()
    for words, blame, hint in _BLAMED:
        if any(part in told_why for part in words):
            return refused("order_error", blame, hint)
    return refused("order_error")


def _status(document: Mapping[str, object]) -> str:
    for name in ("status", "orderstatus", "transactionstatus"):
        if status := word(document.get(name)):
            return status.upper()
    return ""


def _order_id(document: Mapping[str, object]) -> str | None:
    """As text: some replies have it as a number."""
    for name in ("orderid", "transactionid"):
        value = document.get(name)
        if found := word(value) or (str(value) if whole(value) else None):
            return found
    return word(member(_first_pin(document), "transactionid"))


def _first_pin(document: Mapping[str, object]) -> object:
    listed = document.get("TXN_EPIN")
    return listed[0] if isinstance(listed, list) and listed else None


def _evidence(vend: Vend, document: Mapping[str, object]) -> dict[str, str]:
    return found_in(vend, document, document.get("TXN_EPIN"), document.get("carddetails"))


def _plain(value: object) -> object:
    """An amount without the commas of thousands."""
    return value.replace(",", "") if isinstance(value, str) else value


def _pin_value(vend: Vend) -> int:
    """The face value of one PIN in naira; 0 when the amount does not divide."""
    if vend.quantity < 1 or vend.amount.minor % (100 * vend.quantity):
        return 0
    return vend.amount.minor // (100 * vend.quantity)


def _known(vend: Vend) -> bool:
    match vend.product:
        case Product.AIRTIME | Product.DATA | Product.RECHARGE_PIN:
            return vend.network in _NETWORKS
        case Product.CABLE:
            return vend.network in _CABLE
        case Product.ELECTRICITY:
            return vend.network in _DISCOS and vend.variant in _METERS
        case Product.EXAM:
            return vend.network in _EXAMS
