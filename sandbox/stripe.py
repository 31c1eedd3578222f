"""Stripe Checkout, simulated: sessions, their list, the search of payment intents, the webhooks.

Source: Stripe's API reference and its page on webhook signatures. Amounts on the wire are in
Stripe's smallest unit. The list of sessions is never stale; the search does not see the last
minute. One session is kept per `client_reference_id`: the `Idempotency-Key` that opened it opens it
again, unless its first answer was an HTTP 500, which Stripe would repeat for a day.
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.ids import speakable
from core.kit.money import Money
from sandbox.database import Transaction
from sandbox.gateways import COMMON, GatewaySimulator
from sandbox.payments import Charge, DuplicateReference, Payment
from sandbox.scenarios import Scenario, Script
from sandbox.stripe_objects import LIFE, PLACES, intent_of, money_of, session_of
from sandbox.webhooks import Webhook
from sandbox.wire import Json, html_503, read_fields
from sandbox.world import World

_SEARCH_LAG = dt.timedelta(minutes=1)
_STALE_S = 301
_QUERY = re.compile(r"metadata\['reference'\]:'([0-9A-Za-z.=-]+)'", re.ASCII)


class Stripe(GatewaySimulator):
    """Payments that were really made are listed by the control calls."""

    name = "stripe"
    scenarios: Mapping[str, Scenario] = {
        **COMMON,
        "webhook_stale": Scenario(
            "paid, the webhook is one of five minutes ago", recipients=("08030000241",)
        ),
        "webhook_rotating": Scenario(
            "paid, the webhook is signed with two secrets", recipients=("08030000242",)
        ),
        "webhook_intent": Scenario(
            "paid, told as payment_intent.succeeded", recipients=("08030000243",)
        ),
        "slow_method": Scenario(
            "the session is complete at once, the money is there later",
            30,
            recipients=("08030000244",),
        ),
    }

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._key = world.settings.stripe_secret_key
        self._secret = world.settings.stripe_webhook_secret

    def routes(self) -> list[Route]:
        return [
            Route("/v1/checkout/sessions", self._create, methods=["POST"]),
            Route("/v1/checkout/sessions", self._list, methods=["GET"]),
            Route("/v1/checkout/sessions/{id}", self._retrieve, methods=["GET"]),
            Route("/v1/payment_intents/search", self._search, methods=["GET"]),
            *self._page_routes(),
        ]

    # The merchant's calls.

    async def _create(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid API Key provided", 401)
        key = request.headers.get("idempotency-key", "")
        asked = _read_request(await read_fields(request) or {}, key, self._world.clock.now())
        if isinstance(asked, str):
            return _refused(f"Invalid or missing: {asked}", 400, param=asked)
        try:
            payment = await self._admit(asked)
        except DuplicateReference:
            found = await self._find(asked.reference)
            assert found is not None
            payment = found[0]
            if not key or not _is_same_request(payment, asked):
                return _refused("Keys for idempotent requests can only be used for the same", 400)
            return Json(self._session(request, payment, []))
        return self._as_played(payment, Json(self._session(request, payment, [])))

    async def _retrieve(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid API Key provided", 401)
        session_id = request.path_params["id"]
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, self.name, session_id)
            if not payment or payment.access_code != session_id:
                return _refused(f"No such checkout.session: '{session_id}'", 404)
            if await self._is_down(tx, payment):
                return html_503()
            charges = await self._world.payments.charges(tx, payment)
        return Json(self._session(request, payment, charges))

    async def _list(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid API Key provided", 401)
        query = request.query_params
        since = dt.datetime.fromtimestamp(int(query.get("created[gte]", "0")), dt.UTC)
        sessions = [
            self._session(request, payment, charges) for payment, charges in await self._all(since)
        ]
        for name in ("status", "payment_intent"):
            if wanted := query.get(name):
                sessions = [each for each in sessions if each[name] == wanted]
        if after := query.get("starting_after"):
            ids = [each["id"] for each in sessions]
            sessions = sessions[ids.index(after) + 1 :] if after in ids else []
        limit = int(query.get("limit", "10"))
        return Json(
            {
                "object": "list",
                "url": "/v1/checkout/sessions",
                "has_more": len(sessions) > limit,
                "data": sessions[:limit],
            }
        )

    async def _search(self, request: Request) -> Response:
        if not self._is_known(request):
            return _refused("Invalid API Key provided", 401)
        query = _QUERY.fullmatch(request.query_params.get("query", ""))
        if not query:
            return _refused("We were unable to parse your search query", 400, param="query")
        found = await self._find(query[1])
        payment, charges = found or (None, [])
        seen_until = self._world.clock.now() - _SEARCH_LAG
        intents = [
            intent_of(payment, charge, is_paid=self._is_paid(payment, charge))
            for charge in charges
            if payment and charge.paid_at <= seen_until
        ]
        return Json(
            {
                "object": "search_result",
                "url": "/v1/payment_intents/search",
                "has_more": False,
                "data": intents,
            }
        )

    async def _all(self, since: dt.datetime) -> list[tuple[Payment, list[Charge]]]:
        async with self._world.database.transaction() as tx:
            return [
                (payment, await self._world.payments.charges(tx, payment))
                for payment in await self._world.payments.of(tx, self.name, since)
            ]

    def _is_known(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(key.encode(), self._key.encode())

    # Paying and telling.

    async def pay(self, reference: str, amount: Money | None, *, again: bool) -> dict[str, Any]:
        """A session is paid once, whatever `again` says."""
        del again
        return await super().pay(reference, amount, again=False)

    async def _tell(self, tx: Transaction, payment: Payment, charge: Charge) -> None:
        await super()._tell(tx, payment, charge)
        if payment.script.name == "slow_method":
            session = session_of(payment, charge, is_paid=True, is_over=False, url=None)
            event = "checkout.session.async_payment_succeeded"
            later = replace(self._signed(event, session), after_s=payment.script.seconds)
            await self._world.webhooks.put(tx, later)

    def _webhook(self, payment: Payment, charge: Charge, *, forged: bool = False) -> Webhook:
        if payment.script.name == "webhook_intent":
            intent = intent_of(payment, charge, is_paid=True)
            return self._signed("payment_intent.succeeded", intent)
        is_paid = payment.script.name != "slow_method"
        session = session_of(payment, charge, is_paid=is_paid, is_over=False, url=None)
        age_s = _STALE_S if payment.script.name == "webhook_stale" else 0
        secrets = ["not the secret"] if forged else [self._secret]
        if payment.script.name == "webhook_rotating":
            secrets = ["whsec_SIM_old", self._secret]
        return self._signed("checkout.session.completed", session, secrets, age_s=age_s)

    def _signed(
        self,
        event: str,
        thing: Mapping[str, Any],
        secrets: list[str] | None = None,
        *,
        age_s: int = 0,
    ) -> Webhook:
        at_s = int(self._world.clock.now().timestamp()) - age_s
        body = msgspec.json.encode(
            {
                "id": f"evt_SIM{speakable(16)}",
                "object": "event",
                "created": at_s,
                "livemode": False,
                "type": event,
                "data": {"object": thing},
            }
        )
        return Webhook(
            provider=self.name,
            url=self._world.settings.stripe_webhook_url,
            body=body,
            headers={"stripe-signature": signature(secrets or [self._secret], at_s, body)},
        )

    def _broken(self) -> Response:
        return Json({"error": {"type": "api_error", "message": "Simulated"}}, 500)

    def _session(self, request: Request, payment: Payment, charges: list[Charge]) -> dict[str, Any]:
        """The session as it stands now, with what the request wants to come with it."""
        charge = charges[-1] if charges else None
        is_over = charge is None and payment.created_at + LIFE <= self._world.clock.now()
        is_open = charge is None and not is_over
        wanted = request.query_params.getlist("expand[]")
        return session_of(
            payment,
            charge,
            is_paid=charge is not None and self._is_paid(payment, charge),
            is_over=is_over,
            url=f"{request.base_url}{self.name}/pay/{payment.access_code}" if is_open else None,
            expand={part for path in wanted for part in path.split(".")},
        )

    def _is_paid(self, payment: Payment, charge: Charge) -> bool:
        """Whether the money is there, which with a slow method it is some time later."""
        slow_s = payment.script.seconds if payment.script.name == "slow_method" else 0.0
        return charge.paid_at + dt.timedelta(seconds=slow_s) <= self._world.clock.now()


def signature(secrets: list[str], at_s: int, body: bytes) -> str:
    """What Stripe puts in `Stripe-Signature`."""
    signed = f"{at_s}.".encode() + body
    marks = [hmac.new(each.encode(), signed, hashlib.sha256).hexdigest() for each in secrets]
    return ",".join([f"t={at_s}", *(f"v1={mark}" for mark in marks)])


def _read_request(fields: Mapping[str, Any], key: str, now: dt.datetime) -> Payment | str:
    """The session that is asked for, or the name of the field that is wrong."""
    price = "line_items[0][price_data]"
    currency = str(fields.get(f"{price}[currency]") or "")
    units = str(fields.get(f"{price}[unit_amount]") or "")
    reference = str(fields.get("client_reference_id") or "")
    wrong = {
        "mode": fields.get("mode") != "payment",
        "success_url": not str(fields.get("success_url") or "").startswith(("http://", "https://")),
        "client_reference_id": not reference,
        f"{price}[currency]": currency not in PLACES,
        f"{price}[unit_amount]": not (units.isascii() and units.isdigit() and int(units)),
        f"{price}[product_data][name]": not fields.get(f"{price}[product_data][name]"),
        "line_items[0][quantity]": fields.get("line_items[0][quantity]") != "1",
    }
    for name, is_wrong in wrong.items():
        if is_wrong:
            return name
    metadata = {
        "reference": str(fields.get("payment_intent_data[metadata][reference]") or ""),
        "idempotency_key": key,
    }
    return Payment(
        provider=Stripe.name,
        reference=reference,
        access_code=f"cs_test_SIM{speakable(20)}",
        email=str(fields.get("customer_email") or ""),
        amount=money_of(int(units), currency),
        callback_url=str(fields["success_url"]),
        metadata=msgspec.json.encode(metadata).decode(),
        script=Script(),
        created_at=now,
    )


def _is_same_request(kept: Payment, asked: Payment) -> bool:
    return (kept.amount, kept.metadata, kept.callback_url) == (
        asked.amount,
        asked.metadata,
        asked.callback_url,
    )


def _refused(message: str, status_code: int, *, param: str | None = None) -> Response:
    error = {"type": "invalid_request_error", "message": message, "param": param}
    return Json({"error": error}, status_code)
