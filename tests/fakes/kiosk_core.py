"""Callbox as customers meet it: a real core behind its real web application, on a loopback port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import httpx

from api.app import create_app
from bots import EDGES, MESSENGERS
from bots.app import routes as chat_routes
from bots.links import routes as link_routes
from cli import demo
from core.app import TEXTS, Core, build
from core.app.outside import open_outside
from core.jobs.workers import run_all
from core.kit.texts import Texts
from core.settings import Settings
from core.store.embedded import ServiceUrls
from tests.fakes.paths import Paths, WalkedMachine
from tests.fakes.serving import serve
from ussd.app import routes
from ussd.deadline import Deadline

SECRET = "a key for tests and nothing else"


@dataclass(frozen=True, slots=True)
class Kiosk:
    """One process of Callbox: its core, where it listens, and a way there."""

    core: Core
    url: str
    http: httpx.AsyncClient


@contextlib.asynccontextmanager
async def kiosk(settings: Settings, urls: ServiceUrls, paths: Paths) -> AsyncIterator[Kiosk]:
    """Serve the demo tenant; every walk through the flows is noted in `paths`."""
    async with contextlib.AsyncExitStack() as stack:
        outside = await open_outside(settings, stack)
        # The one that tests have play its part: no other may do better on a busy machine.
        outside = replace(outside, vtu={"vtpass": outside.vtu["vtpass"]})
        core = await stack.enter_async_context(build(settings, urls, SECRET, outside))
        await demo.seed(core)
        machine = WalkedMachine(paths.flows, Texts.load(TEXTS), paths)
        core.conversations._machine = machine
        messengers = [make(core.texts) for make in MESSENGERS.values()]
        core.messengers.bring(messengers)
        for messenger in messengers:
            stack.push_async_callback(messenger.aclose)
        edges = [
            *routes(
                core.conversations,
                core.channels,
                core.keyring,
                core.texts,
                deadline=Deadline(settings.turn_deadline_s, abandon_s=5.0),
            ),
            *link_routes(core.unlocking, core.texts, outside_url=settings.outside_url),
            *chat_routes(
                {kind: make() for kind, make in EDGES.items()},
                core.channels,
                core.chat_ingest,
                core.aftermath,
            ),
        ]
        async with (
            serve(create_app(core, edges)) as url,
            httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http,
        ):
            yield Kiosk(core, url, http)


@contextlib.asynccontextmanager
async def working(core: Core) -> AsyncIterator[None]:
    """Run the core's workers."""
    pumping = asyncio.create_task(run_all(core.pumps))
    try:
        yield
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)
