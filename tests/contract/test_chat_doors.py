"""Whatever is posted to a chat channel: a plain answer, messages that can be kept, a silent log."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from structlog.testing import capture_logs

from bots import EDGES
from bots.app import routes
from core.domain.chat import ChatMessage, Fate, InlineQuery, Moved
from core.domain.turns import Channel
from core.kit import ids
from tests.fakes import graph
from tests.fakes.documents import JSON, bent
from tests.fakes.turns import FakeChannels

WHISPERED = "w-h-i-s-p-e-r-e-d"
"""Stands in every text that is posted, and in no log."""

_ADA = {"id": 42, "is_bot": False, "first_name": "Ada", "last_name": "Obi", "language_code": "en"}
_CHAT = {"id": 42, "type": "private", "first_name": "Ada"}
_SAID = {"message_id": 5, "date": 1, "chat": _CHAT, "from": _ADA, "text": "hello"}
_CARD = {"phone_number": "2348031234567", "first_name": "Ada", "user_id": 42}
UPDATE = {
    "update_id": 7,
    "message": {**_SAID, "contact": _CARD, "photo": [{"file_id": "a"}], "caption": "see"},
    "callback_query": {"id": "9", "from": _ADA, "data": "ABCDEFGHJKMN.3:pay", "message": _SAID},
    "my_chat_member": {"chat": _CHAT, "from": _ADA, "new_chat_member": {"status": "kicked"}},
}
WEBHOOK = graph.payload(
    graph.value(
        graph.says("hello"),
        graph.interactive("list_reply", "t.1:a"),
        statuses=[graph.status("failed", "w", 100)],
    ),
    graph.value(graph.message("contacts", [graph.card(origin="contact_request")])),
    graph.value(
        graph.message("system", {"type": "user_changed_number", "wa_id": "2347000000000"}),
        graph.message("image", {"caption": "see"}),
        graph.message("button", {"payload": "t.1:a", "text": "A"}),
    ),
)

_SIGNS = st.text(st.characters(), max_size=12)  # of all letters, halves of letters too
_TEXTS = st.one_of(
    _SIGNS.map(lambda text: WHISPERED + text),
    _SIGNS.map(lambda text: text + WHISPERED),
    st.sampled_from([WHISPERED * 400, f"\x00{WHISPERED}\x00", f"{WHISPERED}\ud800", "\udc00\x00"]),
)
_WEIRD: st.SearchStrategy[Any] = (
    JSON.map(lambda document: {WHISPERED: document})
    | _TEXTS
    | st.integers()
    | st.sampled_from([None, True, [], {}, "", -1, 10**17, 10**30, 10**600, 1e308, [[[[[]]]]]])
)


@st.composite
def _posted(draw: st.DrawFn, real: Any) -> bytes:
    """A bent document as it may come over the wire; now and then cut, or with junk in it."""
    body = json.dumps(draw(bent(real, _WEIRD)), ensure_ascii=draw(st.booleans()))
    written = body.encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 4)):
        return written
    at = draw(st.integers(0, len(written)))
    junk = draw(st.binary(max_size=4) | st.sampled_from([b"\\ud800", b"\\u0000", b"9" * 5000]))
    rest = written[at:] if draw(st.booleans()) else b""
    return written[:at] + junk + rest


@dataclass
class Kept:
    """Takes what a store could take, and fails at anything else as it would."""

    messages: list[ChatMessage] = field(default_factory=list)

    async def take(self, channel: Channel, messages: Sequence[ChatMessage]) -> None:
        for each in messages:
            assert "\\u0000" not in msgspec.json.encode(each).decode()
            assert 0 < len(each.external_id) <= 200
            assert 0 < len(each.identity) <= 200
            assert max(len(each.text), len(each.name)) <= 4096
        self.messages += messages

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None:
        self._storable(*(each.message_id + each.key for each in fates))

    async def reach(self, channel: Channel, identity: str, *, reachable: bool, why: str) -> None:
        self._storable(identity, why)

    async def moved(self, channel: Channel, moved: Moved) -> None:
        self._storable(moved.identity, moved.external_id)

    async def asked(self, channel: Channel, query: InlineQuery) -> None:
        self._storable(query.id, query.identity, query.text)

    def _storable(self, *words: str) -> None:
        for each in words:
            assert "\x00" not in each
            each.encode()


class Door:
    """Both channels' doors, in this process."""

    def __init__(self) -> None:
        self._telegram = Channel(
            ids.uuid7(),
            ids.uuid7(),
            "telegram",
            "telegram",
            "demo",
            credentials={"token": "110201543:SIM-token", "webhook_secret": "SIM-secret"},
        )

    async def _post(self, kind: str, body: bytes, headers: dict[str, str], kept: Kept) -> int:
        channel = self._telegram if kind == "telegram" else graph.channel()
        app = Starlette(routes=routes({kind: EDGES[kind]()}, FakeChannels(channel), kept, kept))
        inside = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=inside, base_url="http://callbox") as http:
            reply = await http.post(f"/{kind}/demo", content=body, headers=headers)
        assert WHISPERED not in reply.text
        return reply.status_code

    def post(self, kind: str, body: bytes) -> tuple[int, list[ChatMessage]]:
        """As the channel itself posts it. The answer's status, and what was kept."""
        headers = (
            {"X-Telegram-Bot-Api-Secret-Token": "SIM-secret"}
            if kind == "telegram"
            else graph.signature(body)
        )
        kept = Kept()
        with capture_logs() as lines:
            status = asyncio.run(self._post(kind, body, headers, kept))
        assert WHISPERED not in repr(lines)
        return status, kept.messages


