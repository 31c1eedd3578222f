"""Flutterwave's bills (its API version 3): airtime, data, cable, electricity in Nigeria.

Sources: https://developer.flutterwave.com/docs/bill-payments and /reference (create a bill payment,
get the status of a bill payment, error timeouts), read November 2026; the shape of statuses and of
the webhook from public integrations.

- `POST /billers/{biller_code}/items/{item_code}/payment {country, customer_id, amount, reference}`
  with the secret key as bearer. Amounts are naira. `reference` is ours.
- Its `{"status": "success"}` says that the request was taken, so nothing is delivered by it.
  `GET /bills/{reference}?verbose=1` gives `data.status`, `data.amount`, and the token in `extra`.
  The words of `data.status` are nowhere listed; those below were seen.
- After 28 seconds it answers 503 whatever becomes of the order: ask, says its page on timeouts.
- A webhook `singlebillpayment.status` has our `customer_reference` and, in `verif-hash`, the
  secret hash that was set in the dashboard.

A plan is `{biller_code}/{item_code}` (`BIL119/CB141`). Airtime has no plan of its own: `airtime`
names the item of each network that is sold.
"""

import hmac
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.expected import shaped
from core.kit.money import Money
from core.kit.msisdn import local
from core.ports import BadCallback
from core.providers.http import NoReply, Reply
from core.providers.values import BaseUrl, Credential, TimeoutS, header, major, member, word
from core.providers.vtu.answers import (
    Meaning,
    judged,
    not_sent,
    refused,
    refused_status,
    told,
    unheard,
    unknown,
    unreadable,
)
from core.providers.vtu.base import HttpVtu, callback_fields
from core.providers.vtu.evidence import electricity, tokens_in

_ITEM = r"[0-9A-Za-z_-]{1,40}/[0-9A-Za-z_-]{1,40}"
_WHOLE_ITEM = shaped(f"^{_ITEM}$", "should be a biller and its item, like BIL099/AT099")
_REFERENCE = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
_FIRST_LOOK_S = 5.0
_PRODUCTS = frozenset({Product.AIRTIME, Product.DATA, Product.CABLE, Product.ELECTRICITY})


