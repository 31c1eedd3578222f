"""A VTU provider described by configuration, for the many that publish no contract.

Whoever has an account there fills in what its pages or its support say: where to send, what to
send, and what its words mean (`core.providers.vtu.configured_model`; two shapes to start from are
in `core.providers.vtu.configured_shapes`). Nothing is assumed: a word that no row of `meanings`
explains is UNKNOWN, and so is every HTTP status that is not listed. Most of these providers take no
reference of ours; what became of a lost answer is then for a person to find out, and no order comes
to them after another provider.
"""

import base64
from collections.abc import Mapping
from urllib.parse import quote

from core.domain.vending import Blame, Capabilities, Outcome, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money, decimals
from core.kit.msisdn import local
from core.ports.outside import FloatNotTold
from core.providers.http import NoReply, Reply
from core.providers.values import major, member, whole, word
from core.providers.vtu.answers import (
    ASK_A_PERSON,
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
from core.providers.vtu.configured_model import (
    PLACEHOLDER,
    Answer,
    Auth,
    Configuration,
    FieldValue,
    Request,
)
from core.providers.vtu.evidence import found_in

_TYPED = frozenset({"amount", "amount_minor", "quantity", "network", "plan"})


class ConfiguredVtu(HttpVtu):
    """Sells through a provider as its configuration says. Keeps `core.ports.VtuProvider`."""

    def __init__(self, configuration: Configuration) -> None:
        super().__init__(
            configuration.base_url, configuration.timeout_s, _auth_headers(configuration.auth)
        )
        self.name = configuration.name
        self.capabilities = Capabilities(
            products=frozenset(configuration.orders),
            requery_by_reference=configuration.requery_by_reference,
            enforces_unique=configuration.enforces_unique,
            processing_max_s=configuration.processing_max_s,
            client_reference=configuration.client_reference,
            failover_target=configuration.failover_target,
        )
        self._known = configuration

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend, self._known):
            return found
        answer = await self._ask("vend", self._known.orders[vend.product], vend)
        return read_answer(answer, vend, self._known.answer, requery=False)

    async def requery(self, vend: Vend) -> Outcome:
        request = self._known.requery
        if request is None or not _can_ask(request, vend, self._known):
            return Outcome(Result.UNKNOWN, ASK_A_PERSON)
        answer = await self._ask("requery", request, vend)
        reading = self._known.requery_answer or self._known.answer
        return read_answer(answer, vend, reading, requery=True)

    async def float_balance(self) -> Money:
        asked = self._known.balance
        if asked is None:
            raise FloatNotTold(f"{self.name}: its configuration names no balance")
        reply = await self._get("balance", asked.path, params=self._key_in_query())
        document = self._read(reply, "the float balance")
        balance = major(member(document, *asked.amount.split(".")), self._known.currency)
        if balance is None:
            raise Fault(f"{self.name} did not tell the float balance")
        return balance

    async def _ask(self, act: str, request: Request, vend: Vend) -> Reply | NoReply:
        words = _words(vend, self._known)
        fields = {name: _filled(value, words) for name, value in request.fields.items()}
        in_query = fields if request.send_as == "query" else {}
        built = self._http.build_request(
            request.method,
            _filled_path(request.path, words),
            params={**in_query, **self._key_in_query()},
            json=fields if request.send_as == "json" else None,
            data=fields if request.send_as == "form" else None,
        )
        return await self._send(act, built)

    def _key_in_query(self) -> dict[str, str]:
        auth = self._known.auth
        return {auth.name: auth.secret.get_secret_value()} if auth.kind == "query" else {}


