"""The real program as subprocesses, and the outside world it is wired to."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
CALLBOX = Path(sys.executable).with_name("callbox")

# Patience scaled down, so that a minute's doubt takes seconds; the rules are the same.
HASTE = {
    # Of all sellers: a lease outlasts the slowest of them.
    **{
        f"{name}_TIMEOUT_S": "5"
        for name in (
            "VTPASS",
            "CLUBKONNECT",
            "BUYPOWER",
            "BAXI",
            "RELOADLY",
            "FLUTTERWAVE_BILLS",
            "SMEPLUG",
            "INLOMAX",
            "PAYSTACK",
            "AFRICASTALKING",
        )
    },
    "CALLBOX_SETTLE_S": "2",
    "CALLBOX_SEND_WITHIN_S": "3",
    "CALLBOX_NOT_FOUND_APART_S": "1",
    "CALLBOX_REQUERY_AFTER_S": "0.5,1,1,2",
    "CALLBOX_FUND_CHECKS_AFTER_S": "2,4,8,12,3600",
    "CALLBOX_LEASE_MARGIN_S": "1",
    "CALLBOX_ERRAND_LEASE_S": "12",
    "CALLBOX_TURN_WAIT_S": "1.5",
    "CALLBOX_ROUTER_WATCH_EVERY_S": "10",
    "CALLBOX_VOUCHER_REFUND_AFTER_S": "25",
    "CALLBOX_VOUCHER_VOID_AFTER_S": "4",
    # One bad day after another is what is played: it takes nobody off the market.
    "CALLBOX_CIRCUIT_FAILURES": "1000",
}
NOT_TWICE_TO_ONE_NUMBER_S = "CALLBOX_SANDBOX_DUPLICATE_WINDOW_S"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def home_folder() -> Iterator[Path]:
    """A home that is gone afterwards.

    Other users may pass through it, or as root the servers' data would be kept outside of it.
    """
    folder = Path(tempfile.mkdtemp(prefix="callbox-e2e-"))
    folder.chmod(0o711)
    try:
        yield folder / "home"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Process:
    """One `callbox` command, started and stopped by its pid. `log` takes all that it writes."""

    def __init__(self, command: str, env: dict[str, str], log: Path) -> None:
        self.command = command
        self.env = env
        self.log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, **extra: str) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(CALLBOX),
                *self.command.split(),
                env={**_clean_environment(), **self.env, **extra},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ended(self, timeout_s: float = 30) -> int:
        """Wait until it is gone; answers its status, negative for a signal."""
        assert self._process is not None
        async with asyncio.timeout(timeout_s):
            return await self._process.wait()

    async def kill(self) -> None:
        """As a power cut would."""
        if self.running:
            os.kill(self.pid, signal.SIGKILL)
            await self.ended()

    async def stop(self) -> int | None:
        """As an operator would; answers its status."""
        if not self.running:
            return None
        os.kill(self.pid, signal.SIGTERM)
        try:
            return await self.ended(20)
        except TimeoutError:
            await self.kill()
            raise


def _clean_environment() -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    ours = ("CALLBOX_", "VTPASS_", "PAYSTACK_", "AFRICASTALKING_", "DATABASE_URL", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    embedded = ("CALLBOX_POSTGRES_BIN", "CALLBOX_VALKEY_BIN", "CALLBOX_STATE_ROOT")
    return kept | {name: os.environ[name] for name in embedded if name in os.environ}


class World:
    """A running Callbox and its sandbox, each its own process, on ports of their own."""

    def __init__(self, home: Path) -> None:
        self.port, self.sandbox_port = free_port(), free_port()
        env = {
            **HASTE,
            "CALLBOX_HOME": str(home),
            "CALLBOX_PORT": str(self.port),
            "CALLBOX_SANDBOX_PORT": str(self.sandbox_port),
            "CALLBOX_SANDBOX_ROUTER_PORT": str(free_port()),
            "CALLBOX_LOG_JSON": "true",
            NOT_TWICE_TO_ONE_NUMBER_S: "0",
        }
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.callbox = Process("run", {**env, "CALLBOX_SANDBOX": "off"}, home / "callbox.log")
        self.sandbox = Process("sandbox", env, home / "sandbox.log")
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=15)
        self.control = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.sandbox_port}", timeout=15
        )

    async def ready(self, timeout_s: float = 60) -> None:
        await _answers(self.http, "/health", self.callbox, timeout_s)

    async def restart(self, **extra: str) -> None:
        """Kill it where it stands, and start it again."""
        await self.callbox.kill()
        await self.callbox.start(**extra)
        await self.ready()

    async def scenario(
        self,
        scenario: str,
        recipient: str,
        *,
        provider: str = "vtpass",
        figures: Mapping[str, object] | None = None,
    ) -> None:
        """Have a part played for one recipient, with its `seconds` or `code` where given."""
        played = {"provider": provider, "scenario": scenario, "recipient": recipient}
        body = {**played, **(figures or {})}
        reply = await self.control.post("/control/scenarios", json=body)
        assert reply.status_code < 300, reply.text

    async def deliveries(self, recipient: str) -> list[dict[str, Any]]:
        reply = await self.control.get("/control/deliveries", params={"recipient": recipient})
        found: list[dict[str, Any]] = reply.json()
        return found

    async def sms(self, to: str) -> list[str]:
        reply = await self.control.get("/control/sms", params={"to": to})
        return [message["text"] for message in reply.json()]

    def operator(self) -> tuple[httpx.AsyncClient, dict[str, str], dict[str, str]]:
        """Where an operator asks, and what says who they are and of which shop."""
        token = (self.home / "admin-token").read_text().strip()
        return self.http, {"authorization": f"Bearer {token}"}, {"tenant": "demo"}

    async def sells_alone(self, provider: str) -> None:
        """Switch all others off, so that what this one does decides how an order ends."""
        _, who, whose = self.operator()
        listed = await self.http.get("/api/v1/providers", headers=who, params=whose)
        for row in listed.json()["data"]:
            if row["service"] != "airtime" or row["provider"] == provider:
                continue
            path = f"/api/v1/configuration/api/airtime/{row['provider']}"
            shown = (await self.http.get(path, headers=who, params=whose)).json()["data"]
            off = {"base_url": shown["base_url"], "timeout": 5, "is_active": False}
            reply = await self.http.put(path, json=off, headers=who, params=whose)
            assert reply.status_code == 200, reply.text

    def server_pid(self, server: str) -> int:
        """Of its own `postgres` or `valkey`."""
        name = {"postgres": "postmaster.pid", "valkey": "valkey.pid"}[server]
        return int((self.home / "services" / server / name).read_text().split()[0])


@contextlib.asynccontextmanager
async def running(home: Path, **extra: str) -> AsyncIterator[World]:
    """A world that is up, and is taken down whatever happens."""
    world = World(home)
    world.callbox.env.update(extra)
    try:
        await world.sandbox.start()
        await world.callbox.start()
        await _answers(world.control, "/control/scenarios", world.sandbox, 30)
        await world.ready()
        await world.sells_alone("vtpass")
        yield world
    finally:
        await world.http.aclose()
        await world.control.aclose()
        await world.callbox.stop()
        await world.sandbox.stop()


async def eventually(
    what: Callable[[], Awaitable[object]], timeout_s: float = 60, every_s: float = 0.2
) -> None:
    """Wait until `what` holds: it asserts, or answers something true. Fails as it failed last."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        try:
            assert await what(), f"not within {timeout_s} s: {what!r}"
        except AssertionError:
            if asyncio.get_running_loop().time() > deadline:
                raise
        else:
            return
        await asyncio.sleep(every_s)


async def _answers(http: httpx.AsyncClient, path: str, process: Process, timeout_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while True:
        with contextlib.suppress(httpx.TransportError):
            if (await http.get(path)).status_code == 200:
                return
        if not process.running or asyncio.get_running_loop().time() > deadline:
            said = process.log.read_text()[-3000:]
            raise AssertionError(f"{process.command} did not start:\n{said}")
        await asyncio.sleep(0.05)
