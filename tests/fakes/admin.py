"""The admin API over a real core and a real database, and a provider that only tells our float."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from api.admin.app import create_admin
from api.admin.core import AdminCore
from api.app import create_app
from core.app import Core, build
from core.settings import Settings
from core.store.database import Database
from core.store.embedded import ServiceUrls
from tests.fakes.books import Books, open_books
from tests.fakes.serving import serve
from ussd.gateways import GATEWAYS

SUPER = "the-first-super-admin-token"
SECRETS = ("s3cr3t-api-key", "s3cr3t-public", "s3cr3t-secret", "s3cr3t-header")
CREDENTIALS = {"api_key": SECRETS[0], "public_key": SECRETS[1], "secret_key": SECRETS[2]}


@dataclass
class FloatTeller:
    """A VTpass that knows one question, and how it was asked."""

    naira: str
    url: str = ""
    asked: list[dict[str, str]] = field(default_factory=list)

    async def balance(self, request: Request) -> Response:
        self.asked.append(dict(request.headers))
        return JSONResponse({"code": 1, "contents": {"balance": self.naira}})


@asynccontextmanager
async def float_teller(naira: str) -> AsyncIterator[FloatTeller]:
    teller = FloatTeller(naira)
    async with serve(Starlette(routes=[Route("/api/balance", teller.balance)])) as base:
        teller.url = f"{base}/api"
        yield teller


@dataclass(frozen=True)
class Desk:
    """An operator at the admin API of one tenant, `demo`."""

    core: Core
    books: Books
    http: httpx.AsyncClient

    async def get(self, path: str, **query: Any) -> Any:
        """The envelope of an answer that must be a success."""
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def data(self, path: str, **query: Any) -> Any:
        return (await self.get(path, **query))["data"]

    async def put(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.put(path, json=body)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def as_token(self, plain: str | None, path: str, **query: Any) -> httpx.Response:
        """Ask with another token, or with none."""
        headers = {"authorization": f"Bearer {plain}" if plain else ""}
        return await self.http.get(path, params=query, headers=headers)


@asynccontextmanager
async def another_core(urls: ServiceUrls, home: Path) -> AsyncIterator[Core]:
    """A core as each process has one."""
    settings = Settings(home=home, admin_token=SUPER, sandbox_port=1, database_connections=3)
    async with build(settings, urls, "a secret key of a test") as core:
        yield core


class _Lent:
    """The admin API, made once and lent to one core after another.

    Making it takes longer than most tests, and it keeps nothing of a core but its parts.
    """

    def __init__(self) -> None:
        self.core: Core | None = None
        parts = _Later(self, lambda: self.core)
        self.admin = create_admin(cast("AdminCore", parts), ussd=tuple(GATEWAYS))


class _Later:
    """A part of whichever core the admin API is lent to, or what a call of such a part gives."""

    def __init__(self, lent: _Lent, found: Callable[[], Any]) -> None:
        self._lent = lent
        self._found = found

    def __getattr__(self, name: str) -> Any:
        return self._now_or_later(lambda: getattr(self._found(), name))

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self._now_or_later(lambda: self._found()(*given, **named))

    def _now_or_later(self, found: Callable[[], Any]) -> Any:
        return _Later(self._lent, found) if self._lent.core is None else found()


_AT_REST: list[_Lent] = []


@asynccontextmanager
async def admin_api(core: Core) -> AsyncIterator[FastAPI]:
    """The admin API of this core, for as long as this lasts."""
    lent = _AT_REST.pop() if _AT_REST else _Lent()
    lent.core = core
    try:
        yield lent.admin
    finally:
        lent.core = None
        _AT_REST.append(lent)


@asynccontextmanager
async def desk(database: Database, urls: ServiceUrls, home: Path) -> AsyncIterator[Desk]:
    books = await open_books(database)
    async with (
        another_core(urls, home) as core,
        admin_api(core) as admin,
        serve(create_app(core, admin=admin)) as base,
        httpx.AsyncClient(
            base_url=f"{base}/api/v1",
            headers={"authorization": f"Bearer {SUPER}"},
            trust_env=False,
            timeout=20,
        ) as http,
    ):
        yield Desk(core, books, http)
