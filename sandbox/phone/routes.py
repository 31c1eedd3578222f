"""The phone page and the two doors through which it reaches Callbox.

The page speaks Africa's Talking to the letter: a turn is a form post to the service's endpoint,
an end-of-session notice one to its events endpoint.
"""

import html
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from sandbox.phone.gateway import DEADLINE_S, Gateway

TURN = "/ussd/africastalking/demo"
NOTICE = "/ussd/africastalking/demo/events"

_BODY_BYTES_MAX = 16_384
_HERE = Path(__file__).parent
_FILES = _HERE / "static"
_GUARD = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


def routes(
    callbox_url: str, service_code: str = "*347*100#", deadline_s: float = DEADLINE_S
) -> list[BaseRoute]:
    """The page at `/phone`, with `/` leading there, for the Callbox at `callbox_url`.

    The inbox and the scenarios come from the sandbox's own `/control` routes beside these.
    A reply later than `deadline_s` is none, as with the real gateway.
    """
    gateway = Gateway(callbox_url, deadline_s)
    page = Template((_HERE / "phone.html").read_text(encoding="utf-8")).substitute(
        service_code=html.escape(service_code), turn=TURN, notice=NOTICE
    )

    async def home(_: Request) -> Response:
        return RedirectResponse("/phone")

    async def phone(_: Request) -> Response:
        return HTMLResponse(page, headers=_GUARD)

    async def turn(request: Request) -> Response:
        return await _carried(gateway, TURN, request)

    async def notice(request: Request) -> Response:
        return await _carried(gateway, NOTICE, request)

    return [
        Route("/", home),
        Route("/phone", phone),
        Route("/phone/turn", turn, methods=["POST"]),
        Route("/phone/notice", notice, methods=["POST"]),
        Mount("/phone/static", _Files(directory=_FILES)),
    ]


async def _carried(gateway: Gateway, path: str, request: Request) -> Response:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_BYTES_MAX:
            return PlainTextResponse("Too long for a USSD request.", status_code=413)
    return JSONResponse((await gateway.carry(path, bytes(body))).as_json())


class _Files(StaticFiles):
    """Asked for anew each time, so that a page never runs with the last version's script."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_GUARD)
        return response
