"""Inlomax: airtime, data, cable, electricity, with no reference of ours in any request.

Source: the client of a platform in production (Trimwet/tada-vtu, src/lib/api/inlomax.ts), read
November 2026; https://inlomax.com/api-documentation was not.

- `Authorization: Token ...`. `POST /airtime {serviceID, amount, mobileNumber}`, `/data {serviceID,
  mobileNumber}`, `/subcable {serviceID, iucNum}`, `/payelectric {serviceID, meterNum, meterType: 1
  prepaid or 2 postpaid, amount}`; `GET /balance {data: {funds}}`. Amounts are naira.
- `{status: success | processing | failed, message, data: {reference, amountCharged, token}}`.
- Nothing says whose order an answer is about, and a lost answer leaves nothing to ask with. So a
  requery never knows, a person compares its records with ours, and it is never second choice.
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
from core.providers.values import BaseUrl, Credential, TimeoutS, major, member, word
from core.providers.vtu.answers import (
    ASK_A_PERSON,
    Meaning,
    cost_of,
    judged,
    not_sent,
    refused,
    refused_status,
    told,
    unheard,
    unknown,
    unreadable,
)
from core.providers.vtu.base import HttpVtu
from core.providers.vtu.evidence import electricity

_NETWORKS = MappingProxyType({"mtn": "1", "airtel": "2", "glo": "3", "9mobile": "4"})
_METERS = MappingProxyType({"prepaid": 1, "postpaid": 2})
_PRODUCTS = frozenset({Product.AIRTIME, Product.DATA, Product.CABLE, Product.ELECTRICITY})


class Settings(BaseSettings):
    """From `INLOMAX_*`, or given. `base_url` ends in `/api`."""

    model_config = SettingsConfigDict(
        env_prefix="INLOMAX_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    api_key: Credential
    timeout_s: TimeoutS = 60.0


_STATUS: Mapping[str, Meaning] = MappingProxyType(
    {
        "success": Meaning(Result.DELIVERED, "success"),
        "processing": Meaning(Result.ACCEPTED, "processing"),
        "failed": Meaning(Result.FAILED, "failed"),
    }
)


class Inlomax(HttpVtu):
    """Sells through Inlomax. Keeps `core.ports.VtuProvider`.

    The plan of data, cable and electricity is its `serviceID`.
    """

    name = "inlomax"
    capabilities = Capabilities(
        products=_PRODUCTS,
        requery_by_reference=False,
        enforces_unique=False,
        client_reference=False,
    )

    def __init__(self, settings: Settings) -> None:
        token = {"authorization": f"Token {settings.api_key.get_secret_value()}"}
        super().__init__(settings.base_url, settings.timeout_s, token)

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend):
            return found
        path, order = written(vend)
        return read_answer(await self._post("vend", path, order), vend)

    async def requery(self, vend: Vend) -> Outcome:  # noqa: ARG002 - there is nothing to ask with
        return Outcome(Result.UNKNOWN, ASK_A_PERSON)

    async def float_balance(self) -> Money:
        document = self._read(await self._get("balance", "/balance"), "the float balance")
        balance = major(member(document, "data", "funds"), "NGN")
        if balance is None:
            raise Fault("Inlomax did not tell the float balance")
        return balance


def obstacle(vend: Vend) -> Outcome | None:
    """Why this order cannot even be written in Inlomax's terms, or None."""
    if vend.product not in _PRODUCTS or vend.amount.currency != "NGN":
        return not_sent("not_sold_here")
    if vend.product is Product.AIRTIME and vend.network not in _NETWORKS:
        return not_sent("network_unknown")
    by_amount = vend.product in {Product.AIRTIME, Product.ELECTRICITY}
    if vend.amount.minor <= 0 or (by_amount and vend.amount.minor % 100):
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if vend.product is not Product.AIRTIME and not vend.plan:
        return not_sent("plan_missing", Blame.ORDER)
    if vend.product in {Product.CABLE, Product.ELECTRICITY} and not vend.account:
        return not_sent("account_missing", Blame.ORDER)
    if vend.product is Product.ELECTRICITY and vend.variant not in _METERS:
        return not_sent("variant_missing", Blame.ORDER)
    return None


def written(vend: Vend) -> tuple[str, dict[str, object]]:
    """The path and body of a purchase, for an order without an obstacle."""
    naira = vend.amount.minor // 100
    match vend.product:
        case Product.AIRTIME:
            order = {"serviceID": _NETWORKS[vend.network], "amount": naira}
            return "/airtime", {**order, "mobileNumber": local(vend.recipient)}
        case Product.DATA:
            return "/data", {"serviceID": vend.plan, "mobileNumber": local(vend.recipient)}
        case Product.CABLE:
            return "/subcable", {"serviceID": vend.plan, "iucNum": vend.account}
        case _:
            meter = {"meterNum": vend.account, "meterType": _METERS[vend.variant]}
            return "/payelectric", {"serviceID": vend.plan, **meter, "amount": naira}


def read_answer(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What an answer to a purchase proves about the order. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=False)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    data = document.get("data")
    return judged(
        vend,
        _meaning(answer.status, document),
        provider_reference=word(member(data, "reference")),
        cost=cost_of(member(data, "amountCharged"), vend.amount),
        evidence=electricity(data) if vend.product is Product.ELECTRICITY else {},
    )


def _meaning(status: int, document: Mapping[str, object]) -> Meaning:
    """An empty float has no code of its own and is told by its text."""
    if meaning := refused_status(status):
        return meaning
    said = document.get("status")
    meaning = _STATUS.get(said, unknown("status_unknown")) if isinstance(said, str) else None
    if meaning is None:
        return unknown("status_missing")
    if meaning.result is Result.FAILED:
        if "insufficient" in (word(document.get("message")) or "").lower():
            return refused("float_low")
        inside = member(document, "data", "status")
        return meaning if inside in (None, "failed") else unknown("contradiction")
    return meaning if status < HTTPStatus.BAD_REQUEST else unknown("contradiction")
