"""WhatsApp over real sockets: webhooks through the door, and messages to a Graph API."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from structlog.testing import capture_logs

from bots import EDGES, MESSENGERS
from bots.app import routes
from bots.whatsapp.messenger import WhatsAppMessenger
from core.domain.chat import (
    Address,
    ChatMessage,
    Closed,
    Delivery,
    Doing,
    Fate,
    Later,
    Refused,
    Sent,
    Telling,
    Unreachable,
)
from core.domain.display import Line, Nav, NavWords, Screen
from core.domain.turns import Channel
from core.kit.errors import Fault
from core.ports.chat import Messenger, Moment
from core.providers.addresses import Reach, reaching
from tests.fakes.graph import (
    NUMBER_ID,
    TOKEN,
    USER_ID,
    VERIFY_TOKEN,
    WA_ID,
    Graph,
    at_360dialog,
    channel,
    error,
    graph,
    message,
    payload,
    says,
    signature,
    status,
    value,
)
from tests.fakes.serving import serve
from tests.fakes.turns import FakeChannels
from tests.fakes.wire import Behaviour, hangs_up, resets, stays_silent, wire, writes
from tests.fakes.wire import says as answers

HOOK = "/whatsapp/demo"
_DAY_S = 24 * 3600


# In at the door.


@dataclass
class Kept:
    """Takes what it is given, each message once, or breaks as a store does."""

    taken: list[ChatMessage] = field(default_factory=list)
    fates_told: list[Fate] = field(default_factory=list)
    reached: list[tuple[str, bool, str]] = field(default_factory=list)
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
    assert at.kept.reached[0] == (USER_ID, False, "number changed")


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


# Out to people.

WORDS = NavWords(back="Back", home="Main menu", home_short="Menu", more="More")
OPTIONS = (Line(1, "buy", "Buy"), Line(2, "wallet", "Wallet", "N500"))
MENU = Screen(
    key="home.menu",
    talk="t1",
    turn=3,
    text="Welcome",
    options=OPTIONS,
    nav=Nav(back=False, home=False, more=False),
    nav_words=WORDS,
    notice="",
    secret=False,
    out_of_sight=False,
    receipt="",
    ends=False,
    input="choice",
    page=0,
    pages=1,
    body="Welcome\n1. Buy\n2. Wallet",
    page_text="Welcome",
    page_options=OPTIONS,
)
END = replace(
    MENU,
    options=(),
    page_options=(),
    nav=Nav(back=False, home=True, more=False),
    body="Paid.\n00. Main menu",
    page_text="Paid.",
    input="none",
)
ASKED = ChatMessage("wamid.U1", USER_ID, Doing.TEXT, text="hi", msisdn=WA_ID, own=True)
WORD = Telling("notice-1", "Your order is done", template_facts=("done", "REF-1"))
PICTURE = b"\x89PNG made up"


@dataclass
class Speaker:
    graph: Graph
    messenger: WhatsAppMessenger
    channel: Channel

    def to(self, identity: str = USER_ID) -> Address:
        return Address(self.channel.tenant_id, self.channel, identity)

    async def show(self, screen: Screen = MENU, **moment: Any) -> Delivery:
        return await self.messenger.show(self.to(), screen, Moment(**moment))

    async def tell(self, telling: Telling = WORD, *, template: bool = False) -> Delivery:
        return await self.messenger.tell(self.to(), telling, template=template)


@asynccontextmanager
async def speaker(made: Channel | None = None) -> AsyncIterator[Speaker]:
    """Talks to a Graph API; `made` is given its address."""
    async with graph() as served:
        made = made or channel()
        made = replace(made, settings={**made.settings, "api_base_url": served.base_url})
        messenger = WhatsAppMessenger(timeout_s=5, mark_after_s=0.05)
        try:
            yield Speaker(served, messenger, made)
        finally:
            await messenger.aclose()


async def test_it_is_registered() -> None:
    messenger: Messenger = MESSENGERS["whatsapp"]()
    assert messenger.kind == "whatsapp"
    assert await messenger.unsay(channel(), ASKED) is False
    await messenger.aclose()


async def test_a_screen_is_one_message_on_the_wire() -> None:
    async with speaker() as at:
        assert await at.show() == Sent("wamid.S1")
    [asked] = at.graph.asked
    assert asked.path == f"/v26.0/{NUMBER_ID}/messages"
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["content-type"] == "application/json"
    assert asked.body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "recipient": USER_ID,
        "type": "interactive",
        "interactive": {
            "type": "button",
            "body": {"text": "Welcome"},
            "action": {
                "buttons": [
                    {"type": "reply", "reply": {"id": "t1.3:buy", "title": "Buy"}},
                    {"type": "reply", "reply": {"id": "t1.3:wallet", "title": "Wallet"}},
                ]
            },
        },
    }


async def test_a_number_is_written_to_as_a_number() -> None:
    async with speaker() as at:
        await at.messenger.show(at.to(WA_ID), MENU, Moment())
    [body] = at.graph.messages
    assert body["to"] == WA_ID
    assert "recipient" not in body


async def test_a_partner_is_reached_by_its_own_path_and_header() -> None:
    async with speaker(at_360dialog()) as at:
        assert await at.show(END, picture=PICTURE) == Sent("wamid.S1")
    assert [each.path for each in at.graph.asked] == ["/media", "/messages"]
    for each in at.graph.asked:
        assert each.headers["d360-api-key"] == TOKEN
        assert "authorization" not in each.headers


async def test_a_receipt_is_uploaded_and_sent_with_its_words() -> None:
    async with speaker() as at:
        assert await at.show(END, picture=PICTURE) == Sent("wamid.S1")
    upload, sent = at.graph.asked
    assert upload.path == f"/v26.0/{NUMBER_ID}/media"
    assert upload.body == {"product": "whatsapp", "kind": "image/png", "file": PICTURE}
    assert sent.body["image"] == {"id": "7001", "caption": "Paid.\n00. Main menu"}


@pytest.mark.parametrize(
    "media",
    [error(131053), Response(b"", 500), JSONResponse([]), JSONResponse({"id": 7}), Response(b"x")],
    ids=["refused", "broken", "a list", "a number", "no JSON"],
)
async def test_without_its_picture_a_receipt_is_words(media: Response) -> None:
    async with speaker() as at:
        at.graph.media = media
        assert await at.show(END, picture=PICTURE) == Sent("wamid.S1")
        assert await at.tell(replace(WORD, picture=PICTURE)) == Sent("wamid.S2")
    assert [body["type"] for body in at.graph.messages] == ["interactive", "text"]


async def test_a_secret_leads_to_its_page() -> None:
    secret = replace(END, secret=True, out_of_sight=True, input="digits")
    async with speaker() as at:
        await at.show(secret, unlock_url="https://callbox.example/p/x")
    [body] = at.graph.messages
    assert body["interactive"]["type"] == "cta_url"
    assert body["interactive"]["action"]["parameters"]["url"] == "https://callbox.example/p/x"


@pytest.mark.parametrize(
    ("identity", "answering", "asked_for"),
    [
        pytest.param(USER_ID, replace(ASKED, msisdn="", own=False), True, id="no number known"),
        pytest.param(USER_ID, ASKED, False, id="a number known"),
        pytest.param(USER_ID, None, True, id="nobody wrote"),
        pytest.param(WA_ID, None, False, id="a number for a name"),
    ],
)
async def test_a_number_is_asked_for_where_none_is_known(
    identity: str, answering: ChatMessage | None, asked_for: bool
) -> None:
    asking = replace(END, input="contact")
    async with speaker() as at:
        await at.messenger.show(at.to(identity), asking, Moment(answering=answering))
    [body] = at.graph.messages
    assert (body["interactive"]["type"] == "request_contact_info") is asked_for


async def test_words_outside_of_a_turn() -> None:
    long = replace(WORD, text="M" * 1500, picture=PICTURE)
    async with speaker() as at:
        assert await at.tell() == Sent("wamid.S1")
        assert await at.tell(replace(WORD, picture=PICTURE)) == Sent("wamid.S2")
        assert await at.tell(long) == Sent("wamid.S3")
    words, picture, too_long = at.graph.messages
    assert words["text"] == {"body": "Your order is done", "preview_url": False}
    assert picture["image"] == {"id": "7001", "caption": "Your order is done"}
    assert too_long["text"]["body"] == "M" * 1500


async def test_a_template_carries_its_facts() -> None:
    async with speaker() as at:
        assert await at.tell(replace(WORD, picture=PICTURE), template=True) == Sent("wamid.S1")
    [asked] = at.graph.asked
    assert asked.body["type"] == "template"
    assert asked.body["template"] == {
        "name": "callbox_notice",
        "language": {"code": "en"},
        "components": [
            {
                "type": "body",
                "parameters": [
                    {"type": "text", "text": "done"},
                    {"type": "text", "text": "REF-1"},
                ],
            }
        ],
    }


async def test_without_a_template_none_is_sent() -> None:
    async with speaker(channel(settings={"phone_number_id": NUMBER_ID})) as at:
        assert await at.tell(template=True) == Refused("the channel has no template")
    assert at.graph.asked == []


# The table of errors.


@pytest.mark.parametrize(
    ("code", "http_status", "expected"),
    [
        *((code, 400, Later) for code in (4, 80007, 130429, 131056, 131049, 131048, 131064)),
        *((code, 500, Later) for code in (1, 2, 131000, 131016, 131057)),
        (130472, 400, Later),
        (131047, 400, Closed),
        (131026, 400, Unreachable),
        (131050, 400, Unreachable),
        *((code, 400, Refused) for code in (33, 100, 131008, 131009, 131051, 131062)),
        *(
            (code, 400, Refused)
            for code in (132000, 132001, 132005, 132007, 132012, 132015, 132016)
        ),
        *((code, 403, Refused) for code in (10, 200, 299, 368, 131031, 131042)),
        *((code, 401, Refused) for code in (0, 190)),
        (3, 500, Refused),
        (424242, 400, Refused),
        (424242, 503, Later),
    ],
)
async def test_each_error_has_its_consequence(
    code: int, http_status: int, expected: type[Delivery]
) -> None:
    async with speaker() as at:
        at.graph.answers = [error(code, http_status), error(code, http_status)]
        shown, told = await at.show(), await at.tell()
    for delivery in (shown, told):
        assert isinstance(delivery, expected)
        if isinstance(delivery, Refused):
            assert delivery.stops is (code in {0, 3, 10, 190, 200, 299, 368, 131031, 131042})
        if isinstance(delivery, Later):
            held_back = code in {131049, 131048, 131064, 130472}
            assert (delivery.after_s >= _DAY_S) is held_back


async def test_the_pair_limit_asks_for_more_patience_each_time_until_it_is_over() -> None:
    async with speaker() as at:
        at.graph.answers = [error(131056)] * 3
        waits = [await at.show() for _ in range(3)]
        other = await at.messenger.tell(at.to(WA_ID), WORD)
        assert isinstance(await at.show(), Sent)
        at.graph.answers = [error(131056)]
        again = await at.show()
    seconds = [each.after_s for each in (*waits, again) if isinstance(each, Later)]
    assert isinstance(other, Sent)
    assert len(seconds) == 4
    for waited, least in zip(seconds, (4, 16, 64, 4), strict=True):
        assert least <= waited <= least * 1.25


async def test_it_is_waited_as_long_as_they_ask() -> None:
    async with speaker() as at:
        at.graph.answers = [error(130429, 429, **{"retry-after": "77"})]
        delivery = await at.show()
    assert isinstance(delivery, Later)
    assert delivery.after_s == 77


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response(b"", 500), Later),
        (HTMLResponse("<html>", 503), Later),
        (HTMLResponse("<html>", 200), Later),
        (HTMLResponse("<html>", 404), Refused),
        (Response(b"", 302, {"location": "/v27.0"}), Refused),
        (Response(b"", 401), Refused),
        (JSONResponse({}), Sent),
        (JSONResponse({"messages": []}), Sent),
        (JSONResponse({"messages": [{"id": 7}]}), Sent),
        (JSONResponse([]), Later),
    ],
)
async def test_odd_answers(answer: Response, expected: type[Delivery]) -> None:
    async with speaker() as at:
        at.graph.answers = [answer]
        delivery = await at.show()
    assert isinstance(delivery, expected)
    if isinstance(delivery, Sent):
        assert delivery.message_id == ""


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(stays_silent, id="no answer"),
        pytest.param(hangs_up, id="closed"),
        pytest.param(resets, id="reset"),
        pytest.param(writes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), id="half"),
        pytest.param(writes(b"nonsense\r\n\r\n"), id="no HTTP"),
        pytest.param(answers('{"messages": [{"id"', 200), id="half a document"),
    ],
)
async def test_a_broken_exchange_is_tried_again_later_not_at_once(behaviour: Behaviour) -> None:
    async with wire(behaviour) as server:
        messenger = WhatsAppMessenger(timeout_s=0.5)
        made = channel(base_url=server.base_url)
        to = Address(made.tenant_id, made, USER_ID)
        try:
            delivery = await messenger.show(to, MENU, Moment(answering=ASKED))
        finally:
            await messenger.aclose()
    assert isinstance(delivery, Later)
    assert 1 <= delivery.after_s <= 10
    assert len(server.requests) == 1


async def test_nobody_there_is_tried_again_later() -> None:
    messenger = WhatsAppMessenger(timeout_s=0.5)
    made = channel()
    try:
        to = Address(made.tenant_id, made, USER_ID)
        assert isinstance(await messenger.show(to, MENU, Moment()), Later)
        await messenger.received(made, ASKED)
    finally:
        await messenger.aclose()


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(channel(settings={}), id="no settings"),
        pytest.param(channel(credentials={}), id="no token"),
        pytest.param(channel(credentials={"access_token": "a\r\nb"}), id="a token of two lines"),
        pytest.param(channel(base_url="http://127.0.0.1:99999999"), id="no port"),
    ],
)
async def test_a_channel_that_was_set_up_wrongly_stops(made: Channel) -> None:
    messenger = WhatsAppMessenger(timeout_s=0.5)
    to = Address(made.tenant_id, made, USER_ID)
    try:
        shown = await messenger.show(to, END, Moment(picture=PICTURE))
        told = await messenger.tell(to, WORD, template=True)
        await messenger.received(made, ASKED)
    finally:
        await messenger.aclose()
    assert isinstance(shown, Refused)
    assert isinstance(told, Refused)
    assert shown.stops
    assert told.stops


async def test_a_tenant_s_address_leads_no_further_than_it_may() -> None:
    async with graph() as served:
        with reaching(Reach.PUBLIC):
            messenger = WhatsAppMessenger(timeout_s=0.5)
        made = channel(base_url=served.base_url.replace("127.0.0.1", "localhost"))
        try:
            to = Address(made.tenant_id, made, USER_ID)
            assert isinstance(await messenger.show(to, MENU, Moment()), Later)
        finally:
            await messenger.aclose()
    assert served.asked == []


# Read, and typing.


async def test_what_came_is_read_and_somebody_types() -> None:
    async with speaker() as at:
        await at.messenger.received(at.channel, ASKED)
        await at.messenger.received(at.channel, replace(ASKED, doing=Doing.NUDGE))
        press = replace(ASKED, external_id="wamid.U2", doing=Doing.PRESS, message_id="wamid.S1")
        await at.messenger.received(at.channel, press)
    assert at.graph.marks == [
        {
            "messaging_product": "whatsapp",
            "status": "read",
            "message_id": message_id,
            "typing_indicator": {"type": "text"},
        }
        for message_id in ("wamid.U1", "wamid.U2")
    ]


async def test_what_was_answered_is_read_the_newest_alone_and_later() -> None:
    async with speaker() as at:
        for number in range(1, 4):
            await at.show(answering=replace(ASKED, external_id=f"wamid.U{number}"))
        assert at.graph.marks == []
        await at.graph.until_marked(1)
        await at.show(answering=replace(ASKED, external_id="wamid.U3"))
        await at.show(answering=replace(ASKED, external_id="wamid.U4"))
        await at.graph.until_marked(2)
    assert [each["message_id"] for each in at.graph.marks] == ["wamid.U3", "wamid.U4"]
    assert "typing_indicator" not in at.graph.marks[0]


async def test_what_was_marked_while_typing_is_not_marked_again() -> None:
    async with speaker() as at:
        await at.messenger.received(at.channel, ASKED)
        await at.show(answering=ASKED)
        await at.show(answering=replace(ASKED, external_id="wamid.U2"))
        await at.graph.until_marked(2)
    assert [each["message_id"] for each in at.graph.marks] == ["wamid.U1", "wamid.U2"]


async def test_what_was_not_answered_is_not_read() -> None:
    async with speaker() as at:
        at.graph.answers = [error(131026)]
        await at.show(answering=ASKED)
        await at.show(answering=None)
        await at.show(answering=replace(ASKED, external_id="wamid.U2"))
        await at.graph.until_marked(1)
    assert [each["message_id"] for each in at.graph.marks] == ["wamid.U2"]


async def test_no_token_number_or_word_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with speaker() as at:
            at.graph.answers = [error(190, 401), error(131000, 500)]
            await at.tell(replace(WORD, text="a secret word", picture=PICTURE))
            await at.show(END, answering=ASKED)
            await at.messenger.tell(at.to(WA_ID), WORD, template=True)
            await at.messenger.received(at.channel, ASKED)
    acts = {line["act"] for line in lines}
    assert acts == {"whatsapp.send", "whatsapp.upload", "whatsapp.mark"}
    logged = repr(lines) + caplog.text
    assert not any(secret in logged for secret in (TOKEN, WA_ID, "a secret word", "REF-1"))
