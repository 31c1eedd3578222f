"""The outside world in one ASGI application: every simulator, the control calls, the phone page."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from core.kit.clock import Clock, SystemClock
from sandbox import paystack_accounts, statements, transfers
from sandbox import world as worlds
from sandbox.baxi import Baxi
from sandbox.buypower import BuyPower
from sandbox.clubkonnect import ClubKonnect
from sandbox.control import Control
from sandbox.flutterwave import Flutterwave
from sandbox.flutterwave_bills import FlutterwaveBills
from sandbox.flutterwave_transfers import FlutterwaveTransfers
from sandbox.inlomax import Inlomax
from sandbox.monnify import Monnify
from sandbox.paystack import Paystack
from sandbox.paystack_transfers import PaystackTransfers
from sandbox.phone.routes import routes as phone_routes
from sandbox.reloadly import Reloadly
from sandbox.reseller import Reseller
from sandbox.routeros.simulator import Routers
from sandbox.settings import SandboxSettings
from sandbox.smeplug import SmePlug
from sandbox.sms import AfricasTalkingSms
from sandbox.stripe import Stripe
from sandbox.telegram import Telegram
from sandbox.transfer_gateways import control_routes, transfer_gateways
from sandbox.vtpass import Vtpass
from sandbox.whatsapp import WhatsApp
from sandbox.wire import Json
from sandbox.world import LiveSimulator, Simulator, World

# A new simulator is one file and one line here; the name is also its path.
SIMULATORS: dict[str, Callable[[World], Simulator]] = {
    "vtpass": Vtpass,
    "clubkonnect": ClubKonnect,
    "buypower": BuyPower,
    "baxi": Baxi,
    "reloadly": Reloadly,
    "flutterwave_bills": FlutterwaveBills,
    "smeplug": SmePlug,
    "inlomax": Inlomax,
    "reseller": Reseller,
    "paystack": Paystack,
    "flutterwave": Flutterwave,
    "monnify": Monnify,
    "stripe": Stripe,
    "paystack_transfers": PaystackTransfers,
    "flutterwave_transfers": FlutterwaveTransfers,
    "africastalking": AfricasTalkingSms,
    "telegram": Telegram,
    "whatsapp": WhatsApp,
    "routers": Routers,
}

_log = structlog.get_logger()


def create_app(settings: SandboxSettings, clock: Clock | None = None) -> Starlette:
    """The sandbox. It must be served with its lifespan, which opens the database.

    A held answer keeps its request running, so give the server a `timeout_graceful_shutdown`.
    """
    world = worlds.build(settings, clock or SystemClock())
    simulators = {name: make(world) for name, make in SIMULATORS.items()}
    for name, simulator in simulators.items():
        world.scenarios.register(name, simulator.scenarios)

    papers = statements.Statements(world)
    living = {
        name: simulator
        for name, simulator in simulators.items()
        if isinstance(simulator, LiveSimulator)
    }
    keeping_up = [gateway.keep_up for gateway in transfer_gateways(simulators)]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await world.database.open(
            (*worlds.SCHEMAS, paystack_accounts.SCHEMA, statements.SCHEMA, transfers.SCHEMA)
        )
        await world.webhooks.open()
        for each in living.values():
            await each.open()
        tasks = [
            asyncio.create_task(_repeat(work, settings.tick_s))
            for work in (world.orders.do_due, world.webhooks.send_due, *keeping_up)
        ]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for each in living.values():
            await each.close()
        await world.webhooks.close()
        await world.database.close()

    routes: list[BaseRoute] = [
        Route("/health", _health),
        Mount(
            "/control",
            routes=[
                *papers.control_routes(),
                *control_routes(world),
                *(
                    Mount(f"/{name}", routes=[*each.control_routes()])
                    for name, each in living.items()
                ),
                *Control(world, simulators).routes(),
            ],
        ),
        *(
            Mount(f"/{name}", routes=[*papers.routes(name), *simulator.routes()])
            for name, simulator in simulators.items()
        ),
        *phone_routes(settings.callbox_url),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def _health(_: Request) -> Response:
    return Json({"status": "ok"})


async def _repeat(work: Callable[[], Awaitable[None]], every_s: float) -> None:
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 - the outside world does not stop turning
            _log.exception("sandbox.tick_failed")
        await asyncio.sleep(every_s)
