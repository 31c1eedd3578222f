"""Around every request: its name in logs, the bound on its body, and the answer when all fails."""

import structlog
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admin.envelope import Refusal, request_id
from api.admin.errors import ApiError, of_status
from core.kit import ids
from core.kit.clock import utc_now
from core.ports import Busy
from core.store.database import Unavailable

log = structlog.get_logger()

BODY_BYTES_MAX = 256 * 1024
"""Many times the largest configuration."""

_HEARD_OUT_MAX = 4 * 1024 * 1024


_BUSY = ApiError(503, "busy", "Try again in a moment.")
_FAILED = ApiError(500, "internal", "Something went wrong. It was noted.")


class Guard:
    """Middleware in plain ASGI: what it raises for would otherwise end outside the envelope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = str(ids.uuid7())
        request_id.set(name)
        with structlog.contextvars.bound_contextvars(request_id=name):
            await self._serve(scope, receive, _Named(send, name))

    async def _serve(self, scope: Scope, receive: Receive, send: "_Named") -> None:
        try:
            body = await _body(receive)
            if body is None:
                refusal = answer(of_status(HTTPException(413)))
                refusal.headers["connection"] = "close"
                await refusal(scope, receive, send)
                return
            await self._app(scope, _replayed(body, receive), send)
        except Exception as error:
            log.exception("admin.request_failed", method=scope["method"])
            if send.begun:
                raise
            passing = isinstance(error, Unavailable | Busy)
            await answer(_BUSY if passing else _FAILED)(scope, receive, send)


def answer(error: ApiError) -> JSONResponse:
    """An error in the envelope."""
    details = error.details
    refusal = Refusal(
        error=error.message,
        code=error.code,
        details=[{"field": field, "message": what} for field, what in details.items()]
        if details
        else None,
        timestamp=utc_now(),
        request_id=request_id.get(),
    )
    content = refusal.model_dump(mode="json", by_alias=True, exclude_none=True)
    return JSONResponse(content, error.status, dict(error.headers or {}))


class _Named:
    """Sends the request's name along, and remembers whether an answer has begun."""

    def __init__(self, send: Send, name: str) -> None:
        self._send = send
        self._header = (b"x-request-id", name.encode())
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = [*message.get("headers", ()), self._header, (b"cache-control", b"no-store")]
            message = {**message, "headers": headers}
        await self._send(message)


async def _body(receive: Receive) -> bytes | None:
    """The whole body, or None when it is too large.

    One that is too large is heard out as far as is decent: who is cut off never reads the answer.
    """
    body, size = b"", 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return body
        part = bytes(message.get("body", b""))
        size += len(part)
        if size <= BODY_BYTES_MAX:
            body += part
        if not message.get("more_body") or size > _HEARD_OUT_MAX:
            return body if size <= BODY_BYTES_MAX else None


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body again for the application, then whatever comes after it."""
    left = [body]

    async def again() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return again
