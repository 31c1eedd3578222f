"""What simulated payment gateways do alike: keep requests, show pages, take money, tell of it."""

import abc
import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from core.kit.money import Money, to_major
from sandbox import accounts, checkout
from sandbox.database import Transaction
from sandbox.payments import AlreadyPaid, Charge, Payment, UnknownPayment, status_of
from sandbox.scenarios import OK, Scenario, Script
from sandbox.webhooks import Webhook
from sandbox.wire import SIMULATED, Severed
from sandbox.world import World

COMMON: Mapping[str, Scenario] = {
    "ok": Scenario("paid in full, webhook at once"),
    "webhook_duplicate": Scenario(
        "paid, the webhook comes three times", recipients=("08030000201",)
    ),
    "webhook_late": Scenario("paid, the webhook comes later", 30, recipients=("08030000202",)),
    "webhook_before_reply": Scenario(
        "paid and told by webhook before the checkout is answered", recipients=("08030000203",)
    ),
    "webhook_forged": Scenario(
        "not paid, a webhook with a wrong signature says so", recipients=("08030000204",)
    ),
    "webhook_never": Scenario("paid, no webhook ever", recipients=("08030000205",)),
    "initialize_lost": Scenario(
        "created, the connection drops before the answer", recipients=("08030000206",)
    ),
    "initialize_500": Scenario(
        "the checkout is answered HTTP 500, no payment", recipients=("08030000207",)
    ),
    "verify_down": Scenario(
        "paid, questions are answered 503 from the first one on", 20, recipients=("08030000208",)
    ),
    "underpay": Scenario("the payer pays half", recipients=("08030000209",)),
    "overpay": Scenario("the payer pays double", recipients=("08030000210",)),
    "other_currency": Scenario(
        "the same figure is paid in another currency", code="GHS", recipients=("08030000211",)
    ),
    "abandoned": Scenario(
        "the payer leaves the page, nothing is paid", recipients=("08030000212",)
    ),
    "failed": Scenario("the card is declined, nothing is paid", recipients=("08030000213",)),
    **accounts.SCENARIOS,
}
"""What every gateway plays. A gateway adds its own worst days."""

_AT_INITIALIZE = {
    "initialize_lost", "initialize_500", "webhook_before_reply", *accounts.SCENARIOS,
}  # fmt: skip
_AT_VERIFY = {"verify_down"}
_UNPAID = {"abandoned", "failed"}
_WEBHOOKS = {"webhook_duplicate": 3, "webhook_never": 0}


