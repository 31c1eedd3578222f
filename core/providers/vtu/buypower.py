"""BuyPower: electricity.

Sources: https://docs.buypower.ng (the public beginning of its Postman documentation: hosts, JSON
only, the envelope, the signature) and public integrations, read November 2026. Its other verticals
(airtime, data, TV) have no public contract and are not sold here.

- `POST /vend?strict=0` with our `orderId`, which must be unique; `GET /transaction/{orderId}`;
  `GET /wallet/balance`. Header `Authorization: Bearer ...`. Amounts are naira.
- `{status: true, responseCode: 200, message, data: {token, units, ...}}`; errors are `{status:
  false, responseCode: 4xx, message}`; a requery nests the same in `result`. Only JSON counts.
- A vend answered 202 is under way: `delay` lists the seconds to wait before each requery.
- A requery answers 201 while under way. One integration reads its 202 as failed, the opposite of a
  vend's, so here it is failed only when it also says so in words.
- `x-buypower-signature` is the SHA-512 of the body followed by the key; checked where it comes.
- 404 as "no such order" on a requery is read off the envelope and HTTP: no page says it.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import local
from core.providers.http import NoReply, Reply
from core.providers.values import BaseUrl, Credential, TimeoutS, header, major, member, whole, word
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
from core.providers.vtu.evidence import electricity, tokens_in

_DISCOS = MappingProxyType(
    {
        "eko-electric": "EKO",
        "ikeja-electric": "IKEJA",
        "abuja-electric": "ABUJA",
        "kano-electric": "KANO",
        "portharcourt-electric": "PH",
        "jos-electric": "JOS",
        "ibadan-electric": "IBADAN",
        "kaduna-electric": "KADUNA",
        "enugu-electric": "ENUGU",
    }
)
_VEND_TYPES = MappingProxyType({"prepaid": "PREPAID", "postpaid": "POSTPAID"})
_UNDER_WAY = re.compile(r"in progress|processing|pending", re.IGNORECASE)
_ENDED_BADLY = re.compile(r"fail|declin|cancel|unsuccessful|revers", re.IGNORECASE)
_TAKEN_BEFORE = re.compile(r"duplicate|already|exist", re.IGNORECASE)
_DELAY_S_MAX = 3600
_SIGNATURE = "x-buypower-signature"


class Settings(BaseSettings):
    """From `BUYPOWER_*`, or given. `base_url` ends in `/v2`."""

    model_config = SettingsConfigDict(
        env_prefix="BUYPOWER_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    api_key: Credential
    timeout_s: TimeoutS = 90.0


_UNDER_WAY_MEANING = Meaning(Result.ACCEPTED, "in_progress")
_VEND: Mapping[int, Meaning] = MappingProxyType(
    {
        200: Meaning(Result.DELIVERED, "vended"),
        202: _UNDER_WAY_MEANING,
        400: refused("arguments"),
        401: refused("credentials"),
        403: refused("not_allowed"),
        422: refused("arguments"),
    }
)
_REQUERY: Mapping[int, Meaning] = MappingProxyType(
    {
        200: Meaning(Result.DELIVERED, "vended"),
        201: _UNDER_WAY_MEANING,
        404: Meaning(Result.NOT_FOUND, "no_such_order"),
    }
)


class BuyPower(HttpVtu):
    """Sells electricity through BuyPower. Keeps `core.ports.VtuProvider`."""

    name = "buypower"
    capabilities = Capabilities(
        products=frozenset({Product.ELECTRICITY}),
        requery_by_reference=True,
        enforces_unique=True,
        processing_max_s=180.0,
        failover_target=True,
    )

    def __init__(self, settings: Settings) -> None:
        self._key = settings.api_key.get_secret_value()
        bearer = {"authorization": f"Bearer {self._key}"}
        super().__init__(settings.base_url, settings.timeout_s, bearer)

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend):
            return found
        answer = await self._post("vend", "/vend", written(vend), params={"strict": "0"})
        return read_answer(answer, vend, self._key, requery=False)

    async def requery(self, vend: Vend) -> Outcome:
        answer = await self._get("requery", f"/transaction/{vend.reference}")
        return read_answer(answer, vend, self._key, requery=True)

    async def float_balance(self) -> Money:
        document = self._read(await self._get("balance", "/wallet/balance"), "the float balance")
        told_there = member(document, "data", "balance") or document.get("balance")
        balance = major(told_there, "NGN")
        if balance is None:
            raise Fault("BuyPower did not tell the float balance")
        return balance


def obstacle(vend: Vend) -> Outcome | None:
    """Why this order cannot even be written in BuyPower's terms, or None."""
    if vend.product is not Product.ELECTRICITY or vend.amount.currency != "NGN":
        return not_sent("not_sold_here")
    if vend.network not in _DISCOS:
        return not_sent("network_unknown")
    if vend.variant not in _VEND_TYPES:
        return not_sent("variant_missing", Blame.ORDER)
    if not vend.account:
        return not_sent("account_missing", Blame.ORDER)
    if vend.amount.minor <= 0 or vend.amount.minor % 100:
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    return None


