"""VTpass: airtime from the naira float that we keep with it.

Sources: https://www.vtpass.com/documentation/ (authentication, buying-services, mtn-airtime-vtu,
re-query-services, response-codes, callback-api-integration), read November 2026. Several
generations of the same page are about; `read_answer` takes all their shapes.

- `POST /pay {request_id, serviceID, amount, phone}` and `POST /requery {request_id}` with headers
  `api-key` and `secret-key`; `GET /balance` with `api-key` and `public-key`. Amounts are naira,
  numbers are local (0803...), 9mobile is still called `etisalat`.
- A `request_id` begins with the minute in Lagos, `YYYYMMDDHHmm`, and is refused (085) on any other
  day than that one. Used again, it is refused (014).
- The answer: `{code, response_description, requestId, content: {transactions: {status,
  transactionId, total_amount, ...}}}`. HTTP statuses are not documented; codes are.
- Anything that is not in its guide, and any timeout, is to be treated as pending and requeried,
  says the guide. So a code means only what is in the tables below, and a requery believes only
  codes that speak of the order: a refusal there (keys, address not whitelisted) is of the question.
- A callback comes for orders that staff resolve later, unsigned: a hint to requery. It wants
  `{"response": "success"}`, else it is repeated up to five times.
"""

import datetime as dt
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit import ids
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import local
from core.ports import BadCallback
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply, client, read_json, send
from core.providers.values import BaseUrl, Credential, TimeoutS, major, member, whole, word

# Nigeria keeps one offset all year.
_LAGOS = dt.timezone(dt.timedelta(hours=1))
_SERVICES = MappingProxyType(
    {"mtn": "mtn", "airtel": "airtel", "glo": "glo", "9mobile": "etisalat", "etisalat": "etisalat"}
)
_REFERENCE = re.compile(r"\d{12}[0-9A-Za-z]{1,64}", re.ASCII)
_BALANCE_READ = 1


