"""For whoever runs Callbox: is it alive, how is each part, and figures for Prometheus."""

import asyncio
import time
from collections.abc import Mapping, Sequence

import prometheus_client
import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from api.core import Core, Gauges, Probe
from core.services.gauges import Gauge

log = structlog.get_logger()

PROBE_TIMEOUT_S = 2.0


def routes(core: Core) -> list[Route]:
    """`GET /`, `GET /health`, `GET /status`, `GET /metrics`."""
    return [
        Route("/", _Welcome(core.phone_url).show),
        Route("/health", _health),
        Route("/status", _Status(core.probes, with_sandbox=core.with_sandbox).show),
        Route("/metrics", _Metrics(core.gauges).show),
    ]


async def _health(_: Request) -> Response:
    """This process serves.

    Nothing is said of what it depends on, or a database that is down for a minute would have every
    process restarted.
    """
    return JSONResponse({"status": "ok"})


class _Welcome:
    """What is here, for whoever opens the address that the program printed."""

    def __init__(self, phone_url: str) -> None:
        phone = f"The phone page, to try it, is at {phone_url}\n" if phone_url else ""
        self._text = (
            f"This is Callbox.\n{phone}"
            "How it is: /health, /status, /metrics. The admin API: /api/v1/openapi.json\n"
        )

    async def show(self, _: Request) -> Response:
        return PlainTextResponse(self._text)


class _Metrics:
    """This process's counters, and how things stand across all processes.

    What stands in the database is left out while it cannot be asked: `callbox_gauges_read` is 0
    then.
    """

    def __init__(self, gauges: Gauges) -> None:
        self._gauges = gauges

    async def show(self, _: Request) -> Response:
        found: Sequence[Gauge] = ()
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                found = await self._gauges.read()
        except Exception as error:  # noqa: BLE001 - the counters are told whatever else fails
            log.warning("metrics.gauges_unread", why=type(error).__name__)
        text = generate_latest() + generate_latest(_registry(found))
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})


def _registry(gauges: Sequence[Gauge]) -> CollectorRegistry:
    registry = CollectorRegistry()
    read = prometheus_client.Gauge(
        "callbox_gauges_read", "Whether the gauges could be read.", registry=registry
    )
    read.set(bool(gauges))
    for gauge in gauges:
        family = prometheus_client.Gauge(gauge.name, gauge.about, gauge.labels, registry=registry)
        for labels, value in gauge.values.items():
            (family.labels(*labels) if labels else family).set(value)
    return registry


class _Status:
    """How each part is: 200 when all are well, 503 when one is not."""

    def __init__(self, probes: Mapping[str, Probe], *, with_sandbox: bool) -> None:
        self._probes = probes
        self._with_sandbox = with_sandbox

    async def show(self, _: Request) -> Response:
        found = await asyncio.gather(*(_ask(name, probe) for name, probe in self._probes.items()))
        parts = dict(zip(self._probes, found, strict=True))
        well = all(part["ok"] for part in found)
        return JSONResponse(
            {"status": "ok" if well else "degraded", "parts": parts, "sandbox": self._with_sandbox},
            200 if well else 503,
        )


async def _ask(name: str, probe: Probe) -> dict[str, object]:
    """One part, in time. Why it is unwell goes to the log: this page is open to anybody."""
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            figures = dict(await probe())
    except Exception as error:  # noqa: BLE001 - any failure of a part is its state, not ours
        log.warning("status.part_unwell", part=name, why=type(error).__name__)
        return {"ok": False}
    return {"ok": True, "took_ms": round((time.perf_counter() - started) * 1000, 1), **figures}
