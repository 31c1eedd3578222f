"""Baxi (Onafriq): airtime, data, cable, electricity, exam PINs and recharge PINs.

Sources: https://developers.onafriq.com/docs (response, purchase-airtime, purchase-data-bundle,
purchase-electricity, purchase-pin) and https://capricorndigital.gitbook.io/baxi, read November
2026; cable, requery, the header and the codes of refusals from public integrations.

- `Authorization: Api-key ...`. `POST /services/{airtime|databundle|electricity|multichoice|epin}/
  request` with our `agentReference`, which must be unique (BX0023), and `agentId`;
  `GET /superagent/transaction/requery?agentReference=`; `GET /superagent/account/balance`.
- `{status, code, message, data: {transactionStatus, statusCode, transactionReference, tokenCode,
  amountOfPower, pins: [{serialNumber, pin}]}}`. Sold: `success`, 200, `success`, `0`. `pending` is
  to be asked about. Errors have a code in letters; its page lists those that must be asked about,
  and everything else here that is not plainly a refusal at the door is asked about as well.
- Discos are spelled `ikeja_electric_prepaid`; a plan given with electricity overrides that.
- Cable is bought for one month at the price that the catalogue gave: never a multiple of it.
- HTTP 404 as "no such order" on a requery is read off HTTP: no page says it.
"""

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import local
from core.providers.http import NoReply, Reply
from core.providers.values import BaseUrl, Credential, TimeoutS, major, member, whole, word
from core.providers.vtu.answers import (
    Meaning,
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

_NETWORKS = frozenset({"mtn", "airtel", "glo", "9mobile"})
_CABLE = frozenset({"dstv", "gotv", "startimes"})
_VARIANTS = frozenset({"prepaid", "postpaid"})
_PINS = frozenset({Product.EXAM, Product.RECHARGE_PIN})


class Settings(BaseSettings):
    """From `BAXI_*`, or given. `base_url` ends in `/api/baxipay`."""

    model_config = SettingsConfigDict(
        env_prefix="BAXI_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    api_key: Credential
    agent_id: str
    timeout_s: TimeoutS = 60.0


_SOLD = Meaning(Result.DELIVERED, "success")
_PENDING = Meaning(Result.ACCEPTED, "pending")
_REFUSALS: Mapping[str, Meaning] = MappingProxyType(
    {
        **dict.fromkeys((f"BX{number:04}" for number in range(7, 17)), refused("credentials")),
        "BX0018": refused("route_unknown"),
        "BX0026": refused("product_unknown"),
        **dict.fromkeys((f"SEC{number:05}" for number in range(1, 6)), refused("credentials")),
    }
)
_STATUS: Mapping[str, Meaning] = MappingProxyType(
    {
        "success": _SOLD,
        "pending": _PENDING,
        "failed": Meaning(Result.FAILED, "failed"),
        "reversed": Meaning(Result.REVERSED, "reversed"),
    }
)


class Baxi(HttpVtu):
    """Sells through Baxi. Keeps `core.ports.VtuProvider`."""

    name = "baxi"
    capabilities = Capabilities(
        products=frozenset(Product),
        requery_by_reference=True,
        enforces_unique=True,
        processing_max_s=180.0,
        failover_target=True,
    )

    def __init__(self, settings: Settings) -> None:
        key = {"authorization": f"Api-key {settings.api_key.get_secret_value()}"}
        super().__init__(settings.base_url, settings.timeout_s, key)
        self._agent_id = settings.agent_id

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend):
            return found
        service, order = written(vend)
        named = {**order, "agentReference": vend.reference, "agentId": self._agent_id}
        answer = await self._post("vend", f"/services/{service}/request", named)
        return read_answer(answer, vend, requery=False)

    async def requery(self, vend: Vend) -> Outcome:
        question = {"agentReference": vend.reference}
        answer = await self._get("requery", "/superagent/transaction/requery", params=question)
        return read_answer(answer, vend, requery=True)

    async def float_balance(self) -> Money:
        reply = await self._get("balance", "/superagent/account/balance")
        document = self._read(reply, "the float balance")
        balance = major(member(document, "data", "balance"), "NGN")
        if balance is None or document.get("status") != "success":
            raise Fault("Baxi did not tell the float balance")
        return balance


def obstacle(vend: Vend) -> Outcome | None:
    """Why this order cannot even be written in Baxi's terms, or None."""
    if vend.amount.currency != "NGN":
        return not_sent("not_sold_here")
    if not _known(vend):
        return not_sent("network_unknown")
    if vend.amount.minor <= 0 or vend.amount.minor % 100:
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if vend.product in _PINS and (vend.quantity < 1 or _naira(vend) % vend.quantity):
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if vend.product in {Product.DATA, Product.CABLE} and not vend.plan:
        return not_sent("plan_missing", Blame.ORDER)
    if vend.product in {Product.CABLE, Product.ELECTRICITY} and not vend.account:
        return not_sent("account_missing", Blame.ORDER)
    return None


def written(vend: Vend) -> tuple[str, dict[str, object]]:
    """The service and its fields, for an order without an obstacle."""
    phone = local(vend.recipient)
    order: dict[str, object] = {"service_type": vend.network, "amount": _naira(vend)}
    match vend.product:
        case Product.AIRTIME:
            return "airtime", order | {"phone": phone, "plan": "prepaid"}
        case Product.DATA:
            return "databundle", order | {"phone": phone, "datacode": vend.plan}
        case Product.ELECTRICITY:
            spelled = vend.plan or f"{vend.network.replace('-', '_')}_{vend.variant}"
            meter = {"service_type": spelled, "account_number": vend.account, "phone": phone}
            return "electricity", order | meter
        case Product.CABLE:
            return "multichoice", {
                "service_type": vend.network,
                "smartcard_number": vend.account,
                "product_code": vend.plan,
                "product_monthsPaidFor": 1,
                "total_amount": _naira(vend),
            }
        case Product.EXAM | Product.RECHARGE_PIN:
            each = {"pinValue": _naira(vend) // vend.quantity, "numberOfPins": vend.quantity}
            return "epin", order | each


def read_answer(answer: Reply | NoReply, vend: Vend, *, requery: bool) -> Outcome:
    """What an answer to a purchase or a requery proves about the order. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=requery)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    data = document.get("data")
    if member(data, "agentReference") not in (None, "", vend.reference):
        return Outcome(Result.UNKNOWN, "other_reference")
    meaning = _meaning(answer.status, document, requery=requery)
    code = document.get("code")
    return judged(
        vend,
        meaning,
        code=code if isinstance(code, str) and code.isalnum() and len(code) <= 10 else "",  # noqa: PLR2004 - as its codes are
        provider_reference=_their_reference(data),
        evidence=found_in(vend, data, member(data, "pins"), member(data, "rawOutput")),
    )


def _meaning(status: int, document: Mapping[str, object], *, requery: bool) -> Meaning:
    said, code = document.get("status"), document.get("code")
    inside = (word(member(document, "data", "transactionStatus")) or "").lower()
    if status >= HTTPStatus.BAD_REQUEST or said == "error":
        return _error(status, said, code, requery=requery)
    if said == "pending":
        return _PENDING if inside in {"", "pending"} else unknown("contradiction")
    if said != "success" or whole(code) != HTTPStatus.OK:
        return unknown("status_unknown")
    meaning = _STATUS.get(inside, unknown("status_unknown"))
    if meaning is _SOLD:
        return _SOLD if member(document, "data", "statusCode") in ("0", 0) else unknown("code")
    return meaning if requery or meaning is _PENDING else unknown("not_promised")


def _error(status: int, said: object, code: object, *, requery: bool) -> Meaning:
    if requery:
        absent = status == HTTPStatus.NOT_FOUND and said == "error"
        return Meaning(Result.NOT_FOUND, "no_such_order") if absent else unknown("query_refused")
    if said != "error" or not isinstance(code, str):
        return unknown("not_promised")
    return _REFUSALS.get(code, unknown("not_promised"))


def _their_reference(data: object) -> str | None:
    for name in ("transactionReference", "baxiReference"):
        value = member(data, name)
        if found := word(value) or (str(value) if whole(value) else None):
            return found
    return None


def _naira(vend: Vend) -> int:
    return vend.amount.minor // 100


def _known(vend: Vend) -> bool:
    match vend.product:
        case Product.AIRTIME | Product.DATA:
            return vend.network in _NETWORKS
        case Product.CABLE:
            return vend.network in _CABLE
        case Product.ELECTRICITY:
            return vend.variant in _VARIANTS
        case Product.EXAM | Product.RECHARGE_PIN:
            return bool(vend.network)
