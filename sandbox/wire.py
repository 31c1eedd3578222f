"""Requests read leniently, and answers that no framework offers: late, broken, none at all."""

import asyncio
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

SIMULATED = {"x-callbox-sandbox": "simulated"}

_DISCONNECT_WAIT_S = 1.0
_Body = TypeVar("_Body")


class Severed(Response):
    """No answer: the connection is reset, as when a line drops after the request arrived."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        # uvicorn hands out `receive` as a method of the object that holds the socket.
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is None:
            await _break_off(send)
            return
        transport.abort()
        await hold(receive, _DISCONNECT_WAIT_S)


class Json(Response):
    """A JSON answer, labelled as simulated."""

    media_type = "application/json"

    def __init__(self, content: object, status_code: int = 200) -> None:
        super().__init__(msgspec.json.encode(content), status_code, SIMULATED)


class GarbledJson(Response):
    """The first half of a JSON answer, with a header that says it is all."""

    media_type = "application/json"

    def __init__(self, content: object) -> None:
        whole = msgspec.json.encode(content)
        super().__init__(whole[: len(whole) // 2], 200, SIMULATED)


def html_503() -> Response:
    """What a web server's front says when nothing behind it answers."""
    return HTMLResponse(
        "<html><head><title>503 Service Unavailable</title></head>"
        "<body><h1>Service Unavailable</h1><hr><i>simulated</i></body></html>",
        503,
        SIMULATED,
    )


async def hold(receive: Receive, seconds: float) -> None:
    """Wait so long, or until the client has gone. Call it only when the body was read."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        pass


def read_as(body: bytes, shape: type[_Body]) -> _Body:
    """Raises ValueError, in words for the caller, when the body is not of that shape."""
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def wrong(words: str, status_code: int = 400) -> Response:
    """What a control call answers that cannot be done."""
    return Json({"error": words}, status_code)


async def read_fields(request: Request) -> dict[str, Any] | None:
    """The fields of a JSON object or a form; None when the body is neither."""
    if "json" not in request.headers.get("content-type", ""):
        async with request.form() as form:
            return {key: value for key, value in form.items() if isinstance(value, str)}
    try:
        fields = msgspec.json.decode(await request.body())
    except msgspec.DecodeError:
        return None
    return fields if isinstance(fields, dict) else None


async def _break_off(send: Send) -> None:
    """The nearest thing on a server that hides its socket: a body that stops after one byte."""
    headers = [(b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b" ", "more_body": True})
