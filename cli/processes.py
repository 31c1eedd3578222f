"""What each command runs: edges, workers and sandbox put together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

import httpx
import structlog
import typer

from api.admin.app import create_admin
from api.app import create_app
from bots import EDGES, MESSENGERS
from bots.app import routes as chat_routes
from bots.gifts.app import GiftSite
from bots.gifts.app import routes as gift_routes
from bots.gifts.live import Live, LiveRules
from bots.links import routes as link_routes
from bots.telegram.following import BotFollower
from cli import demo
from cli.attached import joined, named
from cli.connections import Connections, places
from cli.serving import listen, serve, until_stopped
from core.app import Core, build
from core.app.outside import refuse_live_keys
from core.jobs.workers import Pump, run_all
from core.kit import collector
from core.kit.errors import Fault
from core.providers import addresses
from core.providers.addresses import Reach
from core.settings import Settings, admin_token, secret_key
from core.store.embedded import ServiceUrls, start_services
from core.store.migrations import upgrade
from sandbox.app import create_app as create_sandbox
from sandbox.settings import SandboxSettings
from ussd.app import routes as ussd_routes
from ussd.deadline import Deadline
from ussd.gateways import GATEWAYS

log = structlog.get_logger()

# What a turn that missed its deadline may still take to come to an end of its own.
_ABANDON_S = 60.0
_LOOK_EVERY_S = 0.1


async def run(settings: Settings, *, greet: bool = True, stop: asyncio.Event | None = None) -> None:
    """Everything: its own Postgres and Redis where none are named, web, worker, sandbox."""
    _check_sandbox_alone(settings)
    listener = listen(settings.host, settings.port)
    sandbox_listener = listen("127.0.0.1", settings.sandbox_port) if settings.with_sandbox else None
    if sandbox_listener is not None:
        sandbox_listener.listen()  # who comes before it serves waits: /health may answer first
    connections = Connections(places())
    async with _ready_core(settings) as core:
        live = _live(core, connections)
        web_app = _web_app(core, live)
        parts = [
            lambda stop: serve(web_app, listener, stop, connections),
            live.until,
            lambda stop: _work(core.pumps, stop),
            lambda stop: _follow_bots(core, stop),
        ]
        if sandbox_listener is not None:
            application = _sandbox_app(settings)
            parts.append(lambda stop: serve(application, sandbox_listener, stop, connections))
        if greet:
            parts.append(lambda stop: _greet(settings, stop))
        await until_stopped(parts, stop)


async def web(settings: Settings) -> None:
    _check_sandbox_alone(settings)
    listener = listen(settings.host, settings.port)
    connections = Connections(places())
    async with _ready_core(settings) as core:
        live = _live(core, connections)
        web_app = _web_app(core, live)
        # Chats are answered where their messages come in; workers take over what is left behind.
        await until_stopped(
            [
                lambda stop: serve(web_app, listener, stop, connections),
                live.until,
                lambda stop: _work((core.chat_pump, core.live_pump), stop),
                lambda stop: _follow_bots(core, stop),
            ]
        )


async def worker(settings: Settings) -> None:
    _check_sandbox_alone(settings)
    async with _ready_core(settings) as core:
        await until_stopped([lambda stop: _work(core.pumps, stop)])


async def operator_bot(settings: Settings) -> None:
    """A core of its own, beside whatever else runs, or does not."""
    from bots.operators.app import run as serve_operators

    _check_sandbox_alone(settings)
    token, api_url = settings.operator_bot
    async with (
        joined(settings) as urls,
        _built(settings, urls) as core,
    ):
        await until_stopped([lambda stop: serve_operators(core, token, api_url, stop)])


@contextlib.asynccontextmanager
async def _built(settings: Settings, urls: ServiceUrls) -> AsyncIterator[Core]:
    """A core on a migrated database; in demo with the demo tenant in it. It speaks to nobody."""
    await upgrade(urls.database_url)
    async with build(settings, urls, secret_key(settings)) as core:
        if settings.demo:
            await demo.seed(core)
        yield core


async def sandbox(settings: Settings) -> None:
    if not settings.demo:
        raise Fault("the sandbox runs in demo only: it must never stand beside live keys")
    refuse_live_keys()
    listener = listen("127.0.0.1", settings.sandbox_port)
    application = _sandbox_app(settings)
    connections = Connections(places())
    typer.echo(f"Sandbox ready. The phone page is at {settings.sandbox_url}/phone")
    await until_stopped([lambda stop: serve(application, listener, stop, connections)])


async def migrate(settings: Settings) -> None:
    """Also beside a Callbox that runs, which was migrated when it started."""
    async with joined(settings) as urls:
        await upgrade(urls.database_url)


@contextlib.asynccontextmanager
async def _ready_core(settings: Settings) -> AsyncIterator[Core]:
    """A core on a migrated database; in demo with the demo tenant in it."""
    async with (
        start_services(settings.home, **named(settings)) as urls,
        _built(settings, urls) as core,
        _speaking(core),
    ):
        collector.settle()
        yield core


def _web_app(core: Core, live: Live):  # type: ignore[no-untyped-def]
    edges = [
        *ussd_routes(
            core.conversations,
            core.channels,
            core.keyring,
            core.texts,
            deadline=Deadline(core.settings.turn_deadline_s, abandon_s=_ABANDON_S),
        ),
        *link_routes(core.unlocking, core.texts, outside_url=core.settings.outside_url),
        *gift_routes(gift_site(core, live)),
        *chat_routes(
            {kind: make() for kind, make in EDGES.items()},
            core.channels,
            core.chat_ingest,
            core.aftermath,
        ),
    ]
    return create_app(core, edges, create_admin(core, ussd=tuple(GATEWAYS)))


def _live(core: Core, connections: Connections) -> Live:
    """Who looks at gifts takes half of the connections at most."""
    most = LiveRules().viewers_max
    rules = LiveRules(viewers_max=min(most, connections.most // 2))
    return Live(core.gift_front.pages.progress, rules)


def gift_site(core: Core, live: Live) -> GiftSite:
    """The public pages of gifts, over a core that runs already."""
    return GiftSite(
        pages=core.gift_front.pages,
        pictures=core.gift_front.pictures,
        digests=core.gifts,
        live=live,
        texts=core.texts,
        outside_url=core.settings.outside_url,
    )


def _sandbox_app(settings: Settings):  # type: ignore[no-untyped-def]
    settings.home.mkdir(parents=True, exist_ok=True)
    return create_sandbox(
        SandboxSettings(
            database=settings.home / "sandbox.db",
            callbox_url=settings.callbox_url,
            router_port=settings.sandbox_router_port,
        )
    )


@contextlib.asynccontextmanager
async def _speaking(core: Core) -> AsyncIterator[None]:
    """A core that speaks to every chat channel, at no address that a tenant may not name."""
    with addresses.reaching(_reach(core)):
        messengers = [make(core.texts) for make in MESSENGERS.values()]
    core.messengers.bring(messengers)
    try:
        yield
    finally:
        for messenger in messengers:
            await messenger.aclose()


def _reach(core: Core) -> Reach:
    return Reach.PUBLIC_OR_HERE if core.settings.demo else Reach.PUBLIC


async def _work(pumps: Sequence[Pump[Any]], stop: asyncio.Event) -> None:
    await _until(stop, run_all(pumps))


async def _follow_bots(core: Core, stop: asyncio.Event) -> None:
    """Telegram's bots, heard by webhooks that are set, or polled where a channel says so."""
    with addresses.reaching(_reach(core)):
        follower = BotFollower(
            core.channels,
            core.leases,
            core.chat_ingest,
            core.aftermath,
            core.texts,
            public_url=core.settings.public_url,
        )
    await _until(stop, follower.run())


async def _until(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    stopping.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await working


def _check_sandbox_alone(settings: Settings) -> None:
    """No key that looks live, and no address but of this machine, where the sandbox is on."""
    if settings.with_sandbox:
        refuse_live_keys()


async def _greet(settings: Settings, stop: asyncio.Event) -> None:
    """One line with the addresses, once they answer."""
    async with httpx.AsyncClient(timeout=2, trust_env=False) as probe:
        while not await answers(probe, settings.callbox_url):
            if stop.is_set():
                return
            await asyncio.sleep(_LOOK_EVERY_S)
    typer.echo(_ready_line(settings))
    await stop.wait()


async def answers(probe: httpx.AsyncClient, url: str) -> bool:
    """Whether a Callbox at `url` says that it is alive."""
    try:
        return (await probe.get(url + "/health")).is_success
    except httpx.HTTPError:
        return False


def _ready_line(settings: Settings) -> str:
    line = f"Callbox is ready at {settings.callbox_url}"
    if settings.with_sandbox:
        line += f"; the phone page: {settings.sandbox_url}/phone (dial {demo.SERVICE_CODE})"
    if settings.demo and settings.admin_token is None and admin_token(settings):
        line += f"; the admin token: {settings.home / 'admin-token'}"
    return line
