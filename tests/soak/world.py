"""Edges and workers as processes, real servers beside them, and the outside behind a relay."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from core.store.embedded import ServiceUrls, start_services
from core.store.migrations import upgrade
from tests.e2e.program import HASTE, NOT_TWICE_TO_ONE_NUMBER_S, Process, free_port
from tests.soak.relay import Relay, relay

# Nobody but a person can tell what became of a lost order here, so no soak can end by itself.
BLIND = ("smeplug", "inlomax")
WEBS = 2
WORKERS = 2
_START_S = 90.0


class Balancer(httpx.AsyncBaseTransport):
    """Sends each request to another edge, as the load balancer before them would."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = itertools.cycle(ports)
        self._line = httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=1000))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.url = request.url.copy_with(port=next(self._ports))
        return await self._line.handle_async_request(request)

    async def aclose(self) -> None:
        await self._line.aclose()


class SoakWorld:
    """All processes of a small production, and who steers them. See `standing`."""

    def __init__(self, home: Path, urls: ServiceUrls, line: Relay, relay_port: int) -> None:
        self.home = home
        self.urls = urls
        self.line = line
        self.ports = [free_port() for _ in range(WEBS)]
        shared = {
            **HASTE,
            "CALLBOX_HOME": str(home),
            "CALLBOX_LOG_JSON": "true",
            "CALLBOX_AIRTIME_DAY_LIMIT_MINOR": str(10**12),
            NOT_TWICE_TO_ONE_NUMBER_S: "0",
            # As long as the line stalls past our own patience, and what a machine adds on which all
            # of this runs at once: a provider that acts later than it says is another matter.
            "CALLBOX_SETTLE_S": "4",
        }
        ours = {
            **shared,
            "DATABASE_URL": urls.database_url,
            "REDIS_URL": urls.redis_url,
            "CALLBOX_SANDBOX": "off",
            "CALLBOX_SANDBOX_PORT": str(relay_port),
        }
        self._operator = [
            Process(f"providers disable airtime {name}", ours, home / f"operator-{name}.log")
            for name in BLIND
        ]
        self.webs = [
            Process("web", {**ours, "CALLBOX_PORT": str(port)}, home / f"web-{port}.log")
            for port in self.ports
        ]
        self.workers = [
            Process("worker", ours, home / f"worker-{number}.log") for number in range(WORKERS)
        ]
        outside = {"CALLBOX_PORT": str(self.ports[0]), "CALLBOX_SANDBOX_PORT": str(line.port)}
        self.sandbox = Process("sandbox", {**shared, **outside}, home / "sandbox.log")
        self.http = httpx.AsyncClient(
            base_url="http://127.0.0.1", timeout=15, transport=Balancer(self.ports)
        )
        self.control = httpx.AsyncClient(base_url=f"http://127.0.0.1:{line.port}", timeout=60)

    @property
    def processes(self) -> list[Process]:
        return [*self.webs, *self.workers]

    async def sms(self, to: str) -> list[str]:
        reply = await self.control.get("/control/sms", params={"to": to})
        return [message["text"] for message in reply.json()]

    async def deliveries(self) -> list[dict[str, Any]]:
        """All that was delivered to anybody."""
        reply = await self.control.get("/control/deliveries")
        found: list[dict[str, Any]] = reply.json()
        return found

    async def scenario(self, provider: str, scenario: str, recipient: str, seconds: float) -> None:
        body = {"provider": provider, "scenario": scenario, "recipient": recipient}
        reply = await self.control.post("/control/scenarios", json={**body, "seconds": seconds})
        assert reply.status_code < 300, reply.text

    def kill_server(self, server: str) -> None:
        """SIGKILL to `postgres` or `valkey`; what started it starts it again."""
        name = {"postgres": "postmaster.pid", "valkey": "valkey.pid"}[server]
        with contextlib.suppress(FileNotFoundError, IndexError, ProcessLookupError):
            pid = int((self.home / "services" / server / name).read_text().split()[0])
            os.kill(pid, signal.SIGKILL)

    async def start(self) -> None:
        await self.sandbox.start()
        for process in self.processes:
            await process.start()
        async with asyncio.timeout(_START_S):
            for port in self.ports:
                await _answers(f"http://127.0.0.1:{port}/health")
            await _answers(f"http://127.0.0.1:{self.line.port}/control/scenarios")
        for command in self._operator:
            await command.start()
            assert await command.ended() == 0, command.log.read_text()

    async def stop(self) -> None:
        await self.http.aclose()
        await self.control.aclose()
        for process in (*self.processes, self.sandbox):
            with contextlib.suppress(TimeoutError):
                await process.stop()


@contextlib.asynccontextmanager
async def standing(home: Path, chance: random.Random) -> AsyncIterator[SoakWorld]:
    """Everything up; all of it is taken down in the end."""
    async with contextlib.AsyncExitStack() as stack:
        urls = await stack.enter_async_context(start_services(home))
        await upgrade(urls.database_url)
        line, relay_port = await stack.enter_async_context(relay(free_port(), chance))
        world = SoakWorld(home, urls, line, relay_port)
        stack.push_async_callback(world.stop)
        await world.start()
        yield world


async def _answers(url: str) -> None:
    async with httpx.AsyncClient() as http:
        while True:
            with contextlib.suppress(httpx.TransportError):
                if (await http.get(url)).status_code == 200:
                    return
            await asyncio.sleep(0.1)
