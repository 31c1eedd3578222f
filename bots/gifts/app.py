"""The public page of a gift: `GET|POST /gift/{token}`, its pictures, and how it goes.

One small page, without anything from anywhere else, whole without its one small script, for
browsers as old as Android 4. What is typed is sent by POST alone, is kept in no URL and no log, and
what was done so far travels sealed in the form. The one cookie only tells devices apart.
"""

import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qs, urlsplit

import structlog
from prometheus_client import Counter
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from bots.forms import HERE, STYLE_HEADERS, Refusal, check, headers_of, network_of, read
from bots.gifts.live import Live
from bots.gifts.paper import GiftPaper
from core.domain.gift_pages import AskCode, Denied, GiftSight, Given, Slip, Step, TryAgain
from core.kit.texts import Texts
from core.services.gift_pictures import Picture

log = structlog.get_logger()

BODY_BYTES_MAX: Final = 4096
_FIELDS_MAX: Final = 8
_COOKIE: Final = "callbox_device"
_COOKIE_S: Final = 365 * 86_400
_DEVICE: Final = re.compile(r"[\w-]{22}", re.ASCII)
_HEADERS: Final = headers_of(
    "style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'"
)
_PICTURE_HEADERS: Final = {
    "cache-control": "public, max-age=300",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}
_NOT_KEPT: Final = {"cache-control": "no-store"}
_TOO_MANY, _BUSY = 429, 503

_SERVED = Counter("callbox_gift_pages_total", "Public pages of gifts", ["method", "status"])


class Pages(Protocol):
    """See `core.services.gift_pages.GiftPages`."""

    async def look(self, token: str) -> GiftSight | None: ...

    def begin(self, sight: GiftSight) -> Step: ...

    async def take(self, token: str, given: Given) -> tuple[GiftSight, Step] | None: ...


class Pictures(Protocol):
    """See `core.services.gift_pictures.GiftPictures`."""

    async def card(self, sight: GiftSight) -> Picture: ...

    async def result(self, sight: GiftSight) -> Picture | None: ...


class Digests(Protocol):
    """See `core.services.gifts.Gifts`."""

    def device(self, *parts: str) -> str: ...


@dataclass(frozen=True, slots=True)
class GiftSite:
    """What the pages are made of. `outside_url` is where browsers find them."""

    pages: Pages
    pictures: Pictures
    digests: Digests
    live: Live
    texts: Texts
    outside_url: str


def routes(site: GiftSite) -> list[Route]:
    page = _Page(site)
    return [
        _file("/gift/style.css", HERE / "gift.css", "text/css"),
        _file("/gift/icon.svg", HERE / "gift.svg", "image/svg+xml"),
        _file("/gift/live.js", HERE / "gift.js", "text/javascript"),
        Route("/gift/{token}", page.serve, methods=["GET", "POST"]),
        Route("/gift/{token}/events", page.events),
        Route("/gift/{token}/now", page.now),
        Route("/gift/{token}/picture.png", page.picture),
        Route("/gift/{token}/result.png", page.result),
    ]


def _file(path: str, file: Path, media_type: str) -> Route:
    content = file.read_bytes()

    async def served(_: Request) -> Response:
        return Response(content, media_type=media_type, headers=STYLE_HEADERS)

    return Route(path, served)