DOOR = Door()


@pytest.mark.parametrize(("kind", "real"), [("telegram", UPDATE), ("whatsapp", WEBHOOK)])
@settings(max_examples=200)
@given(data=st.data())
def test_whatever_is_posted_is_taken_or_malformed(
    data: st.DataObject, kind: str, real: Any
) -> None:
    status, kept = DOOR.post(kind, data.draw(_posted(real)))

    assert status in (200, 400)
    assert status == 200 or kept == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"update_id":7,"entry":' + b"[" * 200_000, id="deep"),
        pytest.param(
            b'{"update_id":7,"entry":[' + b"{}," * 100_000 + b"{}]}", id="a hundred thousand"
        ),
        pytest.param(b'{"update_id":' + b"9" * 100_000 + b',"entry":[]}', id="a long number"),
        pytest.param(b'{"update_id":7,"entry":[],"x":"' + b"x" * 900_000 + b'"}', id="a long text"),
        pytest.param(b'{"' + b"\\ud83d" * 150_000 + b'":1}', id="halves of letters"),
        pytest.param(b'{"update_id":7,"x":' + b"1" * 4_000_000 + b"}", id="four megabytes"),
    ],
)
@pytest.mark.parametrize("kind", ["telegram", "whatsapp"])
def test_no_size_is_too_hostile(kind: str, body: bytes) -> None:
    status, kept = DOOR.post(kind, body)

    assert status in (200, 400, 413)
    assert kept == []


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\u0000b\u001bc", "abc"),
        (r"a\ud800b", "a\ufffdb"),
        (r"\udc00a\ud83d", "\ufffda\ufffd"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"C:\\ud800", r"C:\ud800"),
        (r"one\ntwo\tthree", "one\ntwo\tthree"),
    ],
)
@pytest.mark.parametrize("kind", ["telegram", "whatsapp"])
def test_what_no_store_takes_is_replaced_or_left_out(kind: str, written: str, read: str) -> None:
    real = (
        {"update_id": 7, "message": {**_SAID, "text": "@"}}
        if kind == "telegram"
        else graph.payload(graph.value(graph.says("@")))
    )
    body = json.dumps(real).replace('"@"', f'"{written}"').encode()

    status, [kept] = DOOR.post(kind, body)

    assert (status, kept.text) == (200, read)
