"""Programs that are measured: started, waited for, and ended by their own pid."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cores import confine
from tests.e2e.program import free_port

ROOT = Path(__file__).resolve().parents[2]
CALLBOX = Path(sys.executable).with_name("callbox")

_UP_WITHIN_S = 60.0
_DOWN_WITHIN_S = 20.0
_LOOK_EVERY_S = 0.02
_SHOWN_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Everything:
    """A `callbox run`: web, worker and sandbox in one process."""

    pid: int
    port: int
    sandbox_port: int
    started_in_s: float


@contextlib.asynccontextmanager
async def everything(home: Path) -> AsyncIterator[Everything]:
    """`callbox run` on this home, with services of its own."""
    port, sandbox_port = free_port(), free_port()
    env = {
        "CALLBOX_HOME": str(home),
        "CALLBOX_PORT": str(port),
        "CALLBOX_SANDBOX_PORT": str(sandbox_port),
        "CALLBOX_SANDBOX_ROUTER_PORT": str(free_port()),
    }
    begun = time.perf_counter()
    async with running((CALLBOX, "run"), port, env=env, log=home / "callbox.log") as pid:
        yield Everything(pid, port, sandbox_port, time.perf_counter() - begun)


@contextlib.asynccontextmanager
async def running(
    program: Sequence[str | Path],
    port: int,
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    core: int | None = None,
) -> AsyncIterator[int]:
    """A program that answers `GET /health` on `port`; gives its pid.

    `core` is the only one that it may use.

    Raises:
        AssertionError: it ended before it answered; the message ends with its log.
    """
    with log.open("ab") as written:
        process = await asyncio.create_subprocess_exec(
            *map(str, program),
            env={**os.environ, **(env or {})},
            cwd=ROOT,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    confine(process.pid, core)
    try:
        await _up(process, port, log)
        yield process.pid
    finally:
        await _down(process)


async def _up(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    async with asyncio.timeout(_UP_WITHIN_S):
        while not await _is_healthy(port):
            if process.returncode is not None:
                raise AssertionError(f"it did not start:\n{_end_of(log)}")
            await asyncio.sleep(_LOOK_EVERY_S)


def _end_of(log: Path) -> str:
    return log.read_text()[-_SHOWN_CHARS:]


async def _is_healthy(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /health HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n")
        return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()


async def _down(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_DOWN_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
