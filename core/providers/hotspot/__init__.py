"""Hotspot routers by the way they are spoken to. A new one is its file and its line here."""

from collections.abc import Callable, Mapping

from core.kit.clock import Clock
from core.ports.hotspot import HotspotRouters, RouterRequests
from core.providers.addresses import Reach
from core.providers.hotspot import routeros

_Make = Callable[[Mapping[str, object], RouterRequests, Clock, Reach], HotspotRouters]

# Built from explicit settings; what they leave out is read from the environment.
HOTSPOT_ROUTERS: Mapping[str, _Make] = {
    "routeros": lambda given, requests, clock, reach: routeros.RouterOsFleet(
        routeros.Settings.model_validate(given), requests, clock, reach
    ),
}
