"""Reloadly: airtime, and data bundles of operators that sell them, in many countries.

Sources: https://docs.reloadly.com/airtime and https://raphaelugwu.gitbook.io/airtime (endpoints,
statuses, error codes), read November 2026; the list's filter and the webhook's signature from
several public integrations that agree.

- `POST {auth_url} {client_id, client_secret, grant_type, audience}` gives `access_token` and
  `expires_in` seconds. Other requests carry it as a bearer; 401 means that it has expired.
- `GET /operators/countries/{country}`: `id`, `name`, `bundle`, `data`, `pin` of each.
- `POST /topups-async {operatorId, amount, useLocalAmount, customIdentifier, recipientPhone}` gives
  `{transactionId}` and nothing final. `GET /topups/{transactionId}/status` gives `status`:
  PROCESSING, SUCCESSFUL, FAILED (not debited), REFUNDED (back on our float).
- After a lost answer: `GET /topups/reports/transactions?customIdentifier=...`. Whether a repeated
  identifier is refused is not said, so it is only a name to find an order by.
- Errors are `{errorCode, message}`. After FAILED, half an hour should pass before the same again.
- A webhook has `X-Reloadly-Signature`, the hex HMAC-SHA256 of the body, a colon and
  `X-Reloadly-Request-Timestamp`.
"""

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money, decimals, to_major
from core.ports import BadCallback
from core.providers.http import NoReply, Reply
from core.providers.values import BaseUrl, Credential, TimeoutS, header, major, member, whole, word
from core.providers.vtu.answers import (
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
from core.providers.vtu.base import callback_fields
from core.providers.vtu.reloadly_statement import ReloadlyStatement

_ACCEPT = {"accept": "application/com.reloadly.topups-v1+json"}
_REFERENCE = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
_RENEW_BEFORE_S = 60.0
# An order that leaves late has no time left to be answered in, and would be in doubt for nothing.
_PREPARED_IN_S = 5.0
_TOKEN_S_MAX = 86_400.0
_LISTED_MAX = 50
_FIRST_LOOK_S = 5.0


class Settings(BaseSettings):
    """From `RELOADLY_*`, or given.

    `audience` is `base_url` unless told. Without `webhook_key` no webhook is believed.
    """

    model_config = SettingsConfigDict(
        env_prefix="RELOADLY_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    auth_url: BaseUrl
    client_id: Credential
    secret_key: Credential
    webhook_key: Credential = SecretStr("")
    audience: str = ""
    country: str = "NG"
    currency: str = "NGN"
    timeout_s: TimeoutS = 60.0


_STATUS: Mapping[str, Meaning] = MappingProxyType(
    {
        "SUCCESSFUL": Meaning(Result.DELIVERED, "successful"),
        "PROCESSING": Meaning(Result.ACCEPTED, "processing"),
        "REFUNDED": Meaning(Result.REVERSED, "refunded"),
        "FAILED": Meaning(Result.FAILED, "failed"),
    }
)
_REFUSALS: Mapping[str, Meaning] = MappingProxyType(
    {
        "INVALID_RECIPIENT_PHONE": refused("recipient", Blame.ORDER, "wrong_number"),
        "INVALID_PHONE_NUMBER": refused("recipient", Blame.ORDER, "wrong_number"),
        "INVALID_AMOUNT": refused("amount", Blame.ORDER, "wrong_amount"),
        "INVALID_AMOUNT_FOR_OPERATOR": refused("amount", Blame.ORDER, "wrong_amount"),
        "PHONE_RECENTLY_RECHARGED": refused("duplicate", Blame.ORDER, "duplicate"),
        "INSUFFICIENT_BALANCE": refused("float_low"),
        "MAX_DAILY_TRANSACTION_AMOUNT_REACHED": refused("day_limit"),
        "MAX_DAILY_TRANSACTION_COUNT_REACHED": refused("day_limit"),
        "COUNTRY_NOT_SUPPORTED": refused("country_off"),
        "OPERATOR_UNAVAILABLE_OR_CURRENTLY_INACTIVE": refused("operator_off"),
        "OPERATOR_NOT_IN_SERVICE": refused("operator_off"),
        "ACCOUNT_NOT_FOUND": refused("account"),
        "INACTIVE_ACCOUNT": refused("account"),
        "TOKEN_EXPIRED": refused("credentials"),
        "INVALID_TOKEN": refused("credentials"),
    }
)


class Reloadly(ReloadlyStatement):
    """Sells through Reloadly. Keeps `core.ports.VtuProvider`."""

    name = "reloadly"
    capabilities = Capabilities(
        products=frozenset({Product.AIRTIME, Product.DATA}),
        requery_by_reference=True,
        enforces_unique=False,
        # Its reports may trail its sales, so "not listed" must have had time to become false.
        processing_max_s=300.0,
    )

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings.base_url, settings.timeout_s, _ACCEPT)
        self._settings = settings
        self._webhook_key = settings.webhook_key.get_secret_value().encode()
        self._turn = asyncio.Lock()
        self._token = ""
        self._token_until = 0.0
        self._operators: Mapping[str, int] = {}

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend, self._settings.currency):
            return found
        leaves_by = time.monotonic() + min(_PREPARED_IN_S, self.timeout_s / 2)
        operator_id = await self._operator(vend)
        if operator_id is None:
            return not_sent("operator_unknown")
        bearer = await self._bearer()
        if bearer is None:
            return not_sent("credentials")
        if time.monotonic() > leaves_by:
            return not_sent("prepared_late")
        order = written(vend, operator_id, self._settings.country)
        answer = await self._post("vend", "/topups-async", order, headers=bearer)
        self._forget_token(answer)
        return read_vend(answer, vend)

    async def requery(self, vend: Vend) -> Outcome:
        bearer = await self._bearer()
        if bearer is None:
            return Outcome(Result.UNKNOWN, "credentials")
        if vend.provider_reference.isdecimal():
            path = f"/topups/{vend.provider_reference}/status"
            answer = await self._get("status", path, headers=bearer)
            outcome = read_status(answer, vend)
        else:
            query = {"customIdentifier": vend.reference, "page": "1", "size": str(_LISTED_MAX)}
            path = "/topups/reports/transactions"
            answer = await self._get("list", path, params=query, headers=bearer)
            outcome = read_list(answer, vend)
        self._forget_token(answer)
        return outcome

    async def float_balance(self) -> Money:
        bearer = await self._bearer()
        if bearer is None:
            raise Fault("Reloadly takes not our credentials")
        reply = await self._get("balance", "/accounts/balance", headers=bearer)
        self._forget_token(reply)
        document = self._read(reply, "the float balance")
        currency = word(document.get("currencyCode")) or ""
        if not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
            raise Fault("Reloadly did not tell the currency of the float")
        balance = major(document.get("balance"), currency)
        if balance is None:
            raise Fault("Reloadly did not tell the float balance")
        return balance

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        stamp = header(headers, "x-reloadly-request-timestamp") or ""
        signature = header(headers, "x-reloadly-signature") or ""
        expected = hmac.new(self._webhook_key, body + b":" + stamp.encode(), hashlib.sha256)
        given = signature.strip().lower().encode()
        if not (self._webhook_key and hmac.compare_digest(expected.hexdigest().encode(), given)):
            raise BadCallback("Reloadly: signature")
        document = callback_fields(self.name, body)
        reference = word(member(document, "data", "customIdentifier"))
        if reference is None:
            return ()  # News of something that we did not order this way.
        if not _REFERENCE.fullmatch(reference):
            raise BadCallback("Reloadly: names no order")
        return (reference,)

    async def _bearer(self) -> Mapping[str, str] | None:
        """The header of a token that is good for a while yet; None when none is to be had."""
        async with self._turn:
            if time.monotonic() >= self._token_until:
                await self._renew()
            return {"authorization": f"Bearer {self._token}"} if self._token else None

    async def _renew(self) -> None:
        self._token = ""
        settings = self._settings
        document = {
            "client_id": settings.client_id.get_secret_value(),
            "client_secret": settings.secret_key.get_secret_value(),
            "grant_type": "client_credentials",
            "audience": settings.audience or settings.base_url,
        }
        asked_at = time.monotonic()
        reply = await self._post("token", settings.auth_url, document)
        if not isinstance(reply, Reply) or reply.status != HTTPStatus.OK:
            return
        told_there = reply.json()
        token = member(told_there, "access_token")
        lasts_s = whole(member(told_there, "expires_in"))
        if isinstance(token, str) and token.isascii() and token.isprintable() and lasts_s:
            self._token = token
            self._token_until = asked_at + min(lasts_s, _TOKEN_S_MAX) - _RENEW_BEFORE_S

    def _forget_token(self, answer: Reply | NoReply) -> None:
        if isinstance(answer, Reply) and answer.status == HTTPStatus.UNAUTHORIZED:
            self._token_until = 0.0

    async def _operator(self, vend: Vend) -> int | None:
        """The operator to buy from. A data plan names its own; networks are matched by name."""
        if vend.product is Product.DATA:
            return whole(vend.plan)
        if vend.network not in self._operators and (bearer := await self._bearer()):
            path = f"/operators/countries/{self._settings.country}"
            answer = await self._get("operators", path, headers=bearer)
            self._forget_token(answer)
            if isinstance(answer, Reply) and answer.status == HTTPStatus.OK:
                self._operators = read_operators(answer.json())
        return self._operators.get(vend.network)


