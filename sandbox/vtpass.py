"""VTpass, simulated: all that it sells.

Source: vtpass.com/documentation, pages on authentication, buying services, response codes, requery
and the transaction-update webhook. Amounts are naira. Nearly everything answers HTTP 200; what
happened is in `code`. Unlike VTpass's own sandbox, every valid number succeeds.
"""

import datetime as dt
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.ids import uuid7
from core.kit.money import Money, from_major, to_major
from sandbox import vtpass_catalogue as catalogue
from sandbox import vtpass_replies as replies
from sandbox import vtpass_wanted
from sandbox.database import Transaction
from sandbox.evidence import Evidence, told
from sandbox.orders import Order, State
from sandbox.recipients import is_mobile, normal
from sandbox.scenarios import OK
from sandbox.vtpass_plays import PLAYS, Answer, Play
from sandbox.vtpass_wanted import Refusal, Wanted
from sandbox.webhooks import SAYS_SUCCESS, Webhook
from sandbox.wire import GarbledJson, Json, Severed, hold, html_503, read_fields
from sandbox.world import World

NAME = "vtpass"

_CURRENCY = "NGN"
_COMMISSION_PERCENT = 3
_MAGIC = {normal(number) for play in PLAYS.values() for number in play.recipients}
# Refusals of orders that were placed and undone, unlike all others.
_UNDONE = {"016": State.FAILED, "040": State.REVERSED}
_FALSE_NEWS, _EARLY_NEWS, _NEW_LIST = "webhook_forged", "webhook_before_reply", "catalogue_changed"


