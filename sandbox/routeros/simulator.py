"""The fleet as the sandbox keeps it: one router for the demo, more by the control calls."""

import errno
from collections.abc import Mapping, Sequence

import structlog
from starlette.routing import BaseRoute

from sandbox.routeros.control import RouterControl
from sandbox.routeros.fleet import Fleet
from sandbox.routeros.plan import Plan
from sandbox.scenarios import Scenario
from sandbox.world import World

NAME = "routers"
DEMO = "demo"

_log = structlog.get_logger()


class Routers:
    """Keeps `sandbox.world.LiveSimulator`. They are reached over their own ports, not over HTTP."""

    scenarios: Mapping[str, Scenario] = {
        "ok": Scenario("as told; faults are chosen router by router, under /control/routers/")
    }

    def __init__(self, world: World) -> None:
        self._port = world.settings.router_port
        self._fleet = Fleet(world.clock)

    def routes(self) -> Sequence[BaseRoute]:
        return ()

    def control_routes(self) -> Sequence[BaseRoute]:
        return RouterControl(self._fleet).routes()

    async def open(self) -> None:
        """Where somebody else has the demo router's port, it takes any other, and says so."""
        try:
            demo = await self._fleet.add(Plan(DEMO, port=self._port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            demo = await self._fleet.add(Plan(DEMO))
            _log.warning("sandbox.router_port_taken", wanted=self._port, port=demo.port)
        self._port = demo.port

    async def close(self) -> None:
        await self._fleet.close()

    async def forget(self) -> None:
        """The demo router alone, on its port, as new."""
        await self._fleet.close()
        await self._fleet.add(Plan(DEMO, port=self._port))