def obstacle(vend: Vend, currency: str) -> Outcome | None:
    """Why this order cannot even be written in Reloadly's terms, or None."""
    if vend.product not in {Product.AIRTIME, Product.DATA} or vend.amount.currency != currency:
        return not_sent("not_sold_here")
    if vend.amount.minor <= 0:
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if vend.product is Product.DATA and not whole(vend.plan):
        return not_sent("plan_missing", Blame.ORDER)
    return None


def written(vend: Vend, operator_id: int, country: str) -> dict[str, object]:
    """The body of `/topups-async`, for an order without an obstacle."""
    whole_units = 10 ** decimals(vend.amount.currency)
    amount = vend.amount.minor // whole_units
    return {
        "operatorId": operator_id,
        "amount": float(to_major(vend.amount)) if vend.amount.minor % whole_units else amount,
        "useLocalAmount": True,
        "customIdentifier": vend.reference,
        "recipientPhone": {"countryCode": country, "number": vend.recipient},
    }


def read_operators(document: object) -> dict[str, int]:
    """Operators that sell plain airtime, by the first word of their names in small letters.

    `{"MTN Nigeria": 341}` becomes `{"mtn": 341}`. A name that two share is left out.
    """
    listed = document if isinstance(document, list) else member(document, "content")
    found: dict[str, list[int]] = {}
    for operator in listed if isinstance(listed, list) else []:
        name, number = word(member(operator, "name")), whole(member(operator, "id"))
        special = any(member(operator, kind) is True for kind in ("bundle", "data", "pin"))
        if name and number and not special:
            found.setdefault(name.split()[0].lower(), []).append(number)
    return {name: numbers[0] for name, numbers in found.items() if len(numbers) == 1}