class Settings(BaseSettings):
    """From `VTPASS_*`, or given. `base_url` ends in `/api`."""

    model_config = SettingsConfigDict(
        env_prefix="VTPASS_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    api_key: Credential
    public_key: Credential
    secret_key: Credential
    timeout_s: TimeoutS = 60.0


class _Meaning(NamedTuple):
    result: Result
    word: str
    blame: Blame = Blame.NONE
    hint: str | None = None


# What the code of a `/pay` answer says, 000 apart: that one leaves it to the status.
_PAY: Mapping[str, _Meaning] = MappingProxyType(
    {
        "001": _Meaning(Result.UNKNOWN, "status_query"),
        "010": _Meaning(Result.REFUSED, "variation_unknown", Blame.ORDER),
        "011": _Meaning(Result.REFUSED, "arguments", Blame.ORDER, "wrong_number"),
        "012": _Meaning(Result.REFUSED, "product_unknown", Blame.ORDER),
        "013": _Meaning(Result.REFUSED, "amount_too_small", Blame.ORDER, "wrong_amount"),
        "014": _Meaning(Result.UNKNOWN, "reference_used"),
        "016": _Meaning(Result.FAILED, "failed"),
        "017": _Meaning(Result.REFUSED, "amount_too_large", Blame.ORDER, "wrong_amount"),
        "018": _Meaning(Result.REFUSED, "float_low", Blame.OURS),
        "019": _Meaning(Result.REFUSED, "duplicate", Blame.ORDER, "duplicate"),
        "020": _Meaning(Result.FAILED, "biller_confirmed"),  # only a verification says it rightly
        "021": _Meaning(Result.REFUSED, "account_locked", Blame.OURS),
        "022": _Meaning(Result.REFUSED, "account_suspended", Blame.OURS),
        "023": _Meaning(Result.REFUSED, "access_off", Blame.OURS),
        "024": _Meaning(Result.REFUSED, "account_inactive", Blame.OURS),
        "025": _Meaning(Result.REFUSED, "bank_transfer_only", Blame.OURS),
        "026": _Meaning(Result.REFUSED, "bank_transfer_only", Blame.OURS),
        "027": _Meaning(Result.REFUSED, "address_not_allowed", Blame.OURS),
        "028": _Meaning(Result.REFUSED, "product_not_allowed", Blame.OURS),
        "030": _Meaning(Result.REFUSED, "biller_unreachable", Blame.OURS),
        "031": _Meaning(Result.REFUSED, "quantity_too_small", Blame.ORDER),
        "032": _Meaning(Result.REFUSED, "quantity_too_large", Blame.ORDER),
        "034": _Meaning(Result.REFUSED, "service_suspended", Blame.OURS),
        "035": _Meaning(Result.REFUSED, "service_off", Blame.OURS),
        "040": _Meaning(Result.REVERSED, "reversed"),
        "044": _Meaning(Result.UNKNOWN, "ask_a_person"),  # "resolved": how, they tell by mail
        "083": _Meaning(Result.UNKNOWN, "system_error"),
        "085": _Meaning(Result.REFUSED, "reference_malformed", Blame.OURS),
        "087": _Meaning(Result.REFUSED, "credentials", Blame.OURS),
        "089": _Meaning(Result.ACCEPTED, "still_processing"),
        "091": _Meaning(Result.REFUSED, "not_processed", Blame.OURS),
        "099": _Meaning(Result.ACCEPTED, "processing"),
    }
)
_REQUERY: Mapping[str, _Meaning] = MappingProxyType(
    {
        "015": _Meaning(Result.NOT_FOUND, "no_such_order"),
        **{code: _PAY[code] for code in ("016", "040", "044", "089", "099")},
    }
)
_STATUS: Mapping[str, _Meaning] = MappingProxyType(
    {
        "delivered": _Meaning(Result.DELIVERED, "delivered"),
        "initiated": _Meaning(Result.ACCEPTED, "initiated"),
        "pending": _Meaning(Result.ACCEPTED, "pending"),
        "failed": _Meaning(Result.FAILED, "failed"),
        "reversed": _Meaning(Result.REVERSED, "reversed"),
    }
)
_LETS_MONEY_GO = frozenset({Result.REFUSED, Result.FAILED, Result.REVERSED, Result.NOT_FOUND})
_STILL_THERE = frozenset({"delivered", "initiated", "pending"})


class VtPass:
    """Sells airtime through VTpass. Keeps `core.ports.VtuProvider`."""

    name = "vtpass"
    capabilities = Capabilities(
        products=frozenset({Product.AIRTIME}),
        requery_by_reference=True,
        enforces_unique=True,
        processing_max_s=60.0,
    )

    def __init__(self, settings: Settings) -> None:
        self._timeout_s = settings.timeout_s
        self._post_key = {"secret-key": settings.secret_key.get_secret_value()}
        self._get_key = {"public-key": settings.public_key.get_secret_value()}
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={"api-key": settings.api_key.get_secret_value()},
            reuse_connections=False,
        )

    @property
    def timeout_s(self) -> float:
        return self._timeout_s

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        """The minute in Lagos, then the attempt id in letters and digits."""
        number, letters = attempt_id.int, ""
        while number:
            number, digit = divmod(number, len(ids.SPEAKABLE))
            letters += ids.SPEAKABLE[digit]
        return f"{at.astimezone(_LAGOS):%Y%m%d%H%M}{letters or '0'}"

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        return reference[:8] == f"{at.astimezone(_LAGOS):%Y%m%d}"

    async def vend(self, vend: Vend) -> Outcome:
        if obstacle := _obstacle(vend):
            return obstacle
        order = {
            "request_id": vend.reference,
            "serviceID": _SERVICES[vend.network],
            "amount": vend.amount.minor // 100,
            "phone": local(vend.recipient),
        }
        return read_answer(await self._post("pay", order), vend, requery=False)

    async def requery(self, vend: Vend) -> Outcome:
        question = {"request_id": vend.reference}
        return read_answer(await self._post("requery", question), vend, requery=True)

    async def float_balance(self) -> Money:
        request = self._http.build_request("GET", "/balance", headers=self._get_key)
        reply = await send(self._http, request, act="vtpass.balance", within_s=self._timeout_s)
        document = (
            reply.json() if isinstance(reply, Reply) and reply.status == HTTPStatus.OK else None
        )
        balance = major(member(document, "contents", "balance"), "NGN")
        if balance is None or whole(member(document, "code")) != _BALANCE_READ:
            raise Fault("VTpass did not tell the float balance")
        return balance

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:  # noqa: ARG002 - unsigned
        document = read_json(body) if len(body) <= REPLY_BYTES_MAX else None
        if not isinstance(document, dict):
            raise BadCallback("VTpass: not a JSON object")
        if document.get("type") != "transaction-update":
            return ()  # A change of its price list, or news we do not know.
        reference = word(member(document, "data", "requestId"))
        if reference is None or not _REFERENCE.fullmatch(reference):
            raise BadCallback("VTpass: names no order")
        return (reference,)

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "application/json", '{"response":"success"}'

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _post(self, path: str, document: Mapping[str, object]) -> Reply | NoReply:
        request = self._http.build_request(
            "POST", f"/{path}", json=document, headers=self._post_key
        )
        return await send(self._http, request, act=f"vtpass.{path}", within_s=self._timeout_s)


