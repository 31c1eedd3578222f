"""How long `callbox run` takes until it answers, and what its own process holds when idle."""

import asyncio
from pathlib import Path

from tests.bench.figures import Figure, Report, at_most
from tests.bench.programs import everything

WARM_STARTS = 3
_SETTLE_S = 3.0
_MB = 1_000_000


async def measure(home: Path) -> Report:
    async with everything(home) as first:
        pass
    warm_s = []
    idle_mb = 0.0
    for _ in range(WARM_STARTS):
        async with everything(home) as again:
            warm_s.append(again.started_in_s)
            if len(warm_s) == WARM_STARTS:
                await asyncio.sleep(_SETTLE_S)
                idle_mb = await _resident_bytes(again.pid) / _MB
    return Report(
        "`callbox run`: web, worker and sandbox in one process, with its own Postgres and Valkey",
        (
            Figure("first start, until /health answers", first.started_in_s, "s"),
            Figure("warm start, the slowest", max(warm_s), "s", at_most(10)),
            Figure("Callbox's own process, idle, resident", idle_mb, "MB", at_most(300)),
        ),
        (f"{WARM_STARTS} warm starts on one home; memory {_SETTLE_S:.0f} s after the last.",),
    )


async def _resident_bytes(pid: int) -> int:
    """What `ps` tells of a process, on Linux and elsewhere alike."""
    asked = await asyncio.create_subprocess_exec(
        "ps", "-o", "rss=", "-p", str(pid), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asked.communicate()
    return int(said) * 1024
