"""SMEPlug: airtime and data.

Sources: no official page was found; a published SDK (aimtoget/smeplug-php) and notes of a platform
in production, read November 2026. Where they disagree, nothing is taken for granted.

- `Authorization: Bearer ...`. `POST /airtime/purchase {network_id, amount, phone,
  customer_reference}`, `POST /data/purchase {network_id, plan_id, phone, customer_reference}`.
- Network ids differ between sources, so `GET /networks` is read before the first sale, and a
  network whose name is not there is not sold.
- `{status: true, data: {reference, msg}}` is a sale; some replies have the references on top. An
  error is a non-2xx with `{status: false, message}`.
- Whether a repeated `customer_reference` is refused is not documented. An order is asked about by
  *their* reference; after a lost answer the list of transactions is searched for ours, page by
  page, and not finding it there proves nothing.
- A webhook `{transaction: {customer_reference, ...}}` is unsigned: a hint.
"""

import asyncio
import datetime as dt
import re
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import local
from core.ports import BadCallback
from core.providers.http import NoReply, Reply
from core.providers.values import BaseUrl, Credential, TimeoutS, major, member, whole, word
from core.providers.vtu.answers import (
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
from core.providers.vtu.base import callback_fields
from core.providers.vtu.smeplug_statement import SmePlugStatement, adds_nothing

_REFERENCE = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
_SAFE = re.compile(r"[0-9A-Za-z_.-]{1,100}", re.ASCII)
_NAMES = MappingProxyType(
    {
        "mtn": "mtn",
        "airtel": "airtel",
        "glo": "glo",
        "globacom": "glo",
        "9mobile": "9mobile",
        "etisalat": "9mobile",
        "t2": "9mobile",
    }
)
_SPOKEN_OF_BEFORE = re.compile(r"duplicate|already|exist|reference", re.IGNORECASE)
_NOT_LISTED = Outcome(Result.UNKNOWN, "not_listed")
# Whoever asks too much is turned away, sales and all.
_PAGES_MAX = 40
# Their time zone is not told: there an order may be of the day before.
_A_DAY = dt.timedelta(days=1)


class Settings(BaseSettings):
    """From `SMEPLUG_*`, or given. `base_url` ends in `/api/v1`."""

    model_config = SettingsConfigDict(
        env_prefix="SMEPLUG_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    secret_key: Credential
    timeout_s: TimeoutS = 50.0


_STATUS: Mapping[str, Meaning] = MappingProxyType(
    {
        "success": Meaning(Result.DELIVERED, "success"),
        "successful": Meaning(Result.DELIVERED, "success"),
        "pending": Meaning(Result.ACCEPTED, "pending"),
        "processing": Meaning(Result.ACCEPTED, "processing"),
        "failed": Meaning(Result.FAILED, "failed"),
        "reversed": Meaning(Result.REVERSED, "reversed"),
        "refunded": Meaning(Result.REVERSED, "refunded"),
    }
)


class SmePlug(SmePlugStatement):
    """Sells through SMEPlug. Keeps `core.ports.VtuProvider`."""

    name = "smeplug"
    capabilities = Capabilities(
        products=frozenset({Product.AIRTIME, Product.DATA}),
        requery_by_reference=False,
        enforces_unique=False,
    )

    def __init__(self, settings: Settings) -> None:
        bearer = {"authorization": f"Bearer {settings.secret_key.get_secret_value()}"}
        super().__init__(settings.base_url, settings.timeout_s, bearer)
        self._networks: Mapping[str, int] = {}

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend):
            return found
        network_id = await self._network_id(vend.network)
        if network_id is None:
            return not_sent("network_unknown")
        path, order = written(vend, network_id)
        return read_vend(await self._post("vend", path, order), vend)

    async def requery(self, vend: Vend) -> Outcome:
        if _SAFE.fullmatch(vend.provider_reference):
            answer = await self._get("requery", f"/transactions/{vend.provider_reference}")
            return read_requery(answer, vend)
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self._search(vend)
        except TimeoutError:
            return Outcome(Result.UNKNOWN, "timeout")

    async def float_balance(self) -> Money:
        document = self._read(await self._get("balance", "/account/balance"), "the float balance")
        told_there = document.get("balance") or member(document, "data", "balance")
        balance = major(told_there, "NGN")
        if balance is None:
            raise Fault("SMEPlug did not tell the float balance")
        return balance

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:  # noqa: ARG002 - unsigned
        document = callback_fields(self.name, body)
        reference = word(member(document, "transaction", "customer_reference"))
        if reference is None or not _REFERENCE.fullmatch(reference):
            raise BadCallback("SMEPlug: names no order")
        return (reference,)

    async def _search(self, vend: Vend) -> Outcome:
        """What the first page that lists the order, or that cannot be read, proves."""
        since = (vend.created_at - _A_DAY).date()
        seen: set[str] = set()
        for number in range(1, _PAGES_MAX + 1):
            answer = await self._page("list", since, number)
            outcome = read_requery(answer, vend)
            if outcome != _NOT_LISTED or adds_nothing(read_references(answer), seen):
                return outcome
        return _NOT_LISTED

    async def _network_id(self, network: str) -> int | None:
        if network not in self._networks:
            answer = await self._get("networks", "/networks")
            if isinstance(answer, Reply) and answer.status == HTTPStatus.OK:
                self._networks = read_networks(answer.json())
        return self._networks.get(network)


def obstacle(vend: Vend) -> Outcome | None:
    """Why this order cannot even be written in SMEPlug's terms, or None."""
    if vend.product not in {Product.AIRTIME, Product.DATA} or vend.amount.currency != "NGN":
        return not_sent("not_sold_here")
    if vend.amount.minor <= 0 or (vend.product is Product.AIRTIME and vend.amount.minor % 100):
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if vend.product is Product.DATA and not vend.plan:
        return not_sent("plan_missing", Blame.ORDER)
    return None


def written(vend: Vend, network_id: int) -> tuple[str, dict[str, object]]:
    """The path and body of a purchase, for an order without an obstacle."""
    order: dict[str, object] = {
        "network_id": network_id,
        "phone": local(vend.recipient),
        "customer_reference": vend.reference,
    }
    if vend.product is Product.AIRTIME:
        return "/airtime/purchase", order | {"amount": vend.amount.minor // 100}
    return "/data/purchase", order | {"plan_id": vend.plan}


def read_networks(document: object) -> dict[str, int]:
    """Ids by our names of networks. A name or an id that stands there twice is left out.

    Takes `{"1": "MTN"}`, `[{"id": 1, "name": "MTN"}]`, and both under `networks` or `data`.
    """
    for name in ("networks", "data"):
        document = member(document, name) or document
    pairs: list[tuple[object, object]] = []
    if isinstance(document, dict):
        pairs = list(document.items())
    elif isinstance(document, list):
        pairs = [(member(row, "id"), member(row, "name")) for row in document]
    found: dict[str, set[int]] = {}
    for number, spelled in pairs:
        ours = _NAMES.get((word(spelled) or "").lower())
        if ours and (network_id := whole(number)):
            found.setdefault(ours, set()).add(network_id)
    single = {name: ids.pop() for name, ids in found.items() if len(ids) == 1}
    times = Counter(single.values())
    return {name: number for name, number in single.items() if times[number] == 1}


def read_vend(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What an answer to a purchase proves. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=False)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    data = document.get("data")
    if _other(document, vend) or _other(data, vend):
        return Outcome(Result.UNKNOWN, "other_reference")
    if document.get("status") is True and answer.status < HTTPStatus.BAD_REQUEST:
        theirs = word(member(data, "reference")) or word(document.get("reference"))
        return judged(vend, _sold(data, theirs), provider_reference=theirs)
    if document.get("status") is False and answer.status >= HTTPStatus.BAD_REQUEST:
        return judged(vend, _error(answer.status, word(document.get("message")) or ""))
    return Outcome(Result.UNKNOWN, "status_unknown")


def read_requery(answer: Reply | NoReply, vend: Vend) -> Outcome:
    """What one transaction, or a page of them, proves. Never raises; pure. Never NOT_FOUND."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=True)
    document = told(answer)
    if document is None or answer.status >= HTTPStatus.BAD_REQUEST:
        return unreadable(answer)
    ours = [row for row in _rows(document) if member(row, "customer_reference") == vend.reference]
    if not ours:
        return _NOT_LISTED
    if len(ours) > 1:
        return Outcome(Result.UNKNOWN, "listed_twice")
    status = (word(member(ours[0], "status")) or "").lower()
    return judged(
        vend,
        _STATUS.get(status, unknown("status_unknown")),
        provider_reference=word(member(ours[0], "reference")),
        cost=cost_of(member(ours[0], "price"), vend.amount),
    )


def read_references(answer: Reply | NoReply) -> set[str]:
    """Theirs, of all that a page lists; none where it lists nothing. Never raises; pure."""
    document = None if isinstance(answer, NoReply) else told(answer)
    named = (word(member(row, "reference")) for row in _rows(document or {}))
    return {reference for reference in named if reference}


def _sold(data: object, theirs: str | None) -> Meaning:
    """A sale has a reference of theirs; a status inside, where one stands, must not contradict."""
    if theirs is None:
        return unknown("reference_missing")
    inside = member(data, "status")
    if inside is None:
        return Meaning(Result.DELIVERED, "sold")
    meaning = _STATUS.get((word(inside) or "").lower(), unknown("status_unknown"))
    kept = meaning.result in {Result.DELIVERED, Result.ACCEPTED}
    return meaning if kept else unknown("contradiction")


def _error(status: int, message: str) -> Meaning:
    if meaning := refused_status(status):
        return meaning
    documented = status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
    if not (documented and message) or _SPOKEN_OF_BEFORE.search(message):
        return unknown("not_promised")
    return refused("float_low" if "insufficient" in message.lower() else "arguments")


def _rows(document: Mapping[str, object]) -> list[object]:
    for name in ("transactions", "data", "transaction"):
        found = document.get(name)
        listed = member(found, "transactions") or member(found, "data") or found
        if isinstance(listed, list):
            return listed
        if isinstance(listed, dict):
            return [listed]
    return [document]


def _other(place: object, vend: Vend) -> bool:
    return member(place, "customer_reference") not in (None, "", vend.reference)