def obstacle(vend: Vend, known: Configuration) -> Outcome | None:
    """Why this order cannot even be written in this provider's terms, or None."""
    request = known.orders.get(vend.product)
    if request is None or vend.amount.currency != known.currency:
        return not_sent("not_sold_here")
    needed = request.mentions()
    if "network" in needed and known.networks and vend.network not in known.networks:
        return not_sent("network_unknown")
    unit = 10 ** decimals(known.currency)
    if vend.amount.minor <= 0 or ("amount" in needed and vend.amount.minor % unit):
        return not_sent("amount_not_whole", Blame.ORDER, "wrong_amount")
    if "plan" in needed and not _plan(vend, known):
        return not_sent("plan_missing", Blame.ORDER)
    for name in ("account", "variant"):
        if name in needed and not getattr(vend, name):
            return not_sent(f"{name}_missing", Blame.ORDER)
    return None


def read_answer(answer: Reply | NoReply, vend: Vend, reading: Answer, *, requery: bool) -> Outcome:
    """What an answer proves about the order. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=requery)
    document = told(answer) if answer.status in reading.http_statuses else None
    if document is None:
        return unreadable(answer)
    if reading.reference and _at(document, reading.reference) not in (None, "", vend.reference):
        return Outcome(Result.UNKNOWN, "other_reference")
    return judged(
        vend,
        _meaning(document, reading),
        provider_reference=_their_reference(document, reading),
        cost=cost_of(_at(document, reading.cost), vend.amount),
        evidence=found_in(vend, *(_at(document, path) for path in reading.evidence)),
    )


def _meaning(document: object, reading: Answer) -> Meaning:
    status = _status(_at(document, reading.status))
    result = reading.meanings.get(status)
    if result is None:
        return unknown("status_unknown")
    if result is not Result.REFUSED:
        return Meaning(result, result.value)
    message = (word(_at(document, reading.message)) or "").lower()
    low = bool(reading.float_low) and reading.float_low.lower() in message
    return refused("float_low" if low else "refused")


def _status(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return (word(value) or "").lower()


def _their_reference(document: object, reading: Answer) -> str | None:
    value = _at(document, reading.provider_reference)
    return word(value) or (str(value) if whole(value) else None)


def _at(document: object, path: str | None) -> object:
    return member(document, *path.split(".")) if path else None


def _can_ask(request: Request, vend: Vend, known: Configuration) -> bool:
    """A question needs the references it mentions; ours is known there only if we sent it."""
    needed = request.mentions()
    if "reference" in needed and not known.client_reference:
        return False
    return "provider_reference" not in needed or bool(vend.provider_reference)


def _words(vend: Vend, known: Configuration) -> dict[str, int | str]:
    return {
        "reference": vend.reference,
        "amount": vend.amount.minor // 10 ** decimals(known.currency),
        "amount_minor": vend.amount.minor,
        "local": local(vend.recipient),
        "msisdn": vend.recipient,
        "network": known.networks.get(vend.network, vend.network),
        "plan": _plan(vend, known),
        "account": vend.account,
        "variant": vend.variant,
        "quantity": vend.quantity,
        "provider_reference": vend.provider_reference,
    }


def _plan(vend: Vend, known: Configuration) -> int | str:
    if vend.plan or vend.product is not Product.AIRTIME:
        return vend.plan
    return known.plans_by_amount.get(vend.amount.minor // 10 ** decimals(known.currency), "")


def _filled(value: FieldValue, words: Mapping[str, int | str]) -> FieldValue:
    if not isinstance(value, str):
        return value
    alone = PLACEHOLDER.fullmatch(value)
    if alone and alone[1] in _TYPED:
        return words[alone[1]]
    return PLACEHOLDER.sub(lambda found: str(words[found[1]]), value)


def _filled_path(path: str, words: Mapping[str, int | str]) -> str:
    return PLACEHOLDER.sub(lambda found: quote(str(words[found[1]]), safe=""), path)


def _auth_headers(auth: Auth) -> dict[str, str]:
    secret = auth.secret.get_secret_value()
    match auth.kind:
        case "bearer":
            return {"authorization": f"Bearer {secret}"}
        case "token":
            return {"authorization": f"Token {secret}"}
        case "basic":
            pair = f"{auth.user.get_secret_value()}:{secret}".encode()
            return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}
        case "header":
            return {auth.name.lower(): secret}
        case "none" | "query":
            return {}
