"""Valkey on a unix socket: conversations, limits and caches. Nothing in it is money."""

import asyncio
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import redis.asyncio as redis
from redis.exceptions import RedisError

from core.store.embedded.faults import CannotStart
from core.store.embedded.identity import Identity
from core.store.embedded.process import end, end_leftover, last_lines, log_size, spawn

STOP = ((signal.SIGTERM, 20.0),)
"""Writes what it holds and ends."""


class Valkey:
    """One server: `start` it and `stop` it, as often as needed.

    Its append-only file reaches the disk each second, so a killed process loses nothing and a
    power cut about one second. `persistent=False` keeps nothing.
    """

    name = "valkey"

    def __init__(
        self,
        program: Path,
        *,
        state: Path,
        sockets: Path,
        identity: Identity,
        recovery_timeout_s: float,
        persistent: bool,
    ) -> None:
        self._program = program
        self._data = state / "valkey"
        self._log_file = state / "valkey.log"
        self._socket = sockets / "valkey.sock"
        self._identity = identity
        self._recovery_timeout_s = recovery_timeout_s
        self._persistent = persistent
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For redis-py."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def ended(self) -> bool:
        """True when it was started and is no longer there."""
        return self._process is not None and self._process.poll() is not None

    async def start(self) -> None:
        """Return when it answers and has loaded what it kept.

        Raises:
            CannotStart: it ended before that, or took longer than an operator allows.
        """
        self._identity.own(self._data)
        await end_leftover(self._pid_file, self._data, STOP)
        began = log_size(self._log_file)
        self._process = spawn(
            self._arguments(),
            identity=self._identity,
            log_file=self._log_file,
            when_orphaned=signal.SIGTERM,
        )
        if not await self._answers(self._process):
            raise CannotStart(
                f"Valkey did not start:\n{last_lines(self._log_file, began)}\n"
                f"It keeps conversations only: {self._data} may be removed, money is not in it"
            )

    async def stop(self) -> None:
        """End it cleanly."""
        if self._process is not None:
            await end(self._process, STOP)
            self._process = None

    @property
    def _pid_file(self) -> Path:
        return self._data / "valkey.pid"

    def _arguments(self) -> list[str | Path]:
        return [
            *(self._program, "--port", "0"),
            *("--unixsocket", self._socket, "--unixsocketperm", "700"),
            *("--dir", self._data, "--pidfile", self._pid_file),
            *("--set-proc-title", "no"),  # a later start knows it by its arguments
            *("--appendonly", "yes" if self._persistent else "no", "--appendfsync", "everysec"),
            *("--save", "", "--maxmemory-policy", "noeviction"),
        ]

    async def _answers(self, process: subprocess.Popen[bytes]) -> bool:
        """False when it has ended or is still loading after the time allowed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._recovery_timeout_s
        client = redis.Redis(unix_socket_path=str(self._socket), socket_timeout=10)
        try:
            while process.poll() is None and loop.time() < deadline:
                try:
                    await client.ping()
                except (OSError, RedisError):
                    await asyncio.sleep(0.01)
                else:
                    return True
        finally:
            await client.aclose()
        return False
