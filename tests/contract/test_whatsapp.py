"""WhatsApp's webhooks over real sockets, through the door that all chat channels share."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from bots import EDGES
from bots.app import routes
from core.domain.chat import ChatMessage, Fate, InlineQuery, Moved, Unreachable
from core.domain.turns import Channel
from core.kit.errors import Fault
from tests.fakes.graph import (
    USER_ID,
    VERIFY_TOKEN,
    WA_ID,
    at_360dialog,
    channel,
    message,
    payload,
    says,
    signature,
    status,
    value,
)
from tests.fakes.serving import serve
from tests.fakes.turns import FakeChannels

HOOK = "/whatsapp/demo"


@dataclass
class Kept:
    """Takes what it is given, each message once, or breaks as a store does."""

    taken: list[ChatMessage] = field(default_factory=list)
    fates_told: list[Fate] = field(default_factory=list)
    reached: list[tuple[str, bool, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    error: Exception | None = None

    async def take(self, channel: Channel, messages: Sequence[ChatMessage]) -> None:
        self._store()
        for each in messages:
            if each.external_id not in {one.external_id for one in self.taken}:
                self.taken.append(each)

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None:
        self._store()
        self.fates_told += fates

    async def reach(self, channel: Channel, identity: str, *, reachable: bool, why: str) -> None:
        self._store()
        self.reached.append((identity, reachable, why))

    async def moved(self, channel: Channel, moved: Moved) -> None:
        self._store()
        self.left.append(moved.identity)

    async def asked(self, channel: Channel, query: InlineQuery) -> None:
        raise AssertionError("nobody asks from another chat on WhatsApp")

    def _store(self) -> None:
        if self.error is not None:
            raise self.error


@dataclass
class Door:
    http: httpx.AsyncClient
    kept: Kept
    channels: FakeChannels

    async def post(self, document: object, **headers: str) -> httpx.Response:
        return await self.post_raw(json.dumps(document).encode(), **headers)

    async def post_raw(self, body: bytes, **headers: str) -> httpx.Response:
        return await self.http.post(HOOK, content=body, headers=headers or signature(body))


@asynccontextmanager
async def door(to: Channel | None = None) -> AsyncIterator[Door]:
    kept, channels = Kept(), FakeChannels(to or channel())
    app = Starlette(routes=routes({"whatsapp": EDGES["whatsapp"]()}, channels, kept, kept))
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as http:
        yield Door(http, kept, channels)


async def test_the_challenge_is_answered_and_a_wrong_token_is_not() -> None:
    query = {
        "hub.mode": "subscribe",
        "hub.verify_token": VERIFY_TOKEN,
        "hub.challenge": "1158201444",
    }
    async with door() as at:
        right = await at.http.get(HOOK, params=query)
        wrong = await at.http.get(HOOK, params={**query, "hub.verify_token": "guess"})
        unknown = await at.http.get("/whatsapp/nosuch", params=query)
    assert (right.status_code, right.text) == (200, "1158201444")
    assert right.headers["content-type"].startswith("text/plain")
    assert (wrong.status_code, unknown.status_code) == (403, 404)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(json.dumps(payload(value(says("Ẹ káàsán 🎉")))).encode(), id="escaped"),
        pytest.param(
            json.dumps(payload(value(says("Ẹ káàsán 🎉"))), ensure_ascii=False).encode(),
            id="letters as they are",
        ),
        pytest.param(
            json.dumps(payload(value(says("Ẹ káàsán 🎉"))), indent=2)
            .replace("whatsapp_business", "whatsapp\\/business")
            .encode(),
            id="escaped slashes and white space",
        ),
    ],
)
async def test_what_was_signed_is_taken_byte_for_byte(body: bytes) -> None:
    async with door() as at:
        right = await at.post_raw(body)
        wrong = await at.post_raw(body + b" ", **signature(body))
    assert (right.status_code, wrong.status_code) == (200, 401)
    assert [each.text for each in at.kept.taken] == ["Ẹ káàsán 🎉"]


async def test_nothing_unsigned_is_read() -> None:
    document = payload(value(says("Hello")))
    async with door() as at:
        none = await at.post(document, **{"x-other": "1"})
        bad = await at.post(document, **{"X-Hub-Signature-256": "sha256=" + "0" * 64})
    assert [none.status_code, bad.status_code] == [401, 401]
    assert at.kept.taken == []


async def test_everything_in_one_call_is_kept_in_order_and_once() -> None:
    document = payload(
        value(says("1", "wamid.1"), says("2", "wamid.2"), statuses=[status("sent")]),
        value(says("2", "wamid.2"), says("3", "wamid.3")),
        value(
            message("system", {"type": "user_changed_number", "wa_id": "2347000000000"}),
            statuses=[status("failed", "wamid.8", 131026), status("read")],
        ),
    )
    async with door() as at:
        both = await asyncio.gather(at.post(document), at.post(document))
        late = await at.post(payload(value(says("3", "wamid.3"), says("4", "wamid.4"))))
    assert [each.status_code for each in (*both, late)] == [200, 200, 200]
    assert [each.text for each in at.kept.taken] == ["1", "2", "3", "4"]
    assert at.kept.fates_told[:3] == [
        Fate("wamid.9", "sent"),
        Fate("wamid.8", "failed", Unreachable("not on WhatsApp")),
        Fate("wamid.9", "read"),
    ]
    assert (at.kept.left[0], at.kept.reached) == (USER_ID, [])


async def test_what_cannot_be_kept_is_not_acknowledged_and_taken_later() -> None:
    document = payload(value(says("Hello")))
    async with door() as at:
        at.kept.error = Fault("the store is down")
        down = await at.post(document)
        at.kept.error = None
        up = await at.post(document)
        at.channels.error = Fault("the store is down")
        unknown = await at.post(document)
    assert [each.status_code for each in (down, up, unknown)] == [503, 200, 503]
    assert len(at.kept.taken) == 1


async def test_bad_input_is_400_and_no_word_of_it_reaches_a_log() -> None:
    with capture_logs() as lines:
        async with door() as at:
            malformed = await at.post_raw(b'{"entry": "secret words"')
            strange = await at.post(
                payload(value(message("secret kind", {"body": "secret words"})))
            )
            other = await at.post(payload(value(says("secret words"), number="1")))
            fine = await at.post(payload(value(says("secret words"))))
    assert malformed.status_code == 400
    assert [each.status_code for each in (strange, other, fine)] == [200, 200, 200]
    assert "secret words" not in repr(lines)
    assert WA_ID not in repr(lines)


async def test_three_megabytes_are_read_and_no_more() -> None:
    document = payload(value(says("M" * (3 * 1024 * 1024))))
    fitting = payload(value(says("M" * (2 * 1024 * 1024))))
    async with door() as at:
        large = await at.post(document)
        fits = await at.post(fitting)
    assert (large.status_code, fits.status_code) == (413, 200)
    assert len(at.kept.taken[0].text) == 4096


async def test_a_partner_s_webhook_needs_its_path_alone() -> None:
    async with door(at_360dialog()) as at:
        taken = await at.post(payload(value(says("Hello"))), **{"x-other": "1"})
        unknown = await at.http.post("/whatsapp/guess", content=b"{}")
        query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
        subscribed = await at.http.get(HOOK, params=query)
    assert [each.status_code for each in (taken, unknown, subscribed)] == [200, 404, 403]
    assert [each.identity for each in at.kept.taken] == [USER_ID]
