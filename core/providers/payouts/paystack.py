"""Paystack transfers: from our Paystack balance to a Nigerian bank account.

Sources: Paystack's OpenAPI description (https://github.com/PaystackHQ/openapi, dist/paystack.yaml,
read November 2026) for paths, fields and the rule for references; `otp` and `pending` as a first
answer stand in https://hexdocs.pm/paystack/Paystack.Transfer.html. Known from public clients only,
with fair confidence and never tried live: the other statuses, a reference's 16 to 50 characters,
`fee_charged`, the events, and the words "Your balance is not enough to fulfil this request", "You
cannot initiate third party payouts", "Transfer not found" and "Could not resolve account name"
(HTTP 422). Statuses that are seen but nowhere promised (`abandoned`, `blocked`, `rejected`) are
UNKNOWN: a person looks.

- `Authorization: Bearer sk_...`; amounts are kobo both ways.
- `GET /bank/resolve?account_number=&bank_code=` answers `data.account_name`.
- `POST /transferrecipient {type: "nuban", name, account_number, bank_code, currency}` answers
  `data.recipient_code`. The same account again is the same recipient, and no money moves.
- `POST /transfer {source: "balance", amount, recipient, reference, reason, currency}`, answered 200
  or 201. `reference` is of `a-z 0-9 - _` and taken once. `otp`: it waits for a code that went to
  the owner of the Paystack account, so that check must be switched off in its dashboard.
- `GET /transfer/verify/{reference}`: HTTP 200 and `status: true` say only that the question was
  understood; `data.status` is what became of the money. `success` can become `reversed`.
- Webhooks `transfer.success`, `transfer.failed` and `transfer.reversed` go to the one address that
  payments' webhooks go to, signed alike: the hex HMAC-SHA512 of the raw body under the secret key.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from urllib.parse import quote
from uuid import UUID

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.payouts import AccountName, Bank, Payout, PayoutCapabilities
from core.domain.vending import Outcome, Result
from core.kit import crash, ids
from core.kit.money import Money
from core.ports import BadCallback
from core.ports.payouts import CannotAsk
from core.providers.http import NoReply, Reply, client, send
from core.providers.payments.reading import read_event, read_fee, read_references
from core.providers.payouts import reading
from core.providers.payouts.reading import Refusal
from core.providers.values import BaseUrl, Credential, TimeoutS, header, member, whole, word

_SIGNATURE = "x-paystack-signature"
_EVENTS = frozenset({"transfer.success", "transfer.failed", "transfer.reversed"})
_STATUSES: Mapping[str, Result] = MappingProxyType(
    {
        "success": Result.DELIVERED,
        "pending": Result.ACCEPTED,
        "received": Result.ACCEPTED,
        "otp": Result.ACCEPTED,
        "failed": Result.FAILED,
        "reversed": Result.REVERSED,
    }
)
_REFUSALS = (
    Refusal("balance is not enough", "low_balance"),
    Refusal("cannot initiate third party payouts", "not_allowed"),
)
_LOOK_UP_S = 8.0
_PAGES_MAX = 10


class Settings(BaseSettings):
    """From `PAYSTACK_PAYOUTS_*`, or given. Without a secret key every webhook is refused."""

    model_config = SettingsConfigDict(
        env_prefix="PAYSTACK_PAYOUTS_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.paystack.co"
    secret_key: Credential = SecretStr("")
    timeout_s: TimeoutS = 30.0


class PaystackPayouts:
    """Transfers through Paystack. Keeps `core.ports.payouts.PayoutGateway`."""

    name = "paystack"
    capabilities = PayoutCapabilities(requery_by_reference=True, processing_max_s=120.0)

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.secret_key.get_secret_value().encode()
        self.timeout_s = settings.timeout_s
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={"authorization": f"Bearer {settings.secret_key.get_secret_value()}"},
        )

    def new_reference(self, payout_id: UUID) -> str:
        return ids.reference_of(payout_id, "cbout").lower()

    async def banks(self) -> Sequence[Bank]:
        banks: list[Bank] = []
        query = {"currency": "NGN", "perPage": "100", "use_cursor": "true"}
        for _ in range(_PAGES_MAX):
            answer = await self._ask("GET", "/bank", "banks", query=query)
            listed = _said(answer)
            if listed is None:
                raise CannotAsk("Paystack: no list of banks")
            banks += reading.read_banks(member(listed, "data"))
            following = word(member(listed, "meta", "next"))
            if following is None:
                break
            query["next"] = following
        return banks

    async def resolve(self, bank_code: str, account_number: str) -> AccountName | None:
        query = {"account_number": account_number, "bank_code": bank_code}
        return read_account(await self._ask("GET", "/bank/resolve", "resolve", query=query))

    async def send(self, payout: Payout) -> Outcome:
        ends_at = time.monotonic() + self.timeout_s
        person: dict[str, object] = {
            "type": "nuban",
            "name": payout.account_name,
            "account_number": payout.account_number,
            "bank_code": payout.bank_code,
            "currency": payout.amount.currency,
        }
        made = await self._ask("POST", "/transferrecipient", "recipient", person)
        recipient = word(member(_said(made), "data", "recipient_code"))
        if recipient is None:
            return reading.never_sent("no_recipient")
        order: dict[str, object] = {
            "source": "balance",
            "amount": payout.amount.minor,
            "recipient": recipient,
            "reference": payout.reference,
            "reason": "Wallet withdrawal",
            "currency": payout.amount.currency,
        }
        crash.point("payout.recipient_made")
        within_s = max(1.0, ends_at - time.monotonic())
        answer = await self._ask("POST", "/transfer", "transfer", order, within_s=within_s)
        return read_sent(answer, payout)

    async def requery(self, payout: Payout) -> Outcome:
        path = f"/transfer/verify/{quote(payout.reference, safe='')}"
        answer = await self._ask("GET", path, "verify", within_s=self.timeout_s)
        return read_verified(answer, payout)

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        if not self._secret:
            raise BadCallback("Paystack: no secret key is set, so nothing can be checked")
        given = (header(headers, _SIGNATURE) or "").strip().lower()
        expected = hmac.new(self._secret, body, hashlib.sha512).hexdigest()
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise BadCallback("Paystack: wrong signature")
        event = read_event(body, "Paystack")
        if event.get("event") not in _EVENTS:
            return ()
        reference = member(event, "data", "reference")
        return read_references(reference, "Paystack")

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _ask(
        self,
        method: str,
        path: str,
        act: str,
        document: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        within_s: float = _LOOK_UP_S,
    ) -> Reply | NoReply:
        request = self._http.build_request(method, path, params=query, json=document)
        return await send(self._http, request, act=f"paystack.{act}", within_s=within_s)


def read_account(answer: Reply | NoReply) -> AccountName | None:
    """Who holds an account, by an answer to resolve. Pure. Raises `CannotAsk`."""
    name = reading.read_name(member(_said(answer), "data", "account_name"))
    if name is not None:
        return name
    if isinstance(answer, Reply) and answer.status in {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }:
        document = answer.json()
        told = reading.message(document)
        if member(document, "status") is False and "could not resolve account" in told:
            return None
    raise CannotAsk("Paystack: no answer about an account")


def read_sent(answer: Reply | NoReply, payout: Payout) -> Outcome:
    """What an answer to the transfer itself proves. Pure; what is not promised is UNKNOWN."""
    if isinstance(answer, NoReply):
        return reading.unheard(answer, sending=True)
    said = _said(answer)
    if said is None:
        return reading.turned_away(answer, _REFUSALS)
    return _judged(member(said, "data"), payout)


def read_verified(answer: Reply | NoReply, payout: Payout) -> Outcome:
    """What an answer to verify says of our reference. Pure; what is not promised is UNKNOWN."""
    if isinstance(answer, NoReply):
        return reading.unheard(answer, sending=False)
    said = _said(answer)
    if said is not None:
        return _judged(member(said, "data"), payout)
    document = answer.json()
    not_found = (
        answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND}
        and member(document, "status") is False
        and "transfer not found" in reading.message(document)
    )
    if not_found:
        return Outcome(Result.NOT_FOUND, "not_found")
    return reading.unknown(f"http_{answer.status}")


def _judged(data: object, payout: Payout) -> Outcome:
    if member(data, "reference") != payout.reference:
        return reading.unknown("other_reference")
    currency = member(data, "currency")
    minor, fee = whole(member(data, "amount")), whole(member(data, "fee_charged"))
    return reading.judged(
        payout,
        word(member(data, "status")) or "",
        _STATUSES,
        amount=Money(minor, str(currency)) if minor is not None else None,
        their_reference=word(member(data, "transfer_code")),
        fee=read_fee(Money(fee, str(currency)), payout.amount) if fee is not None else None,
    )


def _said(answer: Reply | NoReply) -> object:
    """The document of an answer that says it is a success, else None."""
    if isinstance(answer, NoReply) or answer.status // 100 != 2:  # noqa: PLR2004 - success
        return None
    document = answer.json()
    return document if member(document, "status") is True else None