class Vtpass:
    """What it delivered is in the shared ledger, whatever its replies say."""

    scenarios = PLAYS

    def __init__(self, world: World) -> None:
        self._world = world
        opening = from_major(world.settings.vtpass_float, _CURRENCY)
        world.orders.register(NAME, opening, self._announce)

    def routes(self) -> list[Route]:
        return [
            Route("/api/pay", self._pay, methods=["POST"]),
            Route("/api/requery", self._requery, methods=["POST"]),
            Route("/api/merchant-verify", self._verify, methods=["POST"]),
            Route("/api/balance", self._balance, methods=["GET"]),
            Route("/api/service-categories", self._categories, methods=["GET"]),
            Route("/api/services", self._services, methods=["GET"]),
            Route("/api/service-variations", self._variations, methods=["GET"]),
        ]

    # Purchases.

    async def _pay(self, request: Request) -> Response:
        fields = await read_fields(request) or {}
        request_id = str(fields.get("request_id") or "")
        try:
            self._check_key(request, "secret-key", self._world.settings.vtpass_secret_key)
            async with self._world.database.transaction() as tx:
                order = await self._accept(tx, request_id, fields)
                play = PLAYS[order.script.name]
                placed = await self._place(tx, order, play)
        except Refusal as refusal:
            return Json(replies.coded(refusal.code, request_id=request_id))
        return await self._reply(request, placed, play)

    async def _accept(self, tx: Transaction, request_id: str, fields: Mapping[str, Any]) -> Order:
        """Check a purchase as VTpass does, in its order, and give it the part that it plays.

        Raises:
            Refusal: it is turned away.
        """
        service, recipient = str(fields.get("serviceID") or ""), str(fields.get("phone") or "")
        if not (request_id and service and recipient):
            raise Refusal("011")
        if service not in catalogue.SERVICES:
            raise Refusal("012")
        now = self._world.clock.now()
        _check_request_id(request_id, now)
        if await self._world.orders.find(tx, NAME, request_id):
            raise Refusal("014")
        wanted = vtpass_wanted.read(fields)
        if not is_mobile(recipient) and normal(recipient) not in _MAGIC:
            raise Refusal("011")
        await self._check_repetition(tx, wanted, now)
        return await self._priced(tx, request_id, recipient, wanted)

    async def _priced(self, tx: Transaction, request_id: str, phone: str, wanted: Wanted) -> Order:
        """The order with its part, and what it costs: 3% less than its price."""
        script = await self._world.scenarios.choose(tx, NAME, [phone, wanted.biller])
        percent = (100 - _COMMISSION_PERCENT) * (11 if PLAYS[script.name].dearer else 10)
        charge = Money(wanted.amount.minor * percent // 1000, _CURRENCY)
        if (await self._world.orders.float_balance(tx, NAME)).minor < charge.minor:
            raise Refusal("018")
        return Order(
            provider=NAME,
            provider_reference=f"SIM{uuid7().hex.upper()}",
            reference=request_id,
            product=wanted.product,
            recipient=wanted.biller,
            amount=wanted.amount,
            charge=charge,
            script=script,
            state=State.UNSEEN,
            placed_at=self._world.clock.now(),
        )

    async def _place(self, tx: Transaction, order: Order, play: Play) -> Order:
        """Keep the order as its part says, with what comes later; the order as it now is."""
        state = play.state
        if play.state is None and play.answer is Answer.CODE:
            state = _UNDONE.get(order.script.code)
        if order.script.name == _NEW_LIST:
            await self._world.webhooks.put(tx, self._new_list(order))
        if state is None:
            return order
        placed = replace(order, state=state)
        later = [(order.script.seconds, play.then)] if play.then else []
        await self._world.orders.place(tx, placed, later)
        if order.script.name == _FALSE_NEWS:
            lie = replace(order, state=State.DELIVERED)
            await self._world.webhooks.put(tx, self._webhook(lie))
        if order.script.name == _EARLY_NEWS:
            await self._world.webhooks.put(tx, self._webhook(placed))
        return placed

    async def _reply(self, request: Request, order: Order, play: Play) -> Response:
        match play.answer:
            case Answer.PLAIN:
                return Json(self._told(order))
            case Answer.HELD:
                await hold(request.receive, order.script.seconds)
                return Json(self._told(await self._now(order)))
            case Answer.SEVERED:
                return Severed()
            case Answer.HTML_503:
                return html_503()
            case Answer.ERROR_500:
                return Json(replies.coded("083", request_id=order.reference), 500)
            case Answer.GARBLED:
                return GarbledJson(self._told(order))
            case Answer.CODE:
                return Json(replies.coded(order.script.code, request_id=order.reference))
            case Answer.OLD_SHAPE:
                return Json(replies.of_old_purchase(order))

    async def _now(self, order: Order) -> Order:
        async with self._world.database.transaction() as tx:
            return await self._world.orders.find(tx, NAME, order.reference) or order

    def _told(self, order: Order) -> dict[str, Any]:
        return replies.of_purchase(order, self._evidence(order))

    def _evidence(self, order: Order) -> Evidence:
        late = PLAYS[order.script.name].evidence_late
        return told(order, self._world.clock.now(), late=late)

    async def _check_repetition(self, tx: Transaction, wanted: Wanted, now: dt.datetime) -> None:
        since = now - dt.timedelta(seconds=self._world.settings.duplicate_window_s)
        if await self._world.orders.placed_since(tx, NAME, wanted.service, wanted.biller, since):
            raise Refusal("019")

    # Questions.

    async def _requery(self, request: Request) -> Response:
        fields = await read_fields(request) or {}
        request_id = str(fields.get("request_id") or "")
        try:
            self._check_key(request, "secret-key", self._world.settings.vtpass_secret_key)
            if not request_id:
                raise Refusal("011")
            async with self._world.database.transaction() as tx:
                order = await self._world.orders.find(tx, NAME, request_id)
                if not order:
                    raise Refusal("015")
                order = await self._recast(tx, order)
                if order.script.name == "requery_down" and await self._world.orders.is_silent(
                    tx, order, order.script.seconds
                ):
                    return html_503()
        except Refusal as refusal:
            return Json(replies.coded(refusal.code, request_id=request_id))
        if order.script.name == "variant_shapes":
            return Json(replies.of_variant_requery(order, self._evidence(order)))
        return Json(replies.of_requery(order, self._evidence(order)))

    async def _recast(self, tx: Transaction, order: Order) -> Order:
        """An order with no part of its own may meet a requery that is down by a later rule."""
        if order.script.name != OK:
            return order
        script = await self._world.scenarios.choose(
            tx, NAME, [order.recipient], among={"requery_down"}
        )
        return order if script.name == OK else await self._world.orders.recast(tx, order, script)

    async def _balance(self, request: Request) -> Response:
        try:
            self._check_key(request, "public-key", self._world.settings.vtpass_public_key)
        except Refusal as refusal:
            return Json(replies.coded(refusal.code))
        async with self._world.database.transaction() as tx:
            await self._world.orders.catch_up(tx)
            balance = await self._world.orders.float_balance(tx, NAME)
        return Json({"code": 1, "contents": {"balance": to_major(balance)}})

    async def _verify(self, request: Request) -> Response:
        fields = await read_fields(request) or {}
        try:
            self._check_key(request, "secret-key", self._world.settings.vtpass_secret_key)
            biller, service = str(fields.get("billersCode") or ""), fields.get("serviceID")
            if not (biller and service):
                raise Refusal("011")
        except Refusal as refusal:
            return Json(replies.coded(refusal.code))
        found = catalogue.verification(str(service), biller, str(fields.get("type") or "prepaid"))
        return Json({"code": "000", "content": found})

    async def _categories(self, request: Request) -> Response:
        listed = [
            {"identifier": identifier, "name": name}
            for identifier, name in catalogue.CATEGORIES.items()
        ]
        return self._catalogue(request, listed)

    async def _services(self, request: Request) -> Response:
        return self._catalogue(
            request, catalogue.services(request.query_params.get("identifier", ""))
        )

    async def _variations(self, request: Request) -> Response:
        service = request.query_params.get("serviceID", "")
        if service not in catalogue.SERVICES:
            return Json(replies.coded("012"))
        async with self._world.database.transaction() as tx:
            now = await self._world.scenarios.standing(tx, NAME)
        plans = catalogue.SERVICES[service].plans[now.name == _NEW_LIST :]
        up = PLAYS[now.name].dearer
        return self._catalogue(request, catalogue.variations(service, plans, up=up))

    def _catalogue(self, request: Request, content: object) -> Response:
        try:
            self._check_key(request, "public-key", self._world.settings.vtpass_public_key)
        except Refusal as refusal:
            return Json(replies.coded(refusal.code))
        return Json({"response_description": "000", "content": content})

    def _check_key(self, request: Request, header: str, expected: str) -> None:
        given = (request.headers.get("api-key", ""), request.headers.get(header, ""))
        known = (self._world.settings.vtpass_api_key, expected)
        if not all(
            hmac.compare_digest(one.encode(), other.encode())
            for one, other in zip(given, known, strict=True)
        ):
            raise Refusal("087")

    # Webhooks: only for late resolutions and reversals, unsigned.

    def _announce(self, order: Order) -> Iterable[Webhook]:
        match order.script.name:
            case "webhook_duplicate":
                return [self._webhook(order), self._webhook(order)]
            case "webhook_late":
                return [self._webhook(order, after_s=order.script.seconds)]
            case "reversed_after_delivered":
                return [self._webhook(order)]
            case _:
                return []

    def _webhook(self, order: Order, after_s: float = 0.0) -> Webhook:
        told_so = replies.of_requery(order, self._evidence(order))
        return self._post({"type": "transaction-update", "data": told_so}, after_s)

    def _new_list(self, order: Order) -> Webhook:
        """A plan is gone from the list."""
        service, _, plan = order.product.rpartition(":")
        removed = [{"variation_code": plan}] if service in catalogue.SERVICES else []
        event = {
            "type": "variations-update",
            "serviceID": catalogue.service_of(order.product),
            "summary": "SIMULATED",
            "actionRequired": {"added": [], "updated": [], "removed": removed},
        }
        return self._post(event)

    def _post(self, event: dict[str, Any], after_s: float = 0.0) -> Webhook:
        return Webhook(
            provider=NAME,
            url=self._world.settings.vtpass_webhook_url,
            body=msgspec.json.encode(event),
            taken_by=SAYS_SUCCESS,
            after_s=after_s,
        )


def _check_request_id(request_id: str, now: dt.datetime) -> None:
    """Twelve characters or more, alphanumeric, the first twelve a time of today in Lagos."""
    day = re.fullmatch(r"(\d{12})[0-9A-Za-z]*", request_id, re.ASCII)
    if not day:
        raise Refusal("085")
    try:
        at = dt.datetime.strptime(day[1], "%Y%m%d%H%M").replace(tzinfo=replies.LAGOS)
    except ValueError as error:
        raise Refusal("085") from error
    if at.date() != now.astimezone(replies.LAGOS).date():
        raise Refusal("085")