class Settings(BaseSettings):
    """From `FLUTTERWAVE_BILLS_*`, or given. `base_url` ends in `/v3`.

    `airtime` maps a network to its item. Without `webhook_key`, the dashboard's secret hash, no
    webhook is believed.
    """

    model_config = SettingsConfigDict(
        env_prefix="FLUTTERWAVE_BILLS_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    secret_key: Credential
    webhook_key: Credential = SecretStr("")
    airtime: Mapping[str, Annotated[str, Field(pattern=_WHOLE_ITEM)]] = {"mtn": "BIL099/AT099"}
    timeout_s: TimeoutS = 45.0


_STATUS: Mapping[str, Meaning] = MappingProxyType(
    {
        "successful": Meaning(Result.DELIVERED, "successful"),
        "success": Meaning(Result.DELIVERED, "successful"),
        "pending": Meaning(Result.ACCEPTED, "pending"),
        "processing": Meaning(Result.ACCEPTED, "processing"),
        "failed": Meaning(Result.FAILED, "failed"),
        "reversed": Meaning(Result.REVERSED, "reversed"),
    }
)
_TAKEN = Meaning(Result.ACCEPTED, "taken")
_TAKEN_BEFORE = re.compile(r"duplicate|already|exist|reference", re.IGNORECASE)


class FlutterwaveBills(HttpVtu):
    """Sells through Flutterwave's bills. Keeps `core.ports.VtuProvider`.

    Not called `flutterwave`: that is a payment gateway, and each has callbacks of its own.
    """

    name = "flutterwave_bills"
    capabilities = Capabilities(
        products=_PRODUCTS,
        requery_by_reference=True,
        enforces_unique=True,
        processing_max_s=120.0,
    )

    def __init__(self, settings: Settings) -> None:
        bearer = {"authorization": f"Bearer {settings.secret_key.get_secret_value()}"}
        super().__init__(settings.base_url, settings.timeout_s, bearer)
        self._airtime = settings.airtime
        self._webhook_key = settings.webhook_key.get_secret_value().encode()

    async def vend(self, vend: Vend) -> Outcome:
        item = self._airtime.get(vend.network, "") if vend.product is Product.AIRTIME else vend.plan
        if found := obstacle(vend, item):
            return found
        biller_code, item_code = item.split("/")
        path = f"/billers/{biller_code}/items/{item_code}/payment"
        return read_vend(await self._post("pay", path, written(vend)), vend)

    async def requery(self, vend: Vend) -> Outcome:
        answer = await self._get("requery", f"/bills/{vend.reference}", params={"verbose": "1"})
        return read_requery(answer, vend)

    async def float_balance(self) -> Money:
        document = self._read(await self._get("balance", "/balances/NGN"), "the float balance")
        balance = major(member(document, "data", "available_balance"), "NGN")
        if balance is None or document.get("status") != "success":
            raise Fault("Flutterwave did not tell the float balance")
        return balance

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        given = (header(headers, "verif-hash") or "").encode()
        if not (self._webhook_key and hmac.compare_digest(self._webhook_key, given)):
            raise BadCallback("Flutterwave bills: secret hash")
        document = callback_fields(self.name, body)
        if document.get("event") != "singlebillpayment.status":
            return ()
        reference = word(member(document, "data", "customer_reference"))
        if reference is None or not _REFERENCE.fullmatch(reference):
            raise BadCallback("Flutterwave bills: names no order")
        return (reference,)


def obstacle(vend: Vend, item: str) -> Outcome | None:
    """Why this order cannot even be written in Flutterwave's terms, or None."""
    if vend.product not in _PRODUCTS or vend.amount.currency != "NGN":
        return not_sent("not_sold_here")
    if not re.fullmatch(_ITEM, item, re.ASCII):
        return not_sent("item_unknown")
    if vend.amount.minor <= 0 or vend.amount.minor % 100:
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if vend.product in {Product.CABLE, Product.ELECTRICITY} and not vend.account:
        return not_sent("account_missing", Blame.ORDER)
    return None


def written(vend: Vend) -> dict[str, object]:
    """The body of a payment, for an order without an obstacle."""
    return {
        "country": "NG",
        "customer_id": vend.account or local(vend.recipient),
        "amount": vend.amount.minor // 100,
        "reference": vend.reference,
    }


def read_vend(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What an answer to a payment proves: at best that it was taken. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=False)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    data = document.get("data")
    if document.get("status") == "success" and answer.status < HTTPStatus.BAD_REQUEST:
        return judged(
            vend, _TAKEN, provider_reference=_their_reference(data), check_after_s=_FIRST_LOOK_S
        )
    if document.get("status") == "error":
        return judged(vend, _error(answer.status, word(document.get("message")) or ""))
    return Outcome(Result.UNKNOWN, "status_unknown")


def read_requery(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What an answer to a question about a bill proves. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=True)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    if answer.status == HTTPStatus.NOT_FOUND and document.get("status") == "error":
        return Outcome(Result.NOT_FOUND, "no_such_order")
    data = document.get("data")
    if document.get("status") != "success" or answer.status >= HTTPStatus.BAD_REQUEST:
        return Outcome(Result.UNKNOWN, "query_refused")
    if why := _other(data, vend):
        return Outcome(Result.UNKNOWN, why)
    status = (word(member(data, "status")) or "").lower()
    return judged(
        vend,
        _STATUS.get(status, unknown("status_unknown")),
        provider_reference=_their_reference(data),
        evidence=_evidence(data) if vend.product is Product.ELECTRICITY else {},
    )


def _error(status: int, message: str) -> Meaning:
    """An error of ours (4xx) refuses the payment, unless it may speak of an earlier one."""
    if meaning := refused_status(status):
        return meaning
    if status != HTTPStatus.BAD_REQUEST or _TAKEN_BEFORE.search(message):
        return unknown("not_promised")
    return refused("float_low" if "insufficient" in message.lower() else "arguments")


def _other(data: object, vend: Vend) -> str | None:
    """Why these are the particulars of some other order, or None."""
    if member(data, "customer_reference") not in (None, "", vend.reference):
        return "other_reference"
    amount = member(data, "amount")
    if amount is not None and major(amount, vend.amount.currency) != vend.amount:
        return "other_amount"
    return None


def _evidence(data: object) -> dict[str, str]:
    evidence = electricity(data, member(data, "extra"))
    tokens = tokens_in(member(data, "extra"))
    return {"token": tokens[0], **evidence} if tokens else evidence


def _their_reference(data: object) -> str | None:
    return word(member(data, "flw_ref")) or word(member(data, "tx_ref"))
