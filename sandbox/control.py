"""How people and tests steer the outside world and see what really happened in it."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.money import Money, from_major
from sandbox import deliveries, messages
from sandbox.payments import AlreadyPaid, UnknownPayment
from sandbox.scenarios import UnknownChoice
from sandbox.wire import Json, read_as, wrong
from sandbox.world import LiveSimulator, PaymentSimulator, Simulator, World

_log = structlog.get_logger()


class ScenarioOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /control/scenarios`.

    With neither `recipient` nor `next` the scenario is played for everything until told otherwise.
    """

    provider: str
    scenario: str
    recipient: str | None = None
    next: Annotated[int, msgspec.Meta(ge=1)] | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0)] | None = None
    code: Annotated[str, msgspec.Meta(pattern="^[0-9A-Z]{1,8}$")] | None = None


class PayOrder(msgspec.Struct, forbid_unknown_fields=True):
    """`POST /control/payments/{reference}/pay`. The amount is in major units."""

    amount: str | int | float | None = None
    currency: str | None = None
    again: bool = False


class Control:
    """The routes under `/control`."""

    def __init__(self, world: World, simulators: Mapping[str, Simulator]) -> None:
        self._world = world
        self._simulators = simulators

    def routes(self) -> list[Route]:
        return [
            Route("/deliveries", self._deliveries),
            Route("/sms", self._sms),
            Route("/payments", self._payments),
            Route("/payments/{reference}/pay", self._pay, methods=["POST"]),
            Route("/scenarios", self._scenarios, methods=["GET"]),
            Route("/scenarios", self._select, methods=["POST"]),
            Route("/reset", self._reset, methods=["POST"]),
        ]

    async def _deliveries(self, request: Request) -> Response:
        async with self._world.database.transaction() as tx:
            await self._world.orders.catch_up(tx)
            return Json(await deliveries.listing(tx, request.query_params.get("recipient") or None))

    async def _sms(self, request: Request) -> Response:
        async with self._world.database.transaction() as tx:
            return Json(await messages.listing(tx, request.query_params.get("to") or None))

    async def _payments(self, request: Request) -> Response:
        query = request.query_params
        async with self._world.database.transaction() as tx:
            return Json(
                await self._world.payments.listing(
                    tx, email=query.get("email") or None, reference=query.get("reference") or None
                )
            )

    async def _pay(self, request: Request) -> Response:
        reference = request.path_params["reference"]
        try:
            order = read_as(await request.body() or b"{}", PayOrder)
            async with self._world.database.transaction() as tx:
                provider = await self._world.payments.provider_of(tx, reference)
                asked = await self._world.payments.find(tx, provider, reference)
            assert asked is not None
            amount = _amount(order, asked.amount)
        except ValueError as error:
            return wrong(str(error))
        except UnknownPayment:
            return wrong("no payment has this reference", 404)

        simulator = self._simulators[provider]
        assert isinstance(simulator, PaymentSimulator), "only payment gateways write payments"
        try:
            return Json(await simulator.pay(reference, amount, again=order.again))
        except AlreadyPaid:
            return wrong('this payment is paid; send {"again": true} to pay it twice', 409)

    async def _scenarios(self, _: Request) -> Response:
        return Json(self._world.scenarios.listing())

    async def _select(self, request: Request) -> Response:
        book = self._world.scenarios
        try:
            order = read_as(await request.body(), ScenarioOrder)
            script = book.script(
                order.provider, order.scenario, seconds=order.seconds, code=order.code
            )
        except ValueError as error:
            return wrong(str(error))
        except UnknownChoice as choice:
            facts = choice.facts
            return Json({"error": f"unknown {facts['what']}", "known": facts["known"]}, 400)
        await book.select(order.provider, script, recipient=order.recipient, orders=order.next)
        _log.info("sandbox.scenario_chosen", provider=order.provider, scenario=script.name)
        return Json(
            msgspec.structs.asdict(order) | {"seconds": script.seconds, "code": script.code}
        )

    async def _reset(self, _: Request) -> Response:
        async with self._world.webhooks.paused():
            await self._world.database.forget_everything()
        for simulator in self._simulators.values():
            if isinstance(simulator, LiveSimulator):
                await simulator.forget()
        return Json({"reset": True})


def _amount(order: PayOrder, asked: Money) -> Money | None:
    """What is to be paid, or None for what was asked.

    Raises:
        ValueError: it is no amount of that currency, or not more than nothing.
    """
    if order.amount is None and order.currency is None:
        return None
    currency = (order.currency or asked.currency).upper()
    if order.amount is None:
        return Money(asked.minor, currency)
    money = from_major(str(order.amount), currency)
    if money.minor <= 0:
        raise ValueError("the amount must be more than nothing")
    return money
