"""Hotspot routers by the way they are spoken to. A new one is its file and its line here."""

from collections.abc import Callable, Mapping

from core.kit.clock import Clock
from core.ports.hotspot import HotspotRouters
from core.providers.addresses import Reach
from core.providers.hotspot import routeros

# Built from explicit settings; what they leave out is read from the environment.
HOTSPOT_ROUTERS: Mapping[str, Callable[[Mapping[str, object], Clock, Reach], HotspotRouters]] = {
    "routeros": lambda given, clock, reach: routeros.RouterOsFleet(
        routeros.Settings.model_validate(given), clock, reach
    ),
}
