"""What simulators share, and what a simulator is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from starlette.routing import BaseRoute

from core.kit.clock import Clock
from core.kit.money import Money
from sandbox import deliveries, messages, orders, payments, scenarios, webhooks
from sandbox.database import Database
from sandbox.scenarios import Scenario
from sandbox.settings import SandboxSettings

SCHEMAS = (
    deliveries.SCHEMA,
    messages.SCHEMA,
    orders.SCHEMA,
    payments.SCHEMA,
    scenarios.SCHEMA,
    webhooks.SCHEMA,
)


@dataclass(frozen=True, slots=True)
class World:
    """The outside world's memory: one per sandbox, handed to every simulator."""

    settings: SandboxSettings
    clock: Clock
    database: Database
    scenarios: scenarios.ScenarioBook
    orders: orders.OrderBook
    payments: payments.PaymentBook
    webhooks: webhooks.WebhookQueue


def build(settings: SandboxSettings, clock: Clock) -> World:
    database = Database(settings.database)
    queue = webhooks.WebhookQueue(
        database, clock, backoff_s=settings.webhook_backoff_s, timeout_s=settings.webhook_timeout_s
    )
    return World(
        settings=settings,
        clock=clock,
        database=database,
        scenarios=scenarios.ScenarioBook(database),
        orders=orders.OrderBook(database, clock, queue),
        payments=payments.PaymentBook(clock),
        webhooks=queue,
    )


class Simulator(Protocol):
    """One provider of the outside world, on the wire as it really is.

    It is mounted at `/<its name in the registry>`, checks credentials as the provider does, lets
    `World.scenarios` choose the part that an order plays, and labels what it makes up with SIM.
    """

    @property
    def scenarios(self) -> Mapping[str, Scenario]: ...

    def routes(self) -> Sequence[BaseRoute]: ...


@runtime_checkable
class PaymentSimulator(Simulator, Protocol):
    """A payment gateway: somebody can pay there."""

    async def pay(self, reference: str, amount: Money | None, *, again: bool) -> dict[str, Any]:
        """The payer pays `amount`, or what was asked for, and the gateway tells Callbox.

        Returns what a person wants to know: `paid`, `amount`, `currency`, `scenario`.

        Raises:
            UnknownPayment: no payment of that reference.
            AlreadyPaid: it was paid, and this is not `again`.
        """
        ...


@runtime_checkable
class LiveSimulator(Simulator, Protocol):
    """One in which something goes on by itself: a chat platform where people write, routers."""

    def control_routes(self) -> Sequence[BaseRoute]:
        """What is done there, and what is seen of it: under `/control/<its name>`."""
        ...

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def forget(self) -> None:
        """As new: nothing was done, nothing is under way."""
        ...
