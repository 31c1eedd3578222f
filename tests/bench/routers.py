"""A hundred routers, 20 ms away, watched by one worker; one is silent and one refuses.

The routers are in a process of their own, and count what they are asked. While the worker watches,
somebody at the admin API asks one of them as often as it can: that router is still asked no more
than a hundred times a minute by both together.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import asyncpg
import httpx

from core.app import Core, build
from core.domain.customers import Tenant
from core.kit import ids
from core.kit.clock import utc_now
from core.kit.errors import Problem
from core.services.router_desk import RouterFields
from core.settings import Settings
from core.store.embedded import ServiceUrls, start_services
from core.store.migrations import upgrade
from tests.bench.figures import Figure, Report, at_least, at_most, percentile
from tests.bench.programs import CALLBOX, ROOT, running
from tests.e2e.program import free_port
from tests.fakes.database import connect

ROUTERS = 100
DELAY_S = 0.02
EVERY_S = 30.0
SETTLE_S = 45.0
WINDOW_S = 100.0

_SECRET = "a secret key of a benchmark"
_SILENT, _REFUSING, _ASKED = "site-1", "site-2", "site-3"
_STOPS_WITHIN_S = 20.0
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Process:
    """What `ps` tells of one: resident bytes, and seconds of processor so far."""

    resident: int
    cpu_s: float


async def measure(home: Path) -> Report:
    port = free_port()
    env = {
        "CALLBOX_HOME": str(home),
        "CALLBOX_SECRET_KEY": _SECRET,
        "CALLBOX_SANDBOX_PORT": str(port),
        "CALLBOX_SANDBOX_ROUTER_PORT": str(free_port()),
        "CALLBOX_LOG_LEVEL": "WARNING",
    }
    async with (
        start_services(home, throwaway=True) as urls,
        running((CALLBOX, "sandbox"), port, env=env, log=home / "sandbox.log"),
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}/control/routers", trust_env=False
        ) as control,
    ):
        await upgrade(urls.database_url)
        settings = Settings(home=home, sandbox_port=port)
        async with build(settings, urls, _SECRET) as core:
            tenant_id = await _set_up(core, control)
            services = {"DATABASE_URL": urls.database_url, "REDIS_URL": urls.redis_url}
            with (home / "worker.log").open("ab") as log:
                async with _worker(env | services, log) as pid:
                    return await _watched(core, tenant_id, control, urls, pid)


async def _set_up(core: Core, control: httpx.AsyncClient) -> Any:
    tenant = Tenant(ids.uuid7(), "bench", "Bench", "NG", "NGN", "Africa/Lagos")
    await core.tenants.ensure(tenant, utc_now())
    plan = {"name": "site", "count": ROUTERS, "delay_s": DELAY_S}
    made = (await control.post("/", json=plan)).raise_for_status().json()
    for each in made:
        fields: RouterFields = {
            "name": each["name"],
            "host": "127.0.0.1",
            "port": each["port"],
            "username": "callbox",
            "password": "SIM-router",
        }
        await core.router_office.desk.add(tenant.id, fields, "bench")
    stall = {"kind": "stall", "command": ""}
    (await control.post(f"/{_SILENT}/fault", json=stall)).raise_for_status()
    (await control.post(f"/{_REFUSING}/away", json={})).raise_for_status()
    return tenant.id


async def _watched(
    core: Core, tenant_id: Any, control: httpx.AsyncClient, urls: ServiceUrls, pid: int
) -> Report:
    await asyncio.sleep(SETTLE_S)
    before, begun = await _ps(pid), time.monotonic()
    since = utc_now()
    refused = await _pester(core, tenant_id, begun + WINDOW_S)
    after = await _ps(pid)
    elapsed_s = time.monotonic() - begun
    gaps = await _gaps(urls, since)
    routers = (await control.get("/")).raise_for_status().json()
    counted = {each["name"]: each["requests"] for each in routers if each["name"] in gaps.of}
    busiest = max(each["busiest_minute"] for each in counted.values())
    others = sorted(longest for name, longest in gaps.of.items() if name not in _AILING)
    quiet = sorted(
        each["busiest_minute"] for name, each in counted.items() if name not in {*_AILING, _ASKED}
    )
    connections = max(each["connections"] for each in counted.values())
    return Report(
        f"{ROUTERS} routers {1000 * DELAY_S:.0f} ms away, watched by one worker for"
        f" {elapsed_s:.0f} s",
        (
            Figure(
                "processor of the worker",
                100 * (after.cpu_s - before.cpu_s) / elapsed_s,
                "% of a core",
                at_most(50),
            ),
            Figure("memory of the worker, resident", after.resident / _MB, "MB", at_most(300)),
            Figure("routers looked at", float(len(others)), "", at_least(ROUTERS - len(_AILING))),
            Figure(
                "between two looks at a well router, the longest",
                others[-1],
                "s",
                at_most(EVERY_S * 1.25),
            ),
            Figure("between two looks, the median", percentile(others, 0.5), "s"),
            Figure("requests of any router in any minute", float(busiest), "", at_most(100)),
            Figure("of those that were only watched", float(quiet[-1]), ""),
            Figure("asked by hand, and refused to keep to that", float(refused), "", at_least(1)),
            Figure("connections of a router, all in all", float(connections), ""),
        ),
        (
            f"{_SILENT} takes connections and never answers, {_REFUSING} takes none.",
            "The worker does all that workers do; its vouchers' comparisons are in the requests.",
        ),
    )


_AILING = frozenset({_SILENT, _REFUSING})


async def _pester(core: Core, tenant_id: Any, until: float) -> int:
    """Ask one router as often as it goes; how often it was refused."""
    router = await core.router_office.desk.named(tenant_id, _ASKED)
    refused = 0
    while time.monotonic() < until:
        try:
            await core.router_office.control.active(tenant_id, router.id)
        except Problem:
            refused += 1
        await asyncio.sleep(0.05)
    return refused


@dataclass(frozen=True, slots=True)
class Gaps:
    """The longest time between two looks that were answered or not, by router, in seconds."""

    of: Mapping[str, float]


async def _gaps(urls: ServiceUrls, since: Any) -> Gaps:
    """Also the time from the last look until now counts."""
    connection = await connect(urls.database_url)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(
            "select r.name, max(extract(epoch from l.next - l.at)) as longest from (select"
            " router_id, at, lead(at, 1, now()) over (partition by router_id order by at) as next"
            " from router_looks) l join routers r on r.id = l.router_id where l.next >= $1"
            " group by r.name",
            since,
        )
    finally:
        await connection.close()
    return Gaps({row["name"]: float(row["longest"]) for row in rows})


async def _ps(pid: int) -> Process:
    asked = await asyncio.create_subprocess_exec(
        "ps", "-o", "rss=,time=", "-p", str(pid), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await asked.communicate()
    resident, used = said.decode().split()
    return Process(int(resident) * 1024, _seconds(used))


def _seconds(clock: str) -> float:
    """`1-02:03:04` as Linux tells it, or `2:03.45`."""
    days, _, rest = clock.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total + 86_400 * int(days or 0)


@contextlib.asynccontextmanager
async def _worker(env: Mapping[str, str], log: IO[bytes]) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(
        str(CALLBOX),
        "worker",
        env={**os.environ, **env},
        cwd=ROOT,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process.pid
        assert process.returncode is None, "the worker ended"
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOPS_WITHIN_S):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
