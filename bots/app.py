"""The chat edge: what channels deliver, let in, kept, and only then acknowledged."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bots.edge import Edge, Heard, Malformed
from core.domain.chat import ChatMessage, Fate, InlineQuery, Moved
from core.domain.turns import Channel, Channels

log = structlog.get_logger()

# Telegram waits a minute, Meta some seconds; what takes longer is better delivered again.
_TIMEOUT_S = 10.0

_TAKEN = Counter("callbox_chat_requests_total", "Requests of chat channels", ["kind", "how"])


class Ingest(Protocol):
    """See `core.services.chat.ChatIngest`."""

    async def take(self, channel: Channel, messages: Sequence[ChatMessage]) -> None: ...


class Aftermath(Protocol):
    """Takes what channels tell of what they were given, and of who can be reached."""

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None: ...

    async def reach(
        self, channel: Channel, identity: str, *, reachable: bool, why: str
    ) -> None: ...

    async def moved(self, channel: Channel, moved: Moved) -> None: ...

    async def asked(self, channel: Channel, query: InlineQuery) -> None: ...


class _TooLarge(Exception):
    pass


def routes(
    edges: Mapping[str, Edge], channels: Channels, ingest: Ingest, aftermath: Aftermath
) -> list[Route]:
    """`POST` and `GET /{kind}/{key}` of every chat channel."""
    return [
        Route(
            f"/{kind}/{{key}}",
            _Door(edge, channels, ingest, aftermath).serve,
            methods=["GET", "POST"],
        )
        for kind, edge in edges.items()
    ]


class _Door:
    def __init__(
        self, edge: Edge, channels: Channels, ingest: Ingest, aftermath: Aftermath
    ) -> None:
        self._edge = edge
        self._channels = channels
        self._ingest = ingest
        self._aftermath = aftermath

    async def serve(self, request: Request) -> Response:
        """Acknowledge what is safe; trouble of ours is 503, so that it is delivered again."""
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._serve(request)
        except ClientDisconnect:
            return self._said(400, "Incomplete")
        except Exception as error:
            log.exception("chat.request_failed", kind=self._edge.kind, error=type(error).__name__)
            return self._said(503, "Try again later")

    async def _serve(self, request: Request) -> Response:
        channel = await self._channels.find(self._edge.kind, request.path_params["key"])
        if channel is None:
            return self._said(404, "Unknown channel")
        if request.method != "POST":
            answer = self._edge.challenge(channel, request.query_params)
            return self._said(403, "Not accepted") if answer is None else PlainTextResponse(answer)
        if not self._edge.admitted(channel, request.headers):
            return self._said(401, "Not accepted")
        try:
            body = await _body(request, self._edge.body_bytes_max)
        except _TooLarge:
            return self._said(413, "Too large")
        if not self._edge.authentic(channel, request.headers, body):
            return self._said(401, "Not accepted")
        try:
            heard = self._edge.heard(channel, body)
        except Malformed as malformed:
            log.warning("chat.malformed", kind=self._edge.kind, why=malformed.why)
            return self._said(400, "Malformed request")
        await self._keep(channel, heard)
        return self._said(200, "OK")

    async def _keep(self, channel: Channel, heard: Heard) -> None:
        await keep(channel, heard, self._ingest, self._aftermath)

    def _said(self, status: int, text: str) -> Response:
        _TAKEN.labels(self._edge.kind, str(status)).inc()
        headers = {"connection": "close"} if status == 413 else None  # noqa: PLR2004
        return PlainTextResponse(text, status, headers)


async def keep(channel: Channel, heard: Heard, ingest: Ingest, aftermath: Aftermath) -> None:
    """Make everything in one request safe; who fetches messages by polling does the same."""
    for moved in heard.moves:
        await aftermath.moved(channel, moved)
    for reach in heard.reaches:
        await aftermath.reach(channel, reach.identity, reachable=reach.reachable, why=reach.why)
    if heard.fates:
        await aftermath.fates(channel, heard.fates)
    for query in heard.queries:
        await aftermath.asked(channel, query)
    if heard.messages:
        await ingest.take(channel, heard.messages)


async def _body(request: Request, bytes_max: int) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise _TooLarge
    return bytes(body)