def read_vend(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What an answer to `/topups-async` proves. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=False)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    if answer.status >= HTTPStatus.BAD_REQUEST:
        code = (word(document.get("errorCode")) or "").upper()
        return judged(vend, _REFUSALS.get(code, unknown("not_promised")))
    transaction_id = whole(document.get("transactionId"))
    if not transaction_id:
        return Outcome(Result.UNKNOWN, "transaction_missing")
    accepted = Meaning(Result.ACCEPTED, "taken")
    return judged(
        vend, accepted, provider_reference=str(transaction_id), check_after_s=_FIRST_LOOK_S
    )


def read_status(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What an answer about one transaction proves. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=True)
    document = told(answer)
    if document is None or answer.status >= HTTPStatus.BAD_REQUEST:
        return unreadable(answer)
    transaction = document.get("transaction")
    if member(transaction, "customIdentifier") not in (None, "", vend.reference):
        return Outcome(Result.UNKNOWN, "other_reference")
    return _of_transaction(document.get("status"), transaction, vend)


def read_list(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What an answer to a search by our reference proves. Never raises; pure.

    Only an empty list says "no such order": one with other orders did not heed the search.
    """
    if isinstance(answer, NoReply):
        return unheard(answer, requery=True)
    document = told(answer)
    listed = None if document is None else document.get("content")
    if not isinstance(listed, list) or answer.status >= HTTPStatus.BAD_REQUEST:
        return unreadable(answer)
    ours = [row for row in listed if member(row, "customIdentifier") == vend.reference]
    if len(ours) > 1:
        return Outcome(Result.UNKNOWN, "listed_twice")
    if ours:
        return _of_transaction(member(ours[0], "status"), ours[0], vend)
    if listed or whole(member(document, "totalElements")) not in (None, 0):
        return Outcome(Result.UNKNOWN, "search_not_heeded")
    return Outcome(Result.NOT_FOUND, "no_such_order")


def _of_transaction(status: object, transaction: object, vend: Vend) -> Outcome:
    number = whole(member(transaction, "transactionId"))
    paid_in = member(transaction, "balanceInfo", "currencyCode")
    cost = member(transaction, "balanceInfo", "cost") if paid_in == vend.amount.currency else None
    return judged(
        vend,
        _STATUS.get(word(status) or "", unknown("status_unknown")),
        provider_reference=str(number) if number else vend.provider_reference or None,
        cost=cost_of(cost, vend.amount),
    )
