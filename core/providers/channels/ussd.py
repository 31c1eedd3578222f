"""USSD gateways and providers call us: there is nobody to ask, only an address to give them."""

from core.domain.turns import Channel
from core.ports.tenancy import Probed

_FOLDERS = {"ussd": "ussd", "callback": "callbacks"}


class PathTest:
    """Keeps `core.ports.tenancy.ChannelTest`."""

    def __init__(self, outside_url: str) -> None:
        self._outside_url = outside_url

    async def probe(self, channel: Channel) -> Probed:
        """Where the gateway should call. The key was shown when it was made, and is not here."""
        url = f"{self._outside_url}/{_FOLDERS[channel.kind]}/{channel.gateway}/{{key}}"
        facts: dict[str, str | int | bool] = {"url": url}
        if channel.service_code:
            facts["service_code"] = channel.service_code
        return Probed(ok=True, why="give this address, with the key, to the gateway", facts=facts)

    async def aclose(self) -> None:
        return