def written(vend: Vend) -> dict[str, object]:
    """The body of `/vend`, for an order without an obstacle."""
    return {
        "orderId": vend.reference,
        "meter": vend.account,
        "disco": _DISCOS[vend.network],
        "vendType": _VEND_TYPES[vend.variant],
        "vertical": "ELECTRICITY",
        "paymentType": "B2B",
        "amount": vend.amount.minor // 100,
        "phone": local(vend.recipient),
    }


def read_answer(answer: Reply | NoReply, vend: Vend, key: str, *, requery: bool) -> Outcome:
    """What an answer to a vend or a requery proves about the order. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=requery)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    if not _is_theirs(answer, key):
        return Outcome(Result.UNKNOWN, "signature_wrong")
    nested = document.get("result")
    envelope = nested if isinstance(nested, dict) else document
    data = envelope.get("data")
    if member(data, "orderId") not in (None, "", vend.reference):
        return Outcome(Result.UNKNOWN, "other_reference")
    code = whole(envelope.get("responseCode"))
    return judged(
        vend,
        _meaning(answer.status, code, envelope, requery=requery),
        code="" if code is None else str(code),
        provider_reference=_their_reference(data),
        evidence=_evidence(data),
        check_after_s=_delay_s(envelope.get("delay")),
    )


def _meaning(
    status: int, code: int | None, envelope: Mapping[str, object], *, requery: bool
) -> Meaning:
    """By code; a requery's success may come with none, and then its truth counts."""
    message = word(envelope.get("message")) or ""
    succeeded = envelope.get("status") is True
    if _UNDER_WAY.search(message) and not succeeded:
        return _UNDER_WAY_MEANING
    if requery and code == HTTPStatus.ACCEPTED:
        failed = _ENDED_BADLY.search(message) is not None and not succeeded
        return Meaning(Result.FAILED, "failed") if failed else _UNDER_WAY_MEANING
    if "requery" in message.lower():
        return unknown("requery")
    if code is None:
        plain = requery and succeeded and status == HTTPStatus.OK
        return Meaning(Result.DELIVERED, "vended") if plain else unknown("code_missing")
    meaning = (_REQUERY if requery else _VEND).get(code, unknown("not_promised"))
    if (meaning.result is Result.DELIVERED) != succeeded and meaning is not _UNDER_WAY_MEANING:
        return unknown("contradiction")
    if meaning.result is Result.REFUSED and _TAKEN_BEFORE.search(message):
        return unknown("reference_used")
    if meaning.result is Result.REFUSED and "insufficient" in message.lower():
        return refused("float_low")
    return meaning


def _evidence(data: object) -> dict[str, str]:
    """The token, and any others in `parcels`, which are not named: they follow in their order."""
    evidence = electricity(data)
    parcels = member(data, "parcels")
    listed = parcels if isinstance(parcels, list) else []
    more = [token for parcel in listed for token in tokens_in(member(parcel, "content"))]
    more = [token for token in more if token not in evidence.values()]
    for name, token in zip(("token2", "token3"), more, strict=False):
        evidence.setdefault(name, token)
    return evidence


def _their_reference(data: object) -> str | None:
    for name in ("vendRef", "id"):
        value = member(data, name)
        if found := word(value) or (str(value) if whole(value) else None):
            return found
    return None


def _delay_s(delay: object) -> float | None:
    first = delay[0] if isinstance(delay, list) and delay else None
    seconds = whole(first)
    return float(seconds) if seconds and seconds <= _DELAY_S_MAX else None


def _is_theirs(reply: Reply, key: str) -> bool:
    """True where no signature came: it is not on every answer."""
    signature = header(reply.headers, _SIGNATURE)
    if signature is None:
        return True
    expected = hashlib.sha512((reply.body or b"") + key.encode()).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.strip().lower().encode())
