"""Telegram's webhooks over real sockets, through the door that all chat channels share."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from bots import EDGES
from bots.app import routes
from core.domain.chat import ChatMessage, Doing, Fate, InlineQuery, Moved
from core.domain.turns import Channel
from core.kit import ids
from core.kit.errors import Fault
from tests.fakes.serving import serve
from tests.fakes.turns import FakeChannels

HOOK = "/telegram/k3y"
SECRET = "SIM-secret_1"
TOKEN = "110201543:SIM-token"
ADA = {"id": 42, "is_bot": False, "first_name": "Ada"}
CHAT = {"id": 42, "type": "private"}


@dataclass
class Kept:
    """Takes what it is given, each message once, or breaks as a store does."""

    taken: list[ChatMessage] = field(default_factory=list)
    reached: list[tuple[str, bool, str]] = field(default_factory=list)
    queries: list[InlineQuery] = field(default_factory=list)
    error: Exception | None = None

    async def take(self, channel: Channel, messages: Sequence[ChatMessage]) -> None:
        self._store()
        for each in messages:
            if each.external_id not in {one.external_id for one in self.taken}:
                self.taken.append(each)

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None:
        raise AssertionError("Telegram tells of none")

    async def reach(self, channel: Channel, identity: str, *, reachable: bool, why: str) -> None:
        self._store()
        self.reached.append((identity, reachable, why))

    async def moved(self, channel: Channel, moved: Moved) -> None:
        raise AssertionError("a Telegram id is never given to somebody else")

    async def asked(self, channel: Channel, query: InlineQuery) -> None:
        self.queries.append(query)

    def _store(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class Door:
    http: httpx.AsyncClient
    kept: Kept

    async def post(self, document: object, secret: str | None = SECRET) -> httpx.Response:
        return await self.post_raw(json.dumps(document).encode(), secret)

    async def post_raw(self, body: bytes, secret: str | None = SECRET) -> httpx.Response:
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        return await self.http.post(HOOK, content=body, headers=headers)


@asynccontextmanager
async def door(secret: str = SECRET) -> AsyncIterator[Door]:
    credentials = {"token": TOKEN, "webhook_secret": secret}
    channel = Channel(
        ids.uuid7(), ids.uuid7(), "telegram", "telegram", "k3y", credentials=credentials
    )
    kept = Kept()
    edges = {"telegram": EDGES["telegram"]()}
    app = Starlette(routes=routes(edges, FakeChannels(channel), kept, kept))
    async with serve(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as http:
        yield Door(http, kept)


def says(text: object, number: int = 7) -> dict[str, Any]:
    message = {"message_id": 5, "date": 1, "chat": CHAT, "from": ADA, "text": text}
    return {"update_id": number, "message": message}


async def test_what_is_said_is_kept_and_then_acknowledged() -> None:
    async with door() as at:
        reply = await at.post(says("Ẹ káàsán\n🎉"))
    assert (reply.status_code, reply.text) == (200, "OK")
    [kept] = at.kept.taken
    assert (kept.identity, kept.doing, kept.text) == ("42", Doing.TEXT, "Ẹ káàsán\n🎉")


@pytest.mark.parametrize("secret", [None, "", "SIM-secret_2", SECRET + "x", SECRET[:-1]])
async def test_who_does_not_know_the_secret_is_not_let_in(secret: str | None) -> None:
    async with door() as at:
        reply = await at.post(says("hello"), secret)
    assert reply.status_code == 401
    assert at.kept.taken == []


@pytest.mark.parametrize("secret", [None, "", "x"])
async def test_a_channel_without_a_secret_lets_nobody_in(secret: str | None) -> None:
    async with door("") as at:
        reply = await at.post(says("hello"), secret)
    assert reply.status_code == 401
    assert at.kept.taken == []


async def test_a_stranger_s_body_is_not_read() -> None:
    """Nothing is sent of it but the head, and the answer is there."""
    async with door() as at:
        host, port = at.http.base_url.host, at.http.base_url.port
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(f"POST {HOOK} HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n".encode())
        status = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
    assert b" 401 " in status


async def test_a_body_without_end_is_too_large() -> None:
    async with door() as at:
        reply = await at.post_raw(json.dumps(says("x" * 1_100_000)).encode())
    assert reply.status_code == 413
    assert at.kept.taken == []


async def test_the_same_update_again_is_acknowledged_and_kept_once() -> None:
    async with door() as at:
        replies = [await at.post(says("hello", 8)) for _ in range(2)]
        replies += await asyncio.gather(*(at.post(says("again", 9)) for _ in range(4)))
    assert {reply.status_code for reply in replies} == {200}
    assert [each.external_id for each in at.kept.taken] == ["update:8", "update:9"]


async def test_what_cannot_be_kept_is_not_acknowledged() -> None:
    async with door() as at:
        at.kept.error = Fault("the store is down")
        refused = await at.post(says("hello"))
        blocked = await at.post(left("kicked"))
        at.kept.error = None
        taken = await at.post(says("hello"))
    assert [refused.status_code, blocked.status_code, taken.status_code] == [503, 503, 200]
    assert [each.text for each in at.kept.taken] == ["hello"]


def left(status: str) -> dict[str, Any]:
    change = {"chat": CHAT, "from": ADA, "new_chat_member": {"status": status, "user": ADA}}
    return {"update_id": 9, "my_chat_member": change}


async def test_who_blocks_the_bot_and_takes_it_back_is_noted() -> None:
    async with door() as at:
        for status in ("kicked", "member", "restricted"):
            assert (await at.post(left(status))).status_code == 200
    assert at.kept.reached == [("42", False, "kicked"), ("42", True, "")]


async def test_who_asks_from_another_chat_is_answered_there() -> None:
    asked = {"id": "77", "from": {**ADA, "language_code": "en-GB"}, "query": " 2345 ", "offset": ""}
    async with door() as at:
        assert (await at.post({"update_id": 4, "inline_query": asked})).status_code == 200
    assert at.kept.queries == [InlineQuery("77", "42", "2345", "en")]
    assert at.kept.taken == []


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"edited_message": says("x")["message"]},
        {"channel_post": {"message_id": 1, "chat": {"id": -100, "type": "channel"}, "text": "x"}},
        {"message": {**says("x")["message"], "chat": {"id": -5, "type": "supergroup"}}},
        {"inline_query": {"id": 1, "from": ADA, "query": "x", "offset": ""}},
        {"inline_query": {"id": "1", "from": {"id": True}, "query": "x"}},
        {"chosen_inline_result": {"result_id": "1", "from": ADA, "query": "x"}},
        {"something_new": {"deep": [[[[{}]]]]}},
        {"message": "no object"},
        {"message": {"chat": {"id": True, "type": "private"}, "from": {"id": True}}},
        {"callback_query": {"id": 5, "from": [], "data": {}}},
    ],
)
async def test_what_concerns_nobody_is_acknowledged_and_forgotten(content: object) -> None:
    async with door() as at:
        reply = await at.post({"update_id": 3, **content})  # type: ignore[dict-item]  # they are
    assert reply.status_code == 200
    assert at.kept.taken == []


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"<html>", b"[]", b"{}", b'{"update_id": "x"}', b"[" * 99_999]
)
async def test_what_is_no_update_is_malformed(body: bytes) -> None:
    async with door() as at:
        reply = await at.post_raw(body)
    assert reply.status_code == 400


async def test_a_strange_button_is_kept_as_an_old_one() -> None:
    query = {"id": "9", "from": ADA, "data": "x" * 300, "message": {"message_id": 1, "chat": CHAT}}
    async with door() as at:
        assert (await at.post({"update_id": 4, "callback_query": query})).status_code == 200
    assert [(each.doing, each.turn) for each in at.kept.taken] == [(Doing.PRESS, -1)]


async def test_no_word_and_no_secret_is_in_a_log() -> None:
    with capture_logs() as logs:
        async with door() as at:
            await at.post(says("my pin is 6194"))
            await at.post({"message": says("my pin is 6194")["message"]})
            at.kept.error = Fault("the store is down")
            await at.post(says("my pin is 6194"))
    assert logs
    for told in ("6194", SECRET, TOKEN, "Ada", "k3y"):
        assert told not in str(logs)


async def test_other_paths_and_methods_are_nobody_s() -> None:
    async with door() as at:
        unknown = await at.http.post("/telegram/nosuch", json=says("x"))
        challenge = await at.http.get(HOOK)
    assert (unknown.status_code, challenge.status_code) == (404, 403)
