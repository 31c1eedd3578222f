"""The web application: USSD and callbacks from outside, and pages for whoever runs it."""

from collections.abc import Sequence

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

from api import callbacks, operations
from api.core import Core
from core.kit.ids import speakable

log = structlog.get_logger()

_REFERENCE_CHARS = 6


class Web(FastAPI):
    """The application, with a short way for the edges of the channels.

    Their routes are tried before anything that FastAPI does for a request, which costs as much as
    such an edge in all. They turn their own failures into answers, and need nothing of it.
    """

    def __init__(self, core: Core, edges: Sequence[BaseRoute], admin: ASGIApp | None) -> None:
        super().__init__(
            title="Callbox",
            routes=[*callbacks.routes(core), *operations.routes(core)],
            openapi_url=None,
            exception_handlers={HTTPException: _refused, Exception: _failed},
            redirect_slashes=False,
        )
        self._edges = tuple(edges)
        self._admin = admin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            for edge in self._edges:
                match, found = edge.matches(scope)
                if match is Match.FULL:
                    scope.update(found)
                    await edge.handle(scope, receive, send)
                    return
            if self._admin is not None and scope["path"].startswith("/api/"):
                await self._admin(scope, receive, send)
                return
        await super().__call__(scope, receive, send)


def create_app(
    core: Core, edges: Sequence[BaseRoute] = (), admin: ASGIApp | None = None
) -> FastAPI:
    """The application, over a core that runs already: whoever built it also stops it.

    `edges` are the routes of the channels' edges, which this package does not know. `admin` serves
    everything under `/api/`.
    """
    return Web(core, edges, admin)


async def _refused(_: Request, error: Exception) -> Response:
    """No such path, or not by that method: in plain words."""
    assert isinstance(error, HTTPException)
    return PlainTextResponse(error.detail, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """What nobody foresaw: a reference to the caller, the rest to the log."""
    reference = speakable(_REFERENCE_CHARS)
    log.error("web.request_failed", reference=reference, method=request.method, exc_info=error)
    return PlainTextResponse(f"Something went wrong. Reference {reference}", 500)
