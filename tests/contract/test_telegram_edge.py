"""Telegram's way in over HTTP: who is let in, what is kept, and when it is acknowledged."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from bots import EDGES
from bots.app import routes
from core.domain.chat import ChatMessage, Doing, Fate
from core.domain.turns import Channel
from core.kit import ids
from core.kit.errors import Fault
from tests.fakes.serving import serve
from tests.fakes.turns import FakeChannels

HOOK = "/telegram/demo"
SECRET = "s3cret-words"
RIGHT = {"X-Telegram-Bot-Api-Secret-Token": SECRET}
ADA = {"id": 42, "first_name": "Ada"}
CHAT = {"id": 42, "type": "private"}


@dataclass
class Kept:
    """Takes what it is given, each message once, or breaks as a store does."""

    taken: list[ChatMessage] = field(default_factory=list)
    reached: list[tuple[str, bool, str]] = field(default_factory=list)
    error: Exception | None = None

    async def take(self, channel: Channel, messages: Sequence[ChatMessage]) -> None:
        self._store()
        known = {each.external_id for each in self.taken}
        self.taken += [each for each in messages if each.external_id not in known]

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None:
        raise AssertionError("Telegram tells of none")

    async def reach(self, channel: Channel, identity: str, *, reachable: bool, why: str) -> None:
        self._store()
        self.reached.append((identity, reachable, why))

    async def moved(self, channel: Channel, identity: str) -> None:
        raise AssertionError("an account of Telegram keeps its number")

    def _store(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class Door:
    http: httpx.AsyncClient
    kept: Kept

    async def post(
        self, document: object, headers: Mapping[str, str] = RIGHT, *, hook: str = HOOK
    ) -> int:
        raw = document if isinstance(document, bytes) else json.dumps(document).encode()
        reply = await self.http.post(hook, content=raw, headers=headers)
        return reply.status_code


@asynccontextmanager
async def door(secret: str = SECRET) -> AsyncIterator[Door]:
    credentials = {"token": "1:x", "webhook_secret": secret} if secret else {"token": "1:x"}
    channel = Channel(
        ids.uuid7(), ids.uuid7(), "telegram", "telegram", "demo", credentials=credentials
    )
    kept = Kept()
    edges = {"telegram": EDGES["telegram"]()}
    app = Starlette(routes=routes(edges, FakeChannels(channel), kept, kept))
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        yield Door(http, kept)


def says(text: str, update_id: int = 7) -> dict[str, Any]:
    message = {"message_id": 5, "date": 1, "chat": CHAT, "from": ADA, "text": text}
    return {"update_id": update_id, "message": message}


async def test_an_update_is_kept_once_however_often_it_comes() -> None:
    async with door() as at:
        statuses = [await at.post(says("Hello")) for _ in range(2)]
        statuses.append(await at.post(says("And more", 8)))
    assert statuses == [200, 200, 200]
    assert [(each.external_id, each.doing, each.text) for each in at.kept.taken] == [
        ("update:7", Doing.TEXT, "Hello"),
        ("update:8", Doing.TEXT, "And more"),
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Telegram-Bot-Api-Secret-Token": ""},
        {"X-Telegram-Bot-Api-Secret-Token": SECRET[:-1]},
        {"X-Telegram-Bot-Api-Secret-Token": SECRET.upper()},
        {"X-Telegram-Bot-Api-Secret-Token": "s\u00e9cret"},
    ],
)
async def test_who_does_not_know_the_secret_is_not_read(headers: dict[str, str]) -> None:
    raw = {name.encode(): value.encode() for name, value in headers.items()}
    async with door() as at:
        reply = await at.http.post(HOOK, json=says("Hello"), headers=raw)
        large = await at.http.post(HOOK, content=b"x" * (2 * 1024 * 1024), headers=raw)
    assert (reply.status_code, large.status_code) == (401, 401)
    assert at.kept.taken == []


@pytest.mark.parametrize("headers", [{}, {"X-Telegram-Bot-Api-Secret-Token": ""}, RIGHT])
async def test_without_a_secret_nobody_is_let_in(headers: dict[str, str]) -> None:
    async with door("") as at:
        assert await at.post(says("Hello"), headers) == 401
    assert at.kept.taken == []


async def test_an_unknown_path_is_none_and_a_get_proves_nothing() -> None:
    async with door() as at:
        assert await at.post(says("Hello"), hook="/telegram/nosuch") == 404
        assert (await at.http.get(HOOK, params={"hub.challenge": "1"})).status_code == 403
    assert at.kept.taken == []


async def test_a_megabyte_is_read_and_no_more() -> None:
    async with door() as at:
        assert await at.post(says("M" * (1024 * 1024))) == 413
        assert at.kept.taken == []
        assert await at.post(says("M" * (1024 * 1024 - 1024))) == 200
    assert [len(each.text) for each in at.kept.taken] == [4096]


async def test_what_cannot_be_kept_is_not_acknowledged_and_taken_later() -> None:
    async with door() as at:
        at.kept.error = Fault("the store is down")
        down = await at.post(says("Hello"))
        at.kept.error = None
        up = await at.post(says("Hello"))
    assert (down, up) == (503, 200)
    assert len(at.kept.taken) == 1


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"edited_message": says("Hello")["message"]},
        {"inline_query": {"id": "1", "from": ADA, "query": "gift", "offset": ""}},
        {"poll_of_tomorrow": {"id": 7}},
        {"message": {**says("Hello")["message"], "chat": {"id": -100, "type": "group"}}},
    ],
)
async def test_what_concerns_nobody_is_acknowledged_and_forgotten(content: dict[str, Any]) -> None:
    async with door() as at:
        assert await at.post({"update_id": 7, **content}) == 200
    assert (at.kept.taken, at.kept.reached) == ([], [])


async def test_who_blocked_the_bot_is_noted() -> None:
    change = {"chat": CHAT, "from": ADA, "new_chat_member": {"status": "kicked"}}
    async with door() as at:
        assert await at.post({"update_id": 7, "my_chat_member": change}) == 200
    assert at.kept.reached == [("42", False, "kicked")]


async def test_bad_input_is_400_and_no_word_of_it_reaches_a_log() -> None:
    with capture_logs() as lines:
        async with door() as at:
            assert await at.post(b'{"update_id": "secret words"') == 400
            assert await at.post({"update_id": "secret words"}) == 400
            at.kept.error = Fault("the store is down")
            assert await at.post(says("secret words")) == 503
    assert lines
    assert "secret words" not in repr(lines)
    assert SECRET not in repr(lines)
