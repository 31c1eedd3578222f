"""The Graph API simulator, asked over sockets, and the webhooks that it signs."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.whatsapp import CALLS, WhatsApp
from sandbox.whatsapp_hooks import WEBHOOKS
from tests.fakes.outside import Outside, Taker, outside, settled, taker
from tests.fakes.serving import serve

USER = "2348031234567"
NUMBER = "100000000000001"
BEARER = {"authorization": "Bearer SIM-whatsapp-token"}
SECRET = b"SIM-whatsapp-app-secret"


@pytest_asyncio.fixture(scope="module")
async def hook() -> AsyncIterator[Taker]:
    async with taker() as taking:
        yield taking


@pytest_asyncio.fixture(scope="module")
async def shared(hook: Taker) -> AsyncIterator[Outside]:
    callbox = hook.url.removesuffix("/hook")
    async with outside(callbox_url=callbox) as running:
        yield running


@pytest_asyncio.fixture
async def world(shared: Outside, hook: Taker) -> Outside:
    await shared.start_over()
    hook.bodies.clear()
    hook.headers.clear()
    hook.answers = ((200, {}),)
    return shared


async def post(world: Outside, content: dict[str, Any], **more: Any) -> httpx.Response:
    body = {"messaging_product": "whatsapp", "to": USER, **content}
    return await world.http.post(
        f"/whatsapp/v26.0/{NUMBER}/messages", json=body, headers=BEARER, **more
    )


async def text(world: Outside, body: str = "Hello", **more: Any) -> httpx.Response:
    return await post(world, {"type": "text", "text": {"body": body}, **more})


async def act(world: Outside, action: str, user: str = USER, **body: Any) -> dict[str, Any]:
    reply = await world.http.post(f"/control/whatsapp/{user}/{action}", json=body)
    assert reply.status_code == 200, reply.text
    made: dict[str, Any] = reply.json()
    return made


async def phone(world: Outside, user: str = USER) -> dict[str, Any]:
    shown: dict[str, Any] = (await world.http.get(f"/control/whatsapp/{user}/messages")).json()
    return shown


def code_of(reply: httpx.Response) -> int:
    return int(reply.json()["error"]["code"])


def values(hook: Taker) -> list[dict[str, Any]]:
    return [
        change["value"]
        for body in hook.bodies
        for entry in json.loads(body)["entry"]
        for change in entry["changes"]
    ]


def messages(hook: Taker) -> list[dict[str, Any]]:
    return [message for value in values(hook) for message in value.get("messages", [])]


def statuses(hook: Taker) -> list[dict[str, Any]]:
    return [status for value in values(hook) for status in value.get("statuses", [])]


async def until(hook: Taker, count: int, told: Any = messages) -> None:
    """Return when so many were told, in however many calls."""
    async with asyncio.timeout(5), hook.came:
        await hook.came.wait_for(lambda: len(told(hook)) >= count)


def buttons(*titles: str, body: str = "Choose", **ids: str) -> dict[str, Any]:
    replies = [
        {"type": "reply", "reply": {"id": ids.get(f"id{at}", f"t:{at}"), "title": title}}
        for at, title in enumerate(titles)
    ]
    interactive = {"type": "button", "body": {"text": body}, "action": {"buttons": replies}}
    return {"type": "interactive", "interactive": interactive}


def rows(
    count: int = 2, *, button: str = "Open", body: str = "Choose", **row: str
) -> dict[str, Any]:
    listed = [{"id": f"t:{at}", "title": f"Row {at}", **row} for at in range(count)]
    action = {"button": button, "sections": [{"title": "Plans", "rows": listed}]}
    interactive = {"type": "list", "body": {"text": body}, "action": action}
    return {"type": "interactive", "interactive": interactive}


def link(title: str = "Pay", url: str = "http://127.0.0.1/p") -> dict[str, Any]:
    action = {"name": "cta_url", "parameters": {"display_text": title, "url": url}}
    interactive = {"type": "cta_url", "body": {"text": "Pay here"}, "action": action}
    return {"type": "interactive", "interactive": interactive}


def template(
    name: str = "callbox_notice", language: str = "en", parameter: str = "Paid"
) -> dict[str, Any]:
    body = {"type": "body", "parameters": [{"type": "text", "text": parameter}]}
    content = {"name": name, "language": {"code": language}, "components": [body]}
    return {"type": "template", "template": content}


# Who may call.


@pytest.mark.parametrize(
    "headers", [{}, {"authorization": "Bearer SIM-other"}, {"d360-api-key": "SIM-other"}]
)
async def test_a_wrong_token_is_190(world: Outside, headers: dict[str, str]) -> None:
    reply = await world.http.post(f"/whatsapp/v26.0/{NUMBER}/messages", json={}, headers=headers)

    assert (reply.status_code, code_of(reply)) == (401, 190)


async def test_the_other_providers_path_and_header_are_taken(world: Outside) -> None:
    await act(world, "say", text="Hi")
    body = {"messaging_product": "whatsapp", "to": USER, "text": {"body": "Hello"}}

    reply = await world.http.post(
        "/whatsapp/messages", json=body, headers={"D360-API-KEY": "SIM-whatsapp-token"}
    )

    assert reply.status_code == 200


async def test_another_number_is_not_ours(world: Outside) -> None:
    reply = await world.http.post("/whatsapp/v26.0/1/messages", json={}, headers=BEARER)

    assert (reply.status_code, code_of(reply)) == (400, 100)
    own = await world.http.get(f"/whatsapp/v26.0/{NUMBER}", headers=BEARER)
    assert own.json()["id"] == NUMBER


async def test_an_error_has_the_shape_of_graph(world: Outside) -> None:
    error = (await text(world)).json()["error"]

    assert set(error) == {"message", "type", "code", "error_data", "fbtrace_id"}
    assert error["message"].startswith("(#131047)")
    assert error["error_data"]["details"]


# Limits.


def _wide(part: str, letters: int) -> dict[str, Any]:
    content = buttons("One")
    content["interactive"][part] = {"text": "x" * letters}
    if part == "header":
        content["interactive"][part]["type"] = "text"
    return content


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (rows(11), 131009),
        (rows(title="x" * 25), 131009),
        (rows(description="x" * 73), 131009),
        (rows(1, id="x" * 201), 131009),
        (rows(2, id="same"), 131009),
        (rows(button="x" * 21), 131009),
        (rows(body="x" * 1025), 131009),
        (rows(0), 131009),
        (buttons("x" * 21), 131009),
        (buttons("1", "2", "3", "4"), 131009),
        (buttons(), 131009),
        (buttons("Yes", "Yes"), 131009),
        (buttons("Yes", "No", id0="a", id1="a"), 131009),
        (buttons(""), 131008),
        (buttons("Yes", id0="x" * 257), 131009),
        (buttons("Yes", body="x" * 1025), 131009),
        (buttons("Yes", body=""), 131008),
        (_wide("header", 61), 131009),
        (_wide("footer", 61), 131009),
        (link("x" * 21), 131009),
        (link(url="mailto:x"), 131009),
        ({"type": "text", "text": {"body": "x" * 4097}}, 100),
        ({"type": "text", "text": {"body": ""}}, 131008),
        ({"type": "text"}, 131008),
        ({"type": "dance", "dance": {}}, 100),
        ({"type": "image", "image": {"id": "1"}}, 131009),
        ({"type": "image", "image": {}}, 131008),
        ({"type": "interactive", "interactive": {"type": "wheel"}}, 131009),
        ({"type": "text", "text": {"body": "x"}, "to": "NG.123"}, 131009),
        ({"type": "text", "text": {"body": "x"}, "to": None}, 131008),
        ({"type": "text", "text": {"body": "x"}, "messaging_product": "sms"}, 100),
        (template(parameter="two\nlines"), 100),
        (template(name="unknown"), 132001),
        (template(language="fr"), 132001),
    ],
)
async def test_what_is_beyond_the_limits_is_refused(
    world: Outside, content: dict[str, Any], code: int
) -> None:
    await act(world, "say", text="Hi")

    reply = await post(world, content)

    assert reply.status_code in {400, 404}
    assert code_of(reply) == code
    assert len((await phone(world))["messages"]) == 1


@pytest.mark.parametrize(
    "content",
    [
        rows(10, title="x" * 24, description="x" * 72),
        rows(1, id="x" * 200),
        rows(button="x" * 20, body="x" * 1024),
        buttons("x" * 20, "y", "z", id0="x" * 256, body="x" * 1024),
        _wide("header", 60),
        link("x" * 20),
        {"type": "text", "text": {"body": "x" * 4096}},
        {"type": "image", "image": {"link": "http://127.0.0.1/a.png", "caption": "x" * 1024}},
        {"type": "location", "location": {"latitude": 6.5, "longitude": 3.4}},
        template(),
    ],
)
async def test_what_is_just_within_the_limits_is_sent(
    world: Outside, content: dict[str, Any]
) -> None:
    await act(world, "say", text="Hi")

    assert (await post(world, content)).status_code == 200
    assert len((await phone(world))["messages"]) == 2


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff\xfe"])
async def test_a_malformed_body_is_100(world: Outside, body: bytes) -> None:
    reply = await world.http.post(
        f"/whatsapp/v26.0/{NUMBER}/messages", content=body, headers=BEARER
    )

    assert (reply.status_code, code_of(reply)) == (400, 100)


# The window of a day, and who it is for.


async def test_only_templates_go_out_after_a_day(world: Outside) -> None:
    await act(world, "say", text="Hi")
    world.clock.advance(24 * 3600 - 1)
    assert (await text(world)).status_code == 200
    world.clock.advance(1)
    assert code_of(await text(world)) == 131047
    assert (await post(world, template())).status_code == 200
    assert (await phone(world))["window_open"] is False

    await act(world, "say", text="Hi again")

    assert (await text(world)).status_code == 200


async def test_a_user_without_number_is_reached_by_user_id(world: Outside, hook: Taker) -> None:
    user_id = (await act(world, "say", user="@ada", text="Hi"))["user_id"]
    await until(hook, 1)
    value = values(hook)[0]

    reply = await text(world, to=None, recipient=user_id)

    assert "from" not in value["messages"][0]
    assert value["messages"][0]["from_user_id"] == user_id
    assert value["contacts"] == [
        {"profile": {"name": "SIM ada", "username": "ada"}, "user_id": user_id}
    ]
    assert reply.json()["contacts"] == [{"input": user_id, "user_id": user_id}]
    assert [each["text"] for each in (await phone(world, "@ada"))["messages"]] == ["Hi", "Hello"]
    unknown = await text(world, to=None, recipient="NG.1")
    assert code_of(unknown) == 131026


async def test_a_number_is_told_when_it_was_asked_for(world: Outside, hook: Taker) -> None:
    user_id = (await act(world, "say", user="@ada", text="Hi"))["user_id"]
    await act(world, "contact", user="@ada", phone_number="08031234567")
    ask = {
        "type": "request_contact_info",
        "body": {"text": "Your number?"},
        "action": {"name": "request_contact_info"},
    }
    content = {"type": "interactive", "interactive": ask, "to": None, "recipient": user_id}
    assert (await post(world, content)).status_code == 200
    await act(world, "contact", user="@ada")
    await act(world, "say", user="@ada", text="Now you know")
    await until(hook, 4)

    _, offered, asked, after = messages(hook)
    assert offered["contacts"][0]["origin"] == "other"
    assert "vcard" in offered["contacts"][0]
    assert asked["contacts"][0]["origin"] == "contact_request"
    assert asked["contacts"][0]["phones"][0]["wa_id"] == USER
    assert (after["from"], after["from_user_id"]) == (USER, user_id)


# Webhooks.


async def test_a_webhook_is_signed_over_its_raw_bytes(world: Outside, hook: Taker) -> None:
    await act(world, "say", text="Ẹ káàbọ̀ 😀", name="Ada")
    await until(hook, 1)

    expected = "sha256=" + hmac.new(SECRET, hook.bodies[0], hashlib.sha256).hexdigest()
    assert hook.headers[0]["x-hub-signature-256"] == expected
    value = values(hook)[0]
    assert value["metadata"]["phone_number_id"] == NUMBER
    assert value["contacts"][0]["profile"]["name"] == "Ada"
    assert (value["messages"][0]["from"], value["messages"][0]["text"]["body"]) == (
        USER,
        "Ẹ káàbọ̀ 😀",
    )


async def test_a_press_answers_the_message_that_it_is_on(world: Outside, hook: Taker) -> None:
    await act(world, "say", text="Hi")
    first = (await post(world, buttons("Yes", "No"))).json()["messages"][0]["id"]
    second = (await post(world, rows(description="cheap"))).json()["messages"][0]["id"]

    await act(world, "press", id="t:1", message_id=first)
    await act(world, "press", id="t:1")
    await until(hook, 3)

    _, button, row = messages(hook)
    assert button["interactive"] == {
        "type": "button_reply",
        "button_reply": {"id": "t:1", "title": "No"},
    }
    assert button["context"]["id"] == first
    assert row["interactive"]["list_reply"] == {
        "id": "t:1",
        "title": "Row 1",
        "description": "cheap",
    }
    assert row["context"]["id"] == second


async def test_what_nothing_shows_is_pressed_only_anyway(world: Outside, hook: Taker) -> None:
    reply = await world.http.post(f"/control/whatsapp/{USER}/press", json={"id": "t:9"})

    assert reply.status_code == 409
    await act(world, "press", id="t:9", anyway=True)
    await until(hook, 1)
    assert messages(hook)[0]["interactive"]["button_reply"]["id"] == "t:9"


async def test_other_kinds_of_messages(world: Outside, hook: Taker) -> None:
    await act(world, "image", caption="look")
    await act(world, "other")
    await act(world, "other", type="something_new", content={"something_new": {"a": 1}})
    await until(hook, 3)

    told = messages(hook)
    assert [each["type"] for each in told] == ["image", "unsupported", "something_new"]
    assert told[1]["errors"][0]["code"] == 131051


async def test_statuses_follow_and_reading_is_told(world: Outside, hook: Taker) -> None:
    await act(world, "say", text="Hi")
    sent = await text(world, biz_opaque_callback_data="N-1")
    await until(hook, 2, statuses)
    await act(world, "read")
    await until(hook, 3, statuses)

    told = statuses(hook)
    assert [each["status"] for each in told] == ["sent", "delivered", "read"]
    assert {each["id"] for each in told} == {sent.json()["messages"][0]["id"]}
    assert {each["recipient_id"] for each in told} == {USER}
    assert {each["biz_opaque_callback_data"] for each in told} == {"N-1"}
    assert (await phone(world))["messages"][-1]["status"] == "read"


async def test_a_webhook_is_kept_until_taken(world: Outside, hook: Taker) -> None:
    hook.answers = ((500, {}), (404, {}), (200, {}))
    await act(world, "say", text="1")
    await act(world, "say", text="2")
    await hook.got(4)
    await settled()

    assert [message["text"]["body"] for message in messages(hook)] == ["1", "1", "1", "2"]
    assert len({message["id"] for message in messages(hook)}) == 2
    assert (await world.http.get("/control/whatsapp/webhook")).json() == []


async def test_several_come_in_one_call(world: Outside, hook: Taker) -> None:
    await world.play("whatsapp", "webhook_batch", code="7")
    for at in range(6):
        await act(world, "say", user=f"23480312345{at:02}", text=str(at))
    assert len((await world.http.get("/control/whatsapp/webhook")).json()) == 6
    await act(world, "say", text="6")
    await hook.got(1)

    payload = json.loads(hook.bodies[0])
    assert len(payload["entry"]) == 2
    assert [len(entry["changes"]) for entry in payload["entry"]] == [2, 2]
    assert [len(value["messages"]) for value in values(hook)] == [2, 2, 2, 1]
    assert [message["text"]["body"] for message in messages(hook)] == list("0123456")


@pytest.mark.parametrize("scenario", ["webhook_twice", "webhook_twice_at_once"])
async def test_webhooks_come_twice(world: Outside, hook: Taker, scenario: str) -> None:
    await world.play("whatsapp", scenario, recipient=USER, next=1)
    await act(world, "say", text="1")
    await until(hook, 2)

    assert messages(hook)[0] == messages(hook)[1]


@pytest.mark.parametrize(("scenario", "seconds"), [("out_of_order", 0), ("late", 0.2)])
async def test_webhooks_come_out_of_order(
    world: Outside, hook: Taker, scenario: str, seconds: float
) -> None:
    await world.play("whatsapp", f"webhook_{scenario}", next=1, seconds=seconds)
    await act(world, "say", text="1")
    await act(world, "say", text="2")
    await until(hook, 2)

    assert [message["text"]["body"] for message in messages(hook)] == ["2", "1"]


async def test_a_forged_webhook_comes_once_with_a_wrong_signature(
    world: Outside, hook: Taker
) -> None:
    hook.answers = ((403, {}),)
    await world.play("whatsapp", "webhook_forged", next=1)
    await act(world, "say", text="1")
    await hook.got(1)
    await settled()

    right = "sha256=" + hmac.new(SECRET, hook.bodies[0], hashlib.sha256).hexdigest()
    assert len(hook.bodies) == 1
    assert hook.headers[0]["x-hub-signature-256"] != right


async def test_a_held_webhook_waits_for_its_release(world: Outside, hook: Taker) -> None:
    await world.play("whatsapp", "webhook_held", next=1)
    await act(world, "say", text="1")
    await settled()

    assert hook.bodies == []
    assert (await world.http.get("/control/whatsapp/webhook")).json()[0]["state"] == "held"
    assert (await world.http.post("/control/whatsapp/release")).json() == {"released": 1}
    await until(hook, 1)


@pytest.mark.parametrize("signature", ["right", "wrong", "none", "sha256=x"])
async def test_anything_can_be_delivered_raw(world: Outside, hook: Taker, signature: str) -> None:
    order = {"raw": "{not json", "signature": signature}

    reply = await world.http.post("/control/whatsapp/webhook", json=order)

    right = "sha256=" + hmac.new(SECRET, b"{not json", hashlib.sha256).hexdigest()
    assert reply.json() == {"status": 200, "body": "{}"}
    assert hook.bodies == [b"{not json"]
    given = hook.headers[0].get("x-hub-signature-256")
    assert (given == right) is (signature == "right")
    assert (given is None) is (signature == "none")


async def test_a_whole_payload_can_be_delivered(world: Outside, hook: Taker) -> None:
    payload = {"object": "whatsapp_business_account", "entry": []}

    reply = await world.http.post("/control/whatsapp/webhook", json={"payload": payload})

    assert reply.json()["status"] == 200
    assert [json.loads(body) for body in hook.bodies] == [payload]


async def test_statuses_may_come_out_of_order_or_never(world: Outside, hook: Taker) -> None:
    await act(world, "say", text="Hi")
    await world.play("whatsapp", "statuses_out_of_order", next=1)
    await text(world)
    await until(hook, 2, statuses)
    await world.play("whatsapp", "statuses_never", next=1)
    await text(world)
    await settled()

    assert [each["status"] for each in statuses(hook)] == ["delivered", "sent"]


async def test_the_challenge_is_asked_for(world: Outside) -> None:
    async def answer(request: Request) -> Response:
        query = request.query_params
        if query["hub.verify_token"] != "SIM-whatsapp-verify":
            return PlainTextResponse("no", 403)
        return PlainTextResponse(query["hub.challenge"])

    async with serve(Starlette(routes=[Route("/hook", answer)])) as base:
        right = (
            await world.http.post("/control/whatsapp/verify", json={"url": f"{base}/hook"})
        ).json()
        order = {"url": f"{base}/hook", "verify_token": "other"}
        other = (await world.http.post("/control/whatsapp/verify", json=order)).json()

    assert (right["accepted"], right["body"]) == (True, right["challenge"])
    assert (other["accepted"], other["status"]) == (False, 403)
    away = await world.http.post("/control/whatsapp/verify", json={"url": "https://example.com"})
    assert away.status_code == 400


# Read receipts and media.


async def test_a_read_receipt_marks_and_types(world: Outside) -> None:
    said = await act(world, "say", text="Hi")
    receipt = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": said["message_id"],
        "typing_indicator": {"type": "text"},
    }

    assert (await post(world, receipt)).json() == {"success": True}
    shown = await phone(world)
    assert (shown["typing"], shown["messages"][0]["status"]) == (True, "read")
    await text(world)
    assert (await phone(world))["typing"] is False
    assert code_of(await post(world, {**receipt, "message_id": "wamid.other"})) == 131009


async def test_media_is_uploaded_sent_and_fetched(world: Outside) -> None:
    await act(world, "say", text="Hi")
    form = {"messaging_product": "whatsapp", "type": "image/png"}
    path = f"/whatsapp/v26.0/{NUMBER}/media"
    up = await world.http.post(
        path, data=form, files={"file": ("r.png", b"PNG", "image/png")}, headers=BEARER
    )
    odd = await world.http.post(
        path,
        data={**form, "type": "image/tiff"},
        files={"file": ("r", b"x", "image/tiff")},
        headers=BEARER,
    )
    media_id = up.json()["id"]

    sent = await post(world, {"type": "image", "image": {"id": media_id, "caption": "Receipt"}})

    assert (sent.status_code, code_of(odd)) == (200, 100)
    image = (await phone(world))["messages"][-1]["image"]
    assert (await world.http.get(image["url"])).content == b"PNG"
    told = (await world.http.get(f"/whatsapp/v26.0/{media_id}", headers=BEARER)).json()
    assert (await world.http.get(told["url"], headers=BEARER)).content == b"PNG"


# Faults.


@pytest.mark.parametrize(
    ("scenario", "more", "status", "code"),
    [
        ("throughput", {}, 400, 130429),
        ("pair_limit", {}, 400, 131056),
        ("window_closed", {}, 400, 131047),
        ("undeliverable", {}, 400, 131026),
        ("something_wrong", {}, 500, 131000),
        ("token_expired", {}, 401, 190),
        ("refused", {"code": "131049"}, 400, 131049),
    ],
)
async def test_an_error_on_demand(
    world: Outside, scenario: str, more: dict[str, str], status: int, code: int
) -> None:
    await act(world, "say", text="Hi")
    await world.play("whatsapp", scenario, recipient=USER, next=1, **more)

    reply = await text(world)

    assert (reply.status_code, code_of(reply)) == (status, code)
    assert (await text(world)).status_code == 200


async def test_a_user_id_may_be_refused(world: Outside) -> None:
    user_id = (await act(world, "say", user="@ada", text="Hi"))["user_id"]
    await world.play("whatsapp", "bsuid_refused")

    assert code_of(await text(world, to=None, recipient=user_id)) == 131062


async def test_a_failure_may_be_told_later(world: Outside, hook: Taker) -> None:
    await act(world, "say", text="Hi")
    await world.play("whatsapp", "failed_later", next=1, code="131026")
    first = await text(world)
    await until(hook, 1, statuses)
    world.clock.advance(25 * 3600)
    await world.play("whatsapp", "refusals_later")
    second = await text(world)
    await until(hook, 2, statuses)

    assert (first.status_code, second.status_code) == (200, 200)
    told = statuses(hook)
    assert [each["status"] for each in told] == ["failed", "failed"]
    assert [each["errors"][0]["code"] for each in told] == [131026, 131047]
    assert [each["error"] for each in (await phone(world))["messages"][1:]] == [131026, 131047]


async def test_real_limits_count_per_pair(world: Outside) -> None:
    await act(world, "say", text="Hi")
    await world.play("whatsapp", "real_limits")

    codes = [(await text(world)).status_code for _ in range(45)]
    over = await text(world)
    world.clock.advance(6)

    assert set(codes) == {200}
    assert code_of(over) == 131056
    assert (await text(world)).status_code == 200


async def test_real_limits_count_over_all(world: Outside) -> None:
    await world.play("whatsapp", "real_limits")
    people = [f"2348031234{at:03}" for at in range(81)]

    replies = [await post(world, {**template(), "to": person}) for person in people]

    assert {reply.status_code for reply in replies[:80]} == {200}
    assert code_of(replies[80]) == 130429


@pytest.mark.parametrize(
    ("scenario", "status", "shown"),
    [("error_500", 500, 0), ("html_503", 503, 0), ("garbled", 200, 1)],
)
async def test_an_odd_answer(world: Outside, scenario: str, status: int, shown: int) -> None:
    await act(world, "say", text="Hi")
    await world.play("whatsapp", scenario, next=1)

    reply = await text(world)

    assert reply.status_code == status
    with pytest.raises(json.JSONDecodeError):
        reply.json()
    assert len((await phone(world))["messages"]) == 1 + shown


@pytest.mark.parametrize(("scenario", "shown"), [("lost_before", 0), ("lost_after", 1)])
async def test_a_lost_answer(world: Outside, scenario: str, shown: int) -> None:
    await act(world, "say", text="Hi")
    await world.play("whatsapp", scenario, next=1)

    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        await text(world)

    assert len((await phone(world))["messages"]) == 1 + shown


async def test_a_late_answer_has_sent_a_slow_one_sends_in_the_end(world: Outside) -> None:
    await act(world, "say", text="Hi")
    await world.play("whatsapp", "taken_late", next=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await text(world)
    assert len((await phone(world))["messages"]) == 2
    await world.play("whatsapp", "slow", next=1, seconds=0.1)
    assert (await text(world)).status_code == 200


async def test_the_calls_about_a_person_are_listed(world: Outside) -> None:
    await act(world, "say", text="Hi")
    await text(world)
    await text(world, "x" * 4097)

    calls = (await world.http.get(f"/control/whatsapp/{USER}/calls")).json()

    assert [(each["status"], each["error"]) for each in calls] == [(200, None), (400, 100)]
    assert calls[0]["body"]["text"] == {"body": "Hello"}


@pytest.mark.parametrize(("path", "status"), [("dance", 404), ("say", 400), ("contact", 409)])
async def test_a_control_call_that_makes_no_sense(world: Outside, path: str, status: int) -> None:
    reply = await world.http.post(f"/control/whatsapp/@nobody/{path}", json={})

    assert reply.status_code == status
    assert reply.json()["error"]


async def test_a_reset_forgets_what_was_said(world: Outside) -> None:
    await act(world, "say", text="Hi")

    await world.start_over()

    shown = await phone(world)
    assert (shown["messages"], shown["window_open"]) == ([], False)


async def test_every_part_is_tested_here() -> None:
    played = {
        *("ok", "throughput", "pair_limit", "window_closed", "undeliverable", "something_wrong"),
        *("token_expired", "bsuid_refused", "refused", "failed_later", "refusals_later"),
        *("real_limits", "error_500", "html_503", "lost_before", "lost_after", "taken_late"),
        *("slow", "garbled", "webhook_twice", "webhook_twice_at_once", "webhook_out_of_order"),
        *("webhook_late", "webhook_forged", "webhook_held", "webhook_batch"),
        *("statuses_never", "statuses_out_of_order"),
    }
    assert set(WhatsApp.scenarios) == {"ok", *CALLS, *WEBHOOKS} == played


@pytest.mark.parametrize(
    "content",
    [
        {"type": ["text"]},
        {"type": "text", "text": {"body": 5}},
        {"type": "text", "text": {"body": "x"}, "context": "x"},
        {"type": "interactive", "interactive": {"type": "list", "body": "x", "action": []}},
        {**buttons("Yes"), "to": 12, "recipient": 3},
        {"type": "template", "template": {"name": "x", "language": "en"}},
        {
            "type": "template",
            "template": {"name": "x", "language": {"code": "en"}, "components": 1},
        },
        {"status": "read", "message_id": ["x"]},
    ],
)
async def test_odd_messages_never_break_it(world: Outside, content: dict[str, Any]) -> None:
    await act(world, "say", text="Hi")

    reply = await post(world, content)

    assert reply.status_code in {200, 400}
    assert (await phone(world))["user"]["wa_id"] == USER
