"""Who may come in: the checks that come before any gateway's own words are read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from prometheus_client import Counter
from starlette.types import Receive, Scope, Send

from core.domain.turns import Channel, Channels
from ussd.allowed import is_allowed
from ussd.http import Gone, TooLarge, client_ip, read_body, send_plain
from ussd.request import Gateway

# How long the look-up of a channel may take, in seconds; it is nearly always in memory.
_FIND_S = 3.0

_REFUSED = Counter(
    "callbox_ussd_refused_total", "USSD requests that reached no conversation", ["why"]
)


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that found its channel."""

    scope: Scope
    body: bytes
    send: Send
    gateway: Gateway
    channel: Channel


class Door:
    """Lets a request through to `serve` when its path, method, address and size are in order.

    `excuse` answers when the channel could not even be looked up.
    """

    def __init__(
        self,
        gateways: Mapping[str, Gateway],
        channels: Channels,
        *,
        methods: Callable[[Gateway], frozenset[str]],
        serve: Callable[[Call], Awaitable[None]],
        excuse: Callable[[Gateway, Send, Exception], Awaitable[None]],
    ) -> None:
        self._gateways = gateways
        self._channels = channels
        self._methods = methods
        self._serve = serve
        self._excuse = excuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path_params"]
        gateway = self._gateways.get(path["gateway"])
        if gateway is None:
            await refuse(send, 404, "Unknown channel")
            return
        try:
            async with asyncio.timeout(_FIND_S):
                channel = await self._channels.find(path["gateway"], path["key"])
        except Exception as error:  # noqa: BLE001 - trouble of ours, while a customer waits
            await self._excuse(gateway, send, error)
            return
        if channel is None:
            await refuse(send, 404, "Unknown channel")
            return
        methods = self._methods(gateway)
        if scope["method"] not in methods:
            await refuse(
                send, 405, "Method not allowed", (b"allow", ", ".join(sorted(methods)).encode())
            )
            return
        if not is_allowed(channel.settings, client_ip(scope)):
            await refuse(send, 403, "Address not allowed")
            return
        try:
            body = await read_body(scope["headers"], receive)
        except TooLarge:
            await refuse(send, 413, "Request too large", (b"connection", b"close"))
            return
        except Gone:
            return
        await self._serve(Call(scope, body, send, gateway, channel))


async def refuse(send: Send, status: int, text: str, *headers: tuple[bytes, bytes]) -> None:
    """Say no in plain words, and count it."""
    _REFUSED.labels(text).inc()
    await send_plain(send, status, text, headers)