class _Page:
    def __init__(self, site: GiftSite) -> None:
        self._site = site
        self._paper = GiftPaper(site.texts)
        outside = urlsplit(site.outside_url)
        self._host, self._secure = outside.netloc, outside.scheme == "https"

    async def serve(self, request: Request) -> Response:
        """Always a page that a person can read."""
        try:
            return await self._serve(request)
        except Refusal as refusal:
            return self._page(request, refusal.status, self._paper.none(refusal.kind))
        except ClientDisconnect:
            return self._page(request, 400, self._paper.none("refused"))
        except Exception as error:
            log.exception("gift.page_failed", error=type(error).__name__)
            return self._page(request, 503, self._paper.none("failed"))

    async def events(self, request: Request) -> Response:
        return await self._beside(request, self._events)

    async def now(self, request: Request) -> Response:
        return await self._beside(request, self._now)

    async def picture(self, request: Request) -> Response:
        return await self._beside(request, self._picture)

    async def result(self, request: Request) -> Response:
        return await self._beside(request, self._result)

    async def _beside(
        self, request: Request, answer: Callable[[Request, GiftSight], Awaitable[Response]]
    ) -> Response:
        """What goes with the page: an empty answer where there is none, or where we fail."""
        try:
            sight = await self._site.pages.look(request.path_params["token"])
            if sight is None:
                return Response(status_code=404, headers=_NOT_KEPT)
            return await answer(request, sight)
        except Exception as error:
            log.exception("gift.page_failed", error=type(error).__name__)
            return Response(status_code=_BUSY, headers=_NOT_KEPT)

    async def _events(self, request: Request, sight: GiftSight) -> Response:
        stream = None
        if request.method == "GET":
            tenant = sight.tenant
            stream = self._site.live.stream(
                sight.room,
                lambda room: self._paper.progress(tenant, room),
                network_of(request),
            )
        # An answer other than 200 ends a browser's stream: the page asks `now` and then instead.
        return stream or Response(status_code=_BUSY, headers={"retry-after": "60"})

    async def _now(self, _: Request, sight: GiftSight) -> Response:
        """What one event of the stream says, for whoever finds no place there."""
        progress = self._paper.progress(sight.tenant, sight.room)
        return Response(progress, headers=_NOT_KEPT, media_type="application/json")

    async def _picture(self, request: Request, sight: GiftSight) -> Response:
        return _drawn(request, await self._site.pictures.card(sight))

    async def _result(self, request: Request, sight: GiftSight) -> Response:
        picture = await self._site.pictures.result(sight)
        return _drawn(request, picture) if picture else Response(status_code=404, headers=_NOT_KEPT)

    async def _serve(self, request: Request) -> Response:
        token = request.path_params["token"]
        if request.method != "POST":
            sight = await self._site.pages.look(token)
            if sight is None:
                return self._page(request, 404, self._paper.none("unknown"))
            text = self._paper.gift(sight, self._site.pages.begin(sight))
            return self._marked(request, self._page(request, 200, text))
        check(request.headers, self._host)
        taken = await self._site.pages.take(token, await self._given(request))
        if taken is None:
            return self._page(request, 404, self._paper.none("unknown"))
        sight, step = taken
        return self._page(request, _status(step), self._paper.gift(sight, step, acting=True))

    async def _given(self, request: Request) -> Given:
        """Raises `Refusal` when it is no form of ours."""
        body = await read(request, BODY_BYTES_MAX)
        try:
            fields = parse_qs(body.decode("ascii"), max_num_fields=_FIELDS_MAX)
        except ValueError:
            raise Refusal(400) from None
        first = {name: values[0] for name, values in fields.items()}
        answer = first.get("answer", "")
        cookie = request.cookies.get(_COOKIE, "")
        known = _DEVICE.fullmatch(cookie) is not None
        return Given(
            state=first.get("state", ""),
            number=first.get("number", ""),
            code=first.get("code", ""),
            answer=int(answer) if answer in {"1", "2", "3", "4"} else 0,
            again="again" in first,
            device=self._site.digests.device("page", cookie) if known else "",
            address=self._site.digests.device("address", network_of(request)),
        )

    def _marked(self, request: Request, response: Response) -> Response:
        """With the cookie that tells this device from others, and nothing else."""
        if not _DEVICE.fullmatch(request.cookies.get(_COOKIE, "")):
            response.set_cookie(
                _COOKIE,
                secrets.token_urlsafe(16),
                max_age=_COOKIE_S,
                path="/gift",
                secure=self._secure,
                httponly=True,
                samesite="lax",
            )
        return response

    def _page(self, request: Request, status: int, text: str) -> Response:
        _SERVED.labels(request.method, str(status)).inc()
        headers = dict(_HEADERS)
        if status in {403, 413, 415}:
            headers["connection"] = "close"  # what was sent along is not read
        if status in {_TOO_MANY, _BUSY}:
            headers["retry-after"] = "5" if status == _BUSY else "1800"
        return Response(text, status, headers, media_type="text/html")


def _status(step: Step) -> int:
    if isinstance(step, Denied) or (isinstance(step, AskCode) and step.slip is Slip.TOO_MANY):
        return _TOO_MANY
    return _BUSY if isinstance(step, TryAgain) else 200


def _drawn(request: Request, picture: Picture) -> Response:
    headers = {**_PICTURE_HEADERS, "etag": f'"{picture.tag}"'}
    if picture.tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture.png, headers=headers, media_type="image/png")