class GatewaySimulator(abc.ABC):
    """A payment gateway but for its own words. Keeps `sandbox.world.PaymentSimulator`."""

    name: ClassVar[str]
    scenarios: Mapping[str, Scenario] = COMMON
    at_request: ClassVar[Collection[str]] = ()
    """Scenarios of its own that concern its answers, not a payer."""
    lies: ClassVar[Mapping[str, bool]] = {"webhook_forged": True}
    """Scenarios in which a webhook tells of a payment that never was, and whether it is forged."""

    def __init__(self, world: World) -> None:
        self._world = world

    @abc.abstractmethod
    def routes(self) -> list[Route]: ...

    @abc.abstractmethod
    def _webhook(self, payment: Payment, charge: Charge, *, forged: bool = False) -> Webhook:
        """What tells of a charge; `forged` as somebody would who does not know the secret."""

    @abc.abstractmethod
    def _broken(self) -> Response:
        """How the gateway words an HTTP 500."""

    def _query_back(self, payment: Payment, charge: Charge | None) -> Mapping[str, str]:
        """What the payer's browser brings back to the merchant."""
        del payment, charge
        return {}

    def _page_routes(self) -> list[Route]:
        return [
            Route("/pay/{code}", self._page, methods=["GET"]),
            Route("/pay/{code}", self._press, methods=["POST"]),
        ]

    # A checkout.

    async def _admit(self, asked: Payment) -> Payment:
        """Keep what is asked for, with the part that it plays.

        Raises:
            DuplicateReference: the gateway has one of that reference.
        """
        async with self._world.database.transaction() as tx:
            but = {*self.at_request, *accounts.SCENARIOS}
            script = await self._choose(tx, names_of(asked), but=but)
            payment = replace(asked, script=script)
            if script.name != "initialize_500":
                await self._world.payments.add(tx, payment)
        if script.name == "webhook_before_reply":
            await self._pay_before_reply(payment)
        return payment

    def _as_played(self, payment: Payment, answer: Response) -> Response:
        """The answer to a checkout, unless its part is another one."""
        match payment.script.name:
            case "initialize_500":
                return self._broken()
            case "initialize_lost":
                return Severed()
            case _:
                return answer

    async def _open_account(self, asked: Payment) -> Payment:
        """Keep an account, or answer the one of this reference, with the part it plays now."""
        async with self._world.database.transaction() as tx:
            found = await self._world.payments.find(tx, self.name, asked.reference)
            among = accounts.SCENARIOS.keys()
            script = await self._choose(tx, names_of(asked), among=among)
            if not found and script.name != "account_identity":
                await self._world.payments.add(tx, asked)
        return replace(found or asked, script=Script() if found else script)

    def _as_opened(self, account: Payment, answer: Response, refusal: Response) -> Response:
        """The answer to the opening of an account, unless its part is another one."""
        match account.script.name:
            case "account_identity":
                return refusal
            case "account_lost":
                return Severed()
            case _:
                return answer

    async def _is_down(self, tx: Transaction, payment: Payment) -> bool:
        """Whether questions about the payment go unanswered now."""
        payment = await self._recast(tx, payment, among=_AT_VERIFY)
        if payment.script.name != "verify_down":
            return False
        return await self._world.payments.is_silent(tx, payment, payment.script.seconds)

    async def _choose(
        self,
        tx: Transaction,
        names: Iterable[str],
        *,
        among: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> Script:
        among = (self.scenarios.keys() if among is None else set(among)) - set(but)
        return await self._world.scenarios.choose(tx, self.name, names, among=among)

    async def _recast(
        self,
        tx: Transaction,
        payment: Payment,
        *,
        among: Collection[str] | None = None,
        but: Collection[str] = (),
    ) -> Payment:
        """A rule posted after the checkout still counts for what has not happened yet."""
        if payment.script.name != OK:
            return payment
        script = await self._choose(tx, names_of(payment), among=among, but=but)
        if script.name == OK:
            return payment
        return await self._world.payments.recast(tx, payment, script)

    # The payer's page.

    async def _page(self, request: Request) -> Response:
        found = await self._find(request.path_params["code"])
        if not found:
            return PlainTextResponse("No such payment.", 404, SIMULATED)
        payment, charges = found
        return HTMLResponse(checkout.page(payment, status_of(payment, charges)), headers=SIMULATED)

    async def _press(self, request: Request) -> Response:
        found = await self._find(request.path_params["code"])
        if not found:
            return PlainTextResponse("No such payment.", 404, SIMULATED)
        payment, charges = found
        if not charges:
            await self.pay(payment.reference, None, again=False)
        if not payment.callback_url:
            return RedirectResponse(str(request.url), 303, SIMULATED)
        found = await self._find(payment.reference)
        last = found[1][-1] if found and found[1] else None
        query = self._query_back(payment, last)
        url = checkout.back(payment.callback_url, query) if query else payment.callback_url
        return RedirectResponse(url, 303, SIMULATED)

    async def _find(self, reference: str) -> tuple[Payment, list[Charge]] | None:
        """By our reference or the gateway's own."""
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, self.name, reference)
            return (payment, await self._world.payments.charges(tx, payment)) if payment else None

    # The payment itself.

    async def pay(self, reference: str, amount: Money | None, *, again: bool) -> dict[str, Any]:
        """See `PaymentSimulator.pay`."""
        async with self._world.database.transaction() as tx:
            payment = await self._world.payments.find(tx, self.name, reference)
            if not payment:
                raise UnknownPayment
            not_now = _AT_INITIALIZE | _AT_VERIFY | set(self.at_request)
            if accounts.is_account(payment):  # each transfer plays a part of its own
                script = await self._choose(tx, names_of(payment), but=not_now)
                payment = replace(payment, script=script)
            elif await self._world.payments.charges(tx, payment) and not again:
                raise AlreadyPaid
            else:
                payment = await self._recast(tx, payment, but=not_now)
            if payment.script.name in _UNPAID | self.lies.keys():
                return await self._leave_unpaid(tx, payment)
            charge = await self._take(tx, payment, amount or _paid_amount(payment))
            await self._tell(tx, payment, charge)
        return {
            "reference": payment.reference,
            "paid": True,
            "amount": to_major(charge.amount),
            "currency": charge.amount.currency,
            "transaction_id": charge.id,
            "scenario": payment.script.name,
        }

    async def _take(self, tx: Transaction, payment: Payment, amount: Money) -> Charge:
        return await self._world.payments.charge(tx, payment, amount)

    async def _tell(self, tx: Transaction, payment: Payment, charge: Charge) -> None:
        delay_s = payment.script.seconds if payment.script.name == "webhook_late" else 0.0
        for _ in range(_WEBHOOKS.get(payment.script.name, 1)):
            webhook = replace(self._webhook(payment, charge), after_s=delay_s)
            await self._world.webhooks.put(tx, webhook)

    async def _leave_unpaid(self, tx: Transaction, payment: Payment) -> dict[str, Any]:
        if payment.script.name == "failed":
            await self._world.payments.fail(tx, payment)
        forged = self.lies.get(payment.script.name)
        if forged is not None:
            now = self._world.clock.now()
            lie = Charge(micros(now), payment.reference, payment.amount, now)
            await self._world.webhooks.put(tx, self._webhook(payment, lie, forged=forged))
        return {"reference": payment.reference, "paid": False, "scenario": payment.script.name}

    async def _pay_before_reply(self, payment: Payment) -> None:
        async with self._world.database.transaction() as tx:
            charge = await self._take(tx, payment, payment.amount)
        webhook = self._webhook(payment, charge)
        if not await self._world.webhooks.send_now(webhook):
            async with self._world.database.transaction() as tx:
                await self._world.webhooks.put(tx, webhook)


def names_of(payment: Payment) -> list[str]:
    """What a rule may know the payer by: reference, address, mailbox, `phone` in the metadata."""
    phone = msgspec.json.decode(payment.metadata, type=dict[str, str]).get("phone", "")
    names = [payment.reference, payment.email, payment.email.partition("@")[0], phone]
    return [name for name in names if name]


def micros(at: dt.datetime) -> int:
    """An id from a moment, as `PaymentBook` makes them for charges."""
    return int(at.timestamp() * 1_000_000)


def _paid_amount(payment: Payment) -> Money:
    asked = payment.amount
    match payment.script.name:
        case "underpay":
            return Money(asked.minor // 2, asked.currency)
        case "overpay":
            return Money(asked.minor * 2, asked.currency)
        case "other_currency":
            return Money(asked.minor, payment.script.code)
        case _:
            return asked
