"""What providers and payment gateways call: a hint that something happened.

One route for all: the name in the path finds who can read the request. A new provider needs
nothing here.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from api.core import Core
from core.kit.errors import Fault
from core.ports import BadCallback

log = structlog.get_logger()

BODY_BYTES_MAX = 256 * 1024
"""Many times the largest event that a provider documents."""

TIMEOUT_S = 10.0
"""Senders give up after about as long and send again, which is better than a request that hangs."""

_TAKEN = Counter("callbox_callbacks_total", "Callbacks by what became of them", ["provider", "how"])


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who can read one provider's callbacks, and how it wants them answered."""

    references_in: Callable[[Mapping[str, str], bytes], tuple[str, ...]]
    answer: Callable[[], tuple[int, str, str]]


class _TooLarge(Exception):
    pass


def routes(core: Core) -> list[Route]:
    """`POST|GET /callbacks/{provider}/{key}`.

    Raises:
        Fault: a VTU provider and a payment gateway have one name, so that a callback could be
            either's.
    """
    gateways = core.payment_gateways.keys() | core.payout_gateways.keys()
    both = core.vtu_providers.keys() & gateways
    if both:
        raise Fault(f"a VTU provider and a payment gateway are both called {min(both)}")
    door = _Door(core)
    return [Route("/callbacks/{provider}/{key}", door.take, methods=["GET", "POST"])]


def _reader(core: Core, tenant_id: UUID, name: str) -> _Reader | None:
    """Who reads for this tenant: its keys, where signatures are made with them, may be its own."""
    gateways = (core.payment_gateways.get(name), core.payout_gateways.get(name))
    readers = [gateway.references_in for gateway in gateways if gateway is not None]
    if readers:
        return _Reader(lambda *given: _read(readers, *given), lambda: (200, "text/plain", "OK"))
    provider = core.vtu_provider(tenant_id, name)
    return _Reader(provider.references_in, provider.callback_answer) if provider else None


def _read(
    readers: Sequence[Callable[[Mapping[str, str], bytes], tuple[str, ...]]],
    headers: Mapping[str, str],
    body: bytes,
) -> tuple[str, ...]:
    """What any of them can read: one address takes what comes of money in and of money out.

    Raises:
        BadCallback: none of them accepts it.
    """
    found: list[str] = []
    refused: list[BadCallback] = []
    for read in readers:
        try:
            found += read(headers, body)
        except BadCallback as error:
            refused.append(error)
    if len(refused) == len(readers):
        raise refused[0]
    return tuple(dict.fromkeys(found))


class _Door:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._callbacks = core.callbacks

    async def take(self, request: Request) -> Response:
        """Verify, pass the references on, and answer as the sender expects.

        Trouble of ours is 503: the sender sends again, and nothing was lost.
        """
        name = request.path_params["provider"]
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._take(request, name)
        except ClientDisconnect:
            return _plain(400, "Incomplete")
        except Exception:
            log.exception("callback.failed", provider=name)
            core = self._core
            known = name in {*core.vtu_providers, *core.payment_gateways, *core.payout_gateways}
            _TAKEN.labels(name if known else "configured", "failed").inc()
            return _plain(503, "Try again later")

    async def _take(self, request: Request, name: str) -> Response:
        tenant_id = await self._callbacks.tenant_of(name, request.path_params["key"])
        reader = _reader(self._core, tenant_id, name) if tenant_id else None
        if tenant_id is None or reader is None:
            return _plain(404, "Unknown callback")
        try:
            body = await _body(request)
        except _TooLarge:
            _TAKEN.labels(name, "too_large").inc()
            return _plain(413, "Too large", {"connection": "close"})
        try:
            references = reader.references_in(request.headers, body)
        except BadCallback as error:
            log.warning("callback.refused", provider=name, why=str(error))
            _TAKEN.labels(name, "refused").inc()
            return _plain(401, "Not accepted")
        await self._pass_on(tenant_id, name, references)
        status, content_type, text = reader.answer()
        return Response(text, status, media_type=content_type)

    async def _pass_on(self, tenant_id: UUID, name: str, references: tuple[str, ...]) -> None:
        _TAKEN.labels(name, "taken" if references else "of_no_interest").inc()
        if references:
            log.info("callback.taken", provider=name, references=len(references))
            await self._callbacks.take(tenant_id, name, references)


async def _body(request: Request) -> bytes:
    """The raw body, over which signatures are made; of a GET, its raw query in place of one."""
    if request.method == "GET":
        query: bytes = request.scope["query_string"]
        return query
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise _TooLarge
    return body


def _plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text, status, headers)
