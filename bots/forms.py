"""What the pages have in common: the folder they are in, their headers, and answers to their forms.

A form's answer is believed to come from our page where nothing speaks against it: what makes it
good is a token or a sealed state in it.
"""

import asyncio
import ipaddress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import jinja2
from starlette.datastructures import Headers
from starlette.requests import Request

HERE: Final = Path(__file__).parent / "pages"
STYLE_HEADERS: Final = {"x-content-type-options": "nosniff", "cache-control": "max-age=3600"}

_BODY_S: Final = 10.0
_FORM: Final = "application/x-www-form-urlencoded"
_WRONG_HOST: Final = frozenset({"cross-site", "same-site"})


class Refusal(Exception):
    """It is no answer from our page. `kind` names the words for it."""

    def __init__(self, status: int, kind: str = "refused") -> None:
        super().__init__(kind)
        self.status = status
        self.kind = kind


def headers_of(sources: str) -> dict[str, str]:
    """Of a page that nobody keeps, frames or finds. `sources`: what else its policy allows."""
    return {
        "content-security-policy": f"default-src 'none'; {sources}; "
        "base-uri 'none'; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "x-robots-tag": "noindex, nofollow",
        "cache-control": "no-store",
    }


def templates(*names: str) -> jinja2.Environment:
    """The templates of these names, read now: one that is broken stops the start.

    Every word on a page is escaped, whoever wrote it.
    """
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    for name in names:
        made.get_template(name)
    return made


def check(headers: Headers, host: str) -> None:
    """Whether it can be an answer from our page at `host`. Raises `Refusal`.

    Under our own `no-referrer` browsers send `Origin: null` from our own page.
    """
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise Refusal(415)
    origin = headers.get("origin", "null")
    here = (host, headers.get("host", ""))
    if origin != "null" and urlsplit(origin).netloc not in here:
        raise Refusal(403)
    if headers.get("sec-fetch-site") in _WRONG_HOST:
        raise Refusal(403)


async def read(request: Request, bytes_max: int) -> bytes:
    """The body. Raises `Refusal` when it is too long, or too long on its way."""
    body = bytearray()
    try:
        async with asyncio.timeout(_BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > bytes_max:
                    raise Refusal(413)
    except TimeoutError:
        raise Refusal(408) from None
    return bytes(body)


def network_of(request: Request) -> str:
    """Where it comes from: of IPv6 what one household has, since each has as many as it likes."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:  # as a listener for both writes IPv4
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
