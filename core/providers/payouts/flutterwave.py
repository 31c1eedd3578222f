"""Flutterwave transfers (v3): from our Flutterwave balance to a Nigerian bank account.

Sources: https://developer.flutterwave.com/docs/making-payments/transfers/overview,
https://developer.flutterwave.com/docs/payout-outflow/introduction (updated September 2026), the v3
reference (transfers, banks, resolve an account) and the older page "How transfers work" (the word
NEW), read November 2026. Known from public clients only, with fair confidence: the words of a low
balance, of a number that cannot be resolved and of a repeated reference, and the shape of the list
that `?reference=` gives. That the list is filtered is not promised, so a list that holds others and
not ours proves nothing; only an empty one that counts zero is NOT_FOUND.

- `Authorization: Bearer FLWSECK-...`; amounts are in major units both ways. The caller's address
  must be on the account's list, and "transfer via API" switched on.
- `POST /accounts/resolve {account_number, account_bank}` answers `data.account_name`.
- `POST /transfers {account_bank, account_number, amount, currency, narration, reference,
  debit_currency, beneficiary_name}` answers `data` with `id`, `fee` and `status` NEW: it is queued,
  and no more is known yet. A reference is taken once.
- `GET /transfers/{id}` and `GET /transfers?reference=`: NEW, PENDING, SUCCESSFUL, FAILED. A FAILED
  transfer stays so under its reference; "retry" in their dashboard makes another transfer, which
  nobody here would know of: never press it.
- Webhook `transfer.completed` for either end, to the one address that payments' webhooks go to and
  signed alike: `flutterwave-signature` (HMAC-SHA256 of the body, base64 or hex), or the secret hash
  itself in `verif-hash`, which proves who speaks and not what is said.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import MappingProxyType
from uuid import UUID

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.payouts import AccountName, Bank, Payout, PayoutCapabilities
from core.domain.vending import Outcome, Result
from core.kit import ids
from core.kit.money import to_major
from core.ports import BadCallback
from core.ports.payouts import CannotAsk
from core.providers.http import NoReply, Reply, client, send
from core.providers.payments.reading import matches, read_event, read_fee, read_references
from core.providers.payouts import reading
from core.providers.payouts.reading import Refusal
from core.providers.values import BaseUrl, Credential, TimeoutS, header, major, member, whole, word

_SIGNATURE = "flutterwave-signature"
_HASH = "verif-hash"
_STATUSES: Mapping[str, Result] = MappingProxyType(
    {
        "NEW": Result.ACCEPTED,
        "PENDING": Result.ACCEPTED,
        "SUCCESSFUL": Result.DELIVERED,
        "FAILED": Result.FAILED,
    }
)
_REFUSALS = (Refusal("insufficient", "low_balance"),)
_LOOK_UP_S = 8.0


class Settings(BaseSettings):
    """From `FLUTTERWAVE_PAYOUTS_*`, or given. Without a secret hash every webhook is refused."""

    model_config = SettingsConfigDict(
        env_prefix="FLUTTERWAVE_PAYOUTS_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.flutterwave.com/v3"
    secret_key: Credential = SecretStr("")
    secret_hash: Credential = SecretStr("")
    timeout_s: TimeoutS = 30.0


class FlutterwavePayouts:
    """Transfers through Flutterwave. Keeps `core.ports.payouts.PayoutGateway`."""

    name = "flutterwave"
    capabilities = PayoutCapabilities(requery_by_reference=True, processing_max_s=120.0)

    def __init__(self, settings: Settings) -> None:
        self._hash = settings.secret_hash.get_secret_value()
        self.timeout_s = settings.timeout_s
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={"authorization": f"Bearer {settings.secret_key.get_secret_value()}"},
        )

    def new_reference(self, payout_id: UUID) -> str:
        return ids.reference_of(payout_id, "CBOUT")

    async def banks(self) -> Sequence[Bank]:
        said = _said(await self._ask("GET", "/banks/NG", "banks"))
        if said is None:
            raise CannotAsk("Flutterwave: no list of banks")
        return reading.read_banks(member(said, "data"))

    async def resolve(self, bank_code: str, account_number: str) -> AccountName | None:
        asked = {"account_number": account_number, "account_bank": bank_code}
        return read_account(await self._ask("POST", "/accounts/resolve", "resolve", asked))

    async def send(self, payout: Payout) -> Outcome:
        order: dict[str, object] = {
            "account_bank": payout.bank_code,
            "account_number": payout.account_number,
            "beneficiary_name": payout.account_name,
            "amount": to_major(payout.amount),
            "currency": payout.amount.currency,
            "debit_currency": payout.amount.currency,
            "narration": "Wallet withdrawal",
            "reference": payout.reference,
        }
        answer = await self._ask("POST", "/transfers", "transfer", order, within_s=self.timeout_s)
        return read_sent(answer, payout)

    async def requery(self, payout: Payout) -> Outcome:
        if whole(payout.their_reference):
            path = f"/transfers/{payout.their_reference}"
            answer = await self._ask("GET", path, "fetch", within_s=self.timeout_s)
            return read_fetched(answer, payout)
        query = {"reference": payout.reference}
        answer = await self._ask("GET", "/transfers", "find", query=query, within_s=self.timeout_s)
        return read_found(answer, payout)

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        if not self._hash:
            raise BadCallback("Flutterwave: no secret hash is set, so nothing can be checked")
        if not self._is_signed(headers, body):
            raise BadCallback("Flutterwave: wrong signature")
        event = read_event(body, "Flutterwave")
        if "transfer.completed" not in (event.get("event"), event.get("type")):
            return ()
        return read_references(member(event, "data", "reference"), "Flutterwave")

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """By the modern header, or, only where there is none, by the old one."""
        signature = header(headers, _SIGNATURE)
        if signature is None:
            return matches([(header(headers, _HASH) or "").strip()], [self._hash])
        digest = hmac.new(self._hash.encode(), body, hashlib.sha256).digest()
        given = signature.strip()
        in_base64 = matches([given], [base64.b64encode(digest).decode()])
        return matches([given.lower()], [digest.hex()]) or in_base64

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
        return await send(self._http, request, act=f"flutterwave.{act}", within_s=within_s)


def read_account(answer: Reply | NoReply) -> AccountName | None:
    """Who holds an account, by an answer to resolve. Pure. Raises `CannotAsk`."""
    name = reading.read_name(member(_said(answer), "data", "account_name"))
    if name is not None:
        return name
    if isinstance(answer, Reply) and answer.status == HTTPStatus.BAD_REQUEST:
        document = answer.json()
        told = reading.message(document)
        if member(document, "status") == "error" and "account number is invalid" in told:
            return None
    raise CannotAsk("Flutterwave: no answer about an account")


def read_sent(answer: Reply | NoReply, payout: Payout) -> Outcome:
    """What an answer to the transfer itself proves. Pure; what is not promised is UNKNOWN."""
    if isinstance(answer, NoReply):
        return reading.unheard(answer, sending=True)
    said = _said(answer)
    if said is None:
        return reading.turned_away(answer, _REFUSALS)
    return _judged(member(said, "data"), payout)


def read_fetched(answer: Reply | NoReply, payout: Payout) -> Outcome:
    """What one transfer, asked for by their id, says. Pure."""
    if isinstance(answer, NoReply):
        return reading.unheard(answer, sending=False)
    said = _said(answer)
    if said is None:
        return reading.unknown(f"http_{answer.status}")
    return _judged(member(said, "data"), payout)


def read_found(answer: Reply | NoReply, payout: Payout) -> Outcome:
    """What the list of transfers of our reference says. Pure."""
    if isinstance(answer, NoReply):
        return reading.unheard(answer, sending=False)
    said = _said(answer)
    listed = member(said, "data")
    if not isinstance(listed, list):
        return reading.unknown(f"http_{answer.status}")
    ours = [each for each in listed if member(each, "reference") == payout.reference]
    if len(ours) == 1:
        return _judged(ours[0], payout)
    if not listed and whole(member(said, "meta", "page_info", "total")) == 0:
        return Outcome(Result.NOT_FOUND, "not_found")
    return reading.unknown("several" if ours else "not_listed")


def _judged(data: object, payout: Payout) -> Outcome:
    if member(data, "reference") != payout.reference:
        return reading.unknown("other_reference")
    currency = str(member(data, "currency"))
    if currency != payout.amount.currency:
        return reading.unknown("other_currency")
    fee = major(member(data, "fee"), currency)
    their_id = whole(member(data, "id"))
    return reading.judged(
        payout,
        (word(member(data, "status")) or "").upper(),
        _STATUSES,
        amount=major(member(data, "amount"), currency),
        their_reference=str(their_id) if their_id else None,
        fee=read_fee(fee, payout.amount),
    )


def _said(answer: Reply | NoReply) -> object:
    """The document of an answer that says it is a success, else None."""
    if isinstance(answer, NoReply) or answer.status // 100 != 2:  # noqa: PLR2004 - success
        return None
    document = answer.json()
    return document if member(document, "status") == "success" else None
