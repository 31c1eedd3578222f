"""Start what was not given, hand out the addresses, stop it in the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import structlog

from core.store.embedded.binaries import (
    postgres_programs,
    reachable_postgres,
    reachable_valkey,
    valkey_program,
)
from core.store.embedded.faults import AlreadyRunning, CannotStart
from core.store.embedded.identity import Identity, servers_identity
from core.store.embedded.places import (
    locked,
    mark_throwaway,
    open_state,
    remove_state,
    resolved,
    short_roots,
    sockets,
)
from core.store.embedded.postgres import Postgres
from core.store.embedded.settings import EmbeddedSettings
from core.store.embedded.valkey import Valkey

log = structlog.get_logger(__name__)

_ANNOUNCEMENT = "services.json"
_LOOK_EVERY_S = 1.0
_RETRY_AFTER_S = 10.0


@dataclass(frozen=True, slots=True)
class ServiceUrls:
    """Where the database (for SQLAlchemy) and Redis (for redis-py) are."""

    database_url: str
    redis_url: str


class _Server(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def url(self) -> str: ...

    @property
    def ended(self) -> bool: ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@asynccontextmanager
async def start_services(
    home: Path,
    *,
    database_url: str | None = None,
    redis_url: str | None = None,
    throwaway: bool = False,
) -> AsyncIterator[ServiceUrls]:
    """Run a Postgres and a Valkey for as long as the context lasts.

    An address that is given is handed back as it is and nothing is started for it. A server that
    ends meanwhile is started again at the same address. What is committed survives the death of
    any of the processes. As root, the servers run as `nobody` and reach nothing of root's.

    Args:
        home: Callbox's folder; the servers keep theirs in `<home>/services`.
        database_url: an existing database to use instead of a Postgres of our own.
        redis_url: an existing Redis to use instead of a Valkey of our own.
        throwaway: for tests: all data is removed in the end, and Valkey writes none. Postgres is
            as durable as ever. Refused on a home that already keeps data.

    Raises:
        AlreadyRunning: another process runs the services of this home.
        CannotStart: a server did not come up; the message has the last lines of its log.
    """
    if database_url and redis_url:
        yield ServiceUrls(database_url, redis_url)
        return
    options = EmbeddedSettings()
    identity = servers_identity()
    home = resolved(home)
    root = _temporary_root(identity) if throwaway else options.state_root
    async with AsyncExitStack() as stack:
        state = open_state(home, identity, root)
        stack.enter_context(locked(home, state))
        if throwaway:
            mark_throwaway(state)
            stack.callback(remove_state, home)
        identity.gate(state)
        plan = _Plan(options, identity, state, stack.enter_context(sockets(state, identity)))
        redis = redis_url or await _run(plan.valkey(persistent=not throwaway), stack)
        database = database_url or await _run(plan.postgres(), stack)
        urls = ServiceUrls(database, redis)
        stack.enter_context(_announced(home, urls))
        yield urls


@asynccontextmanager
async def join_services(
    home: Path, *, database_url: str | None = None, redis_url: str | None = None
) -> AsyncIterator[ServiceUrls]:
    """The services of a home: those that another process runs there now, else our own.

    For commands that work beside a running Callbox. Raises as `start_services` does.
    """
    async with AsyncExitStack() as stack:
        try:
            urls = await stack.enter_async_context(
                start_services(home, database_url=database_url, redis_url=redis_url)
            )
        except AlreadyRunning:
            announced = resolved(home) / _ANNOUNCEMENT
            if not announced.exists():
                raise
            urls = ServiceUrls(**json.loads(announced.read_text()))
        yield urls


@contextmanager
def _announced(home: Path, urls: ServiceUrls) -> Iterator[None]:
    """Leave the addresses where `join_services` finds them."""
    announced = home / _ANNOUNCEMENT
    announced.touch(mode=0o600)
    announced.write_text(json.dumps(asdict(urls)))
    try:
        yield
    finally:
        announced.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What both servers are built from."""

    options: EmbeddedSettings
    identity: Identity
    state: Path
    sockets: Path

    def postgres(self) -> Postgres:
        programs = postgres_programs(self.options.postgres_bin)
        return Postgres(
            reachable_postgres(programs, self.identity, self.state / "programs"),
            state=self.state,
            sockets=self.sockets,
            identity=self.identity,
            shared_buffers=self.options.postgres_shared_buffers,
            recovery_timeout_s=self.options.recovery_timeout_s,
        )

    def valkey(self, *, persistent: bool) -> Valkey:
        program = valkey_program(self.options.valkey_bin)
        return Valkey(
            reachable_valkey(program, self.identity, self.state / "programs"),
            state=self.state,
            sockets=self.sockets,
            identity=self.identity,
            recovery_timeout_s=self.options.recovery_timeout_s,
            persistent=persistent,
        )


def _temporary_root(identity: Identity) -> Path:
    """Where the data of a test goes when its home is closed to the servers."""
    for root in short_roots():
        if identity.may_execute(root):
            return root
    raise CannotStart("no temporary folder can be entered by the servers' user: set TMPDIR")


async def _run(server: _Server, stack: AsyncExitStack) -> str:
    """Start a server, keep it running, and stop it when the stack unwinds. Returns its address."""
    stack.push_async_callback(server.stop)
    await server.start()
    stack.push_async_callback(_cancelled, asyncio.create_task(_keep_running(server)))
    log.info("embedded.started", server=server.name)
    return server.url


async def _keep_running(server: _Server) -> None:
    while True:
        await asyncio.sleep(_LOOK_EVERY_S)
        if not server.ended:
            continue
        log.error("embedded.server_ended", server=server.name)
        try:
            await server.start()
            log.info("embedded.started", server=server.name)
        except (CannotStart, OSError):
            log.exception("embedded.cannot_restart", server=server.name)
            await asyncio.sleep(_RETRY_AFTER_S)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])
