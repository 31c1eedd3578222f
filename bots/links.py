"""The page where a PIN is given, out of sight of the chat: `GET|POST /p/{token}`.

It is one small page and one small sheet of style, without a script and with nothing from anywhere
else, for browsers as old as Android 4. Opening it uses nothing up, so that whoever previews links
does no harm; the first answer that could be a PIN does.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bots.forms import (
    HERE,
    STYLE_HEADERS,
    Refusal,
    check,
    headers_of,
    network_of,
    read,
    templates,
)
from core.domain.unlocking import Asking, Given, Gone, Opened, TooMany
from core.kit.texts import FALLBACK, Texts
from core.services.unlocking import GOOD_FOR_S, Tries

log = structlog.get_logger()

BODY_BYTES_MAX = 1024
_DIGITS = range(3, 9)
_BRAND = "Callbox"
_HEADERS = headers_of("style-src 'self'; form-action 'self'")

_SERVED = Counter("callbox_unlock_pages_total", "Pages where a PIN is given", ["method", "status"])


class Unlocking(Protocol):
    """See `core.services.unlocking.Unlocking`."""

    @property
    def tries(self) -> Tries: ...

    async def look(self, token: str) -> Opened: ...

    async def give(self, token: str, digits: str) -> Opened: ...

    async def strangers_try(self, address: str) -> int: ...


@dataclass(frozen=True, slots=True)
class Slowness:
    """Seconds that an address waits for a 404, the longer the more often it asks for one."""

    step_s: float = 0.1
    most_s: float = 2.0


def routes(
    unlocking: Unlocking, texts: Texts, *, outside_url: str, slowness: Slowness | None = None
) -> list[Route]:
    """The page and its style, for the web application. `outside_url` is where browsers find it."""
    page = _Page(unlocking, _Paper(texts), outside_url, slowness or Slowness())
    style = (HERE / "style.css").read_bytes()

    async def styled(_: Request) -> Response:
        return Response(style, media_type="text/css", headers=STYLE_HEADERS)

    return [
        Route("/p/style.css", styled),
        Route("/p/{token}", page.serve, methods=["GET", "POST"]),
    ]


class _Paper:
    """What is printed: the templates, filled with words in the customer's language."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._templates = templates("page.html", "ask.html")

    def ask(self, asking: Asking, *, notice: str = "") -> str:
        return self._printed(
            "ask.html",
            asking.language,
            title=self._texts.get(asking.language, "page.pin.title"),
            words=asking.text,
            notice=notice or asking.notice,
            token=asking.token,
            digits=self.digits(asking),
            most=asking.digits[1],
            minutes=GOOD_FOR_S // 60,
        )

    def digits(self, asking: Asking) -> str:
        """What may be typed: as many digits as this secret has."""
        least, most = asking.digits
        if least == most:
            return self._texts.get(asking.language, "page.pin.digits_exactly", count=most)
        return self._texts.get(asking.language, "page.pin.digits", min=least, max=most)

    def say(self, kind: str, language: str = FALLBACK, *, chat: str = "") -> str:
        return self._printed(
            "page.html",
            language,
            title=self._texts.get(language, f"page.{kind}.title"),
            words=self._texts.get(language, f"page.{kind}.text"),
            good=kind == "given",
            chat=chat,
        )

    def _printed(self, template: str, language: str, **facts: object) -> str:
        def say(key: str, **named: object) -> str:
            return self._texts.get(language, key, **named)

        found = self._templates.get_template(template)
        return found.render(language=language, brand=_BRAND, say=say, **facts)


class _Page:
    def __init__(
        self, unlocking: Unlocking, paper: _Paper, outside_url: str, slowness: Slowness
    ) -> None:
        self._unlocking = unlocking
        self._paper = paper
        self._host = urlsplit(outside_url).netloc
        self._slowness = slowness

    async def serve(self, request: Request) -> Response:
        """Always a page that a person can read."""
        try:
            return await self._serve(request)
        except Refusal as refusal:
            return self._page(request, refusal.status, self._paper.say(refusal.kind))
        except ClientDisconnect:
            return self._page(request, 400, self._paper.say("refused"))
        except Exception as error:
            log.exception("unlock.page_failed", error=type(error).__name__)
            return self._page(request, 503, self._paper.say("failed"))

    async def _serve(self, request: Request) -> Response:
        token = request.path_params["token"]
        if request.method != "POST":
            return await self._shown(request, await self._unlocking.look(token))
        check(request.headers, self._host)
        digits = _digits(await read(request, BODY_BYTES_MAX))
        if digits is not None:
            return await self._shown(request, await self._unlocking.give(token, digits))
        opened = await self._unlocking.look(token)
        if isinstance(opened, Asking):
            notice = self._paper.digits(opened)
            return self._page(request, 200, self._paper.ask(opened, notice=notice))
        return await self._shown(request, opened)

    async def _shown(self, request: Request, opened: Opened) -> Response:
        match opened:
            case Asking():
                return self._page(request, 200, self._paper.ask(opened))
            case Given(language, chat):
                return self._page(request, 200, self._paper.say("given", language, chat=chat))
            case Gone(language, chat):
                return self._page(request, 410, self._paper.say("gone", language, chat=chat))
            case TooMany(language):
                return self._page(request, 429, self._paper.say("too_many", language))
            case _:
                return await self._unknown(request)

    async def _unknown(self, request: Request) -> Response:
        """Slower each time: many customers share an address, and seldom need this page at all."""
        tried = await self._unlocking.strangers_try(network_of(request))
        if tried > self._unlocking.tries.by_address:
            return self._page(request, 429, self._paper.say("too_many"))
        await asyncio.sleep(min(tried * self._slowness.step_s, self._slowness.most_s))
        return self._page(request, 404, self._paper.say("unknown"))

    def _page(self, request: Request, status: int, text: str) -> Response:
        _SERVED.labels(request.method, str(status)).inc()
        headers = dict(_HEADERS)
        if status in {403, 413, 415}:
            headers["connection"] = "close"  # what was sent along is not read
        return Response(text, status, headers, media_type="text/html")


def _digits(body: bytes) -> str | None:
    """What was typed, if it could be a PIN."""
    try:
        fields = dict(parse_qsl(body.decode("ascii"), max_num_fields=4))
    except ValueError:
        return None
    typed = "".join(fields.get("pin", "").split())
    good = typed.isascii() and typed.isdigit() and len(typed) in _DIGITS
    return typed if good else None