def read_answer(answer: Reply | NoReply, vend: Vend, *, requery: bool) -> Outcome:
    """What an answer to `/pay` or `/requery` proves about the order. Never raises; pure.

    Only a `/pay` that never left is REFUSED for that; a requery that never left proves nothing.
    """
    if isinstance(answer, NoReply):
        if answer.never_sent and not requery:
            return _not_sent("not_sent")
        return Outcome(Result.UNKNOWN, answer.reason)
    document = answer.json() if _told(answer) else None
    if not isinstance(document, dict):
        return Outcome(Result.UNKNOWN, f"http_{answer.status}")
    if document.get("requestId") not in (None, "", vend.reference):
        return Outcome(Result.UNKNOWN, "other_reference")
    meaning, reason = _meaning(document, _REQUERY if requery else _PAY)
    return Outcome(
        meaning.result,
        reason,
        provider_reference=_provider_reference(document),
        blame=meaning.blame,
        hint=meaning.hint,
        cost=_cost(document, vend.amount) if meaning.result is Result.DELIVERED else None,
    )


def _meaning(document: object, codes: Mapping[str, _Meaning]) -> tuple[_Meaning, str]:
    code = member(document, "code")
    status = (word(member(document, "content", "transactions", "status")) or "").lower()
    if code == "000":
        meaning = _STATUS.get(status, _Meaning(Result.UNKNOWN, "status_unknown"))
    elif isinstance(code, str) and re.fullmatch(r"\d{3}", code, re.ASCII):
        meaning = codes.get(code, _Meaning(Result.UNKNOWN, "not_promised"))
    else:
        return _Meaning(Result.UNKNOWN, "code_missing"), "code_missing"
    if code != "000" and meaning.result in _LETS_MONEY_GO and status in _STILL_THERE:
        meaning = _Meaning(Result.UNKNOWN, "contradiction")
    return meaning, f"{code}:{meaning.word}"


def _provider_reference(document: object) -> str | None:
    nested = word(member(document, "content", "transactions", "transactionId"))
    return nested or word(member(document, "transactionId"))


def _cost(document: object, face: Money) -> Money | None:
    """What the float paid. More than twice the face value is a misreading, not a price."""
    cost = major(member(document, "content", "transactions", "total_amount"), face.currency)
    return cost if cost is not None and 0 < cost.minor <= 2 * face.minor else None


def _told(reply: Reply) -> bool:
    """Whether the body may speak: a 5xx or a redirect is no answer, whatever stands in it."""
    return reply.status // 100 in {2, 4}


def _obstacle(vend: Vend) -> Outcome | None:
    """Why this order cannot even be written in VTpass's terms, or None."""
    if vend.product is not Product.AIRTIME or vend.amount.currency != "NGN":
        return _not_sent("not_sold_here")
    if vend.network not in _SERVICES:
        return _not_sent("network_unknown")
    if vend.amount.minor <= 0 or vend.amount.minor % 100:
        return _not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    return None


def _not_sent(reason: str, blame: Blame = Blame.OURS, hint: str | None = None) -> Outcome:
    return Outcome(Result.REFUSED, reason, blame=blame, hint=hint, never_sent=True)
