"""The little HTTP that the USSD edge needs, on bare ASGI: microseconds count on this path."""

from collections.abc import Iterable

from starlette.types import Message, Receive, Scope, Send

from ussd.request import Headers, Rendered

BODY_BYTES_MAX = 8 * 1024
"""Far more than a session of 180 seconds can type."""


class TooLarge(Exception):
    """The body is longer than any gateway has reason to send."""


class Gone(Exception):
    """The caller hung up before all of the request was here."""


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """The whole body.

    Raises:
        TooLarge: it is, or says it is, longer than `BODY_BYTES_MAX`.
        Gone: nobody waits for an answer any more.
    """
    if _announced(headers) > BODY_BYTES_MAX:
        raise TooLarge
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Gone
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise TooLarge
        if not message.get("more_body", False):
            return body


def _announced(headers: Headers) -> int:
    for name, value in headers:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


async def send_rendered(send: Send, rendered: Rendered) -> None:
    await _send(send, 200, rendered.content_type, rendered.body)


async def send_plain(
    send: Send, status: int, text: str, extra: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    await _send(send, status, b"text/plain; charset=utf-8", text.encode(), extra)


async def _send(
    send: Send,
    status: int,
    content_type: bytes,
    body: bytes,
    extra: Iterable[tuple[bytes, bytes]] = (),
) -> None:
    start: Message = {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            *extra,
        ],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


def client_ip(scope: Scope) -> str | None:
    """Whose connection this is, as the server in front tells it; None on a unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else None
