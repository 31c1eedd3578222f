"""The web application: USSD and callbacks from outside, and pages for whoever runs it."""

from collections.abc import Sequence

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from api import callbacks, operations
from api.core import Core
from core.kit.ids import speakable

log = structlog.get_logger()

_REFERENCE_CHARS = 6


def create_app(core: Core, edges: Sequence[BaseRoute] = ()) -> FastAPI:
    """The application, over a core that runs already: whoever built it also stops it.

    `edges` are the routes of the channels' edges, which this package does not know. They come
    first: a customer waits behind them.
    """
    return FastAPI(
        title="Callbox",
        routes=[*edges, *callbacks.routes(core), *operations.routes(core)],
        openapi_url=None,
        exception_handlers={HTTPException: _refused, Exception: _failed},
        redirect_slashes=False,
    )


async def _refused(_: Request, error: Exception) -> Response:
    """No such path, or not by that method: in plain words."""
    assert isinstance(error, HTTPException)
    return PlainTextResponse(error.detail, error.status_code, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    """What nobody foresaw: a reference to the caller, the rest to the log."""
    reference = speakable(_REFERENCE_CHARS)
    log.error("web.request_failed", reference=reference, method=request.method, exc_info=error)
    return PlainTextResponse(f"Something went wrong. Reference {reference}", 500)
